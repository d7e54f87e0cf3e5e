"""Completes the contract of the API (openapi.json) with what holds for every call.

The calls describe their own input and output; here stand the refusals they share, in the one
shape ``web.errors`` writes them, the words an address allows, and the files that are given out.
Called by the app (``register``).
"""

from collections.abc import Iterator
from typing import Any

from apiflask import APIFlask
from flask import current_app
from werkzeug.routing import AnyConverter, Rule

from archive.core.described import MARK
from archive.web.wording import TITLES

Spec = dict[Any, Any]

METHODS = ("get", "post", "put", "patch", "delete")
READ = (401, 403, 404, 409, 422, 429, 503)  # 409: the state of a thing forbids what is asked
WRITE = (400, *READ, 413, 415, 507)
ERROR = {
    "type": "object",
    "description": "为什么没有做：稳定的代码、一句话、各项的说明",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "fields"],
            "additionalProperties": False,
            "properties": {
                "code": {"type": "string"},
                "message": {"type": "string"},
                "fields": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        }
    },
}
FILES = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "jpg": "image/jpeg",
}
JSON = "application/json"
BINARY = {"schema": {"type": "string", "format": "binary"}}


def register(app: APIFlask) -> None:
    """Complete the document each time it is asked for."""
    app.spec_processor(complete)


def complete(spec: Spec | str) -> Spec | str:
    """Add to the document what every call shares."""
    if isinstance(spec, str):
        return spec
    parts = spec.setdefault("components", {})
    parts.setdefault("securitySchemes", {})["bearer"] = {"type": "http", "scheme": "bearer"}
    spec["security"] = [{"bearer": []}]
    for unused in ("HTTPError", "ValidationError"):
        parts.get("schemas", {}).pop(unused, None)
    parts.setdefault("schemas", {})["Error"] = ERROR
    parts["responses"] = {str(status): _refusal(status) for status in sorted(set(WRITE))}
    rules = {_address(rule): rule for rule in current_app.url_map.iter_rules()}
    for address, method, call in _calls(spec):
        _share_refusals(call, WRITE if method != "get" else READ)
        _say_words(call, rules[address])
        _say_body(call)
        _say_file(call, address)
        _say_objects(call)
    return spec


def _calls(spec: Spec) -> Iterator[tuple[str, str, Spec]]:
    for address, calls in spec.get("paths", {}).items():
        for method in METHODS:
            if method in calls:
                yield address, method, calls[method]


def _refusal(status: int) -> Spec:
    schema = {"schema": {"$ref": "#/components/schemas/Error"}}
    return {"description": TITLES[status], "content": {JSON: schema}}


def _share_refusals(call: Spec, statuses: tuple[int, ...]) -> None:
    for status in statuses:
        call["responses"][str(status)] = {"$ref": f"#/components/responses/{status}"}


def _address(rule: Rule) -> str:
    """Return the address as the document writes it."""
    return "".join(
        f"{{{text}}}" if is_part else text for is_part, text in rule._trace if text != "|"
    )


def _say_words(call: Spec, rule: Rule) -> None:
    """Name the words an address allows, and that its numbers count up from nought."""
    for entry in call.get("parameters", ()):
        converter = rule._converters.get(entry["name"]) if entry["in"] == "path" else None
        if isinstance(converter, AnyConverter):
            entry["schema"] = {"type": "string", "enum": sorted(converter.items)}
        elif entry["in"] == "path" and entry["schema"].get("type") == "integer":
            entry["schema"] = {"type": "integer", "minimum": 0}


def _say_body(call: Spec) -> None:
    """Describe bodies that are files; a body that is described is also needed."""
    content = call.pop(MARK, None)
    if content:
        call["requestBody"] = {"content": content}
    if "requestBody" in call:
        call["requestBody"]["required"] = True


def _say_file(call: Spec, address: str) -> None:
    """Describe the file an address ends in."""
    answer = call["responses"].get("200")
    if answer is None:
        return
    ending = address.rpartition(".")[2]
    if ending in FILES:
        answer["content"] = {FILES[ending]: BINARY}
    elif address.endswith(".{kind}"):
        words = next(one for one in call["parameters"] if one["name"] == "kind")["schema"]["enum"]
        answer["content"] = {FILES[word]: BINARY for word in words}
    elif address.endswith("/files/{file_id}"):
        answer["content"] = {"*/*": BINARY}


def _say_objects(call: Spec) -> None:
    """Say of answers without a schema of their own that they are JSON objects."""
    answers = call["responses"]
    if "201" in answers and not answers.get("200", {}).get("content", {}).get(JSON, {}).get(
        "schema", True
    ):
        del answers["200"]  # added for want of anything known
    for status in ("200", "201"):
        content = answers.get(status, {}).get("content")
        if content is not None and content.get(JSON, {}).get("schema") == {}:
            content[JSON] = {"schema": {"type": "object"}}

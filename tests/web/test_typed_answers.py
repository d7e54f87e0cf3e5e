"""An answer of the API says what is in it: "some object" helps nobody who reads the document."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from archive.core.clock import SHANGHAI
from archive.core.described import INSTANT, Instant


def untyped(document: dict[str, Any]) -> Iterator[str]:
    """Yield every call with an answer of which nothing is said."""
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            for status, answer in call.get("responses", {}).items():
                told = answer.get("content", {}).get("application/json")
                if status.startswith("2") and told and _says_nothing(document, told["schema"]):
                    yield f"{method} {path}"


def _says_nothing(document: dict[str, Any], schema: dict[str, Any]) -> bool:
    while "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        schema = document["components"]["schemas"][name]
    if schema.get("type") == "array":
        return _says_nothing(document, schema.get("items", {}))
    if schema.get("type", "object") != "object":
        return False
    said = ("properties", "additionalProperties", "anyOf", "oneOf", "allOf")
    return not any(schema.get(word) for word in said)


def test_no_answer_is_only_an_object(app):
    document = app.test_client().get("/api/v1/openapi.json").get_json()
    assert not list(untyped(document))


def answered(document: dict[str, Any], found: Any, seen: set[str]) -> Iterator[tuple[str, Any]]:
    """Yield every entry that stands anywhere in an answer, with what is said of it."""
    if isinstance(found, list):
        for one in found:
            yield from answered(document, one, seen)
    if not isinstance(found, dict):
        return
    name = str(found.get("$ref", "")).rsplit("/", 1)[-1]
    if name and name not in seen and name in document["components"]["schemas"]:
        seen.add(name)
        yield from answered(document, document["components"]["schemas"][name], seen)
    for key, one in found.items():
        if key == "properties":
            yield from ((f"{name} {entry}", schema) for entry, schema in one.items())
        yield from answered(document, one, seen)


def test_every_instant_in_an_answer_is_written_one_way(app):
    document = app.test_client().get("/api/v1/openapi.json").get_json()
    answers = [
        call["responses"] for calls in document["paths"].values() for call in calls.values()
        if isinstance(call, dict)
    ]  # fmt: skip
    instants = 0
    for name, schema in answered(document, answers, set()):
        kinds = schema.get("anyOf", [schema])
        if any(kind.get("format") == "date-time" for kind in kinds):
            assert {"pattern": INSTANT}.items() <= kinds[0].items(), name
            instants += 1
        elif name.rpartition(" ")[2].split("_")[-1] == "at":
            assert not any(kind.get("type") == "string" for kind in kinds), f"{name} is no instant"
    assert instants > 50


def test_an_instant_is_utc_to_the_microsecond():
    class At(BaseModel):
        at: Instant

    sharp = At(at=datetime(2026, 11, 23, 9, 5, tzinfo=SHANGHAI))
    assert sharp.model_dump(mode="json") == {"at": "2026-11-23T01:05:00.000000Z"}

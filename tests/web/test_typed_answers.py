"""An answer of the API says what is in it: "some object" helps nobody who reads the document."""

from collections.abc import Iterator
from typing import Any


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

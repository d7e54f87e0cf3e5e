"""An answer of the API says what is in it: "some object" helps nobody who reads the document."""

from collections.abc import Iterator
from typing import Any

# Still only "object"; the list may get shorter, never longer.
UNTYPED = {
    "get /api/v1/controlled",
    "get /api/v1/controlled/mine",
    "get /api/v1/controlled/old",
    "get /api/v1/controlled/{document_id}",
    "get /api/v1/items/{item_id}/as-of",
    "get /api/v1/records/{record_id}/compare",
    "get /api/v1/records/{record_id}/corrections",
    "delete /api/v1/records/{record_id}/corrections",
    "post /api/v1/controlled",
    "post /api/v1/controlled/copies/{copy_id}/end",
    "post /api/v1/controlled/copies/{copy_id}/paper",
    "post /api/v1/controlled/copies/{copy_id}/receive",
    "post /api/v1/controlled/refusals",
    "post /api/v1/controlled/{document_id}/copies",
    "post /api/v1/controlled/{document_id}/versions/{version_id}/withdraw",
}


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


def test_no_new_answer_is_only_an_object(app):
    document = app.test_client().get("/api/v1/openapi.json").get_json()
    assert set(untyped(document)) == UNTYPED

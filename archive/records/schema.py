"""A form for programs: the JSON Schema of its values, and its sample. Called by ``api``."""

import json
from typing import Any

from doc_templates import Field, Form

_NUMBER = {"type": ["string", "number"], "pattern": r"^-?\d+(\.\d+)?$"}
_TYPES: dict[str, dict[str, Any]] = {
    "integer": {"type": ["string", "integer"], "pattern": r"^-?\d+$"},
    "decimal": _NUMBER,
    "number": _NUMBER,
    "money": {"type": ["string", "number"], "pattern": r"^-?\d+(\.\d{1,2})?$"},
    "percent": _NUMBER,
    "date": {"type": "string", "format": "date"},
    "month": {"type": "string", "pattern": r"^\d{4}-\d{2}$"},
    "check": {"type": "boolean"},
    "email": {"type": "string", "format": "email"},
}


def form_schema(form: Form) -> dict[str, Any]:
    """Return the JSON Schema of a form's values, as a program has to send them."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": form.title,
        **_object(form.fields),
    }


def sample_values(form: Form) -> dict[str, Any]:
    """Return the form's sample; empty where it ships none."""
    try:
        found = json.loads(form.read_sample())
    except OSError:
        return {}
    return found if isinstance(found, dict) else {}


def _object(fields: tuple[Field, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {entry.key: _entry(entry) for entry in fields},
        "required": [entry.key for entry in fields if entry.required and not entry.signer],
        "additionalProperties": False,
    }


def _entry(entry: Field) -> dict[str, Any]:
    described: dict[str, Any] = {"title": entry.label}
    if entry.help:
        described["description"] = entry.help
    if entry.is_computed:
        return {**described, "type": "string", "readOnly": True}
    if entry.kind == "rows":
        return {**described, "type": "array", "items": _object(entry.columns)}
    if entry.kind == "choice":
        return {**described, "enum": [*entry.choices]}
    if entry.kind == "multi":
        return {**described, "type": "array", "items": {"enum": [*entry.choices]}}
    described |= _TYPES.get(entry.kind, {"type": "string"})
    if entry.max_length:
        described["maxLength"] = entry.max_length
    return described

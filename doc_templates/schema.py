"""JSON Schema of a form's values, for the API and for programs that fill forms in.

Describes canonical values; a number may also come as a JSON number. Check digits and rules
between entries are not in it: `check_values` decides. Called by the records station.
"""

from collections.abc import Iterable
from typing import Any

from doc_templates.definition import Field, Form
from doc_templates.fields import Schema, get_kind, is_demanded
from doc_templates.values import MAX_ROWS

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def form_json_schema(form: Form) -> dict[str, Any]:
    """Return the JSON Schema of a form's values; unknown entries are refused."""
    head = {"$schema": DIALECT, "title": form.title}
    if form.description:
        head["description"] = form.description
    return {**head, **_object(form.fields)}


def field_json_schema(entry: Field) -> Schema:
    """Return the JSON Schema of one entry, its label and help included."""
    told: Schema = {"title": entry.label}
    if entry.help:
        told["description"] = entry.help
    if entry.is_computed:
        return {**told, "type": "string", "readOnly": True}
    if entry.kind == "rows":
        return {**told, **_table(entry)}
    if entry.readonly:
        told["readOnly"] = True
    described = get_kind(entry).json_schema(entry)
    hint = described.get("description")
    if hint and entry.help:
        told["description"] = f"{entry.help}；{hint}"
    return {**described, **told}


def _table(table: Field) -> Schema:
    least = {"minItems": 1} if is_demanded(table) else {}
    return {
        "type": "array",
        "items": _object(table.columns),
        **least,
        "maxItems": table.max_rows or MAX_ROWS,
    }


def _object(entries: Iterable[Field]) -> Schema:
    fields = tuple(entries)
    return {
        "type": "object",
        "properties": {entry.key: field_json_schema(entry) for entry in fields},
        "required": [entry.key for entry in fields if is_demanded(entry)],
        "additionalProperties": False,
    }

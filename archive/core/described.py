"""What a call takes and gives that no schema says by itself. Read by ``web.contract``."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import BaseModel, PlainSerializer, WithJsonSchema

MARK = "x-body"
INSTANT = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z$"


def _written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


Instant = Annotated[
    datetime,
    PlainSerializer(_written, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": INSTANT}),
]
"""An instant in an answer: always UTC, to the microsecond, with a Z."""


class Answer(BaseModel):
    """An answer that is described as it is written, not as it is read from a view."""

    @classmethod
    def model_json_schema(cls, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the schema of what is written."""
        return super().model_json_schema(*args, **kwargs | {"mode": "serialization"})


def upload(name: str, *, many: bool = False, options: tuple[str, ...] = ()) -> dict[str, Any]:
    """Describe a multipart body with a file (or several) and free text options."""
    one = {"type": "string", "format": "binary"}
    entries: dict[str, Any] = {name: {"type": "array", "items": one} if many else one}
    entries |= {option: {"type": "string"} for option in options}
    schema = {"type": "object", "properties": entries, "required": [name]}
    return {MARK: {"multipart/form-data": {"schema": schema}}}


def raw(*media_types: str) -> dict[str, Any]:
    """Describe a body that is the bytes of one file."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {MARK: dict.fromkeys(media_types, binary)}

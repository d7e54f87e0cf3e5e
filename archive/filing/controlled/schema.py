"""What the API tells of controlled documents and their numbered copies."""

from datetime import date

from pydantic import BaseModel, Field

from archive.core.calls import ViewAnswer
from archive.core.described import Instant


class ControlledCopyOut(ViewAnswer):
    """A numbered copy; ``sha256`` of its stamped PDF, ``state`` in words."""

    id: int
    document_id: int
    document_number: str
    document_title: str
    version_id: int
    version_label: str
    number: int
    number_label: str
    department_name: str
    person_id: int
    person_name: str
    issued_by: str
    issued_at: Instant
    sha256: str | None
    pages: int
    received_at: Instant | None
    received_how: str
    recalled_at: Instant | None
    ended_at: Instant | None
    ended_how: str
    ended_by: str
    note: str
    is_valid: bool
    version: int
    state: str = Field(validation_alias="state_label")


class ControlledVersionOut(ViewAnswer):
    """A version; ``item_id`` None to whom may not read the filed paper."""

    id: int
    item_id: int | None = Field(validation_alias="item_to_read")
    label: str
    valid_from: date
    state: str = Field(validation_alias="state_label")
    note: str


class ControlledOut(ViewAnswer):
    """A controlled document; ``valid`` names the version in force, ``out`` counts its copies."""

    id: int
    number: str
    title: str
    valid: str | None = Field(validation_alias="valid_label")
    out: int
    old_out: int
    versions: list[ControlledVersionOut]
    copies: list[ControlledCopyOut]


class ControlledPage(ViewAnswer):
    """A page of the controlled documents."""

    items: list[ControlledOut]
    total: int
    page: int
    pages: int


class ControlledCopies(ViewAnswer):
    """Copies of several documents."""

    items: list[ControlledCopyOut]
    total: int


class RefusalsOut(BaseModel):
    """Why a paper was not taken as controlled, every time it was not."""

    item_id: int
    refusals: list[str]

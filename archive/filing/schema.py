"""What the filing API takes and gives, for its checks and its contract (openapi.json)."""

from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from archive.core.calls import Strict, ViewAnswer
from archive.core.described import Answer, Instant

MOST_ROWS = 500


class AppraiseIn(Strict):
    """Which signed record is taken in (鉴别)."""

    record_id: int
    note: str = Field(default="", max_length=500)


class RefuseIn(Strict):
    """Why a record is given back to its author."""

    reason: str


class ClassifyIn(Strict):
    """Where the item belongs (归属); what is left out stays as the form and the plan propose."""

    version: int | None = None
    category: str | None = None
    item_class: str | None = None
    year: int | None = None
    retention: str | None = None
    unit: str | None = None
    secrecy: str | None = None


class StepIn(Strict):
    """The version the step is made from; without it the step is done to the item as it is."""

    version: int | None = None


class PlaceIn(Strict):
    """Where a paper stands."""

    room: str = ""
    row: str = ""
    bay: str = ""
    shelf: str = ""
    box: str = ""


class ShelveIn(Strict):
    """Where the paper is put (上架) and how many pages were counted."""

    version: int | None = None
    place: PlaceIn
    pages: int | None = None


class FileRecordIn(Strict):
    """All steps in one act; without a place the shelf for new papers."""

    place: PlaceIn | None = None
    pages: int | None = None


class FileIn(FileRecordIn):
    """Every step that is left in one act; ``version`` is the item's one saw."""

    version: int | None = None


class ImportIn(Strict):
    """Papers to be filed from outside; each row as in a .jsonl, only the title needed."""

    rows: list[dict[str, Any]] = Field(max_length=MOST_ROWS)


class ListQuery(BaseModel):
    """How the catalogue is narrowed."""

    text: str = ""
    form: str = ""
    year: int | None = None
    customer_id: int | None = None
    department_id: int | None = None
    item_class: str = ""
    state: str = ""
    volume_id: int | None = None
    sort: str = ""
    page: int = 1
    per_page: int = 20


class VolumeQuery(BaseModel):
    """How the volumes are narrowed."""

    year: int | None = None
    item_class: str = ""
    page: int = 1
    per_page: int = 20


class PageQuery(BaseModel):
    """Which page of a catalogue."""

    page: int = 1
    per_page: int = 100


class CopyOut(ViewAnswer):
    """A physical copy."""

    id: int
    barcode: str
    pages: int
    location: str
    status: str
    status_label: str


class FileOut(ViewAnswer):
    """A file of an item."""

    id: int
    role: str
    name: str
    sha256: str
    size: int
    media_type: str


class StepOut(ViewAnswer):
    """A step that was done."""

    step: str
    by_name: str
    at: Instant
    note: str


class ItemOut(ViewAnswer):
    """An item with its description, files, copies and steps."""

    id: int
    external_id: str | None
    record_id: int | None
    title: str
    customer_id: int | None
    customer_name: str
    form_code: str
    form_title: str
    document_number: str
    responsible: str
    department_id: int | None
    department_name: str
    document_date: date | None
    year: int
    category: str
    item_class: str
    retention: str
    retention_label: str
    unit: str
    secrecy: str = Field(validation_alias="secrecy_label")
    pages: int
    volume_id: int | None
    volume_title: str
    code: str
    provisional_code: str | None
    reference_code: str | None
    state: str
    state_label: str
    next_step: str
    status: str
    note: str
    elements: dict[str, str]
    version: int
    copies: list[CopyOut]
    files: list[FileOut]
    steps: list[StepOut]


class ItemPage(Answer):
    """One page of the catalogue."""

    items: list[ItemOut]
    total: int
    page: int
    pages: int


class VolumeOut(ViewAnswer):
    """A yearly volume; items and pages count what the token's user may read."""

    id: int
    title: str
    fonds: str
    category: str
    year: int
    retention: str
    unit: str
    item_class: str
    state: str
    items: int
    pages: int


class VolumePage(Answer):
    """One page of the volumes."""

    items: list[VolumeOut]
    total: int
    page: int
    pages: int


class LineOut(ViewAnswer):
    """One line of a volume's catalogue."""

    place: int
    item_id: int
    code: str
    document_number: str
    responsible: str
    title: str
    document_date: date | None
    secrecy: str = Field(validation_alias="secrecy_label")
    pages: int
    note: str


class CatalogueOut(Answer):
    """A volume and a page of its catalogue."""

    volume: VolumeOut
    items: list[LineOut]
    total: int
    page: int
    pages: int


class RefusalOut(ViewAnswer):
    """A paper given back: a record, or an item from outside."""

    record_id: int | None
    item_id: int | None
    by_name: str
    at: Instant
    reason: str


class FaultOut(ViewAnswer):
    """A row that was not taken, and why."""

    where: str
    why: str


class ImportOut(BaseModel):
    """What became of the rows."""

    imported: list[int]
    skipped: list[FaultOut]
    failed: list[FaultOut]

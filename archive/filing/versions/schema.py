"""What the API tells of versions and corrections."""

from typing import Any

from archive.core.calls import FromView
from archive.core.described import Instant


class DescribedOut(FromView):
    """An item after its description was changed."""

    id: int
    version: int
    title: str


class FieldChangeOut(FromView):
    """One field of a change: what was and what became, in words."""

    key: str
    label: str
    old: str
    new: str


class ItemVersionOut(FromView):
    """One change of an item's description; ``n`` counts from 1."""

    id: int
    n: int
    at: Instant
    by_name: str
    act: str
    reason: str
    digest: str
    changes: list[FieldChangeOut]


class ItemVersionsOut(FromView):
    """Every change of an item's description, newest first."""

    items: list[ItemVersionOut]
    total: int


class RecordThenOut(FromView):
    """What a record held at an instant; ``values`` None where nothing was kept of it."""

    at: Instant
    state: str
    is_exact: bool
    note: str
    version: int | None
    digest: str
    reason: str
    values: dict[str, Any] | None


class CorrectionDraftOut(FromView):
    """The draft that corrects a signed paper."""

    id: int
    version: int
    corrects: int


class CopyThenOut(FromView):
    """A physical copy at an instant."""

    barcode: str
    location: str
    status_label: str


class ItemThenOut(FromView):
    """An item as it was at an instant: its description in words by label.

    ``notes`` say what was not kept yet and is told as it is now.
    """

    at: Instant
    exists: bool
    state_label: str
    fields: dict[str, str]
    text: str
    copies: list[CopyThenOut]
    files: list[str]
    notes: list[str]
    version_n: int


class CorrectionOut(FromView):
    """The other paper of a correction; ``record_id`` is 0 to whom may not read it."""

    record_id: int
    number: str
    title: str
    code: str
    reason: str
    made_at: Instant
    counts: bool
    is_draft: bool


class CorrectionsOut(FromView):
    """Both sides of a paper's corrections; None where there is none."""

    corrects: CorrectionOut | None
    corrected_by: CorrectionOut | None

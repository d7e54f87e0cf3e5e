"""Decisions on controlled documents, on plain values: which version is valid, what may be typed."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from archive.core.errors import Invalid
from archive.filing.rules import MAX_REASON, line_fault, text_fault

NUMBER_LIMIT, TITLE_LIMIT, LABEL_LIMIT = 40, 200, 20
LAST_COPY = 999


class Dated(Protocol):
    """A version as these rules see it."""

    @property
    def valid_from(self) -> date:
        """The first day of the version."""

    @property
    def withdrawn_at(self) -> datetime | None:
        """When it was put out of use, or None."""


def state_of(version: Dated, all_versions: Sequence[Dated], today: date) -> str:
    """Return valid, coming or past: valid is the latest begun; withdrawn or replaced is past."""
    if version.withdrawn_at is not None:
        return "past"
    if version.valid_from > today:
        return "coming"
    begun = [one.valid_from for one in all_versions if one.valid_from <= today]
    return "valid" if version.valid_from == max(begun) else "past"


def clean_line(text: str, name: str, label: str, limit: int) -> str:
    """Return one line without outer blanks; raise Invalid when it is empty or unfit."""
    cleaned = text.strip()
    fault = line_fault(cleaned, limit) if cleaned else "不能空着"
    if fault:
        raise Invalid(f"{label}有误：{fault}。", {name: fault})
    return cleaned


def clean_note(text: str, *, required: str = "") -> str:
    """Return a note without outer blanks; ``required`` says what is missing when it is empty."""
    cleaned = text.strip()
    fault = required if required and not cleaned else text_fault(cleaned, MAX_REASON)
    if fault:
        raise Invalid(f"{fault}。", {"note": fault})
    return cleaned

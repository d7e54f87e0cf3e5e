"""Judging the rows of a filled sheet: what is wrong with each, and what it would become.

Reads rows of records but changes nothing. Called by ``batch``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from archive.core.errors import ArchiveError
from archive.people.rights import Actor, can
from archive.records.excel_read import Paper
from archive.records.models import Record
from archive.records.rows import get_row, thing_of_row
from archive.records.rules import EDITABLE, as_on_page, require_shape
from archive.records.starts import new_values
from doc_templates import Field, Form, check_values
from doc_templates.values import printed_text
from storage.work import UnitOfWork

MOST_SHOWN = 200
SAMPLES = 5
TYPED_LIMIT = 60


@dataclass(frozen=True)
class Judged:
    """A row with its verdict: values of the draft to be, or faults as pairs of path and reason.

    ``record_id`` and ``version`` name the draft it changes, 0 for a new one.
    """

    paper: Paper
    values: dict[str, Any] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)
    warnings: list[tuple[str, str]] = field(default_factory=list)
    record_id: int = 0
    version: int = 0

    @classmethod
    def told(cls, told: Mapping[str, Any]) -> "Judged":
        """Return what was kept as JSON."""
        return cls(**{**told, "paper": Paper(**told["paper"])})


class Judge:
    """Judges papers of one form for one person."""

    def __init__(self, uow: UnitOfWork, actor: Actor, form: Form) -> None:
        self._uow = uow
        self._actor = actor
        self._form = form
        tables = {entry.key for entry in form.fields if entry.kind == "rows"}
        start = new_values(uow, actor, form)
        self._start = {key: value for key, value in start.items() if key not in tables}

    def judge(self, paper: Paper) -> Judged:
        """Return the verdict on one row."""
        faults = [(path, why) for path, why in paper.faults]
        row: Record | None = None
        base: Mapping[str, Any] = self._start
        if paper.number:
            found = self._find_draft(paper.number)
            if isinstance(found, str):
                return Judged(paper, faults=[*faults, (self._number_path(), found)])
            row, base = found, self._kept(found)
        raw = {**base, **self._arranged(paper)}
        try:
            require_shape(self._form, raw)
        except ArchiveError as refusal:
            return Judged(
                paper, faults=[*faults, *(refusal.fields or {"": refusal.message}).items()]
            )
        checked = check_values(self._form, raw)
        known = {path for path, _ in faults}
        errors = as_on_page(self._form, raw, checked.errors)
        faults += [(path, why) for path, why in errors.items() if path not in known]
        return Judged(
            paper,
            {} if faults else checked.values,
            faults,
            list(checked.warnings.items()),
            row.id if row else 0,
            row.row_version if row else 0,
        )

    def _number_path(self) -> str:
        return "编号"

    def _find_draft(self, number: str) -> Record | str:
        """Return the draft a number names, or why there is none."""
        none = f"没有编号 {number} 的草稿，或者不是您填的"
        row: Record | None = None
        if number.startswith("#") and number[1:].isdecimal() and len(number) < 19:
            try:
                row = get_row(self._uow, int(number[1:]))
            except ArchiveError:
                return none
        else:
            row = self._uow.session.scalar(select(Record).where(Record.number == number))
        if row is None or not can(self._actor, "record.read", thing_of_row(self._uow, row)):
            return none
        if row.author_id != self._actor.id:
            return none
        if row.form_code != self._form.code or row.form_version != self._form.version:
            return f"编号 {number} 不是这一版《{self._form.title}》，请到填表页修改"
        if row.state not in EDITABLE:
            return f"编号 {number} 已经提交，不能再改"
        return row

    def _kept(self, row: Record) -> dict[str, Any]:
        """Return what a draft holds, for the cells that were left blank."""
        computed = {entry.key for entry in self._form.fields if entry.is_computed}
        kept = {key: value for key, value in row.content.items() if key not in computed}
        return {key: value for key, value in kept.items() if self._form.find_field(key)}

    def _arranged(self, paper: Paper) -> dict[str, Any]:
        """Return what was typed, lines of fixed tables brought to the rows they name."""
        raw = dict(paper.raw)
        for table in self._form.fields:
            lines = raw.get(table.key)
            if table.kind == "rows" and table.preset_rows and isinstance(lines, list):
                raw[table.key], paper.lines[table.key] = _placed(
                    table, lines, paper.lines.get(table.key, [])
                )
        return raw


def _placed(
    table: Field, lines: Sequence[dict[str, Any]], rows: Sequence[int]
) -> tuple[list[dict[str, Any]], list[int]]:
    """Put each line where its fixed words stand; the others into the places left, in order."""
    slots: list[tuple[dict[str, Any], int]] = [({}, 0) for _ in table.preset_rows]
    waiting: list[tuple[dict[str, Any], int]] = []
    for line, row in zip(lines, rows, strict=False):
        at = next(
            (
                n
                for n, preset in enumerate(table.preset_rows)
                if not slots[n][1] and all(line.get(key) == word for key, word in preset.items())
            ),
            None,
        )
        if at is None:
            waiting.append((line, row))
        else:
            slots[at] = (line, row)
    for at, (_, row) in enumerate(slots):
        if not row and waiting:
            slots[at] = waiting.pop(0)
    every = [*slots, *waiting]
    return [line for line, _ in every], [row for _, row in every]


def report_of(form: Form, every: Sequence[Judged], made_before: set[str]) -> dict[str, Any]:
    """Return the report of a check as plain values."""
    bad = [one for one in every if one.faults]
    good = [one for one in every if not one.faults]
    faults = [
        [one.paper.where(path), _typed(one.paper, path), why]
        for one in bad
        for path, why in one.faults
    ]
    return {
        "good": len(good),
        "bad": len(bad),
        "repeated": sum(1 for one in good if one.paper.mark in made_before),
        "changes": sum(1 for one in good if one.record_id),
        "hidden": sum(1 for one in good if one.paper.is_hidden),
        "faults": faults[:MOST_SHOWN],
        "fault_count": len(faults),
        "doubts": [
            [one.paper.where(path), _typed(one.paper, path), why]
            for one in good
            for path, why in one.warnings
        ][:MOST_SHOWN],
        "samples": [_sample(form, one) for one in good[:SAMPLES]],
    }


def _sample(form: Form, one: Judged) -> list[str]:
    shown = [
        f"{entry.label}：{text}"
        for entry in form.fields
        if entry.kind != "rows" and (text := printed_text(entry, one.values.get(entry.key)))
    ]
    return [form.title_of(one.values), "，".join(shown)[:200]]


def _typed(paper: Paper, path: str) -> str:
    """Return what was typed at a place, shortened."""
    table, bracket, rest = path.partition("[")
    value: Any = paper.raw.get(table)
    if bracket and isinstance(value, list):
        index, _, column = rest.partition("].")
        line = value[int(index)] if index.isdigit() and int(index) < len(value) else {}
        value = line.get(column)
    if path == "编号":
        value = paper.number
    if value is None or isinstance(value, list):
        return ""
    text = str(value)
    return text if len(text) <= TYPED_LIMIT else text[:TYPED_LIMIT] + "…"

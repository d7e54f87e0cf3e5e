"""What departments owe the archive, as data: which paper, of which customer, by whom, by when.

The rules are in ``owed.toml``; a form's own ``[owed]`` wins over them, so that publishing a form
with another day changes the day. Pure: no rows. Source: archive.md 1.1, 1.2, 1.6.
"""

import calendar
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

from doc_templates import Form, Owed

AUTHOR = "author"
NEW, LONG = "new", "long"
_FILE = Path(__file__).parent / "owed.toml"


@dataclass(frozen=True)
class Duty:
    """A paper owed of a customer; ``forms`` are the codes of forms that meet it."""

    name: str
    forms: tuple[str, ...]
    owed: Owed
    whom: str
    keeper: bool = False
    skip: tuple[str, ...] = ()
    basis: str = ""


@dataclass(frozen=True)
class Duties:
    """Everything that is owed: of customers, and of any finished paper."""

    version: int
    papers: tuple[Duty, ...]
    finished: Owed
    names: Mapping[str, tuple[str, ...]]

    def department(self, name: str, known: Mapping[str, int]) -> int | None:
        """Return the department a rule names, by its name here; None when there is none."""
        wanted = (name, *self.names.get(name, ()))
        return next((known[one] for one in wanted if one in known), None)


@cache
def load_duties() -> Duties:
    """Return the rules as shipped."""
    return parse_duties(_FILE.read_text(encoding="utf-8"))


def parse_duties(text: str) -> Duties:
    """Build the rules from TOML; raise KeyError or ValueError when they are not whole."""
    table = tomllib.loads(text)
    papers = tuple(_duty(row) for row in table["paper"])
    for paper in papers:
        if paper.whom not in (NEW, LONG) or not paper.forms:
            raise ValueError(f"应交文件“{paper.name}”写得不对")
        paper.owed.last_day(date(2026, 1, 31))
    return Duties(
        version=table["version"],
        papers=papers,
        finished=Owed("", table["finished_within"]),
        names={name: tuple(others) for name, others in table["departments"].items()},
    )


def with_forms(duties: Duties, forms: Iterable[Form]) -> Duties:
    """Return the duties with the days and departments that the forms in use say themselves."""
    said = {form.code: form.owed for form in forms if form.owed is not None}
    return replace(duties, papers=tuple(_said(paper, said) for paper in duties.papers))


def own_duties(duties: Duties, forms: Iterable[Form]) -> tuple[Form, ...]:
    """Return the forms owed by a department every month or quarter that are of no customer."""
    ours = {code for paper in duties.papers for code in paper.forms}
    return tuple(
        form
        for form in forms
        if form.owed is not None
        and form.code not in ours
        and form.owed.by != AUTHOR
        and not form.owed.due.endswith("d")
    )


def due_of_finished(duties: Duties, form: Form | None, signed: date) -> date:
    """Return until when a finished paper is to be handed over."""
    owed = form.owed if form is not None and form.owed is not None else duties.finished
    return owed.last_day(signed)


def last_of_month(month: date) -> date:
    """Return the last day of a month."""
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def quarter_start(day: date) -> date:
    """Return the first day of the quarter a day is in."""
    return date(day.year, (day.month - 1) // 3 * 3 + 1, 1)


def ends_quarter(month: date) -> bool:
    """Say whether a month is the last of its quarter."""
    return month.month % 3 == 0


def _said(paper: Duty, said: Mapping[str, Owed]) -> Duty:
    own = next((said[code] for code in paper.forms if code in said), None)
    if own is None:
        return paper
    by = paper.owed.by if own.by == AUTHOR else own.by
    # A week for a new customer and the quarter of a long one are rules of their own.
    keeps_day = paper.whom == LONG or paper.owed.due.endswith("d")
    return replace(paper, owed=Owed(by, paper.owed.due if keeps_day else own.due))


def _duty(row: Mapping[str, object]) -> Duty:
    return Duty(
        name=str(row["name"]),
        forms=_words(row["forms"]),
        owed=Owed(str(row["by"]), str(row["within"])),
        whom=str(row["whom"]),
        keeper=bool(row.get("keeper", False)),
        skip=_words(row.get("skip", ())),
        basis=str(row.get("basis", "")),
    )


def _words(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()

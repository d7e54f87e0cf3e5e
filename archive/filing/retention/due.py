"""What is due (到期): sealed items whose term is over, or will be within some months.

The term counts from the end of the item's year, or of the year of its last appraisal
(``ItemTerm``). A page of the list takes a fixed number of statements.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, false, func, or_, select
from sqlalchemy.orm import defer

from archive.core.clock import local_day
from archive.core.errors import Invalid
from archive.core.pages import Page, clean_paging
from archive.filing.describe import views_of
from archive.filing.models import Item, ItemState
from archive.filing.plan import load_plan
from archive.filing.retention.holds import HoldView, holds_of
from archive.filing.retention.models import AppraisalLine, ItemTerm
from archive.filing.retention.rules import LARGEST_ID, due_on, last_due_year, months_after
from archive.filing.views import ItemView
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

MOST_MONTHS = 600
_BASE = func.coalesce(ItemTerm.base_year, Item.year)
_TERM = func.coalesce(ItemTerm.retention, Item.retention)


@dataclass(frozen=True)
class DueFilter:
    """What the due list is narrowed to; ``months`` looks ahead, 0 is what is due today."""

    months: int = 0
    year: int | None = None
    item_class: str = ""
    department_id: int | None = None
    customer_id: int | None = None


@dataclass(frozen=True)
class DueView:
    """An item that is due: since when, under which term, counted from which year."""

    item: ItemView
    base_year: int
    retention: str
    due_on: date
    holds: tuple[HoldView, ...]

    @property
    def term_label(self) -> str:
        """The term as shown to people."""
        return load_plan().terms.get(self.retention, self.retention)

    @property
    def obstacle(self) -> str:
        """Why it cannot go before the committee now; empty when it can."""
        words = [f"{hold.covers}被冻结：{hold.reason}" for hold in self.holds]
        if self.item.is_lent:
            words.append("借出未还")
        return "；".join(words)


@dataclass(frozen=True)
class TermView:
    """How long an item is kept: by which term, counted from which year, over on which day."""

    base_year: int
    retention: str
    term_label: str
    due_on: date | None
    is_due: bool
    by_appraisal: bool


def list_due(
    uow: UnitOfWork,
    actor: Actor,
    narrow: DueFilter | None = None,
    *,
    page: int = 1,
    per_page: int = 50,
) -> Page[DueView]:
    """Return the items that are due and readable, those due longest first."""
    require(actor, "retention.list")
    page, per_page = clean_paging(page, per_page)
    narrow = narrow or DueFilter()
    wanted = [*_conditions(uow, narrow), may_read(actor, "item", Item.id)]
    count = select(func.count()).select_from(Item).outerjoin(ItemTerm)
    total = uow.session.scalar(count.where(*wanted)) or 0
    query = (
        select(Item, _BASE, _TERM)
        .options(defer(Item.text, raiseload=True))
        .outerjoin(ItemTerm)
        .where(*wanted)
        .order_by(_BASE, Item.reference_code)
    )
    rows = uow.session.execute(query.offset((page - 1) * per_page).limit(per_page)).all()
    return Page(tuple(_views(uow, rows)), total, page, per_page)


def due_counts(uow: UnitOfWork, actor: Actor, narrow: DueFilter) -> dict[str, int]:
    """Return how many readable items are due, by class."""
    require(actor, "retention.list")
    query = (
        select(Item.item_class, func.count())
        .outerjoin(ItemTerm)
        .where(*_conditions(uow, narrow), may_read(actor, "item", Item.id))
        .group_by(Item.item_class)
        .order_by(Item.item_class)
    )
    return {row[0]: row[1] for row in uow.session.execute(query)}


def base_of(uow: UnitOfWork, items: Iterable[Item]) -> dict[int, tuple[int, str]]:
    """Return base year and term of each item: by its last appraisal, else by its year."""
    items = list(items)
    query = select(ItemTerm).where(ItemTerm.item_id.in_([item.id for item in items]))
    extended = {row.item_id: (row.base_year, row.retention) for row in uow.session.scalars(query)}
    return {item.id: extended.get(item.id, (item.year, item.retention)) for item in items}


def term_of(uow: UnitOfWork, item_id: int) -> TermView | None:
    """Return how long an item is kept; None before it has a term. Rights are the caller's."""
    item = uow.session.get(Item, item_id)
    if item is None or not item.retention:
        return None
    base, term = base_of(uow, [item])[item_id]
    day = due_on(base, term)
    return TermView(
        base_year=base,
        retention=term,
        term_label=load_plan().terms.get(term, term),
        due_on=day,
        is_due=day is not None and day <= local_day(uow.now()),
        by_appraisal=(base, term) != (item.year, item.retention),
    )


def is_due(uow: UnitOfWork, base_year: int, retention: str) -> bool:
    """Say whether a term is over today."""
    day = due_on(base_year, retention)
    return day is not None and day <= local_day(uow.now())


def _conditions(uow: UnitOfWork, narrow: DueFilter) -> list[ColumnElement[bool]]:
    wrong = {
        key: "没有这一项"
        for key in ("year", "department_id", "customer_id")
        if not 0 <= (getattr(narrow, key) or 0) <= LARGEST_ID
    }
    if not 0 <= narrow.months <= MOST_MONTHS:
        wrong["months"] = f"应在 0 到 {MOST_MONTHS} 之间"
    if wrong:
        raise Invalid("筛选条件不对：" + "；".join(wrong) + "。", wrong)
    until = months_after(local_day(uow.now()), narrow.months)
    lines = [
        _TERM.is_not_distinct_from(term) & _BASE.between(0, last)
        for term in load_plan().terms
        if (last := last_due_year(until, term)) is not None
    ]
    found = [
        Item.state == ItemState.SHELVED,
        Item.reference_code.is_not(None),
        or_(false(), *lines),
        ~select(AppraisalLine.id).where(AppraisalLine.claim == Item.id).exists(),
    ]
    for column, value in (
        (Item.year, narrow.year),
        (Item.item_class, narrow.item_class),
        (Item.department_id, narrow.department_id),
        (Item.customer_id, narrow.customer_id),
    ):
        if value not in ("", None):
            found.append(column == value)
    return found


def _views(uow: UnitOfWork, rows: Iterable[Any]) -> list[DueView]:
    lines = [(row[0], row[1], row[2]) for row in rows]
    items = [line[0] for line in lines]
    held = holds_of(uow, items)
    return [
        DueView(view, base, term, due_on(base, term) or date.max, tuple(held.get(view.id, ())))
        for view, (_, base, term) in zip(views_of(uow, items), lines, strict=True)
    ]

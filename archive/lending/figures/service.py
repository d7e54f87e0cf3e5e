"""Reads the figures of a period, in as many statements however much was lent; changes nothing."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, func, select

from archive.core.clock import local_day
from archive.customers.models import Customer
from archive.filing.models import Item
from archive.lending import lookup
from archive.lending.figures import rules
from archive.lending.figures.rules import Line, Out, Stay, Table, Use
from archive.lending.incidents.models import IncidentKind, LoanIncident
from archive.lending.matching import BORROWER_CLASSES, Mode
from archive.lending.models import Loan, LoanRefusal, LoanRequest
from archive.lending.register import instants
from archive.lending.viewing.models import LoanGrant, LoanSheet
from archive.people.models import Department, User
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

MOST_ASKED = 20
HIDDEN = "（无权查看）"
NO_CUSTOMER = "（不属于客户）"
OUTSIDERS = BORROWER_CLASSES["outside"]

Period = tuple[datetime, datetime]


@dataclass(frozen=True)
class Asked:
    """An item that was asked for, with how many requests; the title hidden where not allowed."""

    item_id: int
    title: str
    code: str
    count: int


@dataclass(frozen=True)
class Figures:
    """All figures of a period (local days, both included)."""

    start: date
    end: date
    total: Line
    tables: tuple[Table, ...]
    stay: Stay
    asked: tuple[Asked, ...]
    refusals: tuple[tuple[str, int], ...]
    refused: int
    incidents: tuple[tuple[str, int], ...]


def figures(uow: UnitOfWork, actor: Actor, start: date, end: date) -> Figures:
    """Return the figures of a period, for those who keep the register; Invalid for bad dates."""
    require(actor, "loan.register")
    period = instants(start, end)
    loans = uow.session.execute(_loans(actor, period)).all()
    uses = _uses(uow, actor, period, loans)
    reasons = uow.session.scalars(
        select(LoanRefusal.reasons).where(LoanRefusal.at.between(*period))
    ).all()
    return Figures(
        start=start,
        end=end,
        total=rules.totals(uses),
        tables=rules.tables(uses),
        stay=rules.stay(_outs(loans, local_day(uow.now()))),
        asked=_most_asked(uow, actor, period),
        refusals=rules.refusals(code for one in reasons for code in _codes(one)),
        refused=len(reasons),
        incidents=_incidents(uow, period),
    )


def _traits(actor: Actor, *columns: Any) -> Select[Any]:
    """Select what divides uses, through the request, with further columns before."""
    return (
        select(
            *columns,
            LoanRequest.mode,
            LoanRequest.decision,
            LoanRequest.visit_id,
            User.department_id.label("borrower_unit"),
            Item.department_id.label("owner_unit"),
            Item.item_class,
            may_read(actor, "item", Item.id).label("seen"),
            Customer.name.label("customer"),
        )
        .select_from(LoanRequest)
        .join(User, User.id == LoanRequest.borrower_id)
        .join(Item, Item.id == LoanRequest.item_id)
        .outerjoin(Customer, Customer.id == Item.customer_id)
    )


def _loans(actor: Actor, period: Period) -> Select[Any]:
    return (
        _traits(actor, Loan.handed_at.label("at"), Loan.returned_at, Loan.due_on)
        .join(Loan, Loan.request_id == LoanRequest.id)
        .where(Loan.handed_at.between(*period))
    )


def _views(actor: Actor, period: Period) -> Select[Any]:
    return (
        _traits(actor, LoanGrant.opens_at.label("at"))
        .join(LoanGrant, LoanGrant.request_id == LoanRequest.id)
        .where(LoanGrant.opens_at.between(*period))
    )


def _copies(actor: Actor, period: Period) -> Select[Any]:
    return (
        _traits(actor, LoanSheet.made_at.label("at"))
        .join(LoanSheet, LoanSheet.request_id == LoanRequest.id)
        .where(LoanSheet.kind == "copy", LoanSheet.made_at.between(*period))
    )


def _uses(uow: UnitOfWork, actor: Actor, period: Period, loans: Iterable[Any]) -> list[Use]:
    units = {
        row.id: row.name for row in uow.session.execute(select(Department.id, Department.name))
    }
    views = uow.session.execute(_views(actor, period)).all()
    copies = uow.session.execute(_copies(actor, period)).all()
    return [
        Use(
            mode=row.mode,
            day=local_day(row.at),
            department=units[row.borrower_unit] if row.visit_id is None else OUTSIDERS,
            borrower_class=_kind(row),
            item_class=row.item_class if row.seen else HIDDEN,
            customer=(row.customer or NO_CUSTOMER) if row.seen else HIDDEN,
        )
        for row in (*loans, *views, *copies)
    ]


def _kind(row: Any) -> str:
    """Return the kind of borrower: as the rule names it, else by whose paper it is."""
    named = row.decision["rule"]["borrower_class"]
    if named in BORROWER_CLASSES:
        return BORROWER_CLASSES[named]
    return BORROWER_CLASSES["own" if row.borrower_unit == row.owner_unit else "other"]


def _outs(loans: Iterable[Any], today: date) -> list[Out]:
    return [
        Out(
            row.at,
            row.returned_at,
            row.due_on,
            local_day(row.returned_at) if row.returned_at else today,
        )
        for row in loans
    ]


def _most_asked(uow: UnitOfWork, actor: Actor, period: Period) -> tuple[Asked, ...]:
    count = func.count()
    rows = uow.session.execute(
        select(LoanRequest.item_id, count.label("asked"))
        .where(LoanRequest.created_at.between(*period))
        .group_by(LoanRequest.item_id)
        .order_by(count.desc(), LoanRequest.item_id)
        .limit(MOST_ASKED)
    ).all()
    titles = lookup.titles_for(uow, actor, [row.item_id for row in rows])
    return tuple(Asked(row.item_id, *titles[row.item_id], row.asked) for row in rows)


def _codes(reasons: Iterable[dict[str, str]]) -> list[str]:
    return [one["code"] for one in reasons]


def _incidents(uow: UnitOfWork, period: Period) -> tuple[tuple[str, int], ...]:
    kinds = uow.session.scalars(
        select(LoanIncident.kind).where(LoanIncident.opened_at.between(*period))
    )
    counted = Counter(IncidentKind(kind).label for kind in kinds)
    return tuple(counted.most_common())


MODES = tuple(Mode(mode).label for mode in rules.ORDER)

"""What is owed, what came, what is late and by whom: a month's duties held against the rows.

Whether a duty is met is the department's business and told to all of it; which paper met it is
named only to who may read that paper. A fixed number of statements, whatever there is.
Source: archive.md 1.6 (what is late shows, per department and person).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, or_, select

from archive.core.clock import day_begins, local_day
from archive.customers.models import Customer
from archive.customers.views import COOPERATIONS
from archive.filing.handover.claims import claimed
from archive.filing.handover.duties import (
    LONG,
    NEW,
    Duties,
    Duty,
    due_of_finished,
    ends_quarter,
    last_of_month,
    load_duties,
    own_duties,
    quarter_start,
    with_forms,
)
from archive.filing.handover.models import HandoverLine, HandoverList
from archive.filing.models import Item
from archive.forms.service import get_form, list_forms
from archive.people import service as people
from archive.people.readers import may_read
from archive.people.rights import Actor, Thing, can, require
from archive.records.models import Record, RecordState
from doc_templates import Form, FormError
from storage.work import UnitOfWork

MISSING, SIGNED, HANDED, CAME = "missing", "signed", "handed", "came"
STATE_LABELS = {MISSING: "未交", SIGNED: "已签，未移交", HANDED: "已移交，待接收", CAME: "已交"}
MOST_FINISHED = 500


@dataclass(frozen=True)
class Owing:
    """One paper that is owed: of whom, by whom, until when, and how far it has come."""

    name: str
    customer_id: int | None
    customer_name: str
    department_id: int | None
    department_name: str
    person_name: str
    due: date
    state: str
    came_on: date | None
    is_late: bool
    basis: str
    record_id: int | None = None
    item_id: int | None = None

    @property
    def state_label(self) -> str:
        """How far it has come, as shown to people."""
        return STATE_LABELS[self.state]


@dataclass(frozen=True)
class Finished:
    """A signed paper of a department that is on no list and not taken in yet."""

    record_id: int
    number: str
    title: str
    form_title: str
    author_name: str
    signed_on: date
    due: date
    is_late: bool


@dataclass(frozen=True)
class DepartmentSum:
    """How a department stands in one month."""

    department_id: int | None
    department_name: str
    owed: int
    came: int
    late: int


@dataclass(frozen=True)
class _Paper:
    """A paper that may meet a duty."""

    record_id: int | None
    item_id: int | None
    form_code: str
    made_on: date
    state: str
    came_on: date | None
    is_readable: bool


def owed_papers(
    uow: UnitOfWork, actor: Actor, month: date, department_id: int | None = None
) -> tuple[Owing, ...]:
    """Return what a department (all of them without one) owes for a month, the late first.

    Raises Forbidden for a department that is none of the actor's, NotFound never.
    """
    if department_id is None:
        require(actor, "handover.all")
    elif not can(actor, "handover.all"):
        require(actor, "handover.make", Thing(kind="handover", department_id=department_id))
    forms = list_forms(uow)
    month_of = _Month(uow, actor, month, with_forms(load_duties(), forms))
    found = [*month_of.of_customers(), *month_of.of_departments(forms)]
    wanted = [one for one in found if department_id in (None, one.department_id)]
    return tuple(sorted(wanted, key=_pressing))


def owing_by_department(owings: Sequence[Owing]) -> tuple[DepartmentSum, ...]:
    """Return the sums of a month by department, those most behind first."""
    groups: dict[tuple[int | None, str], list[Owing]] = defaultdict(list)
    for one in owings:
        groups[one.department_id, one.department_name].append(one)
    sums = [
        DepartmentSum(
            unit,
            name,
            len(members),
            sum(one.state == CAME for one in members),
            sum(one.is_late for one in members),
        )
        for (unit, name), members in groups.items()
    ]
    return tuple(sorted(sums, key=lambda one: (-one.late, one.department_name)))


def finished_papers(uow: UnitOfWork, actor: Actor, department_id: int) -> tuple[Finished, ...]:
    """Return a department's signed papers that are to be handed over, the longest waiting first."""
    require(actor, "handover.make", Thing(kind="handover", department_id=department_id))
    taken = select(Item.record_id).where(Item.record_id.is_not(None))
    rows = list(
        uow.session.scalars(
            select(Record)
            .where(
                Record.department_id == department_id,
                Record.state == RecordState.SIGNED,
                may_read(actor, "record", Record.id),
                Record.id.not_in(taken),
                Record.id.not_in(claimed()),
            )
            .order_by(Record.signed_at, Record.id)
            .limit(MOST_FINISHED)
        )
    )
    names = people.names_of(uow, {row.author_id for row in rows})
    duties, today = load_duties(), local_day(uow.now())
    return tuple(
        _finished(row, names.get(row.author_id, ""), _form_of(uow, row), duties, today)
        for row in rows
    )


class _Month:
    """One month's duties with everything they are held against, read once."""

    def __init__(self, uow: UnitOfWork, actor: Actor, month: date, duties: Duties) -> None:
        self._uow, self._actor = uow, actor
        self._month, self._duties = month, duties
        self._today = local_day(uow.now())
        units = people.departments(uow)
        self._unit_ids = {unit.name: unit.id for unit in units}
        self._unit_names = {unit.id: unit.name for unit in units}
        self._heads: dict[int, str] = {}

    def of_customers(self) -> Iterator[Owing]:
        """Yield the papers owed of new customers, and at a quarter's end of long-term ones."""
        whose = [(NEW, self._new_customers())]
        if ends_quarter(self._month):
            whose.append((LONG, _long_term(last_of_month(self._month))))
        for whom, condition in whose:
            customers = list(self._uow.session.scalars(select(Customer).where(condition)))
            duties = [paper for paper in self._duties.papers if paper.whom == whom]
            papers = self._papers(select(Customer.id).where(condition), duties)
            keepers = people.names_of(self._uow, {one.owner_id for one in customers})
            for customer in customers:
                for duty in duties:
                    if customer.status not in duty.skip:
                        yield self._of_customer(customer, duty, papers[customer.id], keepers)

    def of_departments(self, forms: Sequence[Form]) -> Iterator[Owing]:
        """Yield the papers a department owes of itself each month or quarter."""
        own = [
            form
            for form in own_duties(self._duties, forms)
            if form.owed and (form.owed.due.startswith("month") or ends_quarter(self._month))
        ]
        for form in own:
            if form.owed is None:
                continue
            unit = self._duties.department(form.owed.by, self._unit_ids)
            due = form.owed.last_day(self._month)
            paper = self._of_own_form(form, unit, due)
            yield self._owing(form.title, None, unit, form.owed.by, "", due, paper, form.title)

    def _new_customers(self) -> ColumnElement[bool]:
        first, last = self._month, last_of_month(self._month)
        start = day_begins(first)
        end = day_begins(last + timedelta(days=1))
        entered = and_(Customer.created_at >= start, Customer.created_at < end)
        return or_(
            and_(Customer.first_contact >= first, Customer.first_contact <= last),
            and_(Customer.first_contact.is_(None), entered),
        )

    def _of_customer(
        self,
        customer: Customer,
        duty: Duty,
        papers: Sequence[_Paper],
        keepers: Mapping[int, str],
    ) -> Owing:
        since = customer.first_contact or local_day(customer.created_at)
        if duty.whom == LONG:
            since = quarter_start(self._month)
        due = duty.owed.last_day(self._month if duty.whom == LONG else since)
        unit = self._duties.department(duty.owed.by, self._unit_ids)
        if duty.keeper and customer.department_id is not None:
            unit = customer.department_id
        fitting = [one for one in papers if one.form_code in duty.forms]
        if duty.whom == LONG:
            fitting = [one for one in fitting if one.made_on >= since]
        person = keepers.get(customer.owner_id or 0, "") if duty.keeper else ""
        return self._owing(
            duty.name, customer, unit, duty.owed.by, person, due, _furthest(fitting), duty.basis
        )

    def _owing(
        self,
        name: str,
        customer: Customer | None,
        unit: int | None,
        by: str,
        person: str,
        due: date,
        paper: _Paper | None,
        basis: str,
    ) -> Owing:
        state = paper.state if paper else MISSING
        came_on = paper.came_on if paper else None
        shown = paper is not None and paper.is_readable
        return Owing(
            name=name,
            customer_id=customer.id if customer else None,
            customer_name=customer.name if customer else "",
            department_id=unit,
            department_name=self._unit_names.get(unit or 0, f"{by}（没有这个部门）"),
            person_name=person or self._head(unit),
            due=due,
            state=state,
            came_on=came_on,
            is_late=(came_on or self._today) > due,
            basis=basis,
            record_id=paper.record_id if paper and shown else None,
            item_id=paper.item_id if paper and shown else None,
        )

    def _head(self, unit: int | None) -> str:
        if unit is None:
            return ""
        if unit not in self._heads:
            head = people.head_of(self._uow, unit)
            self._heads[unit] = head.name if head else ""
        return self._heads[unit]

    def _papers(self, customers: Select[int], duties: Sequence[Duty]) -> dict[int, list[_Paper]]:
        """Return the finished papers of these customers that may meet a duty, by customer."""
        codes = {code for duty in duties for code in duty.forms}
        found: dict[int, list[_Paper]] = defaultdict(list)
        query = self._records().where(
            Record.customer_id.in_(customers), Record.form_code.in_(codes)
        )
        for row in self._uow.session.execute(query):
            found[row.Record.customer_id].append(_paper_of(row))
        imported = select(Item, may_read(self._actor, "item", Item.id).label("readable")).where(
            Item.record_id.is_(None), Item.customer_id.in_(customers), Item.form_code.in_(codes)
        )
        for item, readable in self._uow.session.execute(imported):
            found[item.customer_id or 0].append(_paper_of_item(item, bool(readable)))
        return found

    def _records(self) -> Select[*tuple[Any, ...]]:
        return (
            select(
                Record,
                Item.id.label("item_id"),
                Item.created_at.label("taken_at"),
                HandoverList.handed_at.label("handed_at"),
                HandoverList.received_at.label("received_at"),
                may_read(self._actor, "record", Record.id).label("readable"),
            )
            .outerjoin(Item, Item.record_id == Record.id)
            .outerjoin(HandoverLine, HandoverLine.claim == Record.id)
            .outerjoin(HandoverList, HandoverList.id == HandoverLine.list_id)
            .where(Record.state.in_([RecordState.SIGNED, RecordState.FILED]))
        )

    def _of_own_form(self, form: Form, unit: int | None, due: date) -> _Paper | None:
        """Return a department's own paper of the month: by its month entry, else by when made."""
        if unit is None:
            return None
        query = self._records().where(Record.form_code == form.code, Record.department_id == unit)
        papers = [(_paper_of(row), row.Record) for row in self._uow.session.execute(query)]
        entry = next((one.key for one in form.fields if one.kind == "month"), "")
        if entry:
            fits = [p for p, row in papers if row.content.get(entry) == f"{self._month:%Y-%m}"]
        else:
            fits = [p for p, _ in papers if self._month <= p.made_on <= due]
        return _furthest(fits)


def _long_term(until: date) -> ColumnElement[bool]:
    return and_(
        Customer.cooperation == COOPERATIONS[1],
        or_(Customer.first_contact.is_(None), Customer.first_contact <= until),
    )


def _paper_of(row: Row[Any]) -> _Paper:
    record = row.Record
    came_at = row.handed_at or row.taken_at
    state = HANDED if row.handed_at is not None else SIGNED
    if row.item_id is not None or row.received_at is not None:
        state = CAME
    return _Paper(
        record_id=record.id,
        item_id=row.item_id,
        form_code=record.form_code,
        made_on=local_day(record.created_at),
        state=state,
        came_on=local_day(came_at) if came_at else None,
        is_readable=bool(row.readable),
    )


def _paper_of_item(item: Item, is_readable: bool) -> _Paper:
    came = local_day(item.created_at)
    return _Paper(
        record_id=None,
        item_id=item.id,
        form_code=item.form_code,
        made_on=item.document_date or came,
        state=CAME,
        came_on=came,
        is_readable=is_readable,
    )


def _furthest(papers: Sequence[_Paper]) -> _Paper | None:
    """Return the paper that meets a duty best: one that came, the earliest."""
    ranks = {CAME: 0, HANDED: 1, SIGNED: 2}
    return min(papers, key=lambda one: (ranks[one.state], one.came_on or date.max), default=None)


def _pressing(one: Owing) -> tuple[bool, bool, date, str, str]:
    return one.state == CAME, not one.is_late, one.due, one.customer_name, one.name


def _finished(row: Record, author: str, form: Form | None, duties: Duties, today: date) -> Finished:
    signed = local_day(row.signed_at or row.updated_at)
    due = due_of_finished(duties, form, signed)
    return Finished(
        record_id=row.id,
        number=row.number or "",
        title=row.title,
        form_title=form.title if form else row.form_code,
        author_name=author,
        signed_on=signed,
        due=due,
        is_late=today > due,
    )


def _form_of(uow: UnitOfWork, row: Record) -> Form | None:
    try:
        return get_form(uow, row.form_code, row.form_version)
    except FormError:
        return None

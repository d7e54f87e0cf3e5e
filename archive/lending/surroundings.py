"""What hangs on rows of requests and loans, read once for many: copies, titles, people, visits.

Private to ``lending.lookup``, which makes views of it; reads only.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select

from archive.core.clock import local_day
from archive.filing.models import Item, ItemCopy
from archive.lending.deputies import deputies
from archive.lending.models import Loan, LoanApproval, LoanRequest
from archive.lending.views import HIDDEN_TITLE
from archive.lending.visits.models import LoanVisit
from archive.people.models import Department, User
from archive.people.readers import read_under
from archive.people.rights import Actor, actor_tokens
from storage.work import UnitOfWork


@dataclass(frozen=True)
class Person:
    """A person as named on a loan; an outsider too."""

    name: str
    department: str
    has_left: bool = False


def steps_of(uow: UnitOfWork, request_ids: Sequence[int]) -> list[LoanApproval]:
    """Return the approvals of many requests, each one's in their order."""
    return list(uow.session.scalars(_STEPS, {"requests": list(request_ids)}))


def copies_of(uow: UnitOfWork, loans: Iterable[Loan]) -> dict[int, Any]:
    """Return the copies of loans by id: id, item_id, barcode, location."""
    wanted = {loan.copy_id for loan in loans}
    if not wanted:
        return {}
    return {row.id: row for row in uow.session.execute(_COPIES, {"copies": list(wanted)})}


def acting(uow: UnitOfWork, steps: Iterable[LoanApproval]) -> dict[int, int]:
    """Who decided, or would decide today, other than the approver asked; by step."""
    found = {step.id: step.decided_by for step in steps if step.decided_by is not None}
    waiting = [step for step in steps if step.state == "open"]
    agents = deputies(uow, [step.approver_id for step in waiting]) if waiting else {}
    found |= {one.id: agents[one.approver_id] for one in waiting if one.approver_id in agents}
    return found


def visitors(uow: UnitOfWork, rows: Iterable[LoanRequest]) -> dict[int, Person]:
    """The outsiders who read, by visit, in place of the borrower."""
    wanted = {row.visit_id for row in rows if row.visit_id is not None}
    if not wanted:
        return {}
    found = uow.session.scalars(select(LoanVisit).where(LoanVisit.id.in_(wanted)))
    return {row.id: Person(f"{row.name}（外来）", row.unit) for row in found}


def titles(
    uow: UnitOfWork, viewer: Actor | None, item_ids: Iterable[int], shown: set[int]
) -> dict[int, tuple[str, str]]:
    """Title and code of items; ``shown`` are those the viewer sees for another reason."""
    tokens = [] if viewer is None else sorted(actor_tokens(viewer))
    rows = uow.session.execute(_TITLES, {"items": list(set(item_ids)), "tokens": tokens})
    return {
        row.id: (row.title, row.reference_code or row.provisional_code or "")
        if viewer is None or row.is_visible or row.id in shown
        else (HIDDEN_TITLE, "")
        for row in rows
    }


def persons(uow: UnitOfWork, ids: Iterable[int | None]) -> dict[int, Person]:
    """Return people by id, leavers included."""
    wanted = {one for one in ids if one is not None}
    rows = uow.session.execute(_PEOPLE, {"people": list(wanted)})
    today = local_day(uow.now())
    return {
        row.id: Person(row.name, row.department, row.left_on is not None and row.left_on <= today)
        for row in rows
    }


# Made once: putting a statement together takes longer than sending it.
_STEPS = (
    select(LoanApproval)
    .where(LoanApproval.request_id.in_(bindparam("requests", expanding=True)))
    .order_by(LoanApproval.request_id, LoanApproval.seq)
)
_COPIES = select(ItemCopy.id, ItemCopy.item_id, ItemCopy.barcode, ItemCopy.location).where(
    ItemCopy.id.in_(bindparam("copies", expanding=True))
)
_TITLES = select(
    Item.id,
    Item.title,
    Item.reference_code,
    Item.provisional_code,
    read_under(bindparam("tokens", expanding=True), "item", Item.id).label("is_visible"),
).where(Item.id.in_(bindparam("items", expanding=True)))
_PEOPLE = (
    select(User.id, User.name, User.left_on, Department.name.label("department"))
    .join(Department, Department.id == User.department_id)
    .where(User.id.in_(bindparam("people", expanding=True)))
)

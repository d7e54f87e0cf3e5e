"""Turns rows of requests, loans and refusals into views, many at once; reads only.

``viewer`` is who will see them: titles they may not read are hidden; None hides nothing (jobs).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from archive.core.calendar import WorkCalendar, load_calendar
from archive.core.clock import local_day
from archive.core.errors import NotFound
from archive.filing.models import Item, ItemCopy
from archive.lending.confirming.rules import Way
from archive.lending.deputies import deputies, may_decide, stands_in_for
from archive.lending.line import places
from archive.lending.models import Loan, LoanApproval, LoanRefusal, LoanRequest
from archive.lending.rules import Reason
from archive.lending.views import (
    HIDDEN_TITLE,
    ApprovalView,
    LoanView,
    RefusalView,
    RequestView,
    Signed,
)
from archive.lending.visits.models import LoanVisit
from archive.people.models import User
from archive.people.readers import may_read
from archive.people.rights import Actor, can
from storage.work import UnitOfWork

LARGEST_ID = 2**63 - 1
NO_REQUEST = "没有这份借阅申请，或者您无权查看。"


@dataclass(frozen=True)
class _Person:
    name: str
    department: str
    has_left: bool = False


def get_row(uow: UnitOfWork, request_id: int) -> LoanRequest:
    """Return the row of a request; raise NotFound."""
    row = uow.session.get(LoanRequest, request_id) if 0 < request_id <= LARGEST_ID else None
    if row is None:
        raise NotFound(NO_REQUEST)
    return row


def loan_of(uow: UnitOfWork, request_id: int) -> Loan | None:
    """Return the row of a request's loan, None before the hand-out."""
    return uow.session.scalar(select(Loan).where(Loan.request_id == request_id))


def approvals_of(uow: UnitOfWork, request_id: int) -> list[LoanApproval]:
    """Return the approvals of a request in their order."""
    return list(
        uow.session.scalars(
            select(LoanApproval)
            .where(LoanApproval.request_id == request_id)
            .order_by(LoanApproval.seq)
        )
    )


def may_see(uow: UnitOfWork, actor: Actor, row: LoanRequest) -> bool:
    """Say whether a request exists for this person: its borrower, its approvers, the desk.

    And who decided or decides today in an approver's name.
    """
    if row.borrower_id == actor.id or can(actor, "loan.register"):
        return True
    away, steps = stands_in_for(uow, actor), approvals_of(uow, row.id)
    return any(_is_asked(actor, row, step, away) for step in steps)


def _is_asked(viewer: Actor, row: LoanRequest, step: LoanApproval, away: frozenset[int]) -> bool:
    if viewer.id in (step.approver_id, step.decided_by):
        return True
    return step.state == "open" and may_decide(viewer, row, step, away)


def request_views(
    uow: UnitOfWork, viewer: Actor | None, rows: Sequence[LoanRequest]
) -> tuple[RequestView, ...]:
    """Return requests as views, in the order given."""
    if not rows:
        return ()
    ids = [row.id for row in rows]
    steps = list(
        uow.session.scalars(
            select(LoanApproval)
            .where(LoanApproval.request_id.in_(ids))
            .order_by(LoanApproval.request_id, LoanApproval.seq)
        )
    )
    loans = list(uow.session.scalars(select(Loan).where(Loan.request_id.in_(ids))))
    views = {view.request_id: view for view in loan_views(uow, viewer, loans)}
    by_id = {row.id: row for row in rows}
    away = stands_in_for(uow, viewer) if viewer and steps else frozenset()
    asked = [one for one in steps if viewer and _is_asked(viewer, by_id[one.request_id], one, away)]
    shown = {by_id[step.request_id].item_id for step in asked}
    turns = {one.request_id for one in asked if one.state == "open" and viewer is not None}
    titles = _titles(uow, viewer, [row.item_id for row in rows], shown)
    line = places(uow, rows)
    acting = _acting(uow, steps)
    people = _people(
        uow,
        [row.borrower_id for row in rows]
        + [one for step in steps for one in (step.approver_id, acting.get(step.id))],
    )
    visits = _visitors(uow, rows)
    return tuple(
        _request_view(
            row,
            titles[row.item_id],
            visits.get(row.visit_id or 0) or people[row.borrower_id],
            [_approval_view(step, people, acting) for step in steps if step.request_id == row.id],
            views.get(row.id),
            line.get(row.id, 0),
            row.id in turns and _is_turn(viewer, row, steps, away),
        )
        for row in rows
    )


def _is_turn(
    viewer: Actor | None, row: LoanRequest, steps: Iterable[LoanApproval], away: frozenset[int]
) -> bool:
    current = [one for one in steps if one.request_id == row.id and one.state == "open"]
    return viewer is not None and any(may_decide(viewer, row, one, away) for one in current)


def _acting(uow: UnitOfWork, steps: Iterable[LoanApproval]) -> dict[int, int]:
    """Who decided, or would decide today, other than the approver asked; by step."""
    found = {step.id: step.decided_by for step in steps if step.decided_by is not None}
    waiting = [step for step in steps if step.state == "open"]
    agents = deputies(uow, [step.approver_id for step in waiting]) if waiting else {}
    found |= {one.id: agents[one.approver_id] for one in waiting if one.approver_id in agents}
    return found


def _visitors(uow: UnitOfWork, rows: Iterable[LoanRequest]) -> dict[int, _Person]:
    """The outsiders who read, by visit, in place of the borrower."""
    wanted = {row.visit_id for row in rows if row.visit_id is not None}
    if not wanted:
        return {}
    found = uow.session.scalars(select(LoanVisit).where(LoanVisit.id.in_(wanted)))
    return {row.id: _Person(f"{row.name}（外来）", row.unit) for row in found}


def loan_views(uow: UnitOfWork, viewer: Actor | None, rows: Sequence[Loan]) -> tuple[LoanView, ...]:
    """Return loans as views, in the order given."""
    if not rows:
        return ()
    requests = {
        row.id: row
        for row in uow.session.scalars(
            select(LoanRequest).where(LoanRequest.id.in_([loan.request_id for loan in rows]))
        )
    }
    copies = {
        row.id: row
        for row in uow.session.scalars(
            select(ItemCopy).where(ItemCopy.id.in_([loan.copy_id for loan in rows]))
        )
    }
    held = {copies[loan.copy_id].item_id for loan in rows if viewer and _holds(loan, viewer)}
    titles = _titles(uow, viewer, [copy.item_id for copy in copies.values()], held)
    people = _people(
        uow, [one for loan in rows for one in (loan.borrower_id, loan.handed_by, loan.received_by)]
    )
    visits = _visitors(uow, requests.values())
    calendar, today = load_calendar(uow), local_day(uow.now())
    return tuple(
        _loan_view(
            loan,
            requests[loan.request_id],
            copies[loan.copy_id],
            titles[copies[loan.copy_id].item_id],
            people,
            visits.get(requests[loan.request_id].visit_id or 0) or people[loan.borrower_id],
            0 if loan.returned_at else _days_left(calendar, today, loan.due_on),
        )
        for loan in rows
    )


def refusal_views(
    uow: UnitOfWork, viewer: Actor | None, rows: Sequence[LoanRefusal]
) -> tuple[RefusalView, ...]:
    """Return refusals as views, in the order given."""
    if not rows:
        return ()
    titles = _titles(uow, viewer, [row.item_id for row in rows], set())
    people = _people(uow, [row.borrower_id for row in rows])
    return tuple(
        RefusalView(
            id=row.id,
            item_id=row.item_id,
            item_title=titles[row.item_id][0],
            item_code=titles[row.item_id][1],
            borrower_id=row.borrower_id,
            borrower_name=people[row.borrower_id].name,
            borrower_department=people[row.borrower_id].department,
            mode=row.mode,
            purpose=row.purpose,
            business_reference=row.business_reference,
            reasons=tuple(Reason(one["code"], one["text"]) for one in row.reasons),
            at=row.at,
        )
        for row in rows
    )


def titles_for(
    uow: UnitOfWork, viewer: Actor, item_ids: Iterable[int]
) -> dict[int, tuple[str, str]]:
    """Return title and code of many items for this person, hidden when they may not read them."""
    return _titles(uow, viewer, item_ids, set())


def title_for(uow: UnitOfWork, viewer: Actor, item_id: int) -> tuple[str, str]:
    """Return title and code of an item for this person, hidden when they may not read it."""
    return _titles(uow, viewer, [item_id], set())[item_id]


def _request_view(
    row: LoanRequest,
    title: tuple[str, str],
    reader: _Person,
    steps: list[ApprovalView],
    loan: LoanView | None,
    place: int,
    is_my_turn: bool,
) -> RequestView:
    kept = row.decision
    return RequestView(
        id=row.id,
        number=row.number,
        item_id=row.item_id,
        item_title=title[0],
        item_code=title[1],
        borrower_id=row.borrower_id,
        borrower_name=reader.name,
        borrower_department=reader.department,
        mode=row.mode,
        purpose=row.purpose,
        business_reference=row.business_reference,
        state=row.state,
        rule=f"{kept['rule']['code']}@{kept['rule']['version']}",
        rule_basis=kept["rule"]["basis"],
        conditions=kept["rule"]["conditions"],
        due=loan.due_on if loan else date.fromisoformat(kept["due"]) if kept["due"] else None,
        created_at=row.created_at,
        approvals=tuple(steps),
        loan=loan,
        version=row.row_version,
        queued=row.queued,
        pick_up_by=row.pick_up_by,
        place=place,
        closing_note=row.closing_note,
        group_id=row.group_id,
        volume_id=row.volume_id,
        visit_id=row.visit_id,
        wanted_until=row.wanted_until,
        is_my_turn=is_my_turn,
    )


def _approval_view(
    step: LoanApproval, people: dict[int, _Person], acting: dict[int, int]
) -> ApprovalView:
    deputy = acting.get(step.id)
    return ApprovalView(
        seq=step.seq,
        candidate=step.candidate,
        approver_id=step.approver_id,
        approver_name=people[step.approver_id].name,
        state=step.state,
        opinion=step.opinion,
        decided_at=step.decided_at,
        is_renewal=step.renewal_id is not None,
        deputy=people[deputy].name if deputy is not None else "",
    )


def _loan_view(
    loan: Loan,
    request: LoanRequest,
    copy: ItemCopy,
    title: tuple[str, str],
    people: dict[int, _Person],
    reader: _Person,
    days_left: int,
) -> LoanView:
    return LoanView(
        id=loan.id,
        request_id=loan.request_id,
        request_number=request.number,
        item_id=copy.item_id,
        item_title=title[0],
        item_code=title[1],
        copy_id=copy.id,
        barcode=copy.barcode,
        location=copy.location,
        borrower_id=loan.borrower_id,
        borrower_name=reader.name,
        borrower_department=reader.department,
        mode=request.mode,
        purpose=request.purpose,
        rule=f"{loan.rule['code']}@{loan.rule['version']}",
        handed_at=loan.handed_at,
        handed_by_name=people[loan.handed_by].name,
        due_on=loan.due_on,
        pages_out=loan.pages_out,
        returned_at=loan.returned_at,
        received_by_name=people[loan.received_by].name if loan.received_by else "",
        pages_in=loan.pages_in,
        intact=loan.intact,
        condition=loan.condition,
        days_left=days_left,
        renewals=loan.renewals,
        recalled_at=loan.recalled_at,
        recall_reason=loan.recall_reason,
        borrower_left=people[loan.borrower_id].has_left,
        signed_out=_signed(loan.out_way, loan.out_digest, loan.out_picture),
        signed_back=_signed(loan.back_way, loan.back_digest, loan.back_picture),
    )


def _signed(way: str, digest: str, picture: str | None) -> Signed | None:
    return Signed(Way(way), digest, picture is not None) if way else None


def _days_left(calendar: WorkCalendar, today: date, due: date) -> int:
    """Working days until the due day; negative when it is past."""
    if due < today:
        return -max(1, calendar.working_days_between(due, today))
    return calendar.working_days_between(today, due)


def _holds(loan: Loan, viewer: Actor) -> bool:
    return loan.borrower_id == viewer.id and loan.returned_at is None


def _titles(
    uow: UnitOfWork, viewer: Actor | None, item_ids: Iterable[int], shown: set[int]
) -> dict[int, tuple[str, str]]:
    """Title and code of items; ``shown`` are those the viewer sees for another reason."""
    wanted = set(item_ids)
    rows = uow.session.execute(
        select(Item.id, Item.title, Item.reference_code, Item.provisional_code).where(
            Item.id.in_(wanted)
        )
    ).all()
    visible = wanted
    if viewer is not None:
        query = select(Item.id).where(Item.id.in_(wanted), may_read(viewer, "item", Item.id))
        visible = set(uow.session.scalars(query)) | shown
    return {
        row.id: (row.title, row.reference_code or row.provisional_code or "")
        if row.id in visible
        else (HIDDEN_TITLE, "")
        for row in rows
    }


def _people(uow: UnitOfWork, ids: Iterable[int | None]) -> dict[int, _Person]:
    wanted = {one for one in ids if one is not None}
    rows = uow.session.scalars(select(User).where(User.id.in_(wanted)))
    today = local_day(uow.now())
    return {
        row.id: _Person(
            row.name, row.department.name, row.left_on is not None and row.left_on <= today
        )
        for row in rows
    }

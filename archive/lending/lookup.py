"""Turns rows of requests, loans and refusals into views, many at once; reads only.

``viewer`` is who will see them: titles they may not read are hidden; None hides nothing (jobs).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Row, select

from archive.core.calendar import WorkCalendar, load_calendar
from archive.core.clock import local_day
from archive.core.errors import NotFound
from archive.lending import surroundings
from archive.lending.confirming.rules import Way
from archive.lending.deputies import may_decide, stands_in_for
from archive.lending.line import places
from archive.lending.models import Loan, LoanApproval, LoanRefusal, LoanRequest
from archive.lending.rules import Reason
from archive.lending.surroundings import Person
from archive.lending.views import ApprovalView, LoanView, RefusalView, RequestView, Signed
from archive.people.rights import Actor, can
from storage.work import UnitOfWork

LARGEST_ID = 2**63 - 1
NO_REQUEST = "没有这份借阅申请，或者您无权查看。"


@dataclass(frozen=True)
class _Around:
    """What hangs on a batch of requests and loans, read once for all of them."""

    requests: Mapping[int, LoanRequest]
    copies: Mapping[int, Row[Any]]
    titles: Mapping[int, tuple[str, str]]
    people: Mapping[int, Person]
    visits: Mapping[int, Person]
    calendar: WorkCalendar
    today: date

    def reader(self, row: LoanRequest) -> Person:
        """Whoever reads: the outsider of a visit, else the borrower."""
        return self.visits.get(row.visit_id or 0) or self.people[row.borrower_id]


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
    uow: UnitOfWork,
    viewer: Actor | None,
    rows: Sequence[LoanRequest],
    calendar: WorkCalendar | None = None,
    loans: Sequence[Loan] | None = None,
) -> tuple[RequestView, ...]:
    """Return requests as views, in the order given.

    ``calendar`` and the requests' ``loans`` are read where the caller does not have them.
    """
    if not rows:
        return ()
    by_id = {row.id: row for row in rows}
    steps = surroundings.steps_of(uow, list(by_id))
    if loans is None:
        loans = uow.session.scalars(select(Loan).where(Loan.request_id.in_(by_id))).all()
    away = _away(uow, viewer, steps)
    asked = [one for one in steps if viewer and _is_asked(viewer, by_id[one.request_id], one, away)]
    acting = surroundings.acting(uow, steps)
    around = _gather(
        uow,
        viewer,
        by_id,
        loans,
        shown={by_id[step.request_id].item_id for step in asked},
        named=[one for step in steps for one in (step.approver_id, acting.get(step.id))],
        calendar=calendar,
    )
    views = {loan.request_id: _loan_view(loan, around) for loan in loans}
    line = places(uow, rows)
    turns = {one.request_id for one in asked if one.state == "open"}
    return tuple(
        _request_view(
            row,
            around,
            [
                _approval_view(step, around.people, acting)
                for step in steps
                if step.request_id == row.id
            ],
            views.get(row.id),
            line.get(row.id, 0),
            row.id in turns and _is_turn(viewer, row, steps, away),
        )
        for row in rows
    )


def _away(uow: UnitOfWork, viewer: Actor | None, steps: Iterable[LoanApproval]) -> frozenset[int]:
    """For whom the viewer decides today; asked only where something is to be decided."""
    is_open = any(step.state == "open" for step in steps)
    return stands_in_for(uow, viewer) if viewer and is_open else frozenset()


def _is_turn(
    viewer: Actor | None, row: LoanRequest, steps: Iterable[LoanApproval], away: frozenset[int]
) -> bool:
    current = [one for one in steps if one.request_id == row.id and one.state == "open"]
    return viewer is not None and any(may_decide(viewer, row, one, away) for one in current)


def loan_views(uow: UnitOfWork, viewer: Actor | None, rows: Sequence[Loan]) -> tuple[LoanView, ...]:
    """Return loans as views, in the order given."""
    if not rows:
        return ()
    wanted = select(LoanRequest).where(LoanRequest.id.in_([loan.request_id for loan in rows]))
    requests = {row.id: row for row in uow.session.scalars(wanted)}
    around = _gather(uow, viewer, requests, rows)
    return tuple(_loan_view(loan, around) for loan in rows)


def _gather(
    uow: UnitOfWork,
    viewer: Actor | None,
    requests: Mapping[int, LoanRequest],
    loans: Sequence[Loan],
    *,
    shown: Iterable[int] = (),
    named: Iterable[int | None] = (),
    calendar: WorkCalendar | None = None,
) -> _Around:
    """Read once what hangs on requests and loans; ``shown`` are items seen for another reason."""
    copies = surroundings.copies_of(uow, loans)
    held = {copies[loan.copy_id].item_id for loan in loans if viewer and _holds(loan, viewer)}
    items = {row.item_id for row in requests.values()} | {one.item_id for one in copies.values()}
    people = {row.borrower_id for row in requests.values()}.union(
        *((loan.borrower_id, loan.handed_by, loan.received_by) for loan in loans)
    )
    if calendar is None and any(loan.returned_at is None for loan in loans):
        calendar = load_calendar(uow)
    return _Around(
        requests=requests,
        copies=copies,
        titles=surroundings.titles(uow, viewer, items, held.union(shown)),
        people=surroundings.persons(uow, people.union(named)),
        visits=surroundings.visitors(uow, requests.values()),
        calendar=calendar or WorkCalendar(),
        today=local_day(uow.now()),
    )


def refusal_views(
    uow: UnitOfWork, viewer: Actor | None, rows: Sequence[LoanRefusal]
) -> tuple[RefusalView, ...]:
    """Return refusals as views, in the order given."""
    if not rows:
        return ()
    titles = titles_for(uow, viewer, [row.item_id for row in rows])
    people = surroundings.persons(uow, [row.borrower_id for row in rows])
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
    uow: UnitOfWork, viewer: Actor | None, item_ids: Iterable[int]
) -> dict[int, tuple[str, str]]:
    """Return title and code of many items for this person, hidden when they may not read them."""
    return surroundings.titles(uow, viewer, item_ids, set())


def title_for(uow: UnitOfWork, viewer: Actor, item_id: int) -> tuple[str, str]:
    """Return title and code of an item for this person, hidden when they may not read it."""
    return titles_for(uow, viewer, [item_id])[item_id]


def _request_view(
    row: LoanRequest,
    around: _Around,
    steps: list[ApprovalView],
    loan: LoanView | None,
    place: int,
    is_my_turn: bool,
) -> RequestView:
    kept, title, reader = row.decision, around.titles[row.item_id], around.reader(row)
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
    step: LoanApproval, people: Mapping[int, Person], acting: dict[int, int]
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


def _loan_view(loan: Loan, around: _Around) -> LoanView:
    request, copy = around.requests[loan.request_id], around.copies[loan.copy_id]
    people = around.people
    title, reader = around.titles[copy.item_id], around.reader(request)
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
        days_left=_days_left(loan, around),
        renewals=loan.renewals,
        recalled_at=loan.recalled_at,
        recall_reason=loan.recall_reason,
        borrower_left=people[loan.borrower_id].has_left,
        signed_out=_signed(loan.out_way, loan.out_digest, loan.out_picture),
        signed_back=_signed(loan.back_way, loan.back_digest, loan.back_picture),
        group_id=request.group_id,
    )


def _signed(way: str, digest: str, picture: str | None) -> Signed | None:
    return Signed(Way(way), digest, picture is not None) if way else None


def _days_left(loan: Loan, around: _Around) -> int:
    """Working days until the due day; negative when it is past, 0 when it is back."""
    calendar, today, due = around.calendar, around.today, loan.due_on
    if loan.returned_at is not None:
        return 0
    if due < today:
        return -max(1, calendar.working_days_between(due, today))
    return calendar.working_days_between(today, due)


def _holds(loan: Loan, viewer: Actor) -> bool:
    return loan.borrower_id == viewer.id and loan.returned_at is None

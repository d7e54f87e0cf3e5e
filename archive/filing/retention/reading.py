"""Reading at the end of the keeping: appraisals and lists whole, lists of them, one item's end.

Nothing here changes a row. Lists take a fixed number of statements.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from archive.core.errors import NotFound
from archive.core.pages import Page, clean_paging
from archive.filing.models import Item
from archive.filing.retention import lists
from archive.filing.retention.appraisal import NOT_THERE, items_by_id, lines_of, may_see
from archive.filing.retention.due import TermView, term_of
from archive.filing.retention.holds import HoldView, holds_of
from archive.filing.retention.models import (
    Appraisal,
    AppraisalLine,
    AppraisalMember,
    AppraisalOpinion,
    AppraisalState,
    DisposalLine,
    DisposalList,
    ListState,
)
from archive.filing.retention.rules import LARGEST_ID
from archive.filing.retention.settings import load_settings
from archive.filing.retention.views import (
    AppraisalLineView,
    AppraisalSummary,
    AppraisalView,
    DisposalLineView,
    DisposalSummary,
    DisposalView,
    MemberView,
    OpinionView,
    WitnessView,
)
from archive.people import service as people
from archive.people.models import Department
from archive.people.readers import may_read
from archive.people.rights import Actor, can, require
from storage.work import UnitOfWork


@dataclass(frozen=True)
class Ending:
    """What an item's page says of its end: its term, what holds it, where it went.

    The ids are None where the reader may not open what is named.
    """

    term: TermView | None
    holds: tuple[HoldView, ...]
    appraisal_id: int | None
    appraisal_number: str
    list_id: int | None
    list_number: str
    list_label: str


def ending_of(uow: UnitOfWork, actor: Actor, item: Item) -> Ending:
    """Return how long an item is kept, and what stands over it; the item is the caller's to ask."""
    before = uow.session.execute(
        select(Appraisal.id, Appraisal.number)
        .join(AppraisalLine, AppraisalLine.appraisal_id == Appraisal.id)
        .where(AppraisalLine.item_id == item.id, Appraisal.state != AppraisalState.WITHDRAWN)
        .order_by(Appraisal.id.desc())
        .limit(1)
    ).first()
    row = uow.session.scalar(
        select(DisposalList)
        .join(DisposalLine, DisposalLine.list_id == DisposalList.id)
        .where(DisposalLine.item_id == item.id, DisposalList.state != ListState.WITHDRAWN)
        .order_by(DisposalList.id.desc())
        .limit(1)
    )
    to = f"（接收：{row.receiver}）" if row and row.receiver else ""
    return Ending(
        term=term_of(uow, item.id),
        holds=tuple(holds_of(uow, [item]).get(item.id, ())),
        appraisal_id=before[0] if before and may_see(uow, actor, before[0]) else None,
        appraisal_number=before[1] if before else "",
        list_id=row.id if row and lists.may_see_list(uow, actor, row) else None,
        list_number=row.number if row else "",
        list_label=ListState(row.state).label + to if row else "",
    )


def get_appraisal(uow: UnitOfWork, actor: Actor, appraisal_id: int) -> AppraisalView:
    """Return an appraisal with the lines the actor may read; raise NotFound."""
    row = uow.session.get(Appraisal, appraisal_id) if 0 < appraisal_id <= LARGEST_ID else None
    if row is None or not may_see(uow, actor, row.id):
        raise NotFound(NOT_THERE)
    lines = lines_of(uow, row.id)
    shown = _readable(uow, actor, [line.item_id for line in lines])
    views = _lines(uow, [line for line in lines if line.item_id in shown])
    names = people.names_of(uow, [row.opened_by, row.withdrawn_by])
    return AppraisalView(
        id=row.id,
        number=row.number,
        state=row.state,
        note=row.note,
        leader_id=row.leader_id,
        opened_name=names.get(row.opened_by, ""),
        opened_at=row.opened_at,
        decided_at=row.decided_at,
        withdrawn_name=names.get(row.withdrawn_by or 0, ""),
        withdrawn_at=row.withdrawn_at,
        reason=row.reason,
        members=_members(uow, row, views),
        lines=views,
        is_whole=len(views) == len(lines),
    )


def list_appraisals(
    uow: UnitOfWork, actor: Actor, *, page: int = 1, per_page: int = 20
) -> Page[AppraisalSummary]:
    """Return the appraisals the actor may see, the newest first."""
    require(actor, "retention.read")
    page, per_page = clean_paging(page, per_page)
    mine = select(AppraisalMember.appraisal_id).where(AppraisalMember.user_id == actor.id)
    query = select(Appraisal)
    if not can(actor, "retention.list"):
        query = query.where(Appraisal.id.in_(mine))
    rows, total = _page_of(uow, query, Appraisal.id, page, per_page)
    ids = [row.id for row in rows]
    items = _counts(uow, AppraisalLine.appraisal_id, ids)
    members: dict[int, list[AppraisalMember]] = defaultdict(list)
    found = select(AppraisalMember).where(AppraisalMember.appraisal_id.in_(ids))
    for one in uow.session.scalars(found):
        members[one.appraisal_id].append(one)
    names = people.names_of(uow, [row.opened_by for row in rows])
    shown = tuple(
        AppraisalSummary(
            id=row.id,
            number=row.number,
            state=row.state,
            opened_name=names.get(row.opened_by, ""),
            opened_at=row.opened_at,
            items=items.get(row.id, 0),
            signed=sum(one.signed_at is not None for one in members[row.id]),
            members=len(members[row.id]),
            waits_for_me=row.state == AppraisalState.OPEN
            and any(one.user_id == actor.id and not one.signed_at for one in members[row.id]),
        )
        for row in rows
    )
    return Page(shown, total, page, per_page)


def get_list(uow: UnitOfWork, actor: Actor, list_id: int) -> DisposalView:
    """Return a destruction or transfer list with the lines the actor may read; NotFound."""
    row = lists.get_row(uow, actor, list_id)
    lines = lists.rows_of(uow, row.id)
    shown = _readable(uow, actor, [line.item_id for line in lines])
    signed = lists.witnesses_of(uow, row.id)
    appraisal = uow.session.get_one(Appraisal, row.appraisal_id)
    who = [row.made_by, row.approved_by, row.carried_by, row.withdrawn_by, appraisal.leader_id]
    names = people.names_of(uow, [*who, *(one.user_id for one in signed)])
    return DisposalView(
        id=row.id,
        number=row.number,
        kind=row.kind,
        appraisal_id=row.appraisal_id,
        appraisal_number=appraisal.number,
        leader_name=names.get(appraisal.leader_id, ""),
        appraised_at=appraisal.decided_at,
        state=row.state,
        note=row.note,
        digest=row.digest,
        made_name=names.get(row.made_by, ""),
        made_at=row.made_at,
        approved_name=names.get(row.approved_by or 0, ""),
        approved_at=row.approved_at,
        cooling_until=row.cooling_until,
        cooling_basis=row.cooling_basis,
        receiver=row.receiver,
        receiver_name=row.receiver_name,
        carried_name=names.get(row.carried_by or 0, ""),
        carried_at=row.carried_at,
        done_at=row.done_at,
        withdrawn_name=names.get(row.withdrawn_by or 0, ""),
        withdrawn_at=row.withdrawn_at,
        reason=row.reason,
        parts=lists.parts_of(uow, row),
        witnesses=tuple(
            WitnessView(one.user_id, names.get(one.user_id, ""), one.at, one.method, one.location)
            for one in signed
        ),
        lines=tuple(_disposal_line(line) for line in lines if line.item_id in shown),
        is_whole=len(shown) == len(lines),
    )


def list_disposals(
    uow: UnitOfWork, actor: Actor, *, page: int = 1, per_page: int = 20
) -> Page[DisposalSummary]:
    """Return the destruction and transfer lists the actor may see, the newest first."""
    require(actor, "retention.read")
    page, per_page = clean_paging(page, per_page)
    query = select(DisposalList)
    if not can(actor, "retention.list") and actor.id != load_settings(uow).representative_id:
        hidden = select(DisposalLine.id).where(
            DisposalLine.list_id == DisposalList.id,
            ~may_read(actor, "item", DisposalLine.item_id),
        )
        query = query.where(~hidden.exists())
    rows, total = _page_of(uow, query, DisposalList.id, page, per_page)
    items = _counts(uow, DisposalLine.list_id, [row.id for row in rows])
    names = people.names_of(uow, [row.made_by for row in rows])
    shown = tuple(
        DisposalSummary(
            id=row.id,
            number=row.number,
            kind=row.kind,
            state=row.state,
            items=items.get(row.id, 0),
            made_name=names.get(row.made_by, ""),
            made_at=row.made_at,
            cooling_until=row.cooling_until,
            done_at=row.done_at,
        )
        for row in rows
    )
    return Page(shown, total, page, per_page)


def _page_of(
    uow: UnitOfWork, query: Select[Any], key: Any, page: int, per_page: int
) -> tuple[list[Any], int]:
    total = uow.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    query = query.order_by(key.desc()).offset((page - 1) * per_page).limit(per_page)
    return list(uow.session.scalars(query)), total


def _counts(uow: UnitOfWork, owner: Any, ids: Sequence[int]) -> dict[int, int]:
    query = select(owner, func.count()).where(owner.in_(ids)).group_by(owner)
    return {row[0]: row[1] for row in uow.session.execute(query)}


def _readable(uow: UnitOfWork, actor: Actor, item_ids: Iterable[int]) -> set[int]:
    query = select(Item.id).where(Item.id.in_(item_ids), may_read(actor, "item", Item.id))
    return set(uow.session.scalars(query))


def _members(
    uow: UnitOfWork, row: Appraisal, lines: Sequence[AppraisalLineView]
) -> tuple[MemberView, ...]:
    query = select(AppraisalMember).where(AppraisalMember.appraisal_id == row.id)
    members = list(uow.session.scalars(query.order_by(AppraisalMember.id)))
    names = people.names_of(uow, [one.user_id for one in members])
    return tuple(
        MemberView(
            user_id=one.user_id,
            name=names.get(one.user_id, ""),
            is_leader=one.user_id == row.leader_id,
            signed_at=one.signed_at,
            missing=sum(line.opinion_of(one.user_id) is None for line in lines),
        )
        for one in members
    )


def _lines(uow: UnitOfWork, lines: Sequence[AppraisalLine]) -> tuple[AppraisalLineView, ...]:
    items = {item.id: item for item in items_by_id(uow, [line.item_id for line in lines])}
    units = {item.department_id for item in items.values()} - {None}
    query = select(Department.id, Department.name).where(Department.id.in_(units))
    departments = {row[0]: row[1] for row in uow.session.execute(query)}
    opinions = _opinions(uow, [line.id for line in lines])
    return tuple(
        AppraisalLineView(
            id=line.id,
            item_id=line.item_id,
            place=line.place,
            code=items[line.item_id].reference_code or "",
            title=items[line.item_id].title,
            year=items[line.item_id].year,
            department_name=departments.get(items[line.item_id].department_id or 0, ""),
            pages=items[line.item_id].pages,
            base_year=line.base_year,
            retention=line.retention,
            outcome=line.outcome,
            new_term=line.new_term,
            why=line.why,
            is_open=line.claim is not None,
            opinions=tuple(opinions[line.id]),
        )
        for line in lines
    )


def _opinions(uow: UnitOfWork, line_ids: Sequence[int]) -> dict[int, list[OpinionView]]:
    query = select(AppraisalOpinion).where(AppraisalOpinion.line_id.in_(line_ids))
    rows = list(uow.session.scalars(query.order_by(AppraisalOpinion.user_id)))
    names = people.names_of(uow, {row.user_id for row in rows})
    found: dict[int, list[OpinionView]] = defaultdict(list)
    for row in rows:
        found[row.line_id].append(
            OpinionView(
                row.user_id, names.get(row.user_id, ""), row.opinion, row.new_term, row.reason
            )
        )
    return found


def _disposal_line(line: DisposalLine) -> DisposalLineView:
    return DisposalLineView(
        item_id=line.item_id,
        place=line.place,
        code=line.code,
        title=line.title,
        year=line.year,
        retention=line.retention,
        kept_years=line.kept_years,
        pages=line.pages,
        note=line.note,
        files=len(line.files),
        shared=len(line.shared),
        done_at=line.done_at,
    )

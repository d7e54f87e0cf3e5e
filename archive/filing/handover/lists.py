"""Reading hand-over lists: one whole, and those a person may see.

A line is read by who may read its record; who may not read all of a list can sign nothing of
it. Called through ``handover.service``.
"""

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import ColumnElement, func, or_, select

from archive.core.errors import Invalid, NotFound
from archive.core.pages import Page, clean_paging
from archive.filing.handover.models import HandoverLine, HandoverList, HandoverReturn, ListState
from archive.filing.handover.rules import Listed, ListedFile, list_digest
from archive.filing.handover.views import LineView, ListSummary, ListView, ReturnView
from archive.people import service as people
from archive.people.readers import may_read
from archive.people.rights import Actor, Thing, can, require
from storage.work import UnitOfWork

LARGEST_ID = 2**63 - 1
NOT_THERE = "没有这份移交清单，或者您无权查看。"


def get_row(
    uow: UnitOfWork, actor: Actor, list_id: int, act: str = "handover.read"
) -> HandoverList:
    """Return the row of a list the actor may do ``act`` to; raise NotFound, Forbidden."""
    row = uow.session.get(HandoverList, list_id) if 0 < list_id <= LARGEST_ID else None
    if row is None or not can(actor, "handover.read", thing_of(row)) or _is_hidden(uow, actor, row):
        raise NotFound(NOT_THERE)
    require(actor, act, thing_of(row))
    return row


def get_list(uow: UnitOfWork, actor: Actor, list_id: int) -> ListView:
    """Return a list with the lines the actor may read; raise NotFound."""
    return view_of(uow, actor, get_row(uow, actor, list_id))


def list_lists(
    uow: UnitOfWork,
    actor: Actor,
    *,
    department_id: int | None = None,
    month: date | None = None,
    state: str = "",
    page: int = 1,
    per_page: int = 20,
) -> Page[ListSummary]:
    """Return one page of the lists the actor may see, the newest first; counts are theirs."""
    require(actor, "handover.list")
    page, per_page = clean_paging(page, per_page)
    if state and state not in set(ListState):
        raise Invalid(f"没有“{state[:20]}”这种清单状态。", {"state": "请从列表中选"})
    counted = (
        select(
            HandoverLine.list_id.label("list_id"),
            func.count().label("papers"),
            func.sum(HandoverLine.pages).label("pages"),
        )
        .where(_readable(actor))
        .group_by(HandoverLine.list_id)
        .subquery()
    )
    query = select(HandoverList, counted.c.papers, counted.c.pages).outerjoin(
        counted, counted.c.list_id == HandoverList.id
    )
    query = query.where(
        *_narrowed(actor, department_id, month, state),
        or_(counted.c.papers.is_not(None), HandoverList.made_by == actor.id),
    )
    total = uow.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = uow.session.execute(
        query.order_by(HandoverList.id.desc()).offset((page - 1) * per_page).limit(per_page)
    ).all()
    return Page(_summaries(uow, [tuple(row) for row in rows]), total, page, per_page)


def view_of(uow: UnitOfWork, actor: Actor, row: HandoverList) -> ListView:
    """Return a list as the actor sees it."""
    lines, is_whole = lines_of(uow, actor, row.id)
    back = list(
        uow.session.scalars(
            select(HandoverReturn)
            .where(HandoverReturn.list_id == row.id)
            .order_by(HandoverReturn.id.desc())
        )
    )
    names = people.names_of(
        uow, {row.made_by, row.handed_by, row.received_by, *(one.by_id for one in back)}
    )
    units = {unit.id: unit.name for unit in people.departments(uow)}
    return ListView(
        id=row.id,
        number=row.number or "",
        department_id=row.department_id,
        department_name=units.get(row.department_id, ""),
        month=row.month,
        state=row.state,
        note=row.note,
        made_name=names.get(row.made_by, ""),
        made_at=row.made_at,
        digest=row.digest or list_digest(row.department_id, row.month, listed(lines)),
        handed_by=row.handed_by,
        handed_name=names.get(row.handed_by or 0, ""),
        handed_at=row.handed_at,
        received_name=names.get(row.received_by or 0, ""),
        received_at=row.received_at,
        lines=lines,
        is_whole=is_whole,
        returns=tuple(ReturnView(names.get(one.by_id, ""), one.at, one.reason) for one in back),
    )


def lines_of(uow: UnitOfWork, actor: Actor, list_id: int) -> tuple[tuple[LineView, ...], bool]:
    """Return the lines the actor may read, and whether that is all of them."""
    inside = HandoverLine.list_id == list_id
    every = uow.session.scalar(select(func.count()).select_from(HandoverLine).where(inside)) or 0
    rows = uow.session.scalars(
        select(HandoverLine).where(inside, _readable(actor)).order_by(HandoverLine.id)
    )
    lines = tuple(_line(row, place) for place, row in enumerate(rows, start=1))
    return lines, len(lines) == every


def listed(lines: Iterable[LineView]) -> tuple[Listed, ...]:
    """Return lines as rules look at them."""
    return tuple(
        Listed(line.place, line.record_id, line.number, line.title, line.pages, line.files)
        for line in lines
    )


def thing_of(row: HandoverList) -> Thing:
    """Return what rights ask about a list."""
    return Thing(kind="handover", department_id=row.department_id, owner_id=row.made_by)


def _is_hidden(uow: UnitOfWork, actor: Actor, row: HandoverList) -> bool:
    """Say whether nothing of the list may be read by the actor; its maker always sees it."""
    if row.made_by == actor.id:
        return False
    lines = select(HandoverLine.id).where(HandoverLine.list_id == row.id)
    if uow.session.scalar(lines.limit(1)) is None:
        return False
    return uow.session.scalar(lines.where(_readable(actor)).limit(1)) is None


def _readable(actor: Actor) -> ColumnElement[bool]:
    return may_read(actor, "record", HandoverLine.record_id)


def _narrowed(
    actor: Actor, department_id: int | None, month: date | None, state: str
) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if not can(actor, "handover.all"):
        wanted.append(HandoverList.department_id.in_({actor.department_id, *actor.headed}))
    if department_id is not None:
        wanted.append(HandoverList.department_id == department_id)
    if month is not None:
        wanted.append(HandoverList.month == month)
    if state:
        wanted.append(HandoverList.state == state)
    else:
        wanted.append(HandoverList.state != ListState.DISCARDED)
    return wanted


def _line(row: HandoverLine, place: int) -> LineView:
    return LineView(
        place=place,
        record_id=row.record_id,
        number=row.number,
        title=row.title,
        author_name=row.author_name,
        secrecy=row.secrecy,
        signed_on=row.signed_on,
        pages=row.pages,
        files=tuple(ListedFile(*file) for file in row.files),
    )


def _summaries(
    uow: UnitOfWork, rows: Sequence[tuple[HandoverList, int | None, int | None]]
) -> tuple[ListSummary, ...]:
    names = people.names_of(
        uow, {who for row, _, _ in rows for who in (row.made_by, row.handed_by, row.received_by)}
    )
    units = {unit.id: unit.name for unit in people.departments(uow)} if rows else {}
    return tuple(
        ListSummary(
            id=row.id,
            number=row.number or "",
            department_name=units.get(row.department_id, ""),
            month=row.month,
            state=row.state,
            papers=papers or 0,
            pages=pages or 0,
            made_name=names.get(row.made_by, ""),
            handed_name=names.get(row.handed_by or 0, ""),
            handed_at=row.handed_at,
            received_name=names.get(row.received_by or 0, ""),
            received_at=row.received_at,
        )
        for row, papers, pages in rows
    )

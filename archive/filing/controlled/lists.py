"""Reads controlled documents, versions and copies: whoever may read a version, or holds a copy.

A list of n documents takes a fixed number of statements. Called through ``controlled.service``.
"""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_, select

from archive.core.clock import local_day
from archive.core.errors import NotFound
from archive.core.pages import Page, clean_paging
from archive.filing.controlled.models import ControlledCopy, ControlledDocument, ControlledVersion
from archive.filing.controlled.rules import state_of
from archive.filing.controlled.views import CopyView, DocumentView, VersionView
from archive.filing.models import Item
from archive.people import service as people
from archive.people.models import Department
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

LARGEST_ID = 2**63 - 1
NOT_THERE = "没有这份受控文件，或者您无权查看。"


def list_documents(
    uow: UnitOfWork, actor: Actor, text: str = "", page: int = 1, per_page: int = 20
) -> Page[DocumentView]:
    """Return one page of the controlled documents the actor may see, by number."""
    require(actor, "controlled.list")
    page, per_page = clean_paging(page, per_page)
    wanted = [_visible(actor)]
    if text.strip():
        columns = (ControlledDocument.number, ControlledDocument.title)
        wanted.append(or_(*(c.contains(text.strip()[:100], autoescape=True) for c in columns)))
    total = uow.session.scalar(select(func.count(ControlledDocument.id)).where(*wanted)) or 0
    rows = uow.session.scalars(
        select(ControlledDocument)
        .where(*wanted)
        .order_by(ControlledDocument.number)
        .offset((page - 1) * per_page)
        .limit(per_page)
    )
    return Page(tuple(_documents(uow, actor, list(rows))), total, page, per_page)


def get_document(uow: UnitOfWork, actor: Actor, document_id: int) -> DocumentView:
    """Return a controlled document with its copies: all to the archive, else one's own only."""
    require(actor, "controlled.list")
    row = uow.session.scalar(
        select(ControlledDocument).where(
            ControlledDocument.id == min(document_id, LARGEST_ID), _visible(actor)
        )
    )
    if row is None:
        raise NotFound(NOT_THERE)
    (view,) = _documents(uow, actor, [row])
    copies = copies_where(uow, ControlledCopy.document_id == row.id, _shown_to(actor))
    return DocumentView(
        view.id, view.number, view.title, view.versions, copies, view.out, view.old_out
    )


def my_copies(uow: UnitOfWork, actor: Actor) -> tuple[CopyView, ...]:
    """Return the copies a person holds, those to be given back first."""
    require(actor, "controlled.list")
    mine = ControlledCopy.person_id == actor.id
    found = copies_where(uow, mine, ControlledCopy.ended_at.is_(None))
    return tuple(sorted(found, key=lambda one: (one.is_valid, one.document_number)))


def old_copies(uow: UnitOfWork, actor: Actor) -> tuple[CopyView, ...]:
    """Return every copy of a version no longer valid that somebody still holds."""
    require(actor, "controlled.manage")
    readable = ControlledCopy.version_id.in_(
        select(ControlledVersion.id)
        .join(Item, Item.id == ControlledVersion.item_id)
        .where(may_read(actor, "item", Item.id))
    )
    found = copies_where(uow, readable, ControlledCopy.ended_at.is_(None))
    return tuple(one for one in found if not one.is_valid)


def get_copy(uow: UnitOfWork, actor: Actor, copy_id: int) -> CopyView:
    """Return a copy to its holder and to the archive; raise NotFound."""
    require(actor, "controlled.list")
    found = copies_where(uow, ControlledCopy.id == min(copy_id, LARGEST_ID), _shown_to(actor))
    if not found:
        raise NotFound("没有这份受控副本，或者您无权查看。")
    return found[0]


def copies_where(uow: UnitOfWork, *wanted: ColumnElement[bool]) -> tuple[CopyView, ...]:
    """Return copies by document and number; rights unchecked."""
    rows = uow.session.execute(
        select(ControlledCopy, ControlledDocument, ControlledVersion)
        .join(ControlledDocument, ControlledDocument.id == ControlledCopy.document_id)
        .join(ControlledVersion, ControlledVersion.id == ControlledCopy.version_id)
        .where(*wanted)
        .order_by(ControlledDocument.number, ControlledCopy.number)
    ).all()
    copies = [row[0] for row in rows]
    ids = {one for copy in copies for one in (copy.person_id, copy.issued_by, copy.ended_by)}
    names = people.names_of(uow, ids)
    units = _units(uow)
    states = _states(uow, {row[1].id for row in rows})
    return tuple(
        _copy(copy, document, version, names, units, states[version.id] == "valid")
        for copy, document, version in rows
    )


def _copy(
    row: ControlledCopy,
    document: ControlledDocument,
    version: ControlledVersion,
    names: dict[int, str],
    units: dict[int, str],
    is_valid: bool,
) -> CopyView:
    return CopyView(
        id=row.id,
        document_id=document.id,
        document_number=document.number,
        document_title=document.title,
        version_id=version.id,
        version_label=version.label,
        number=row.number,
        department_name=units.get(row.department_id, ""),
        person_id=row.person_id,
        person_name=names.get(row.person_id, ""),
        issued_by=names.get(row.issued_by, ""),
        issued_at=row.issued_at,
        sha256=row.sha256,
        pages=row.pages,
        received_at=row.received_at,
        received_how=row.received_how,
        recalled_at=row.recalled_at,
        ended_at=row.ended_at,
        ended_how=row.ended_how,
        ended_by=names.get(row.ended_by or 0, ""),
        note=row.note,
        is_valid=is_valid,
        version=row.row_version,
    )


def _visible(actor: Actor) -> ColumnElement[bool]:
    readable = (
        select(ControlledVersion.document_id)
        .join(Item, Item.id == ControlledVersion.item_id)
        .where(may_read(actor, "item", Item.id))
    )
    held = select(ControlledCopy.document_id).where(ControlledCopy.person_id == actor.id)
    return or_(ControlledDocument.id.in_(readable), ControlledDocument.id.in_(held))


def _shown_to(actor: Actor) -> ColumnElement[bool]:
    """Copies one may see: one's own; for the archive those of papers it may read."""
    mine = ControlledCopy.person_id == actor.id
    if not actor.roles & {"archivist", "archive_head", "audit", "leader", "quality"}:
        return mine
    readable = (
        select(ControlledVersion.id)
        .join(Item, Item.id == ControlledVersion.item_id)
        .where(may_read(actor, "item", Item.id))
    )
    return or_(mine, ControlledCopy.version_id.in_(readable))


def _units(uow: UnitOfWork) -> dict[int, str]:
    rows = uow.session.execute(select(Department.id, Department.name)).all()
    return {row.id: row.name for row in rows}


def _versions(uow: UnitOfWork, document_ids: set[int]) -> dict[int, list[ControlledVersion]]:
    found: dict[int, list[ControlledVersion]] = defaultdict(list)
    query = select(ControlledVersion).where(ControlledVersion.document_id.in_(document_ids))
    for row in uow.session.scalars(query.order_by(ControlledVersion.valid_from.desc())):
        found[row.document_id].append(row)
    return found


def _states(uow: UnitOfWork, document_ids: set[int]) -> dict[int, str]:
    today = local_day(uow.now())
    return {
        row.id: state_of(row, rows, today)
        for rows in _versions(uow, document_ids).values()
        for row in rows
    }


def _documents(
    uow: UnitOfWork, actor: Actor, rows: Sequence[ControlledDocument]
) -> list[DocumentView]:
    ids = {row.id for row in rows}
    versions = _versions(uow, ids)
    today = local_day(uow.now())
    names = people.names_of(uow, {one.declared_by for some in versions.values() for one in some})
    items = {one.item_id for some in versions.values() for one in some}
    readable = set(
        uow.session.scalars(
            select(Item.id).where(Item.id.in_(items), may_read(actor, "item", Item.id))
        )
    )
    counts = uow.session.execute(
        select(ControlledCopy.version_id, func.count())
        .where(ControlledCopy.document_id.in_(ids), ControlledCopy.ended_at.is_(None))
        .group_by(ControlledCopy.version_id)
    ).all()
    out = {row[0]: int(row[1]) for row in counts}
    found = []
    for row in rows:
        shown = tuple(
            VersionView(
                id=one.id,
                item_id=one.item_id,
                label=one.label,
                valid_from=one.valid_from,
                declared_by=names.get(one.declared_by, ""),
                declared_at=one.declared_at,
                note=one.note,
                withdrawn_at=one.withdrawn_at,
                state=state_of(one, versions[row.id], today),
                may_read_item=one.item_id in readable,
            )
            for one in versions[row.id]
        )
        old = sum(out.get(one.id, 0) for one in shown if one.state == "past")
        total = sum(out.get(one.id, 0) for one in shown)
        found.append(DocumentView(row.id, row.number, row.title, shown, (), total, old))
    return found

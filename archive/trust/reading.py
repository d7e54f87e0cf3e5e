"""The journal as the auditor reads it: who did what to which, narrowed and page by page.

A page takes a fixed number of statements. The thing an entry is about is linked and named only
where the reader may read it; the auditor's clearance counts here as everywhere.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select

from archive.core.clock import day_begins, show_instant
from archive.core.errors import Invalid
from archive.core.pages import Page, clean_paging
from archive.filing.models import Item
from archive.people import service as people
from archive.people.models import User
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from archive.records.models import Record
from storage.journal import JournalEntry
from storage.work import UnitOfWork

LONGEST = 60


@dataclass(frozen=True)
class JournalFilter:
    """What the journal is narrowed to; empty parts narrow nothing. Days are local and included."""

    person: str = ""
    action: str = ""
    object_type: str = ""
    object_id: str = ""
    since: str = ""
    until: str = ""
    text: str = ""


@dataclass(frozen=True)
class JournalLine:
    """One act; ``object_title`` only where the reader may read the thing."""

    seq: int
    at: str
    actor_id: int | None
    actor_name: str
    action: str
    object_type: str
    object_id: str
    object_title: str
    detail: str
    hash: str


def list_journal(
    uow: UnitOfWork,
    actor: Actor,
    narrow: JournalFilter | None = None,
    *,
    page: int = 1,
    per_page: int = 50,
) -> Page[JournalLine]:
    """Return the journal, newest first, as far as asked; raise Invalid for days that are none."""
    require(actor, "journal.read")
    page, per_page = clean_paging(page, per_page)
    wanted = _conditions(narrow or JournalFilter())
    total = uow.session.scalar(select(func.count()).select_from(JournalEntry).where(*wanted)) or 0
    rows = list(
        uow.session.scalars(
            select(JournalEntry)
            .where(*wanted)
            .order_by(JournalEntry.seq.desc())
            .limit(per_page)
            .offset((page - 1) * per_page)
        )
    )
    names = people.names_of(uow, [row.actor_id for row in rows])
    titles = _titles(uow, actor, rows)
    lines = tuple(
        JournalLine(
            seq=row.seq,
            at=show_instant(datetime.fromisoformat(row.at)),
            actor_id=row.actor_id,
            actor_name=names.get(row.actor_id or 0, "系统"),
            action=row.action,
            object_type=row.object_type,
            object_id=row.object_id,
            object_title=titles.get((row.object_type, row.object_id), ""),
            detail=row.detail,
            hash=row.hash,
        )
        for row in rows
    )
    return Page(lines, total, page, per_page)


def _conditions(narrow: JournalFilter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if name := narrow.person.strip()[:LONGEST]:
        if name == "系统":
            found.append(JournalEntry.actor_id.is_(None))
        else:
            named = User.name.contains(name, autoescape=True)
            those = select(User.id).where(or_(named, User.username == name, User.staff_no == name))
            found.append(JournalEntry.actor_id.in_(those))
    if action := narrow.action.strip()[:LONGEST]:
        found.append(_begins(action))
    if kind := narrow.object_type.strip()[:LONGEST]:
        found.append(JournalEntry.object_type == kind)
    if number := narrow.object_id.strip()[:LONGEST]:
        found.append(JournalEntry.object_id == number)
    if text := narrow.text.strip()[:LONGEST]:
        found.append(JournalEntry.detail.contains(text, autoescape=True))
    return [*found, *_days(narrow)]


def _begins(action: str) -> ColumnElement[bool]:
    """Say whether an act begins so, as a range: an index answers it."""
    return (JournalEntry.action >= action) & (JournalEntry.action < f"{action}\U0010fffd")


def _days(narrow: JournalFilter) -> list[ColumnElement[bool]]:
    wrong, found = {}, []
    for key, text, later in (("since", narrow.since, 0), ("until", narrow.until, 1)):
        if not text.strip():
            continue
        try:
            day = date.fromisoformat(text.strip()) + timedelta(days=later)
            start = day_begins(day).astimezone(UTC)
        except (ValueError, OverflowError):
            wrong[key] = "日期应写成 2026-11-23"
            continue
        edge = start.isoformat(timespec="microseconds")
        found.append(JournalEntry.at < edge if later else JournalEntry.at >= edge)
    if wrong:
        raise Invalid("筛选的日期不对，应写成 2026-11-23。", wrong)
    return found


def _titles(
    uow: UnitOfWork, actor: Actor, rows: Sequence[JournalEntry]
) -> dict[tuple[str, str], str]:
    """Return the titles of the items and records of a page that the actor may read."""
    items = select(Item.id, Item.title).where(
        Item.id.in_(_numbers(rows, "item")), may_read(actor, "item", Item.id)
    )
    records = select(Record.id, Record.title).where(
        Record.id.in_(_numbers(rows, "record")), may_read(actor, "record", Record.id)
    )
    return {
        (kind, str(row.id)): row.title
        for kind, query in (("item", items), ("record", records))
        for row in uow.session.execute(query)
    }


def _numbers(rows: Sequence[JournalEntry], kind: str) -> Collection[int]:
    return {
        int(row.object_id)
        for row in rows
        if row.object_type == kind and row.object_id.isascii() and row.object_id.isdecimal()
    }

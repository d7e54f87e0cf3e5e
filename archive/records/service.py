"""Records (filled forms) as every other station and page reaches them.

Reading and lists stand here; filling in is in ``drafts``, the moves from state to state in
``stages``. Nothing here commits.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select

from archive.core.errors import Invalid
from archive.core.pages import Page
from archive.people.readers import may_read
from archive.people.rights import Actor, Thing, require
from archive.records.corrections import (
    citation_of,
    corrected_by,
    correction_line,
    corrections_of,
    corrects,
    drop_correction,
    start_correction,
)
from archive.records.drafts import (
    Entries,
    complete_values,
    create_draft,
    entries_of,
    get_entries,
    save_draft,
    unsaved_entries,
)
from archive.records.history import SAVED, as_of, keep_as_version, versions_of
from archive.records.lastyear import brought_figures, last_year_notes
from archive.records.models import Record, RecordState, RecordVersion
from archive.records.pictures import find_picture, keep_picture
from archive.records.rows import get_row, page_of, thing_of_row, view_of, views_of
from archive.records.rules import LARGEST_ID
from archive.records.stages import (
    mark_destroyed,
    mark_filed,
    mark_rejected,
    mark_returned,
    mark_signed,
    mark_submitted,
    mark_withdrawn,
    take_number_for,
)
from archive.records.starts import (
    copy_record,
    earlier_values,
    list_earlier,
    new_values,
    start_draft,
    start_name,
)
from archive.records.views import FacetView, RecordView, VersionView
from doc_templates import Form
from storage.work import UnitOfWork

__all__ = [
    "Entries",
    "RecordView",
    "VersionView",
    "as_of",
    "brought_figures",
    "citation_of",
    "complete_values",
    "copy_record",
    "corrected_by",
    "correction_line",
    "corrections_of",
    "corrects",
    "create_draft",
    "drop_correction",
    "earlier_values",
    "entries_of",
    "find_picture",
    "find_verified",
    "get_entries",
    "get_record",
    "keep_as_version",
    "keep_picture",
    "last_year_notes",
    "list_earlier",
    "list_records",
    "list_versions",
    "load_record",
    "mark_destroyed",
    "mark_filed",
    "mark_rejected",
    "mark_returned",
    "mark_signed",
    "mark_submitted",
    "mark_withdrawn",
    "mine_by_state",
    "new_values",
    "record_ids",
    "save_draft",
    "signed_not_filed",
    "start_correction",
    "start_draft",
    "start_name",
    "take_number_for",
    "thing_of",
    "unsaved_entries",
]

MOST_FACET_VALUES = 50
SEARCH_LIMIT = 100


def get_record(uow: UnitOfWork, actor: Actor, record_id: int) -> RecordView:
    """Return a record the actor may read; raise NotFound for any other."""
    row = get_row(uow, record_id)
    require(actor, "record.read", thing_of_row(uow, row))
    return view_of(uow, row)


def load_record(uow: UnitOfWork, record_id: int) -> RecordView:
    """Return a record without asking who wants it: for jobs, and stations that have checked."""
    return view_of(uow, get_row(uow, record_id))


def thing_of(uow: UnitOfWork, record_id: int) -> Thing:
    """Return what rights are asked about for a record; raise NotFound."""
    return thing_of_row(uow, get_row(uow, record_id))


def list_records(
    uow: UnitOfWork,
    actor: Actor,
    *,
    state: str = "",
    form: str = "",
    customer_id: int | None = None,
    mine: bool = False,
    text: str = "",
    entries: Mapping[str, str] | None = None,
    page: int = 1,
    per_page: int = 20,
) -> Page[RecordView]:
    """Return the records the actor may read, newest change first.

    ``text`` is a part of the title or number; ``mine`` keeps only the actor's own; ``entries``
    are what the form's facets must hold, by key.
    """
    require(actor, "record.list")
    if state and state not in set(RecordState):
        raise Invalid(f"没有“{state[:20]}”这种状态。", {"state": "请从列表中选"})
    if customer_id is not None and not 0 < customer_id <= LARGEST_ID:
        raise Invalid("没有这位客户。", {"customer_id": "请从客户名录中选"})
    wanted: list[ColumnElement[bool]] = [may_read(actor, "record", Record.id)]
    if state:
        wanted.append(Record.state == state)
    if form:
        wanted.append(Record.form_code == form)
    if customer_id is not None:
        wanted.append(Record.customer_id == customer_id)
    if mine:
        wanted.append(Record.author_id == actor.id)
    wanted += [Record.content[key].as_string() == value for key, value in (entries or {}).items()]
    words = text.strip()[:SEARCH_LIMIT]
    if words:
        columns = (Record.title, Record.number)
        wanted.append(or_(*(column.contains(words, autoescape=True) for column in columns)))
    newest = select(Record).where(*wanted).order_by(Record.updated_at.desc(), Record.id.desc())
    return page_of(uow, newest, page, per_page)


def mine_by_state(
    uow: UnitOfWork, actor: Actor, states: Sequence[str], most: int
) -> dict[str, tuple[int, tuple[RecordView, ...]]]:
    """Return how many of the actor's own records are in each state, and the ones changed last.

    At most ``most`` of each; one statement for all the states.
    """
    require(actor, "record.list")
    newest = (Record.updated_at.desc(), Record.id.desc())
    ranked = (
        select(
            Record.id,
            func.count().over(partition_by=Record.state).label("total"),
            func.row_number().over(partition_by=Record.state, order_by=newest).label("place"),
        )
        .where(Record.author_id == actor.id, Record.state.in_(states))
        .where(may_read(actor, "record", Record.id))
        .subquery()
    )
    query = select(Record, ranked.c.total).join(ranked, ranked.c.id == Record.id)
    rows = uow.session.execute(query.where(ranked.c.place <= most).order_by(*newest)).all()
    found: dict[str, tuple[int, tuple[RecordView, ...]]] = dict.fromkeys(states, (0, ()))
    for (_, total), view in zip(rows, views_of(uow, [row for row, _ in rows]), strict=True):
        found[view.state] = (total, (*found[view.state][1], view))
    return found


def facet_counts(uow: UnitOfWork, actor: Actor, form: Form) -> tuple[FacetView, ...]:
    """Return what stands in a form's facets (form.toml), with how many records one may read."""
    require(actor, "record.list")
    found = []
    for key in form.facets:
        entry = form.find_field(key)
        value = Record.content[key].as_string()
        rows = uow.session.execute(
            select(value.label("value"), func.count().label("records"))
            .where(Record.form_code == form.code, may_read(actor, "record", Record.id))
            .group_by(value)
            .order_by(func.count().desc(), value)
            .limit(MOST_FACET_VALUES)
        )
        values = tuple((str(row.value), int(row.records)) for row in rows if row.value)
        found.append(FacetView(key, entry.label if entry else key, values))
    return tuple(found)


def signed_not_filed(
    uow: UnitOfWork,
    actor: Actor,
    page: int = 1,
    per_page: int = 20,
    *,
    without: Sequence[Select[Any]] = (),
) -> Page[RecordView]:
    """Return the signed records that wait to be filed, the longest waiting first.

    ``without``: queries for ids of records that are left out (taken in already, on their way).
    """
    require(actor, "filing.list")
    waiting = (
        select(Record)
        .where(Record.state == RecordState.SIGNED, may_read(actor, "record", Record.id))
        .where(*(Record.id.not_in(ids) for ids in without))
        .order_by(Record.signed_at, Record.id)
    )
    return page_of(uow, waiting, page, per_page)


def list_versions(uow: UnitOfWork, actor: Actor, record_id: int) -> tuple[VersionView, ...]:
    """Return what the record held each time it was submitted or kept, newest first."""
    row = get_row(uow, record_id)
    require(actor, "record.read", thing_of_row(uow, row))
    return versions_of(uow, row)


def find_verified(uow: UnitOfWork, code: str) -> RecordView | None:
    """Return the record a printed verification code names, or None.

    The code is ``number-digest12`` as in the footer's QR; any submitted version may match, none
    that was only kept while it was filled in.
    """
    number, _, digest = code.rpartition("-")
    if len(digest) != 12 or not number:
        return None
    row = uow.session.scalar(
        select(Record)
        .join(RecordVersion, RecordVersion.record_id == Record.id)
        .where(Record.number == number, RecordVersion.digest.startswith(digest, autoescape=True))
        .where(RecordVersion.kind != SAVED)
        .limit(1)
    )
    return None if row is None else view_of(uow, row)


def record_ids(uow: UnitOfWork, changed_since: datetime | None = None) -> tuple[int, ...]:
    """Return the id of every record (changed since an instant), for rebuilding the index."""
    query = select(Record.id).order_by(Record.id)
    if changed_since is not None:
        query = query.where(Record.updated_at >= changed_since)
    return tuple(uow.session.scalars(query))

"""A record's way through the later stations: submitted, returned, signed, filed.

The acts belong to the signing and filing stations, which have checked who may do them and
call these; here only the state moves, in its allowed order. Called through ``records.service``.
"""

from sqlalchemy import update

from archive.core.clock import local_day
from archive.core.numbering import take_number
from archive.customers.service import find_by_name, name_initials
from archive.people.rights import Actor, require
from archive.records.drafts import complete_values, keep_submitted
from archive.records.models import Record, RecordState, RecordVersion
from archive.records.rows import form_of, get_row, settle, thing_of_row, view_of
from archive.records.rules import clean_note, require_move, require_unsubmitted, require_version
from archive.records.views import RecordView
from storage.work import UnitOfWork


def take_number_for(uow: UnitOfWork, record_id: int, version: int | None = None) -> str:
    """Give the record its official number by the form's rule, once; return it.

    A rollback gives the number back. Giving a number is a change: the record's version rises.
    Raises Conflict where ``version`` is given and stale.
    """
    row = get_row(uow, record_id)
    if version is not None:
        require_version(row.row_version, version)
    if row.number:
        return row.number
    form = form_of(uow, row)
    rule, today = form.number, local_day(uow.now())
    initials = _initials(uow, row, form.customer_field) if "{首字母}" in rule.pattern else ""
    series = f"record:{form.code}:{rule.counter(today, initials)}"
    serial = take_number(uow, series, 10**rule.width - 1)
    row.number = rule.show(serial, today, initials, str(row.content.get(rule.round, "")))
    uow.session.flush()
    uow.journal(None, "record.number", "record", row.id, {"number": row.number})
    uow.outbox("index", f"record:{row.id}")
    return row.number


def require_submittable(uow: UnitOfWork, actor: Actor, record_id: int) -> None:
    """Raise NotFound, Forbidden, or Conflict for what was submitted already."""
    row = get_row(uow, record_id)
    thing = thing_of_row(uow, row)
    require(actor, "record.read", thing)
    require_unsubmitted(row.state)
    require(actor, "record.submit", thing)


def mark_submitted(
    uow: UnitOfWork, actor: Actor, record_id: int, version: int, participants: frozenset[int]
) -> RecordView:
    """Send a complete record to be signed: numbered, a new round, its values kept as a version.

    Raises Invalid naming each gap, Conflict for a stale version or a record under way.
    """
    require_submittable(uow, actor, record_id)
    row = get_row(uow, record_id)
    require_version(row.row_version, version)
    row.content = complete_values(form_of(uow, row), row.content)
    take_number_for(uow, record_id)
    row.round += 1
    row.submitted_at = uow.now()
    row.participants = sorted({*row.participants, *participants})
    digest = keep_submitted(uow, row, actor.id)
    return _move(uow, actor, row, RecordState.IN_SIGNING, "record.submit", sha256=digest)


def mark_returned(
    uow: UnitOfWork, actor: Actor | None, record_id: int, reason: str, **detail: object
) -> RecordView:
    """Give the record back to its author to be corrected, with the reason.

    ``actor`` is None where the office does it by itself; ``detail``: what else the log keeps.
    """
    note = clean_note(reason)
    row = get_row(uow, record_id)
    return _move(uow, actor, row, RecordState.RETURNED, "record.return", note, **detail)


def mark_rejected(
    uow: UnitOfWork, actor: Actor, record_id: int, reason: str, **detail: object
) -> RecordView:
    """End the record's way with a refusal, with the reason; ``detail``: what else the log keeps."""
    note = clean_note(reason)
    row = get_row(uow, record_id)
    return _move(uow, actor, row, RecordState.REJECTED, "record.reject", note, **detail)


def mark_withdrawn(uow: UnitOfWork, actor: Actor, record_id: int) -> RecordView:
    """Take the record back into a draft; only its author may."""
    row = get_row(uow, record_id)
    require(actor, "record.withdraw", thing_of_row(uow, row))
    return _move(uow, actor, row, RecordState.DRAFT, "record.withdraw")


def mark_signed(uow: UnitOfWork, actor: Actor, record_id: int) -> RecordView:
    """Note that the last signature is there: the record waits to be filed."""
    row = get_row(uow, record_id)
    row.signed_at = uow.now()
    return _move(uow, actor, row, RecordState.SIGNED, "record.signed")


def mark_filed(uow: UnitOfWork, actor: Actor, record_id: int) -> RecordView:
    """Note that the record is in the archive; from now on it is found as its item."""
    return _move(uow, actor, get_row(uow, record_id), RecordState.FILED, "record.filed")


def mark_destroyed(uow: UnitOfWork, actor: Actor, record_id: int) -> None:
    """Note that the record was destroyed with its item: title and number stay, nothing it said."""
    row = get_row(uow, record_id)
    require_move(row.state, RecordState.DESTROYED)
    row.state, row.content = RecordState.DESTROYED, {}
    versions = update(RecordVersion).where(RecordVersion.record_id == record_id)
    uow.session.execute(versions.values(content={}))
    uow.session.flush()
    uow.journal(actor.id, "record.destroyed", "record", row.id, {"round": row.round})


def _move(
    uow: UnitOfWork,
    actor: Actor | None,
    row: Record,
    wanted: RecordState,
    action: str,
    note: str = "",
    **detail: object,
) -> RecordView:
    require_move(row.state, wanted)
    row.state = wanted
    row.state_note = note
    if wanted is not RecordState.FILED and wanted is not RecordState.SIGNED:
        row.signed_at = None
    settle(uow, row)
    by = actor.id if actor else None
    uow.journal(by, action, "record", row.id, {"round": row.round, **detail})
    return view_of(uow, row)


def _initials(uow: UnitOfWork, row: Record, customer_field: str) -> str:
    name = str(row.content.get(customer_field, ""))
    customer = find_by_name(uow, name) if name else None
    return customer.initials if customer else name_initials(name)

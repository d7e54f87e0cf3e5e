"""Versions of a record: kept with a reason, listed, and what the record held at an instant.

A version is kept whenever a record is sent to be signed, whenever a signer writes into it, and
whenever its author (or a program) says so while it is filled in; the saves by themselves of the
entry page are not versions. Called through ``records.service``.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select

from archive.core.errors import Conflict
from archive.people.rights import Actor, require
from archive.people.service import names_of
from archive.records.models import Record, RecordState, RecordVersion
from archive.records.rows import get_row, keep_version, thing_of_row
from archive.records.rules import (
    EDITABLE,
    clean_note,
    content_digest,
    require_editable,
    require_version,
)
from archive.records.views import VersionView
from storage.journal import JournalEntry
from storage.work import UnitOfWork

SAVED = "save"
REASON_LIMIT = 200


@dataclass(frozen=True)
class RecordThen:
    """A record as it was at an instant: the version it held, or why that is not known.

    ``is_exact`` is False where the record was being filled in then, so that what was typed
    between two versions was not kept.
    """

    at: datetime
    version: VersionView | None
    is_exact: bool
    state_label: str
    note: str


def versions_of(uow: UnitOfWork, row: Record) -> tuple[VersionView, ...]:
    """Return every version of a record, newest first; rights unchecked."""
    rows = uow.session.scalars(
        select(RecordVersion)
        .where(RecordVersion.record_id == row.id)
        .order_by(RecordVersion.n.desc())
    ).all()
    names = names_of(uow, {one.made_by for one in rows})
    return tuple(
        VersionView(
            one.n,
            one.digest,
            one.reason,
            names.get(one.made_by, ""),
            one.made_at,
            one.content,
            one.kind,
            row.form_version,
        )
        for one in rows
    )


def keep_as_version(
    uow: UnitOfWork, actor: Actor, record_id: int, reason: str, version: int
) -> str:
    """Keep what a draft holds now as a version; return its digest.

    The reason is required once the record has been submitted. Raises Conflict when the draft
    was changed since ``version``, and when the newest version holds exactly this.
    """
    row = get_row(uow, record_id)
    require(actor, "record.read", thing_of_row(uow, row))
    require_editable(row.state)
    require(actor, "record.edit", thing_of_row(uow, row))
    require_version(row.row_version, version)
    told = reason.strip()
    if row.round or told:
        told = clean_note(told)
    if not is_changed(uow, row):
        raise Conflict("内容与最近一个版本相同，不用再留。")
    return keep_saved(uow, actor, row, told)


def keep_saved(uow: UnitOfWork, actor: Actor, row: Record, reason: str) -> str:
    """Keep what was just saved, unless the newest version holds exactly this; return its digest."""
    if not is_changed(uow, row):
        return content_digest(row.form_code, row.form_version, row.content)
    why = reason.strip() or (changed_because(row) if row.round else "保存草稿")
    digest = keep_version(uow, row, actor.id, clean_note(why)[:REASON_LIMIT], SAVED)
    uow.journal(actor.id, "record.version", "record", row.id, {"sha256": digest})
    return digest


def is_changed(uow: UnitOfWork, row: Record) -> bool:
    """Whether the record holds something else than its newest version."""
    newest = uow.session.scalar(
        select(RecordVersion.digest)
        .where(RecordVersion.record_id == row.id)
        .order_by(RecordVersion.n.desc())
        .limit(1)
    )
    return newest != content_digest(row.form_code, row.form_version, row.content)


def changed_because(row: Record) -> str:
    """Say why a record that was submitted before is changed, where nobody wrote it down."""
    return f"按退回意见修改：{row.state_note}" if row.state_note else "撤回后修改"


def as_of(uow: UnitOfWork, actor: Actor, record_id: int, at: datetime) -> RecordThen:
    """Return what a record held at an instant, and its state then; raise NotFound."""
    row = get_row(uow, record_id)
    require(actor, "record.read", thing_of_row(uow, row))
    if at < row.created_at:
        return RecordThen(at, None, True, "", "那时还没有这份文件。")
    state, digest = _state_and_digest(uow, row.id, at)
    versions = versions_of(uow, row)
    if state in EDITABLE:
        exact = next((one for one in versions if one.digest == digest), None)
        if exact is not None:
            return RecordThen(at, exact, True, state.label, "")
    then = next((one for one in versions if one.made_at <= at), None)
    if then is None:
        why = "那时还在填写，没有留下版本，当时的内容无从得知。"
        return RecordThen(at, None, False, state.label, why)
    if state in EDITABLE:
        why = "那时正在填写：这是此前最近一个版本，其后的改动没有留下。"
        return RecordThen(at, then, False, state.label, why)
    return RecordThen(at, then, True, state.label, "")


def _state_and_digest(uow: UnitOfWork, record_id: int, at: datetime) -> tuple[RecordState, str]:
    """Return the state of a record at an instant and the digest last saved, from the journal."""
    until = at.astimezone(UTC).isoformat(timespec="microseconds")
    entries = uow.session.execute(
        select(JournalEntry.action, JournalEntry.detail)
        .where(JournalEntry.object_type == "record", JournalEntry.object_id == str(record_id))
        .where(JournalEntry.at <= until)
        .order_by(JournalEntry.seq)
    )
    state, digest = RecordState.DRAFT, ""
    for action, detail in entries:
        state = _STATES.get(action, state)
        digest = json.loads(detail).get("sha256", digest) if action in _SAVES else digest
    return state, digest


_STATES = {
    "record.submit": RecordState.IN_SIGNING,
    "record.return": RecordState.RETURNED,
    "record.reject": RecordState.REJECTED,
    "record.withdraw": RecordState.DRAFT,
    "record.signed": RecordState.SIGNED,
    "record.filed": RecordState.FILED,
}
_SAVES = frozenset({"record.create", "record.edit", "record.submit", "record.version"})

"""A signed paper is corrected (更正) by a new one that cites it; the signed one never changes.

The new paper is a draft copied from the old; what it corrects is fixed when it is made, so that
corrections form chains and never circles. It counts once it is signed: from then on both papers
name each other. Called through ``records.service``.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import BindParameter, bindparam, or_, select
from sqlalchemy.orm import aliased

from archive.core.errors import Conflict, Forbidden
from archive.people.rights import Actor, can, require
from archive.records.models import Record, RecordCorrection, RecordState
from archive.records.rows import get_row, thing_of_row, view_of
from archive.records.rules import clean_note
from archive.records.starts import start_draft
from archive.records.views import RecordView
from storage.work import UnitOfWork

SIGNED = (RecordState.SIGNED, RecordState.FILED)
OPEN = (RecordState.DRAFT, RecordState.RETURNED)
_new = aliased(Record)
_ids: BindParameter[int] = bindparam("ids", expanding=True)
_CITED = (
    select(
        RecordCorrection.record_id,
        RecordCorrection.corrects_id,
        RecordCorrection.cited_number,
        _new.number,
    )
    .join(_new, _new.id == RecordCorrection.record_id)
    .where(
        _new.state.in_(SIGNED),
        RecordCorrection.claim.is_not(None),
        RecordCorrection.record_id.in_(_ids) | RecordCorrection.corrects_id.in_(_ids),
    )
)


@dataclass(frozen=True)
class CorrectionView:
    """One side of a correction: the other paper, why, when; ``counts`` once the new is signed.

    ``record_id`` is 0 where the actor may not read the other paper.
    """

    record_id: int
    number: str
    title: str
    code: str
    reason: str
    made_at: datetime
    counts: bool
    is_draft: bool


def start_correction(
    uow: UnitOfWork,
    actor: Actor,
    record_id: int,
    reason: str,
    *,
    code: str = "",
    draft_key: str | None = None,
) -> RecordView:
    """Make the draft that is to correct a signed paper; the same person twice gets the same draft.

    ``code``: the 档号 of the old paper, cited beside its number. Raises Conflict when the paper
    is not signed, is corrected already (correct the newest), or somebody is correcting it.
    """
    old = get_row(uow, record_id)
    require(actor, "record.read", thing_of_row(uow, old))
    require(actor, "record.create")
    why = clean_note(reason)
    if old.state not in SIGNED:
        label = RecordState(old.state).label
        raise Conflict(f"只有签完的文件才要更正；这份现在是“{label}”，可以直接修改或撤回。")
    uow.session.scalar(select(Record.id).where(Record.id == old.id).with_for_update())
    standing = _standing(uow, old.id)
    if standing is not None:
        return _same_again(uow, actor, old, standing)
    _release_rejected(uow, old.id)
    made = start_draft(uow, actor, old.form_code, source_id=old.id, draft_key=draft_key)
    if made.id == old.id or uow.session.get(RecordCorrection, made.id) is not None:
        raise Conflict("这份草稿已经用来更正别的文件，请刷新页面后再办。")
    row = RecordCorrection(
        record_id=made.id,
        corrects_id=old.id,
        claim=old.id,
        cited_number=old.number or "",
        cited_code=code,
        reason=why,
        made_by=actor.id,
        made_at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()
    uow.journal(actor.id, "record.correct", "record", made.id, {"corrects": old.id, "code": code})
    return made


def drop_correction(uow: UnitOfWork, actor: Actor, record_id: int) -> None:
    """Let a draft be an ordinary paper again, so that the old one may be corrected otherwise.

    Its author may, or the head of the archive. Raises Conflict once it is under way.
    """
    row = get_row(uow, record_id)
    found = uow.session.get(RecordCorrection, record_id)
    if not (row.author_id == actor.id or "archive_head" in actor.roles):
        require(actor, "record.read", thing_of_row(uow, row))
        raise Forbidden("只有填报人或档案负责人可以取消更正。")
    if found is None or found.claim is None or row.state not in OPEN:
        raise Conflict("这份文件不是正在填写的更正件，不能取消更正。")
    corrects_id = found.corrects_id
    uow.session.delete(found)
    uow.session.flush()
    uow.journal(actor.id, "record.uncorrect", "record", row.id, {"corrects": corrects_id})


def corrections_of(
    uow: UnitOfWork, actor: Actor, record_id: int
) -> tuple[CorrectionView | None, CorrectionView | None]:
    """Return what a paper corrects, and what corrects it."""
    query = select(RecordCorrection).where(
        or_(RecordCorrection.record_id == record_id, RecordCorrection.claim == record_id)
    )
    sides = list(uow.session.scalars(query))
    if not sides:
        return None, None
    return corrects(uow, actor, record_id), corrected_by(uow, actor, record_id)


def corrects(uow: UnitOfWork, actor: Actor, record_id: int) -> CorrectionView | None:
    """Return the paper that this one corrects, or None."""
    found = uow.session.get(RecordCorrection, record_id)
    if found is None:
        return None
    row, old = get_row(uow, record_id), get_row(uow, found.corrects_id)
    may = can(actor, "record.read", thing_of_row(uow, old))
    return CorrectionView(
        record_id=old.id if may else 0,
        number=found.cited_number,
        title=old.title if may else "",
        code=found.cited_code,
        reason=found.reason,
        made_at=found.made_at,
        counts=row.state in SIGNED,
        is_draft=row.state in OPEN,
    )


def corrected_by(uow: UnitOfWork, actor: Actor, record_id: int) -> CorrectionView | None:
    """Return the paper that corrects this one: signed, or (to who may read it) still on its way."""
    found = _standing(uow, record_id)
    if found is None:
        return None
    new = get_row(uow, found.record_id)
    may = can(actor, "record.read", thing_of_row(uow, new))
    if not may and new.state not in SIGNED:
        return None
    return CorrectionView(
        record_id=new.id if may else 0,
        number=new.number or "",
        title=new.title if may else "",
        code="",
        reason=found.reason if may else "",
        made_at=found.made_at,
        counts=new.state in SIGNED,
        is_draft=new.state in OPEN,
    )


def correction_line(uow: UnitOfWork, record_id: int) -> str:
    """Return what is printed on a correcting paper; empty on every other."""
    found = uow.session.get(RecordCorrection, record_id)
    if found is None:
        return ""
    code = f"，档号 {found.cited_code}" if found.cited_code else ""
    return f"更正：原件编号 {found.cited_number}{code}"


def citation_of(uow: UnitOfWork, record_ids: Collection[int]) -> dict[int, str]:
    """Return, for many records at once, what a list says of their corrections that count."""
    if not record_ids:
        return {}
    rows = uow.session.execute(_CITED, {"ids": list(record_ids)}).all()
    wanted, told = set(record_ids), dict[int, list[str]]()
    for row in rows:
        if row.record_id in wanted:
            told.setdefault(row.record_id, []).append(f"更正 {row.cited_number}")
        if row.corrects_id in wanted:
            told.setdefault(row.corrects_id, []).insert(0, f"已由 {row.number} 更正")
    return {record_id: "；".join(lines) for record_id, lines in told.items()}


def _standing(uow: UnitOfWork, record_id: int) -> RecordCorrection | None:
    """Return the correction of a paper that stands; one that was rejected stands no longer."""
    found = uow.session.scalar(select(RecordCorrection).where(RecordCorrection.claim == record_id))
    if found is None:
        return None
    state = uow.session.scalar(select(Record.state).where(Record.id == found.record_id))
    return None if state == RecordState.REJECTED else found


def _release_rejected(uow: UnitOfWork, record_id: int) -> None:
    rejected = uow.session.scalar(
        select(RecordCorrection).where(RecordCorrection.claim == record_id)
    )
    if rejected is not None:
        rejected.claim = None
        uow.session.flush()


def _same_again(
    uow: UnitOfWork, actor: Actor, old: Record, standing: RecordCorrection
) -> RecordView:
    new = get_row(uow, standing.record_id)
    if new.state in SIGNED:
        raise Conflict(f"{old.number} 已由 {new.number} 更正；还要改，请更正最新的一份。")
    if new.author_id == actor.id and new.state in OPEN:
        return view_of(uow, new)
    raise Conflict(f"{old.number} 已有人在更正，还没有签完；请等签完，或由他先取消更正。")

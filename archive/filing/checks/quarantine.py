"""Quarantine (隔离): files that are changed, infected or unreadable are put aside, not repaired.

While an item is aside its files are not handed out, packed, lent on screen or sealed. It comes
back by an act only: the right bytes brought from a backup, or accepted as it is by the archive's
head with a reason and a second person. Every step is in the journal.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.core.pages import Page, clean_paging, total_of
from archive.filing.checks.holding import find_hold
from archive.filing.checks.judging import Report
from archive.filing.checks.models import Quarantine
from archive.filing.items import get_item, thing_of_item
from archive.filing.models import Item, ItemFile
from archive.filing.rules import check_reason
from archive.filing.views import ItemView
from archive.people import service as people
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from storage.files import StoredFile
from storage.journal import JournalEntry
from storage.work import UnitOfWork

RESTORED, ACCEPTED = "restored", "accepted"
RESTORE = "item.restore_file"
_GONE = "这件档案不在隔离中，可能已经处理好了；请刷新页面。"
LONGEST_REASON = 2000
_ASIDE = "aside"
PURPOSES = {
    "compare": "与备份比对，查损坏在哪里",
    "repair": "试着修复",
    "evidence": "提供给调查、司法或保险",
    "needed": "急用其中的内容",
}
"""What a file that is aside may be taken out for; the journal keeps the code, no typed words."""


@dataclass(frozen=True)
class HoldView:
    """An item that is aside: why, since when, and what was asked for."""

    id: int
    item_id: int
    title: str
    code: str
    codes: str
    reason: str
    run_id: int | None
    put_at: datetime
    accept_reason: str
    accept_by: int | None
    accept_name: str
    accept_at: datetime | None


@dataclass(frozen=True)
class DamagedFile:
    """A file of an item that is aside, for whoever brings the right bytes."""

    item_id: int
    sha256: str
    size: int
    media_type: str


def put_aside(uow: UnitOfWork, run_id: int, report: Report) -> list[int]:
    """Put aside every item of a report that failed an item marked so; return which."""
    reasons: dict[int, list[str]] = defaultdict(list)
    codes: dict[int, list[str]] = defaultdict(list)
    for one in report.results:
        if one.item.quarantine:
            for fault in one.faults:
                reasons[fault.item_id].append(fault.why)
                codes[fault.item_id].append(one.item.code)
    reasons.pop(0, None)
    told_before = _told_before(uow, reasons)
    fresh = []
    for item_id, words in reasons.items():
        reason = "；".join(words)[:LONGEST_REASON]
        if told_before.get(item_id) in (_ASIDE, reason):
            continue
        fresh.append(item_id)
        row = Quarantine(
            item_id=item_id,
            holds=item_id,
            run_id=run_id,
            codes=" ".join(codes[item_id])[:120],
            reason=reason,
            put_at=uow.now(),
        )
        uow.session.add(row)
        uow.session.flush()
        told = {"quarantine": row.id, "run": run_id, "codes": row.codes}
        uow.journal(None, "item.quarantine", "item", item_id, told)
    return fresh


def list_holds(
    uow: UnitOfWork, actor: Actor, *, page: int = 1, per_page: int = 20
) -> Page[HoldView]:
    """Return the items that are aside and that the actor may read, the oldest first."""
    require(actor, "check.read")
    page, per_page = clean_paging(page, per_page)
    wanted = (Quarantine.holds.is_not(None), may_read(actor, "item", Quarantine.item_id))
    rows = uow.session.execute(
        select(Quarantine, Item.title, Item.reference_code, Item.provisional_code)
        .join(Item, Item.id == Quarantine.item_id)
        .where(*wanted)
        .order_by(Quarantine.id)
        .offset((page - 1) * per_page)
        .limit(per_page)
    ).all()
    every = select(func.count()).select_from(Quarantine).where(*wanted)
    total = total_of(page, per_page, len(rows), lambda: uow.session.scalar(every))
    names = people.names_of(uow, [row[0].accept_by for row in rows])
    views = tuple(
        _view(row, title, final or first or "", names) for row, title, final, first in rows
    )
    return Page(views, total, page, per_page)


def hold_of(uow: UnitOfWork, actor: Actor, item_id: int) -> HoldView | None:
    """Return why an item is aside, or None; the item must be readable (raises NotFound)."""
    return read_hold(uow, get_item(uow, actor, item_id))


def read_hold(uow: UnitOfWork, item: ItemView) -> HoldView | None:
    """Return why an item is aside, or None; rights are the caller's."""
    row = find_hold(uow, item.id)
    if row is None:
        return None
    return _view(row, item.title, item.code, people.names_of(uow, [row.accept_by]))


def find_damaged(uow: UnitOfWork, actor: Actor, item_id: int, content: bytes) -> DamagedFile:
    """Return the file of an item that these bytes are the right ones of; raise Invalid for none."""
    require_aside(uow, actor, item_id)
    digest = hashlib.sha256(content).hexdigest()
    row = uow.session.execute(
        select(StoredFile)
        .join(ItemFile, ItemFile.sha256 == StoredFile.sha256)
        .where(ItemFile.item_id == item_id, StoredFile.sha256 == digest)
        .limit(1)
    ).scalar_one_or_none()
    if row is None:
        raise Invalid(
            f"这个文件的摘要是 {digest[:16]}…，与这件档案登记的任何一个都不同，没有换上。"
            "请从备份里取回原来的文件，一个字节也不能差。",
            {"file": "不是登记的那个文件"},
        )
    return DamagedFile(item_id, row.sha256, row.size, row.media_type)


def note_restored(uow: UnitOfWork, actor: Actor, item_id: int, sha256: str, was: str) -> None:
    """Journal that right bytes are brought back; ``was`` is the digest of what they replace.

    Said before the bytes are changed, so that no change is untold; and once, however often it is
    tried.
    """
    row = require_aside(uow, actor, item_id)
    told = {"quarantine": row.id, "sha256": sha256, "was": was}
    before = select(JournalEntry.detail).where(
        JournalEntry.action == RESTORE,
        JournalEntry.object_type == "item",
        JournalEntry.object_id == str(item_id),
    )
    if told not in [json.loads(detail) for detail in uow.session.scalars(before)]:
        uow.journal(actor.id, RESTORE, "item", item_id, told)


def release_restored(uow: UnitOfWork, actor: Actor, item_id: int, run_id: int) -> None:
    """Let an item go whose files all passed a new check."""
    row = require_aside(uow, actor, item_id)
    _release(uow, row, actor, RESTORED, {"run": run_id})


def ask_to_accept(uow: UnitOfWork, actor: Actor, item_id: int, reason: str) -> None:
    """Propose as the archive's head to accept an item as it is; a second person decides."""
    require(actor, "quarantine.accept")
    row = require_aside(uow, actor, item_id)
    if row.accept_by is not None:
        raise Conflict("已经提出过按现状接收，等另一人确认。")
    row.accept_reason = check_reason(reason, "按现状接收的理由")
    row.accept_by, row.accept_at = actor.id, uow.now()
    uow.session.flush()
    uow.journal(actor.id, "item.accept_damaged", "item", item_id, {"quarantine": row.id})


def confirm_accept(uow: UnitOfWork, actor: Actor, item_id: int) -> None:
    """Confirm as the second person that an item is accepted as it is; it is let go."""
    row = require_aside(uow, actor, item_id)
    if row.accept_by is None:
        raise Conflict("档案负责人还没有提出按现状接收。")
    if row.accept_by == actor.id:
        raise Forbidden("按现状接收要由另一个人确认：提出的人不能自己确认。")
    _release(uow, row, actor, ACCEPTED, {"asked_by": row.accept_by})


def note_reading(uow: UnitOfWork, actor: Actor, item_id: int, sha256: str, purpose: str) -> None:
    """Journal that the head took out a file that is aside, and what for, of ``PURPOSES``."""
    require(actor, "quarantine.accept")
    row = require_aside(uow, actor, item_id)
    if purpose not in PURPOSES:
        wanted = f"只能选：{'、'.join(PURPOSES.values())}"
        raise Invalid("请选择取出做什么用。", {"purpose": wanted})
    told = {"quarantine": row.id, "sha256": sha256, "purpose": purpose}
    uow.journal(actor.id, "item.read_quarantined", "item", item_id, told)


def _told_before(uow: UnitOfWork, item_ids: Collection[int]) -> dict[int, str]:
    """Return the items that are aside already, and the fault others were last accepted with."""
    rows = uow.session.scalars(
        select(Quarantine).where(Quarantine.item_id.in_(item_ids)).order_by(Quarantine.id)
    )
    found = {}
    for row in rows:
        if row.holds is not None:
            found[row.item_id] = _ASIDE
        else:
            found[row.item_id] = row.reason if row.released_how == ACCEPTED else ""
    return found


def require_aside(uow: UnitOfWork, actor: Actor, item_id: int) -> Quarantine:
    """Return the quarantine of an item the actor may release; raise NotFound, Forbidden."""
    require(actor, "item.read", thing_of_item(uow, item_id))
    require(actor, "quarantine.release")
    row = find_hold(uow, item_id)
    if row is None:
        raise NotFound(_GONE)
    return row


def _release(
    uow: UnitOfWork, row: Quarantine, actor: Actor, how: str, told: dict[str, int | None]
) -> None:
    row.holds = None
    row.released_how, row.released_by, row.released_at = how, actor.id, uow.now()
    uow.session.flush()
    detail = {"quarantine": row.id, "how": how, **told}
    uow.journal(actor.id, "item.release", "item", row.item_id, detail)


def _view(row: Quarantine, title: str, code: str, names: dict[int, str]) -> HoldView:
    return HoldView(
        id=row.id,
        item_id=row.item_id,
        title=title,
        code=code,
        codes=row.codes,
        reason=row.reason,
        run_id=row.run_id,
        put_at=row.put_at,
        accept_reason=row.accept_reason,
        accept_by=row.accept_by,
        accept_name=names.get(row.accept_by or 0, ""),
        accept_at=row.accept_at,
    )

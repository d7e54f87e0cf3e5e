"""Approving, refusing, handing out and taking back the requests of a loan note in one act.

Each request is decided, handed out and taken back as it would be alone; one that does not go
stops the whole act, which changes nothing then and says which one it was.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from sqlalchemy import select

from archive.core.errors import ArchiveError, Conflict, Invalid
from archive.filing import service as filing
from archive.filing.codes import clean_barcode
from archive.filing.models import CopyStatus, ItemCopy
from archive.lending import approvals, desk
from archive.lending.confirming.rules import ON_PAPER, Confirmed
from archive.lending.groups.service import get_group
from archive.lending.groups.views import DeskLine, GroupView
from archive.lending.typed import INTACT
from archive.lending.views import RequestView
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

Pick = tuple[int, int]
Found = TypeVar("Found")


@dataclass(frozen=True)
class Out:
    """A copy to hand out: its barcode as scanned, and the pages counted (None: as registered)."""

    barcode: str
    pages: int | None = None


@dataclass(frozen=True)
class Back:
    """A copy that came back: its barcode as scanned, the pages counted, its condition."""

    barcode: str
    pages: int
    condition: str = INTACT


def decide_many(
    uow: UnitOfWork,
    actor: Actor,
    group_id: int,
    picks: Sequence[Pick],
    opinion: str,
    *,
    refuses: bool = False,
) -> GroupView:
    """Approve or refuse the chosen requests of a note; ``picks`` are (request, version) as shown.

    Raises Invalid for nothing chosen, Conflict for a stale page; all or nothing.
    """
    group = get_group(uow, actor, group_id)
    ids = {one.id: one.number for one in group.requests}
    if not picks:
        raise Invalid("请至少选一件再审批。", {"request": "请选择"})
    if len({pick[0] for pick in picks}) != len(picks) or any(one not in ids for one, _ in picks):
        raise Conflict(f"借阅单 {group.number} 刚有变化，请刷新后再审批。")
    act = approvals.refuse if refuses else approvals.approve
    for request_id, version in picks:
        act(uow, actor, request_id, opinion, version)
    return get_group(uow, actor, group_id)


def desk_lines(uow: UnitOfWork, actor: Actor, group_id: int) -> tuple[DeskLine, ...]:
    """Return what of a note may be handed out now, with the copies on the shelf."""
    require(actor, "loan.desk")
    ready = get_group(uow, actor, group_id).ready
    rows = uow.session.scalars(
        select(ItemCopy)
        .where(
            ItemCopy.item_id.in_({one.item_id for one in ready}),
            ItemCopy.status == CopyStatus.IN,
        )
        .order_by(ItemCopy.id)
    ).all()
    found = []
    for one in ready:
        copies = [copy for copy in rows if copy.item_id == one.item_id]
        if not copies:
            continue
        codes = tuple(copy.barcode for copy in copies)
        found.append(DeskLine(one, codes, copies[0].location, copies[0].pages))
    return tuple(found)


def who_borrows_all(
    uow: UnitOfWork, actor: Actor, group_id: int, outs: Sequence[Out], staff_no: str = ""
) -> Actor:
    """Return the person all of it would go to, to sign for it; refuses what handing out would."""
    chosen = _chosen(uow, actor, group_id, outs)
    found = [
        _named(out, partial(desk.who_borrows, uow, actor, out.barcode, one.id, staff_no))
        for out, one in chosen
    ]
    return found[0]


def hand_out_many(
    uow: UnitOfWork,
    actor: Actor,
    group_id: int,
    outs: Sequence[Out],
    *,
    staff_no: str = "",
    confirmed: Confirmed = ON_PAPER,
) -> GroupView:
    """Hand out several copies on a note at once; each becomes a loan of its own, or none does."""
    for out, one in _chosen(uow, actor, group_id, outs):
        act = partial(
            desk.hand_out,
            uow,
            actor,
            out.barcode,
            one.id,
            pages=out.pages,
            staff_no=staff_no,
            confirmed=confirmed,
        )
        _named(out, act)
    return get_group(uow, actor, group_id)


def who_returns_all(uow: UnitOfWork, actor: Actor, group_id: int, backs: Sequence[Back]) -> Actor:
    """Return the person who has all of it, to sign once; refuses what taking back would."""
    _coming_back(uow, actor, group_id, backs)
    found = [_named(one, partial(desk.who_returns, uow, actor, one.barcode)) for one in backs]
    return found[0]


def take_back_many(
    uow: UnitOfWork,
    actor: Actor,
    group_id: int,
    backs: Sequence[Back],
    *,
    confirmed: Confirmed = ON_PAPER,
) -> tuple[RequestView, ...]:
    """Take several copies of a note back at once, all or none; what did not come stays out.

    Returns the closed requests in the order given, each with who is next in line.
    """
    _coming_back(uow, actor, group_id, backs)
    return tuple(
        _named(
            one,
            partial(
                desk.take_back,
                uow,
                actor,
                one.barcode,
                one.pages,
                one.condition,
                confirmed=confirmed,
            ),
        )
        for one in backs
    )


def _coming_back(uow: UnitOfWork, actor: Actor, group_id: int, backs: Sequence[Back]) -> None:
    """Refuse what is not out on the note, and what was scanned twice."""
    require(actor, "loan.desk")
    group = get_group(uow, actor, group_id)
    codes = _scanned_once([one.barcode for one in backs], "请扫描要归还的条码。")
    out = {one.loan.barcode for one in group.out if one.loan}
    for code in codes:
        if code not in out:
            raise Conflict(
                f"条码 {code[:40]} 不是借阅单 {group.number} 借出在外的，整单没有归还；请核对条码。"
            )


def _scanned_once(barcodes: Sequence[str], otherwise: str) -> list[str]:
    """Return the barcodes as kept; raise Invalid for none (``otherwise``) or one scanned twice."""
    if not barcodes:
        raise Invalid(otherwise, {"barcode": "请扫描"})
    codes = [clean_barcode(one) for one in barcodes]
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise Invalid(f"条码 {'、'.join(twice)} 扫了两次，请去掉一次。", {"barcode": "重复"})
    return codes


def _chosen(
    uow: UnitOfWork, actor: Actor, group_id: int, outs: Sequence[Out]
) -> list[tuple[Out, RequestView]]:
    """Give every scanned copy a request of the note that is ready for it."""
    require(actor, "loan.desk")
    group = get_group(uow, actor, group_id)
    _scanned_once([out.barcode for out in outs], "请扫描要借出的条码。")
    spare = list(group.ready)
    chosen = []
    for out in outs:
        item = filing.find_lendable_by_barcode(uow, out.barcode)
        one = next((one for one in spare if item and one.item_id == item.id), None)
        if one is None:
            raise Conflict(
                f"条码 {out.barcode[:40]} 不在借阅单 {group.number} 可以借出的里面，"
                "整单没有借出；请核对条码。"
            )
        spare.remove(one)
        chosen.append((out, one))
    return chosen


def _named(one: Out | Back, act: Callable[[], Found]) -> Found:
    """Do an act for a copy; a refusal names the copy, so that one knows which stopped it all."""
    try:
        return act()
    except ArchiveError as refusal:
        if one.barcode not in refusal.message:
            done = "归还" if isinstance(one, Back) else "借出"
            refusal.message = f"条码 {one.barcode}：{refusal.message}（整单没有{done}）"
        raise

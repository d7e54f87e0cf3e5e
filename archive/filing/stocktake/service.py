"""Stocktakes: opened over a scope, scanned by several at once, differences decided, closed.

Two stocktakes that are open never expect the same copy. The password at the end is the edge's
business (``edge``). Source: archive.md 6 (盘点), forms A09.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from archive.core.clock import local_day
from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.core.numbering import take_number
from archive.filing.classes.kept import plan_in_force
from archive.filing.copies import set_copy_status
from archive.filing.models import CopyStatus, Item, ItemCopy, Volume
from archive.filing.places.models import StoragePlace
from archive.filing.places.service import move_copy_row
from archive.filing.places.tree import find_places, get_place_row, within
from archive.filing.rules import check_note, check_reason
from archive.filing.stocktake.models import (
    Stocktake,
    StocktakeDecision,
    StocktakeLine,
    StocktakeScan,
    TakeState,
)
from archive.filing.stocktake.rules import (
    MOST_EXPECTED,
    Decision,
    Finding,
    check_decision,
    tally,
)
from archive.filing.stocktake.scans import (
    Scan,
    check_scans,
    code_of_scan,
    copies_by_code,
    fresh,
    seen_at_of_scan,
)
from archive.filing.stocktake.takes import (
    all_lines,
    decisions_of,
    digest_of,
    findings_of,
    get_take_row,
    latest_scans,
    list_takes,
    progress,
    take_view,
)
from archive.filing.stocktake.views import LineView, ScanView, Taken, TakeView
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

__all__ = [
    "Scan",
    "Scope",
    "add_scans",
    "close_take",
    "decide",
    "discard_take",
    "get_take",
    "lines_of_take",
    "list_takes",
    "open_take",
    "place_named",
    "plan_closing",
    "scanning",
]

PLACE, VOLUME, CLASS = "place", "volume", "class"
SOME = 400


@dataclass(frozen=True)
class Scope:
    """What a stocktake is over: a place with all in it, a volume, or a class by its name."""

    kind: str
    id: int | None = None
    name: str = ""


def open_take(uow: UnitOfWork, actor: Actor, scope: Scope, note: str = "") -> TakeView:
    """Open a stocktake and freeze what is expected; raise Invalid, Forbidden, Conflict.

    Conflict names the open stocktake that expects some of the same copies.
    """
    require(actor, "stocktake.work")
    note = check_note(note)
    text, wanted = _scoped(uow, scope)
    copies = select(ItemCopy.id).join(Item, Item.id == ItemCopy.item_id).where(wanted)
    counted = select(func.count(), func.max(Item.secrecy)).select_from(ItemCopy)
    counted = counted.join(Item, Item.id == ItemCopy.item_id).where(wanted)
    expected, secrecy = uow.session.execute(counted).one()
    readable = uow.session.execute(counted.where(may_read(actor, "item", Item.id))).one()[0]
    if readable < expected:
        raise Forbidden("这个范围里有超出您涉密权限的档案，请交给权限足够的人盘点。")
    if not expected:
        raise Invalid(f"“{text}”里没有档案，不用盘点。", {"scope": "没有档案"})
    if expected > MOST_EXPECTED:
        raise Invalid(
            f"“{text}”有 {expected} 件，一次最多盘 {MOST_EXPECTED} 件；请分库房或分列盘。",
            {"scope": "范围太大"},
        )
    _refuse_overlap(uow, copies.scalar_subquery())
    year = local_day(uow.now()).year
    row = Stocktake(
        number=f"PD-{year}-{take_number(uow, f'stocktake:{year}'):03d}",
        scope_kind=scope.kind,
        scope_id=scope.id,
        scope_text=text[:240],
        state=TakeState.OPEN,
        secrecy=secrecy,
        expected=expected,
        note=note,
        opened_by=actor.id,
        opened_at=uow.now(),
        journal_seq=0,
    )
    uow.session.add(row)
    uow.session.flush()
    _freeze(uow, row.id, wanted)
    told = {"number": row.number, "scope": [scope.kind, scope.id], "expected": expected}
    row.journal_seq = uow.journal(actor.id, "stocktake.open", "stocktake", row.id, told)
    uow.session.flush()
    return take_view(uow, actor, row)


def get_take(uow: UnitOfWork, actor: Actor, take_id: int) -> TakeView:
    """Return a stocktake with its differences; raise NotFound."""
    return take_view(uow, actor, get_take_row(uow, actor, take_id))


def lines_of_take(uow: UnitOfWork, actor: Actor, take_id: int) -> list[LineView]:
    """Return every copy that was expected or seen, with what came of it."""
    return all_lines(uow, actor, get_take_row(uow, actor, take_id))


def scanning(
    uow: UnitOfWork, actor: Actor, take_id: int
) -> tuple[Stocktake, int, tuple[ScanView, ...]]:
    """Return a stocktake for scanning: its row, how many were seen, the last scans."""
    row = get_take_row(uow, actor, take_id, "stocktake.work")
    return row, progress(uow, take_id), latest_scans(uow, actor, take_id)


def place_named(uow: UnitOfWork, number: str) -> str:
    """Return the line of the place with this id, to be offered as a scope; empty if none."""
    is_plain = number.isascii() and number.isdigit() and len(number) <= 9
    row = uow.session.get(StoragePlace, int(number)) if is_plain else None
    return row.path if row else ""


def add_scans(
    uow: UnitOfWork, actor: Actor, take_id: int, scans: Sequence[Scan], source: str = "page"
) -> Taken:
    """Take scans in; one that was sent before changes nothing. Raise Invalid, Conflict.

    Any number of people may scan into the same stocktake at the same time.
    """
    row = _begin(uow, actor, take_id)
    check_scans(scans)
    new = fresh(uow, row.id, scans)
    places = find_places(uow, [scan.place for scan in new if scan.place.strip()])
    copies = copies_by_code(uow, [code_of_scan(scan.barcode) for scan in new])
    rows = []
    for scan in new:
        copy, place = copies.get(code_of_scan(scan.barcode)), places.get(scan.place)
        rows.append(
            {
                "stocktake_id": row.id,
                "client_id": scan.client_id,
                "barcode": code_of_scan(scan.barcode),
                "copy_id": copy.id if copy else None,
                "place_id": place.id if place else None,
                "place_text": place.path if place else scan.place.strip()[:80],
                "home_id": copy.place_id if copy else None,
                "home_text": copy.location[:80] if copy else "",
                "status": copy.status if copy else "",
                "source": source,
                "seen_at": seen_at_of_scan(row, scan, uow.now()),
                "by_id": actor.id,
                "at": uow.now(),
            }
        )
    if rows:
        uow.session.execute(insert(StocktakeScan), rows)
        told = {"scans": len(rows), "source": source}
        uow.journal(actor.id, "stocktake.scan", "stocktake", row.id, told)
    lost = dict.fromkeys(one.place for one in new if one.place.strip() and one.place not in places)
    return Taken(len(rows), len(scans) - len(rows), tuple(lost))


def decide(
    uow: UnitOfWork,
    actor: Actor,
    take_id: int,
    barcode: str,
    outcome: str,
    decision: str,
    note: str = "",
) -> TakeView:
    """Decide what becomes of one difference, and do it; raise Invalid, Conflict, NotFound.

    ``outcome`` is the difference one saw: if it is another by now, nothing is done.
    """
    row = _begin(uow, actor, take_id)
    note = check_reason(note, "处理说明") if note.strip() else ""
    found = next(iter(findings_of(uow, take_id, barcode)), None)
    if found is None:
        raise NotFound("这次盘点里没有这个条码。")
    if not found.outcome.is_difference or found.outcome != outcome:
        raise Conflict(f"{barcode} 现在是“{found.outcome.label}”，请刷新页面，看清再处理。")
    if (barcode, str(found.outcome)) in decisions_of(uow, take_id):
        raise Conflict(f"{barcode} 的“{found.outcome.label}”已经处理过了，请刷新页面。")
    chosen = check_decision(found.outcome, decision, note)
    _carry_out(uow, actor, row, found, chosen)
    uow.session.add(
        StocktakeDecision(
            stocktake_id=row.id,
            barcode=barcode,
            kind=found.outcome,
            home_text=found.home_text,
            seen_text=found.seen_text,
            decision=chosen,
            note=note,
            by_id=actor.id,
            at=uow.now(),
        )
    )
    uow.session.flush()
    told = {"barcode": barcode, "kind": str(found.outcome), "decision": str(chosen)}
    uow.journal(actor.id, "stocktake.decide", "stocktake", row.id, told)
    return take_view(uow, actor, row)


def plan_closing(uow: UnitOfWork, actor: Actor, take_id: int) -> None:
    """Raise what would stop the closing anyway, before the password is asked."""
    row = _begin(uow, actor, take_id)
    _require_decided(uow, row, findings_of(uow, take_id))


def close_take(
    uow: UnitOfWork, actor: Actor, take_id: int, digest: str, note: str = ""
) -> TakeView:
    """Close a stocktake, signed by the actor; raise Conflict while a difference is undecided.

    ``digest`` is that of the result the actor was shown.
    """
    row = _begin(uow, actor, take_id)
    note = check_note(note)
    found = findings_of(uow, take_id)
    decided = _require_decided(uow, row, found)
    if digest != digest_of(row, found, decided):
        raise Conflict("盘点结果刚有变化，没有结束；请刷新页面，核对后再签字。")
    for one in found:
        if one.outcome.is_difference:
            decided[one.barcode, str(one.outcome)].is_final = True
    row.state, row.digest, row.counts = TakeState.CLOSED, digest, tally(found)
    row.ended_by, row.ended_at, row.end_note = actor.id, uow.now(), note
    _free(uow, row.id)
    told = {"number": row.number, "counts": row.counts, "digest": digest}
    uow.journal(actor.id, "stocktake.close", "stocktake", row.id, told)
    return take_view(uow, actor, row)


def discard_take(uow: UnitOfWork, actor: Actor, take_id: int, reason: str) -> None:
    """Give a stocktake up with the reason; what was decided stays done, its copies are free."""
    row = _begin(uow, actor, take_id)
    row.end_note = check_reason(reason, "作废原因")
    row.state, row.ended_by, row.ended_at = TakeState.DISCARDED, actor.id, uow.now()
    _free(uow, row.id)
    uow.journal(actor.id, "stocktake.discard", "stocktake", row.id, {"number": row.number})


def _begin(uow: UnitOfWork, actor: Actor, take_id: int) -> Stocktake:
    row = get_take_row(uow, actor, take_id, "stocktake.work")
    uow.session.refresh(row, with_for_update=True)
    if row.state != TakeState.OPEN:
        raise Conflict(f"盘点 {row.number} {TakeState(row.state).label}，不能再扫描或处理。")
    return row


def _scoped(uow: UnitOfWork, scope: Scope) -> tuple[str, ColumnElement[bool]]:
    """Return what a scope is called and which copies are in it; raise Invalid, NotFound."""
    if scope.kind == PLACE and scope.id is not None:
        place = get_place_row(uow, scope.id)
        inside = select(StoragePlace.id).where(within(place.lineage))
        return place.path, ItemCopy.place_id.in_(inside)
    if scope.kind == VOLUME and scope.id is not None:
        volume = uow.session.get(Volume, scope.id) if 0 < scope.id < 2**63 else None
        if volume is None:
            raise NotFound("没有这个案卷。")
        return f"案卷：{volume.title}", Item.volume_id == volume.id
    if scope.kind == CLASS and scope.name in plan_in_force(uow).classes:
        return f"类目：{scope.name}", Item.item_class == scope.name
    raise Invalid("请选择盘点范围：一个位置、一个案卷或一个类目。", {"scope": "没有选"})


def _refuse_overlap(uow: UnitOfWork, copies: ColumnElement[int]) -> None:
    other = uow.session.execute(
        select(Stocktake.number, Stocktake.scope_text)
        .join(StocktakeLine, StocktakeLine.stocktake_id == Stocktake.id)
        .where(StocktakeLine.claim.in_(copies))
        .limit(1)
    ).first()
    if other:
        raise Conflict(
            f"盘点 {other[0]}（{other[1]}）还没有结束，里面有同样的档案；"
            "请先结束或作废它，再开新的盘点。"
        )


def _freeze(uow: UnitOfWork, take_id: int, wanted: ColumnElement[bool]) -> None:
    chosen = (
        select(
            literal(take_id),
            ItemCopy.id,
            ItemCopy.id,
            ItemCopy.barcode,
            ItemCopy.place_id,
            ItemCopy.location,
            ItemCopy.status,
        )
        .join(Item, Item.id == ItemCopy.item_id)
        .where(wanted)
        .order_by(ItemCopy.location, ItemCopy.id)
    )
    into = ["stocktake_id", "copy_id", "claim", "barcode", "place_id", "location", "status"]
    try:
        uow.session.execute(insert(StocktakeLine).from_select(into, chosen))
    except IntegrityError as doubled:
        raise Conflict("另一个人刚对同样的档案开了盘点，请刷新页面。") from doubled


def _free(uow: UnitOfWork, take_id: int) -> None:
    uow.session.flush()
    uow.session.execute(
        update(StocktakeLine).where(StocktakeLine.stocktake_id == take_id).values(claim=None)
    )


def _require_decided(
    uow: UnitOfWork, row: Stocktake, found: Sequence[Finding]
) -> dict[tuple[str, str], StocktakeDecision]:
    decided = decisions_of(uow, row.id)
    waiting = [
        one
        for one in found
        if one.outcome.is_difference and (one.barcode, str(one.outcome)) not in decided
    ]
    if waiting:
        first = waiting[0]
        raise Conflict(
            f"还有 {len(waiting)} 处差异没有处理（例如 {first.barcode}：{first.outcome.label}），"
            "不能结束盘点。"
        )
    return decided


def _carry_out(
    uow: UnitOfWork, actor: Actor, row: Stocktake, found: Finding, chosen: Decision
) -> None:
    """Do to the copy what was decided; what the loan desk has to do is left to the desk."""
    copy = uow.session.get(ItemCopy, found.copy_id) if found.copy_id else None
    if copy is None:
        return
    if chosen == Decision.MARK_MISSING and copy.status == CopyStatus.IN:
        set_copy_status(uow, actor, copy.id, CopyStatus.MISSING)
    elif chosen == Decision.FOUND and copy.status == CopyStatus.MISSING:
        set_copy_status(uow, actor, copy.id, CopyStatus.IN)
    elif chosen == Decision.MOVE_HERE:
        target = get_place_row(uow, found.seen_id or 0)
        if target.closed_at is not None:
            raise Conflict(f"位置“{target.path}”已停用，不能改存在那里。")
        move_copy_row(uow, actor, copy, target, f"盘点 {row.number} 时改存")
    uow.session.flush()

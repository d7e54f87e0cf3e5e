"""Stocktakes: opened over a scope, scanned by several at once, differences decided, closed.

Two stocktakes that are open never expect the same copy. The password at the end is the edge's
business (``edge``). Source: archive.md 6 (盘点), forms A09.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from archive.core.clock import local_day
from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.core.numbering import take_number
from archive.filing.classes.kept import plan_in_force
from archive.filing.codes import clean_barcode
from archive.filing.copies import set_copy_status
from archive.filing.models import CopyStatus, Item, ItemCopy, Volume
from archive.filing.places.models import StoragePlace
from archive.filing.places.service import move_copy_row
from archive.filing.places.tree import find_places, get_place_row, within
from archive.filing.rules import check_note, check_reason, line_fault
from archive.filing.stocktake.models import (
    Stocktake,
    StocktakeDecision,
    StocktakeLine,
    StocktakeScan,
    TakeState,
)
from archive.filing.stocktake.rules import (
    LONGEST_CODE,
    MOST_EXPECTED,
    MOST_SCANS,
    Decision,
    Finding,
    check_decision,
    tally,
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


@dataclass(frozen=True)
class Scan:
    """A barcode that was seen; ``place`` is a place's barcode or line, may be empty.

    ``client_id`` makes that it counts once however often it is sent; ``seen_at`` is None for now.
    """

    client_id: str
    barcode: str
    place: str = ""
    seen_at: datetime | None = None


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
    _check_scans(scans)
    fresh = _fresh(uow, row.id, scans)
    places = find_places(uow, [scan.place for scan in fresh if scan.place.strip()])
    copies = _copies_by_code(uow, [_code(scan.barcode) for scan in fresh])
    rows = []
    for scan in fresh:
        copy, place = copies.get(_code(scan.barcode)), places.get(scan.place)
        rows.append(
            {
                "stocktake_id": row.id,
                "client_id": scan.client_id,
                "barcode": _code(scan.barcode),
                "copy_id": copy.id if copy else None,
                "place_id": place.id if place else None,
                "place_text": place.path if place else scan.place.strip()[:80],
                "home_id": copy.place_id if copy else None,
                "home_text": copy.location[:80] if copy else "",
                "status": copy.status if copy else "",
                "source": source,
                "seen_at": _seen_at(row, scan, uow.now()),
                "by_id": actor.id,
                "at": uow.now(),
            }
        )
    if rows:
        uow.session.execute(insert(StocktakeScan), rows)
        told = {"scans": len(rows), "source": source}
        uow.journal(actor.id, "stocktake.scan", "stocktake", row.id, told)
    lost = dict.fromkeys(
        one.place for one in fresh if one.place.strip() and one.place not in places
    )
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


def _check_scans(scans: Sequence[Scan]) -> None:
    if not 1 <= len(scans) <= MOST_SCANS:
        raise Invalid(
            f"一次送 1 到 {MOST_SCANS} 个条码，现在有 {len(scans)} 个。", {"scans": "数量不对"}
        )
    for place, scan in enumerate(scans, start=1):
        code = scan.barcode.strip()
        fault = "没有条码" if not code else line_fault(code, LONGEST_CODE)
        fault = fault or line_fault(scan.place, 80)
        if not fault and not 1 <= len(scan.client_id) <= 64:
            fault = "缺少本机编号"
        if fault:
            raise Invalid(f"第 {place} 条有误：{fault}；一条也没有收。", {"scans": fault})


def _fresh(uow: UnitOfWork, take_id: int, scans: Sequence[Scan]) -> list[Scan]:
    """Return the scans that were not sent before, each client id once."""
    wanted = {scan.client_id: scan for scan in reversed(scans)}
    ids = list(wanted)
    known: set[str] = set()
    for start in range(0, len(ids), SOME):
        query = select(StocktakeScan.client_id).where(
            StocktakeScan.stocktake_id == take_id,
            StocktakeScan.client_id.in_(ids[start : start + SOME]),
        )
        known |= set(uow.session.scalars(query))
    return [wanted[number] for number in reversed(ids) if number not in known]


def _copies_by_code(uow: UnitOfWork, codes: Sequence[str]) -> dict[str, ItemCopy]:
    wanted = sorted(set(codes))
    found: dict[str, ItemCopy] = {}
    for start in range(0, len(wanted), SOME):
        query = select(ItemCopy).where(ItemCopy.barcode.in_(wanted[start : start + SOME]))
        found |= {row.barcode: row for row in uow.session.scalars(query)}
    return found


def _code(text: str) -> str:
    return clean_barcode(text) or text.strip()[:LONGEST_CODE]


def _seen_at(row: Stocktake, scan: Scan, now: datetime) -> datetime:
    """Return when it was seen, by the sender's clock as far as that can be."""
    return min(max(scan.seen_at or now, row.opened_at), now)


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

"""Reading stocktakes: their list, one whole with every difference, the latest scans.

Who may not read the highest secrecy of what is expected does not see the stocktake at all.
Called through ``stocktake.service``. Every reading takes a fixed number of statements.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from archive.core.errors import Forbidden, NotFound
from archive.core.pages import Page, clean_paging
from archive.filing.models import Item, ItemCopy
from archive.filing.places.models import StoragePlace
from archive.filing.stocktake.models import (
    Stocktake,
    StocktakeDecision,
    StocktakeLine,
    StocktakeScan,
    TakeState,
)
from archive.filing.stocktake.rules import (
    Expected,
    Finding,
    Outcome,
    Sighting,
    judge,
    take_digest,
    tally,
)
from archive.filing.stocktake.views import FindingView, LineView, ScanView, TakeSummary, TakeView
from archive.people import service as people
from archive.people.readers import may_read
from archive.people.rights import Actor, can, require
from storage.work import UnitOfWork

LARGEST_ID = 2**63 - 1
LATEST = 15
SOME = 400
NOT_THERE = "没有这次盘点，或者您无权查看。"


@dataclass(frozen=True)
class Known:
    """What a paper is called where the reader may know it."""

    item_id: int
    title: str
    code: str


def get_take_row(
    uow: UnitOfWork, actor: Actor, take_id: int, act: str = "stocktake.list"
) -> Stocktake:
    """Return the row of a stocktake the actor may do ``act`` to; raise NotFound, Forbidden."""
    row = uow.session.get(Stocktake, take_id) if 0 < take_id <= LARGEST_ID else None
    if row is None or not can(actor, "stocktake.list") or row.secrecy > actor.clearance:
        raise NotFound(NOT_THERE)
    if not can(actor, act):
        raise Forbidden("您没有权限办盘点；盘点由档案员办理。")
    return row


def list_takes(
    uow: UnitOfWork, actor: Actor, *, state: str = "", page: int = 1, per_page: int = 20
) -> Page[TakeSummary]:
    """Return one page of the stocktakes the actor may see, the newest first."""
    require(actor, "stocktake.list")
    page, per_page = clean_paging(page, per_page)
    wanted = [Stocktake.secrecy <= actor.clearance]
    if state:
        wanted.append(Stocktake.state == state)
    total = uow.session.scalar(select(func.count()).select_from(Stocktake).where(*wanted)) or 0
    rows = list(
        uow.session.scalars(
            select(Stocktake)
            .where(*wanted)
            .order_by(Stocktake.id.desc())
            .offset((page - 1) * per_page)
            .limit(per_page)
        )
    )
    seen = _seen_counts(uow, [row.id for row in rows])
    names = people.names_of(uow, {who for row in rows for who in (row.opened_by, row.ended_by)})
    found = tuple(
        TakeSummary(
            row.id,
            row.number,
            row.scope_text,
            row.state,
            row.expected,
            seen.get(row.id, 0),
            names.get(row.opened_by, ""),
            row.opened_at,
            names.get(row.ended_by or 0, ""),
            row.ended_at,
        )
        for row in rows
    )
    return Page(found, total, page, per_page)


def take_view(uow: UnitOfWork, actor: Actor, row: Stocktake) -> TakeView:
    """Return a stocktake whole, as the actor sees it."""
    decided = decisions_of(uow, row.id)
    if row.state == TakeState.CLOSED:
        final = [one for one in decided.values() if one.is_final]
        found = [_as_decided(one) for one in final]
        counts, digest = {key: int(value) for key, value in row.counts.items()}, row.digest
    else:
        every = findings_of(uow, row.id)
        found = [one for one in every if one.outcome.is_difference]
        counts, digest = tally(every), digest_of(row, every, decided)
    who = {row.opened_by, row.ended_by, *(one.by_id for one in decided.values())}
    scanners = set(
        uow.session.scalars(
            select(StocktakeScan.by_id).where(StocktakeScan.stocktake_id == row.id).distinct()
        )
    )
    names = people.names_of(uow, who | scanners)
    known = known_papers(uow, actor, [one.barcode for one in found])
    return TakeView(
        id=row.id,
        number=row.number,
        scope=row.scope_text,
        state=row.state,
        note=row.note,
        expected=row.expected,
        scans=_scan_count(uow, row.id),
        opened_name=names.get(row.opened_by, ""),
        opened_at=row.opened_at,
        journal_seq=row.journal_seq,
        ended_name=names.get(row.ended_by or 0, ""),
        ended_at=row.ended_at,
        end_note=row.end_note,
        counts=counts,
        findings=_finding_views(found, decided, known, names),
        digest=digest,
        scanners=tuple(sorted(names.get(who, "") for who in scanners)),
    )


def findings_of(uow: UnitOfWork, take_id: int, barcode: str | None = None) -> list[Finding]:
    """Return what came of every barcode (or of one) of a stocktake that is still open."""
    lines = _expected(uow, take_id, [barcode] if barcode else None)
    seen = _sightings(uow, take_id, [barcode] if barcode else None)
    return _judged(uow, lines, seen)


def decisions_of(uow: UnitOfWork, take_id: int) -> dict[tuple[str, str], StocktakeDecision]:
    """Return the decisions of a stocktake by barcode and kind of difference."""
    query = select(StocktakeDecision).where(StocktakeDecision.stocktake_id == take_id)
    return {
        (row.barcode, row.kind): row
        for row in uow.session.scalars(query.order_by(StocktakeDecision.id))
    }


def digest_of(
    row: Stocktake,
    findings: Sequence[Finding],
    decided: Mapping[tuple[str, str], StocktakeDecision],
) -> str:
    """Return what a signature under the stocktake is over."""
    told = [(one.barcode, one.kind, one.decision, one.note) for one in decided.values()]
    return take_digest(row.number, findings, told)


def latest_scans(uow: UnitOfWork, actor: Actor, take_id: int) -> tuple[ScanView, ...]:
    """Return the last scans of a stocktake, by whomever, with what came of each barcode."""
    rows = list(
        uow.session.scalars(
            select(StocktakeScan)
            .where(StocktakeScan.stocktake_id == take_id)
            .order_by(StocktakeScan.id.desc())
            .limit(LATEST)
        )
    )
    codes = sorted({row.barcode for row in rows})
    lines = _expected(uow, take_id, codes)
    judged = {one.barcode: one for one in _judged(uow, lines, _sightings(uow, take_id, codes))}
    known = known_papers(uow, actor, codes)
    names = people.names_of(uow, {row.by_id for row in rows})
    return tuple(
        ScanView(
            row.barcode,
            known[row.barcode].title if row.barcode in known else "",
            judged[row.barcode].outcome,
            judged[row.barcode].home_text,
            row.place_text,
            row.seen_at,
            names.get(row.by_id, ""),
        )
        for row in rows
        if row.barcode in judged
    )


def progress(uow: UnitOfWork, take_id: int) -> int:
    """Return how many of the expected copies were seen so far."""
    seen = select(StocktakeScan.barcode).where(StocktakeScan.stocktake_id == take_id)
    query = select(func.count()).select_from(StocktakeLine)
    query = query.where(StocktakeLine.stocktake_id == take_id, StocktakeLine.barcode.in_(seen))
    return uow.session.scalar(query) or 0


def all_lines(uow: UnitOfWork, actor: Actor, row: Stocktake) -> list[LineView]:
    """Return every copy that was expected or seen with what came of it, for the Excel export."""
    found = findings_of(uow, row.id)
    if row.state == TakeState.CLOSED:
        final = {one.barcode: one for one in decisions_of(uow, row.id).values() if one.is_final}
        found = [_at_the_end(one, final) for one in found]
    known = known_papers(uow, actor, [one.barcode for one in found])
    blank = Known(0, "", "")
    order = sorted(found, key=lambda one: (one.home_text, one.barcode))
    return [
        LineView(
            one.barcode,
            known.get(one.barcode, blank).code,
            known.get(one.barcode, blank).title,
            one.home_text,
            one.seen_text,
            one.outcome.label,
        )
        for one in order
    ]


def known_papers(uow: UnitOfWork, actor: Actor, codes: Iterable[str]) -> dict[str, Known]:
    """Return by barcode what the papers are called that the actor may read."""
    wanted = sorted(set(codes))
    found: dict[str, Known] = {}
    for start in range(0, len(wanted), SOME):
        query = (
            select(
                ItemCopy.barcode,
                Item.id,
                Item.title,
                func.coalesce(Item.reference_code, Item.provisional_code, ""),
            )
            .join(Item, Item.id == ItemCopy.item_id)
            .where(
                ItemCopy.barcode.in_(wanted[start : start + SOME]),
                may_read(actor, "item", Item.id),
            )
        )
        found |= {row[0]: Known(row[1], row[2], row[3]) for row in uow.session.execute(query)}
    return found


def _judged(
    uow: UnitOfWork, lines: Sequence[Expected], seen: Mapping[str, list[Sighting]]
) -> list[Finding]:
    rows = uow.session.execute(select(StoragePlace.id, StoragePlace.lineage)).all()
    lineages = {row.id: row.lineage for row in rows}
    expected = {line.barcode for line in lines}
    found = [judge(line, seen.get(line.barcode, ()), lineages) for line in lines]
    found += [judge(None, some, lineages) for code, some in seen.items() if code not in expected]
    return found


def _expected(uow: UnitOfWork, take_id: int, codes: Sequence[str] | None) -> list[Expected]:
    query = (
        select(
            StocktakeLine.copy_id,
            StocktakeLine.barcode,
            StocktakeLine.place_id,
            StocktakeLine.location,
            StocktakeLine.status,
            ItemCopy.status,
        )
        .join(ItemCopy, ItemCopy.id == StocktakeLine.copy_id)
        .where(StocktakeLine.stocktake_id == take_id)
        .order_by(StocktakeLine.id)
    )
    if codes is not None:
        query = query.where(StocktakeLine.barcode.in_(codes))
    return [Expected(*row) for row in uow.session.execute(query)]


def _sightings(
    uow: UnitOfWork, take_id: int, codes: Sequence[str] | None
) -> dict[str, list[Sighting]]:
    query = (
        select(
            StocktakeScan.barcode,
            StocktakeScan.copy_id,
            StocktakeScan.place_id,
            StocktakeScan.place_text,
            StocktakeScan.home_id,
            StocktakeScan.home_text,
            StocktakeScan.status,
            StocktakeScan.seen_at,
        )
        .where(StocktakeScan.stocktake_id == take_id)
        .order_by(StocktakeScan.seen_at, StocktakeScan.id)
    )
    if codes is not None:
        query = query.where(StocktakeScan.barcode.in_(codes))
    found: dict[str, list[Sighting]] = defaultdict(list)
    for row in uow.session.execute(query):
        found[row[0]].append(Sighting(*row))
    return found


def _finding_views(
    found: Sequence[Finding],
    decided: Mapping[tuple[str, str], StocktakeDecision],
    known: Mapping[str, Known],
    names: Mapping[int, str],
) -> tuple[FindingView, ...]:
    views = []
    for one in found:
        paper, done = known.get(one.barcode), decided.get((one.barcode, one.outcome))
        views.append(
            FindingView(
                barcode=one.barcode,
                outcome=one.outcome,
                item_id=paper.item_id if paper else None,
                title=paper.title if paper else "",
                code=paper.code if paper else "",
                home_text=one.home_text,
                seen_text=one.seen_text,
                decision=done.decision if done else "",
                note=done.note if done else "",
                decided_name=names.get(done.by_id, "") if done else "",
                decided_at=done.at if done else None,
            )
        )
    order = list(Outcome)
    views.sort(key=lambda one: (bool(one.decision), order.index(one.outcome), one.home_text))
    return tuple(views)


def _as_decided(row: StocktakeDecision) -> Finding:
    return Finding(row.barcode, None, Outcome(row.kind), None, row.home_text, None, row.seen_text)


def _at_the_end(now: Finding, final: Mapping[str, StocktakeDecision]) -> Finding:
    """Return what came of a barcode as it stood when the stocktake was closed."""
    if now.barcode in final:
        return _as_decided(final[now.barcode])
    if not now.outcome.is_difference:
        return now
    outcome = Outcome.PRESENT if now.seen_text or now.seen_id else Outcome.LENT
    return Finding(now.barcode, now.copy_id, outcome, None, now.home_text, None, now.seen_text)


def _seen_counts(uow: UnitOfWork, take_ids: Sequence[int]) -> dict[int, int]:
    query = (
        select(StocktakeScan.stocktake_id, func.count(func.distinct(StocktakeScan.barcode)))
        .where(StocktakeScan.stocktake_id.in_(take_ids))
        .group_by(StocktakeScan.stocktake_id)
    )
    return {row[0]: row[1] for row in uow.session.execute(query)}


def _scan_count(uow: UnitOfWork, take_id: int) -> int:
    query = select(func.count()).select_from(StocktakeScan)
    return uow.session.scalar(query.where(StocktakeScan.stocktake_id == take_id)) or 0

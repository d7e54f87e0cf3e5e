"""Barcodes that were seen: checked, those sent before left out, and whose they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from archive.core.errors import Invalid
from archive.filing.codes import clean_barcode
from archive.filing.models import ItemCopy
from archive.filing.rules import line_fault
from archive.filing.stocktake.models import Stocktake, StocktakeScan
from archive.filing.stocktake.rules import LONGEST_CODE, MOST_SCANS
from storage.work import UnitOfWork

SOME = 400


@dataclass(frozen=True)
class Scan:
    """A barcode that was seen; ``place`` is a place's barcode or line, may be empty.

    ``client_id`` makes that it counts once however often it is sent; ``seen_at`` is None for now.
    """

    client_id: str
    barcode: str
    place: str = ""
    seen_at: datetime | None = None


def check_scans(scans: Sequence[Scan]) -> None:
    """Raise Invalid, naming the first that is wrong; then none is taken."""
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


def fresh(uow: UnitOfWork, take_id: int, scans: Sequence[Scan]) -> list[Scan]:
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


def copies_by_code(uow: UnitOfWork, codes: Sequence[str]) -> dict[str, ItemCopy]:
    """Return the copies that carry these barcodes."""
    wanted = sorted(set(codes))
    found: dict[str, ItemCopy] = {}
    for start in range(0, len(wanted), SOME):
        query = select(ItemCopy).where(ItemCopy.barcode.in_(wanted[start : start + SOME]))
        found |= {row.barcode: row for row in uow.session.scalars(query)}
    return found


def code_of_scan(text: str) -> str:
    """Return a barcode as it is kept, or what was seen in its place."""
    return clean_barcode(text) or text.strip()[:LONGEST_CODE]


def seen_at_of_scan(row: Stocktake, scan: Scan, now: datetime) -> datetime:
    """Return when it was seen, by the sender's clock as far as that can be."""
    return min(max(scan.seen_at or now, row.opened_at), now)

"""Decisions about places on plain values: names, levels, paths, barcodes, whole layouts.

No rows and no rights here.
"""

import re
import unicodedata
from dataclasses import dataclass

from archive.core.errors import Conflict, Invalid
from archive.filing.codes import check_digit
from archive.filing.models import CopyStatus
from archive.filing.places.models import PlaceKind
from archive.filing.rules import MAX_LOCATION, Place, line_fault, parse_place

MAX_NAME = 20
MAX_CAPACITY = 100_000
MOST_AT_ONCE = 2000
MOST_MOVED = 500
MAX_PLACE = 999_999_999
SHELVES = (PlaceKind.ROOM, PlaceKind.ROW, PlaceKind.BAY, PlaceKind.SHELF)

_BARCODE = re.compile(r"P(\d{9})(\d)", re.ASCII)
_LAYOUT = re.compile(
    r"(?P<room>[^\s\-]{1,20})\s+(?P<rows>\d{1,3})\s*[列排]"
    r"(?:\s*[×xX*]\s*(?P<bays>\d{1,3})\s*[节柜])?(?:\s*[×xX*]\s*(?P<shelves>\d{1,3})\s*层)?",
    re.ASCII,
)
_DIGITS = re.compile(r"(\d+)")


@dataclass(frozen=True)
class Layout:
    """A room with so many rows, bays in each, shelves in each; 0 where a level is left out."""

    room: str
    rows: int
    bays: int
    shelves: int

    @property
    def places(self) -> int:
        """How many places it has, the room included."""
        bays = self.rows * self.bays
        return 1 + self.rows + bays + bays * self.shelves


def make_place_barcode(serial: int) -> str:
    """Return the barcode of the ``serial``-th place: P, nine digits, check digit."""
    if not 1 <= serial <= MAX_PLACE:
        raise ValueError(f"place serial {serial} out of range")
    digits = f"{serial:09d}"
    return f"P{digits}{check_digit(digits)}"


def clean_place_barcode(text: str) -> str:
    """Return a scanned place barcode in its one form; empty when it is none."""
    if len(text) > 40:
        return ""
    folded = unicodedata.normalize("NFKC", text).strip().upper()
    match = _BARCODE.fullmatch(folded)
    return folded if match and check_digit(match[1]) == match[2] else ""


def check_name(name: str) -> str:
    """Return a place's name without outer blanks; raise Invalid."""
    cleaned = name.strip()
    fault = "请填写名称" if not cleaned else line_fault(cleaned, MAX_NAME)
    if not fault and ("-" in cleaned or any(char.isspace() for char in cleaned)):
        fault = "不能含有空格或短横线"
    if not fault and cleaned.startswith("盒"):
        fault = "不用写“盒”字，只写盒号"
    if fault:
        raise Invalid(f"位置名称“{cleaned[:30]}”有误：{fault}。", {"name": fault})
    return cleaned


def check_capacity(capacity: int | None) -> int | None:
    """Return the capacity (copies); raise Invalid."""
    if capacity is not None and not 1 <= capacity <= MAX_CAPACITY:
        fault = f"应在 1 到 {MAX_CAPACITY} 之间，或者留空"
        raise Invalid(f"容量有误：{fault}。", {"capacity": fault})
    return capacity


def check_level(kind: PlaceKind, parent: PlaceKind | None) -> None:
    """Raise Invalid unless such a place can stand in one of the parent's level.

    Room, row, bay and shelf follow one another; a box may stand anywhere but in a box.
    """
    if kind == PlaceKind.BOX:
        fits = parent is not None and parent != PlaceKind.BOX
    else:
        at = SHELVES.index(kind)
        fits = parent == (SHELVES[at - 1] if at else None)
    if not fits:
        where = f"“{parent.label}”里" if parent else "最上层"
        fault = f"{where}不能放“{kind.label}”"
        raise Invalid(f"位置层级不对：{fault}。", {"kind": fault})


def path_of(parent: str, kind: PlaceKind, name: str) -> str:
    """Return a place as one line (库房一-02-03-04 盒12); raise Invalid when it is too long."""
    mark = " 盒" if kind == PlaceKind.BOX else "-"
    path = f"{parent}{mark}{name}" if parent else name
    if len(path) > MAX_LOCATION:
        fault = f"连同上级最多 {MAX_LOCATION} 个字，请取短一些的名称"
        raise Invalid(f"位置“{path[:40]}…”太长：{fault}。", {"name": fault})
    return path


def steps_of(place: Place) -> tuple[tuple[PlaceKind, str], ...]:
    """Return the places from the room down; empty where a level between is left out.

    Such a place has no unique line in the tree, so it stays what was typed.
    """
    parts = (place.room, place.row, place.bay, place.shelf)
    filled = [part for part in parts if part]
    if not filled or list(parts[: len(filled)]) != filled:
        return ()
    steps = list(zip(SHELVES, filled, strict=False))
    if place.box:
        steps.append((PlaceKind.BOX, place.box))
    for _, name in steps:
        try:
            check_name(name)
        except Invalid:
            return ()
    return tuple(steps)


def steps_of_text(text: str) -> tuple[tuple[PlaceKind, str], ...]:
    """Return the places a free text names; empty when it does not name them plainly."""
    place = parse_place(text.strip())
    return steps_of(place) if place.text == text.strip() else ()


def read_layout(text: str) -> Layout:
    """Read a whole room from one line: 库房一 3列 × 6节 × 5层; raise Invalid."""
    match = _LAYOUT.fullmatch(unicodedata.normalize("NFC", text.strip()))
    if match is None:
        fault = "应写成“库房一 3列 × 6节 × 5层”，节和层可以不写"
        raise Invalid(f"看不懂这个布局：{fault}。", {"layout": fault})
    if match["shelves"] and not match["bays"]:
        fault = "写了层，就要先写节"
        raise Invalid(f"布局有误：{fault}。", {"layout": fault})
    layout = Layout(
        check_name(match["room"]),
        int(match["rows"]),
        int(match["bays"] or 0),
        int(match["shelves"] or 0),
    )
    numbers = [int(match[key]) for key in ("rows", "bays", "shelves") if match[key]]
    if 0 in numbers or layout.places > MOST_AT_ONCE:
        fault = f"每一级至少 1 个，一次最多 {MOST_AT_ONCE} 个位置"
        raise Invalid(f"布局有误：{fault}（现在是 {layout.places} 个）。", {"layout": fault})
    return layout


def check_movable(barcode: str, status: str) -> None:
    """Raise Conflict when a copy cannot be put elsewhere: it is out (its home stays), or missing.

    Source: archive.md 6, a copy's state follows from its loans and moves.
    """
    if status == CopyStatus.OUT:
        raise Conflict(f"{barcode} 借出在外，原位置为它保留；请先在借阅台办归还，再移动。")
    if status == CopyStatus.MISSING:
        raise Conflict(f"{barcode} 现在是“待查”；找到后请先办“找到了”，再移动。")


def is_within(inner: str, outer: str) -> bool:
    """Say whether the place with lineage ``inner`` is the place ``outer`` or lies in it."""
    return bool(outer) and inner.startswith(outer)


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return the key by which names sort as people count: 2 before 10."""
    return tuple(
        (0, int(part), "") if part.isascii() and part.isdigit() else (1, 0, part)
        for part in _DIGITS.split(name)
        if part
    )

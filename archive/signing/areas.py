"""Where on the frozen paper a signer's own entries go (批示, 意见): the cells left empty for them.

The paper is frozen before those entries are written, so their cells are found beforehand: the
same form is printed once with a mark in each such entry, and the cell around the mark, as its
rules are drawn, is the area. Only reading positions; the fields are made in ``pades``.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pypdfium2 as pdfium

from archive.core.pdfium import PDFIUM
from archive.core.resources import Resources
from archive.documents import service as documents
from archive.records.views import RecordView
from archive.signing.boxes import MM, Box, find_boxes
from doc_templates import Field, Form
from doc_templates.values import printed_text

PADDING = 1 * MM
MARGIN = 20 * MM  # where a cell is not drawn, up to here
LINE = 6 * MM
THIN = 3.0  # a drawn rule is no thicker, in points

_OPEN: Callable[[bytes], Any] = pdfium.PdfDocument
_RAW: Any = pdfium.raw  # the library carries no types
_PATH: int = _RAW.FPDF_PAGEOBJ_PATH


def signed_entries(form: Form) -> tuple[Field, ...]:
    """Return the entries of the form that signers fill in and that print, in printed order."""
    roles = {signer.role for signer in form.chain}
    return tuple(
        entry
        for entry in form.fields
        if entry.signer in roles and entry.printed and entry.kind not in ("rows", "image")
    )


def area_name(form: Form, key: str) -> str:
    """Return the PDF field of a signer's entry."""
    return f"entry{[entry.key for entry in signed_entries(form)].index(key) + 1}"


def find_areas(resources: Resources, form: Form, record: RecordView) -> dict[str, Box]:
    """Return the empty cell of every signer's entry, by PDF field; empty where there is none."""
    entries = signed_entries(form)
    if not entries:
        return {}
    marks = {entry.key: f"[sig:栏{place}]" for place, entry in enumerate(entries, start=1)}
    marked = replace(record, content={**record.content, **marks})
    pdf = documents.make_pdf(resources.converter, documents.make_draft_word(form, marked))
    boxes = find_boxes(pdf, [f"栏{place}" for place in range(1, len(entries) + 1)])
    cells = _cells_around(pdf, boxes)
    return {
        area_name(form, entry.key): replace(cells[f"栏{place}"], role=entry.label)
        for place, entry in enumerate(entries, start=1)
    }


def entry_texts(form: Form, filled: Mapping[str, object]) -> dict[str, str]:
    """Return the text of each entry as it prints, with its unit, by PDF field."""
    texts: dict[str, str] = {}
    for entry in signed_entries(form):
        if entry.key in filled:
            unit = entry.unit or ("元" if entry.kind == "money" else "")
            shown = printed_text(entry, filled[entry.key])
            texts[area_name(form, entry.key)] = f"{shown} {unit}".strip()
    return texts


def _cells_around(pdf: bytes, boxes: Mapping[str, Box]) -> dict[str, Box]:
    with PDFIUM:
        document = _OPEN(pdf)
        try:
            return {name: _cell(document[box.page], box) for name, box in boxes.items()}
        finally:
            document.close()


def _cell(page: Any, box: Box) -> Box:
    """Return the cell whose rules stand nearest around the mark at the box's left edge."""
    left, middle = box.x0, (box.y0 + box.y1) / 2
    width, _ = page.get_size()
    upright, level = _rules(page)
    right = min(
        (x for x, low, high in upright if x > left + 1 and low <= middle <= high),
        default=width - MARGIN,
    )
    below = [y for y, start, end in level if start <= left + 1 <= end and y < middle]
    above = [y for y, start, end in level if start <= left + 1 <= end and y > middle]
    return Box(
        box.role,
        box.page,
        round(left, 2),
        round(max(below, default=middle - LINE) + PADDING, 2),
        round(right - PADDING, 2),
        round(min(above, default=middle + LINE) - PADDING, 2),
    )


Rule = tuple[float, float, float]


def _rules(page: Any) -> tuple[list[Rule], list[Rule]]:
    """Return the drawn rules: upright (x, low, high) and level (y, start, end), pieces joined."""
    upright: list[Rule] = []
    level: list[Rule] = []
    for each in page.get_objects(filter=[_PATH], max_depth=4):
        x0, y0, x1, y1 = each.get_bounds()
        if x1 - x0 <= THIN < y1 - y0:
            upright.append(((x0 + x1) / 2, y0 - 1, y1 + 1))
        elif y1 - y0 <= THIN < x1 - x0:
            level.append(((y0 + y1) / 2, x0 - 1, x1 + 1))
    return upright, level

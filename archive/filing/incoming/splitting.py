"""Finds separator sheets among the pages of a scan and cuts it there; runs only in the child.

Each page is rendered dark on light at 150 dpi and read for QR and Code 128, whichever way up it
lies. The pages themselves are copied, never drawn anew; those of a TIFF are kept without loss.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import zxingcpp
from PIL import Image, ImageSequence

from archive.filing.incoming.kinds import MOST_PIXELS, PDF, Refused, look_at
from archive.filing.incoming.separators import cut, values_of_page

DPI = 150
LARGEST_SIDE = 4000  # pixels; a poster is looked at more coarsely
MOST_SPLIT = 2000
FORMATS = zxingcpp.barcode_formats_from_str("QRCode|Code128")


def split_scan(path: Path, folder: Path) -> Iterator[dict[str, Any]]:
    """Write the parts of a PDF or TIFF into the folder; tell each page, then the parts.

    Without a separator nothing is written and there are no parts.
    """
    kind = look_at(path)
    if kind.pages > MOST_SPLIT:
        raise Refused(f"一次最多拆 {MOST_SPLIT} 页，这份有 {kind.pages} 页；请分成几次扫描。")
    pages = _pdf_pages(path) if kind.media_type == PDF else _tiff_pages(path)
    found = []
    for number, picture in enumerate(pages, 1):
        found.append(values_of_page([code.text for code in _codes(picture)]))
        yield {"page": number, "of": kind.pages}
    separators = sum(page is not None for page in found)
    if not separators:
        yield {"parts": [], "separators": 0, "unclear": 0}
        return
    parts = cut(found)
    write = _write_pdf if kind.media_type == PDF else _write_tiff
    told = []
    for number, (numbers, values) in enumerate(parts, 1):
        target = folder / f"{number:04d}"
        write(path, numbers, target)
        told.append({"file": target.name, "pages": len(numbers), "values": values})
    unclear = sum(page is not None and page[1] for page in found)
    yield {"parts": told, "separators": separators, "unclear": unclear}


def _codes(picture: Image.Image) -> list[Any]:
    found = zxingcpp.read_barcodes(picture, formats=FORMATS, try_rotate=True)
    return [code for code in found if code.valid]


def _pdf_pages(path: Path) -> Iterator[Image.Image]:
    document = pypdfium2.PdfDocument(path)
    for number in range(len(document)):
        page = document[number]
        longest = max(page.get_size()) or 1
        scale = min(DPI / 72, LARGEST_SIDE / longest)
        yield page.render(scale=scale, grayscale=True).to_pil()
        page.close()


def _tiff_pages(path: Path) -> Iterator[Image.Image]:
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    with Image.open(path, formats=("TIFF",)) as scan:
        for frame in ImageSequence.Iterator(scan):
            picture = frame.convert("L")
            picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
            yield picture


def _write_pdf(path: Path, numbers: list[int], target: Path) -> None:
    part = pypdfium2.PdfDocument.new()
    part.import_pages(pypdfium2.PdfDocument(path), numbers)
    part.save(target)
    part.close()


def _write_tiff(path: Path, numbers: list[int], target: Path) -> None:
    with Image.open(path, formats=("TIFF",)) as scan:
        frames = []
        for number in numbers:
            scan.seek(number)
            frames.append(scan.copy())
        dpi = scan.info.get("dpi")
    packing = "group4" if all(frame.mode == "1" for frame in frames) else "tiff_deflate"
    extra: dict[str, Any] = {"dpi": dpi} if dpi else {}
    frames[0].save(
        target, "TIFF", save_all=True, append_images=frames[1:], compression=packing, **extra
    )

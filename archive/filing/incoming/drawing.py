"""A picture of one page of a stranger's PDF, TIFF, PNG or JPEG; runs only in the child."""

from pathlib import Path
from typing import Any

import pypdfium2
from PIL import Image, ImageOps

from archive.filing.incoming.kinds import MOST_PIXELS, PDF, Refused, look_at

WIDTHS = range(120, 2001)
_PICTURES = ("image/png", "image/jpeg", "image/tiff")


def draw_page(source: Path, target: Path, page: int, width: int) -> dict[str, Any]:
    """Write a page (from 1) as PNG, so many pixels wide; raise Refused for what has none."""
    kind = look_at(source)
    width = min(max(width, WIDTHS[0]), WIDTHS[-1])
    if kind.media_type not in (PDF, *_PICTURES):
        raise Refused("这种文件没有页面图，请下载后查看。")
    if not 1 <= page <= kind.pages:
        raise Refused(f"没有第 {page} 页，这份文件共 {kind.pages} 页。")
    if kind.media_type == PDF:
        sheet = pypdfium2.PdfDocument(source)[page - 1]
        longest = max(sheet.get_width(), sheet.get_height() / 4, 1)
        picture = sheet.render(scale=width / longest).to_pil()
    else:
        picture = _frame(source, page, width)
    picture.save(target, "PNG", compress_level=3)
    return {"width": picture.width, "height": picture.height}


def _frame(source: Path, page: int, width: int) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    with Image.open(source, formats=("PNG", "JPEG", "TIFF", "MPO")) as scan:
        if page > 1:
            scan.seek(page - 1)
        shown = ImageOps.exif_transpose(scan).convert("RGB")
    shown.thumbnail((width, width * 4))
    return shown

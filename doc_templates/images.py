"""Pictures set into a filled form: signatures in their box, the QR code in the footer.

Makes the drawing XML and knows sizes; adds nothing to a package (word.py does). Only PNG.
"""

import io
import struct
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

import segno

from doc_templates.errors import BadTemplate

EMU_PER_MM = 36_000
BOX_WIDTH, BOX_HEIGHT = 30.0, 12.0
QR_SIZE = 15.0
MAX_BYTES = 4 * 1024 * 1024
MAX_SIDE = 6_000
PNG_HEAD = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG and the size it is printed in, mm; `told` is read out in its place."""

    png: bytes
    width: float
    height: float
    told: str


def signature_picture(png: bytes, name: str) -> Picture:
    """Return a signature fitted into its 30 × 12 mm box, aspect kept."""
    width, height = _png_size(png)
    scale = min(BOX_WIDTH / width, BOX_HEIGHT / height)
    return Picture(png, width * scale, height * scale, f"{name}的签名")


def qr_picture(text: str) -> Picture:
    """Return the verification code as a QR picture of 15 mm."""
    page = io.BytesIO()
    segno.make(text, error="m", micro=False).save(page, kind="png", scale=4, border=1)
    return Picture(page.getvalue(), QR_SIZE, QR_SIZE, "核验二维码")


def drawing_xml(picture: Picture, relation: str, number: int) -> str:
    """Return the inline drawing that shows the picture under a relationship id."""
    size = f'cx="{round(picture.width * EMU_PER_MM)}" cy="{round(picture.height * EMU_PER_MM)}"'
    told = quoteattr(picture.told)
    main = "http://schemas.openxmlformats.org/drawingml/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return (
        f'<w:drawing><wp:inline xmlns:wp="{main}/wordprocessingDrawing" distT="0" distB="0" '
        f'distL="0" distR="0"><wp:extent {size}/><wp:docPr id="{number}" '
        f'name="Picture {number}" descr={told}/><a:graphic xmlns:a="{main}/main">'
        f'<a:graphicData uri="{main}/picture"><pic:pic xmlns:pic="{main}/picture"><pic:nvPicPr>'
        f'<pic:cNvPr id="{number}" name="Picture {number}"/><pic:cNvPicPr/></pic:nvPicPr>'
        f'<pic:blipFill><a:blip xmlns:r="{office}" r:embed="{relation}"/><a:stretch>'
        f"<a:fillRect/></a:stretch></pic:blipFill><pic:spPr><a:xfrm>"
        f'<a:off x="0" y="0"/><a:ext {size}/></a:xfrm><a:prstGeom prst="rect"><a:avLst/>'
        f"</a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing>"
    )


def _png_size(png: bytes) -> tuple[int, int]:
    if len(png) > MAX_BYTES:
        raise BadTemplate("签名图片太大，最多 4 MB")
    if not png.startswith(PNG_HEAD) or len(png) < 33:
        raise BadTemplate("签名图片不是 PNG 图片，请重新签名")
    width, height = struct.unpack(">II", png[16:24])
    if not 0 < width <= MAX_SIDE or not 0 < height <= MAX_SIDE:
        raise BadTemplate("签名图片的尺寸不对，请重新签名")
    return width, height

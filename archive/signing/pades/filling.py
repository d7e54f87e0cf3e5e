"""Text fields for what a signer enters on the frozen paper (批示, 意见).

Made empty before the paper is certified, filled once in the update before the signer's own
signature, which covers them.

No signature locks them: pyHanko takes any later signature for a change of a locked text field that
has an appearance, and PDF/A wants one. What was filled is refused a second time here, and nothing
can be filled any more once the paper is closed.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any

from PIL import Image
from pyhanko.pdf_utils import generic as typed_generic
from pyhanko.pdf_utils import layout
from pyhanko.pdf_utils.content import RawContent
from pyhanko.pdf_utils.images import PdfImage
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from archive.signing.boxes import Box
from archive.signing.pades.faults import MALFORMED, SigningRefused
from archive.signing.pades.pen import open_update

Draw = Callable[[str, float, float], bytes]

_PRINT, _MULTILINE = 4, 1 << 12
generic: Any = typed_generic  # the library carries no types here
_NAME = generic.NameObject


def add_text_fields(pdf: bytes, areas: Mapping[str, Box]) -> bytes:
    """Make an empty text field at each area of a paper that is not certified yet."""
    if not areas:
        return pdf
    writer = open_update(pdf)
    try:
        fields = _form_fields(writer)
        for name, box in areas.items():
            fields.append(_add_field(writer, name, box))
        return _written(writer)
    except MALFORMED as wrong:
        raise SigningRefused("PDF 的结构不允许放置填写栏。请重新生成 PDF 后再试。") from wrong


def fill_text_fields(pdf: bytes, filled: Mapping[str, str], draw: Draw) -> bytes:
    """Fill fields with their texts in one update; ``draw`` makes a text's picture for a size.

    Raises SigningRefused for a field that is not there or is filled already.
    """
    if not filled:
        return pdf
    writer = open_update(pdf)
    try:
        present = {str(one.get("/T")): one for one in _kids(writer)}
        for name, text in filled.items():
            if name not in present:
                raise SigningRefused("文件定稿时没有留出这一栏，印不上去。请退回提交人重新提交。")
            _fill(writer, present[name], text, draw)
        return _written(writer)
    except MALFORMED as wrong:
        raise SigningRefused("这份 PDF 不能再填写：它已锁定，或结构已被改动。") from wrong


def _form_fields(writer: Any) -> Any:
    root = writer.root
    if "/AcroForm" not in root:
        form = generic.DictionaryObject({_NAME("/Fields"): generic.ArrayObject()})
        root[_NAME("/AcroForm")] = writer.add_object(form)
        writer.update_root()
    form = root["/AcroForm"]
    writer.update_container(form)
    if "/Fields" not in form:
        form[_NAME("/Fields")] = generic.ArrayObject()
    fields = form["/Fields"]
    writer.update_container(fields)
    return fields


def _add_field(writer: Any, name: str, box: Box) -> Any:
    page_ref = writer.find_page_for_modification(box.page)[0]
    page = page_ref.get_object()
    field = generic.DictionaryObject(
        {
            _NAME("/Type"): _NAME("/Annot"),
            _NAME("/Subtype"): _NAME("/Widget"),
            _NAME("/FT"): _NAME("/Tx"),
            _NAME("/T"): generic.TextStringObject(name),
            _NAME("/TU"): generic.TextStringObject(box.role),
            _NAME("/Rect"): generic.ArrayObject(
                [generic.FloatObject(edge) for edge in (box.x0, box.y0, box.x1, box.y1)]
            ),
            _NAME("/F"): generic.NumberObject(_PRINT),
            _NAME("/Ff"): generic.NumberObject(_MULTILINE),
            _NAME("/P"): page_ref,
        }
    )
    size = layout.BoxConstraints(round(box.x1 - box.x0), round(box.y1 - box.y0))
    empty = RawContent(b"", box=size).as_form_xobject()
    field[_NAME("/AP")] = generic.DictionaryObject({_NAME("/N"): writer.add_object(empty)})
    reference = writer.add_object(field)
    if "/Annots" not in page:
        page[_NAME("/Annots")] = generic.ArrayObject()
    page["/Annots"].append(reference)
    writer.update_container(page["/Annots"])
    writer.update_container(page)
    return reference


def _kids(writer: IncrementalPdfFileWriter) -> list[Any]:
    form = writer.root.get("/AcroForm")
    fields = [] if form is None else writer.root["/AcroForm"]["/Fields"]
    kids = [one.get_object() for one in fields]
    return [one for one in kids if one.get("/FT") == "/Tx"]


def _fill(writer: IncrementalPdfFileWriter, field: Any, text: str, draw: Draw) -> None:
    if "/V" in field:
        raise SigningRefused("这一栏已经填过，不能再填。请刷新页面看最新的进度。")
    x0, y0, x1, y1 = (float(edge) for edge in field["/Rect"])
    png = draw(text, x1 - x0, y1 - y0)
    with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
        content = PdfImage(
            picture.convert("RGBA" if _has_transparency(picture) else "L"),
            writer=writer,
            box=layout.BoxConstraints(x1 - x0, y1 - y0),
        )
    field[_NAME("/V")] = generic.TextStringObject(text)
    appearance = writer.add_object(content.as_form_xobject())
    field[_NAME("/AP")] = generic.DictionaryObject({_NAME("/N"): appearance})
    writer.update_container(field)


def _has_transparency(picture: Image.Image) -> bool:
    """Whether what lies under the picture shows through; then it keeps its colours too."""
    return picture.mode in ("RGBA", "LA") or "transparency" in picture.info


def _written(writer: Any) -> bytes:
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()

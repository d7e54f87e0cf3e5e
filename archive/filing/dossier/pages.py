"""A filed file becomes pages: PDFs as they are, pictures and text on A4, Word through the office.

Bytes in, bytes out. Of tables and OFD there are the words only. What cannot become pages is
refused with a word for the reader; the dossier names it, with its original.
"""

import io
from contextlib import closing
from pathlib import Path
from tempfile import NamedTemporaryFile

import pypdfium2
from PIL import Image, ImageSequence
from pypdf import PdfWriter

from archive.core.errors import Invalid
from archive.core.pdfium import PDFIUM
from archive.core.sheets import MEDIA_TYPE as SHEET
from archive.documents.service import MEDIA_TYPES, PDF, WORD, make_pdf
from archive.filing.dossier.letters import Letters
from archive.filing.dossier.sheets import A4, MARGIN, new_sheet
from doc_templates.errors import FormError
from doc_templates.pdf import Converter
from indexer import ExtractError, extract

MOST_PAGES = 5000
MOST_PIXELS = 80_000_000
MOST_TEXT = 2 << 20
WORDS_ALONE = "卷内只排文字，版面和算式以附上的原件为准"
WORDS_ONLY = {SHEET: ".xlsx", "application/ofd": ".ofd"}
_LARGEST = (2480, 3508)  # A4 at 300 dots an inch
_PICTURES = ("image/png", "image/jpeg", "image/tiff")


def pages_of(content: bytes, media_type: str, converter: Converter) -> tuple[bytes, int]:
    """Return a file as a PDF and its number of pages; raise Invalid where it cannot be read."""
    if media_type == MEDIA_TYPES[PDF]:
        return _clean(content)
    if media_type in _PICTURES:
        return _picture(content)
    if media_type == MEDIA_TYPES[WORD]:
        try:
            return _clean(make_pdf(converter, content))
        except FormError as refusal:
            raise Invalid(f"Word 转不成 PDF（{refusal.message.rstrip('。')}）") from refusal
    if media_type == "text/plain":
        return _text(content)
    if media_type in WORDS_ONLY:
        return _words(content, WORDS_ONLY[media_type])
    raise Invalid("这种格式不能排成页")


def _words(content: bytes, suffix: str) -> tuple[bytes, int]:
    """Return the words of a file, read in a process that may die, as pages."""
    with NamedTemporaryFile(suffix=suffix) as file:
        file.write(content)
        file.flush()
        try:
            found = extract(Path(file.name))
        except ExtractError as refusal:
            raise Invalid(f"读不出文字（{refusal.message.rstrip('。')}）") from refusal
    if not found.text.strip():
        raise Invalid("里面没有文字")
    return _text(f"（{WORDS_ALONE}）\n\n{found.text}".encode())


def _clean(content: bytes) -> tuple[bytes, int]:
    """Return a PDF written anew: fields drawn into the pages, no scripts, no loose ends."""
    try:
        with PDFIUM, closing(pypdfium2.PdfDocument(content)) as source:
            count = len(source)
            if not 0 < count <= MOST_PAGES:
                raise Invalid(f"有 {count} 页，不能装订")
            source.init_forms()
            if source.formenv is not None:
                for page in source:
                    page.flatten()
                    page.close()
            with closing(pypdfium2.PdfDocument.new()) as target:
                target.import_pages(source)
                return _saved(target), count
    except pypdfium2.PdfiumError as wrong:
        is_locked = "password" in str(wrong).lower()
        raise Invalid("PDF 加了密码" if is_locked else "PDF 打不开，可能已损坏") from wrong


def _saved(document: pypdfium2.PdfDocument) -> bytes:
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _picture(content: bytes) -> tuple[bytes, int]:
    """Return a picture, or every page of a scan, each on an A4 page; one in memory at a time."""
    try:
        with PDFIUM, closing(pypdfium2.PdfDocument.new()) as target:
            with Image.open(io.BytesIO(content)) as picture:
                for frame in ImageSequence.Iterator(picture):
                    _take_frame(target, frame)
            return _saved(target), len(target)
    except Image.DecompressionBombError as wrong:
        raise Invalid("图片太大，不能装订") from wrong
    except (OSError, SyntaxError, ValueError, pypdfium2.PdfiumError) as wrong:
        raise Invalid("图片打不开，可能已损坏") from wrong


def _take_frame(target: pypdfium2.PdfDocument, frame: Image.Image) -> None:
    if frame.width * frame.height > MOST_PIXELS:
        raise Invalid("图片太大，不能装订")
    if len(target) >= MOST_PAGES:
        raise Invalid("页数太多，不能装订")
    sheet = io.BytesIO()
    _on_paper(frame).save(sheet, "PDF", resolution=150)
    with closing(pypdfium2.PdfDocument(sheet.getvalue())) as one:
        target.import_pages(one)


def _on_paper(frame: Image.Image) -> Image.Image:
    """Return the picture in the middle of an A4 sheet of its own orientation, 150 dots an inch."""
    shown = frame.convert("RGB")
    shown.thumbnail(_LARGEST)
    size = (1240, 1754) if shown.height >= shown.width else (1754, 1240)
    shown.thumbnail((size[0] - 120, size[1] - 120))
    sheet = Image.new("RGB", size, "white")
    sheet.paste(shown, ((size[0] - shown.width) // 2, (size[1] - shown.height) // 2))
    return sheet


def _text(content: bytes) -> tuple[bytes, int]:
    if len(content) > MOST_TEXT:
        raise Invalid("文字太多，不能装订")
    for encoding in ("utf-8-sig", "gb18030", "utf-16"):
        try:
            text = content.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    else:
        raise Invalid("文字的编码认不出来")
    letters = Letters()
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\t", "    ")
    lines = letters.broken(plain, 10, A4[0] - 2 * MARGIN)
    a_page = int((A4[1] - 2 * MARGIN) / 15)
    writer = PdfWriter()
    sheets = []
    for start in range(0, max(len(lines), 1), a_page):
        drawn = [
            letters.show(line, MARGIN, A4[1] - MARGIN - 10 - 15 * n, 10)
            for n, line in enumerate(lines[start : start + a_page])
        ]
        sheets.append(drawn)
    fonts = letters.fonts(writer)
    for drawn in sheets:
        new_sheet(writer, drawn, fonts)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue(), len(sheets)

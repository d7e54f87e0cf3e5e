"""Puts many files together: PDFs into one with bookmarks, files into a ZIP with safe names.

Bytes in, bytes out; knows no record and no database. Called by ``bundle``.
"""

import io
import zipfile
from collections.abc import Container, Iterable
from dataclasses import dataclass
from tempfile import TemporaryFile

import pypdfium2
from pypdf import PdfReader, PdfWriter
from pypdf.errors import PyPdfError

from archive.core.errors import Invalid
from archive.core.pdfium import PDFIUM

STEM_LIMIT = 120


@dataclass(frozen=True)
class Piece:
    """A file to be put in: its name, the words of its bookmark, its bytes."""

    name: str
    title: str
    content: bytes


def bind_pdf(pieces: Iterable[Piece], *, duplex: bool = False) -> tuple[bytes, int]:
    """Return one PDF of many and its number of pages, a bookmark a paper.

    With ``duplex`` a paper of odd length gets a blank page after it, so that each begins on a
    front side. Signatures are drawn but prove nothing in the bound file.
    """
    writer = PdfWriter()
    for piece in pieces:
        if duplex and len(writer.pages) % 2:
            writer.add_blank_page()
        try:
            writer.append(
                io.BytesIO(_flat(piece.content)), outline_item=piece.title, import_outline=False
            )
        except (PyPdfError, pypdfium2.PdfiumError) as error:
            raise Invalid(f"“{piece.title}”的 PDF 已损坏，没有合并。") from error
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue(), len(writer.pages)


def pack_zip(pieces: Iterable[Piece]) -> bytes:
    """Return a ZIP of the files, no two under one name, none with a path in it."""
    taken: set[str] = set()
    with TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as package:
            for piece in pieces:
                name = _unique(piece.name, taken)
                taken.add(name.casefold())
                package.writestr(name, piece.content)
        file.seek(0)
        return file.read()


def _unique(name: str, taken: Container[str]) -> str:
    """Return a plain file name that is not taken; Windows does not tell A from a."""
    stem, _, ending = name.replace("/", " ").replace("\\", " ").rpartition(".")
    stem = stem[:STEM_LIMIT].strip(" .") or "文件"
    found, count = f"{stem}.{ending}", 1
    while found.casefold() in taken:
        count += 1
        found = f"{stem} ({count}).{ending}"
    return found


def _flat(pdf: bytes) -> bytes:
    """Return a PDF whose fields are drawn into its pages; untouched where there are none."""
    if b"/AcroForm" not in pdf and not PdfReader(io.BytesIO(pdf)).get_fields():
        return pdf
    with PDFIUM:
        document = pypdfium2.PdfDocument(pdf)
        try:
            document.init_forms()
            for page in document:
                page.flatten()
            out = io.BytesIO()
            document.save(out)
        finally:
            document.close()
    return out.getvalue()

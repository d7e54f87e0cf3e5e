"""Puts many files together: PDFs into one with bookmarks, files into a ZIP with safe names.

Bytes in, bytes out; knows no record and no database. Called by ``bundle``.
"""

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from tempfile import TemporaryFile

import pypdfium2
from pypdf import PdfReader, PdfWriter

from archive.core.errors import Invalid
from archive.core.file_names import safe_name, unique_name
from archive.core.pdfium import PDFIUM


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
        except Exception as error:
            raise Invalid(f"“{piece.title}”的 PDF 已损坏，没有合并。") from error
        writer.reset_translation()  # else every paper read so far stays in memory
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue(), len(writer.pages)


def pack_zip(pieces: Iterable[Piece]) -> bytes:
    """Return a ZIP of the files, no two under one name, none with a path in it."""
    taken: set[str] = set()
    with TemporaryFile() as file:
        with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as package:
            for piece in pieces:
                package.writestr(unique_name(safe_name(piece.name), taken), piece.content)
        file.seek(0)
        return file.read()


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

"""Word and PDF of a record: made, kept as rows beside their bytes, and read as plain text.

Bytes are made and stored by the edges before a transaction opens; here a row is written for
bytes that are already safe. What was kept is served byte for byte and never made again.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from urllib.parse import quote

from sqlalchemy import Row, Select, select

from archive.core.errors import Unavailable
from archive.core.previews import RECENT, WIDTHS, count_pages, page_png
from archive.documents.models import Document
from archive.documents.rules import file_name
from archive.records.service import RecordView
from doc_templates import Form, PrintContext, SealMark, SignatureMark, render_word
from doc_templates.errors import ConverterError
from doc_templates.pdf import Converter
from doc_templates.values import printed_text
from storage.blobs import BlobRef
from storage.files import StoredFile
from storage.work import UnitOfWork

__all__ = [
    "DocumentView",
    "count_pages",
    "document_name",
    "file_name",
    "keep_document",
    "latest_document",
    "list_documents",
    "make_draft_pdf",
    "make_draft_word",
    "make_pdf",
    "make_word",
    "newest_documents",
    "page_picture",
    "page_png",
    "plain_text",
    "verify_url",
]

WORD, PDF = "docx", "pdf"
WIDTH_STEP = 100
MEDIA_TYPES = {
    WORD: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    PDF: "application/pdf",
}


@dataclass(frozen=True)
class DocumentView:
    """One kept file of a record: of which signing round, after how many signatures."""

    id: int
    record_id: int
    kind: str
    round: int
    stage: int
    sha256: str
    size: int
    media_type: str
    pages: int
    created_at: datetime


def make_word(
    form: Form,
    record: RecordView,
    marks: Mapping[str, SignatureMark],
    settings_url: str,
    *,
    check_url: str = "",
    with_outside: bool = False,
    seal: SealMark | None = None,
    with_seal: bool = False,
    note: str = "",
) -> bytes:
    """Return the official Word file with its number and the signatures given so far.

    ``check_url``: the address behind the QR code, where the paper has one of its own;
    ``with_outside``: the other party signs it by a link; ``seal``: the company's, once it was put
    on; ``with_seal``: its place is kept; ``note`` is printed beside the version in the footer.
    Raises InvalidValues when an entry is missing or wrong.
    """
    context = PrintContext(
        number=record.number,
        version="\u3000".join(part for part in (f"{record.form_version}", note) if part),
        verify_url=check_url or verify_url(settings_url, record),
        signatures=marks,
        with_outside=with_outside,
        seal=seal,
        with_seal=with_seal,
    )
    return render_word(form, record.content, context)


def make_draft_word(form: Form, record: RecordView) -> bytes:
    """Return the Word file of a draft: what is filled in so far, without signature marks."""
    return render_word(form, record.content, PrintContext(number=record.number), draft=True)


def make_pdf(converter: Converter, docx: bytes) -> bytes:
    """Return the PDF of a Word file; raise Unavailable when the PDF service cannot make it."""
    try:
        return converter.to_pdf(docx)
    except ConverterError as error:
        reason = error.message.rstrip("。")
        raise Unavailable(f"PDF 暂时做不出来：{reason}。Word 照常可以下载。") from error


def make_draft_pdf(converter: Converter, docx: bytes) -> bytes:
    """Return the PDF of a draft's Word file; the same file is converted once and remembered."""
    key = f"pdf:{sha256(docx).hexdigest()}"
    return RECENT.get_or_make(key, lambda: make_pdf(converter, docx))


def page_picture(pdf: bytes, page: int, width_px: int) -> bytes:
    """Return a page of a PDF as PNG, remembered for the next who looks at it.

    The width is brought to the next step, so that nearly equal screens share one picture.
    """
    width_px = -(-min(max(width_px, WIDTHS[0]), WIDTHS[-1]) // WIDTH_STEP) * WIDTH_STEP
    key = f"png:{sha256(pdf).hexdigest()}:{page}:{width_px}"
    return RECENT.get_or_make(key, lambda: page_png(pdf, page, width_px))


def verify_url(public_url: str, record: RecordView) -> str:
    """Return the address printed as QR in the footer; empty while there is no number."""
    if not record.number:
        return ""
    return f"{public_url}/verify/{quote(record.number, safe='')}-{record.digest[:12]}"


def document_name(record: RecordView, suffix: str) -> str:
    """Return the name under which a record's file is downloaded."""
    return file_name(suffix, record.number or record.form_code, record.form_title, _who(record))


def keep_document(
    uow: UnitOfWork, record_id: int, kind: str, round: int, stage: int, ref: BlobRef, pages: int
) -> int:
    """Write the row of a file whose bytes are already kept; return its id."""
    row = Document(
        record_id=record_id,
        kind=kind,
        round=round,
        stage=stage,
        sha256=uow.keep(ref),
        pages=pages,
        created_at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()
    return row.id


def latest_document(uow: UnitOfWork, record_id: int, kind: str) -> DocumentView | None:
    """Return the newest kept file of a record and kind, or None."""
    row = uow.session.execute(
        _documents(record_id).where(Document.kind == kind).limit(1)
    ).one_or_none()
    return None if row is None else _view(row)


def newest_documents(
    uow: UnitOfWork, record_ids: Collection[int]
) -> dict[int, dict[str, DocumentView]]:
    """Return the newest kept file of each kind, by record and kind; one statement for all."""
    found: dict[int, dict[str, DocumentView]] = {record_id: {} for record_id in record_ids}
    query = (
        select(Document, StoredFile)
        .join(StoredFile, StoredFile.sha256 == Document.sha256)
        .where(Document.record_id.in_(record_ids))
        .order_by(Document.round, Document.stage, Document.id)
    )
    for row in uow.session.execute(query):
        view = _view(row)
        found[view.record_id][view.kind] = view
    return found


def list_documents(uow: UnitOfWork, record_id: int) -> tuple[DocumentView, ...]:
    """Return every kept file of a record, newest first."""
    return tuple(_view(row) for row in uow.session.execute(_documents(record_id)))


def plain_text(content: Mapping[str, object], form: Form) -> str:
    """Return every value as it prints, a line each with its label, for search."""
    return "\n".join(_text_lines(content, form))


def _text_lines(content: Mapping[str, object], form: Form) -> Iterator[str]:
    for entry in form.fields:
        value = content.get(entry.key)
        if entry.kind != "rows":
            text = printed_text(entry, value)
            if text:
                yield f"{entry.label}：{text}"
            continue
        for row in value if isinstance(value, list) else ():
            cells = (printed_text(column, row.get(column.key)) for column in entry.columns)
            line = "  ".join(cell for cell in cells if cell)
            if line:
                yield f"{entry.label}：{line}"


def _who(record: RecordView) -> str:
    """Return whom the paper is about, for its file name."""
    return record.customer_name[:30]


def _documents(record_id: int) -> Select[Document, StoredFile]:
    return (
        select(Document, StoredFile)
        .join(StoredFile, StoredFile.sha256 == Document.sha256)
        .where(Document.record_id == record_id)
        .order_by(Document.round.desc(), Document.stage.desc(), Document.id.desc())
    )


def _view(row: Row[Document, StoredFile]) -> DocumentView:
    document, stored = row
    return DocumentView(
        id=document.id,
        record_id=document.record_id,
        kind=document.kind,
        round=document.round,
        stage=document.stage,
        sha256=document.sha256,
        size=stored.size,
        media_type=stored.media_type,
        pages=document.pages,
        created_at=document.created_at,
    )

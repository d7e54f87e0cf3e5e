"""A record's Word or PDF as an answer: which bytes, under which name. For routes and api.

Bytes are read or made outside any open unit of work, because converting takes its time.
"""

from flask import Response

from archive.core.answers import named_answer
from archive.core.errors import NotFound
from archive.core.resources import Resources
from archive.documents.service import (
    MEDIA_TYPES,
    PDF,
    document_name,
    latest_document,
    make_draft_pdf,
    make_draft_word,
)
from archive.documents.withholding import require_free
from archive.forms.service import get_form
from archive.people.rights import Actor
from archive.records.service import RecordView, get_record


def download(
    parts: Resources, actor: Actor, record_id: int, kind: str, *, inline: bool = False
) -> Response:
    """Return the file as a download, or shown in the browser.

    Raises NotFound, Unavailable, and Conflict while the file is in quarantine.
    """
    record, content = find_bytes(parts, actor, record_id, kind)
    return named_answer(content, MEDIA_TYPES[kind], document_name(record, kind), inline=inline)


def find_bytes(
    parts: Resources, actor: Actor, record_id: int, kind: str
) -> tuple[RecordView, bytes]:
    """Return the record and its file: a draft's made afresh, any other's as it was kept."""
    with parts.reading() as uow:
        record = get_record(uow, actor, record_id)
        kept = None if record.is_editable else latest_document(uow, record_id, kind)
        if kept is not None:
            require_free(uow, record_id)
    if record.is_editable:
        return record, _draft_bytes(parts, record, kind)
    if kept is None:
        raise NotFound("这份文件还没有生成；请稍后再试，一直没有时请告诉系统管理员。")
    return record, parts.blobs.read(kept.sha256)


def _draft_bytes(parts: Resources, record: RecordView, kind: str) -> bytes:
    with parts.reading() as uow:
        form = get_form(uow, record.form_code, record.form_version)
    docx = make_draft_word(form, record)
    return make_draft_pdf(parts.converter, docx) if kind == PDF else docx

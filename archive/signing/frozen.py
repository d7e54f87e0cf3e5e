"""The two files of a frozen paper, made whole: Word signed for the company, PDF carrying both.

The PDF holds the Word file and the data, so that one file is the whole record. Bytes only;
called by ``freeze``.
"""

import json

from archive.core.resources import Resources
from archive.records.views import RecordView
from archive.signing.codes import code_for, find_code
from archive.signing.keys import company_key
from archive.signing.opc import sign_word
from archive.signing.pades import DATA, SOURCE, Attachment, attach
from doc_templates import Form

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
DATA_NAME, WORD_NAME = "data.json", "document.docx"


def verify_url(resources: Resources, record_id: int, round: int) -> str:
    """Return the address behind the QR code in the footer of a record's paper."""
    with resources.reading() as uow:
        code = find_code(uow, record_id, round)
    if code is None:  # a paper of before there were codes
        with resources.work() as uow:
            code = code_for(uow, record_id, round)
            uow.commit()
    return f"{resources.settings.public_url}/verify/{code}"


def seal_word(resources: Resources, word: bytes, form: Form, record: RecordView) -> bytes:
    """Return the Word file signed for the company over all its parts."""
    comment = f"{form.title} {record.number or ''}".strip()
    return sign_word(word, company_key(resources), comment, resources.clock())


def with_record(
    resources: Resources, pdf: bytes, word: bytes, form: Form, record: RecordView
) -> bytes:
    """Return the PDF with the data and the Word file in it: one file is the whole record."""
    files = (
        Attachment(DATA_NAME, "application/json", data_of(form, record), DATA, "表单数据"),
        Attachment(WORD_NAME, WORD, word, SOURCE, "Word 文件"),
    )
    return attach(pdf, files, resources.clock())


def data_of(form: Form, record: RecordView) -> bytes:
    """Return the record's data as canonical JSON."""
    content = {
        "form": form.code,
        "version": form.version,
        "title": form.title,
        "number": record.number or "",
        "digest": record.digest,
        "values": record.content,
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True, indent=1).encode()

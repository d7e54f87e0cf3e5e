"""The files of a signed record as the archive takes them: master, Word, and what stands beside.

Asked by 鉴别 and by the hand-over lists, so that both speak of the same files.
"""

from dataclasses import dataclass

from archive.documents import service as documents
from archive.documents.rules import SUFFIXES
from archive.documents.service import DocumentView
from archive.records.service import RecordView
from storage.work import UnitOfWork

MASTER = "master"
ROLES = {
    "pdf": MASTER,
    "docx": "word",
    "scan": "scan",
    "evidence": "evidence",
    "stamped": "stamped",
}
BESIDE = {"scan": "对方签好的扫描件", "evidence": "对方签字存证单", "stamped": "盖章后的扫描件"}


@dataclass(frozen=True)
class RecordFile:
    """One file of a signed record: its role in the archive, its name, and the kept document."""

    role: str
    name: str
    document: DocumentView


def files_of_record(uow: UnitOfWork, record: RecordView) -> tuple[RecordFile, ...]:
    """Return the newest file of each kind, the signed PDF first; without one nothing is whole."""
    found = []
    for kind, role in ROLES.items():
        latest = documents.latest_document(uow, record.id, kind)
        if latest is not None:
            found.append(RecordFile(role, _name(record, kind, latest), latest))
    return tuple(found)


def _name(record: RecordView, kind: str, latest: DocumentView) -> str:
    if kind in BESIDE:
        return f"{BESIDE[kind]}.{SUFFIXES.get(latest.media_type, 'pdf')}"
    return documents.document_name(record, kind)

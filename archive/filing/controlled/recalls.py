"""Holders of copies no longer valid are told, once each: in the app, and by mail in the worker.

A copy is recalled as soon as its version is replaced: when a newer one is declared, or on the
morning one becomes valid (``do_recall_chores``). Whoever left is answered for by the head.
"""

from sqlalchemy import select

from archive.core.clock import local_day
from archive.core.resources import Resources
from archive.filing.controlled.models import (
    ControlledCopy,
    ControlledDocument,
    ControlledNotice,
    ControlledVersion,
)
from archive.filing.controlled.rules import state_of
from archive.people.models import User
from archive.people.service import find_actor, head_of
from storage.work import UnitOfWork

MAIL = "controlled_mail"


def do_recall_chores(resources: Resources) -> int:
    """Recall what became invalid by itself; return how many copies."""
    with resources.work() as uow:
        count = recall_due(uow)
        uow.commit()
    return count


def recall_due(uow: UnitOfWork) -> int:
    """Recall every copy that is out though its version is past; return how many now."""
    waiting = select(ControlledCopy.document_id).where(
        ControlledCopy.ended_at.is_(None), ControlledCopy.recalled_at.is_(None)
    )
    ids = list(uow.session.scalars(waiting.distinct()))
    return sum(recall_document(uow, document_id) for document_id in ids)


def recall_document(uow: UnitOfWork, document_id: int) -> int:
    """Recall the copies of a document's past versions; return how many now."""
    versions = list(
        uow.session.scalars(
            select(ControlledVersion).where(ControlledVersion.document_id == document_id)
        )
    )
    today = local_day(uow.now())
    past = [one.id for one in versions if state_of(one, versions, today) == "past"]
    copies = uow.session.scalars(
        select(ControlledCopy).where(
            ControlledCopy.version_id.in_(past),
            ControlledCopy.ended_at.is_(None),
            ControlledCopy.recalled_at.is_(None),
        )
    ).all()
    document = uow.session.get_one(ControlledDocument, document_id)
    labels = {one.id: one.label for one in versions}
    valid = next((one.label for one in versions if state_of(one, versions, today) == "valid"), "")
    for copy in copies:
        copy.recalled_at = uow.now()
        uow.session.flush()
        uow.journal(
            None, "controlled.recall", "controlled_copy", copy.id, {"document": document_id}
        )
        _tell(uow, document, copy, labels[copy.version_id], valid)
    return len(copies)


def _tell(
    uow: UnitOfWork,
    document: ControlledDocument,
    copy: ControlledCopy,
    label: str,
    valid: str,
) -> None:
    holder = find_actor(uow, copy.person_id) or head_of(uow, copy.department_id)
    if holder is None:
        return
    why = f"已由 {valid} 替代" if valid else "已作废"
    row = ControlledNotice(
        key=f"recall:{copy.id}",
        user_id=holder.id,
        copy_id=copy.id,
        text=(
            f"受控文件 {document.number} 的 {label} {why}，"
            f"请把受控号 {copy.number:03d} 的旧版交回档案室。"
        ),
        created_at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()
    if uow.session.scalar(select(User.email).where(User.id == holder.id)):
        uow.outbox(MAIL, f"notice:{row.id}")

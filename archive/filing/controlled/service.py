"""Controlled copies: a paper declared controlled, copies issued, received, recalled, ended.

Rows only; bytes are made by ``edge`` beforehand. Source: archive.md 1.10, forms.md D21. Nothing
is issued from a version that is not valid today, and no number is given twice.
"""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select

from archive.core.clock import local_day
from archive.core.errors import Conflict, Invalid, NotFound
from archive.core.numbering import take_number
from archive.filing.controlled.lists import (
    copies_where,
    get_copy,
    get_document,
    list_documents,
    my_copies,
    old_copies,
)
from archive.filing.controlled.models import (
    ControlledCopy,
    ControlledDocument,
    ControlledRefusal,
    ControlledVersion,
    Ending,
)
from archive.filing.controlled.recalls import recall_document, recall_due
from archive.filing.controlled.rules import (
    LABEL_LIMIT,
    LAST_COPY,
    NUMBER_LIMIT,
    TITLE_LIMIT,
    clean_line,
    clean_note,
    state_of,
)
from archive.filing.controlled.views import CopyView, DocumentView
from archive.filing.items import load_item, thing_of_item
from archive.filing.models import ItemState
from archive.filing.views import FileView, ItemView
from archive.people.models import Department
from archive.people.rights import SECRECY, Actor, require
from archive.people.service import find_actor
from storage.blobs import BlobRef
from storage.work import UnitOfWork

__all__ = [
    "Declared",
    "Issue",
    "NumberTaken",
    "declare",
    "end_copy",
    "get_copy",
    "get_document",
    "list_documents",
    "my_copies",
    "note_paper_receipt",
    "old_copies",
    "plan_declaration",
    "plan_issue",
    "recall_due",
    "receive",
    "record_issue",
    "refusals_of",
    "refuse",
    "withdraw",
]
LARGEST_ID = 2**63 - 1
HOWS = ("password", "paper")


class NumberTaken(Conflict):
    """Somebody else took the copy's number meanwhile; the edge takes the next."""


@dataclass(frozen=True)
class Declared:
    """What is said of a paper declared controlled; ``document_id`` 0 makes a new document."""

    document_id: int
    number: str
    title: str
    label: str
    valid_from: date
    is_legible: bool
    note: str = ""


@dataclass(frozen=True)
class Issue:
    """A copy about to be made: the version and its bytes, the number next, and for whom.

    ``seen`` is the last number its maker knew of, where they said so.
    """

    version_id: int
    document_id: int
    label: str
    source_sha256: str
    number: int
    department_id: int
    department_name: str
    person_id: int
    seen: int | None


def plan_declaration(uow: UnitOfWork, actor: Actor, item_id: int) -> tuple[ItemView, FileView]:
    """Return a filed paper and its PDF, to be looked at before it is declared; raise Conflict."""
    require(actor, "controlled.manage")
    require(actor, "item.read", thing_of_item(uow, item_id))
    item = load_item(uow, item_id)
    if item.state != ItemState.SHELVED:
        raise Conflict("还没有归档上架的文件不能作为受控文件，请先归档。")
    pdf = next((one for one in item.files if one.media_type == "application/pdf"), None)
    if pdf is None:
        raise Conflict("这件档案没有 PDF，做不出受控副本；请先补上 PDF 扫描件。")
    return item, pdf


def declare(
    uow: UnitOfWork, actor: Actor, item_id: int, said: Declared, source_sha256: str
) -> DocumentView:
    """Declare a filed paper a version of a controlled document; old holders are recalled.

    A paper not made here (a supplier's, for one) must be said to be legible: archive.md 1.10.
    """
    item, pdf = plan_declaration(uow, actor, item_id)
    if pdf.sha256 != source_sha256:
        raise Conflict("这件档案的文件刚有变化，请刷新页面再办。")
    if item.record_id is None and not said.is_legible:
        raise Invalid(
            "外来文件（如供应商的资料）要看得清才能受控：请逐页看过，勾选“字迹清楚”；"
            "看不清的请写明原因拒收。",
            {"legible": "请确认字迹清楚"},
        )
    label = clean_line(said.label, "label", "版本", LABEL_LIMIT)
    note = clean_note(said.note)
    known = select(ControlledVersion.id).where(ControlledVersion.item_id == item_id)
    if uow.session.scalar(known) is not None:
        raise Conflict("这件档案已经是受控文件的一个版本。")
    document = _document(uow, actor, said)
    _refuse_same(uow, document, label, said.valid_from)
    row = ControlledVersion(
        document_id=document.id,
        item_id=item_id,
        label=label,
        valid_from=said.valid_from,
        source_sha256=source_sha256,
        declared_by=actor.id,
        declared_at=uow.now(),
        note=note,
    )
    uow.session.add(row)
    uow.session.flush()
    told = {"item": item_id, "version": row.id, "sha256": source_sha256}
    uow.journal(actor.id, "controlled.declare", "controlled", document.id, told)
    recall_document(uow, document.id)
    return get_document(uow, actor, document.id)


def refuse(uow: UnitOfWork, actor: Actor, item_id: int, reason: str) -> None:
    """Refuse a paper as controlled (not legible, say), with the reason; it stays on record."""
    require(actor, "controlled.manage")
    require(actor, "item.read", thing_of_item(uow, item_id))
    why = clean_note(reason, required="请写明拒收原因，例如哪几页看不清")
    same = select(ControlledRefusal.id).where(
        ControlledRefusal.item_id == item_id, ControlledRefusal.reason == why
    )
    if uow.session.scalar(same.limit(1)) is not None:
        raise Conflict("这份文件已经因同样的原因拒收过，不用再登记。")
    row = ControlledRefusal(item_id=item_id, by_id=actor.id, at=uow.now(), reason=why)
    uow.session.add(row)
    uow.session.flush()
    uow.journal(actor.id, "controlled.refuse", "item", item_id, {"refusal": row.id})


def refusals_of(uow: UnitOfWork, actor: Actor, item_id: int) -> tuple[str, ...]:
    """Return why a paper was refused as controlled before, oldest first."""
    require(actor, "item.read", thing_of_item(uow, item_id))
    query = select(ControlledRefusal).where(ControlledRefusal.item_id == item_id)
    rows = uow.session.scalars(query.order_by(ControlledRefusal.id))
    return tuple(f"{local_day(row.at).isoformat()}：{row.reason}" for row in rows)


def withdraw(uow: UnitOfWork, actor: Actor, document_id: int, version_id: int, note: str) -> None:
    """Put a version out of use without a newer one (作废); its holders are recalled."""
    require(actor, "controlled.manage")
    get_document(uow, actor, document_id)
    row = uow.session.get(ControlledVersion, min(version_id, LARGEST_ID))
    if row is None or row.document_id != document_id:
        raise NotFound("没有这个版本。")
    if row.withdrawn_at is not None:
        raise Conflict(f"{row.label} 已经作废。")
    why = clean_note(note, required="请写明作废原因")
    row.withdrawn_at = uow.now()
    row.note = "；".join(part for part in (row.note, f"作废：{why}") if part)
    uow.session.flush()
    uow.journal(actor.id, "controlled.withdraw", "controlled", document_id, {"version": row.id})
    recall_document(uow, document_id)


def plan_issue(
    uow: UnitOfWork,
    actor: Actor,
    document_id: int,
    department_id: int,
    person_id: int,
    seen: int | None = None,
) -> Issue:
    """Return what a copy of the valid version is made of; raise Conflict where none is valid.

    With ``seen`` also where the same person was given one under a number after it.
    """
    require(actor, "controlled.manage")
    document = get_document(uow, actor, document_id)
    valid = document.valid
    if valid is None:
        raise Conflict(f"{document.number} 现在没有有效版本，不能发放。")
    if not valid.may_read_item:
        raise NotFound("没有这份受控文件，或者您无权查看。")
    unit = uow.session.get(Department, department_id) if department_id > 0 else None
    person = find_actor(uow, person_id) if 0 < person_id <= LARGEST_ID else None
    if unit is None:
        raise Invalid("没有这个部门。", {"department": "请从列表中选"})
    if person is None:
        raise Invalid("没有这位职员，或者已经离职。", {"person": "请从列表中选"})
    secrecy = load_item(uow, valid.item_id).secrecy
    if person.clearance < secrecy:
        raise Invalid(
            f"{person.name}的涉密权限不到“{SECRECY[secrecy]}”，不能领用这份文件。",
            {"person": "涉密权限不够"},
        )
    row = uow.session.get_one(ControlledVersion, valid.id)
    if row.source_sha256 is None:
        raise Conflict("这一版的档案已经销毁，不能再发放。")
    _check_not_issued(uow, valid.id, unit.id, person, seen)
    last = select(func.max(ControlledCopy.number)).where(ControlledCopy.document_id == document_id)
    return Issue(
        valid.id,
        document_id,
        valid.label,
        row.source_sha256,
        (uow.session.scalar(last) or 0) + 1,
        unit.id,
        unit.name,
        person.id,
        seen,
    )


def record_issue(uow: UnitOfWork, actor: Actor, issue: Issue, ref: BlobRef, pages: int) -> CopyView:
    """Write the copy whose stamped bytes are kept; raise NumberTaken when somebody was first."""
    told = (issue.document_id, issue.department_id, issue.person_id, issue.seen)
    again = plan_issue(uow, actor, *told)
    if again.version_id != issue.version_id:
        raise Conflict("有效版本刚有变化，请刷新页面再发放。")
    number = take_number(uow, f"controlled:{issue.document_id}", LAST_COPY)
    if number != issue.number:
        raise NumberTaken(f"受控号 {issue.number:03d} 刚被用掉，请再发一次。")
    row = ControlledCopy(
        document_id=issue.document_id,
        version_id=issue.version_id,
        number=number,
        department_id=issue.department_id,
        person_id=issue.person_id,
        issued_by=actor.id,
        issued_at=uow.now(),
        sha256=uow.keep(ref),
        pages=pages,
    )
    uow.session.add(row)
    uow.session.flush()
    detail = {"document": issue.document_id, "version": issue.version_id, "sha256": row.sha256}
    uow.journal(actor.id, "controlled.issue", "controlled_copy", row.id, detail)
    return get_copy(uow, actor, row.id)


def receive(uow: UnitOfWork, actor: Actor, copy_id: int) -> CopyView:
    """Note that its holder received a copy; the edge has asked for the password."""
    row = _row(uow, actor, copy_id)
    if row.person_id != actor.id:
        raise Conflict("只有领用人本人可以签收；纸上签了字的请档案员登记。")
    return _received(uow, actor, row, "password")


def note_paper_receipt(uow: UnitOfWork, actor: Actor, copy_id: int, note: str) -> CopyView:
    """Note that the holder signed for a copy on paper."""
    require(actor, "controlled.manage")
    row = _row(uow, actor, copy_id)
    why = clean_note(note, required="请写明签字的纸在哪里，例如“发收记录表第3行”")
    row.note = "；".join(part for part in (row.note, why) if part)
    return _received(uow, actor, row, "paper")


def end_copy(uow: UnitOfWork, actor: Actor, copy_id: int, how: str, note: str) -> CopyView:
    """Note that a copy came back, was destroyed, or is lost; the last two with a reason."""
    require(actor, "controlled.manage")
    row = _row(uow, actor, copy_id)
    if how not in set(Ending):
        raise Invalid("请选择收回、销毁还是报失。", {"how": "请从列表中选"})
    needed = "" if how == Ending.RETURNED else "请写明经过，例如谁监销、怎样遗失"
    why = clean_note(note, required=needed)
    if row.ended_at is not None:
        raise Conflict(f"受控号 {row.number:03d} {Ending(row.ended_how).label}，没有改动。")
    row.ended_at, row.ended_how, row.ended_by = uow.now(), Ending(how), actor.id
    row.note = "；".join(part for part in (row.note, why) if part)
    uow.session.flush()
    uow.journal(actor.id, f"controlled.{how}", "controlled_copy", row.id, {"how": how})
    return get_copy(uow, actor, copy_id)


def _check_not_issued(
    uow: UnitOfWork, version_id: int, department_id: int, person: Actor, seen: int | None
) -> None:
    """Refuse to issue twice what one page asked for once, as after an answer that never came."""
    if seen is None:
        return
    query = select(ControlledCopy.number).where(
        ControlledCopy.version_id == version_id,
        ControlledCopy.department_id == department_id,
        ControlledCopy.person_id == person.id,
        ControlledCopy.number > seen,
    )
    number = uow.session.scalar(query.limit(1))
    if number is not None:
        raise Conflict(
            f"受控号 {number:03d} 刚刚已经发放给{person.name}；要再发一份，请看过现在的登记再发。"
        )


def _received(uow: UnitOfWork, actor: Actor, row: ControlledCopy, how: str) -> CopyView:
    if row.received_at is not None:
        raise Conflict(f"受控号 {row.number:03d} 已经签收过。")
    if row.ended_at is not None:
        raise Conflict(f"受控号 {row.number:03d} {Ending(row.ended_how).label}，不能再签收。")
    row.received_at, row.received_how, row.received_by = uow.now(), how, actor.id
    uow.session.flush()
    told = {"how": how, "sha256": row.sha256}
    uow.journal(actor.id, "controlled.receive", "controlled_copy", row.id, told)
    (view,) = copies_where(uow, ControlledCopy.id == row.id)
    return view


def _row(uow: UnitOfWork, actor: Actor, copy_id: int) -> ControlledCopy:
    return uow.session.get_one(ControlledCopy, get_copy(uow, actor, copy_id).id)


def _document(uow: UnitOfWork, actor: Actor, said: Declared) -> ControlledDocument:
    if said.document_id:
        found = get_document(uow, actor, said.document_id)
        return uow.session.get_one(ControlledDocument, found.id)
    number = clean_line(said.number, "number", "文件编号", NUMBER_LIMIT)
    title = clean_line(said.title, "title", "文件名称", TITLE_LIMIT)
    same = select(ControlledDocument.id).where(ControlledDocument.number == number)
    if uow.session.scalar(same) is not None:
        raise Conflict(
            f"文件编号 {number} 已经有了；要发新版本，请在“已有的受控文件”里选它。",
            {"number": "已经有了"},
        )
    row = ControlledDocument(number=number, title=title, made_by=actor.id, made_at=uow.now())
    uow.session.add(row)
    uow.session.flush()
    return row


def _refuse_same(
    uow: UnitOfWork, document: ControlledDocument, label: str, valid_from: date
) -> None:
    query = select(ControlledVersion).where(ControlledVersion.document_id == document.id)
    rows = list(uow.session.scalars(query))
    if any(row.label == label for row in rows):
        raise Conflict(f"{document.number} 已经有版本 {label}。", {"label": "已经有了"})
    today = local_day(uow.now())
    if any(row.valid_from == valid_from for row in rows):
        raise Conflict("同一天不能有两个版本生效。", {"valid_from": "与另一版本相同"})
    valid = next((row for row in rows if state_of(row, rows, today) == "valid"), None)
    if valid is not None and valid_from < valid.valid_from:
        raise Conflict(
            f"生效日期不能早于现在有效的 {valid.label}（{valid.valid_from.isoformat()}）。",
            {"valid_from": "早于现行版本"},
        )

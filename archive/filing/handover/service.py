"""Hand-over lists: made from finished papers, handed over, received, or given back.

The passwords and the re-reading of bytes are the edge's business (``edge``); here everything is
decided and written in one transaction. Source: archive.md 1.6, 4, 5; DA/T 70 (count and bytes
equal the hand-over list).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from archive.core.clock import local_day
from archive.core.errors import ArchiveError, Conflict, Forbidden, Invalid, NotFound
from archive.core.numbering import take_number
from archive.documents import service as documents
from archive.documents.service import DocumentView
from archive.filing.handover.claims import claims_of
from archive.filing.handover.lists import (
    LARGEST_ID,
    get_list,
    get_row,
    lines_of,
    list_lists,
    listed,
    view_of,
)
from archive.filing.handover.models import HandoverLine, HandoverList, HandoverReturn, ListState
from archive.filing.handover.owed import Owing, finished_papers, owed_papers, owing_by_department
from archive.filing.handover.rules import (
    MOST_LINES,
    Bytes,
    Listed,
    ListedFile,
    Present,
    counting_faults,
    differences,
    list_digest,
    named,
    read_month,
)
from archive.filing.handover.views import ListView
from archive.filing.items import find_item_of_record
from archive.filing.models import Item
from archive.filing.record_files import MASTER, ROLES, files_of_record
from archive.filing.rules import check_note, check_reason
from archive.people import service as people
from archive.people.rights import Actor, Thing, require
from archive.records import service as records
from archive.records.models import Record, RecordState
from storage.work import UnitOfWork

__all__ = [
    "Owing",
    "Planned",
    "add_papers",
    "discard_list",
    "drop_paper",
    "finished_papers",
    "get_list",
    "give_back",
    "list_lists",
    "make_list",
    "owed_papers",
    "owing_by_department",
    "plan_handing",
    "plan_receipt",
    "record_handing",
    "record_receipt",
    "refresh_list",
    "take_back",
]


@dataclass(frozen=True)
class Planned:
    """What has to be read again before a list is signed: the digests of all its files."""

    digests: tuple[str, ...]


def make_list(
    uow: UnitOfWork,
    actor: Actor,
    department_id: int,
    month: str,
    record_ids: Sequence[int],
    note: str = "",
) -> ListView:
    """Put finished papers of a department on a new list; raise Invalid, Conflict, NotFound."""
    require(actor, "handover.make", Thing(kind="handover", department_id=department_id))
    if department_id not in {unit.id for unit in people.departments(uow)}:
        raise Invalid("没有这个部门。", {"department_id": "请从列表中选"})
    row = HandoverList(
        department_id=department_id,
        month=read_month(month),
        state=ListState.DRAFT,
        note=check_note(note),
        made_by=actor.id,
        made_at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()
    if not record_ids:
        raise Invalid("请先勾选要移交的文件。", {"record": "没有勾选"})
    _put(uow, actor, row, record_ids)
    uow.journal(actor.id, "handover.make", "handover", row.id, {"papers": len(set(record_ids))})
    return view_of(uow, actor, row)


def add_papers(uow: UnitOfWork, actor: Actor, list_id: int, record_ids: Sequence[int]) -> ListView:
    """Put more papers on a list that is still being made."""
    row = _begin(uow, actor, list_id, "handover.make", ListState.DRAFT)
    _put(uow, actor, row, record_ids)
    return view_of(uow, actor, row)


def drop_paper(uow: UnitOfWork, actor: Actor, list_id: int, record_id: int) -> ListView:
    """Take a paper off a list that is still being made; silent when it is not on it."""
    row = _begin(uow, actor, list_id, "handover.make", ListState.DRAFT)
    lines, _ = lines_of(uow, actor, list_id)
    if record_id in {line.record_id for line in lines}:
        _delete(uow, list_id, [record_id])
    return view_of(uow, actor, row)


def refresh_list(uow: UnitOfWork, actor: Actor, list_id: int) -> tuple[ListView, tuple[str, ...]]:
    """Describe every paper of a list anew; what can no longer be handed over is taken off."""
    row = _begin(uow, actor, list_id, "handover.make", ListState.DRAFT)
    lines, _ = lines_of(uow, actor, list_id)
    dropped = []
    for line, paper in zip(lines, listed(lines), strict=True):
        _delete(uow, list_id, [line.record_id])
        try:
            _put(uow, actor, row, [line.record_id])
        except ArchiveError as refusal:
            dropped.append(f"{paper.called}已去掉：{refusal.message}")
    return view_of(uow, actor, row), tuple(dropped)


def discard_list(uow: UnitOfWork, actor: Actor, list_id: int) -> None:
    """Give a list up that is still being made; its papers are free for another."""
    row = _begin(uow, actor, list_id, "handover.make", ListState.DRAFT)
    row.state = ListState.DISCARDED
    uow.session.execute(
        update(HandoverLine).where(HandoverLine.list_id == list_id).values(claim=None)
    )
    uow.session.flush()
    uow.journal(actor.id, "handover.discard", "handover", row.id, {})


def plan_handing(uow: UnitOfWork, actor: Actor, list_id: int) -> Planned:
    """Return what the edge must read before the filer signs; raise what would stop it anyway."""
    _begin(uow, actor, list_id, "handover.make", ListState.DRAFT)
    return _planned(uow, actor, list_id)


def plan_receipt(uow: UnitOfWork, actor: Actor, list_id: int) -> Planned:
    """Return what the edge must read before the archivist signs."""
    row = _begin(uow, actor, list_id, "handover.receive", ListState.HANDED)
    _refuse_own(actor, row)
    return _planned(uow, actor, list_id)


def record_handing(
    uow: UnitOfWork, actor: Actor, list_id: int, digest: str, found: Bytes
) -> ListView:
    """Hand a list over, signed by the filer; raise Conflict naming every paper that differs.

    ``digest`` is that of the list the filer was shown; ``found`` what the files' bytes are now.
    """
    row = _begin(uow, actor, list_id, "handover.make", ListState.DRAFT)
    lines = _whole(uow, actor, list_id)
    if not lines:
        raise Conflict("清单上还没有文件，不能移交。")
    if digest != list_digest(row.department_id, row.month, lines):
        raise Conflict("清单刚被改过，没有移交；请刷新页面，核对后再办。")
    _require_same(uow, lines, found, "没有移交", "请点“重新核对”后再移交")
    row.number = row.number or _next_number(uow, row)
    row.state, row.digest = ListState.HANDED, digest
    row.handed_by, row.handed_at = actor.id, uow.now()
    uow.session.flush()
    uow.journal(actor.id, "handover.hand", "handover", row.id, _told(row, lines))
    return view_of(uow, actor, row)


def record_receipt(
    uow: UnitOfWork,
    actor: Actor,
    list_id: int,
    digest: str,
    counted: Mapping[int, int],
    found: Bytes,
) -> ListView:
    """Receive a list, signed by the archivist; raise Conflict naming every paper that differs.

    ``counted`` holds the pages counted, by record. Only then may its papers be taken in (鉴别).
    """
    row = _begin(uow, actor, list_id, "handover.receive", ListState.HANDED)
    _refuse_own(actor, row)
    lines = _whole(uow, actor, list_id)
    if digest != row.digest or list_digest(row.department_id, row.month, lines) != row.digest:
        raise Conflict("清单内容与移交人签字时不同，没有接收；请退回移交部门重新核对。")
    faults = counting_faults(lines, counted)
    if faults:
        raise Conflict(f"清点不符，没有接收：{named(faults)}。查清后再接收，或写明原因退回。")
    _require_same(uow, lines, found, "没有接收", "请写明原因退回移交部门")
    row.state = ListState.RECEIVED
    row.received_by, row.received_at = actor.id, uow.now()
    uow.session.flush()
    uow.journal(actor.id, "handover.receive", "handover", row.id, _told(row, lines))
    return view_of(uow, actor, row)


def give_back(uow: UnitOfWork, actor: Actor, list_id: int, reason: str) -> None:
    """Refuse a list that was handed over, with the reason: its department mends it (退回)."""
    row = _begin(uow, actor, list_id, "handover.receive", ListState.HANDED)
    _reopen(uow, actor, row, check_reason(reason), "handover.return")


def take_back(uow: UnitOfWork, actor: Actor, list_id: int, reason: str) -> None:
    """Take a list back that the archive has not received yet, with the reason (撤回)."""
    row = _begin(uow, actor, list_id, "handover.make", ListState.HANDED)
    _reopen(uow, actor, row, check_reason(reason, "撤回原因"), "handover.withdraw")


def _begin(uow: UnitOfWork, actor: Actor, list_id: int, act: str, state: ListState) -> HandoverList:
    row = get_row(uow, actor, list_id, act)
    uow.session.refresh(row, with_for_update=True)
    if row.state != state:
        raise Conflict(
            f"这份移交清单现在是“{ListState(row.state).label}”，不能这样办；请刷新页面。"
        )
    return row


def _refuse_own(actor: Actor, row: HandoverList) -> None:
    if row.handed_by == actor.id:
        raise Forbidden("移交和接收要由两个人签：您移交的清单，请另一位档案员接收。")


def _put(uow: UnitOfWork, actor: Actor, row: HandoverList, record_ids: Sequence[int]) -> None:
    wanted = list(dict.fromkeys(record_ids))
    there = uow.session.scalars(
        select(HandoverLine.record_id).where(HandoverLine.list_id == row.id)
    ).all()
    if len(wanted) + len(there) > MOST_LINES:
        raise Invalid(f"一份清单最多 {MOST_LINES} 件，请分成几份移交。", {"record": "太多"})
    if any(not 0 < record_id <= LARGEST_ID for record_id in wanted):
        raise NotFound("没有这份文件，或者您无权查看。")
    claims = claims_of(uow, wanted)
    for record_id in wanted:
        if record_id in claims:
            other = claims[record_id].number or "整理中的另一份"
            raise Conflict(f"有的文件已在移交清单（{other}）上，没有加入；请刷新页面再选。")
        uow.session.add(_line(uow, actor, row, record_id))
    try:
        uow.session.flush()
    except IntegrityError as doubled:
        raise Conflict("有的文件刚被列入另一份清单，没有加入；请刷新页面再选。") from doubled


def _line(uow: UnitOfWork, actor: Actor, row: HandoverList, record_id: int) -> HandoverLine:
    record = records.get_record(uow, actor, record_id)
    if record.department_id != row.department_id:
        raise Invalid(f"《{record.title}》是{record.department_name}的文件，不能由本部门移交。")
    why_not = _why_not(record.state, find_item_of_record(uow, record_id))
    if why_not:
        raise Conflict(f"《{record.title}》{why_not}，没有加入清单。")
    files = files_of_record(uow, record)
    if not files or files[0].role != MASTER:
        raise Conflict(f"《{record.title}》还没有签核后的 PDF，请等 PDF 生成后再加入清单。")
    return HandoverLine(
        list_id=row.id,
        record_id=record_id,
        claim=record_id,
        number=record.number,
        title=record.title,
        author_name=record.author_name,
        secrecy=record.secrecy,
        signed_on=local_day(record.signed_at or record.updated_at),
        pages=files[0].document.pages,
        files=[
            [one.role, one.name, kept.sha256, kept.size, kept.round, kept.stage]
            for one in files
            for kept in [one.document]
        ],
    )


def _present(uow: UnitOfWork, record_ids: Sequence[int]) -> dict[int, Present]:
    """Return the records' files as they are now, and why one cannot be handed over."""
    states = uow.session.execute(
        select(Record.id, Record.state, Item.id.label("item_id"))
        .outerjoin(Item, Item.record_id == Record.id)
        .where(Record.id.in_(record_ids))
    ).all()
    newest = documents.newest_documents(uow, record_ids)
    return {
        row.id: Present(_files(newest[row.id]), _why_not(row.state, row.item_id)) for row in states
    }


def _files(newest: Mapping[str, DocumentView]) -> tuple[ListedFile, ...]:
    return tuple(
        ListedFile(role, "", kept.sha256, kept.size, kept.round, kept.stage)
        for kind, role in ROLES.items()
        if (kept := newest.get(kind)) is not None
    )


def _why_not(state: str, item_id: int | None) -> str:
    if item_id is not None:
        return "已由档案员收进"
    return "" if state == RecordState.SIGNED else f"现在是“{RecordState(state).label}”"


def _delete(uow: UnitOfWork, list_id: int, record_ids: Sequence[int]) -> None:
    uow.session.execute(
        delete(HandoverLine).where(
            HandoverLine.list_id == list_id, HandoverLine.record_id.in_(record_ids)
        )
    )


def _whole(uow: UnitOfWork, actor: Actor, list_id: int) -> tuple[Listed, ...]:
    """Return every line; raise Forbidden when some may not be read."""
    lines, is_whole = lines_of(uow, actor, list_id)
    if not is_whole:
        raise Forbidden("清单里有超出您涉密权限的文件，请交给权限足够的人办理整份清单。")
    return listed(lines)


def _planned(uow: UnitOfWork, actor: Actor, list_id: int) -> Planned:
    lines = _whole(uow, actor, list_id)
    return Planned(tuple(sorted({file.sha256 for line in lines for file in line.files})))


def _require_same(
    uow: UnitOfWork, lines: Sequence[Listed], found: Bytes, outcome: str, advice: str
) -> None:
    if not {file.sha256 for line in lines for file in line.files} <= set(found):
        raise Conflict(f"清单刚被改过，{outcome}；请刷新页面，核对后再办。")
    present = _present(uow, [line.record_id for line in lines])
    faults = differences(lines, present, found)
    if faults:
        raise Conflict(f"清单与文件不符，{outcome}：{named(faults)}。{advice}。")


def _reopen(uow: UnitOfWork, actor: Actor, row: HandoverList, reason: str, action: str) -> None:
    uow.session.add(
        HandoverReturn(
            list_id=row.id, by_id=actor.id, at=uow.now(), digest=row.digest, reason=reason
        )
    )
    told = {"number": row.number, "digest": row.digest}
    row.state, row.digest = ListState.DRAFT, ""
    row.handed_by = row.handed_at = None
    uow.session.flush()
    uow.journal(actor.id, action, "handover", row.id, told)


def _next_number(uow: UnitOfWork, row: HandoverList) -> str:
    code = next(one.code for one in people.departments(uow) if one.id == row.department_id)
    series = f"handover:{code}:{row.month:%Y%m}"
    return f"YJ-{row.month:%Y%m}-{code}-{take_number(uow, series):02d}"


def _told(row: HandoverList, lines: Sequence[Listed]) -> dict[str, object]:
    """Return what the journal says of a signature: ids, counts and digests."""
    return {
        "number": row.number,
        "papers": len(lines),
        "pages": sum(line.pages for line in lines),
        "files": sum(len(line.files) for line in lines),
        "bytes": sum(file.size for line in lines for file in line.files),
        "digest": row.digest,
    }

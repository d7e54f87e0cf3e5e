"""Pages that leave the archive on a loan: prints of an electronic view, downloads, photocopies.

Each has a number of its own and, where it is a file, its digest, so that what turns up elsewhere
names its loan. A print is asked for by the borrower and made at the desk; a photocopy (复印摘录)
is made at the desk on an approved request and comes back or is shredded (archive.md 6).
"""

import hashlib
import re
from dataclasses import dataclass

from sqlalchemy import func, or_, select
from sqlalchemy.orm.exc import StaleDataError

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.filing import service as filing
from archive.filing.views import FileView
from archive.lending import lookup
from archive.lending.answering import decide_again
from archive.lending.matching import Mode
from archive.lending.models import LoanRequest, RequestState
from archive.lending.rules import Reason
from archive.lending.viewing import service
from archive.lending.viewing.models import LoanGrant, LoanSheet
from archive.lending.viewing.pages import LOAN_KEY, Mark, is_viewable
from archive.lending.viewing.rules import LONGEST_RANGE, show_pages
from archive.lending.viewing.service import Holder
from archive.lending.viewing.sheet_views import ENDS, STATES, SheetView, sheet_views
from archive.lending.views import RequestView
from archive.people.models import User
from archive.people.rights import Actor, can, require
from doc_templates.fields import forbidden_mark
from storage.work import UnitOfWork

MOST_COPIES = 50
LONGEST_NAME = 80
_HYPHEN = rb"(?:-|\\055)"  # a PDF writes it either way
_NUMBER_IN_FILE = re.compile(
    rb"/LoanNumber \((JY\d{4}" + _HYPHEN + rb"\d{4,8}" + _HYPHEN + rb"[PDC]\d{1,4})\)"
)


@dataclass(frozen=True)
class Draft:
    """What the edge draws: the file, its pages, the mark, and the number it will carry."""

    sheet_id: int
    number: str
    file: FileView
    pages: str
    mark: Mark

    @property
    def info(self) -> dict[str, str]:
        """The properties of the stamped PDF."""
        return {"/Title": self.number, LOAN_KEY: self.number}


@dataclass(frozen=True)
class CopyOrder:
    """What is copied at the desk: of which file (None: from paper only), pages, how many, for whom.

    ``pages`` is the text as counted on paper where there is no file.
    """

    file_id: int | None
    pages: str
    copies: int
    recipient: str


def ask_print(
    uow: UnitOfWork, actor: Actor, request_id: int, file_id: int, pages: tuple[int, ...]
) -> SheetView | Reason:
    """Ask for one's view to be printed at the desk; each print uses up one that the rule allows.

    Raises Conflict where the same pages wait to be printed already.
    """
    sight = service.look(uow, actor, request_id, file_id, "打印")
    if isinstance(sight, Reason):
        return sight
    grant = uow.session.get_one(LoanGrant, sight.grant_id)
    wanted = {"file_id": file_id, "pages": show_pages(pages)}
    waiting = _same(uow, request_id, kind="print", state="waiting", **wanted)
    if waiting is not None:
        raise Conflict(f"这几页已经提出打印（{waiting.number}），等借阅台打印，不必再提。")
    if grant.prints < 1:
        raise Conflict("按借阅规则，这次电子阅览不能打印，或允许的份数已经用完。")
    grant.prints -= 1
    row = _new(uow, grant.request_id, "print", actor, "waiting", **wanted)
    return _noted(uow, actor, row, "loan.print_asked")


def start_download(
    uow: UnitOfWork, actor: Actor, request_id: int, file_id: int, pages: tuple[int, ...]
) -> Draft | Reason:
    """Take the number of a download and say what to draw; ``made`` notes its digest."""
    sight = service.look(uow, actor, request_id, file_id, "使用")
    if isinstance(sight, Reason):
        return sight
    grant = uow.session.get_one(LoanGrant, sight.grant_id)
    if not grant.may_download:
        raise Forbidden("按借阅规则，这次电子阅览不能下载。")
    wanted = {"file_id": file_id, "pages": show_pages(pages)}
    row = _new(uow, grant.request_id, "download", actor, "made", **wanted)
    _noted(uow, actor, row, "loan.download")
    holder = Holder(actor.name, actor.staff_no, actor.department_name)
    mark = service.mark_for(uow, holder, row.number, "使用")
    return Draft(row.id, row.number, sight.file, row.pages, mark)


def start_print(uow: UnitOfWork, actor: Actor, sheet_id: int) -> Draft:
    """Say what a waiting print is made of, for the desk; the grant must still be open."""
    require(actor, "loan.desk")
    row = _get(uow, sheet_id)
    if row.kind != "print" or row.state != "waiting":
        raise Conflict(f"{row.number} 已经打印过了；要再印，请借阅人重新提出。")
    grant = uow.session.scalars(
        select(LoanGrant).where(LoanGrant.request_id == row.request_id)
    ).one()
    if grant.ended_at is not None or grant.until <= uow.now():
        raise Conflict(f"{row.number} 的电子阅览已经结束，不能再打印。")
    return _draft(uow, row, "使用")


def copy_paper(uow: UnitOfWork, actor: Actor, request_id: int, order: CopyOrder) -> SheetView:
    """Register a photocopy on an approved request; the request is then out until it is done.

    Raises Conflict when the request is none for copies, the facts no longer allow it or the same
    copy is out already, Invalid for entries that cannot be.
    """
    require(actor, "loan.desk")
    row = lookup.get_row(uow, request_id)
    _check_copying(uow, actor, row)
    wrong = _faults(order)
    if wrong:
        raise Invalid("复印登记有误：" + "；".join(wrong.values()) + "。", wrong)
    if order.file_id is not None:
        _file_of(uow, row, order.file_id)
    entered = {
        "file_id": order.file_id,
        "pages": order.pages.strip(),
        "copies": order.copies,
        "recipient": order.recipient.strip(),
    }
    already = _same(uow, row.id, kind="copy", state="made", **entered)
    if already is not None:
        raise Conflict(
            f"同样的复印件已经登记（{already.number}），不必再登记；"
            "确实又印了一次的，请在“交给”里写明，例如“某某（第二次）”。"
        )
    sheet = _new(uow, row.id, "copy", actor, "made", **entered)
    sheet.stamp = _stamp(row)
    sheet.made_by, sheet.made_at = actor.id, uow.now()
    row.state = RequestState.HANDED_OUT
    return _noted(uow, actor, sheet, "loan.copy")


def start_copy(uow: UnitOfWork, actor: Actor, sheet_id: int) -> Draft:
    """Say what a registered photocopy is made of, where the item has the file."""
    require(actor, "loan.desk")
    row = _get(uow, sheet_id)
    if row.kind != "copy" or row.file_id is None:
        raise Conflict(f"{row.number} 是从纸质原件复印的，没有电子文件可以打印。")
    if row.state != "made":
        raise Conflict(f"{row.number}{STATES[row.state]}，不能再打印。")
    return _draft(uow, row, "", row.stamp)


def made(uow: UnitOfWork, actor: Actor, draft: Draft, content: bytes) -> None:
    """Note the digest of what was drawn, before it is handed out."""
    row = _get(uow, draft.sheet_id)
    row.sha256 = hashlib.sha256(content).hexdigest()
    row.state = "made"
    row.made_by, row.made_at = actor.id, uow.now()
    _flush(uow, row)
    detail = {"sheet": row.number, "sha256": row.sha256}
    uow.journal(actor.id, "loan.sheet_made", "loan_request", row.request_id, detail)


def end_sheet(uow: UnitOfWork, actor: Actor, sheet_id: int, how: str, version: int) -> SheetView:
    """Note that a print or copy came back, was shredded or stays with the case.

    When nothing of a copying request is out any more, the request is closed.
    """
    require(actor, "loan.desk")
    row = _get(uow, sheet_id)
    if how not in ENDS:
        raise Invalid("请选择收回、销毁或随卷保存。", {"how": "没有这种处理"})
    if row.state != "made" or row.row_version != version:
        raise Conflict(f"{row.number} 现在是“{STATES[row.state]}”，请刷新后再办理。")
    row.state, row.done_by, row.done_at = how, actor.id, uow.now()
    _flush(uow, row)
    request = lookup.get_row(uow, row.request_id)
    still_out = uow.session.scalar(
        select(func.count())
        .select_from(LoanSheet)
        .where(LoanSheet.request_id == row.request_id, LoanSheet.state == "made")
    )
    if row.kind == "copy" and not still_out:
        request.state, request.closing_note = RequestState.CLOSED, f"复印件{ENDS[how]}"
    return _noted(uow, actor, row, "loan.sheet_done")


def sheets_of(uow: UnitOfWork, actor: Actor, request_id: int) -> tuple[SheetView, ...]:
    """Return what left the archive on a request the person may see, oldest first."""
    if not lookup.may_see(uow, actor, lookup.get_row(uow, request_id)):
        raise NotFound(lookup.NO_REQUEST)
    rows = uow.session.scalars(
        select(LoanSheet).where(LoanSheet.request_id == request_id).order_by(LoanSheet.id)
    )
    return sheet_views(uow, actor, list(rows))


def sheets_at_desk(uow: UnitOfWork, actor: Actor) -> tuple[SheetView, ...]:
    """Return the prints that wait and the copies that are out, the oldest first (at most 200)."""
    require(actor, "loan.desk")
    rows = uow.session.scalars(
        select(LoanSheet)
        .where(
            or_(
                LoanSheet.state == "waiting",
                (LoanSheet.state == "made") & (LoanSheet.kind == "copy"),
            )
        )
        .order_by(LoanSheet.id)
        .limit(200)
    )
    return sheet_views(uow, actor, list(rows))


def copies_to_make(uow: UnitOfWork, actor: Actor) -> tuple[RequestView, ...]:
    """Return the approved requests for photocopies, the oldest first (at most 200)."""
    require(actor, "loan.desk")
    rows = uow.session.scalars(
        select(LoanRequest)
        .where(LoanRequest.mode == Mode.COPY, LoanRequest.state == RequestState.APPROVED)
        .order_by(LoanRequest.id)
        .limit(200)
    )
    return lookup.request_views(uow, actor, list(rows))


def files_to_copy(uow: UnitOfWork, actor: Actor, item_id: int) -> tuple[FileView, ...]:
    """Return the files of an item that the desk may print copies from; none of what it may not."""
    if not can(actor, "item.read", filing.thing_of_item(uow, item_id)):
        return ()
    files = filing.load_item(uow, item_id).files
    return tuple(one for one in files if one.role != "word" and is_viewable(one.media_type))


def trace(uow: UnitOfWork, actor: Actor, content: bytes) -> tuple[SheetView, bool] | None:
    """Return the sheet a stray file is, and whether it is unchanged; None when it is not ours."""
    require(actor, "loan.register")
    row = uow.session.scalar(
        select(LoanSheet).where(LoanSheet.sha256 == hashlib.sha256(content).hexdigest())
    )
    if row is not None:
        return sheet_views(uow, actor, [row])[0], True
    named = _NUMBER_IN_FILE.search(content)
    if named is None:
        return None
    number = named[1].replace(rb"\055", b"-").decode()
    row = uow.session.scalar(select(LoanSheet).where(LoanSheet.number == number))
    return None if row is None else (sheet_views(uow, actor, [row])[0], False)


def _check_copying(uow: UnitOfWork, actor: Actor, row: LoanRequest) -> None:
    if not can(actor, "item.read", filing.thing_of_item(uow, row.item_id)):
        raise Forbidden("这件档案的密级高于您的权限，请由档案负责人办理复印。")
    if row.mode != Mode.COPY:
        raise Conflict(f"申请 {row.number} 是{Mode(row.mode).label}，不办理复印。")
    if row.state not in (RequestState.APPROVED, RequestState.HANDED_OUT):
        raise Conflict(f"申请 {row.number} 现在是“{RequestState(row.state).label}”，不能复印。")
    decide_again(uow, row)


def _faults(order: CopyOrder) -> dict[str, str]:
    found = {}
    pages, recipient = order.pages.strip(), order.recipient.strip()
    if not pages or len(pages) > LONGEST_RANGE:
        found["pages"] = "请写明复印哪几页"
    if not 1 <= order.copies <= MOST_COPIES:
        found["copies"] = f"份数应在 1 到 {MOST_COPIES} 之间"
    if not recipient or len(recipient) > LONGEST_NAME:
        found["recipient"] = "请写明交给谁"
    for name, text in (("pages", pages), ("recipient", recipient)):
        if mark := forbidden_mark(text):
            found[name] = mark
    return found


def _stamp(row: LoanRequest) -> str:
    purpose = " ".join(row.purpose.split())
    return f"此件仅供{purpose[:60]}使用"


def _file_of(uow: UnitOfWork, row: LoanRequest, file_id: int) -> FileView:
    item = filing.load_item(uow, row.item_id)
    file = next((one for one in item.files if one.id == file_id), None)
    if file is None or not is_viewable(file.media_type):
        raise Invalid("这份档案没有这个可以复印的文件。", {"file_id": "请重新选择"})
    return file


def _draft(uow: UnitOfWork, row: LoanSheet, kind: str, stamp: str = "") -> Draft:
    request = lookup.get_row(uow, row.request_id)
    assert row.file_id is not None  # noqa: S101 - a print always has its file
    file = _file_of(uow, request, row.file_id)
    borrower = uow.session.get_one(User, request.borrower_id)
    holder = Holder(borrower.name, borrower.staff_no, borrower.department.name)
    mark = service.mark_for(uow, holder, row.number, kind)
    if stamp:
        mark = Mark(f"{stamp[:24]}  {row.number}", f"{stamp}  {row.number}  {holder.name}")
    return Draft(row.id, row.number, file, row.pages, mark)


def _new(
    uow: UnitOfWork, request_id: int, kind: str, actor: Actor, state: str, **told: object
) -> LoanSheet:
    """Add a sheet under the request's next number; two at once: the second is told."""
    row = lookup.get_row(uow, request_id)
    count = uow.session.scalar(
        select(func.count()).select_from(LoanSheet).where(LoanSheet.request_id == request_id)
    )
    sheet = LoanSheet(
        request_id=request_id,
        number=f"{row.number}-{kind[0].upper()}{(count or 0) + 1}",
        kind=kind,
        state=state,
        asked_by=actor.id,
        asked_at=uow.now(),
        **told,
    )
    uow.session.add(sheet)
    return sheet


def _same(uow: UnitOfWork, request_id: int, **told: object) -> LoanSheet | None:
    """Return the request's sheet of which the same is told, or None: it is not entered twice."""
    query = select(LoanSheet).where(LoanSheet.request_id == request_id).filter_by(**told)
    return uow.session.scalars(query.order_by(LoanSheet.id)).first()


def _noted(uow: UnitOfWork, actor: Actor, row: LoanSheet, action: str) -> SheetView:
    _flush(uow, row)
    detail = {"sheet": row.number, "pages": row.pages, "copies": row.copies, "state": row.state}
    uow.journal(actor.id, action, "loan_request", row.request_id, detail)
    return sheet_views(uow, actor, [row])[0]


def _flush(uow: UnitOfWork, row: LoanSheet) -> None:
    try:
        uow.session.flush()
    except StaleDataError:
        raise Conflict("这一份刚被另一处办理，请刷新后再试。") from None


def _get(uow: UnitOfWork, sheet_id: int) -> LoanSheet:
    row = uow.session.get(LoanSheet, sheet_id) if 0 < sheet_id <= lookup.LARGEST_ID else None
    if row is None:
        raise NotFound("没有这份打印件或复印件。")
    return row

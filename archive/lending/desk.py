"""The lending desk: what a scanned barcode calls for, handing out, taking back.

A copy's status follows from its loans: it is set through filing in the same transaction. One
open loan a copy is held by a unique index; losing that race is a Conflict in words.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from archive.core.clock import local_day, show_day, show_instant
from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.filing import service as filing
from archive.filing.codes import clean_barcode
from archive.filing.models import GONE, CopyStatus, ItemState
from archive.filing.service import Lendable
from archive.filing.views import CopyView
from archive.lending import lookup
from archive.lending.answering import Answer, decide_again
from archive.lending.claims import is_lapsed
from archive.lending.confirming.rules import ON_PAPER, Confirmed
from archive.lending.confirming.service import BACK, OUT, sign_loan
from archive.lending.incidents.service import note_return
from archive.lending.matching import Mode
from archive.lending.models import Loan, LoanRequest, RequestState
from archive.lending.queue import settle
from archive.lending.renewals import cancel_waiting
from archive.lending.typed import INTACT, clean_condition, clean_pages
from archive.lending.views import HIDDEN_TITLE, RequestView, Scan
from archive.people import service as people
from archive.people.rights import Actor, can, require
from storage.work import UnitOfWork


def scan(uow: UnitOfWork, actor: Actor, barcode: str) -> Scan:
    """Say what a barcode calls for: taking back, handing out, or nothing and why."""
    require(actor, "loan.desk")
    item, copy = _find_copy(uow, actor, barcode)
    title = item.title if _may_read(actor, item) else HIDDEN_TITLE
    loan = _last_loan(uow, copy.id)
    if loan is not None and loan.returned_at is None:
        view = lookup.loan_views(uow, actor, [loan])[0]
        message = f"{view.borrower_name}（{view.borrower_department}）借出中，请办理归还。"
        return Scan(
            "take_back", copy.barcode, message, item, title, loan.pages_out, copy.location, view
        )
    ready = _ready_for(uow, item.id) if copy.status == CopyStatus.IN else []
    message = "已获批准，请核对借阅人后办理借出。" if ready else _nothing_to_do(uow, item, copy)
    return Scan(
        kind="hand_out" if ready else "nothing",
        barcode=copy.barcode,
        message=message,
        item=item,
        title=title,
        pages=copy.pages,
        location=copy.location,
        requests=lookup.request_views(uow, actor, ready),
    )


def hand_out(
    uow: UnitOfWork,
    actor: Actor,
    barcode: str,
    request_id: int | None = None,
    *,
    pages: int | None = None,
    staff_no: str = "",
    confirmed: Confirmed = ON_PAPER,
    at: datetime | None = None,
) -> RequestView:
    """Hand a copy out on an approved request and return the request with its loan.

    Without ``request_id`` the item's only approved request is taken; ``staff_no`` is the badge
    the borrower shows and must be theirs. ``pages`` is the count at hand-out, by default the
    copy's. The facts are looked at again: whoever has left, is overdue or lost the clearance
    since the approval gets nothing. ``confirmed``: how the borrower signed. ``at`` is when it
    went over the desk where that is noted late. Raises NotFound, Conflict, Forbidden or Invalid.
    """
    item, copy, row = _what_goes_out(uow, actor, barcode, request_id, staff_no, at)
    decided = decide_again(uow, row, local_day(at or uow.now()), item)
    loan = Loan(
        request_id=row.id,
        copy_id=copy.id,
        borrower_id=row.borrower_id,
        rule=row.decision["rule"],
        handed_at=at or uow.now(),
        handed_by=actor.id,
        due_on=_due_of(decided),
        pages_out=copy.pages if pages is None else clean_pages(pages),
    )
    row.state, row.pick_up_by = RequestState.HANDED_OUT, None
    signed = sign_loan(uow, loan, OUT, confirmed)
    uow.session.add(loan)
    _flush(uow, copy)
    filing.set_copy_status(uow, actor, copy.id, CopyStatus.OUT)
    more = {"borrower": row.borrower_id, "due": loan.due_on.isoformat(), "pages": loan.pages_out}
    _write_down(uow, actor, "loan.hand_out", loan, item.id, {**more, **signed})
    return lookup.request_views(uow, actor, [row], decided.calendar, [loan])[0]


def take_back(
    uow: UnitOfWork,
    actor: Actor,
    barcode: str,
    pages: int,
    condition: str = INTACT,
    *,
    confirmed: Confirmed = ON_PAPER,
    at: datetime | None = None,
) -> RequestView:
    """Take a copy back and return the request with its closed loan.

    A page count other than at hand-out, or a condition other than 完好 (a remark may follow
    after ；), closes the loan as not intact, opens an incident and holds the copy back (待查) until
    that is settled; else it is held for whoever is next in line (``next_in_line``). Never a second
    return: Conflict.
    """
    require(actor, "loan.desk")
    item, copy = _find_copy(uow, actor, barcode)
    counted, seen = clean_pages(pages), clean_condition(condition)
    loan = _loan_to_close(uow, copy)
    _check_clock(loan.handed_at, at or uow.now())
    row = lookup.get_row(uow, loan.request_id)
    loan.returned_at, loan.received_by = at or uow.now(), actor.id
    differs, damaged = _note_state(loan, counted, seen)
    row.state = RequestState.CLOSED
    signed = sign_loan(uow, loan, BACK, confirmed)
    cancel_waiting(uow, loan)
    _flush(uow, copy)
    goes = note_return(uow, actor, loan, pages_differ=differs, damaged=damaged)
    filing.set_copy_status(uow, actor, copy.id, goes)
    act = "loan.return" if loan.intact else "loan.return_incident"
    more = {"pages_out": loan.pages_out, "pages_in": counted, "intact": loan.intact}
    _write_down(uow, actor, act, loan, item.id, {**more, **signed})
    held = lookup.request_views(uow, actor, settle(uow, item.id))
    return replace(
        lookup.request_views(uow, actor, [row], loans=[loan])[0],
        next_in_line="".join(_kept_for(view) for view in held),
    )


def _write_down(
    uow: UnitOfWork, actor: Actor, act: str, loan: Loan, item_id: int, more: Mapping[str, object]
) -> None:
    """Write an act of the desk into the journal."""
    of_what = {"request": loan.request_id, "item": item_id, "copy": loan.copy_id}
    uow.journal(actor.id, act, "loan", loan.id, {**of_what, **more})


def _note_state(loan: Loan, counted: int, seen: str) -> tuple[bool, bool]:
    """Note in what state a copy is back; say whether its pages differ, and if it is damaged."""
    differs, damaged = counted != loan.pages_out, seen.partition("；")[0] != INTACT
    loan.pages_in, loan.intact, loan.condition = counted, not (differs or damaged), seen
    if differs:
        loan.condition = f"页数不符：借出 {loan.pages_out} 页，归还 {counted} 页。{seen}"
    return differs, damaged


def who_borrows(
    uow: UnitOfWork, actor: Actor, barcode: str, request_id: int | None = None, staff_no: str = ""
) -> Actor:
    """Return the person a hand-out would go to, to sign for it; refuses what ``hand_out`` would."""
    _, _, row = _what_goes_out(uow, actor, barcode, request_id, staff_no)
    return _signer(uow, row.borrower_id)


def who_returns(uow: UnitOfWork, actor: Actor, barcode: str) -> Actor:
    """Return the person who has a copy, to sign its return; Conflict when it is not out."""
    require(actor, "loan.desk")
    _, copy = _find_copy(uow, actor, barcode)
    return _signer(uow, _loan_to_close(uow, copy).borrower_id)


def _signer(uow: UnitOfWork, user_id: int) -> Actor:
    found = people.find_actor(uow, user_id)
    if found is None:
        raise Conflict("借阅人已经离职，不能用密码或口令确认；请在纸面上签字。")
    return found


def _what_goes_out(
    uow: UnitOfWork,
    actor: Actor,
    barcode: str,
    request_id: int | None,
    staff_no: str,
    at: datetime | None = None,
) -> tuple[Lendable, CopyView, LoanRequest]:
    require(actor, "loan.desk")
    item, copy = _find_copy(uow, actor, barcode)
    if not _may_read(actor, item):
        raise Forbidden("这件档案的密级高于您的权限，请由档案负责人办理借出。")
    last = _last_loan(uow, copy.id)
    _check_is_in(uow, copy, last)
    if at is None and last is not None:  # an act noted late has been judged by its own time
        _check_clock(last.returned_at, uow.now())
    day = local_day(at or uow.now())
    return item, copy, _choose_request(uow, item, request_id, staff_no, day)


def _find_copy(uow: UnitOfWork, actor: Actor, barcode: str) -> tuple[Lendable, CopyView]:
    item, folded = filing.find_named(uow, actor, barcode, "barcode"), clean_barcode(barcode)
    copies = item.copies if item is not None else ()
    if folded:
        copies = tuple(copy for copy in copies if copy.barcode == folded)
    if item is None or not copies:
        shown = "".join(char for char in barcode[:40] if char.isprintable())
        raise NotFound(f"没有条码或档号“{shown}”的档案，请重新扫描或核对标签。")
    if len(copies) > 1:
        raise Conflict(f"档号 {item.code} 有 {len(copies)} 份实体，请扫描要办的那一份。")
    return item, copies[0]


def _check_clock(before: datetime | None, at: datetime) -> None:
    """Refuse to note an act before the one it follows: the server's clock was set back."""
    if before is not None and at < before:
        raise Conflict(
            f"服务器的时钟不对：现在是 {show_instant(at)}，比上一次借还（{show_instant(before)}）"
            "还早，没有登记；请系统管理员校准时钟。"
        )


def _last_loan(uow: UnitOfWork, copy_id: int) -> Loan | None:
    """The copy's last loan: the open one, where there is one."""
    return uow.session.scalar(_LAST_LOAN, {"copy": copy_id})


def _loan_to_close(uow: UnitOfWork, copy: CopyView) -> Loan:
    """Return the copy's open loan; Conflict in words when it is not out."""
    last = _last_loan(uow, copy.id)
    if last is None:
        raise Conflict(f"条码 {copy.barcode} 没有借出过，不用归还。")
    if last.returned_at is not None:
        when = show_instant(last.returned_at)
        raise Conflict(f"条码 {copy.barcode} 已于 {when} 归还，不能再次归还。")
    return last


def _requests_for(uow: UnitOfWork, item_id: int, state: RequestState) -> list[LoanRequest]:
    """Requests for the paper itself, first come first."""
    return list(
        uow.session.scalars(
            select(LoanRequest)
            .where(
                LoanRequest.item_id == item_id,
                LoanRequest.state == state,
                LoanRequest.mode.in_([mode for mode in Mode if mode.takes_the_paper]),
            )
            .order_by(LoanRequest.id)
        )
    )


def _ready_for(uow: UnitOfWork, item_id: int) -> list[LoanRequest]:
    """Approved requests for which a copy is held and whose term for picking up runs."""
    today = local_day(uow.now())
    rows = _requests_for(uow, item_id, RequestState.APPROVED)
    return [row for row in rows if row.pick_up_by and not is_lapsed(row.pick_up_by, today)]


def _kept_for(view: RequestView) -> str:
    until = show_day(view.pick_up_by) if view.pick_up_by else ""
    return (
        f"下一位是{view.borrower_name}（{view.borrower_department}，{view.number}），"
        f"请留在借阅台，保留到{until}。"
    )


def _check_is_in(uow: UnitOfWork, copy: CopyView, loan: Loan | None) -> None:
    if loan is not None and loan.returned_at is None:
        view = lookup.loan_views(uow, None, [loan])[0]
        raise Conflict(
            f"条码 {copy.barcode} 已经借给{view.borrower_name}（{show_instant(loan.handed_at)}），"
            "归还前不能再借出。"
        )
    if copy.status != CopyStatus.IN:
        raise Conflict(f"条码 {copy.barcode} 现在是“{copy.status_label}”，不能借出。")


def _choose_request(
    uow: UnitOfWork, item: Lendable, request_id: int | None, staff_no: str, on: date
) -> LoanRequest:
    """Return the approved request this hand-out is for; say in words why there is none."""
    if request_id is not None:
        chosen = [lookup.get_row(uow, request_id)]
        _check_request(uow, item, chosen[0], on)
    else:
        chosen = _ready_for(uow, item.id)
    if staff_no.strip():
        holder = _badge_holder(uow, staff_no)
        if chosen and all(row.borrower_id != holder.id for row in chosen):
            raise Conflict(f"{holder.name}没有获准借这一件，不能借给别人；请核对工牌。")
        chosen = [row for row in chosen if row.borrower_id == holder.id]
    if not chosen:
        raise Conflict(_not_approved(uow, item))
    if len({row.borrower_id for row in chosen}) > 1 or any(row.visit_id for row in chosen[1:]):
        names = "、".join(view.borrower_name for view in lookup.request_views(uow, None, chosen))
        raise Invalid(
            f"有 {len(chosen)} 份已批准的申请（{names}），请先选定借给谁。",
            {"request_id": "请选择借阅申请"},
        )
    return chosen[0]


def _check_request(uow: UnitOfWork, item: Lendable, row: LoanRequest, on: date) -> None:
    if row.item_id != item.id:
        raise Conflict(f"申请 {row.number} 借的不是这一件，请核对条码。")
    if not Mode(row.mode).takes_the_paper:
        raise Conflict(f"申请 {row.number} 是{Mode(row.mode).label}，不办理实体借出。")
    if row.state == RequestState.WAITING:
        raise Conflict(_waits(uow, row))
    if row.state != RequestState.APPROVED:
        raise Conflict(f"申请 {row.number} 现在是“{RequestState(row.state).label}”，不能据此借出。")
    if row.pick_up_by is None:
        raise Conflict(f"申请 {row.number} 还在排队，这一件已为先来的借阅人保留，不能借出。")
    if is_lapsed(row.pick_up_by, on):
        raise Conflict(
            f"申请 {row.number} 已过取件期限（{show_day(row.pick_up_by)}），不能借出，请重新申请。"
        )


def _badge_holder(uow: UnitOfWork, staff_no: str) -> Actor:
    wanted = staff_no.strip()
    found = [one for one in people.staff(uow, wanted) if one.staff_no == wanted]
    if not found:
        raise NotFound(f"没有工号“{wanted[:20]}”的在职人员，请核对工牌。")
    return found[0]


def _due_of(decided: Answer) -> date:
    due = decided.decision.due
    assert due is not None  # noqa: S101 - an allowed loan of the paper has its day
    return due


def _nothing_to_do(uow: UnitOfWork, item: Lendable, copy: CopyView) -> str:
    if copy.status in GONE:
        return f"这一件{copy.status_label}，实体不应再在这里；请收起来，报告档案负责人查明。"
    if copy.status != CopyStatus.IN:
        return f"这一件现在是“{copy.status_label}”，没有借出记录，请先查明。"
    if item.state == ItemState.REVIEWING:
        return "这一件保管期满，正在鉴定，不能借出，请放回原处。"
    if item.state != ItemState.SHELVED:
        return f"这一件还没有上架（{item.state_label}），不能借出。"
    return f"在库，位置 {copy.location or '未登记'}。" + _not_approved(uow, item)


def _not_approved(uow: UnitOfWork, item: Lendable) -> str:
    waiting = _requests_for(uow, item.id, RequestState.WAITING)
    if waiting:
        return "".join(_waits(uow, row) for row in waiting[:3])
    return "没有已批准的借阅申请，不能借出；请借阅人先提出申请。"


def _waits(uow: UnitOfWork, row: LoanRequest) -> str:
    view = lookup.request_views(uow, None, [row])[0]
    step = view.waits_for
    whom = f"等{step.who}审批" if step else "等审批"
    return f"{view.borrower_name}的申请 {row.number} 还在{whom}，不能借出。"


def _may_read(actor: Actor, item: Lendable) -> bool:
    return can(actor, "item.read", item.thing)


def _flush(uow: UnitOfWork, copy: CopyView) -> None:
    try:
        uow.session.flush()
    except (IntegrityError, StaleDataError):
        raise Conflict(f"条码 {copy.barcode} 刚被另一处办理，请重新扫描。") from None


_LAST_LOAN = select(Loan).where(Loan.copy_id == bindparam("copy")).order_by(Loan.id.desc()).limit(1)

"""The papers of lending: the application (A01), the register of a period (A02), the reminder (A03).

Forms like all others, in the pack ``archives``, filled from the rows of lending. Titles that the
person who prints may not read stay hidden, as on the pages.
"""

from datetime import date, datetime

from sqlalchemy import select

from archive.core.clock import local_day, show_instant
from archive.core.errors import Conflict, Invalid, NotFound
from archive.filing.papers import Paper
from archive.forms.service import get_form
from archive.lending.register import get_request, register
from archive.lending.views import ApprovalView, LoanView, RequestView, Signed
from archive.people.models import User
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

APPLICATION, REGISTER, REMINDER = "A01", "A02", "A03"
LINES = 1000
PAGE = 100


def request_paper(uow: UnitOfWork, actor: Actor, request_id: int, code: str) -> Paper:
    """Return a request's application or, for the desk, the reminder to bring its copy back.

    Raises NotFound for a request one may not see, Conflict for a reminder when nothing is out.
    """
    if code == REMINDER:
        require(actor, "loan.desk")
    view = get_request(uow, actor, request_id)
    if code == APPLICATION:
        values = _application(uow, view)
    elif code == REMINDER:
        values = _reminder(uow, actor, view)
    else:
        raise NotFound("没有这种借阅用纸。")
    return Paper(get_form(uow, code), values, view.number, view.number)


def register_paper(uow: UnitOfWork, actor: Actor, start: date, end: date) -> Paper:
    """Return the register of a period, oldest first; Invalid when it does not fit one paper."""
    first = register(uow, actor, start, end, per_page=PAGE)
    if first.total > LINES:
        raise Invalid(
            f"这一段有 {first.total} 笔借阅，一次最多印 {LINES} 笔，请缩短起止日期。",
            {"from": "请缩短时间"},
        )
    rest = (register(uow, actor, start, end, page=n, per_page=PAGE) for n in range(2, 11))
    loans = list(first.items)
    for page in rest if first.total > PAGE else ():
        loans += page.items
    loans.reverse()
    values: dict[str, object] = {
        "开始日期": start.isoformat(),
        "结束日期": end.isoformat(),
        "笔数": str(len(loans)),
        "未还": str(sum(loan.is_open for loan in loans)),
        "打印日期": local_day(uow.now()).isoformat(),
        "登记": [_line(loan, place) for place, loan in enumerate(loans, start=1)],
    }
    number = f"{start:%Y%m%d}-{end:%Y%m%d}"
    return Paper(get_form(uow, REGISTER), values, number, number)


def _application(uow: UnitOfWork, view: RequestView) -> dict[str, object]:
    return {
        "申请日期": _day(view.created_at),
        "借阅人": view.borrower_name,
        "部门": view.borrower_department,
        "工号": uow.session.scalar(select(User.staff_no).where(User.id == view.borrower_id)) or "",
        "题名": view.item_title,
        "件号全称": view.item_code,
        "借阅方式": view.mode_label,
        "借阅用途": view.purpose,
        "业务依据": view.business_reference,
        "应还日期": view.due.isoformat() if view.due else "",
        "适用规则": f"{view.rule_basis}（{view.rule}）",
        "办理情况": _so_far(view),
        "明细": [line_of(view, 1)],
        "审批": [step_line(step, str(step.seq)) for step in view.approvals],
    }


def line_of(view: RequestView, place: int) -> dict[str, object]:
    """Return a request as a line of the application's list."""
    return {
        "序号": str(place),
        "明细档号": view.item_code,
        "明细题名": view.item_title,
        "应还": view.due.isoformat() if view.due else "",
        "情况": (view.loan.state_label if view.loan else view.state_label)[:60],
    }


def step_line(step: ApprovalView, place: str) -> dict[str, object]:
    """Return an approval as a line of the application."""
    return {
        "次序": place,
        "身份": step.label[:60],
        "审批人": step.who[:60],
        "结果": step.state_label,
        "意见": step.opinion,
        "时间": show_instant(step.decided_at) if step.decided_at else "",
    }


def _reminder(uow: UnitOfWork, actor: Actor, view: RequestView) -> dict[str, object]:
    loan = view.loan
    if loan is None or not loan.is_open:
        raise Conflict(f"申请 {view.number} 现在没有档案在外，不用催还。")
    return {
        "借阅人": loan.borrower_name,
        "部门": loan.borrower_department,
        "题名": loan.item_title,
        "件号全称": loan.item_code,
        "实体条码": loan.barcode,
        "借出日期": _day(loan.handed_at),
        "应还日期": loan.due_on.isoformat(),
        "借出页数": str(loan.pages_out),
        "借阅情况": loan.state_label,
        "催还说明": _request_to_return(loan),
        "开具人": actor.name,
        "开具日期": local_day(uow.now()).isoformat(),
    }


def _request_to_return(loan: LoanView) -> str:
    if loan.is_overdue:
        why = "您借阅的上述档案已经逾期，请立即带齐全部页数到借阅台归还"
    elif loan.recalled_at is not None:
        why = f"您借阅的上述档案因工作需要催回（{loan.recall_reason}），请在应还日期下班前归还"
    else:
        why = "您借阅的上述档案将要到期，请在应还日期下班前归还"
    return f"{why}；有遗失、损坏或其他情况的，请同时书面说明。"


def _so_far(view: RequestView) -> str:
    loan = view.loan
    if loan is None:
        note = f"：{view.closing_note}" if view.closing_note else ""
        return f"{view.state_label}{note}。"
    out = f"{show_instant(loan.handed_at)} 借出 {loan.pages_out} 页，{loan.handed_by_name}经手"
    out += f"{_signature(loan.signed_out)}。"
    if loan.returned_at is None:
        return out
    back = f"{show_instant(loan.returned_at)} 归还 {loan.pages_in} 页，{loan.received_by_name}收"
    return f"{out}{back}{_signature(loan.signed_back)}。"


def _signature(signed: Signed | None) -> str:
    return f"，借阅人{signed.label}" if signed else ""


def _line(loan: LoanView, place: int) -> dict[str, object]:
    pages = f"{loan.pages_out}" if loan.pages_in is None else f"{loan.pages_out}/{loan.pages_in}"
    return {
        "序号": str(place),
        "申请号": loan.request_number,
        "件号全称": loan.item_code,
        "题名": loan.item_title,
        "借阅人": loan.borrower_name,
        "部门": loan.borrower_department,
        "方式": loan.mode_label,
        "借出日期": _day(loan.handed_at),
        "应还日期": loan.due_on.isoformat(),
        "归还日期": _day(loan.returned_at),
        "页数": pages,
        "情况": loan.state_label if loan.is_open else " ".join(loan.condition.split()),
    }


def _day(at: datetime | None) -> str:
    return local_day(at).isoformat() if at else ""

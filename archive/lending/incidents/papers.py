"""The paper of an incident (遗失损坏报告单 A11)."""

from archive.core.clock import local_day
from archive.filing.papers import Paper
from archive.forms.service import get_form
from archive.lending.incidents.service import IncidentView, get_incident
from archive.people.rights import Actor
from storage.work import UnitOfWork

CODE = "A11"


def incident_paper(uow: UnitOfWork, actor: Actor, incident_id: int) -> Paper:
    """Return an incident as A11; raise NotFound or Forbidden as for its page."""
    view = get_incident(uow, actor, incident_id)
    return Paper(get_form(uow, CODE), _values(view), view.number, view.number)


def _values(view: IncidentView) -> dict[str, object]:
    loan = view.loan
    back = "" if loan.pages_in is None else f"{loan.pages_in}"
    return {
        "种类": view.kind_label,
        "登记日期": local_day(view.opened_at).isoformat(),
        "题名": loan.item_title,
        "件号全称": loan.item_code,
        "实体条码": loan.barcode,
        "借阅人": loan.borrower_name,
        "部门": loan.borrower_department,
        "申请号": loan.request_number,
        "借出日期": local_day(loan.handed_at).isoformat(),
        "应还日期": loan.due_on.isoformat(),
        "归还日期": local_day(loan.returned_at).isoformat() if loan.returned_at else "",
        "页数": f"{loan.pages_out}/{back}",
        "经过": view.report,
        "责任人": view.responsible,
        "登记人": view.opened_by_name,
        "处理结果": view.outcome_label,
        "处理决定": view.decision,
        "决定人": view.closed_by_name,
        "决定日期": local_day(view.closed_at).isoformat() if view.closed_at else "",
    }

"""Opening, reporting and closing incidents; the copy's state follows.

Opened by the desk at a return (pages, damage), by whoever reports a loss, and by the clock for
what is overdue for fifteen working days (archive.md 6). Closed by the head of the archive, never
by the one who borrowed.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError

from archive.core.clock import local
from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.core.numbering import take_number
from archive.core.pages import Page, clean_paging
from archive.filing import service as filing
from archive.filing.models import CopyStatus
from archive.lending import lookup
from archive.lending.incidents.models import IncidentKind, LoanIncident, Outcome
from archive.lending.incidents.rules import closes_with_return, outcomes, status_after
from archive.lending.models import Loan, LoanRequest, RequestState
from archive.lending.notices import name_of_item, tell
from archive.lending.queue import settle
from archive.lending.views import LoanView
from archive.people import service as people
from archive.people.models import User
from archive.people.rights import Actor, require
from doc_templates.fields import forbidden_mark
from storage.work import UnitOfWork

MOST_REPORT = 1000
MOST_NAME = 80


@dataclass(frozen=True)
class IncidentView:
    """An incident with its loan; ``may_become`` are the outcomes it can have now."""

    id: int
    number: str
    kind: str
    opened_at: datetime
    opened_by_name: str
    report: str
    responsible: str
    outcome: str
    decision: str
    closed_at: datetime | None
    closed_by_name: str
    version: int
    loan: LoanView
    may_become: tuple[Outcome, ...]

    @property
    def kind_label(self) -> str:
        """The kind as shown to people."""
        return IncidentKind(self.kind).label

    @property
    def outcome_label(self) -> str:
        """How it was settled, as shown to people; empty while it is open."""
        return Outcome(self.outcome).label if self.outcome else ""

    @property
    def is_open(self) -> bool:
        """Whether it is still to be settled."""
        return self.closed_at is None


def open_incident(
    uow: UnitOfWork, actor: Actor | None, loan: Loan, kind: IncidentKind, report: str = ""
) -> LoanIncident | None:
    """Open an incident of a loan, or return None when there is one of the kind already."""
    there = select(LoanIncident.id).where(
        LoanIncident.loan_id == loan.id, LoanIncident.kind == kind
    )
    if uow.session.scalar(there) is not None:
        return None
    year = local(uow.now()).year
    borrower = uow.session.get_one(User, loan.borrower_id)
    row = LoanIncident(
        number=f"YC{year}-{take_number(uow, f'incident:{year}'):04d}",
        loan_id=loan.id,
        kind=kind,
        opened_at=uow.now(),
        opened_by=actor.id if actor else None,
        report=report,
        responsible=borrower.name,
    )
    uow.session.add(row)
    _flush(uow)
    detail = {"number": row.number, "kind": str(kind), "loan": loan.id, "copy": loan.copy_id}
    uow.journal(row.opened_by, "loan.incident", "loan_incident", row.id, detail)
    _tell_archive(uow, row, loan)
    return row


def report_loss(uow: UnitOfWork, actor: Actor, request_id: int, report: str) -> IncidentView:
    """Report that a copy that is out is lost: by its borrower, or by the desk for them."""
    row = lookup.get_row(uow, request_id)
    if not lookup.may_see(uow, actor, row):
        raise NotFound(lookup.NO_REQUEST)
    if row.borrower_id != actor.id:
        require(actor, "loan.desk")
    loan = uow.session.scalar(
        select(Loan).where(Loan.request_id == row.id, Loan.returned_at.is_(None))
    )
    if loan is None:
        raise Conflict(f"申请 {row.number} 现在没有档案在外，不用报遗失。")
    cleaned = _clean(report, "report", "经过", MOST_REPORT, least=4)
    made = open_incident(uow, actor, loan, IncidentKind.LOSS, cleaned)
    if made is None:
        raise Conflict(f"申请 {row.number} 已经报过遗失，请在遗失损坏登记里继续办理。")
    return _views(uow, actor, [made])[0]


def note_return(
    uow: UnitOfWork, actor: Actor, loan: Loan, *, pages_differ: bool, damaged: bool
) -> CopyStatus:
    """Open and close what a return calls for; return where the copy goes.

    What waited for the copy to come back is settled; a copy with pages missing or damaged is held
    back (待查) until the head of the archive has decided.
    """
    for row in _open_of(uow, loan.id):
        if closes_with_return(row.kind):
            _close(uow, actor, row, Outcome.RETURNED, "已归还。")
    if pages_differ:
        open_incident(uow, actor, loan, IncidentKind.PAGES, loan.condition)
    if damaged:
        open_incident(uow, actor, loan, IncidentKind.DAMAGE, loan.condition)
    return CopyStatus.MISSING if pages_differ or damaged else CopyStatus.IN


def write_report(
    uow: UnitOfWork, actor: Actor, incident_id: int, report: str, responsible: str, version: int
) -> IncidentView:
    """Write down what happened and who answers for it, while the incident is open."""
    require(actor, "loan.desk")
    row = _get(uow, incident_id)
    _check_open(row, version)
    row.report = _clean(report, "report", "经过", MOST_REPORT, least=4)
    row.responsible = _clean(responsible, "responsible", "责任人", MOST_NAME, least=2)
    _flush(uow)
    uow.journal(actor.id, "loan.incident_report", "loan_incident", row.id, {"loan": row.loan_id})
    return _views(uow, actor, [row])[0]


def close_incident(
    uow: UnitOfWork, actor: Actor, incident_id: int, outcome: str, decision: str, version: int
) -> IncidentView:
    """Decide and close; a loss closes the loan, anything else puts the copy back on the shelf.

    Raises Forbidden for the borrower's own case, Invalid without a report or for an outcome that
    cannot be, Conflict when it is closed or was changed since.
    """
    require(actor, "loan.incident")
    row = _get(uow, incident_id)
    _check_open(row, version)
    loan = uow.session.get_one(Loan, row.loan_id)
    if loan.borrower_id == actor.id:
        raise Forbidden("不能处理自己借阅的事故，请由另一位负责人办理。")
    may = outcomes(row.kind, loan.returned_at is None)
    if outcome not in may:
        words = "、".join(one.label for one in may)
        raise Invalid(f"现在可以定为：{words}。", {"outcome": "请选择处理结果"})
    if len(row.report) < 2:
        raise Invalid("请先写明经过，再作处理决定。", {"report": "请写明经过"})
    chosen = Outcome(outcome)
    _close(uow, actor, row, chosen, _clean(decision, "decision", "处理决定", MOST_REPORT, least=2))
    _follow(uow, actor, loan, chosen)
    return _views(uow, actor, [row])[0]


def get_incident(uow: UnitOfWork, actor: Actor, incident_id: int) -> IncidentView:
    """Return an incident for those who keep the register, or for its borrower; NotFound."""
    row = _get(uow, incident_id)
    loan = uow.session.get_one(Loan, row.loan_id)
    if loan.borrower_id != actor.id:
        require(actor, "loan.register")
    return _views(uow, actor, [row])[0]


def list_incidents(
    uow: UnitOfWork, actor: Actor, *, state: str = "open", page: int = 1, per_page: int = 20
) -> Page[IncidentView]:
    """Return incidents (``state``: open, closed or all), the newest first."""
    require(actor, "loan.register")
    query = select(LoanIncident)
    if state == "open":
        query = query.where(LoanIncident.closed_at.is_(None))
    elif state == "closed":
        query = query.where(LoanIncident.closed_at.is_not(None))
    elif state != "all":
        raise Invalid("没有这种状态。", {"state": "应为 open、closed 或 all"})
    page, per_page = clean_paging(page, per_page)
    total = uow.session.scalar(_count(query)) or 0
    rows = uow.session.scalars(
        query.order_by(LoanIncident.id.desc()).limit(per_page).offset((page - 1) * per_page)
    )
    return Page(_views(uow, actor, list(rows)), total, page, per_page)


def incidents_of(uow: UnitOfWork, actor: Actor, loan_id: int) -> tuple[IncidentView, ...]:
    """Return the incidents of a loan whose request the caller may see."""
    rows = uow.session.scalars(
        select(LoanIncident).where(LoanIncident.loan_id == loan_id).order_by(LoanIncident.id)
    )
    return _views(uow, actor, list(rows))


def _count(query: Select[LoanIncident]) -> Select[int]:
    return select(func.count()).select_from(query.subquery())


def _follow(uow: UnitOfWork, actor: Actor, loan: Loan, outcome: Outcome) -> None:
    """Let loan and copy follow a decision, and serve whoever waits for the copy."""
    request = lookup.get_row(uow, loan.request_id)
    if loan.returned_at is None:
        _end_lost(uow, actor, loan, request)
    copy = filing.get_copy(uow, loan.copy_id)
    after = status_after(outcome, bool(_open_of(uow, loan.id)))
    if copy.status != after and not _is_out_again(uow, loan):
        filing.set_copy_status(uow, actor, copy.id, after)
    settle(uow, request.item_id)


def _end_lost(uow: UnitOfWork, actor: Actor, loan: Loan, request: LoanRequest) -> None:
    loan.returned_at, loan.received_by, loan.pages_in = uow.now(), actor.id, 0
    loan.intact, loan.condition = False, "遗失，未归还。"
    request.state = RequestState.CLOSED
    _flush(uow)
    detail = {"request": request.id, "copy": loan.copy_id}
    uow.journal(actor.id, "loan.lost", "loan", loan.id, detail)


def _is_out_again(uow: UnitOfWork, loan: Loan) -> bool:
    """Whether the copy was lent to somebody else since."""
    later = select(Loan.id).where(Loan.copy_id == loan.copy_id, Loan.returned_at.is_(None))
    return uow.session.scalar(later.limit(1)) is not None


def _close(
    uow: UnitOfWork, actor: Actor, row: LoanIncident, outcome: Outcome, decision: str
) -> None:
    row.outcome, row.decision = outcome, decision
    row.closed_at, row.closed_by = uow.now(), actor.id
    _flush(uow)
    detail = {"outcome": str(outcome), "loan": row.loan_id}
    uow.journal(actor.id, "loan.incident_closed", "loan_incident", row.id, detail)


def _open_of(uow: UnitOfWork, loan_id: int) -> list[LoanIncident]:
    return list(uow.session.scalars(_OPEN, {"loan": loan_id}))


def _tell_archive(uow: UnitOfWork, row: LoanIncident, loan: Loan) -> None:
    request = lookup.get_row(uow, loan.request_id)
    what = f"{name_of_item(uow, request.item_id)}（{request.number}）"
    text = f"{what}：{IncidentKind(row.kind).label}，已登记 {row.number}，请查明并作处理决定。"
    for person in people.actors_with_role(uow, "archive_head"):
        key = f"incident:{row.id}:{person.id}"
        tell(uow, person.id, "incident", key, text, request.id)


def _get(uow: UnitOfWork, incident_id: int) -> LoanIncident:
    row = (
        uow.session.get(LoanIncident, incident_id) if 0 < incident_id <= lookup.LARGEST_ID else None
    )
    if row is None:
        raise NotFound("没有这份遗失损坏报告，或者您无权查看。")
    return row


def _check_open(row: LoanIncident, version: int) -> None:
    if row.closed_at is not None:
        raise Conflict(f"{row.number} 已经办结，不能再改。")
    if row.row_version != version:
        raise Conflict(f"{row.number} 刚有变化，请刷新后再办理。")


def _flush(uow: UnitOfWork) -> None:
    try:
        uow.session.flush()
    except (IntegrityError, StaleDataError):
        raise Conflict("这份报告刚被另一处办理，请刷新后再试。") from None


def _clean(text: str, name: str, label: str, most: int, least: int) -> str:
    cleaned = text.replace("\r\n", "\n").strip()
    fault = forbidden_mark(cleaned)
    if len(cleaned) < least:
        fault = f"至少 {least} 个字"
    elif len(cleaned) > most:
        fault = f"最多 {most} 个字，现在有 {len(cleaned)} 个字"
    if fault:
        raise Invalid(f"{label}有误：{fault}。", {name: fault})
    return cleaned


def _views(uow: UnitOfWork, viewer: Actor, rows: list[LoanIncident]) -> tuple[IncidentView, ...]:
    loans = list(
        uow.session.scalars(select(Loan).where(Loan.id.in_({row.loan_id for row in rows})))
    )
    views = {one.id: one for one in lookup.loan_views(uow, viewer, loans)}
    ids = {row.opened_by for row in rows} | {row.closed_by for row in rows}
    people_found = select(User.id, User.name).where(User.id.in_(ids))
    names = {row.id: row.name for row in uow.session.execute(people_found)}
    return tuple(
        IncidentView(
            id=row.id,
            number=row.number,
            kind=row.kind,
            opened_at=row.opened_at,
            opened_by_name=names.get(row.opened_by, "系统"),
            report=row.report,
            responsible=row.responsible,
            outcome=row.outcome or "",
            decision=row.decision,
            closed_at=row.closed_at,
            closed_by_name=names.get(row.closed_by, ""),
            version=row.row_version,
            loan=views[row.loan_id],
            may_become=outcomes(row.kind, views[row.loan_id].is_open) if not row.closed_at else (),
        )
        for row in rows
    )


_OPEN = (
    select(LoanIncident)
    .where(LoanIncident.loan_id == bindparam("loan"), LoanIncident.closed_at.is_(None))
    .order_by(LoanIncident.id)
)

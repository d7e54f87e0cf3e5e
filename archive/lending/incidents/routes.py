"""The pages of incidents: the list, one incident with its report and decision, its paper A11."""

from apiflask import APIBlueprint
from flask import Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from archive.core.errors import ArchiveError, Conflict, Forbidden, Invalid
from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet
from archive.core.web import reading, resources, work
from archive.documents.service import MEDIA_TYPES
from archive.filing.paper_files import paper_response
from archive.lending.incidents import service
from archive.lending.incidents.papers import incident_paper
from archive.lending.incidents.service import IncidentView
from archive.lending.views import LoanView
from archive.people.gate import actor, guard

pages = APIBlueprint(
    "incidents",
    __name__,
    url_prefix="/loans",
    template_folder="templates",
    enable_openapi=False,
)

STATES = {"open": "未办结", "closed": "已办结", "all": "全部"}
Answer = str | tuple[str, int] | AnyResponse
COLUMNS: tuple[ListColumn[IncidentView], ...] = (
    ListColumn("报告号", lambda one: one.number, 14),
    ListColumn("种类", lambda one: one.kind_label, 10),
    ListColumn("登记时间", lambda one: one.opened_at, 18),
    ListColumn("档号", lambda one: one.loan.item_code, 30),
    ListColumn("题名", lambda one: one.loan.item_title, 40),
    ListColumn("条码", lambda one: one.loan.barcode, 16),
    ListColumn("借阅人", lambda one: one.loan.borrower_name, 12),
    ListColumn("部门", lambda one: one.loan.borrower_department, 14),
    ListColumn("经过", lambda one: one.report, 40),
    ListColumn("责任人", lambda one: one.responsible, 12),
    ListColumn("处理结果", lambda one: one.outcome_label, 14),
    ListColumn("处理决定", lambda one: one.decision, 40),
    ListColumn("办结时间", lambda one: one.closed_at, 18),
)


@pages.get("/incidents")
@guard("loan.register")
def listing() -> Answer:
    """List what went wrong in lending, what is open first of all."""
    state = request.args.get("state", "open")
    state = state if state in STATES else "open"
    with reading() as uow:
        if wants_sheet():
            return list_sheet(
                "遗失损坏登记",
                COLUMNS,
                lambda n, size: service.list_incidents(
                    uow, actor(), state=state, page=n, per_page=size
                ),
            )
        page = service.list_incidents(
            uow, actor(), state=state, page=request.args.get("page", 1, int)
        )
    return render_template("incidents/list.html", page=page, state=state, states=STATES)


@pages.get("/incidents/<int:incident_id>")
@guard("loan.list")
def show(incident_id: int) -> str:
    """Show one incident."""
    return _show(incident_id)


@pages.post("/incidents/<int:incident_id>/report")
@guard("loan.desk")
def write_report(incident_id: int) -> Answer:
    """Write down what happened and who answers for it."""
    form = request.form
    try:
        with work() as uow:
            service.write_report(
                uow,
                actor(),
                incident_id,
                form.get("report", ""),
                form.get("responsible", ""),
                form.get("version", 0, int),
            )
            uow.commit()
    except (Invalid, Conflict) as refusal:
        return _show(incident_id, refusal), 422
    flash("经过已保存。", "success")
    return redirect(url_for("incidents.show", incident_id=incident_id))


@pages.post("/incidents/<int:incident_id>/close")
@guard("loan.incident")
def close(incident_id: int) -> Answer:
    """Decide and close."""
    form = request.form
    try:
        with work() as uow:
            view = service.close_incident(
                uow,
                actor(),
                incident_id,
                form.get("outcome", ""),
                form.get("decision", ""),
                form.get("version", 0, int),
            )
            uow.commit()
    except (Invalid, Conflict, Forbidden) as refusal:
        return _show(incident_id, refusal), 422
    flash(f"{view.number} 已办结：{view.outcome_label}。", "success")
    return redirect(url_for("incidents.show", incident_id=incident_id))


@pages.post("/<int:request_id>/loss")
@guard("loan.list")
def report_loss(request_id: int) -> AnyResponse:
    """Report that what is out is lost."""
    try:
        with work() as uow:
            view = service.report_loss(uow, actor(), request_id, request.form.get("report", ""))
            uow.commit()
    except (Invalid, Conflict) as refusal:
        flash(refusal.message, "danger")
        return redirect(url_for("lending.show", request_id=request_id))
    flash(f"已登记遗失 {view.number}，请等档案负责人处理；找到了请马上归还。", "warning")
    return redirect(url_for("lending.show", request_id=request_id))


@pages.get("/incidents/<int:incident_id>/A11.<any(docx, pdf):kind>")
@guard("loan.list")
def paper(incident_id: int, kind: str) -> Response:
    """Hand out the incident's report (A11)."""
    with reading() as uow:
        found = incident_paper(uow, actor(), incident_id)
    return paper_response(resources(), found, kind, MEDIA_TYPES[kind])


@pages.app_template_global("incidents_of")
def incidents_of(loan: LoanView) -> tuple[IncidentView, ...]:
    """Return the incidents of a loan for the page of its request."""
    with reading() as uow:
        return service.incidents_of(uow, actor(), loan.id)


def _show(incident_id: int, refusal: ArchiveError | None = None) -> str:
    with reading() as uow:
        view = service.get_incident(uow, actor(), incident_id)
    return render_template(
        "incidents/show.html", incident=view, refusal=refusal, typed=request.form
    )

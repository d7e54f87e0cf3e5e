"""Pages of what happens while a paper is out: renewing, recalling, notices read."""

from apiflask import APIBlueprint
from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from archive.core.clock import show_day
from archive.core.errors import Conflict, Invalid
from archive.core.web import reading, work
from archive.lending import service
from archive.lending.recalls import AtHome
from archive.lending.views import Refused
from archive.people.gate import actor, guard

pages = APIBlueprint("circulation", __name__, url_prefix="/loans", enable_openapi=False)

LARGEST_ID = 2**63 - 1


@pages.post("/notices/read")
@guard("loan.list")
def read_notices() -> Response:
    """Note that one has read one's notices up to the one shown first."""
    up_to = request.form.get("up_to", 0, int)
    with work() as uow:
        service.mark_read(uow, actor(), min(max(up_to, 0), LARGEST_ID))
        uow.commit()
    return redirect(url_for("lending.mine"))


@pages.post("/<int:request_id>/renew")
@guard("loan.request")
def renew(request_id: int) -> Response:
    """Renew one's own loan; a refusal is kept and shown with every reason."""
    try:
        with work() as uow:
            outcome = service.renew(uow, actor(), request_id)
            uow.commit()
    except Conflict as refusal:
        flash(refusal.message, "danger")
        return _back(request_id)
    if isinstance(outcome, Refused):
        flash(outcome.message, "danger")
    elif outcome.waits_for:
        flash(f"续借已提出，等{outcome.waits_for.who}审批；批准前仍按原日期。", "success")
    else:
        flash(f"已续借，应于{show_day(outcome.due) if outcome.due else ''}归还。", "success")
    return _back(request_id)


@pages.post("/<int:request_id>/recall")
@guard("loan.desk")
def recall(request_id: int) -> Response:
    """Ask a lent copy back, with the reason."""
    try:
        with work() as uow:
            view = service.recall(uow, actor(), request_id, request.form.get("reason", ""))
            uow.commit()
    except (Invalid, Conflict) as refusal:
        flash(refusal.message, "danger")
        return _back(request_id)
    flash(
        f"已催回并通知{view.borrower_name}，应于{show_day(view.due) if view.due else ''}归还。",
        "success",
    )
    return _back(request_id)


@pages.app_template_global("loans_at_home")
def loans_at_home() -> dict[int, tuple[AtHome, ...]]:
    """Return what everybody has out, by person, for the pages where people are managed."""
    with reading() as uow:
        return service.at_home(uow, actor())


def _back(request_id: int) -> Response:
    return redirect(url_for("lending.show", request_id=request_id))

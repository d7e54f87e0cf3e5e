"""Making the paper that corrects a signed one, and giving that up again: pages' acts."""

from apiflask import APIBlueprint
from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import Conflict, Invalid
from archive.core.web import work
from archive.filing.versions import service
from archive.people.gate import actor, guard
from archive.records import service as records

pages = APIBlueprint("corrections", __name__, url_prefix="/records", enable_openapi=False)


@pages.post("/<int:record_id>/correct")
@guard("record.read")
def make(record_id: int) -> Response:
    """Make the correcting draft and open it."""
    try:
        with work() as uow:
            made = service.correct_record(uow, actor(), record_id, request.form.get("reason", ""))
            uow.commit()
    except (Invalid, Conflict) as refusal:
        flash(refusal.message, "danger")
        return redirect(url_for("records.show", record_id=record_id))
    flash("更正件已照原件填好，改正后提交签核；签完以后两份互相注明。", "success")
    return redirect(url_for("records.edit", record_id=made.id))


@pages.post("/<int:record_id>/uncorrect")
@guard("record.read")
def drop(record_id: int) -> Response:
    """Let the draft be an ordinary paper again."""
    try:
        with work() as uow:
            records.drop_correction(uow, actor(), record_id)
            uow.commit()
    except Conflict as refusal:
        flash(refusal.message, "danger")
    else:
        flash("这份草稿不再作为更正件，原件可以另行更正。", "success")
    return redirect(url_for("records.show", record_id=record_id))

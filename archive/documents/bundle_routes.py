"""Pages and the call that turn a choice of records into one file: a ZIP, or one PDF."""

from apiflask import APIBlueprint
from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.web import reading, work
from archive.documents.bundle import MAKES, MOST_RECORDS, start_bundle
from archive.people.gate import actor, guard
from archive.records.selection import matching, read_filters, read_ids
from archive.tasks.service import TaskView

pages = APIBlueprint(
    "documents_bundle",
    __name__,
    url_prefix="/records",
    template_folder="templates",
    enable_openapi=False,
)


@pages.post("/bundle")
@guard("record.list")
def choose() -> str | Response:
    """Show what can be made of the records chosen; make it when that was said already."""
    ids = _chosen()
    make = request.form.get("make", "")
    if make or not ids:
        return redirect(url_for("tasks.show", task_id=_start(ids, make).id))
    return render_template("documents/bundle.html", ids=ids, makes=MAKES, most=MOST_RECORDS)


def _chosen() -> tuple[int, ...]:
    if request.form.get("all") != "1":
        return read_ids(request.form.getlist("ids"))
    with reading() as uow:
        found = matching(uow, actor(), read_filters(request.form), MOST_RECORDS)
    return tuple(record.id for record in found)


def _start(ids: tuple[int, ...], make: str) -> TaskView:
    with work() as uow:
        task = start_bundle(uow, actor(), ids, make)
        uow.commit()
    return task

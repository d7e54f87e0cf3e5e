"""Pages of one's tasks: the list, one with its live bar, its files; stop and go on."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from archive.core.web import reading, resources, work
from archive.people.gate import actor, guard
from archive.tasks import service
from archive.tasks.downloads import file_answer
from archive.tasks.service import TaskView

pages = APIBlueprint(
    "tasks",
    __name__,
    url_prefix="/tasks",
    template_folder="templates",
    static_folder="static",
    enable_openapi=False,
)


@pages.get("")
@guard("self")
def mine() -> str:
    """List one's tasks."""
    with reading() as uow:
        page = service.list_tasks(uow, actor(), request.args.get("page", 1, type=int))
    return render_template("tasks/list.html", page=page)


@pages.get("/<int:task_id>")
@guard("self")
def show(task_id: int) -> str:
    """Show how far a task is; the page keeps itself up to date."""
    with reading() as uow:
        task = service.get_task(uow, actor(), task_id)
    return render_template("tasks/show.html", task=task)


@pages.get("/<int:task_id>/progress.json")
@guard("self")
def progress(task_id: int) -> dict[str, Any]:
    """Return how far a task is, for the live bar."""
    with reading() as uow:
        task = service.get_task(uow, actor(), task_id)
    return as_json(task)


@pages.post("/<int:task_id>/stop")
@guard("self")
def stop(task_id: int) -> AnyResponse:
    """Ask a task to stop."""
    with work() as uow:
        service.stop_task(uow, actor(), task_id)
        uow.commit()
    return redirect(url_for(".show", task_id=task_id))


@pages.post("/<int:task_id>/resume")
@guard("self")
def resume(task_id: int) -> AnyResponse:
    """Go on with a task that was stopped or failed."""
    with work() as uow:
        service.resume_task(uow, actor(), task_id)
        uow.commit()
    return redirect(url_for(".show", task_id=task_id))


@pages.get("/<int:task_id>/files/<int:file_id>")
@guard("self")
def download(task_id: int, file_id: int) -> Response:
    """Give out a file the task made."""
    with reading() as uow:
        found = service.get_file(uow, actor(), task_id, file_id)
    return file_answer(resources(), found)


def as_json(task: TaskView) -> dict[str, Any]:
    """Return a task as scripts see it."""
    return {
        "id": task.id,
        "state": task.state,
        "state_label": task.state_label,
        "done": task.done,
        "total": task.total,
        "percent": task.percent,
        "message": task.message,
        "ended": task.has_ended,
        "next": str(task.result.get("next", "")),
    }

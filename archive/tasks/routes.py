"""Pages of one's tasks: the list, one with its live bar, its files; stop and go on."""

from functools import partial
from typing import Any

from apiflask import APIBlueprint
from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet
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

_COLUMNS: tuple[ListColumn[TaskView], ...] = (
    ListColumn("任务", lambda task: task.title, 40),
    ListColumn("状态", lambda task: task.state_label, 12),
    ListColumn("做完", lambda task: task.done, 8),
    ListColumn("共", lambda task: task.total, 8),
    ListColumn("说明", lambda task: task.message, 40),
    ListColumn("发起时间", lambda task: task.created_at, 18),
    ListColumn("开始时间", lambda task: task.started_at, 18),
    ListColumn("结束时间", lambda task: task.ended_at, 18),
)


@pages.get("")
@guard("self")
def mine() -> str | AnyResponse:
    """List one's tasks."""
    with reading() as uow:
        read_page = partial(service.list_tasks, uow, actor())
        if wants_sheet():
            return list_sheet("我的任务", _COLUMNS, read_page)
        page = read_page(request.args.get("page", 1, type=int))
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

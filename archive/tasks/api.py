"""One's tasks for programs, under /api/v1/tasks."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from archive.core.calls import Closed
from archive.core.described import Instant
from archive.core.web import reading, resources, work
from archive.people.gate import actor, guard
from archive.tasks import service
from archive.tasks.downloads import file_answer
from archive.tasks.service import PART, TaskView

api = APIBlueprint("tasks_api", __name__, url_prefix="/api/v1/tasks", tag="tasks")


class TaskFileBody(BaseModel):
    """A file the task read or made; ``url`` gives it out."""

    id: int
    role: str
    name: str
    size: int
    media_type: str
    sha256: str
    url: str


class TaskBody(BaseModel):
    """A task: its state, how far it is, what came of it."""

    id: int
    kind: str
    title: str
    state: str
    state_label: str
    done: int
    total: int
    percent: int
    message: str
    result: dict[str, Any]
    files: list[TaskFileBody]
    created_at: Instant
    started_at: Instant | None
    ended_at: Instant | None


class TaskQuery(Closed):
    """Paging of the list."""

    page: int = Field(default=1, ge=1, le=1_000_000)
    per_page: int = Field(default=20, ge=1, le=100)


class TaskList(BaseModel):
    """A page of one's tasks, newest first."""

    items: list[TaskBody]
    total: int
    page: int
    pages: int


@api.get("")
@api.doc(summary="我的任务")
@api.input(TaskQuery, location="query", arg_name="query")
@api.output(TaskList)
@guard("self")
def tasks(query: TaskQuery) -> TaskList:
    """List one's tasks."""
    with reading() as uow:
        page = service.list_tasks(uow, actor(), query.page, query.per_page)
    items = [task_body(task) for task in page.items]
    return TaskList(items=items, total=page.total, page=page.page, pages=page.pages)


@api.get("/<int:task_id>")
@api.doc(summary="一项任务的进度")
@api.output(TaskBody)
@guard("self")
def task(task_id: int) -> TaskBody:
    """Return how far one's task is."""
    with reading() as uow:
        return task_body(service.get_task(uow, actor(), task_id))


@api.post("/<int:task_id>/stop")
@api.doc(summary="停下任务")
@api.output(TaskBody)
@guard("self")
def stop(task_id: int) -> TaskBody:
    """Ask a task to stop."""
    with work() as uow:
        stopped = service.stop_task(uow, actor(), task_id)
        uow.commit()
    return task_body(stopped)


@api.post("/<int:task_id>/resume")
@api.doc(summary="继续任务")
@api.output(TaskBody)
@guard("self")
def resume(task_id: int) -> TaskBody:
    """Go on with a task that was stopped or failed."""
    with work() as uow:
        resumed = service.resume_task(uow, actor(), task_id)
        uow.commit()
    return task_body(resumed)


@api.get("/<int:task_id>/files/<int:file_id>")
@api.doc(summary="下载任务的文件")
@guard("self")
def download(task_id: int, file_id: int) -> Response:
    """Give out a file of the task."""
    with reading() as uow:
        found = service.get_file(uow, actor(), task_id, file_id)
    return file_answer(resources(), found)


def task_body(view: TaskView) -> TaskBody:
    """Return a task as the API shows it."""
    return TaskBody(
        id=view.id,
        kind=view.kind,
        title=view.title,
        state=view.state,
        state_label=view.state_label,
        done=view.done,
        total=view.total,
        percent=view.percent,
        message=view.message,
        result=dict(view.result),
        files=[
            TaskFileBody(
                id=one.id,
                role=one.role,
                name=one.name,
                size=one.size,
                media_type=one.media_type,
                sha256=one.sha256,
                url=f"/api/v1/tasks/{view.id}/files/{one.id}",
            )
            for one in view.files
            if one.role != PART
        ],
        created_at=view.created_at,
        started_at=view.started_at,
        ended_at=view.ended_at,
    )

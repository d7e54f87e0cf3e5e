"""The page's and the program's way to a dossier; it is made as a task."""

from typing import Literal

from apiflask import APIBlueprint
from flask import redirect, url_for
from pydantic import BaseModel
from werkzeug.wrappers import Response

from archive.core.calls import Strict
from archive.core.web import work
from archive.filing.dossier.work import start_dossier
from archive.people.gate import actor, guard
from archive.tasks.service import TaskView

pages = APIBlueprint("dossier", __name__, enable_openapi=False)
api = APIBlueprint("dossier_api", __name__, url_prefix="/api/v1", tag="items")


class DossierIn(Strict):
    """Of what: a customer, a volume, or the order an item belongs to."""

    scope: Literal["customer", "volume", "order"]
    id: int


class DossierTask(BaseModel):
    """The task that makes the dossier; ask its ``url`` how far it is, and for the file."""

    id: int
    state: str
    url: str


@pages.post("/dossiers/<any(customer, volume, order):scope>/<int:number>")
@guard("item.list")
def make(scope: str, number: int) -> Response:
    """Start making a dossier and show its progress."""
    return redirect(url_for("tasks.show", task_id=_start(scope, number).id))


@api.post("/dossiers")
@api.doc(summary="把一个客户、一个案卷或一份订单的文件装订成一个 PDF（目录、书签、页码）")
@api.input(DossierIn, location="json", arg_name="asked")
@api.output(DossierTask, status_code=202)
@guard("item.list")
def make_by_call(asked: DossierIn) -> DossierTask:
    """Start making a dossier."""
    task = _start(asked.scope, asked.id)
    return DossierTask(id=task.id, state=task.state, url=f"/api/v1/tasks/{task.id}")


def _start(scope: str, number: int) -> TaskView:
    with work() as uow:
        task = start_dossier(uow, actor(), scope, number)
        uow.commit()
    return task

"""The page's and the program's way to a package of filed items; it is made as a task."""

from typing import Literal

from apiflask import APIBlueprint
from flask import redirect, request, url_for
from pydantic import BaseModel, ConfigDict
from werkzeug.wrappers import Response

from archive.core.web import work
from archive.filing.packages.making import start_package
from archive.people.gate import actor, guard
from archive.tasks.service import TaskView

pages = APIBlueprint("packages", __name__, enable_openapi=False)
api = APIBlueprint("packages_api", __name__, url_prefix="/api/v1", tag="items")


class PackageIn(BaseModel):
    """Of what: an item, a volume, or all that is filed of a customer."""

    model_config = ConfigDict(strict=True, extra="forbid")

    scope: Literal["item", "volume", "customer"]
    id: int
    make: Literal["bag", "xml"] = "bag"


class PackageTask(BaseModel):
    """The task that makes the package; ask its ``url`` how far it is."""

    id: int
    state: str
    url: str


@pages.post("/packages/<any(item, volume, customer):scope>/<int:number>")
@guard("item.package")
def make(scope: str, number: int) -> Response:
    """Start making a package and show its progress."""
    task = _start(scope, number, request.form.get("make", "bag"))
    return redirect(url_for("tasks.show", task_id=task.id))


@api.post("/packages")
@api.doc(summary="把一件、一个案卷或一个客户的档案做成封装包（BagIt，或 DA/T 48 的 XML）")
@api.input(PackageIn, location="json", arg_name="asked")
@api.output(PackageTask, status_code=202)
@guard("item.package")
def make_by_call(asked: PackageIn) -> PackageTask:
    """Start making a package."""
    task = _start(asked.scope, asked.id, asked.make)
    return PackageTask(id=task.id, state=task.state, url=f"/api/v1/tasks/{task.id}")


def _start(scope: str, number: int, make: str) -> TaskView:
    with work() as uow:
        task = start_package(uow, actor(), scope, number, make)
        uow.commit()
    return task

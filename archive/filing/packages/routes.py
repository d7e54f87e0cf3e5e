"""The page's and the program's way to packages: made of filed items, and brought in; as tasks."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from pydantic import BaseModel
from werkzeug.wrappers import Response

from archive.core.calls import Strict
from archive.core.described import upload as upload_of
from archive.core.errors import Invalid
from archive.core.web import resources, work
from archive.filing.packages.making import start_package
from archive.filing.packages.receiving import SUFFIXES, start_receiving, suffix_of
from archive.people.gate import actor, guard
from archive.tasks.service import TaskView

pages = APIBlueprint("packages", __name__, template_folder="../templates", enable_openapi=False)
api = APIBlueprint("packages_api", __name__, url_prefix="/api/v1", tag="items")


class PackageIn(Strict):
    """Of what: an item, a volume, or all that is filed of a customer."""

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


@pages.get("/filing/receive")
@guard("filing.import")
def receive() -> str:
    """Offer to import a package, a list of lines or a form's sheet."""
    return render_template("packages/receive.html", errors={})


@pages.post("/filing/receive")
@guard("filing.import")
def receive_post() -> str | tuple[str, int] | Response:
    """Keep the file and import it as a task."""
    try:
        task = _receive()
    except Invalid as refusal:
        flash(refusal.message, "danger")
        return render_template("packages/receive.html", errors=refusal.fields), 422
    return redirect(url_for("tasks.show", task_id=task.id))


@api.post("/imports")
@api.doc(
    summary="导入封装包（.zip、.xml）、清单（.jsonl）或表单的 .xlsx：multipart 的 file",
    extensions=upload_of("file"),
)
@api.output(PackageTask, status_code=202)
@guard("filing.import")
def receive_by_call() -> PackageTask:
    """Import an uploaded file; ask the task how far it is."""
    task = _receive()
    return PackageTask(id=task.id, state=task.state, url=f"/api/v1/tasks/{task.id}")


def _receive() -> TaskView:
    sent = request.files.get("file")
    if sent is None or not sent.filename:
        raise Invalid("请选择要导入的文件。", {"file": "没有选择文件"})
    suffix = suffix_of(sent.filename)
    with TemporaryDirectory(prefix="upload-") as folder:
        path = Path(folder, "file")
        sent.save(path)
        if not path.stat().st_size:
            raise Invalid("文件是空的，请重新选择。", {"file": "文件是空的"})
        ref = resources().blobs.put_file(path, SUFFIXES[suffix])
    with work() as uow:
        task = start_receiving(uow, actor(), sent.filename, ref)
        uow.commit()
    return task


def _start(scope: str, number: int, make: str) -> TaskView:
    with work() as uow:
        task = start_package(uow, actor(), scope, number, make)
        uow.commit()
    return task

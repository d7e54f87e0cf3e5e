"""Many records at once for programs: a form's sheet, and its upload as a task."""

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import BaseModel

from archive.core.answers import sheet_answer
from archive.core.described import upload as upload_of
from archive.core.errors import Invalid, TooLarge
from archive.core.sheet_reader import MAX_BYTES
from archive.core.web import reading, resources, work
from archive.forms.service import get_form
from archive.people.gate import actor, guard
from archive.records import batch
from archive.records.excel import blank_workbook

api = APIBlueprint("records_batch_api", __name__, url_prefix="/api/v1", tag="records")
FLAGS = {"true": True, "1": True, "false": False, "0": False, "": False}
SWITCHES = ("only_good", "again", "skip_hidden", "check_only")
MAKES = ("word", "pdf", "both", "merged", "duplex")


class StartedTask(BaseModel):
    """A task that was started; ask its ``url`` how far it is."""

    id: int
    state: str
    url: str


@api.get("/forms/<code>/sheet.xlsx")
@api.doc(summary="一种表单的导入空表", tags=["forms"])
@guard("record.create")
def sheet(code: str) -> Response:
    """Give out a form's sheet to fill in."""
    with reading() as uow:
        form = get_form(uow, code)
    return sheet_answer(blank_workbook(form), f"{form.code}.xlsx")


@api.post("/forms/<code>/import")
@api.doc(
    summary="上传填好的表格（multipart 的 file）；检查后没有问题就导入，重复的行不重复导入",
    tags=["forms"],
    extensions=upload_of("file", options=("then", *SWITCHES)),
)
@api.output(StartedTask, status_code=202)
@guard("record.create")
def upload(code: str) -> StartedTask:
    """Check a filled sheet and import it: all of it or nothing, or with only_good the good rows."""
    file = request.files.get("file")
    if file is None:
        raise Invalid("请用 multipart 的 file 上传表格。", {"file": "没有文件"})
    content = file.stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise TooLarge(f"表格太大，最多 {MAX_BYTES >> 20} MB。")
    then = request.form.get("then", "")
    if then and then not in MAKES:
        raise Invalid("then 不对。", {"then": f"只能是 {'、'.join(MAKES)}"})
    choice = batch.Choice(
        only_good=_flag("only_good"),
        again=_flag("again"),
        skip_hidden=_flag("skip_hidden"),
        then=(then,) if then else (),
    )
    check_only = _flag("check_only")
    with reading() as uow:
        get_form(uow, code)
    ref = resources().blobs.put(content, "application/octet-stream")
    with work() as uow:
        task = batch.start_check(
            uow, actor(), code, file.filename or "", ref, None if check_only else choice
        )
        uow.commit()
    return StartedTask(id=task.id, state=task.state, url=f"/api/v1/tasks/{task.id}")


def _flag(name: str) -> bool:
    typed = request.form.get(name, "")
    if typed not in FLAGS:
        raise Invalid(f"{name} 不对。", {name: "应为 true 或 false"})
    return FLAGS[typed]

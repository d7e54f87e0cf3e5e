"""Intake batches through the API: made, filled, described, split, registered, put away."""

from apiflask import APIBlueprint
from flask import request
from pydantic import BaseModel, Field

from archive.core.calls import Closed, FromView, Strict
from archive.core.described import Instant
from archive.core.described import upload as upload_of
from archive.core.errors import Invalid
from archive.core.web import reading, resources, work
from archive.filing.incoming import service
from archive.filing.incoming.cutting import start_split
from archive.filing.incoming.edge import Upload, receive
from archive.filing.incoming.registering import start_register
from archive.filing.incoming.rules import LARGEST_FILE
from archive.people.gate import actor, guard
from archive.tasks.service import TaskView

api = APIBlueprint("incoming_api", __name__, url_prefix="/api/v1/intake-batches", tag="items")
LARGEST = 2**31 - 1
MOST_CHANGES = 500


class CommonBody(Strict):
    """What all papers of a batch have in common; ``year`` 0 means that of each paper's date."""

    item_class: str = ""
    form: str = ""
    customer: str = ""
    date: str = ""
    year: int = 0
    secrecy: str = "内部"
    carrier: str = "electronic"
    copy_reason: str = ""
    original_place: str = ""


class BatchIn(Strict):
    """A new batch."""

    title: str
    department_id: int | None = Field(default=None, ge=1, le=LARGEST)
    common: CommonBody = CommonBody()


class BatchEdit(BatchIn):
    """A batch's name and common values, changed from the version seen."""

    version: int


class OwnBody(Strict):
    """What a paper says of itself; empty customer, date and class mean the batch's."""

    title: str
    number: str = ""
    date: str = ""
    customer: str = ""
    item_class: str = ""


class FileEdit(Strict):
    """A file's own values, changed from the version seen; ``again``: why kept once more."""

    id: int = Field(ge=1, le=LARGEST)
    version: int
    own: OwnBody
    again: str = ""


class FilesEdit(Strict):
    """Changes of several files, all or nothing."""

    files: list[FileEdit] = Field(max_length=MOST_CHANGES)


class DismissIn(Strict):
    """Files that are not taken in, and why."""

    files: list[int] = Field(min_length=1, max_length=MOST_CHANGES)
    reason: str


class CloseIn(Strict):
    """Why a batch is given up; empty when nothing waits any more."""

    reason: str = ""


class FilesQuery(Closed):
    """Which files of a batch."""

    state: str = ""
    page: int = Field(default=1, ge=1, le=1_000_000)
    per_page: int = Field(default=50, ge=1, le=100)


class BatchesQuery(FilesQuery):
    """Which batches."""


class CommonOut(FromView):
    """The common values; ``secrecy`` is a rank, 0 公开 to 3 机密."""

    item_class: str
    form: str
    customer: str
    date: str
    year: int
    secrecy: int
    carrier: str
    copy_reason: str
    original_place: str


class IntakeBatchOut(FromView):
    """A batch and how many files it has."""

    id: int
    title: str
    source: str
    state: str
    department_id: int | None
    department_name: str
    common: CommonOut
    made_name: str
    made_at: Instant
    version: int
    waiting: int
    registered: int
    refused: int
    total: int


class IntakeBatchPage(BaseModel):
    """A page of batches, newest first."""

    items: list[IntakeBatchOut]
    total: int
    page: int
    pages: int


class OwnOut(FromView):
    """A paper's own values."""

    title: str
    number: str
    date: str
    customer: str
    item_class: str


class IntakeFileOut(FromView):
    """A file of a batch; ``twins``: where the same bytes are already."""

    id: int
    parent_id: int | None
    name: str
    digest: str
    size: int
    media_type: str
    pages: int
    state: str
    own: OwnOut
    suggested: str
    again: str
    note: str
    item_id: int | None
    version: int
    twins: list[str]


class IntakeFilePage(BaseModel):
    """A page of a batch's files, in the order they came."""

    items: list[IntakeFileOut]
    total: int
    page: int
    pages: int


class ReceivedOut(FromView):
    """What became of one upload."""

    name: str
    file_id: int
    refused: str
    was_here: bool


class ReceivedList(BaseModel):
    """What became of each upload, in their order."""

    files: list[ReceivedOut]


class CountOut(BaseModel):
    """How many files it was done to."""

    count: int


class IntakeTask(BaseModel):
    """The task that does it; ask its ``url`` how far it is."""

    id: int
    state: str
    url: str


@api.post("")
@api.doc(summary="新建收件批次")
@api.input(BatchIn, location="json", arg_name="sent")
@api.output(IntakeBatchOut, status_code=201)
@guard("filing.import")
def make(sent: BatchIn) -> IntakeBatchOut:
    """Make an empty batch."""
    with work() as uow:
        made = service.make_batch(
            uow, actor(), sent.title, sent.common.model_dump(), sent.department_id, "call"
        )
        uow.commit()
    return IntakeBatchOut.model_validate(made)


@api.get("")
@api.doc(summary="收件批次一览")
@api.input(BatchesQuery, location="query", arg_name="asked")
@api.output(IntakeBatchPage)
@guard("filing.import")
def batches(asked: BatchesQuery) -> IntakeBatchPage:
    """List the batches the token's user may see."""
    with reading() as uow:
        found = service.list_batches(uow, actor(), **asked.model_dump())
    shown = [IntakeBatchOut.model_validate(one) for one in found.items]
    return IntakeBatchPage(items=shown, total=found.total, page=found.page, pages=found.pages)


@api.get("/<int:batch_id>")
@api.doc(summary="看一个收件批次")
@api.output(IntakeBatchOut)
@guard("filing.import")
def batch(batch_id: int) -> IntakeBatchOut:
    """Read a batch."""
    with reading() as uow:
        return IntakeBatchOut.model_validate(service.get_batch(uow, actor(), batch_id))


@api.put("/<int:batch_id>")
@api.doc(summary="改收件批次的名称和共同内容")
@api.input(BatchEdit, location="json", arg_name="sent")
@api.output(IntakeBatchOut)
@guard("filing.import")
def edit(batch_id: int, sent: BatchEdit) -> IntakeBatchOut:
    """Change a batch's name and common values."""
    with work() as uow:
        done = service.edit_batch(
            uow,
            actor(),
            batch_id,
            sent.version,
            sent.title,
            sent.common.model_dump(),
            sent.department_id,
        )
        uow.commit()
    return IntakeBatchOut.model_validate(done)


@api.get("/<int:batch_id>/files")
@api.doc(summary="收件批次里的文件")
@api.input(FilesQuery, location="query", arg_name="asked")
@api.output(IntakeFilePage)
@guard("filing.import")
def files(batch_id: int, asked: FilesQuery) -> IntakeFilePage:
    """List the files of a batch."""
    with reading() as uow:
        found = service.list_files(uow, actor(), batch_id, **asked.model_dump())
    shown = [IntakeFileOut.model_validate(one) for one in found.items]
    return IntakeFilePage(items=shown, total=found.total, page=found.page, pages=found.pages)


@api.post("/<int:batch_id>/files")
@api.doc(
    summary="往收件批次里放文件（multipart，字段名 upload，可多个）",
    extensions=upload_of("upload", many=True),
)
@api.output(ReceivedList)
@guard("filing.import")
def upload(batch_id: int) -> ReceivedList:
    """Take files in; what is refused is told with its reason, the others are kept."""
    sent = [
        Upload(file.filename, file.stream.read(LARGEST_FILE + 1))
        for file in request.files.getlist("upload")
        if file.filename
    ]
    if not sent:
        raise Invalid("没有文件；请用 multipart 的 upload 字段放文件。", {"upload": "没有文件"})
    received = receive(resources(), actor(), batch_id, sent)
    return ReceivedList(files=[ReceivedOut.model_validate(one) for one in received])


@api.patch("/<int:batch_id>/files")
@api.doc(summary="改收件批次里文件各自的内容")
@api.input(FilesEdit, location="json", arg_name="sent")
@api.output(CountOut)
@guard("filing.import")
def describe(batch_id: int, sent: FilesEdit) -> CountOut:
    """Change what files say of themselves, all or nothing."""
    changes = [
        service.FileChange(one.id, one.version, one.own.model_dump(), one.again)
        for one in sent.files
    ]
    with work() as uow:
        count = service.edit_files(uow, actor(), batch_id, changes)
        uow.commit()
    return CountOut(count=count)


@api.post("/<int:batch_id>/dismiss")
@api.doc(summary="收件批次里有的文件不收")
@api.input(DismissIn, location="json", arg_name="sent")
@api.output(CountOut)
@guard("filing.import")
def dismiss(batch_id: int, sent: DismissIn) -> CountOut:
    """Say which files are not taken in."""
    with work() as uow:
        count = service.dismiss_files(uow, actor(), batch_id, sent.files, sent.reason)
        uow.commit()
    return CountOut(count=count)


@api.post("/<int:batch_id>/files/<int:file_id>/split")
@api.doc(summary="按分隔页拆分一份扫描件")
@api.output(IntakeTask, status_code=202)
@guard("filing.import")
def split(batch_id: int, file_id: int) -> IntakeTask:
    """Have a scan cut at its separator sheets."""
    with work() as uow:
        task = start_split(uow, actor(), batch_id, file_id)
        uow.commit()
    return _task(task)


@api.post("/<int:batch_id>/register")
@api.doc(summary="登记收件批次：每个文件成为一件待归档档案")
@api.output(IntakeTask, status_code=202)
@guard("filing.import")
def register(batch_id: int) -> IntakeTask:
    """Have all that waits become items."""
    with work() as uow:
        task = start_register(uow, actor(), batch_id)
        uow.commit()
    return _task(task)


@api.post("/<int:batch_id>/close")
@api.doc(summary="收起收件批次")
@api.input(CloseIn, location="json", arg_name="sent")
@api.output(IntakeBatchOut)
@guard("filing.import")
def close(batch_id: int, sent: CloseIn) -> IntakeBatchOut:
    """Put a batch away."""
    with work() as uow:
        done = service.close_batch(uow, actor(), batch_id, sent.reason)
        uow.commit()
    return IntakeBatchOut.model_validate(done)


def _task(task: TaskView) -> IntakeTask:
    return IntakeTask(id=task.id, state=task.state, url=f"/api/v1/tasks/{task.id}")

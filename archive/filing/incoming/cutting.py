"""Splitting a scan of a batch at its separator sheets, as long work.

The child finds and cuts; here the parts are kept, and then, in one transaction, the scan is
noted as split and its parts enter the batch. Begun again after a kill it starts anew.
"""

import tempfile
from collections.abc import Generator
from pathlib import Path, PurePosixPath

from archive.core.errors import Conflict, Invalid
from archive.core.resources import Resources
from archive.filing.incoming import service
from archive.filing.incoming.edge import Kept, Upload, enter, keep
from archive.filing.incoming.looking import Parts, read_parts, split
from archive.filing.incoming.models import FileState, IntakeFile
from archive.filing.incoming.views import FileView
from archive.people.rights import Actor
from archive.people.service import get_actor
from archive.tasks import service as tasks
from archive.tasks.service import Progress, TaskView
from storage.work import UnitOfWork

SPLIT = "intake.split"
TOLD_EVERY = 5  # pages


def start_split(uow: UnitOfWork, actor: Actor, batch_id: int, file_id: int) -> TaskView:
    """Leave the splitting of a scan to the worker; raise Conflict for what cannot be split."""
    service.open_batch(uow, actor, batch_id)
    file = _splittable(service.get_file(uow, actor, batch_id, file_id))
    params = {"batch": batch_id, "file": file_id}
    return tasks.start_task(uow, actor, SPLIT, f"按分隔页拆分：{file.name}", params)


def split_work(resources: Resources, task: TaskView) -> Generator[Progress, None, None]:
    """Split one scan; told as pages go by."""
    batch_id, file_id = int(task.params["batch"]), int(task.params["file"])
    with resources.reading() as uow:
        actor = get_actor(uow, task.owner_id)
        service.open_batch(uow, actor, batch_id)
        file = service.get_file(uow, actor, batch_id, file_id)
    if file.state == FileState.SPLIT:  # a run before this one got so far and was killed
        yield _end(batch_id, file.pages, task.memory.get("words", "已经拆分过。"))
        return
    _splittable(file)
    with tempfile.TemporaryDirectory(prefix="split-") as place:
        folder = Path(place)
        source = folder / "source"
        source.write_bytes(resources.blobs.read(file.digest))
        for page, pages in split(source, folder):
            if page % TOLD_EVERY == 0:
                yield Progress(page, pages, f"正在看第 {page} 页…")
        parts = read_parts(folder)
        if not parts.separators:
            yield _end(batch_id, file.pages, "没有找到分隔页，文件没有改动。")
            return
        kept = keep(resources, _uploads(file, parts))
    refused = [one.note for one in kept if one.ref is None]
    if refused:
        raise Invalid(f"拆出来的一份打不开，文件没有改动：{refused[0]}")
    words = _words(parts)
    with resources.work() as uow:
        _enter_parts(uow, actor, file, kept)
        tasks.remember(uow, task.id, {"words": words})
        uow.commit()
    yield _end(batch_id, file.pages, words)


def _splittable(file: FileView) -> FileView:
    if not file.is_splittable:
        raise Conflict("只有待登记的、两页以上的 PDF 或 TIFF 才能按分隔页拆分。")
    return file


def _uploads(file: FileView, parts: Parts) -> list[Upload]:
    name = PurePosixPath(file.name)
    return [
        Upload(f"{name.stem}-{number:03d}{name.suffix}", part.path.read_bytes(), part.values)
        for number, part in enumerate(parts.parts, 1)
    ]


def _enter_parts(uow: UnitOfWork, actor: Actor, file: FileView, kept: list[Kept]) -> None:
    batch = service.open_batch(uow, actor, file.batch_id)
    row = uow.session.get(IntakeFile, file.id, with_for_update=True)
    if row is None or row.state != FileState.WAITING or row.digest != file.digest:
        raise Conflict("这个文件刚被别人办过，没有拆分；请刷新批次页。")
    enter(uow, batch, kept, actor.id, parent_id=row.id)
    row.state, row.note = FileState.SPLIT, f"拆成 {len(kept)} 份"
    uow.session.flush()
    told = {"file": row.id, "sha256": row.digest, "parts": len(kept)}
    uow.journal(actor.id, "intake.split", "intake_batch", batch.id, told)


def _words(parts: Parts) -> str:
    words = f"找到 {parts.separators} 张分隔页，拆成 {len(parts.parts)} 份。"
    if parts.unclear:
        words += f"有 {parts.unclear} 张分隔页上有两个不同的码，只拆开，没有带上内容，请核对。"
    return words


def _end(batch_id: int, pages: int, words: str) -> Progress:
    result = {"notes": [words], "next": f"/filing/incoming/{batch_id}"}
    return Progress(pages, pages, words, result=result, is_end=True)

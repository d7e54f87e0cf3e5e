"""Papers filed elsewhere come in by the file: a package, a list of lines, or a form's sheet.

The command and the page share this; on the page it is long work, and a run that was cut off is
begun again: what is there already is passed over. A package is taken whole or not at all.
"""

import shutil
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from archive.core.errors import Invalid
from archive.core.resources import Resources
from archive.filing.checks.edge import check_batch
from archive.filing.import_rows import Batch, read_jsonl
from archive.filing.import_sheets import read_sheet
from archive.filing.imports import Outcome, import_batch
from archive.filing.packages.incoming import doubts_of, read_incoming
from archive.people.rights import Actor, require
from archive.people.service import get_actor
from archive.tasks import service as tasks
from archive.tasks.service import INPUT, NewFile, Progress, TaskView
from storage.blobs import BlobRef
from storage.work import UnitOfWork

RECEIVE = "filing.receive"
SUFFIXES = {
    ".zip": "application/zip",
    ".xml": "text/xml",
    ".jsonl": "text/plain",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MOST_NAMED = 50


def suffix_of(name: str) -> str:
    """Return what kind of file a name says it is; raise Invalid for one that is not taken."""
    suffix = Path(name.strip()).suffix.lower()
    if suffix not in SUFFIXES:
        fault = "应是封装包 .zip、.xml，清单 .jsonl，或表单的 .xlsx"
        raise Invalid(f"不认识“{name.strip()[:60]}”：{fault}。", {"file": fault})
    return suffix


def start_receiving(uow: UnitOfWork, actor: Actor, name: str, ref: BlobRef) -> TaskView:
    """Leave the import of an uploaded file to the worker; raise Invalid for its kind."""
    require(actor, "filing.import")
    suffix = suffix_of(name)
    shown = name.strip()[:100]
    file = NewFile(INPUT, 0, shown, ref)
    return tasks.start_task(uow, actor, RECEIVE, f"导入 {shown}", {"suffix": suffix}, [file])


def receive_work(resources: Resources, task: TaskView) -> Generator[Progress, None, None]:
    """Import the file batch by batch, each in its own transaction."""
    with resources.reading() as uow:
        actor = get_actor(uow, task.owner_id)
    told: dict[str, Any] = {"batches": 0, "new": 0, "known": 0, "bad": 0, "why": [], **task.memory}
    with TemporaryDirectory(prefix="receive-") as folder:
        path = Path(folder, f"file{task.params['suffix']}")
        with resources.blobs.open(task.of_role(INPUT)[0].sha256) as source, path.open("wb") as out:
            shutil.copyfileobj(source, out)
        for number, batch in enumerate(batches_of(resources, actor, path), start=1):
            if number <= told["batches"]:
                continue
            checked = check_batch(resources, actor, batch)
            with resources.work() as uow:
                outcome = import_batch(uow, actor, checked)
                told = _told(told, number, outcome, doubts_of(batch))
                tasks.remember(uow, task.id, told)
                uow.commit()
            done = told["new"] + told["known"] + told["bad"]
            yield Progress(done, 0, f"已看 {done} 件…", memory=told)
    notes = [f"导入 {told['new']} 件，已有 {told['known']} 件，没有导入 {told['bad']} 件。"]
    result = {"notes": [*notes, *told["why"]], "links": [["档案目录", "/items"]]}
    done = max(told["new"] + told["known"] + told["bad"], 1)
    yield Progress(done, done, notes[0], result=result, is_end=True)


def batches_of(resources: Resources, actor: Actor, path: Path) -> Iterator[Batch]:
    """Yield what is in a file, by its ending; raise Invalid for one that is not taken."""
    suffix = suffix_of(path.name)
    if suffix == ".jsonl":
        return read_jsonl(path)
    if suffix == ".xlsx":
        return _of_sheet(resources, actor, path)
    return read_incoming(path, resources)


def import_one(resources: Resources, actor: Actor, batch: Batch) -> Outcome:
    """Check a batch's files and file its rows, in one transaction."""
    checked = check_batch(resources, actor, batch)
    with resources.work() as uow:
        outcome = import_batch(uow, actor, checked)
        uow.commit()
    return outcome


def _told(
    before: dict[str, Any], number: int, outcome: Outcome, doubts: Sequence[str]
) -> dict[str, Any]:
    """Return what the task remembers once a batch more is in."""
    why = [f"{fault.where}：{fault.why}" for fault in outcome.failed]
    return {
        "batches": number,
        "new": before["new"] + len(outcome.imported),
        "known": before["known"] + len(outcome.skipped),
        "bad": before["bad"] + len(outcome.failed),
        "why": [*before["why"], *why, *doubts][:MOST_NAMED],
    }


def _of_sheet(resources: Resources, actor: Actor, path: Path) -> Iterator[Batch]:
    with resources.reading() as uow:
        yield from list(read_sheet(uow, actor, path))

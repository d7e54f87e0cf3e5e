"""Records many at once, from a filled sheet: checked as a whole first, then made.

Two kinds of long work. Checking reads the file in a child process, judges every row and leaves
a report: what is wrong and where, what was imported before. Importing makes the good rows into
drafts, a few in a transaction; a row's mark is its draft's key, so that neither a crash nor the
same file twice makes doubles. The pages are in ``batch_routes``, the judging in ``batch_check``.
"""

import json
from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import select

from archive.core.errors import Conflict, Invalid, NotFound
from archive.core.resources import Resources
from archive.core.sheet_reader import read_book
from archive.core.sheets import MEDIA_TYPE
from archive.forms.service import get_form
from archive.people.rights import Actor, require
from archive.people.service import get_actor
from archive.records.batch_check import Judge, Judged, report_of
from archive.records.drafts import create_draft, save_draft
from archive.records.excel import Paper as SheetPaper
from archive.records.excel import returned_workbook
from archive.records.excel_read import Paper, read_papers
from archive.records.models import Record
from archive.records.rules import personal_key
from archive.tasks import service as tasks
from archive.tasks.service import INPUT, PART, RESULT, Follow, NewFile, Progress, TaskView
from doc_templates import Form
from storage.blobs import BlobRef, BlobStore
from storage.work import UnitOfWork

CHECK, IMPORT = "records.check", "records.import"
BUNDLE = "documents.bundle"  # what a later station makes of the records, when it is asked for
CHUNK = 250
SLICE = 20
CHECKED_FROM = 100_000  # numbers of the parts that hold judged chunks
JSON_TYPE = "application/json"
CHANGED = "《{title}》的表单在检查之后更新了，请重新上传检查。"


@dataclass(frozen=True)
class Choice:
    """What the person decided after the check.

    ``only_good`` leaves the bad rows aside; without it, one bad row stops the import.
    ``again`` imports also rows that were imported before; ``then`` names files to be made.
    """

    only_good: bool = False
    again: bool = False
    skip_hidden: bool = False
    then: tuple[str, ...] = ()


def start_check(
    uow: UnitOfWork,
    actor: Actor,
    form_code: str,
    name: str,
    ref: BlobRef,
    choice: Choice | None = None,
) -> TaskView:
    """Leave the checking of an uploaded sheet to the worker; with a choice, import it after."""
    require(actor, "record.create")
    form = get_form(uow, form_code)
    name = name.replace("\\", "/").rpartition("/")[2] or "表格"
    params = {"form": form.code, "name": name[:120], "choice": asdict(choice) if choice else None}
    title = f"检查 {form.code} {form.title}（{name}）"
    return tasks.start_task(uow, actor, CHECK, title, params, [NewFile(INPUT, 0, name, ref)])


def start_import(uow: UnitOfWork, actor: Actor, check_id: int, choice: Choice) -> TaskView:
    """Import what a check found; the same check is imported once. Raise Invalid, Conflict."""
    require(actor, "record.create")
    check = get_check(uow, actor, check_id)
    earlier = find_import(uow, actor, check)
    if earlier is not None:
        return earlier
    form = get_form(uow, check.params["form"])
    found = check.result
    if form.version != found["version"]:
        raise Conflict(CHANGED.format(title=form.title))
    if found["bad"] and not choice.only_good:
        raise Invalid(f"还有 {found['bad']} 行需要改正；请改好再上传，或选择只导入没有问题的行。")
    if not found["good"]:
        raise Invalid("没有可以导入的行；请按原因改正后再上传。")
    rows = next(one for one in check.of_role(INPUT) if one.n == 1)
    ref = BlobRef(rows.sha256, rows.size, rows.media_type)
    new = _import_of(form, check, found, asdict(choice), ref)
    task = tasks.begin_task(uow, actor.id, new)
    tasks.link_task(uow, check.id, task.id)
    return task


def get_check(uow: UnitOfWork, actor: Actor, check_id: int) -> TaskView:
    """Return one's own finished check; raise NotFound, Conflict while it is under way."""
    check = tasks.get_task(uow, actor, check_id)
    if check.kind != CHECK:
        raise NotFound("没有这次检查，或者不是您发起的。")
    if check.state != "done":
        raise Conflict("还没有检查完，请稍候。")
    return check


def find_import(uow: UnitOfWork, actor: Actor, check: TaskView) -> TaskView | None:
    """Return the import made of a check, or None."""
    task_id = check.result.get("follow")
    return tasks.get_task(uow, actor, task_id) if task_id else None


# --- checking -----------------------------------------------------------------------------------


def check_work(resources: Resources, task: TaskView) -> Generator[Progress, None, None]:
    """Read the file, judge it chunk by chunk, and report."""
    parts = {one.n: one.sha256 for one in task.of_role(PART)}
    memory = dict(task.memory)
    if "chunks" not in memory:
        yield Progress(0, 0, "正在读取表格…")
        step = _read(resources, task)
        memory = dict(step.memory or {})
        parts |= {one.n: one.ref.sha256 for one in step.files}
        yield step
    for chunk in range(memory.get("checked", 0), memory["chunks"]):
        with resources.reading() as uow:
            judge = Judge(uow, get_actor(uow, task.owner_id), get_form(uow, task.params["form"]))
            papers = [Paper(**told) for told in _load(resources.blobs, parts[chunk])]
            judged = [asdict(judge.judge(paper)) for paper in papers]
        kept = _keep(resources.blobs, judged, PART, CHECKED_FROM + chunk)
        parts[kept.n] = kept.ref.sha256
        memory = {**memory, "checked": chunk + 1}
        done = min(memory["total"], (chunk + 1) * CHUNK)
        yield Progress(done, memory["total"], "正在逐行检查…", memory=memory, files=(kept,))
    every = [
        Judged.told(told)
        for chunk in range(memory["chunks"])
        for told in _load(resources.blobs, parts[CHECKED_FROM + chunk])
    ]
    yield _report(resources, task, memory, every)


def _read(resources: Resources, task: TaskView) -> Progress:
    source = next(one for one in task.of_role(INPUT) if one.n == 0)
    with resources.reading() as uow:
        form = get_form(uow, task.params["form"])
    read = read_papers(form, read_book(resources.blobs.read(source.sha256)))
    told = [asdict(paper) for paper in read.papers]
    chunks = [told[at : at + CHUNK] for at in range(0, len(told), CHUNK)]
    files = tuple(_keep(resources.blobs, part, PART, n) for n, part in enumerate(chunks))
    memory = {
        "chunks": len(chunks),
        "total": len(told),
        "notes": list(read.notes),
        "version": form.version,
    }
    return Progress(0, len(told), "正在逐行检查…", memory=memory, files=files)


def _report(
    resources: Resources, task: TaskView, memory: Mapping[str, Any], every: Sequence[Judged]
) -> Progress:
    with resources.reading() as uow:
        form = get_form(uow, task.params["form"])
        actor = get_actor(uow, task.owner_id)
        found = report_of(form, every, _made_before(uow, actor, every))
    good = [asdict(one) for one in every if not one.faults]
    files = [_keep(resources.blobs, good, INPUT, 1)]
    if found["bad"]:
        files.append(_returned(resources.blobs, form, task.params["name"], every))
    found |= {
        "version": memory["version"],
        "file_notes": memory["notes"],
        "next": f"/records/import/{task.id}",
        "notes": [f"{found['good']} 行可以导入，{found['bad']} 行需要改正。"],
        "links": [["看检查结果", f"/records/import/{task.id}"]],
    }
    total = len(every)
    return Progress(
        total,
        total,
        "检查完毕。",
        result=found,
        files=tuple(files),
        is_end=True,
        follow=_what_follows(task, form, found, files[0]),
    )


def _returned(blobs: BlobStore, form: Form, name: str, every: Iterable[Judged]) -> NewFile:
    """Make the file that goes back: the bad rows as they were typed, with the reason in each."""
    papers = [
        SheetPaper(
            number=one.paper.number,
            values=one.paper.raw,
            reason="\n".join(f"{one.paper.where(path)}：{why}" for path, why in one.faults),
            faults=dict(one.faults),
        )
        for one in every
        if one.faults
    ]
    ref = blobs.put(returned_workbook(form, papers), MEDIA_TYPE)
    stem = name.rpartition(".")[0] or name
    return NewFile(RESULT, 0, f"{stem[:80]}-需改正.xlsx", ref, f"{len(papers)} 行，附原因")


def _what_follows(
    task: TaskView, form: Form, found: Mapping[str, Any], rows: NewFile
) -> Follow | None:
    """Return the import that was asked for beforehand, where the check allows it."""
    told = task.params.get("choice")
    if not told or not found["good"] or (found["bad"] and not told["only_good"]):
        return None
    return _import_of(form, task, found, told, rows.ref)


def _import_of(
    form: Form,
    check: TaskView,
    found: Mapping[str, Any],
    choice: Mapping[str, Any],
    rows: BlobRef,
) -> Follow:
    params = {
        "form": form.code,
        "version": found["version"],
        "check": check.id,
        "choice": dict(choice),
        "left_out": found["bad"],
    }
    title = f"导入 {form.code} {form.title}（{check.params['name']}）"
    return Follow(IMPORT, title, params, (NewFile(INPUT, 0, "rows.json", rows),))


# --- importing ----------------------------------------------------------------------------------


def import_work(resources: Resources, task: TaskView) -> Generator[Progress, None, None]:
    """Make the rows into drafts, some in a transaction; then start what follows."""
    choice = task.params["choice"]
    rows = [Judged.told(told) for told in _load(resources.blobs, task.of_role(INPUT)[0].sha256)]
    if choice["skip_hidden"]:
        rows = [one for one in rows if not one.paper.is_hidden]
    memory = {"at": 0, "known": 0, "failed": [], **task.memory}
    while memory["at"] < len(rows):
        part = rows[memory["at"] : memory["at"] + SLICE]
        known, failed = _import(resources, task, part)
        memory = {
            "at": memory["at"] + len(part),
            "known": memory["known"] + known,
            "failed": [*memory["failed"], *failed],
        }
        yield Progress(memory["at"], len(rows), "正在导入…", memory=memory)
    yield _outcome(resources, task, rows, memory)


def _import(
    resources: Resources, task: TaskView, part: Sequence[Judged]
) -> tuple[int, list[list[str]]]:
    """Make or change one transaction's drafts; return how many were there, and what failed."""
    failed: list[list[str]] = []
    with resources.work() as uow:
        actor, form = get_actor(uow, task.owner_id), get_form(uow, task.params["form"])
        if form.version != task.params["version"]:
            raise Conflict(CHANGED.format(title=form.title))
        keys = [key_of(task, one) for one in part]
        before = _records_by_key(uow, actor, keys)
        for key, one in zip(keys, part, strict=True):
            if one.record_id:
                failed += _change(uow, actor, one)
            elif key not in before:
                create_draft(uow, actor, form.code, one.values, key)
        uow.commit()
    is_known = [made < task.created_at for _, made in before.values()]
    return sum(is_known), failed


def _change(uow: UnitOfWork, actor: Actor, one: Judged) -> list[list[str]]:
    try:
        save_draft(uow, actor, one.record_id, one.values, one.version)
    except (Conflict, Invalid, NotFound) as refusal:
        return [[one.paper.where(""), refusal.message]]
    return []


def key_of(task: TaskView, one: Judged) -> str:
    """Return the draft key of a row: its mark, or one of this import's own when asked again."""
    if not task.params["choice"]["again"]:
        return one.paper.mark
    return f"again{task.id}-{one.paper.row}"


def _outcome(
    resources: Resources, task: TaskView, rows: Sequence[Judged], memory: Mapping[str, Any]
) -> Progress:
    """Say what came of it, and what follows."""
    with resources.reading() as uow:
        actor, form = get_actor(uow, task.owner_id), get_form(uow, task.params["form"])
        keys = [key_of(task, one) for one in rows if not one.record_id]
        found = _records_by_key(uow, actor, keys)
        failed_places = {place for place, _ in memory["failed"]}
        changed = [
            one.record_id
            for one in rows
            if one.record_id and one.paper.where("") not in failed_places
        ]
        ids = [found[key][0] for key in keys if key in found] + changed
    made = len(keys) - memory["known"]
    counts = (
        (made, f"新填 {made} 份。"),
        (len(changed), f"修改草稿 {len(changed)} 份。"),
        (memory["known"], f"{memory['known']} 份以前已经导入，没有重复导入。"),
        (task.params["left_out"], f"{task.params['left_out']} 行有错，没有导入。"),
    )
    notes = [told for count, told in counts if count]
    notes += [f"{place}没有改成：{why}" for place, why in memory["failed"][:50]]
    path = f"/records?mine=1&form={form.code}"
    result = {
        "made": made,
        "changed": len(changed),
        "known": memory["known"],
        "failed": memory["failed"],
        "ids": ids,
        "notes": notes,
        "links": [["看这些文件", path]],
    }
    follow = _files_of(task, ids, f"{form.code} {form.title}")
    total = len(rows)
    return Progress(total, total, "导入完毕。", result=result, is_end=True, follow=follow)


def _files_of(task: TaskView, ids: Sequence[int], what: str) -> Follow | None:
    """Return the making of files that was asked for, if there is anything to make them of."""
    then = task.params["choice"]["then"]
    if not then or not ids:
        return None
    return Follow(
        BUNDLE, f"生成文件：{what}（{len(ids)} 份）", {"ids": list(ids), "make": list(then)}
    )


# --- rows and bytes -----------------------------------------------------------------------------


def _made_before(uow: UnitOfWork, actor: Actor, every: Sequence[Judged]) -> set[str]:
    marks = [one.paper.mark for one in every if not one.faults and not one.record_id]
    return set(_records_by_key(uow, actor, marks))


def _records_by_key(uow: UnitOfWork, actor: Actor, keys: Sequence[str]) -> dict[str, Any]:
    """Return id and instant of the actor's records by draft key, those that are there."""
    personal = {personal_key(actor.id, key): key for key in keys}
    wanted, found = list(personal), {}
    for at in range(0, len(wanted), 500):
        part = Record.draft_key.in_(wanted[at : at + 500])
        columns = select(Record.draft_key, Record.id, Record.created_at)
        for key, record_id, made in uow.session.execute(columns.where(part)):
            found[personal[str(key)]] = (record_id, made)
    return found


def _keep(blobs: BlobStore, told: Sequence[object], role: str, n: int) -> NewFile:
    content = json.dumps(told, ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")
    return NewFile(role, n, f"{role}-{n}.json", blobs.put(content, JSON_TYPE))


def _load(blobs: BlobStore, digest: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads(blobs.read(digest).decode("utf-8", "surrogatepass"))
    return loaded

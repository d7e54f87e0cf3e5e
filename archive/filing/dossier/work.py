"""Making a dossier as long work: each document becomes pages and is kept, then all are bound.

A crash or a stop costs one document. What its owner may not read (any more) is left out without
a trace; what cannot become pages is named in the dossier with its reason, and its original is
attached to the PDF wherever it is whole and free.
"""

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from archive.core.clock import show_instant
from archive.core.errors import Invalid
from archive.core.file_names import safe_name
from archive.core.profile import load_profile
from archive.core.resources import Resources
from archive.documents.service import verify_url
from archive.filing.checks.holding import find_hold
from archive.filing.dossier.binding import bind_dossier
from archive.filing.dossier.contents import ITEM, SCOPES, Paper, contents_of, find_paper
from archive.filing.dossier.pages import MOST_PAGES, WORDS_ALONE, WORDS_ONLY, pages_of
from archive.filing.dossier.sheets import Cover, Entry, Unbound
from archive.filing.views import FileView
from archive.people.rights import Actor
from archive.people.service import get_actor
from archive.records import service as records
from archive.tasks import service as tasks
from archive.tasks.service import PART, RESULT, Deed, NewFile, Progress, TaskView
from storage.errors import StorageError
from storage.work import UnitOfWork

DOSSIER = "filing.dossier"
MOST_BYTES = 300 << 20
MOST_FILES = 100  # of one document; a part's number is its document's place × this + its own
PDF_TYPE = "application/pdf"


class _LeftOut(NamedTuple):
    """What of a document has no pages, and why; with a digest its original is attached.

    Kept in the task's memory, where an earlier release kept the first three alone.
    """

    at: int
    title: str
    why: str
    digest: str = ""
    name: str = ""
    size: int = 0


class _NotWhole(Invalid):
    """A file that cannot even be attached."""


def start_dossier(uow: UnitOfWork, actor: Actor, scope: str, number: int) -> TaskView:
    """Leave the making to the worker; raise NotFound, Invalid for nothing in it or too much."""
    contents = contents_of(uow, actor, scope, number)
    title = f"{SCOPES[scope]}：{contents.subject}（{len(contents.papers)} 份）"
    params = {"scope": scope, "number": number, "papers": [list(one) for one in contents.papers],
              "subject": contents.subject}  # fmt: skip
    return tasks.start_task(uow, actor, DOSSIER, title, params)


def dossier_work(resources: Resources, task: TaskView) -> Generator[Progress, None, None]:
    """Make each document's pages, then bind them."""
    papers: list[tuple[str, int]] = [(kind, number) for kind, number in task.params["papers"]]
    memory: dict[str, Any] = {"at": 0, "pages": 0, "bytes": 0, "left_out": [], **task.memory}
    parts = {one.n: (one.sha256, int(one.note)) for one in task.of_role(PART)}
    while memory["at"] < len(papers):
        files, left_out = _make(resources, task.owner_id, papers[memory["at"]], memory["at"])
        parts |= {one.n: (one.ref.sha256, int(one.note)) for one in files}
        memory = {
            "at": memory["at"] + 1,
            "pages": memory["pages"] + sum(int(one.note) for one in files),
            "bytes": memory["bytes"]
            + sum(one.ref.size for one in files)
            + sum(one.size for one in left_out),
            "left_out": [*memory["left_out"], *left_out],
        }
        _check_size(memory)
        yield Progress(memory["at"], len(papers), "正在排页…", memory=memory, files=tuple(files))
    yield Progress(len(papers), len(papers), "正在装订…")
    left_out = [_LeftOut(*one) for one in memory["left_out"]]
    yield _bound(resources, task, papers, parts, left_out)


def _check_size(memory: dict[str, Any]) -> None:
    if memory["pages"] > MOST_PAGES:
        raise Invalid(f"超过 {MOST_PAGES} 页，一卷装不下，请按案卷分开做。")
    if memory["bytes"] > MOST_BYTES:
        raise Invalid(f"超过 {MOST_BYTES >> 20} MB，一卷装不下，请按案卷分开做。")


def _make(
    resources: Resources, owner_id: int, paper: tuple[str, int], at: int
) -> tuple[list[NewFile], list[_LeftOut]]:
    """Return a document's pages, kept, and what of it could not become pages."""
    with resources.reading() as uow:
        found = find_paper(uow, get_actor(uow, owner_id), *paper)
        is_held = paper[0] == ITEM and find_hold(uow, paper[1]) is not None
    if found is None:
        return [], []
    if is_held:
        return [], [_LeftOut(at, _named(found), "电子文件在隔离中")]
    made: list[NewFile] = []
    left_out: list[_LeftOut] = []
    if not found.files:
        left_out.append(_LeftOut(at, _named(found), "没有电子文件"))
    for place, file in enumerate(found.files):
        title, original = f"{_named(found)} {file.name}", (file.sha256, file.name, file.size)
        try:
            if place >= MOST_FILES:
                raise Invalid(f"附件超过 {MOST_FILES} 个")
            content, count = _pages(resources, file)
        except _NotWhole as refusal:
            left_out.append(_LeftOut(at, title, refusal.message))
            continue
        except Invalid as refusal:
            left_out.append(_LeftOut(at, title, refusal.message.rstrip("。"), *original))
            continue
        if file.media_type in WORDS_ONLY:
            left_out.append(_LeftOut(at, title, WORDS_ALONE, *original))
        ref = resources.blobs.put(content, PDF_TYPE)
        made.append(NewFile(PART, at * MOST_FILES + place, file.name, ref, str(count)))
    return made, left_out


def _pages(resources: Resources, file: FileView) -> tuple[bytes, int]:
    if file.size > MOST_BYTES:
        raise _NotWhole(f"文件超过 {MOST_BYTES >> 20} MB")
    try:
        content = resources.blobs.read(file.sha256)
    except StorageError as damage:
        raise _NotWhole("库里的文件缺失或已损坏") from damage
    return pages_of(content, file.media_type, resources.converter)


def _named(paper: Paper) -> str:
    return " ".join(part for part in (paper.title, paper.code) if part)


def _bound(
    resources: Resources,
    task: TaskView,
    papers: Sequence[tuple[str, int]],
    parts: dict[int, tuple[str, int]],
    left_out: Sequence[_LeftOut],
) -> Progress:
    subject, scope = str(task.params["subject"]), str(task.params["scope"])
    with resources.reading() as uow:
        actor = get_actor(uow, task.owner_id)
        entries, digests = _entries(uow, resources, actor, papers, parts)
        company = load_profile(uow).company
        unbound = [
            Unbound(one.title, one.why, one.digest, one.name)
            for one in left_out
            if find_paper(uow, actor, *papers[one.at]) is not None
        ]
    missing = [one for one in unbound if not one.digest]
    attached = len(unbound) - len(missing)
    if not entries:
        raise Invalid("里面的文件都不能排成页，做不成卷宗；请看原件。")
    facts = (
        ("编制单位", company),
        ("编制人", actor.name),
        ("编制时间", show_instant(resources.clock())),
        ("收入文件", f"{len(entries)} 份，{sum(entry.pages for entry in entries)} 页"),
        *((("附上原件", f"{attached} 个文件，见目录后的清单"),) if attached else ()),
        *((("未收入", f"{len(missing)} 个文件，见目录后的清单"),) if missing else ()),
    )
    cover = Cover(SCOPES[scope], subject, facts)
    with TemporaryDirectory(prefix="dossier-") as folder:
        target = Path(folder, "dossier.pdf")
        count = bind_dossier(
            target, cover, entries, _read(resources, digests), unbound, resources.blobs.read
        )
        ref = resources.blobs.put_file(target, PDF_TYPE)
    detail = {"scope": scope, "papers": len(entries), "pages": count, "dossier": ref.sha256}
    deed = Deed("dossier.make", scope, int(task.params["number"]), detail)
    file = NewFile(RESULT, 0, f"{safe_name(f'{SCOPES[scope]} {subject}')}.pdf", ref, f"{count} 页")
    notes = [f"共 {len(entries)} 份，{count} 页，有目录和书签；签名以原件为准。"]
    notes += [f"{one.told}：{one.title}（{one.why}）" for one in unbound[:50]]
    total = len(papers)
    told = (total, total, "卷宗做好了。")
    return Progress(*told, result={"notes": notes}, files=(file,), is_end=True, deed=deed)


def _entries(
    uow: UnitOfWork,
    resources: Resources,
    actor: Actor,
    papers: Sequence[tuple[str, int]],
    parts: dict[int, tuple[str, int]],
) -> tuple[list[Entry], list[str]]:
    """Return the documents that have pages and may still be read, and their parts' digests."""
    entries: list[Entry] = []
    digests: list[str] = []
    for at, paper in enumerate(papers):
        places = [n for n in sorted(parts) if n // MOST_FILES == at]
        found = find_paper(uow, actor, *paper) if places else None
        if found is None:
            continue
        files = [found.files[n % MOST_FILES] for n in places if n % MOST_FILES < len(found.files)]
        if len(files) != len(places):
            raise Invalid("做的时候档案有改动，请重新做一次。")
        counts = [parts[n][1] for n in places]
        further = tuple(
            (file.name, sum(counts[:place])) for place, file in enumerate(files) if place
        )
        entries.append(
            Entry(
                group=found.group,
                title=found.title,
                code=found.code,
                day=found.day,
                pages=sum(counts),
                digest=files[0].sha256,
                is_signed=found.record_id is not None,
                check_url=_check_url(uow, resources, found),
                parts=further,
            )
        )
        digests += [parts[n][0] for n in places]
    return entries, digests


def _check_url(uow: UnitOfWork, resources: Resources, paper: Paper) -> str:
    if paper.record_id is None:
        return ""
    record = records.load_record(uow, paper.record_id)
    return verify_url(resources.settings.public_url, record)


def _read(resources: Resources, digests: Sequence[str]) -> Iterator[bytes]:
    for digest in digests:
        yield resources.blobs.read(digest)

"""Many papers as one file: a ZIP of Word and PDF, or one PDF with a bookmark a paper.

Long work in the worker: each paper's file is made (or read, where it was kept) and noted as a
part, so that a crash costs one paper; at the end the parts are put together. Only what the
owner may read at that time is taken. Routes are in ``bundle_routes``.
"""

from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from archive.core.errors import Conflict, Invalid, NotFound
from archive.core.resources import Resources
from archive.documents.binding import Piece, bind_pdf, pack_zip
from archive.documents.service import (
    MEDIA_TYPES,
    PDF,
    WORD,
    document_name,
    latest_document,
    make_draft_word,
    make_pdf,
)
from archive.documents.withholding import require_free
from archive.forms.service import get_form
from archive.people.rights import Actor, require
from archive.people.service import get_actor
from archive.records.service import RecordView, get_record
from archive.tasks import service as tasks
from archive.tasks.service import PART, RESULT, NewFile, Progress, TaskView
from doc_templates import Form, FormError
from storage.blobs import BlobStore
from storage.work import UnitOfWork

BUNDLE = "documents.bundle"
MAKES = {
    "word": "Word 打成一个 ZIP",
    "pdf": "PDF 打成一个 ZIP",
    "both": "Word 和 PDF 打成一个 ZIP",
    "merged": "合并成一个 PDF",
    "duplex": "合并成一个 PDF（双面打印，每份从正面开始）",
}
KINDS = {
    "word": (WORD,),
    "pdf": (PDF,),
    "both": (WORD, PDF),
    "merged": (PDF,),
    "duplex": (PDF,),
}
MOST_RECORDS = 2000
AT_ONCE = 2  # papers made at a time: while one is converted, another's Word file is filled


@dataclass(frozen=True)
class _Paper:
    """A paper to be made, as it stands: record and form, and what was kept of it by kind."""

    record_id: int
    record: RecordView | None = None
    form: Form | None = None
    kept: Mapping[str, str] = field(default_factory=dict)
    withheld: str = ""


@dataclass(frozen=True)
class _Made:
    """One paper's files by kind; ``why`` says why there are none."""

    paper: _Paper
    files: Mapping[str, bytes] = field(default_factory=dict)
    why: str = ""


def start_bundle(
    uow: UnitOfWork, actor: Actor, ids: Sequence[int], make: str, what: str = "所选文件"
) -> TaskView:
    """Leave the making to the worker; raise Invalid for nothing chosen, or too much."""
    require(actor, "record.list")
    wanted = list(dict.fromkeys(ids))
    if make not in MAKES:
        raise Invalid("请选择要做成什么文件。", {"make": f"只能选：{'、'.join(MAKES)}"})
    if not wanted:
        raise Invalid("还没有选文件；请先勾选要打包的文件。", {"ids": "没有选"})
    if len(wanted) > MOST_RECORDS:
        raise Invalid(
            f"一次最多 {MOST_RECORDS} 份，现在选了 {len(wanted)} 份；请分几次做。", {"ids": "太多"}
        )
    title = f"{MAKES[make]}：{what}（{len(wanted)} 份）"
    return tasks.start_task(uow, actor, BUNDLE, title, {"ids": wanted, "make": [make]})


def bundle_work(resources: Resources, task: TaskView) -> Generator[Progress, None, None]:
    """Make each paper's files, then put them together."""
    ids: list[int] = list(task.params["ids"])
    makes = [make for make in task.params["make"] if make in MAKES]
    kinds = sorted({kind for make in makes for kind in KINDS[make]})
    memory: dict[str, Any] = {"at": 0, "skipped": [], **task.memory}
    parts = {one.n: one.sha256 for one in task.of_role(PART)}
    names = {one.n: (one.name, one.note) for one in task.of_role(PART)}
    while memory["at"] < len(ids):
        group = ids[memory["at"] : memory["at"] + AT_ONCE]
        made = _make_group(resources, task.owner_id, group, kinds)
        files = tuple(_keep(resources, made, memory["at"], kinds))
        parts |= {one.n: one.ref.sha256 for one in files}
        names |= {one.n: (one.name, one.note) for one in files}
        skipped = [[one.paper.record_id, one.why] for one in made if one.why]
        memory = {"at": memory["at"] + len(made), "skipped": [*memory["skipped"], *skipped]}
        yield Progress(memory["at"], len(ids), "正在生成文件…", memory=memory, files=files)
    yield Progress(len(ids), len(ids), "正在合成一个文件…")
    bound = [_Bound(*names[n], parts[n], n % 2) for n in sorted(parts)]
    yield _put_together(resources, makes, bound, len(ids), memory["skipped"])


@dataclass(frozen=True)
class _Bound:
    """A part to be put in, still by its digest."""

    name: str
    title: str
    sha256: str
    kind: int

    def piece(self, blobs: BlobStore) -> Piece:
        """Return it with its bytes."""
        return Piece(self.name, self.title, blobs.read(self.sha256))


def _make_group(
    resources: Resources, owner_id: int, ids: Sequence[int], kinds: Sequence[str]
) -> list[_Made]:
    with resources.reading() as uow:
        actor = get_actor(uow, owner_id)
        found = [_find(uow, actor, record_id, kinds) for record_id in ids]
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        return list(pool.map(lambda paper: _make(resources, paper, kinds), found))


def _find(uow: UnitOfWork, actor: Actor, record_id: int, kinds: Sequence[str]) -> _Paper:
    """Return a paper as it stands now; one the actor may not read is not there."""
    try:
        record = get_record(uow, actor, record_id)
        form = get_form(uow, record.form_code, record.form_version)
    except (NotFound, FormError):
        return _Paper(record_id)
    kept: dict[str, str] = {}
    for kind in kinds:
        document = None if record.is_editable else latest_document(uow, record_id, kind)
        if document is not None:
            kept[kind] = document.sha256
    try:
        require_free(uow, record_id)
    except Conflict as refusal:
        return _Paper(record_id, record, form, withheld=refusal.message)
    return _Paper(record_id, record, form, kept)


def _make(resources: Resources, paper: _Paper, kinds: Sequence[str]) -> _Made:
    if paper.record is None or paper.form is None:
        return _Made(paper, why="不存在，或者您无权查看")
    if not paper.record.is_editable:
        files = {kind: resources.blobs.read(digest) for kind, digest in paper.kept.items()}
        return _Made(paper, files, "" if files else paper.withheld or "文件还没有生成")
    try:
        docx = make_draft_word(paper.form, paper.record)
    except FormError as refusal:
        return _Made(paper, why=refusal.message)
    files = {WORD: docx} if WORD in kinds else {}
    if PDF in kinds:
        files[PDF] = make_pdf(resources.converter, docx)
    return _Made(paper, files)


def _keep(
    resources: Resources, made: Sequence[_Made], first: int, kinds: Sequence[str]
) -> Iterator[NewFile]:
    """Keep the files made; a paper's place and kind are its part's number."""
    for at, one in enumerate(made, first):
        for kind, content in one.files.items():
            record = one.paper.record
            if record is None or kind not in kinds:
                continue
            ref = resources.blobs.put(content, MEDIA_TYPES[kind])
            title = " ".join(part for part in (record.number, record.title) if part)
            number = 2 * at + (kind == PDF)
            yield NewFile(PART, number, document_name(record, kind), ref, title)


def _put_together(
    resources: Resources,
    makes: Sequence[str],
    bound: Sequence[_Bound],
    asked: int,
    skipped: Sequence[Sequence[Any]],
) -> Progress:
    if not bound:
        raise Invalid("所选的文件都做不出来：都不存在，或者您无权查看，或者还没有生成。")
    files = []
    for n, make in enumerate(makes):
        wanted = [one for one in bound if (PDF if one.kind else WORD) in KINDS[make]]
        files.append(_file(resources.blobs, n, make, wanted))
    papers = asked - len(skipped)
    notes = [f"共 {papers} 份。"]
    if skipped:
        listed = "；".join(f"文件 {record_id}：{why}" for record_id, why in skipped[:50])
        notes.append(f"{len(skipped)} 份没有包括：{listed}。")
    if {"merged", "duplex"} & set(makes):
        notes.append("合并的 PDF 供阅读和打印；要验证签名，请用单份的 PDF。")
    done = Progress(asked, asked, "文件做好了。", result={"notes": notes}, files=tuple(files))
    return replace(done, is_end=True)


def _file(blobs: BlobStore, n: int, make: str, wanted: Sequence[_Bound]) -> NewFile:
    pieces = (one.piece(blobs) for one in wanted)
    if make in ("merged", "duplex"):
        content, pages = bind_pdf(pieces, duplex=make == "duplex")
        ref = blobs.put(content, MEDIA_TYPES[PDF])
        return NewFile(RESULT, n, f"合并{len(wanted)}份.pdf", ref, f"{pages} 页")
    ref = blobs.put(pack_zip(pieces), "application/zip")
    name = {"word": "Word", "pdf": "PDF"}.get(make, "Word和PDF")
    return NewFile(RESULT, n, f"{name}文件{len(wanted)}个.zip", ref)

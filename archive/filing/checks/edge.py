"""The check as a whole act: what is registered, then the bytes outside any unit of work.

Shared by pages, API and jobs. Every check is kept as a run; what stops an act is raised as a
Conflict that names every reason, and nothing else is changed.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from sqlalchemy import select

from archive.core.errors import ArchiveError, Conflict
from archive.core.resources import Resources
from archive.filing.checks import gathering, runs
from archive.filing.checks.facts import FileFacts, PaperFacts
from archive.filing.checks.judging import Confirmed, Report, judge
from archive.filing.checks.reading import see
from archive.filing.import_rows import Batch, Fault, ImportedFile, ImportRow
from archive.filing.items import thing_of_item
from archive.filing.models import Item, ItemState
from archive.filing.sealing import whole_volume
from archive.people.rights import Actor, require

MOST_NAMED = 5
INTAKE, SEALING, TRANSFER = "intake", "sealing", "transfer"
_ACTS = {INTAKE: "鉴别", SEALING: "封卷", TRANSFER: "移交"}


def check_volume(resources: Resources, actor: Actor, volume_id: int) -> Report:
    """Check a volume as it is now, keeping nothing; raises what reading all of it raises."""
    with resources.reading() as uow:
        _, items = whole_volume(uow, actor, volume_id)
        ids = [item.id for item in items]
    return _check(resources, ids, SEALING)


def keep_volume_check(resources: Resources, actor: Actor, volume_id: int, why: str = "") -> Report:
    """Check a volume and keep the outcome as a run."""
    report = check_volume(resources, actor, volume_id)
    with resources.work() as uow:
        kept = runs.keep_run(uow, actor.id, report, why=why, volume_id=volume_id)
        uow.commit()
    return kept


def check_before_seal(resources: Resources, actor: Actor, volume_id: int) -> Report:
    """Check a volume that is to be sealed; raise Conflict when an item with a veto fails."""
    report = keep_volume_check(resources, actor, volume_id, "封卷前")
    require_passed(report)
    return report


def check_before_transfer(
    resources: Resources, actor: Actor, item_ids: Collection[int], why: str = "移交前"
) -> Report:
    """Check items that are to be handed over to another archive (DA/T 70 移交与接收环节).

    Promise: every file is re-hashed, looked into and scanned now; the outcome is kept as a run
    (``report.run_id``, printable as 四性检测报告) and what is damaged is put aside. Nothing is
    raised for what the papers hold: ask ``report.stops``, or call ``require_passed(report)``,
    which raises Conflict with every reason. To be called outside any unit of work. Raises
    NotFound or Forbidden for an item the actor may not file, before anything is read.
    """
    ids = list(dict.fromkeys(item_ids))
    with resources.reading() as uow:
        for item_id in ids:
            require(actor, "item.file", thing_of_item(uow, item_id))
    report = _check(resources, ids, TRANSFER)
    with resources.work() as uow:
        kept = runs.keep_run(uow, actor.id, report, why=why)
        uow.commit()
    return kept


def check_records(
    resources: Resources, actor: Actor, record_ids: Sequence[int]
) -> dict[int, ArchiveError | None]:
    """Check signed records before 鉴别, each in a run of its own; return why each may not pass."""
    found: dict[int, ArchiveError | None] = dict.fromkeys(record_ids)
    papers = []
    for record_id in found:
        try:
            with resources.reading() as uow:
                papers.append(gathering.paper_of_record(uow, actor, record_id))
        except ArchiveError as refusal:
            found[record_id] = refusal
    judged = _judge_each(resources, actor, see(resources, papers))
    return found | {paper.record_id or 0: refusal for paper, refusal in judged}


def check_record(resources: Resources, actor: Actor, record_id: int) -> None:
    """Check a signed record before 鉴别; raise Conflict with every reason, or what 鉴别 raises."""
    refusal = check_records(resources, actor, [record_id])[record_id]
    if refusal is not None:
        raise refusal


def check_offers(
    resources: Resources, actor: Actor, item_ids: Sequence[int]
) -> dict[int, ArchiveError | None]:
    """Check papers from outside before 鉴别, as ``check_records`` does; leave others alone.

    All are looked into by one child process: much quicker than one by one.
    """
    found: dict[int, ArchiveError | None] = dict.fromkeys(item_ids)
    with resources.reading() as uow:
        rows = list(uow.session.scalars(select(Item).where(Item.id.in_(found))))
        for item_id in found:
            try:
                require(actor, "item.file", thing_of_item(uow, item_id))
            except ArchiveError as refusal:
                found[item_id] = refusal
        offered = [
            row.id for row in rows if found[row.id] is None and row.state == ItemState.OFFERED
        ]
        papers = gathering.papers_of(uow, offered)
        confirmed = runs.confirmed_of(uow, offered)
    judged = _judge_each(resources, actor, see(resources, papers), confirmed)
    return found | {paper.item_id: refusal for paper, refusal in judged}


def check_offered(resources: Resources, actor: Actor, item_id: int) -> None:
    """Check a paper from outside before 鉴别; one that is past it is left alone."""
    refusal = check_offers(resources, actor, [item_id])[item_id]
    if refusal is not None:
        raise refusal


def check_batch(resources: Resources, actor: Actor, batch: Batch) -> Batch:
    """Check the files of papers that are imported; return the batch without those that fail.

    A paper that fails an item with a veto becomes a fault that names every reason.
    """
    with_file = [row for row in batch.rows if row.file is not None]
    if not with_file:
        return batch
    papers = see(resources, [_imported(row) for row in with_file])
    refused: dict[int, Fault] = {}
    for row, paper in zip(with_file, papers, strict=True):
        alone = judge([paper], INTAKE)
        if alone.stops:
            why = f"四性检测不合格：{'；'.join(alone.vetoes())}"
            refused[id(row)] = Fault(row.where, why)
    with resources.work() as uow:
        runs.keep_run(uow, actor.id, _without_manual(judge(papers, INTAKE)), why="导入")
        uow.commit()
    kept = tuple(row for row in batch.rows if id(row) not in refused)
    return replace(batch, rows=kept, faults=(*batch.faults, *refused.values()))


def require_passed(report: Report) -> None:
    """Raise Conflict naming the papers when an item with a veto failed."""
    refusal = _refusal(report)
    if refusal is not None:
        raise refusal


def _refusal(report: Report) -> Conflict | None:
    if not report.stops:
        return None
    faults = list(report.vetoes())
    shown = faults if report.papers == 1 else faults[:MOST_NAMED]
    rest = f"；另有 {len(faults) - len(shown)} 处" if len(faults) > len(shown) else ""
    act = _ACTS.get(report.stage, "办理")
    fields = {"check_run": str(report.run_id)} if report.run_id else {}
    return Conflict(f"四性检测不合格，不能{act}：{'；'.join(shown)}{rest}。", fields)


def _judge_each(
    resources: Resources,
    actor: Actor,
    papers: Sequence[PaperFacts],
    confirmed: Confirmed | None = None,
) -> list[tuple[PaperFacts, Conflict | None]]:
    """Judge each paper for 鉴别 alone, keep each outcome as a run of its own, all at once."""
    reports = [judge([paper], INTAKE, confirmed) for paper in papers]
    with resources.work() as uow:
        kept = [runs.keep_run(uow, actor.id, report, why="鉴别") for report in reports]
        uow.commit()
    return [(paper, _refusal(report)) for paper, report in zip(papers, kept, strict=True)]


def _check(resources: Resources, item_ids: Sequence[int], stage: str) -> Report:
    with resources.reading() as uow:
        papers = gathering.papers_of(uow, item_ids)
        confirmed = runs.confirmed_of(uow, item_ids)
    return judge(see(resources, papers), stage, confirmed)


def _imported(row: ImportRow) -> PaperFacts:
    files = [("master", row.file), *row.beside] if row.file else []
    return PaperFacts(
        item_id=0,
        title=row.title,
        code="",
        lowest_class="",
        is_ours=False,
        year=row.year or _ANY_YEAR,
        pages=0,
        responsible="",
        has_date=row.document_date is not None,
        steps=(),
        files=tuple(_file(role, file) for role, file in files if file is not None),
        codes={},
        number=row.number,
        form=row.form,
        secrecy=row.secrecy,
    )


_ANY_YEAR = 2000  # an imported paper without a year gets one when it is filed


def _file(role: str, file: ImportedFile) -> FileFacts:
    return FileFacts(role, file.name, file.ref.media_type, file.ref.sha256, file.ref.size)


def _without_manual(report: Report) -> Report:
    """Leave out what nobody can confirm before there is an item: it is asked at the sealing."""
    results = tuple(
        replace(one, manual=(), left=one.left + len(one.manual), note=one.note or "封卷时人工核对")
        if one.manual
        else one
        for one in report.results
    )
    return replace(report, results=results)

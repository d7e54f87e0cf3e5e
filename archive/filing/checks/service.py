"""The check of a whole volume: facts from the rows, bytes read apart, verdicts by the scheme.

Nothing is repaired here; what fails is named. Called by the edge (``checks.edge``) before a
volume is sealed, and by its page.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from archive.core.errors import Conflict
from archive.filing.checks.rules import RULES, FileFacts, NotDone, PaperFacts, Verdict
from archive.filing.checks.scheme import CheckItem, load_scheme
from archive.filing.codes import ReferenceCode
from archive.filing.models import FilingStep, Item, ItemFile, Volume
from archive.filing.sealing import whole_volume
from archive.people.rights import Actor
from storage.files import StoredFile
from storage.work import UnitOfWork

MOST_NAMED = 5


@dataclass(frozen=True)
class Seen:
    """What the bytes under a digest are now; an empty ``sha256`` means they are gone."""

    sha256: str
    size: int
    head: bytes
    marks: frozenset[str]


@dataclass(frozen=True)
class Plan:
    """What is to be checked: the papers with the files as registered, and all their digests."""

    title: str
    papers: tuple[PaperFacts, ...]
    digests: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """One item's outcome: how many papers passed, and what is wrong with the others."""

    item: CheckItem
    verdict: Verdict
    passed: int
    faults: tuple[tuple[int, str, str], ...]
    note: str = ""


@dataclass(frozen=True)
class Report:
    """The outcome of the check of a volume, item by item."""

    scheme: int
    papers: int
    results: tuple[Result, ...]

    @property
    def stops(self) -> bool:
        """Whether the volume may not be sealed."""
        return any(one.verdict is Verdict.FAIL and one.item.veto for one in self.results)

    @property
    def is_clean(self) -> bool:
        """Whether nothing failed."""
        return all(one.verdict is not Verdict.FAIL for one in self.results)


def plan_check(uow: UnitOfWork, actor: Actor, volume_id: int) -> Plan:
    """Return a volume's papers with their files as registered; all of it must be readable."""
    volume, items = whole_volume(uow, actor, volume_id)
    files, steps = _files_of(uow, volume.id), _steps_of(uow, volume.id)
    codes = Counter(_code(item) for item in items)
    papers = tuple(
        _facts(volume, item, tuple(steps[item.id]), tuple(files[item.id]), codes) for item in items
    )
    digests = {file.registered_sha256 for paper in papers for file in paper.files}
    return Plan(volume.title, papers, tuple(sorted(digests)))


def judge(plan: Plan, seen: Mapping[str, Seen]) -> Report:
    """Decide every item of the scheme over every paper."""
    papers = [_with_bytes(paper, seen) for paper in plan.papers]
    scheme = load_scheme()
    return Report(
        scheme.version, len(papers), tuple(_result(item, papers) for item in scheme.items)
    )


def note_check(uow: UnitOfWork, actor: Actor, volume_id: int, report: Report) -> None:
    """Write the outcome into the journal (PREMIS: fixity check, validation)."""
    told = {
        "scheme": report.scheme,
        "papers": report.papers,
        "items": {one.item.code: one.verdict.value for one in report.results},
        "failed": sorted({fault[0] for one in report.results for fault in one.faults})[:100],
    }
    uow.journal(actor.id, "volume.check", "volume", volume_id, told)


def require_passed(report: Report) -> None:
    """Raise Conflict naming the papers when an item with a veto failed."""
    faults = [
        f"{one.item.code} {one.item.name}：《{title}》{why}"
        for one in report.results
        if one.verdict is Verdict.FAIL and one.item.veto
        for _, title, why in one.faults
    ]
    if faults:
        rest = f"；另有 {len(faults) - MOST_NAMED} 处" if len(faults) > MOST_NAMED else ""
        raise Conflict(f"四性检测不合格，不能封卷：{'；'.join(faults[:MOST_NAMED])}{rest}。")


def _result(item: CheckItem, papers: Sequence[PaperFacts]) -> Result:
    faults, passed, notes = [], 0, set()
    for paper in papers:
        try:
            why = RULES[item.how](paper)
        except NotDone as undecided:
            notes.add(undecided.why)
            continue
        if why:
            faults.append((paper.item_id, paper.title, why))
        else:
            passed += 1
    verdict = Verdict.FAIL if faults else Verdict.PASS if passed else Verdict.NOT_DONE
    return Result(item, verdict, passed, tuple(faults), "；".join(sorted(notes)))


def _with_bytes(paper: PaperFacts, seen: Mapping[str, Seen]) -> PaperFacts:
    files = tuple(_as_seen(file, seen.get(file.registered_sha256)) for file in paper.files)
    return PaperFacts(**{**vars(paper), "files": files})


def _as_seen(file: FileFacts, now: Seen | None) -> FileFacts:
    if now is None:
        return file
    changes = {"sha256": now.sha256, "size": now.size, "head": now.head, "marks": now.marks}
    return FileFacts(**{**vars(file), **changes})


def _facts(
    volume: Volume,
    item: Item,
    steps: tuple[str, ...],
    files: tuple[FileFacts, ...],
    codes: Mapping[str, int],
) -> PaperFacts:
    belongs = ReferenceCode(
        volume.fonds, volume.category, volume.year, volume.retention, volume.unit, 1
    )
    return PaperFacts(
        item_id=item.id,
        title=item.title,
        code=_code(item),
        lowest_class=belongs.lowest_class,
        is_ours=item.record_id is not None,
        year=item.year,
        pages=item.pages,
        responsible=item.responsible,
        has_date=item.document_date is not None,
        steps=steps,
        files=files,
        codes=codes,
    )


def _code(item: Item) -> str:
    return item.reference_code or item.provisional_code or ""


def _files_of(uow: UnitOfWork, volume_id: int) -> dict[int, list[FileFacts]]:
    found: dict[int, list[FileFacts]] = defaultdict(list)
    query = (
        select(ItemFile, StoredFile)
        .join(StoredFile, StoredFile.sha256 == ItemFile.sha256)
        .join(Item, Item.id == ItemFile.item_id)
        .where(Item.volume_id == volume_id)
        .order_by(ItemFile.id)
    )
    for file, stored in uow.session.execute(query):
        found[file.item_id].append(
            FileFacts(
                role=file.role,
                name=file.name,
                media_type=stored.media_type,
                registered_sha256=stored.sha256,
                registered_size=stored.size,
                sha256="",
                size=0,
                head=b"",
            )
        )
    return found


def _steps_of(uow: UnitOfWork, volume_id: int) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    query = select(FilingStep.item_id, FilingStep.step).join(Item, Item.id == FilingStep.item_id)
    for item_id, step in uow.session.execute(query.where(Item.volume_id == volume_id)):
        found[item_id].append(step)
    return found

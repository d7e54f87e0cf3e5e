"""Keeps the outcome of checks: one row a run, one a paper and item that did not pass.

What fails an item marked ``quarantine`` is put aside in the same transaction; nothing is
repaired. Reading the runs, and a person's word on what a machine cannot decide, are here too.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from archive.core.errors import Conflict, Invalid, NotFound
from archive.core.pages import Page, clean_paging
from archive.filing.checks.judging import Confirmed, Fault, Report
from archive.filing.checks.models import CheckFinding, CheckRun
from archive.filing.checks.quarantine import put_aside
from archive.filing.checks.rules import Verdict
from archive.filing.checks.scheme import STAGES, CheckItem, load_scheme
from archive.filing.models import Item, Volume
from archive.filing.rules import check_reason
from archive.people import service as people
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

LARGEST_ID = 2**63 - 1
MOST_IN_JOURNAL = 100
HIDDEN = "（无权查看的文件）"


@dataclass(frozen=True)
class FindingView:
    """A paper that did not pass; its title is not told to whoever may not read it."""

    id: int
    item_id: int | None
    record_id: int | None
    title: str
    code: str
    verdict: Verdict
    detail: str
    confirmed_name: str
    confirmed_at: datetime | None
    is_good: bool | None
    note: str


@dataclass(frozen=True)
class LineView:
    """One item of a run: how many papers came out how."""

    item: CheckItem
    verdict: Verdict
    passed: int
    failed: int
    manual: int
    left: int
    note: str
    findings: tuple[FindingView, ...] = ()


@dataclass(frozen=True)
class RunView:
    """A run as people see it."""

    id: int
    stage: str
    why: str
    scheme: int
    by_name: str
    volume_id: int | None
    volume_title: str
    started_at: datetime
    ended_at: datetime | None
    papers: int
    failed: int
    stops: bool
    lines: tuple[LineView, ...] = ()

    @property
    def stage_label(self) -> str:
        """The stage as shown to people."""
        return STAGES.get(self.stage, self.stage)

    @property
    def outcome(self) -> str:
        """The outcome in a word."""
        if self.ended_at is None:
            return "进行中"
        return "不合格，已停下" if self.stops else "有不合格项" if self.failed else "合格"


def keep_run(
    uow: UnitOfWork,
    by_id: int | None,
    report: Report,
    *,
    why: str = "",
    volume_id: int | None = None,
) -> Report:
    """Keep a report as a finished run, put aside what must be, and journal it; return it kept."""
    now = uow.now()
    row = CheckRun(
        stage=report.stage,
        why=why[:200],
        scheme=report.scheme,
        by_id=by_id,
        volume_id=volume_id,
        started_at=now,
        ended_at=now,
        summary={},
    )
    uow.session.add(row)
    uow.session.flush()
    add_to_run(uow, row, report)
    return replace(report, run_id=row.id)


def add_to_run(uow: UnitOfWork, row: CheckRun, report: Report) -> None:
    """Add a report to a run: counts, findings, quarantine, journal (PREMIS: fixity check)."""
    row.papers += report.papers
    row.failed += len(report.failed)
    row.stops = row.stops or report.stops
    summary = {code: dict(told) for code, told in row.summary.items()}
    for one in report.results:
        _count(summary.setdefault(one.item.code, {}), one)
        findings = [(Verdict.FAIL, fault) for fault in one.faults]
        findings += [(Verdict.MANUAL, fault) for fault in one.manual]
        uow.session.add_all(
            _finding(row.id, one.item.code, verdict, fault) for verdict, fault in findings
        )
    row.summary = summary
    uow.session.flush()
    put_aside(uow, row.id, report)
    _note(uow, row, report)


def confirmed_of(uow: UnitOfWork, item_ids: Collection[int]) -> Confirmed:
    """Return what persons decided about items before, the latest word by item and code."""
    lasting = [item.code for item in load_scheme().items if item.how != "virus"]
    rows = uow.session.execute(
        select(CheckFinding.item_id, CheckFinding.code, CheckFinding.is_good)
        .where(
            CheckFinding.item_id.in_(item_ids),
            CheckFinding.is_good.is_not(None),
            CheckFinding.code.in_(lasting),
        )
        .order_by(CheckFinding.id)
    )
    return {(row.item_id or 0, row.code): bool(row.is_good) for row in rows}


def confirm_finding(
    uow: UnitOfWork, actor: Actor, finding_id: int, *, is_good: bool, note: str
) -> int:
    """Say as an archivist what a machine could not decide; return the run. It stands from now on.

    Raises NotFound, Invalid without a note, Conflict when it is decided already.
    """
    require(actor, "check.confirm")
    row = uow.session.get(CheckFinding, finding_id) if 0 < finding_id <= LARGEST_ID else None
    if row is None or row.verdict != Verdict.MANUAL or not _is_readable(uow, actor, row.item_id):
        raise NotFound("没有这一项待确认的检测结果。")
    if row.confirmed_at is not None:
        raise Conflict("这一项已经有人确认过，请刷新页面。")
    row.note = check_reason(note, "核对说明")
    row.is_good, row.confirmed_by, row.confirmed_at = is_good, actor.id, uow.now()
    uow.session.flush()
    told = {"run": row.run_id, "code": row.code, "good": is_good}
    uow.journal(actor.id, "check.confirm", "item", row.item_id or 0, told)
    return row.run_id


def list_runs(
    uow: UnitOfWork, actor: Actor, *, stage: str = "", page: int = 1, per_page: int = 20
) -> Page[RunView]:
    """Return the runs, newest first."""
    require(actor, "check.read")
    page, per_page = clean_paging(page, per_page)
    if stage and stage not in STAGES:
        raise Invalid("没有这个检测环节。", {"stage": "不认识"})
    wanted = [CheckRun.stage == stage] if stage else []
    total = uow.session.scalar(select(func.count()).select_from(CheckRun).where(*wanted)) or 0
    rows = uow.session.scalars(
        select(CheckRun)
        .where(*wanted)
        .order_by(CheckRun.id.desc())
        .offset((page - 1) * per_page)
        .limit(per_page)
    )
    return Page(tuple(_views(uow, list(rows))), total, page, per_page)


def get_run(uow: UnitOfWork, actor: Actor, run_id: int) -> RunView:
    """Return a run with every line and finding; raise NotFound."""
    require(actor, "check.read")
    row = uow.session.get(CheckRun, run_id) if 0 < run_id <= LARGEST_ID else None
    if row is None:
        raise NotFound("没有这次检测。")
    view = _views(uow, [row])[0]
    findings = _findings(uow, actor, run_id)
    return replace(view, lines=tuple(_line(item, row, findings) for item in _items(row)))


def runs_of_item(uow: UnitOfWork, actor: Actor, item_id: int) -> list[FindingView]:
    """Return what was found about an item in any run, the latest first."""
    require(actor, "check.read")
    query = select(CheckFinding).where(CheckFinding.item_id == item_id)
    rows = list(uow.session.scalars(query.order_by(CheckFinding.id.desc()).limit(20)))
    return _finding_views(uow, actor, rows)


def _count(told: dict[str, Any], one: Any) -> None:
    counts = (
        ("passed", one.passed),
        ("failed", len(one.faults)),
        ("manual", len(one.manual)),
        ("na", one.left),
    )
    for key, number in counts:
        told[key] = told.get(key, 0) + number
    notes = {*str(told.get("note", "")).split("；"), *one.note.split("；")} - {""}
    told["note"] = "；".join(sorted(notes))


def _finding(run_id: int, code: str, verdict: Verdict, fault: Fault) -> CheckFinding:
    detail = fault.why if fault.item_id or fault.record_id else f"《{fault.title}》{fault.why}"
    return CheckFinding(
        run_id=run_id,
        item_id=fault.item_id or None,
        record_id=fault.record_id,
        code=code,
        verdict=verdict,
        detail=detail,
    )


def _note(uow: UnitOfWork, row: CheckRun, report: Report) -> None:
    told = {
        "stage": report.stage,
        "scheme": report.scheme,
        "papers": report.papers,
        "items": {one.item.code: one.verdict.value for one in report.results},
        "failed": sorted(report.failed - {0})[:MOST_IN_JOURNAL],
        "run": row.id,
    }
    kind, number = ("volume", row.volume_id) if row.volume_id else ("check_run", row.id)
    act = "volume.check" if row.volume_id else f"fixity.{report.stage}"
    uow.journal(row.by_id, act, kind, number or 0, told)


def _views(uow: UnitOfWork, rows: Sequence[CheckRun]) -> list[RunView]:
    names = people.names_of(uow, [row.by_id for row in rows])
    ids = {row.volume_id for row in rows} - {None}
    volumes = {
        row.id: row.title
        for row in uow.session.execute(select(Volume.id, Volume.title).where(Volume.id.in_(ids)))
    }
    return [
        RunView(
            id=row.id,
            stage=row.stage,
            why=row.why,
            scheme=row.scheme,
            by_name=names.get(row.by_id or 0, "系统"),
            volume_id=row.volume_id,
            volume_title=volumes.get(row.volume_id or 0, ""),
            started_at=row.started_at,
            ended_at=row.ended_at,
            papers=row.papers,
            failed=row.failed,
            stops=row.stops,
        )
        for row in rows
    ]


def _items(row: CheckRun) -> list[CheckItem]:
    """Return the items of a run, those of an older scheme as far as they are known still."""
    return [item for item in load_scheme().items if item.code in row.summary]


def _line(item: CheckItem, row: CheckRun, findings: Sequence[FindingView]) -> LineView:
    told = row.summary[item.code]
    mine = tuple(one for one in findings if one.code == item.code)
    is_open = any(one.verdict is Verdict.MANUAL and one.is_good is None for one in mine)
    is_bad = told["failed"] or any(one.is_good is False for one in mine)
    verdict = Verdict.FAIL if is_bad else Verdict.MANUAL if is_open else Verdict.PASS
    if verdict is Verdict.PASS and not told["passed"] and not mine:
        verdict = Verdict.NOT_DONE
    return LineView(
        item,
        verdict,
        told["passed"],
        told["failed"],
        told["manual"],
        told["na"],
        told["note"],
        mine,
    )


def _findings(uow: UnitOfWork, actor: Actor, run_id: int) -> list[FindingView]:
    query = select(CheckFinding).where(CheckFinding.run_id == run_id).order_by(CheckFinding.id)
    return _finding_views(uow, actor, list(uow.session.scalars(query)))


def _finding_views(
    uow: UnitOfWork, actor: Actor, rows: Sequence[CheckFinding]
) -> list[FindingView]:
    names = people.names_of(uow, [row.confirmed_by for row in rows])
    titles = {
        row.id: row.title
        for row in uow.session.execute(
            select(Item.id, Item.title).where(
                Item.id.in_({row.item_id for row in rows} - {None}),
                may_read(actor, "item", Item.id),
            )
        )
    }
    return [
        FindingView(
            id=row.id,
            item_id=row.item_id if row.item_id in titles else None,
            record_id=row.record_id,
            title=_title(row, titles),
            code=row.code,
            verdict=Verdict(row.verdict),
            detail=row.detail if row.item_id in titles or not row.item_id else "",
            confirmed_name=names.get(row.confirmed_by or 0, ""),
            confirmed_at=row.confirmed_at,
            is_good=row.is_good,
            note=row.note,
        )
        for row in rows
    ]


def _title(row: CheckFinding, titles: dict[int, str]) -> str:
    if row.item_id:
        return titles.get(row.item_id, HIDDEN)
    return f"待归档文件（第 {row.record_id} 号）" if row.record_id else "导入的文件"


def _is_readable(uow: UnitOfWork, actor: Actor, item_id: int | None) -> bool:
    if item_id is None:
        return True
    query = select(Item.id).where(Item.id == item_id, may_read(actor, "item", Item.id))
    return uow.session.scalar(query) is not None

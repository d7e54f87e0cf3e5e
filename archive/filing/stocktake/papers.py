"""The result of a stocktake as a paper (A09 盘点表), printed like every form of the archive."""

from archive.core.clock import local_day
from archive.filing.papers import Paper
from archive.filing.stocktake.models import TakeState
from archive.filing.stocktake.rules import Outcome
from archive.filing.stocktake.service import get_take
from archive.filing.stocktake.views import FindingView, TakeView
from archive.forms.service import get_form
from archive.people.rights import Actor
from storage.work import UnitOfWork

CODE = "A09"
MOST_LINES = 500


def take_paper(uow: UnitOfWork, actor: Actor, take_id: int) -> Paper:
    """Return a stocktake as its paper; one that is still open says so."""
    found = get_take(uow, actor, take_id)
    return Paper(get_form(uow, CODE), _values(found), found.number, found.scope)


def _values(found: TakeView) -> dict[str, object]:
    lines = found.findings[:MOST_LINES]
    note = "\n".join(part for part in (found.note, found.end_note, _cut(found)) if part)
    is_closed = found.state == TakeState.CLOSED
    return {
        "盘点范围": found.scope,
        "盘点情况": found.state_label,
        "开始日期": local_day(found.opened_at).isoformat(),
        "主盘人": found.opened_name,
        "参加人": "、".join(found.scanners)[:200],
        "应盘件数": str(found.expected),
        **{f"{outcome.label[:6]}": str(found.counts.get(outcome, 0)) for outcome in _PRINTED},
        "差异": [_line(one, place) for place, one in enumerate(lines, start=1)],
        "说明": note[:2000],
        "结果校验码": found.digest if is_closed else "",
        "签字人": found.ended_name if is_closed else "",
        "签字日期": local_day(found.ended_at).isoformat() if found.ended_at and is_closed else "",
    }


_PRINTED = (
    Outcome.PRESENT,
    Outcome.LENT,
    Outcome.MISSING,
    Outcome.MISPLACED,
    Outcome.OUT_SEEN,
    Outcome.FOUND,
    Outcome.UNKNOWN,
)


def _cut(found: TakeView) -> str:
    rest = len(found.findings) - MOST_LINES
    return f"另有 {rest} 处差异没有列出，见导出的 Excel。" if rest > 0 else ""


def _line(one: FindingView, place: int) -> dict[str, object]:
    return {
        "序号": str(place),
        "条码": one.barcode,
        "件号": one.code,
        "题名": one.title[:300] or "（不在目录）",
        "应在位置": one.home_text,
        "见到位置": one.seen_text,
        "结果": one.outcome_label,
        "处理": one.decision_label or "未处理",
        "备注": " ".join(one.note.split())[:200],
    }

"""A run of the check as a paper (A16 四性检测报告), printed as Word and PDF."""

from archive.core.clock import show_instant
from archive.filing.checks.rules import Verdict
from archive.filing.checks.runs import FindingView, LineView, RunView, get_run
from archive.filing.papers import Paper
from archive.forms.service import get_form
from archive.people.rights import Actor
from storage.work import UnitOfWork

CODE = "A16"
MOST_NAMED = 20


def run_paper(uow: UnitOfWork, actor: Actor, run_id: int) -> Paper:
    """Return a run as its report; raise NotFound, Forbidden."""
    run = get_run(uow, actor, run_id)
    title = run.volume_title or run.stage_label
    return Paper(get_form(uow, CODE), _values(run), f"SX-{run.id:06d}", title)


def _values(run: RunView) -> dict[str, object]:
    return {
        "检测环节": run.stage_label,
        "检测对象": run.volume_title or run.why,
        "检测时间": show_instant(run.started_at),
        "检测人": run.by_name,
        "检测方案": f"第 {run.scheme} 版（DA/T 70-2018）",
        "件数": str(run.papers),
        "不合格件数": str(run.failed),
        "结论": run.outcome,
        "检测项": [
            {
                "性质": line.item.property,
                "代码": line.item.code,
                "检测项目": line.item.name,
                "否决": "是" if line.item.veto else "",
                "结果": line.verdict.label,
                "说明": "\n".join(_told(line)),
            }
            for line in run.lines
        ],
        "未检测说明": "\n".join(
            f"{line.item.code} {line.item.name}：{line.note}" for line in run.lines if line.note
        )
        or "没有未检测的项目。",
    }


def _told(line: LineView) -> list[str]:
    counts = (
        (line.passed, "合格"),
        (line.failed, "不合格"),
        (line.manual, "需人工确认"),
        (line.left, "未检测"),
    )
    words = ["，".join(f"{number} 件{word}" for number, word in counts if number)]
    words += [_finding(one) for one in line.findings[:MOST_NAMED]]
    if len(line.findings) > MOST_NAMED:
        words.append(f"另有 {len(line.findings) - MOST_NAMED} 件，见系统里的检测记录")
    return [word for word in words if word]


def _finding(one: FindingView) -> str:
    text = f"《{one.title}》{one.detail[:200]}"
    if one.verdict is not Verdict.MANUAL:
        return text
    if one.is_good is None:
        return f"{text}（待人工确认）"
    outcome = "相符" if one.is_good else "不符"
    return f"{text}（{one.confirmed_name}核对{outcome}：{one.note[:100]}）"

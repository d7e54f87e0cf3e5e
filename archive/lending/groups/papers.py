"""The application (A01) of a whole loan note: all its papers, all their approvals, on one paper."""

from sqlalchemy import select

from archive.core.clock import local_day
from archive.filing.papers import Paper
from archive.forms.service import get_form
from archive.lending.groups.service import get_group
from archive.lending.groups.views import GroupView
from archive.lending.papers import APPLICATION, line_of, step_line
from archive.lending.views import ApprovalView
from archive.people.models import User
from archive.people.rights import Actor
from storage.work import UnitOfWork

LONGEST_NUMBERS = 40


def group_paper(uow: UnitOfWork, actor: Actor, group_id: int) -> Paper:
    """Return the application of a note, for whoever may see it; its list holds every copy."""
    group = get_group(uow, actor, group_id)
    staff_no = uow.session.scalar(select(User.staff_no).where(User.id == group.borrower_id))
    first, count = group.requests[0], len(group.requests)
    dues = sorted({one.due for one in group.requests if one.due})
    bases = list(dict.fromkeys(f"{one.rule_basis}（{one.rule}）" for one in group.requests))
    values: dict[str, object] = {
        "申请日期": local_day(group.created_at).isoformat(),
        "借阅人": group.borrower_name,
        "部门": group.borrower_department,
        "工号": staff_no or "",
        "题名": f"{first.item_title[:280]}等 {count} 份（见下表）"
        if count > 1
        else first.item_title,
        "件号全称": first.item_code if count == 1 else "",
        "借阅方式": group.mode_label,
        "借阅用途": group.purpose,
        "业务依据": group.business_reference,
        "应还日期": dues[0].isoformat() if dues else "",
        "适用规则": "；".join(bases)[:400],
        "办理情况": f"{group.state_label[:290]}。",
        "明细": [line_of(one, place) for place, one in enumerate(group.requests, start=1)],
        "审批": _steps(group),
    }
    return Paper(get_form(uow, APPLICATION), values, group.number, group.number)


def _steps(group: GroupView) -> list[dict[str, object]]:
    """Return the approvals; what one person decided of several papers alike stands on one line."""
    places: dict[tuple[str, ...], list[int]] = {}
    steps: dict[tuple[str, ...], ApprovalView] = {}
    for place, one in enumerate(group.requests, start=1):
        for step in one.approvals:
            at = f"{step.decided_at:%Y%m%d%H%M}" if step.decided_at else ""
            key: tuple[str, ...] = (
                *(str(step.seq), step.label, step.who, step.state, step.opinion),
                at,
            )
            places.setdefault(key, []).append(place)
            steps.setdefault(key, step)
    lines = []
    for number, (found, step) in enumerate(sorted(steps.items(), key=_order), start=1):
        line = step_line(step, str(number))
        if len(places[found]) < len(group.requests):
            which = "、".join(map(str, places[found]))
            which = which if len(which) <= LONGEST_NUMBERS else f"{which[:LONGEST_NUMBERS]}…"
            line["意见"] = f"第 {which} 份。{step.opinion}"[:500]
        lines.append(line)
    return lines


def _order(pair: tuple[tuple[str, ...], ApprovalView]) -> tuple[int, str]:
    key, step = pair
    return step.seq, key[-1] or "9"

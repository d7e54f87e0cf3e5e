"""Standing delegations (委托): a person's tasks go to another from day to day, by form.

What the agent signs prints as B 代 A. Called by ``flow`` when a task opens, and by the pages
where people set and end their delegations.
"""

from collections.abc import Iterable
from datetime import date

from sqlalchemy import ColumnElement, or_, select

from archive.core.clock import local_day
from archive.core.errors import Forbidden, Invalid, NotFound
from archive.forms.service import list_forms
from archive.people import service as people
from archive.people.rights import Actor, can
from archive.signing.models import Delegation, SigningTask, TaskState
from archive.signing.views import DelegationView
from storage.work import UnitOfWork

LONGEST_DAYS = 366


def find_agent(uow: UnitOfWork, owner_id: int, form_code: str) -> int | None:
    """Return who acts for the person today on papers of this form, or None; newest first."""
    return agents_today(uow, [owner_id], form_code).get(owner_id)


def agents_today(uow: UnitOfWork, owner_ids: Iterable[int], form_code: str) -> dict[int, int]:
    """Return who acts today for each of these people on papers of this form; newest first."""
    rows = uow.session.execute(
        select(Delegation.owner_id, Delegation.agent_id)
        .where(Delegation.owner_id.in_(set(owner_ids)), *_in_force(uow, form_code))
        .order_by(Delegation.form_code, Delegation.id)
    )
    return {row.owner_id: row.agent_id for row in rows}


def owners_today(uow: UnitOfWork, agent_id: int, form_code: str) -> frozenset[int]:
    """Return for whom this person acts today on papers of this form."""
    asked = uow.session.scalars(
        select(Delegation.owner_id).where(
            Delegation.agent_id == agent_id, *_in_force(uow, form_code)
        )
    ).all()
    if not asked:
        return frozenset()
    agents = agents_today(uow, asked, form_code)
    return frozenset(owner for owner, agent in agents.items() if agent == agent_id)


def _in_force(uow: UnitOfWork, form_code: str) -> tuple[ColumnElement[bool], ...]:
    today = local_day(uow.now())
    return (
        or_(Delegation.form_code == "", Delegation.form_code == form_code),
        Delegation.from_day <= today,
        Delegation.until_day >= today,
        Delegation.ended_at.is_(None),
    )


def delegate_tasks(
    uow: UnitOfWork,
    actor: Actor,
    agent: Actor,
    from_day: date,
    until_day: date,
    form_code: str = "",
    reason: str = "",
) -> DelegationView:
    """Hand one's coming tasks to another for some days; raise Invalid naming what is wrong."""
    _check_days(from_day, until_day, local_day(uow.now()))
    if agent.id == actor.id:
        raise Invalid("不能委托给自己。", {"agent": "请选另一个人"})
    if not agent.handles_papers:
        raise Invalid(f"{agent.name}没有办文的角色，不办公文。", {"agent": "请选另一个人"})
    if find_agent(uow, agent.id, form_code) == actor.id:
        raise Invalid(f"{agent.name}在这段时间已委托给您，不能互相委托。", {"agent": "互相委托"})
    if form_code and form_code not in {form.code for form in list_forms(uow)}:
        raise Invalid("没有这种表单。", {"form_code": "请从列表里选"})
    if len(reason) > 200:
        raise Invalid("事由太长。", {"reason": "最多 200 个字"})
    told = {
        "owner_id": actor.id,
        "agent_id": agent.id,
        "form_code": form_code,
        "from_day": from_day,
        "until_day": until_day,
        "ended_at": None,
    }
    if uow.session.scalar(select(Delegation.id).filter_by(**told).limit(1)) is not None:
        raise Invalid(f"同样的委托已经设好，不必再设（{agent.name}）。", {"agent": "已经委托"})
    row = Delegation(**told, reason=reason.strip(), made_at=uow.now())
    uow.session.add(row)
    uow.session.flush()
    detail = {"agent": agent.id, "form": form_code, "from": f"{from_day}", "until": f"{until_day}"}
    uow.journal(actor.id, "delegation.make", "delegation", row.id, detail)
    return get_delegation(uow, row.id)


def end_delegation(uow: UnitOfWork, actor: Actor, delegation_id: int) -> DelegationView:
    """End one's delegation now; what the agent has not signed yet comes back."""
    row = uow.session.get(Delegation, delegation_id)
    if row is None or not (row.owner_id == actor.id or can(actor, "task.reassign")):
        raise NotFound("没有这项委托。")
    if row.ended_at is not None:
        raise Forbidden("这项委托已经结束了。")
    row.ended_at = uow.now()
    back = uow.session.scalars(
        select(SigningTask).where(
            SigningTask.owner_id == row.owner_id,
            SigningTask.assignee_id == row.agent_id,
            SigningTask.is_proxy.is_(True),
            SigningTask.state.in_((TaskState.OPEN, TaskState.WAITING)),
        )
    )
    for task in back:
        task.assignee_id, task.owner_id, task.is_proxy = row.owner_id, None, False
    uow.journal(actor.id, "delegation.end", "delegation", row.id, {"agent": row.agent_id})
    uow.session.flush()
    return get_delegation(uow, row.id)


def get_delegation(uow: UnitOfWork, delegation_id: int) -> DelegationView:
    """Return one delegation; raise NotFound."""
    row = uow.session.get(Delegation, delegation_id)
    if row is None:
        raise NotFound("没有这项委托。")
    return _views(uow, [row])[0]


def delegations_of(uow: UnitOfWork, actor: Actor) -> tuple[DelegationView, ...]:
    """Return what the actor delegated, and what was delegated to the actor, newest first."""
    rows = uow.session.scalars(
        select(Delegation)
        .where(or_(Delegation.owner_id == actor.id, Delegation.agent_id == actor.id))
        .order_by(Delegation.id.desc())
        .limit(100)
    )
    return _views(uow, list(rows))


def _check_days(from_day: date, until_day: date, today: date) -> None:
    if until_day < from_day:
        raise Invalid("截止日期早于开始日期。", {"until_day": "应不早于开始日期"})
    if until_day < today:
        raise Invalid("截止日期已经过去。", {"until_day": "应不早于今天"})
    if (until_day - from_day).days > LONGEST_DAYS:
        raise Invalid("委托最长一年，请分次设置。", {"until_day": "太远"})


def _views(uow: UnitOfWork, rows: list[Delegation]) -> tuple[DelegationView, ...]:
    names = people.names_of(uow, {one for row in rows for one in (row.owner_id, row.agent_id)})
    titles = {form.code: form.title for form in list_forms(uow)}
    today = local_day(uow.now())
    return tuple(
        DelegationView(
            id=row.id,
            owner_id=row.owner_id,
            owner_name=names[row.owner_id],
            agent_id=row.agent_id,
            agent_name=names[row.agent_id],
            form_code=row.form_code,
            form_title=titles.get(row.form_code, row.form_code) or "全部表单",
            from_day=row.from_day.isoformat(),
            until_day=row.until_day.isoformat(),
            reason=row.reason,
            state=_state(row, today),
        )
        for row in rows
    )


def _state(row: Delegation, today: date) -> str:
    if row.ended_at is not None or row.until_day < today:
        return "over"
    return "ahead" if row.from_day > today else "now"

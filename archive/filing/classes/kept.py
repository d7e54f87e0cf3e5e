"""The plan in force: the latest version that is valid today, else the one that ships."""

from sqlalchemy import select

from archive.core.clock import local_day
from archive.filing.classes.models import PlanVersion
from archive.filing.plan import Plan, load_plan, read_plan
from storage.work import UnitOfWork

_KEPT = "filing plan"


def plan_in_force(uow: UnitOfWork) -> Plan:
    """Return the plan in force; asked for once in a unit of work."""
    kept = uow.session.info.get(_KEPT)
    if isinstance(kept, Plan):
        return kept
    content = uow.session.scalar(
        select(PlanVersion.content)
        .where(PlanVersion.valid_from <= local_day(uow.now()))
        .order_by(PlanVersion.version.desc())
        .limit(1)
    )
    plan = load_plan() if content is None else read_plan(content)
    uow.session.info[_KEPT] = plan
    return plan


def latest_plan(uow: UnitOfWork) -> Plan:
    """Return the latest version, in force or not yet: what a change starts from."""
    query = select(PlanVersion.content).order_by(PlanVersion.version.desc()).limit(1)
    content = uow.session.scalar(query)
    return load_plan() if content is None else read_plan(content)


def forget_plan(uow: UnitOfWork) -> None:
    """Have the plan asked for anew, after a change."""
    uow.session.info.pop(_KEPT, None)

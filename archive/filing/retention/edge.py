"""Signing at the end of the keeping as whole acts: plan, one's own password, record.

Pages and calls share these; they are the edge, so they commit.
"""

from collections.abc import Callable
from typing import TypeVar

from archive.core.resources import Resources
from archive.filing.checks.edge import check_before_transfer, require_passed
from archive.filing.retention import appraisal, lists
from archive.people.rights import Actor
from archive.signing.edge import confirm
from archive.tasks.service import TaskView
from storage.work import UnitOfWork

T = TypeVar("T")


def sign_appraisal(
    resources: Resources, actor: Actor, appraisal_id: int, *, password: str, address: str
) -> bool:
    """Sign one's opinions; return whether the last signature has decided."""
    with resources.reading() as uow:
        appraisal.plan_signature(uow, actor, appraisal_id)
    confirm(resources, actor, password, address, "没有签字")
    return _record(resources, lambda uow: appraisal.record_signature(uow, actor, appraisal_id))


def approve(
    resources: Resources, actor: Actor, list_id: int, digest: str, *, password: str, address: str
) -> None:
    """Approve a destruction as the legal representative."""
    with resources.reading() as uow:
        lists.plan_approval(uow, actor, list_id, digest)
    confirm(resources, actor, password, address, "没有批准")
    _record(resources, lambda uow: lists.record_approval(uow, actor, list_id, digest))


def witness(
    resources: Resources,
    actor: Actor,
    list_id: int,
    digest: str,
    method: str,
    location: str,
    *,
    password: str,
    address: str,
) -> None:
    """Sign as 监销人: how and where."""
    told = (digest, method, location)
    with resources.reading() as uow:
        lists.plan_witness(uow, actor, list_id, *told)
    confirm(resources, actor, password, address, "没有签字")
    _record(resources, lambda uow: lists.record_witness(uow, actor, list_id, *told))


def execute(
    resources: Resources, actor: Actor, list_id: int, digest: str, *, password: str, address: str
) -> TaskView:
    """Begin to carry a destruction out; return the task to watch."""
    with resources.reading() as uow:
        lists.plan_execution(uow, actor, list_id, digest)
    confirm(resources, actor, password, address, "没有执行")
    return _record(resources, lambda uow: lists.record_execution(uow, actor, list_id, digest))


def transfer(
    resources: Resources,
    actor: Actor,
    list_id: int,
    digest: str,
    receiver: str,
    receiver_name: str,
    *,
    password: str,
    address: str,
) -> None:
    """Sign items over to another archive, once the four-property check of all has passed.

    Source: DA/T 70-2018, 移交与接收环节; the report is kept whether it passes or not.
    """
    told = (digest, receiver, receiver_name)
    with resources.reading() as uow:
        number = lists.plan_transfer(uow, actor, list_id, *told).number
        ids = [line.item_id for line in lists.rows_of(uow, list_id)]
    confirm(resources, actor, password, address, "没有移交")
    report = check_before_transfer(resources, actor, ids, why=f"移交清册 {number}")
    require_passed(report)
    _record(resources, lambda uow: lists.record_transfer(uow, actor, list_id, *told))


def _record(resources: Resources, act: Callable[[UnitOfWork], T]) -> T:
    with resources.work() as uow:
        done = act(uow)
        uow.commit()
    return done

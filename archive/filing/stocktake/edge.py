"""Closing a stocktake as a whole act: look, ask for the password, close. It commits."""

from archive.core.resources import Resources
from archive.filing.stocktake import service
from archive.filing.stocktake.views import TakeView
from archive.people.rights import Actor
from archive.signing.edge import confirm


def close(
    resources: Resources,
    actor: Actor,
    take_id: int,
    digest: str,
    note: str,
    *,
    password: str,
    address: str,
) -> TakeView:
    """Close a stocktake with one's password; raise Conflict while a difference is undecided."""
    with resources.reading() as uow:
        service.plan_closing(uow, actor, take_id)
    confirm(resources, actor, password, address, "盘点没有结束")
    with resources.work() as uow:
        done = service.close_take(uow, actor, take_id, digest, note)
        uow.commit()
    return done

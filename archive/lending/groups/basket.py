"""The basket (借阅车): papers put aside from lists and searches, to be asked for at once.

It is one person's own; nothing in it is held or decided. What it holds is shown under the same
rights as everywhere: a title that may not be read stays hidden.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select

from archive.core.errors import Invalid, NotFound
from archive.filing import service as filing
from archive.filing.models import Item, Volume
from archive.lending import lookup
from archive.lending.groups.models import BasketLine
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

MOST = 200


@dataclass(frozen=True)
class InBasket:
    """One paper in a basket; ``volume`` is the title of the volume it came with."""

    item_id: int
    title: str
    code: str
    volume_id: int | None = None
    volume: str = ""


def put_in(uow: UnitOfWork, actor: Actor, item_ids: Iterable[int]) -> int:
    """Put papers into one's basket; return how many are new. NotFound for one not there."""
    require(actor, "loan.request")
    return _put(uow, actor, list(dict.fromkeys(item_ids)), None)


def put_volume_in(uow: UnitOfWork, actor: Actor, volume_id: int) -> int:
    """Put a volume (整卷) in: all of its papers that one may read; what was in counts with it."""
    require(actor, "loan.request")
    return _put(uow, actor, papers_of(uow, actor, volume_id), volume_id)


def papers_of(uow: UnitOfWork, actor: Actor, volume_id: int) -> list[int]:
    """Return the papers of a volume that one may read; NotFound for none."""
    filing.get_volume(uow, actor, volume_id, per_page=1)
    wanted = select(Item.id).where(Item.volume_id == volume_id, may_read(actor, "item", Item.id))
    return list(uow.session.scalars(wanted.order_by(Item.serial, Item.id)))


def check_there(uow: UnitOfWork, item_ids: Sequence[int]) -> None:
    """Refuse papers that are not there (NotFound), and more than a basket holds (Invalid)."""
    if len(item_ids) > MOST:
        raise Invalid(f"一次最多 {MOST} 件，请分几次。", {"item": "太多"})
    safe = [one for one in item_ids if 0 < one <= lookup.LARGEST_ID]
    known = set(uow.session.scalars(select(Item.id).where(Item.id.in_(safe))))
    if not item_ids or known != set(item_ids):
        raise NotFound("没有这件档案，请回到列表重新选。")


def take_out(uow: UnitOfWork, actor: Actor, item_ids: Iterable[int] | None = None) -> None:
    """Take papers out of one's basket; without ids all."""
    require(actor, "loan.request")
    mine = delete(BasketLine).where(BasketLine.user_id == actor.id)
    if item_ids is not None:
        mine = mine.where(BasketLine.item_id.in_(list(item_ids)))
    uow.session.execute(mine)


def in_basket(uow: UnitOfWork, actor: Actor) -> tuple[InBasket, ...]:
    """Return what is in one's basket, in the order it was put in."""
    require(actor, "loan.request")
    rows = uow.session.execute(
        select(BasketLine.item_id, BasketLine.volume_id, Volume.title)
        .outerjoin(Volume, Volume.id == BasketLine.volume_id)
        .where(BasketLine.user_id == actor.id)
        .order_by(BasketLine.id)
    ).all()
    titles = lookup.titles_for(uow, actor, [row.item_id for row in rows])
    return tuple(
        InBasket(row.item_id, *titles[row.item_id], row.volume_id, row.title or "")
        for row in rows
        if row.item_id in titles
    )


def basket_size(uow: UnitOfWork, actor: Actor) -> int:
    """Return how many papers are in one's basket."""
    query = select(func.count()).select_from(BasketLine).where(BasketLine.user_id == actor.id)
    return uow.session.scalar(query) or 0


def _put(uow: UnitOfWork, actor: Actor, item_ids: Sequence[int], volume_id: int | None) -> int:
    there = {
        line.item_id: line
        for line in uow.session.scalars(select(BasketLine).where(BasketLine.user_id == actor.id))
    }
    check_there(uow, item_ids)
    new = [one for one in item_ids if one not in there]
    if len(there) + len(new) > MOST:
        raise Invalid(
            f"借阅车一次最多放 {MOST} 件，现有 {len(there)} 件；请先提交，或者拿出一些。",
            {"item": "放不下"},
        )
    for one in new:
        line = BasketLine(user_id=actor.id, item_id=one, volume_id=volume_id, added_at=uow.now())
        uow.session.add(line)
    for one in item_ids:
        if one in there and volume_id is not None:
            there[one].volume_id = volume_id
    uow.session.flush()
    return len(new)

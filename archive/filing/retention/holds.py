"""Legal holds (冻结): set and lifted by the archive head or legal, each with its reason.

A hold covers an item, a volume, a customer or a class. Two acts in the log; a lifted hold stays
as a row. ``obstacles`` asks here what stands over which item.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, func, or_, select

from archive.core.clock import local_day, show_instant
from archive.core.errors import Conflict, Invalid, NotFound
from archive.customers.models import Customer
from archive.filing.models import Item, Volume
from archive.filing.retention.hold_targets import find_target
from archive.filing.retention.models import LegalHold
from archive.filing.retention.rules import COVERS, LARGEST_ID, SCOPES, digest_of
from archive.filing.rules import check_reason
from archive.people import service as people
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from storage.work import UnitOfWork


@dataclass(frozen=True)
class HoldView:
    """A hold: over what, why, from when to when, by whom, and how it ended."""

    id: int
    scope: str
    target: str
    target_title: str
    reason: str
    from_day: date
    until_day: date | None
    set_name: str
    set_at: datetime
    lifted_name: str
    lifted_at: datetime | None
    lift_reason: str
    in_force: bool

    @property
    def scope_label(self) -> str:
        """What the hold is over, as shown to people."""
        return SCOPES[self.scope]

    @property
    def covers(self) -> str:
        """What the hold is over, as said on the page of an item under it."""
        return COVERS[self.scope]

    @property
    def days(self) -> str:
        """From when to when, as part of a sentence."""
        until = f"到 {self.until_day}" if self.until_day else "未定期限"
        return f"{self.from_day} 起冻结（{until}）"

    @property
    def sentence(self) -> str:
        """The hold as one sentence of an item's page or a refusal."""
        return f"{self.days}，{self.set_name}：{self.reason}"


def set_hold(
    uow: UnitOfWork,
    actor: Actor,
    scope: str,
    target: str,
    reason: str,
    from_day: date | None = None,
    until_day: date | None = None,
) -> HoldView:
    """Put a hold over something, named as people call it; raise Invalid, NotFound, Conflict."""
    require(actor, "retention.hold")
    if scope not in SCOPES:
        raise Invalid("冻结的范围应为一件、一卷、一个客户或一个类目。", {"scope": "请从列表中选"})
    cleaned = check_reason(reason, "冻结原因")
    first = from_day or local_day(uow.now())
    if until_day is not None and until_day < first:
        raise Invalid("冻结的止日早于起日。", {"until_day": "早于起日"})
    row = LegalHold(
        scope=scope,
        target=find_target(uow, actor, scope, target),
        reason=cleaned,
        from_day=first,
        until_day=until_day,
        set_by=actor.id,
        set_at=uow.now(),
    )
    _check_not_twice(uow, row)
    uow.session.add(row)
    uow.session.flush()
    told = {"scope": scope, "target": row.target, "until": str(until_day or "")}
    told |= {"reason": digest_of(cleaned)}
    uow.journal(actor.id, "hold.set", "hold", row.id, told)
    return _views(uow, [row])[0]


def lift_hold(uow: UnitOfWork, actor: Actor, hold_id: int, reason: str) -> HoldView:
    """Lift a hold with a reason; raise NotFound, Conflict when it was lifted before."""
    require(actor, "retention.hold")
    row = uow.session.get(LegalHold, hold_id) if 0 < hold_id <= LARGEST_ID else None
    if row is None:
        raise NotFound("没有这条冻结，或者您无权查看。")
    if row.lifted_at is not None:
        raise Conflict(f"这条冻结在 {show_instant(row.lifted_at)} 已经解除，不用再办。")
    row.lift_reason = check_reason(reason, "解除原因")
    row.lifted_by, row.lifted_at = actor.id, uow.now()
    uow.session.flush()
    told = {"scope": row.scope, "target": row.target, "reason": digest_of(row.lift_reason)}
    uow.journal(actor.id, "hold.lift", "hold", row.id, told)
    return _views(uow, [row])[0]


def list_holds(uow: UnitOfWork, actor: Actor, *, with_lifted: bool = False) -> tuple[HoldView, ...]:
    """Return the holds, the newest first; what they are over is named only if readable."""
    require(actor, "retention.list")
    query = select(LegalHold).order_by(LegalHold.id.desc()).limit(500)
    if not with_lifted:
        query = query.where(LegalHold.lifted_at.is_(None))
    rows = list(uow.session.scalars(query))
    return tuple(_views(uow, rows, actor))


def holds_of(uow: UnitOfWork, rows: Sequence[Item]) -> dict[int, list[HoldView]]:
    """Return the holds in force over each of the items; a fixed number of statements."""
    keys = {row.id: _keys(row) for row in rows}
    today = local_day(uow.now())
    found = _views(uow, list(uow.session.scalars(select(LegalHold).where(_in_force(today)))))
    return {
        item_id: over
        for item_id, own in keys.items()
        if (over := [hold for hold in found if (hold.scope, hold.target) in own])
    }


def _in_force(today: date) -> ColumnElement[bool]:
    open_end = or_(LegalHold.until_day.is_(None), LegalHold.until_day >= today)
    return LegalHold.lifted_at.is_(None) & (LegalHold.from_day <= today) & open_end


def _keys(row: Item) -> set[tuple[str, str]]:
    return {
        ("item", str(row.id)),
        ("volume", str(row.volume_id or 0)),
        ("customer", str(row.customer_id or 0)),
        ("class", row.item_class),
    }


def _check_not_twice(uow: UnitOfWork, row: LegalHold) -> None:
    """Refuse the very same hold a second time (a button pressed twice)."""
    same = select(LegalHold.id).where(
        LegalHold.lifted_at.is_(None),
        LegalHold.scope == row.scope,
        LegalHold.target == row.target,
        LegalHold.reason == row.reason,
        LegalHold.from_day == row.from_day,
        LegalHold.until_day.is_not_distinct_from(row.until_day),
    )
    if uow.session.scalar(same.limit(1)) is not None:
        raise Conflict(
            "同一对象、同一原因和起止日的冻结已经有了，没有再加一条。",
            {"target": "已经冻结"},
        )


def _views(
    uow: UnitOfWork, rows: Sequence[LegalHold], actor: Actor | None = None
) -> list[HoldView]:
    names = people.names_of(uow, {row.set_by for row in rows} | {row.lifted_by for row in rows})
    titles = _titles(uow, rows, actor)
    today = local_day(uow.now())
    return [
        HoldView(
            id=row.id,
            scope=row.scope,
            target=row.target,
            target_title=titles.get((row.scope, row.target), f"编号 {row.target}"),
            reason=row.reason,
            from_day=row.from_day,
            until_day=row.until_day,
            set_name=names.get(row.set_by, ""),
            set_at=row.set_at,
            lifted_name=names.get(row.lifted_by or 0, ""),
            lifted_at=row.lifted_at,
            lift_reason=row.lift_reason,
            in_force=row.lifted_at is None
            and row.from_day <= today
            and (row.until_day is None or row.until_day >= today),
        )
        for row in rows
    ]


def _titles(
    uow: UnitOfWork, rows: Sequence[LegalHold], actor: Actor | None
) -> dict[tuple[str, str], str]:
    found = {("class", row.target): row.target for row in rows if row.scope == "class"}
    code = func.coalesce(Item.reference_code, Item.provisional_code, "")
    for scope, model, word in (
        ("item", Item, code + "《" + Item.title + "》"),
        ("volume", Volume, Volume.title),
        ("customer", Customer, Customer.name),
    ):
        ids = {int(row.target) for row in rows if row.scope == scope}
        if not ids:
            continue
        query = select(model.id, word).where(model.id.in_(ids))
        if scope == "item" and actor is not None:
            query = query.where(may_read(actor, "item", Item.id))
        found |= {(scope, str(number)): title for number, title in uow.session.execute(query)}
    return found

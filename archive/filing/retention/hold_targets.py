"""What a hold is put over, found as people call it; nothing is guessed among several.

An item by barcode, 档号 or the end of one; a volume by its title, a part of it or its class's
code; a customer by name, a part of it or number; a class by name. Called by ``holds``.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select

from archive.core.errors import Conflict, Invalid, NotFound
from archive.customers.models import Customer
from archive.customers.service import find_by_name
from archive.filing.classes.kept import plan_in_force
from archive.filing.codes import find_reference
from archive.filing.models import Item, Volume
from archive.filing.named import MOST_NAMED, find_named, shown
from archive.filing.retention.rules import SCOPES, check_line, is_gone
from archive.people.readers import may_read
from archive.people.rights import Actor
from storage.work import UnitOfWork

MAX_TARGET = 200
_HOW = {
    "item": "请填档号（可以只写末尾，如 XSB-0012）或扫描条码",
    "volume": "请填案卷的题名，或题名里的一段",
    "customer": "请填客户名称或客户编号",
}


def find_target(uow: UnitOfWork, actor: Actor, scope: str, text: str) -> str:
    """Return what a hold keeps of its target: an id, or a class's name.

    Raises Invalid (what is meant is not clear), NotFound, Conflict (destroyed).
    """
    target = check_line(text, MAX_TARGET, "target", "冻结的对象")
    if scope == "class":
        if target not in plan_in_force(uow).classes:
            raise Invalid(
                f"归档方案里没有类目“{shown(target)}”，请从列表中选。", {"target": "请从列表中选"}
            )
        return target
    number = _number_of(uow, actor, scope, target)
    if not _is_there(uow, actor, scope, number):
        raise NotFound(
            f"没有找到“{shown(target)}”，或者您无权查看。要冻结{SCOPES[scope]}，{_HOW[scope]}。",
            {"target": "没有找到"},
        )
    return str(number)


def _number_of(uow: UnitOfWork, actor: Actor, scope: str, target: str) -> int:
    """Return the id of what was named: by its number, or as people call it; 0 for nothing."""
    if target.isascii() and target.isdigit():
        return int(target) if len(target) <= 18 and not target.startswith("0") else 0
    if scope == "item":
        item = find_named(uow, actor, target, "target")
        return item.id if item is not None else 0
    return _customer(uow, target) if scope == "customer" else _volume(uow, target)


def _customer(uow: UnitOfWork, target: str) -> int:
    found = find_by_name(uow, target)
    if found is not None:
        return found.id
    by_number = uow.session.scalar(select(Customer.id).where(Customer.number == target.upper()))
    if by_number is not None:
        return by_number
    part = Customer.name.contains(target, autoescape=True)
    query = select(Customer.id, Customer.name).where(part).order_by(Customer.name)
    return _only(target, uow.session.execute(query.limit(MOST_NAMED + 1)).all())


def _volume(uow: UnitOfWork, target: str) -> int:
    titled = select(Volume.id, Volume.title).order_by(Volume.title, Volume.id)
    titled = titled.limit(MOST_NAMED + 1)
    rows = uow.session.execute(titled.where(Volume.title == target)).all()
    code = find_reference(f"{target}-1")
    if not rows and code is not None:
        lowest = (
            Volume.fonds == code.fonds,
            Volume.category == code.category,
            Volume.year == code.year,
            Volume.retention == code.retention,
            Volume.unit == code.unit,
        )
        rows = uow.session.execute(titled.where(*lowest)).all()
    elif not rows:
        part = Volume.title.contains(target, autoescape=True)
        rows = uow.session.execute(titled.where(part)).all()
    return _only(target, rows)


def _only(target: str, rows: Sequence[Any]) -> int:
    """Return the id of the one found, 0 for none; raise Invalid naming them when several are."""
    if len(rows) < 2:
        return int(rows[0][0]) if rows else 0
    told = "；".join(f"“{title}”" for _, title in rows[:MOST_NAMED])
    more = "；还有别的" if len(rows) > MOST_NAMED else ""
    raise Invalid(
        f"“{shown(target)}”不止一个：{told}{more}。请写全名称。",
        {"target": "不止一个，请写全名称"},
    )


def _is_there(uow: UnitOfWork, actor: Actor, scope: str, number: int) -> bool:
    if scope == "customer":
        return uow.session.get(Customer, number) is not None
    if scope == "volume":
        return uow.session.get(Volume, number) is not None
    query = select(Item.state).where(Item.id == number, may_read(actor, "item", Item.id))
    state = uow.session.scalar(query)
    if state is not None and is_gone(state):
        raise Conflict("这件档案已经销毁，不能再冻结。", {"target": "已经销毁"})
    return state is not None

"""What people are told about their loans: kept for the app, left for the mail in the outbox.

A notice has a key of what it is about and is written once, in the transaction of the change it
tells of; the mail follows by the worker (``lending.mail``). Secret titles stand in no notice.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update

from archive.filing.models import Item
from archive.lending.models import LoanNotice
from archive.people.models import User
from archive.people.rights import INTERNAL, Actor
from storage.work import UnitOfWork

MAIL = "loan_mail"
LONGEST_TITLE = 60


@dataclass(frozen=True)
class NoticeView:
    """A notice as its reader sees it."""

    id: int
    kind: str
    text: str
    request_id: int | None
    created_at: datetime
    is_new: bool


@dataclass(frozen=True)
class Telling:
    """What one of many is to be told: see ``tell``."""

    user_id: int
    kind: str
    key: str
    text: str
    request_id: int | None


def tell(
    uow: UnitOfWork, user_id: int, kind: str, key: str, text: str, request_id: int | None = None
) -> bool:
    """Tell a person something once; return False when they were told already.

    Whoever has an e-mail address and has not left gets it by mail too.
    """
    return bool(tell_all(uow, [Telling(user_id, kind, key, text, request_id)]))


def tell_all(uow: UnitOfWork, tellings: Sequence[Telling]) -> int:
    """Tell some hundreds of people something at once; return how many were not told already."""
    keys = [one.key for one in tellings]
    known = set(uow.session.scalars(select(LoanNotice.key).where(LoanNotice.key.in_(keys))))
    now = uow.now()
    rows = [LoanNotice(**vars(one), created_at=now) for one in tellings if one.key not in known]
    uow.session.add_all(rows)
    uow.session.flush()
    people = {row.user_id for row in rows}
    mailed = set(uow.session.scalars(select(User.id).where(User.id.in_(people), User.email != "")))
    for row in rows:
        if row.user_id in mailed:
            uow.outbox(MAIL, f"notice:{row.id}")
    return len(rows)


def name_of_item(uow: UnitOfWork, item_id: int) -> str:
    """Return what a notice calls an item: its code, and its title while that is not secret."""
    return _name(uow.session.get_one(Item, item_id))


def names_of_items(uow: UnitOfWork, item_ids: Collection[int]) -> dict[int, str]:
    """Return what a notice calls some hundreds of items, by id."""
    rows = uow.session.scalars(select(Item).where(Item.id.in_(item_ids)))
    return {row.id: _name(row) for row in rows}


def _name(item: Item) -> str:
    code = item.reference_code or item.provisional_code or f"第 {item.id} 号"
    if item.secrecy > INTERNAL:
        return f"档案 {code}"
    title = item.title if len(item.title) <= LONGEST_TITLE else item.title[:LONGEST_TITLE] + "……"
    return f"《{title}》（{code}）"


def notices_for(uow: UnitOfWork, actor: Actor, limit: int = 20) -> tuple[NoticeView, ...]:
    """Return one's own notices, newest first."""
    rows = uow.session.scalars(
        select(LoanNotice)
        .where(LoanNotice.user_id == actor.id)
        .order_by(LoanNotice.id.desc())
        .limit(limit)
    )
    return tuple(
        NoticeView(row.id, row.kind, row.text, row.request_id, row.created_at, row.read_at is None)
        for row in rows
    )


def unread_count(uow: UnitOfWork, actor: Actor) -> int:
    """Return how many notices this person has not read."""
    return (
        uow.session.scalar(
            select(func.count())
            .select_from(LoanNotice)
            .where(LoanNotice.user_id == actor.id, LoanNotice.read_at.is_(None))
        )
        or 0
    )


def mark_read(uow: UnitOfWork, actor: Actor, up_to: int) -> None:
    """Note that one has read one's notices up to this one."""
    uow.session.execute(
        update(LoanNotice)
        .where(LoanNotice.user_id == actor.id, LoanNotice.id <= up_to, LoanNotice.read_at.is_(None))
        .values(read_at=uow.now())
    )

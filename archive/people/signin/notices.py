"""What a person is told about their account: kept for the app, left for the mail in the outbox.

Written in the transaction of what it tells of; the worker mails it (``mail``).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update

from archive.people.models import User
from archive.people.rights import Actor
from archive.people.signin.models import AccountNotice
from storage.work import UnitOfWork

MAIL = "account_mail"
SHOWN = 20


@dataclass(frozen=True)
class NoticeView:
    """A notice as its reader sees it."""

    text: str
    created_at: datetime
    is_new: bool


def tell(uow: UnitOfWork, user_id: int, kind: str, text: str) -> None:
    """Tell a person something about their account; by mail too where there is an address."""
    row = AccountNotice(user_id=user_id, kind=kind, text=text, created_at=uow.now())
    uow.session.add(row)
    uow.session.flush()
    if uow.session.scalar(select(User.email).where(User.id == user_id)):
        uow.outbox(MAIL, f"notice:{row.id}")


def unread_count(uow: UnitOfWork, user_id: int) -> int:
    """Return how many notices the person has not seen yet."""
    query = select(func.count()).select_from(AccountNotice)
    new = query.where(AccountNotice.user_id == user_id, AccountNotice.read_at.is_(None))
    return uow.session.scalar(new) or 0


def list_notices(uow: UnitOfWork, actor: Actor) -> list[NoticeView]:
    """Return one's newest notices, newest first."""
    rows = uow.session.scalars(
        select(AccountNotice)
        .where(AccountNotice.user_id == actor.id)
        .order_by(AccountNotice.id.desc())
        .limit(SHOWN)
    )
    return [NoticeView(row.text, row.created_at, row.read_at is None) for row in rows]


def mark_read(uow: UnitOfWork, actor: Actor) -> None:
    """Note that one has seen one's notices."""
    mine = (AccountNotice.user_id == actor.id, AccountNotice.read_at.is_(None))
    uow.session.execute(update(AccountNotice).where(*mine).values(read_at=uow.now()))

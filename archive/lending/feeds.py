"""The calendar of one's own due days, under an address that is a secret.

Only a digest of the address is kept: it is shown once, and a new one ends the old one.
"""

import hashlib
import secrets

from sqlalchemy import delete, select

from archive.core.errors import NotFound
from archive.lending.icalendar import DueDay, write_calendar
from archive.lending.models import Loan, LoanFeed, LoanRequest
from archive.lending.notices import name_of_item
from archive.people import service as people
from archive.people.rights import Actor, require
from archive.people.signin.leaving import when_leaving
from storage.work import UnitOfWork

LONGEST_TOKEN = 100


def open_feed(uow: UnitOfWork, actor: Actor) -> str:
    """Return a new secret for one's calendar; the one before is good no more."""
    require(actor, "loan.list")
    token = secrets.token_urlsafe(32)
    row = uow.session.get(LoanFeed, actor.id)
    if row is None:
        row = LoanFeed(user_id=actor.id)
        uow.session.add(row)
    row.digest, row.created_at = _digest(token), uow.now()
    uow.session.flush()
    uow.journal(actor.id, "loan_feed.open", "user", actor.id)
    return token


def close_feed(uow: UnitOfWork, actor: Actor) -> None:
    """End one's calendar; nothing happens when there is none."""
    row = uow.session.get(LoanFeed, actor.id)
    if row is not None:
        uow.session.delete(row)
        uow.session.flush()
        uow.journal(actor.id, "loan_feed.close", "user", actor.id)


@when_leaving
def _close_leavers_feed(uow: UnitOfWork, user_id: int) -> None:
    uow.session.execute(delete(LoanFeed).where(LoanFeed.user_id == user_id))


def has_feed(uow: UnitOfWork, actor: Actor) -> bool:
    """Say whether this person has a calendar address."""
    return uow.session.get(LoanFeed, actor.id) is not None


def read_feed(uow: UnitOfWork, token: str) -> bytes:
    """Return the calendar under a secret; NotFound for a wrong one, or when its person left."""
    digest = _digest(token[:LONGEST_TOKEN])
    user_id = uow.session.scalar(select(LoanFeed.user_id).where(LoanFeed.digest == digest))
    person = people.find_actor(uow, user_id) if user_id is not None else None
    if person is None:
        raise NotFound("这个日历地址无效或已停用，请在“借阅”页重新取一个。")
    rows = uow.session.execute(
        select(Loan.id, Loan.due_on, LoanRequest.item_id, LoanRequest.number)
        .join(LoanRequest, LoanRequest.id == Loan.request_id)
        .where(Loan.borrower_id == person.id, Loan.returned_at.is_(None))
        .order_by(Loan.due_on, Loan.id)
    ).all()
    days = [
        DueDay(
            uid=f"loan-{row.id}@archive-desk",
            day=row.due_on,
            summary=f"归还{name_of_item(uow, row.item_id)}",
            description=f"借阅 {row.number}，请在下班前送到借阅台。",
        )
        for row in rows
    ]
    return write_calendar("借阅应还", days, uow.now())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

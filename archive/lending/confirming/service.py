"""Desk PINs, and the borrower's signature on a loan.

Hashing is slow on purpose: ``hash_pin`` and ``check_pin`` are called outside a writing unit.
"""

from sqlalchemy import delete

from archive.core.errors import NotFound
from archive.lending import lookup, matrix
from archive.lending.confirming.models import DeskPin
from archive.lending.confirming.rules import (
    Confirmed,
    check_accepted,
    check_signer,
    clean_pin,
    digest_of,
)
from archive.lending.models import Loan
from archive.lending.register import get_request
from archive.people.access import PasswordCheck, check_throttle
from archive.people.hashing import is_secret_of, slow_hash
from archive.people.rights import Actor
from archive.people.signin.leaving import when_leaving
from storage.work import UnitOfWork

OUT, BACK = "out", "back"


def hash_pin(pin: str) -> str:
    """Return the argon2id hash of a good PIN; raise Invalid."""
    return slow_hash(clean_pin(pin))


def set_pin(uow: UnitOfWork, actor: Actor, pin_hash: str) -> None:
    """Keep the actor's PIN, in place of an earlier one."""
    uow.session.merge(DeskPin(user_id=actor.id, pin_hash=pin_hash, set_at=uow.now()))
    uow.session.flush()
    uow.journal(actor.id, "pin.set", "user", actor.id, {})


def drop_pin(uow: UnitOfWork, actor: Actor) -> None:
    """Give the actor's PIN up. Raises NotFound where there is none."""
    row = uow.session.get(DeskPin, actor.id)
    if row is None:
        raise NotFound("您没有设借阅口令。")
    uow.session.delete(row)
    uow.session.flush()
    uow.journal(actor.id, "pin.drop", "user", actor.id, {})


@when_leaving
def _drop_leavers_pin(uow: UnitOfWork, user_id: int) -> None:
    uow.session.execute(delete(DeskPin).where(DeskPin.user_id == user_id))


def has_pin(uow: UnitOfWork, user_id: int) -> bool:
    """Say whether a person has set a PIN."""
    return uow.session.get(DeskPin, user_id) is not None


def check_pin(uow: UnitOfWork, person: Actor, pin: str, address: str) -> PasswordCheck:
    """Compare a PIN with the person's; the outcome is noted like a password's.

    Raises Throttled like a password, counted by itself.
    """
    key = f"PIN:{person.username}"[:80]  # in capitals, as no name typed at the door is kept
    check_throttle(uow, key, address)
    row = uow.session.get(DeskPin, person.id)
    matches = is_secret_of(row.pin_hash if row else None, pin[:40])
    return PasswordCheck(person.id if matches else None, key, address[:60])


def sign_loan(uow: UnitOfWork, loan: Loan, side: str, confirmed: Confirmed) -> dict[str, str]:
    """Put the borrower's signature on a loan as it now stands; return what the journal keeps.

    ``side`` is ``out`` or ``back``. Raises Invalid for a way the policy does not accept, Conflict
    when somebody else has signed.
    """
    check_accepted(confirmed.way, matrix.policy().confirmations)
    check_signer(confirmed, loan.borrower_id)
    picture = uow.keep(confirmed.picture) if confirmed.picture else None
    digest = digest_of(statement_of(loan, side, confirmed.way, picture))
    if side == OUT:
        loan.out_way, loan.out_digest, loan.out_picture = confirmed.way, digest, picture
    else:
        loan.back_way, loan.back_digest, loan.back_picture = confirmed.way, digest, picture
    return {"confirmed": confirmed.way.value, "confirmation": digest}


def statement_of(loan: Loan, side: str, way: str, picture: str | None) -> dict[str, object]:
    """Return what is signed: which copy, when, how many pages, between whom, how.

    At hand-out no due day: a renewal or a recall moves it later.
    """
    at = loan.handed_at if side == OUT else loan.returned_at
    return {
        "side": side,
        "request": loan.request_id,
        "copy": loan.copy_id,
        "borrower": loan.borrower_id,
        "desk": loan.handed_by if side == OUT else loan.received_by,
        "at": at.isoformat(timespec="microseconds") if at else None,
        "pages": loan.pages_out if side == OUT else loan.pages_in,
        "condition": "" if side == OUT else loan.condition,
        "way": str(way),
        "picture": picture,
    }


def signature_picture(uow: UnitOfWork, actor: Actor, request_id: int, side: str) -> str:
    """Return the digest of the drawn signature on a loan, for whoever may see the request."""
    get_request(uow, actor, request_id)
    loan = lookup.loan_of(uow, request_id)
    digest = None if loan is None else loan.out_picture if side == OUT else loan.back_picture
    if digest is None:
        raise NotFound("这份借阅没有手写签名。")
    return digest

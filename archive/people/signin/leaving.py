"""What ends at once when a person leaves; stations further on add what they have given out."""

from collections.abc import Callable

from sqlalchemy import delete

from archive.people.models import ApiToken, LoginSession
from archive.people.signin.models import OutsideIdentity, RecoveryCode, SecondFactor, SignInStep
from storage.work import UnitOfWork

Ending = Callable[[UnitOfWork, int], None]
_ENDINGS: list[Ending] = []


def when_leaving(ending: Ending) -> Ending:
    """Have this called, in the same transaction, when a person leaves; use as a decorator."""
    _ENDINGS.append(ending)
    return ending


def end_sign_ins(uow: UnitOfWork, user_id: int) -> None:
    """End a person's browsers, tokens and half-done sign-ins, wherever they are."""
    for table in (LoginSession, ApiToken, SignInStep):
        uow.session.execute(delete(table).where(table.user_id == user_id))


def end_everything(uow: UnitOfWork, user_id: int) -> None:
    """End all a leaver could come in with: sign-ins, second factor, identities, codes given."""
    end_sign_ins(uow, user_id)
    for table in (RecoveryCode, SecondFactor, OutsideIdentity):
        uow.session.execute(delete(table).where(table.user_id == user_id))
    for ending in _ENDINGS:
        ending(uow, user_id)

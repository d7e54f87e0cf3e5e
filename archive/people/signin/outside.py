"""Which account somebody has whom a directory or a provider knows; nobody is made one unasked."""

from collections.abc import Iterable

from sqlalchemy import delete, select
from sqlalchemy.orm import InstrumentedAttribute

from archive.core.clock import local_day
from archive.core.errors import Invalid, NotFound
from archive.people.models import Department, User
from archive.people.rights import Actor, require
from archive.people.separation import rest_if_renamed, rest_rights
from archive.people.service import UserFields, add_user
from archive.people.signin.known import Known
from archive.people.signin.models import OutsideIdentity
from archive.people.signin.notices import tell
from storage.work import UnitOfWork

NO_PASSWORD = "!"  # noqa: S105 - no hash: no password ever fits
NAMES = {"ldap": "公司目录（LDAP）", "oidc": "统一登录"}


def providers_of(uow: UnitOfWork, username: str) -> frozenset[str]:
    """Return who outside knows the account of this name."""
    rows = uow.session.scalars(
        select(OutsideIdentity.provider)
        .join(User, User.id == OutsideIdentity.user_id)
        .where(User.username == username.strip())
    )
    return frozenset(rows)


def providers_of_id(uow: UnitOfWork, user_id: int) -> frozenset[str]:
    """Return who outside knows a person."""
    rows = uow.session.scalars(
        select(OutsideIdentity.provider).where(OutsideIdentity.user_id == user_id)
    )
    return frozenset(rows)


def identities_of(uow: UnitOfWork, user_id: int) -> list[tuple[str, str]]:
    """Return who outside knows a person, and by what."""
    rows = uow.session.execute(
        select(OutsideIdentity.provider, OutsideIdentity.subject)
        .where(OutsideIdentity.user_id == user_id)
        .order_by(OutsideIdentity.provider)
    )
    return [(NAMES.get(row.provider, row.provider), row.subject) for row in rows]


def has_own_password(uow: UnitOfWork, user_id: int) -> bool:
    """Say whether a person has a password, of ours or in the directory."""
    kept = uow.session.scalar(select(User.password_hash).where(User.id == user_id))
    return kept != NO_PASSWORD or "ldap" in providers_of_id(uow, user_id)


def account_of(
    uow: UnitOfWork, provider: str, known: Known, field: str, create_in: str
) -> tuple[int | None, str]:
    """Return the account of somebody known outside, and why they have none (``rules.REFUSALS``).

    The first time the account is found by ``field`` and bound to the subject; from then on only
    that subject opens it, and it opens nothing else. An account is made, as a clerk of the
    department ``create_in``, only where that is set.
    """
    subject = known.subject[:400]
    bound = uow.session.scalar(
        select(OutsideIdentity.user_id).where(
            OutsideIdentity.provider == provider, OutsideIdentity.subject == subject
        )
    )
    if bound is not None:
        return _present(uow, uow.session.get_one(User, bound))
    row = _only(uow.session.scalars(select(User).where(_column(field) == known.username).limit(2)))
    if row is None:
        made = _make(uow, known, field, create_in)
        if made is None:
            return None, "no_account"
        row = uow.session.get_one(User, made)
    other = select(OutsideIdentity.id).where(
        OutsideIdentity.user_id == row.id, OutsideIdentity.provider == provider
    )
    if uow.session.scalar(other) is not None:
        return None, "other_identity"
    user_id, refusal = _present(uow, row)
    if user_id is not None:
        bind = OutsideIdentity(
            user_id=user_id, provider=provider, subject=subject, bound_at=uow.now()
        )
        uow.session.add(bind)
        rest_if_renamed(uow, row, field)
        tell(uow, user_id, "outside", f"您的账号已与{NAMES[provider]}对应，以后从那里登录。")
        uow.journal(user_id, "identity.bind", "user", user_id, {"provider": provider})
    return user_id, refusal


def unbind(uow: UnitOfWork, actor: Actor, user_id: int) -> None:
    """Forget by what others know a person, so that the next sign-in binds anew."""
    require(actor, "people.edit")
    if not identities_of(uow, user_id):
        raise NotFound("此人没有与外面的身份对应。")
    uow.session.execute(delete(OutsideIdentity).where(OutsideIdentity.user_id == user_id))
    rest_rights(uow, actor, uow.session.get_one(User, user_id))
    uow.journal(actor.id, "identity.unbind", "user", user_id, {})


def _make(uow: UnitOfWork, known: Known, field: str, create_in: str) -> int | None:
    """Make an account where the setting says so; None where it does not, or it cannot be made."""
    unit = uow.session.scalar(select(Department.id).where(Department.code == create_in))
    if not create_in or unit is None or field == "email":
        return None
    fields = UserFields(
        username=known.username,
        staff_no=known.staff_no or known.username[:20],
        name=known.name or known.username,
        department_id=unit,
        roles=frozenset({"clerk"}),
        email=known.email[:120],
    )
    try:
        return add_user(uow, None, fields, NO_PASSWORD, must_change_password=False)
    except Invalid:  # a name too long, a staff number taken: for the administrator to settle
        return None


def _present(uow: UnitOfWork, row: User) -> tuple[int | None, str]:
    has_left = row.left_on is not None and row.left_on <= local_day(uow.now())
    return (None, "left") if has_left else (row.id, "")


def _column(field: str) -> InstrumentedAttribute[str]:
    return {"username": User.username, "staff_no": User.staff_no, "email": User.email}[field]


def _only(rows: Iterable[User]) -> User | None:
    found = list(rows)
    return found[0] if len(found) == 1 else None

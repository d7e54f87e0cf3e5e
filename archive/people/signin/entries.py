"""The log of signing in: written at the door, read by the person and by the audit office."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select

from archive.core.clock import day_begins
from archive.core.errors import Invalid
from archive.core.pages import Page, clean_paging
from archive.people.models import User
from archive.people.rights import Actor, require
from archive.people.signin.models import SignInEntry
from archive.people.signin.rules import LOG_KEPT, METHODS, REFUSALS, device_name
from storage.work import UnitOfWork

FLOODS = ("throttled", "provider", "unreachable", "no_account")
FLOOD_EVERY = timedelta(minutes=1)


@dataclass(frozen=True)
class EntryView:
    """One try to sign in, as it is shown."""

    at: datetime
    person: str
    staff_no: str
    method: str
    address: str
    device: str
    refusal: str

    @property
    def is_good(self) -> bool:
        """Whether the person came in."""
        return not self.refusal

    @property
    def outcome(self) -> str:
        """The outcome in words."""
        return REFUSALS.get(self.refusal, self.refusal)


@dataclass(frozen=True)
class EntryFilter:
    """What the log is narrowed to; empty is everything."""

    person: str = ""
    address: str = ""
    outcome: str = ""
    since: date | None = None
    until: date | None = None


def note(
    uow: UnitOfWork, user_id: int | None, method: str, address: str, agent: str, refusal: str = ""
) -> None:
    """Write a try down; entries older than ``LOG_KEPT`` go.

    What costs the sender nothing (``FLOODS``) is written once a minute for an address: a flood of
    tries must not fill the disk.
    """
    now = uow.now()
    if refusal in FLOODS and _noted_lately(uow, address[:60], refusal, now):
        return
    uow.session.execute(delete(SignInEntry).where(SignInEntry.at < now - LOG_KEPT))
    uow.session.add(
        SignInEntry(
            at=now,
            user_id=user_id,
            method=method,
            address=address[:60],
            agent=agent[:200],
            refusal=refusal,
        )
    )


def list_own(uow: UnitOfWork, actor: Actor, page: int = 1, per_page: int = 20) -> Page[EntryView]:
    """Return one's own sign-ins, newest first."""
    return _page(uow, [SignInEntry.user_id == actor.id], page, per_page)


def list_all(
    uow: UnitOfWork, actor: Actor, wanted: EntryFilter, page: int = 1, per_page: int = 50
) -> Page[EntryView]:
    """Return everybody's sign-ins, newest first, for whoever reads the journal."""
    require(actor, "journal.read")
    return _page(uow, _conditions(wanted), page, per_page)


def _noted_lately(uow: UnitOfWork, address: str, refusal: str, now: datetime) -> bool:
    query = select(SignInEntry.id).where(
        SignInEntry.address == address,
        SignInEntry.at > now - FLOOD_EVERY,
        SignInEntry.refusal == refusal,
    )
    return uow.session.scalar(query.limit(1)) is not None


def _conditions(wanted: EntryFilter) -> list[ColumnElement[bool]]:
    if wanted.outcome and wanted.outcome not in ("good", "refused", *REFUSALS):
        raise Invalid("没有这种结果，请重新选择。", {"outcome": "没有这种结果"})
    found: list[ColumnElement[bool]] = []
    if wanted.person:
        fields: tuple[Callable[..., ColumnElement[bool]], ...] = (
            User.name.contains,
            User.username.contains,
            User.staff_no.contains,
        )
        found.append(or_(*(contains(wanted.person, autoescape=True) for contains in fields)))
    if wanted.address:
        found.append(SignInEntry.address.contains(wanted.address, autoescape=True))
    if wanted.outcome in ("good", "refused"):
        is_good = SignInEntry.refusal == ""
        found.append(is_good if wanted.outcome == "good" else ~is_good)
    elif wanted.outcome:
        found.append(SignInEntry.refusal == wanted.outcome)
    if wanted.since:
        found.append(SignInEntry.at >= day_begins(wanted.since).astimezone(UTC))
    if wanted.until:
        found.append(SignInEntry.at < day_begins(wanted.until).astimezone(UTC) + timedelta(days=1))
    return found


def _page(
    uow: UnitOfWork, conditions: list[ColumnElement[bool]], page: int, per_page: int
) -> Page[EntryView]:
    page, per_page = clean_paging(page, per_page)
    joined = select(SignInEntry, User.name, User.staff_no).outerjoin(
        User, User.id == SignInEntry.user_id
    )
    query = joined.where(*conditions)
    total = uow.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    ordered = query.order_by(SignInEntry.id.desc()).limit(per_page).offset((page - 1) * per_page)
    rows = uow.session.execute(ordered).all()
    views = tuple(_as_view(row, name or "", staff_no or "") for row, name, staff_no in rows)
    return Page(views, total, page, per_page)


def _as_view(row: SignInEntry, name: str, staff_no: str) -> EntryView:
    return EntryView(
        at=row.at,
        person=name,
        staff_no=staff_no,
        method=METHODS.get(row.method, row.method),
        address=row.address,
        device=device_name(row.agent),
        refusal=row.refusal,
    )

"""Who can see a thing and why; letting somebody in and out again.

Only for those who keep its circle (``access.read``). Everything is decided by ``people.rights``;
an electronic loan, which opens pages beside it, is named too. Nothing here commits.
"""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import or_, select

from archive.core.clock import show_instant
from archive.core.errors import Invalid, NotFound
from archive.core.pages import Page, clean_paging
from archive.filing import service as filing
from archive.filing.models import Item
from archive.lending.models import LoanRequest
from archive.lending.viewing.models import LoanGrant
from archive.people import service as people
from archive.people.grants import service as grants
from archive.people.grants.service import GrantFields
from archive.people.grants.views import GrantView
from archive.people.models import User
from archive.people.readers import write_readers
from archive.people.reasons import GRANTED, why, why_not
from archive.people.rights import Actor, Thing, require
from archive.records import service as records
from archive.signing.audience import person_named
from archive.trust.access.subjects import find_by_number, get_subject, numbers_of
from archive.trust.access.views import Answer, Circle, Seer, Subject
from storage.work import UnitOfWork

__all__ = [
    "ask_about",
    "circle_of",
    "find_by_number",
    "keeps_circle",
    "let_in",
    "let_out",
    "list_grants",
    "own_grants",
    "page_of_seers",
]


def circle_of(uow: UnitOfWork, actor: Actor, kind: str, thing_id: int, text: str = "") -> Circle:
    """Return everybody who can see the thing with their reasons; raise NotFound.

    ``text`` narrows to names, numbers and departments that hold it. Of a volume only its grants.
    """
    subject = get_subject(uow, actor, kind, thing_id)
    about = grants.grants_about(uow, subject.belongs_to)
    if kind == "volume":
        return Circle(subject, (), about)
    viewing = _viewing(uow, subject)
    word = text.strip()
    seers = tuple(
        _seer(person, reasons)
        for person in people.everyone_present(uow)
        if not word or word in f"{person.name} {person.staff_no} {person.department_name}"
        for reasons in [_reasons(person, subject, about, viewing)]
        if reasons
    )
    return Circle(subject, seers, about)


def keeps_circle(uow: UnitOfWork, actor: Actor, kind: str, thing_id: int) -> bool:
    """Say whether the actor may see and change who sees the thing."""
    try:
        get_subject(uow, actor, kind, thing_id)
    except NotFound:
        return False
    return True


def page_of_seers(circle: Circle, page: int, per_page: int) -> Page[Seer]:
    """Return one page of those who can see the thing."""
    page, per_page = clean_paging(page, per_page)
    start = (page - 1) * per_page
    part = circle.seers[start : start + per_page]
    return Page(part, len(circle.seers), page, per_page)


def ask_about(uow: UnitOfWork, actor: Actor, kind: str, thing_id: int, name: str) -> Answer:
    """Say whether one person can see the thing, and why or why not.

    ``name`` is a name, staff number or user name. Raises Invalid for nobody.
    """
    subject = get_subject(uow, actor, kind, thing_id)
    if kind == "volume":
        raise NotFound("案卷请按里面的每一件来问。")
    gone = _leaver(uow, name)
    if gone is not None:
        return Answer(gone.name, gone.username, gone.department.name, False, ("已离职，不能登录",))
    person = person_named(uow, name)
    about = grants.grants_about(uow, subject.belongs_to)
    reasons = _reasons(person, subject, about, _viewing(uow, subject))
    told = reasons or (*why_not(person, subject.thing), *_former(person, about))
    return Answer(person.name, person.username, person.department_name, bool(reasons), told)


def let_in(
    uow: UnitOfWork, actor: Actor, name: str, fields: GrantFields
) -> tuple[GrantView, Subject]:
    """Let a person, named as in ``ask_about``, see the thing until a day; raise Invalid.

    The papers of a volume or customer follow in lists and search by the worker, within moments.
    """
    subject = get_subject(uow, actor, fields.kind, fields.thing_id)
    _require_grant(actor, subject)
    person = person_named(uow, name)
    if subject.kind in ("record", "item"):
        _require_cleared(person, subject)
    grant_id = grants.give(uow, actor, person, fields)
    _rewrite(uow, subject.kind, subject.id)
    return _one(uow, grant_id), subject


def let_out(uow: UnitOfWork, actor: Actor, grant_id: int, reason: str) -> GrantView:
    """Withdraw a grant: by who gave it, or whoever keeps the thing's circle; raise NotFound."""
    row = grants.get_row(uow, grant_id)
    if row.given_by != actor.id:
        subject = get_subject(uow, actor, row.kind, row.thing_id)
        _require_grant(actor, subject)
    grants.withdraw(uow, actor, grant_id, reason)
    _rewrite(uow, row.kind, row.thing_id)
    return _one(uow, grant_id)


def list_grants(
    uow: UnitOfWork, actor: Actor, *, only_live: bool = False, page: int = 1, per_page: int = 20
) -> Page[GrantView]:
    """Return grants with the number of what they open, newest first."""
    found = grants.list_grants(uow, actor, only_live=only_live, page=page, per_page=per_page)
    return replace(found, items=_numbered(uow, found.items))


def own_grants(uow: UnitOfWork, actor: Actor) -> tuple[GrantView, ...]:
    """Return what is open to the actor by grant now."""
    return _numbered(uow, grants.grants_of(uow, actor))


def _numbered(uow: UnitOfWork, views: Sequence[GrantView]) -> tuple[GrantView, ...]:
    numbers = numbers_of(uow, {(one.kind, one.thing_id) for one in views})
    return tuple(replace(one, number=numbers.get((one.kind, one.thing_id), "")) for one in views)


def _one(uow: UnitOfWork, grant_id: int) -> GrantView:
    row = grants.get_row(uow, grant_id)
    found = grants.grants_about(uow, [(row.kind, row.thing_id)])
    return _numbered(uow, [one for one in found if one.id == grant_id])[0]


def _require_grant(actor: Actor, subject: Subject) -> None:
    if subject.kind != "volume":
        require(actor, "access.grant", subject.thing)


def _require_cleared(person: Actor, subject: Subject) -> None:
    """Refuse a grant that would open nothing: it does not pass clearance on."""
    if person.clearance < subject.thing.secrecy:
        raise Invalid(
            f"{subject.secrecy_label}文件，{person.name}的密级不够；授权不提高密级，"
            "确需看时请安全管理员先调整其密级。",
            {"person": "密级不够"},
        )


def _rewrite(uow: UnitOfWork, kind: str, thing_id: int) -> None:
    """Have the papers a grant reaches carry it, in SQL and in the index."""
    if kind in ("customer", "volume"):
        uow.outbox("customer", f"{kind}:{thing_id}")
        return
    if kind == "record":
        _write(uow, kind, thing_id, records.thing_of(uow, thing_id))
        items = uow.session.scalars(select(Item.id).where(Item.record_id == thing_id)).all()
    else:
        items = [thing_id]
    for item_id in items:
        _write(uow, "item", item_id, filing.thing_of_item(uow, item_id))


def _write(uow: UnitOfWork, kind: str, thing_id: int, thing: Thing) -> None:
    write_readers(uow, kind, thing_id, thing)
    uow.outbox("index", f"{kind}:{thing_id}")


def _seer(person: Actor, reasons: tuple[str, ...]) -> Seer:
    return Seer(
        person.id, person.name, person.username, person.staff_no, person.department_name, reasons
    )


def _reasons(
    person: Actor, subject: Subject, about: Sequence[GrantView], viewing: dict[int, str]
) -> tuple[str, ...]:
    """Return why the person sees the thing: their grants spelt out, a loan on the screen added."""
    spelt = tuple(
        f"授权到 {one.until}（{one.by_name}：{one.reason}）"
        for one in about
        if one.user_id == person.id and one.is_live
    )
    found = why(person, subject.thing)
    plain = tuple(reason for reason in found if reason != GRANTED)
    granted = spelt if len(plain) < len(found) else ()
    loan = (viewing[person.id],) if person.id in viewing else ()
    return (*plain, *granted, *loan)


def _former(person: Actor, about: Sequence[GrantView]) -> tuple[str, ...]:
    return tuple(
        f"有过授权，{one.state_label}（{one.ended or one.until}）"
        for one in about
        if one.user_id == person.id and not one.is_live
    )


def _viewing(uow: UnitOfWork, subject: Subject) -> dict[int, str]:
    """Return who may view the item on the screen by a loan now, and until when."""
    if subject.kind != "item":
        return {}
    rows = uow.session.execute(
        select(LoanGrant.borrower_id, LoanGrant.until)
        .join(LoanRequest, LoanRequest.id == LoanGrant.request_id)
        .where(
            LoanRequest.item_id == subject.id,
            LoanGrant.ended_at.is_(None),
            LoanGrant.until > uow.now(),
        )
    )
    return {row.borrower_id: f"电子阅览到 {show_instant(row.until)}" for row in rows}


def _leaver(uow: UnitOfWork, name: str) -> User | None:
    """Return the one person of this name or number who is gone, when nobody present bears it."""
    word = name.strip()[:60]
    same = or_(User.name == word, User.username == word, User.staff_no == word)
    rows = uow.session.scalars(select(User).where(same)).all()
    if len(rows) != 1 or people.find_actor(uow, rows[0].id) is not None:
        return None
    return rows[0]

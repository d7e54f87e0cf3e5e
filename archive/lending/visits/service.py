"""Noting an outsider's visit, what they read, and its end; who may see whose number.

What they read are loan requests in the name of whoever accompanies them: the register, the
desk, due times, incidents and figures serve them like all others. The archivist at the desk has
checked letter and document, which is their approval; the rest of the rule's approvals follow.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select

from archive.core.clock import local, local_day
from archive.core.errors import Conflict, Invalid, NotFound
from archive.core.numbering import locked_serial, take_number
from archive.core.pages import Page, clean_paging
from archive.filing import service as filing
from archive.lending import lookup
from archive.lending.answering import answer
from archive.lending.approvals import approve_step
from archive.lending.facts import Question
from archive.lending.matching import Mode
from archive.lending.models import LoanRequest, RequestState
from archive.lending.queue import settle
from archive.lending.register import instants
from archive.lending.requests import OPEN_STATES, Origin, cancel_rest, clean_words, enter, refuse
from archive.lending.views import Refused, RequestView
from archive.lending.visits.keeping import last_day
from archive.lending.visits.models import LoanVisit
from archive.lending.visits.rules import (
    MAX_ID,
    MAX_LETTER,
    MAX_NAME,
    MAX_UNIT,
    Visitor,
    clean_id,
    covered,
)
from archive.people import service as people
from archive.people.rights import INTERNAL, Actor, Thing, require
from doc_templates.fields import forbidden_mark
from storage.blobs import BlobRef
from storage.work import UnitOfWork

MOST_PAPERS = 50
NO_VISIT = "没有这次外来查阅，或者您无权查看。"
CHECKED = "已在借阅台核对介绍信和证件。"
OVER = "来访已结束"
FORGOTTEN = "保存期已满，证件号码和介绍信扫描件已经删除。"


@dataclass(frozen=True)
class Told:
    """What is told at the desk; ``companion`` is a colleague's staff number."""

    name: str = ""
    unit: str = ""
    letter_number: str = ""
    id_kind: str = ""
    id_number: str = ""
    companion: str = ""
    purpose: str = ""


@dataclass(frozen=True)
class VisitView:
    """A visit as it is shown; ``id_shown`` has its middle covered, empty once it is deleted.

    ``kept_until`` is the last day for number and letter's scan.
    """

    id: int
    number: str
    name: str
    unit: str
    letter_number: str
    has_scan: bool
    id_kind: str
    id_shown: str
    companion_name: str
    noted_by_name: str
    purpose: str
    began_at: datetime
    ended_at: datetime | None
    papers: int
    kept_until: date
    requests: tuple[RequestView, ...] = ()

    @property
    def is_forgotten(self) -> bool:
        """Whether the document's number was deleted at the end of its term."""
        return not self.id_shown

    @property
    def is_open(self) -> bool:
        """Whether the visit goes on."""
        return self.ended_at is None


@dataclass(frozen=True)
class Noted:
    """What came of noting a visit: the visit unless everything was refused, and every refusal."""

    visit: VisitView | None
    refused: tuple[Refused, ...]


def note_visit(
    uow: UnitOfWork,
    actor: Actor,
    told: Told,
    papers: Sequence[str],
    letter: BlobRef | None = None,
) -> Noted:
    """Note a visit and ask for the papers (barcodes or 档号) to be read on site; the edge commits.

    What the rules refuse (no letter, no valid document, nobody to accompany, secrecy) stands in
    the log; with nothing allowed there is no visit. Raises Invalid for words that cannot be kept,
    NotFound for a paper or colleague not there, Conflict for a paper they are here for already.
    """
    require(actor, "loan.desk")
    told = _clean(told)
    companion = _companion(uow, told.companion)
    item_ids = _papers(uow, actor, papers)
    _check_not_noted(uow, told, item_ids)
    visitor = Visitor(
        told.name,
        told.unit,
        told.letter_number,
        told.id_kind,
        told.id_number,
        companion.name if companion else "",
    )
    questions = [_question(uow, actor, companion or actor, one, told, visitor) for one in item_ids]
    found = [(one, answer(uow, one)) for one in questions]
    refused = tuple(
        refuse(uow, one, got.decision) for one, got in found if not got.decision.allowed
    )
    allowed = [(one, got) for one, got in found if got.decision.allowed]
    if not allowed or companion is None:
        return Noted(None, refused)
    row = _enter_visit(uow, actor, companion, told, letter)
    for place, (question, got) in enumerate(allowed, start=1):
        number = f"{row.number}-{place:02d}"
        request = enter(uow, question, got, Origin(number, visit_id=row.id))
        first = lookup.approvals_of(uow, request.id)[:1]
        if first and first[0].approver_id == actor.id and "archivist" in first[0].candidate:
            approve_step(uow, actor, request, first[0], CHECKED)
    return Noted(get_visit(uow, actor, row.id), refused)


def end_visit(uow: UnitOfWork, actor: Actor, visit_id: int) -> VisitView:
    """Note that the outsider has gone; Conflict while a paper is still with them."""
    require(actor, "loan.desk")
    row = _row(uow, visit_id)
    if row.ended_at is not None:
        raise Conflict(f"外来查阅 {row.number} 已经结束过了。")
    rows = _requests(uow, row.id)
    out = [one.number for one in rows if one.state == RequestState.HANDED_OUT]
    if out:
        raise Conflict(f"还有 {len(out)} 件没有收回（{'、'.join(out[:5])}），收回后再结束来访。")
    for one in rows:
        if one.state in (RequestState.WAITING, RequestState.APPROVED):
            one.state, one.pick_up_by, one.closing_note = RequestState.WITHDRAWN, None, OVER
            cancel_rest(uow, one.id)
            uow.session.flush()
            settle(uow, one.item_id)
    row.ended_at = uow.now()
    uow.session.flush()
    uow.journal(actor.id, "visit.end", "loan_visit", row.id, {"papers": len(rows)})
    return get_visit(uow, actor, row.id)


def get_visit(uow: UnitOfWork, actor: Actor, visit_id: int) -> VisitView:
    """Return a visit with what was read, for those who keep the register."""
    require(actor, "loan.register")
    row = _row(uow, visit_id)
    views = lookup.request_views(uow, actor, _requests(uow, row.id))
    return _views(uow, [row], {row.id: len(views)}, views)[0]


def list_visits(
    uow: UnitOfWork, actor: Actor, start: date, end: date, *, page: int = 1, per_page: int = 20
) -> Page[VisitView]:
    """Return the visits begun in a period of local days, newest first; numbers covered."""
    require(actor, "loan.register")
    page, per_page = clean_paging(page, per_page)
    inside = LoanVisit.began_at.between(*instants(start, end))
    total = uow.session.scalar(select(func.count()).select_from(LoanVisit).where(inside)) or 0
    rows = uow.session.scalars(
        select(LoanVisit)
        .where(inside)
        .order_by(LoanVisit.id.desc())
        .limit(per_page)
        .offset((page - 1) * per_page)
    ).all()
    counted = uow.session.execute(
        select(LoanRequest.visit_id, func.count())
        .where(LoanRequest.visit_id.in_([row.id for row in rows]))
        .group_by(LoanRequest.visit_id)
    ).all()
    counts = {visit_id: count for visit_id, count in counted if visit_id is not None}
    return Page(_views(uow, rows, counts), total, page, per_page)


def reveal_number(uow: UnitOfWork, actor: Actor, visit_id: int) -> str:
    """Return the whole number of the outsider's document; looking is noted in the journal."""
    row = _for_personal(uow, actor, visit_id)
    if not row.id_number:
        raise NotFound(FORGOTTEN)
    uow.journal(actor.id, "visit.reveal", "loan_visit", row.id, {"what": "id_number"})
    return row.id_number


def letter_of(uow: UnitOfWork, actor: Actor, visit_id: int) -> tuple[str, str]:
    """Return digest and media type of the letter's scan; looking is noted in the journal."""
    row = _for_personal(uow, actor, visit_id)
    if row.letter_sha256 is None:
        raise NotFound("这次外来查阅没有介绍信扫描件。" if row.id_number else FORGOTTEN)
    uow.journal(actor.id, "visit.reveal", "loan_visit", row.id, {"what": "letter"})
    return row.letter_sha256, row.letter_type


def _for_personal(uow: UnitOfWork, actor: Actor, visit_id: int) -> LoanVisit:
    require(actor, "loan.register")
    row = _row(uow, visit_id)
    people_of_it = frozenset({row.companion_id, row.noted_by})
    thing = Thing("visit", owner_id=row.noted_by, participants=people_of_it, secrecy=INTERNAL)
    require(actor, "personal.read", thing)
    return row


def _row(uow: UnitOfWork, visit_id: int) -> LoanVisit:
    row = uow.session.get(LoanVisit, visit_id) if 0 < visit_id <= lookup.LARGEST_ID else None
    if row is None:
        raise NotFound(NO_VISIT)
    return row


def _requests(uow: UnitOfWork, visit_id: int) -> list[LoanRequest]:
    wanted = select(LoanRequest).where(LoanRequest.visit_id == visit_id)
    return list(uow.session.scalars(wanted.order_by(LoanRequest.id)))


def _enter_visit(
    uow: UnitOfWork, actor: Actor, companion: Actor, told: Told, letter: BlobRef | None
) -> LoanVisit:
    row = LoanVisit(
        number=f"WL{local(uow.now()).year}-{take_number(uow, _series(uow)):04d}",
        name=told.name,
        unit=told.unit,
        letter_number=told.letter_number,
        letter_sha256=uow.keep(letter) if letter else None,
        letter_type=letter.media_type if letter else "",
        id_kind=told.id_kind,
        id_number=told.id_number,
        companion_id=companion.id,
        noted_by=actor.id,
        purpose=told.purpose,
        began_at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()
    detail = {"companion": companion.id, "letter": row.letter_sha256 or ""}
    uow.journal(actor.id, "visit.note", "loan_visit", row.id, detail)
    return row


def _question(
    uow: UnitOfWork, actor: Actor, companion: Actor, item_id: int, told: Told, visitor: Visitor
) -> Question:
    return Question(
        borrower=companion,
        item_id=item_id,
        mode=Mode.ONSITE,
        on=local_day(uow.now()),
        purpose=told.purpose,
        business_reference=f"介绍信 {told.letter_number}（{told.unit}）" if told.unit else "",
        visitor=visitor,
        approver=actor,
    )


def _companion(uow: UnitOfWork, staff_no: str) -> Actor | None:
    wanted = staff_no.strip()
    if not wanted:
        return None
    found = [one for one in people.staff(uow, wanted) if wanted in (one.staff_no, one.name)]
    if len(found) != 1:
        more = "；重名的请填工号" if found else ""
        raise Invalid(
            f"没有查到陪同人“{wanted[:20]}”，请填在职人员的工号或姓名{more}。",
            {"companion": "请核对"},
        )
    return found[0]


def _papers(uow: UnitOfWork, actor: Actor, papers: Sequence[str]) -> list[int]:
    named = [one.strip() for one in papers if one.strip()]
    if not named or len(named) > MOST_PAPERS:
        raise Invalid(
            f"请填要查阅的档案（条码或档号，每行一件），最多 {MOST_PAPERS} 件。",
            {"papers": "请填写"},
        )
    found = []
    for one in named:
        item = filing.find_named(uow, actor, one, "papers")
        if item is None:
            raise Invalid(f"没有条码或档号“{one[:40]}”的档案，请核对。", {"papers": "有误"})
        found.append(item.id)
    return list(dict.fromkeys(found))


def _check_not_noted(uow: UnitOfWork, told: Told, item_ids: Sequence[int]) -> None:
    """Refuse to note twice, as after an answer that never came: one desk at a time."""
    locked_serial(uow, _series(uow))
    already = uow.session.scalar(
        select(LoanVisit.number)
        .join(LoanRequest, LoanRequest.visit_id == LoanVisit.id)
        .where(
            LoanVisit.id_kind == told.id_kind,
            LoanVisit.id_number == told.id_number,
            LoanVisit.ended_at.is_(None),
            LoanRequest.item_id.in_(item_ids),
            LoanRequest.state.in_(OPEN_STATES),
        )
        .limit(1)
    )
    if already is not None:
        raise Conflict(
            f"这位来人要看的档案已经登记过（外来查阅 {already}，还没有结束），请打开那一次办理。"
        )


def _series(uow: UnitOfWork) -> str:
    return f"visit:{local(uow.now()).year}"


def _clean(told: Told) -> Told:
    """Return what was told as it is kept; raise Invalid naming the entry that cannot be."""
    limits = {
        "name": ("姓名", told.name, MAX_NAME),
        "unit": ("单位", told.unit, MAX_UNIT),
        "letter_number": ("介绍信编号", told.letter_number, MAX_LETTER),
        "id_number": ("证件号码", told.id_number, MAX_ID),
        "id_kind": ("证件种类", told.id_kind, 20),
    }
    cleaned = {}
    for key, (label, text, most) in limits.items():
        words = " ".join(text.split())
        fault = forbidden_mark(words) or (f"最多 {most} 个字" if len(words) > most else "")
        if fault:
            raise Invalid(f"{label}有误：{fault}。", {key: fault})
        cleaned[key] = words
    purpose, _ = clean_words(told.purpose, "")
    cleaned["id_number"] = clean_id(cleaned["id_number"])
    return Told(**cleaned, companion=told.companion, purpose=purpose)


def _views(
    uow: UnitOfWork,
    rows: Sequence[LoanVisit],
    counts: dict[int, int],
    requests: tuple[RequestView, ...] = (),
) -> tuple[VisitView, ...]:
    names = people.names_of(uow, {one for row in rows for one in (row.companion_id, row.noted_by)})
    return tuple(
        VisitView(
            id=row.id,
            number=row.number,
            name=row.name,
            unit=row.unit,
            letter_number=row.letter_number,
            has_scan=row.letter_sha256 is not None,
            id_kind=row.id_kind,
            id_shown=covered(row.id_number),
            companion_name=names[row.companion_id],
            noted_by_name=names[row.noted_by],
            purpose=row.purpose,
            began_at=row.began_at,
            ended_at=row.ended_at,
            papers=counts.get(row.id, 0),
            kept_until=last_day(row),
            requests=requests,
        )
        for row in rows
    )

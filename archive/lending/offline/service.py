"""Takes in what a desk did while it was cut off, one act after another, each once.

What the desk needs to go on meanwhile is given beforehand (``snapshot``): what waits to be picked
up and what is out, by barcode, without titles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from archive.core.clock import show_instant
from archive.core.errors import Conflict, Invalid
from archive.filing import service as filing
from archive.filing.codes import clean_barcode
from archive.filing.models import CopyStatus, ItemCopy
from archive.lending import desk, lookup, matrix
from archive.lending.confirming.rules import ON_PAPER, Confirmed, Way
from archive.lending.models import Loan, LoanRequest, RequestState
from archive.lending.notices import name_of_item, tell
from archive.lending.offline.models import DeskAct
from archive.lending.offline.rules import OUT, Act, CopyNow, Step, judge
from archive.lending.register import held_at_desk
from archive.lending.views import RequestView
from archive.people.models import User
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

MOST_OUT = 5000
DONE, KNOWN, CONFLICT = "done", "known", "conflict"


@dataclass(frozen=True)
class Ready:
    """What may be handed out without the network: to whom, from which copies, until when."""

    request_id: int
    number: str
    borrower: str
    staff_no: str
    mode_label: str
    code: str
    barcodes: tuple[str, ...]
    pages: int
    until: date


@dataclass(frozen=True)
class Lent:
    """What is out, to be recognised when it comes back."""

    barcode: str
    borrower: str
    code: str
    pages: int
    due: date


@dataclass(frozen=True)
class Snapshot:
    """What a desk that is cut off goes on with.

    ``takes_paper``, ``takes_drawn``: may the borrower sign on paper, by drawing.
    """

    taken_at: datetime
    takes_paper: bool
    takes_drawn: bool
    ready: tuple[Ready, ...]
    out: tuple[Lent, ...]


@dataclass(frozen=True)
class Taken:
    """What became of one act; ``again`` where it had been sent before."""

    client_id: str
    outcome: str
    message: str
    again: bool = False


def snapshot(uow: UnitOfWork, actor: Actor) -> Snapshot:
    """Return what a desk needs to go on without the network; for the desk."""
    require(actor, "loan.desk")
    held = held_at_desk(uow, actor)
    staff = uow.session.execute(
        select(User.id, User.staff_no).where(User.id.in_({one.borrower_id for one in held}))
    )
    numbers = {row.id: row.staff_no for row in staff}
    copies = uow.session.scalars(
        select(ItemCopy).where(
            ItemCopy.item_id.in_({one.item_id for one in held}), ItemCopy.status == CopyStatus.IN
        )
    ).all()
    ready = (_ready(one, numbers, copies) for one in held)
    accepted = matrix.policy().confirmations.split("/")
    return Snapshot(
        taken_at=uow.now(),
        takes_paper=Way.PAPER.value in accepted,
        takes_drawn=Way.DRAWN.value in accepted,
        ready=tuple(one for one in ready if one is not None),
        out=_out(uow, actor),
    )


def who_signs(uow: UnitOfWork, act: Act) -> tuple[int, str] | None:
    """Return id and name of whoever signs for an act: who borrows, who has the copy.

    Leavers too, for they were at the desk then. None for an act taken in before, and for one
    that will not go in.
    """
    if _known(uow, act) is not None:
        return None
    if act.kind == OUT:
        whose = select(LoanRequest.borrower_id).where(LoanRequest.id == act.request_id)
    else:
        whose = (
            select(Loan.borrower_id)
            .join(ItemCopy, ItemCopy.id == Loan.copy_id)
            .where(ItemCopy.barcode == clean_barcode(act.barcode), Loan.returned_at.is_(None))
        )
    found = uow.session.execute(select(User.id, User.name).where(User.id.in_(whose))).first()
    return None if found is None else (found.id, found.name)


def take_in(uow: UnitOfWork, actor: Actor, act: Act, confirmed: Confirmed = ON_PAPER) -> Taken:
    """Take one act in, at its own time; a known client id changes nothing. Raises in words.

    ``confirmed``: how the borrower signed, bound to the loan like any signature. The edge
    notes what is raised by ``note_conflict``, in a unit of work of its own.
    """
    require(actor, "loan.desk")
    known = _known(uow, act)
    if known is not None:
        return known
    item = filing.find_lendable_by_barcode(uow, act.barcode)
    if item is None:
        raise Conflict("没有这个条码的档案。")
    code = clean_barcode(act.barcode)
    copy = next(one for one in item.copies if one.barcode == code)
    verdict = judge(act, _copy_now(uow, copy.id), uow.now())
    if verdict.step == Step.REFUSE:
        raise Conflict(verdict.words)
    if verdict.step == Step.KNOWN:
        return _note(uow, actor, act, KNOWN, verdict.words)
    if verdict.step == Step.DISPLACE:
        _displace(uow, actor, copy.id, act.at)
    view = _apply(uow, actor, act, confirmed)
    loan_id = view.loan.id if view.loan else None
    return _note(uow, actor, act, DONE, verdict.words or _told(act, view), loan_id)


def note_conflict(uow: UnitOfWork, actor: Actor, act: Act, words: str) -> Taken:
    """Note that an act could not be taken in, and why; sent again it is answered the same."""
    require(actor, "loan.desk")
    known = _known(uow, act)
    return known if known is not None else _note(uow, actor, act, CONFLICT, words)


def _apply(uow: UnitOfWork, actor: Actor, act: Act, confirmed: Confirmed) -> RequestView:
    if act.kind == OUT:
        return desk.hand_out(
            uow,
            actor,
            act.barcode,
            act.request_id,
            pages=act.pages,
            staff_no=act.staff_no,
            confirmed=confirmed,
            at=act.at,
        )
    if act.pages is None:
        raise Invalid("归还没有记页数，请清点后重新办理。", {"pages": "请填写"})
    return desk.take_back(
        uow, actor, act.barcode, act.pages, act.condition, confirmed=confirmed, at=act.at
    )


def _told(act: Act, view: RequestView) -> str:
    if act.kind == OUT:
        return f"已登记借给{view.borrower_name}（{show_instant(act.at)}）。"
    loan = view.loan
    done = f"已登记收回（{show_instant(act.at)}）。"
    if loan is not None and not loan.intact:
        return f"{done}有异常：{loan.condition}，请查明。{view.next_in_line}"
    where = loan.location if loan is not None else ""
    return done + (view.next_in_line or f"请放回 {where or '原位'}。")


def _displace(uow: UnitOfWork, actor: Actor, copy_id: int, at: datetime) -> None:
    """Take back what was noted of a later hand-over of the copy: it did not take place."""
    loan = uow.session.scalars(
        select(Loan).where(Loan.copy_id == copy_id, Loan.returned_at.is_(None))
    ).one()
    row = uow.session.get_one(LoanRequest, loan.request_id)
    loan.returned_at, loan.received_by = loan.handed_at, actor.id
    loan.pages_in, loan.intact = loan.pages_out, True
    loan.condition = f"未实际交付：{show_instant(at)} 已由断网的借阅台先交给别人"
    row.state, row.closing_note = RequestState.VOID, "未实际交付"
    uow.session.flush()
    filing.set_copy_status(uow, actor, copy_id, CopyStatus.IN)
    detail = {"request": row.id, "item": row.item_id, "copy": copy_id}
    uow.journal(actor.id, "loan.displaced", "loan", loan.id, detail)
    what = name_of_item(uow, row.item_id)
    text = f"{what}（{row.number}）的借出登记已撤销：这一份先交给了别人。仍需要的，请重新申请。"
    tell(uow, loan.borrower_id, "void", f"displaced:{loan.id}", text, row.id)


def _copy_now(uow: UnitOfWork, copy_id: int) -> CopyNow:
    loan = uow.session.scalar(
        select(Loan).where(Loan.copy_id == copy_id, Loan.returned_at.is_(None))
    )
    last = uow.session.scalar(select(func.max(Loan.returned_at)).where(Loan.copy_id == copy_id))
    if loan is None:
        return CopyNow(last_back=last)
    holder = lookup.loan_views(uow, None, [loan])[0].borrower_name
    return CopyNow(loan.handed_at, loan.request_id, holder, last)


def _known(uow: UnitOfWork, act: Act) -> Taken | None:
    row = uow.session.scalar(select(DeskAct).where(DeskAct.client_id == act.client_id))
    if row is None:
        return None
    return Taken(row.client_id, row.outcome, row.message, again=True)


def _note(
    uow: UnitOfWork, actor: Actor, act: Act, outcome: str, words: str, loan_id: int | None = None
) -> Taken:
    row = DeskAct(
        client_id=act.client_id,
        kind=act.kind,
        barcode=act.barcode[:40],
        request_id=act.request_id,
        pages=act.pages,
        at=act.at,
        sent_by=actor.id,
        received_at=uow.now(),
        outcome=outcome,
        message=words,
        loan_id=loan_id,
    )
    uow.session.add(row)
    try:
        uow.session.flush()
    except IntegrityError:
        raise Conflict("这一笔正由另一处上传，请稍后再看。") from None
    detail = {"kind": act.kind, "outcome": outcome, "at": act.at.isoformat(), "loan": loan_id}
    uow.journal(actor.id, "loan.offline", "desk_act", row.id, detail)
    return Taken(act.client_id, outcome, words)


def _ready(one: RequestView, numbers: dict[int, str], copies: Sequence[ItemCopy]) -> Ready | None:
    mine = [copy for copy in copies if copy.item_id == one.item_id]
    if not mine or one.pick_up_by is None:
        return None
    return Ready(
        request_id=one.id,
        number=one.number,
        borrower=one.borrower_name,
        staff_no=numbers.get(one.borrower_id, ""),
        mode_label=one.mode_label,
        code=one.item_code,
        barcodes=tuple(copy.barcode for copy in mine),
        pages=mine[0].pages,
        until=one.pick_up_by,
    )


def _out(uow: UnitOfWork, actor: Actor) -> tuple[Lent, ...]:
    rows = uow.session.scalars(
        select(Loan).where(Loan.returned_at.is_(None)).order_by(Loan.id.desc()).limit(MOST_OUT)
    ).all()
    return tuple(
        Lent(one.barcode, one.borrower_name, one.item_code, one.pages_out, one.due_on)
        for one in lookup.loan_views(uow, actor, list(rows))
    )

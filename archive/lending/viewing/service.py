"""Granting, checking and ending electronic views; what was seen, printed or downloaded.

Rights are looked at afresh on every page (archive.md 6). Drawing is in ``viewing.pages`` and is
done by the edge between two short transactions. Prints and photocopies are in
``viewing.sheets``.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select

from archive.core.clock import day_begins, local_day, show_instant
from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.filing import service as filing
from archive.filing.views import FileView, ItemView
from archive.lending import lookup
from archive.lending.answering import decide_again
from archive.lending.matching import Mode
from archive.lending.models import LoanRequest, RequestState
from archive.lending.notices import name_of_item, tell
from archive.lending.rules import Reason
from archive.lending.viewing.models import LoanGrant, PageSeen
from archive.lending.viewing.pages import Mark, is_viewable
from archive.lending.viewing.rules import GrantFacts, why_closed
from archive.people.models import User
from archive.people.rights import Actor, require
from doc_templates.fields import forbidden_mark
from storage.work import UnitOfWork

NOT_VIEWED = "这份申请不是电子阅览，或者还没有批准。"
LONGEST_REASON = 200
LONGEST_ADDRESS = 64


@dataclass(frozen=True)
class GrantView:
    """An electronic view as its borrower and the desk see it; ``closed`` says why it is over."""

    request_id: int
    number: str
    item_id: int
    title: str
    code: str
    borrower_id: int
    until: datetime
    prints_left: int
    may_download: bool
    closed: Reason | None
    pages_seen: int
    last_seen: datetime | None
    files: tuple[FileView, ...]


@dataclass(frozen=True)
class Sight:
    """What one page may be drawn from: the file, the mark to burn in, and its grant."""

    grant_id: int
    number: str
    file: FileView
    mark: Mark


@dataclass(frozen=True)
class Holder:
    """Whose name is burnt into the pages."""

    name: str
    staff_no: str
    department: str


def open_grant(uow: UnitOfWork, row: LoanRequest) -> LoanGrant:
    """Let the borrower of an approved request view it from now on, and tell them.

    The facts are looked at again; Conflict in words when they no longer allow it.
    """
    decision = decide_again(uow, row).decision
    if decision.due is None or decision.rule is None:
        raise Conflict(f"申请 {row.number} 算不出阅览期限，不能开通。")
    until = day_begins(decision.due + timedelta(days=1))
    grant = LoanGrant(
        request_id=row.id,
        borrower_id=row.borrower_id,
        secrecy=row.decision["secrecy"],
        opens_at=uow.now(),
        until=until,
        prints=decision.rule.prints,
        may_download=decision.rule.download,
    )
    uow.session.add(grant)
    row.state = RequestState.HANDED_OUT
    row.decision = {**row.decision, "due": decision.due.isoformat()}
    uow.session.flush()
    detail = {"item": row.item_id, "until": decision.due.isoformat(), "prints": grant.prints}
    uow.journal(None, "loan.view_open", "loan_request", row.id, detail)
    text = (
        f"您申请电子阅览的{name_of_item(uow, row.item_id)}（{row.number}）已经开通，"
        f"到 {decision.due.isoformat()} 为止，可在“我的借阅”里打开。"
    )
    tell(uow, row.borrower_id, "view", f"view:{row.id}", text, row.id)
    return grant


def get_grant(uow: UnitOfWork, actor: Actor, request_id: int) -> GrantView:
    """Return a view for its borrower, its approvers or the desk; raise NotFound."""
    row, grant = _found(uow, actor, request_id)
    title, code = lookup.title_for(uow, actor, row.item_id)
    item = filing.load_item(uow, row.item_id)
    if row.borrower_id == actor.id and _why_closed(uow, grant, item, actor) is None:
        title, code = item.title, item.code
    seen = uow.session.execute(
        select(func.count(), func.max(PageSeen.at)).where(PageSeen.grant_id == grant.id)
    ).one()
    borrower = actor if row.borrower_id == actor.id else None
    return GrantView(
        request_id=row.id,
        number=row.number,
        item_id=row.item_id,
        title=title,
        code=code,
        borrower_id=row.borrower_id,
        until=grant.until,
        prints_left=grant.prints,
        may_download=grant.may_download,
        closed=_why_closed(uow, grant, item, borrower),
        pages_seen=seen[0],
        last_seen=seen[1],
        files=tuple(file for file in item.files if file.role != "word"),
    )


def find_grant(uow: UnitOfWork, actor: Actor, request_id: int) -> GrantView | None:
    """Return the view of a request that the person may see, or None where it has none."""
    has_one = uow.session.scalar(select(LoanGrant.id).where(LoanGrant.request_id == request_id))
    return None if has_one is None else get_grant(uow, actor, request_id)


def look(
    uow: UnitOfWork, actor: Actor, request_id: int, file_id: int, kind: str = "电子阅览"
) -> Sight | Reason:
    """Return what may be drawn for the borrower now, or the reason why not.

    Raises NotFound for a request or file that does not exist for them, Forbidden for anyone but
    the borrower (the archive included: it has the paper itself).
    """
    row, grant = _found(uow, actor, request_id)
    if row.borrower_id != actor.id:
        raise Forbidden("只有借阅人本人可以打开这次电子阅览。")
    item = filing.load_item(uow, row.item_id)
    closed = _why_closed(uow, grant, item, actor)
    if closed is not None:
        return closed
    file = next((one for one in item.files if one.id == file_id), None)
    if file is None:
        raise NotFound("这份档案没有这个文件。")
    if not is_viewable(file.media_type):
        raise Invalid(f"“{file.name}”不能在线阅览，请到档案室看原件。")
    holder = Holder(actor.name, actor.staff_no, actor.department_name)
    return Sight(grant.id, row.number, file, mark_for(uow, holder, row.number, kind))


def mark_for(uow: UnitOfWork, holder: Holder, number: str, kind: str) -> Mark:
    """Return what is burnt into a page: name, staff number, minute and loan number."""
    minute = show_instant(uow.now())
    who = f"{holder.name}（{holder.department}，{holder.staff_no}）"
    return Mark(
        across=f"{holder.name} {holder.staff_no}  {minute}  {number}",
        foot=f"{number}  仅供{who}{kind}  {minute}",
    )


def note_page(uow: UnitOfWork, actor: Actor, sight: Sight, page: int, address: str) -> None:
    """Log one page that is about to be shown."""
    uow.session.add(
        PageSeen(
            grant_id=sight.grant_id,
            file_id=sight.file.id,
            page=page,
            at=uow.now(),
            address=address[:LONGEST_ADDRESS],
        )
    )
    detail = {"file": sight.file.id, "page": page}
    uow.journal(actor.id, "loan.view", "loan_grant", sight.grant_id, detail)


def note_refused(uow: UnitOfWork, actor: Actor, request_id: int, why: Reason) -> None:
    """Log a page that was asked for and not shown."""
    uow.journal(actor.id, "loan.view_refused", "loan_request", request_id, {"reason": why.code})


def finish(uow: UnitOfWork, actor: Actor, request_id: int) -> None:
    """End one's own view early; it stays ended."""
    row, grant = _found(uow, actor, request_id)
    if row.borrower_id != actor.id:
        raise Forbidden("只有借阅人本人可以结束阅览；档案室可以收回。")
    _check_open(grant, row)
    _end(uow, actor.id, row, grant, "借阅人已看完")


def revoke(uow: UnitOfWork, actor: Actor, request_id: int, reason: str) -> None:
    """Take a view back at once, with the reason; the borrower is told."""
    require(actor, "loan.desk")
    row, grant = _found(uow, actor, request_id)
    _check_open(grant, row)
    why = _clean_reason(reason)
    _end(uow, actor.id, row, grant, why)
    text = f"您的电子阅览 {row.number} 已由档案室收回：{why}。"
    tell(uow, row.borrower_id, "view_end", f"view_end:{row.id}", text, row.id)


def close_run_out(uow: UnitOfWork) -> int:
    """Note as closed what has run out and what leavers had open; return how many."""
    today = local_day(uow.now())
    rows = uow.session.execute(
        select(LoanGrant, LoanRequest)
        .join(LoanRequest, LoanRequest.id == LoanGrant.request_id)
        .join(User, User.id == LoanGrant.borrower_id)
        .where(
            LoanGrant.ended_at.is_(None),
            or_(LoanGrant.until <= uow.now(), User.left_on <= today),
        )
        .order_by(LoanGrant.id)
    ).all()
    for grant, row in rows:
        _end(uow, None, row, grant, "阅览期满" if grant.until <= uow.now() else "借阅人已离职")
    return len(rows)


def _end(uow: UnitOfWork, by: int | None, row: LoanRequest, grant: LoanGrant, reason: str) -> None:
    grant.ended_at, grant.ended_by, grant.end_reason = uow.now(), by, reason
    row.state, row.closing_note = RequestState.CLOSED, reason
    uow.session.flush()
    uow.journal(by, "loan.view_end", "loan_request", row.id, {"item": row.item_id})


def _found(uow: UnitOfWork, actor: Actor, request_id: int) -> tuple[LoanRequest, LoanGrant]:
    row = lookup.get_row(uow, request_id)
    if not lookup.may_see(uow, actor, row):
        raise NotFound(lookup.NO_REQUEST)
    grant = uow.session.scalar(select(LoanGrant).where(LoanGrant.request_id == row.id))
    if grant is None or row.mode != Mode.ELECTRONIC:
        raise Conflict(f"申请 {row.number}：{NOT_VIEWED}")
    return row, grant


def _check_open(grant: LoanGrant, row: LoanRequest) -> None:
    if grant.ended_at is not None:
        raise Conflict(f"申请 {row.number} 的电子阅览已于 {show_instant(grant.ended_at)} 结束。")


def _why_closed(
    uow: UnitOfWork, grant: LoanGrant, item: ItemView, borrower: Actor | None
) -> Reason | None:
    facts = GrantFacts(
        opens_at=grant.opens_at,
        until=grant.until,
        ended=grant.ended_at is not None,
        end_reason=grant.end_reason,
        item_state=item.state,
        secrecy_then=grant.secrecy,
        secrecy_now=item.secrecy,
        clearance=borrower.clearance if borrower else item.secrecy,
    )
    return why_closed(facts, uow.now())


def _clean_reason(reason: str) -> str:
    cleaned = reason.strip()
    fault = forbidden_mark(cleaned)
    if len(cleaned) < 2:
        fault = "请写明理由，借阅人会看到"
    if len(cleaned) > LONGEST_REASON:
        fault = f"最多 {LONGEST_REASON} 个字"
    if fault:
        raise Invalid(f"理由有误：{fault}。", {"reason": fault})
    return cleaned.rstrip("。")

"""Asking for several papers at once: the decision for each, one note, one request a copy.

The note (借阅单) gives its number, purpose, reference and day to all; each paper keeps a decision,
approvals and a loan of its own, so that one that is refused does not hold up the others.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from sqlalchemy import select

from archive.core.clock import local_day
from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.filing.models import CopyStatus
from archive.filing.service import Lendable
from archive.lending import lookup
from archive.lending.answering import Answer, answer, answers, check_mode
from archive.lending.facts import Question
from archive.lending.groups.basket import InBasket, check_there, papers_of, take_out
from archive.lending.groups.models import LoanGroup
from archive.lending.groups.views import Considered, GroupView, Outcome
from archive.lending.matching import Mode
from archive.lending.models import LoanRequest
from archive.lending.requests import (
    Origin,
    check_not_asked,
    clean_words,
    enter,
    next_number,
    refuse,
    withdraw,
)
from archive.lending.views import Preview, Refused
from archive.people import service as people
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

MOST_REQUESTS = 400
NO_GROUP = "没有这份借阅单，或者您无权查看。"
Beside = tuple[int, int | None]


@dataclass(frozen=True)
class Wish:
    """How, why and until when: one for all papers of the note. None: not asked about yet."""

    mode: str
    purpose: str | None = None
    business_reference: str = ""
    wanted_until: date | None = None


def lines_for(
    uow: UnitOfWork, actor: Actor, item_ids: Sequence[int], volume_id: int | None = None
) -> tuple[InBasket, ...]:
    """Return papers, or all of a volume's that one may read, as if they lay in the basket.

    NotFound for one that is not there.
    """
    require(actor, "loan.request")
    wanted = [*item_ids, *(papers_of(uow, actor, volume_id) if volume_id else ())]
    check_there(uow, wanted)
    titles = lookup.titles_for(uow, actor, wanted)
    return tuple(InBasket(one, *titles[one], volume_id) for one in dict.fromkeys(wanted))


def consider(
    uow: UnitOfWork, actor: Actor, wish: Wish, lines: Sequence[InBasket]
) -> tuple[Considered, ...]:
    """Return the decision for each paper, changing nothing.

    Each counts those before it, so that a limit is met where it would be. Without a purpose
    purpose and reference are not asked for.
    """
    require(actor, "loan.request")
    check_mode(wish.mode)
    beside: list[Beside] = []
    found = []
    for line in lines:
        question = _question(uow, actor, line, wish, tuple(beside))
        decided = answer(uow, question)
        already = _already(uow, actor, line.item_id, wish.mode)
        if decided.decision.allowed and not already:
            beside.append((decided.item.secrecy, line.volume_id))
        found.append(_considered(uow, question, line, decided, already))
    return tuple(found)


def ask_for_all(
    uow: UnitOfWork, actor: Actor, wish: Wish, lines: Sequence[InBasket], *, queues: bool = False
) -> Outcome:
    """Ask for the papers on one note; the edge commits.

    What the rules allow goes in and leaves the basket; what they refuse stands in the log and
    stays in the basket, like what one has or has asked for already. ``queues`` takes a place in
    line where a copy is out. Raises Invalid for words that cannot be kept or nothing chosen.
    """
    require(actor, "loan.request")
    check_mode(wish.mode)
    purpose, reference = clean_words(wish.purpose or "", wish.business_reference)
    wish = replace(wish, purpose=purpose, business_reference=reference)
    if not lines:
        raise Invalid("请至少选一件档案再提交。", {"item": "请选择"})
    group, entered, refused, left = _enter_all(uow, actor, lines, wish, queues)
    if group is None:
        return Outcome(None, tuple(refused), tuple(left))
    take_out(uow, actor, entered)
    detail = {"items": entered, "mode": group.mode, "refused": len(refused)}
    uow.journal(actor.id, "loan.note", "loan_group", group.id, detail)
    return Outcome(get_group(uow, actor, group.id), tuple(refused), tuple(left))


def get_group(uow: UnitOfWork, actor: Actor, group_id: int) -> GroupView:
    """Return a note with those of its requests that this person may see; NotFound for none."""
    row = uow.session.get(LoanGroup, group_id) if 0 < group_id <= lookup.LARGEST_ID else None
    rows = [] if row is None else _requests(uow, row.id)
    seen = [one for one in rows if lookup.may_see(uow, actor, one)]
    if row is None or not seen:
        raise NotFound(NO_GROUP)
    borrower = people.names_of(uow, {row.borrower_id})[row.borrower_id]
    views = lookup.request_views(uow, actor, seen)
    return GroupView(
        id=row.id,
        number=row.number,
        borrower_id=row.borrower_id,
        borrower_name=borrower,
        borrower_department=views[0].borrower_department,
        mode=row.mode,
        purpose=row.purpose,
        business_reference=row.business_reference,
        wanted_until=row.wanted_until,
        created_at=row.created_at,
        requests=views,
    )


def withdraw_all(uow: UnitOfWork, actor: Actor, group_id: int) -> GroupView:
    """Take back all of one's own note that is not handed out; Conflict when nothing is left."""
    group = get_group(uow, actor, group_id)
    if group.borrower_id != actor.id:
        raise Forbidden("只有申请人本人可以撤回借阅单。")
    open_ones = [one for one in group.requests if one.may_be_withdrawn]
    if not open_ones:
        raise Conflict(f"借阅单 {group.number} 里没有可以撤回的了。")
    for one in open_ones:
        withdraw(uow, actor, one.id)
    return get_group(uow, actor, group_id)


def find_group(uow: UnitOfWork, actor: Actor, number: str) -> int | None:
    """Return the id of a note by its number as typed or scanned at the desk, or None."""
    require(actor, "loan.desk")
    return uow.session.scalar(
        select(LoanGroup.id).where(LoanGroup.number == number.strip().upper()[:20])
    )


def _requests(uow: UnitOfWork, group_id: int) -> list[LoanRequest]:
    wanted = select(LoanRequest).where(LoanRequest.group_id == group_id)
    return list(uow.session.scalars(wanted.order_by(LoanRequest.id)))


def _enter_all(
    uow: UnitOfWork,
    actor: Actor,
    lines: Sequence[InBasket],
    wish: Wish,
    queues: bool,
) -> tuple[LoanGroup | None, list[int], list[Refused], list[str]]:
    """Enter what goes; the note is begun, and takes its number, with the first that does."""
    group: LoanGroup | None = None
    entered: list[int] = []
    refused: list[Refused] = []
    left: list[str] = []
    count = 0
    for line in lines:
        already = _already(uow, actor, line.item_id, wish.mode)
        if already:
            left.append(already)
            continue
        question = _question(uow, actor, line, wish, ())
        question = replace(question, volume=(group.id if group else 0, line.volume_id or 0))
        found = answer(uow, question)
        if queues and found.decision.may_queue:
            question = replace(question, joins_queue=True)
            found = answer(uow, question, found.item)
        if not found.decision.allowed:
            refused.append(refuse(uow, question, found.decision))
            continue
        group = group or _begin(uow, actor, wish)
        for _ in range(_copies(found, question, line)):
            count += 1
            _check_count(count)
            number = f"{group.number}-{count:03d}"
            enter(uow, question, found, Origin(number, group.id, line.volume_id))
        entered.append(line.item_id)
    return group, entered, refused, left


def _begin(uow: UnitOfWork, actor: Actor, wish: Wish) -> LoanGroup:
    group = LoanGroup(
        number=next_number(uow),
        borrower_id=actor.id,
        mode=wish.mode,
        purpose=wish.purpose or "",
        business_reference=wish.business_reference,
        wanted_until=wish.wanted_until,
        created_at=uow.now(),
    )
    uow.session.add(group)
    uow.session.flush()
    return group


def _check_count(count: int) -> None:
    if count > MOST_REQUESTS:
        raise Invalid(f"一份借阅单最多 {MOST_REQUESTS} 份实体，请分几次提交。", {"item": "太多"})


def _copies(found: Answer, question: Question, line: InBasket) -> int:
    """How many copies are asked for: of a volume all on the shelf of each paper, else one."""
    takes_the_paper = Mode(question.mode).takes_the_paper
    if line.volume_id is None or not takes_the_paper or question.joins_queue:
        return 1
    return max(1, sum(copy.status == CopyStatus.IN for copy in found.item.copies))


def _question(
    uow: UnitOfWork, actor: Actor, line: InBasket, wish: Wish, beside: tuple[Beside, ...]
) -> Question:
    return Question(
        borrower=actor,
        item_id=line.item_id,
        mode=wish.mode,
        on=local_day(uow.now()),
        purpose=wish.purpose or "",
        business_reference=wish.business_reference,
        asks_reason=wish.purpose is not None,
        volume=(0, line.volume_id) if line.volume_id else None,
        beside=beside,
        wanted_until=wish.wanted_until,
    )


def _already(uow: UnitOfWork, actor: Actor, item_id: int, mode: str) -> str:
    try:
        check_not_asked(uow, actor, item_id, mode)
    except Conflict as refusal:
        return refusal.message
    return ""


def _considered(
    uow: UnitOfWork, question: Question, line: InBasket, found: Answer, already: str
) -> Considered:
    preview = Preview(
        item_id=line.item_id,
        title=line.title,
        code=line.code,
        mode=question.mode,
        decision=found.decision,
        approvers=found.approvers,
    )
    refused = not found.decision.allowed
    return Considered(
        preview=preview,
        volume_id=line.volume_id,
        volume=line.volume,
        copies=_copies(found, question, line),
        instead=_instead(uow, question, found.item) if refused else (),
        already=already,
    )


def _instead(uow: UnitOfWork, question: Question, item: Lendable) -> tuple[str, ...]:
    """In which other ways the paper could be had, were they asked for now."""
    others = [mode for mode in Mode if mode != question.mode]
    found = [one.decision for one in answers(uow, question, others, item)]
    return tuple(
        mode.label if one.allowed else f"{mode.label}（预约）"
        for mode, one in zip(others, found, strict=True)
        if one.allowed or one.may_queue
    )

"""Appraisal (鉴定): a committee decides item by item what becomes of what is due.

The archive head opens it; every member gives an opinion on every item and signs with a password
(the edge's business); the last signature decides. Source: archive.md 5; DA/T 42 7.7.1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import defer

from archive.core.clock import local_day
from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.core.numbering import take_number
from archive.filing.models import Item, ItemState
from archive.filing.plan import load_plan
from archive.filing.retention.due import base_of, is_due
from archive.filing.retention.models import (
    Appraisal,
    AppraisalLine,
    AppraisalMember,
    AppraisalOpinion,
    AppraisalState,
    ItemTerm,
)
from archive.filing.retention.obstacles import called, obstacles, told
from archive.filing.retention.rules import (
    DESTROY,
    EXTEND,
    LARGEST_ID,
    MOST_ITEMS,
    TRANSFER,
    Vote,
    check_vote,
    committee_fault,
    decide,
    digest_of,
    named,
)
from archive.filing.retention.views import HELD_BACK
from archive.filing.rules import check_note, check_reason
from archive.people import service as people
from archive.people.readers import may_read
from archive.people.rights import Actor, can, require
from storage.work import UnitOfWork

NOT_THERE = "没有这次鉴定，或者您无权查看。"


@dataclass(frozen=True)
class Opinion:
    """What a member says of one item (by its id); an extension names the new term."""

    item_id: int
    opinion: str
    new_term: str = ""
    reason: str = ""


def open_appraisal(
    uow: UnitOfWork,
    actor: Actor,
    item_ids: Sequence[int],
    member_ids: Sequence[int],
    leader_id: int,
    note: str = "",
) -> int:
    """Put due items before a committee and return the appraisal's id; they are 待鉴定 from now on.

    Raises Invalid for no committee or nothing chosen; Conflict names every item on loan, under a
    hold, not due or not sealed, with its reason.
    """
    require(actor, "retention.appraise")
    items = chosen_items(uow, actor, item_ids)
    _check_committee(uow, member_ids, leader_id, items)
    bases = base_of(uow, items)
    faults = obstacles(uow, items, ItemState.SHELVED)
    faults += [
        f"{called(item)}保管期限没有到" for item in items if not is_due(uow, *bases[item.id])
    ]
    if faults:
        raise Conflict(told(faults, "不能提交鉴定"))
    year = local_day(uow.now()).year
    row = Appraisal(
        number=f"JD-{year}-{take_number(uow, f'appraisal:{year}'):03d}",
        state=AppraisalState.OPEN,
        note=check_note(note),
        leader_id=leader_id,
        opened_by=actor.id,
        opened_at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()
    for member in member_ids:
        uow.session.add(AppraisalMember(appraisal_id=row.id, user_id=member))
    _claim(uow, row.id, items, bases)
    detail = {"items": [item.id for item in items], "members": list(member_ids)}
    uow.journal(actor.id, "appraisal.open", "appraisal", row.id, detail)
    return row.id


def _claim(
    uow: UnitOfWork,
    appraisal_id: int,
    items: Sequence[Item],
    bases: Mapping[int, tuple[int, str]],
) -> None:
    """Put items on an appraisal, each claimed by it alone, with what its term counts from."""
    for place, item in enumerate(items, start=1):
        base, term = bases[item.id]
        uow.session.add(
            AppraisalLine(
                appraisal_id=appraisal_id,
                item_id=item.id,
                claim=item.id,
                place=place,
                base_year=base,
                retention=term,
            )
        )
        _move(uow, item, ItemState.REVIEWING)
    uow.session.flush()


def give_opinions(
    uow: UnitOfWork, actor: Actor, appraisal_id: int, opinions: Sequence[Opinion]
) -> int:
    """Note what a member thinks of items, in place of what they said before; return how many.

    What was said already is left as it is.
    """
    row, _ = _as_member(uow, actor, appraisal_id)
    lines = {line.item_id: line for line in lines_of(uow, row.id)}
    terms, changed = load_plan().terms, 0
    for one in opinions:
        line = lines.get(one.item_id)
        if line is None:
            raise NotFound("这次鉴定里没有这件档案。")
        vote = check_vote(one.opinion, one.new_term, one.reason.strip(), terms)
        changed += _say(uow, actor, line.id, vote, one.reason.strip())
    if changed:
        uow.journal(actor.id, "appraisal.opinion", "appraisal", row.id, {"items": changed})
    return len(opinions)


def _say(uow: UnitOfWork, actor: Actor, line_id: int, vote: Vote, reason: str) -> bool:
    """Note an opinion in place of the one before; return whether it is another."""
    said = uow.session.scalar(
        select(AppraisalOpinion).where(
            AppraisalOpinion.line_id == line_id, AppraisalOpinion.user_id == actor.id
        )
    )
    if said is None:
        said = AppraisalOpinion(line_id=line_id, user_id=actor.id)
        uow.session.add(said)
    elif (said.opinion, said.new_term, said.reason) == (vote.opinion, vote.new_term, reason):
        return False
    said.opinion, said.new_term, said.reason = vote.opinion, vote.new_term, reason
    said.at = uow.now()
    uow.session.flush()
    return True


def plan_signature(uow: UnitOfWork, actor: Actor, appraisal_id: int) -> None:
    """Raise what would stop a member's signature before the password is asked."""
    row, _ = _as_member(uow, actor, appraisal_id)
    _own_opinions(uow, actor, row)


def record_signature(uow: UnitOfWork, actor: Actor, appraisal_id: int) -> bool:
    """Sign one's opinions; the last signature decides. Return whether it is decided now."""
    row, member = _as_member(uow, actor, appraisal_id)
    own = _own_opinions(uow, actor, row)
    member.signed_at, member.digest = uow.now(), digest_of(row.id, actor.id, own)
    uow.session.flush()
    uow.journal(actor.id, "appraisal.sign", "appraisal", row.id, {"digest": member.digest})
    waiting = select(func.count()).select_from(AppraisalMember)
    waiting = waiting.where(
        AppraisalMember.appraisal_id == row.id, AppraisalMember.signed_at.is_(None)
    )
    if uow.session.scalar(waiting):
        return False
    _decide(uow, row)
    return True


def withdraw_appraisal(uow: UnitOfWork, actor: Actor, appraisal_id: int, reason: str) -> None:
    """Give an open appraisal up with a reason; its items are in custody again."""
    require(actor, "retention.appraise")
    row = _open_row(uow, appraisal_id)
    row.reason = check_reason(reason, "撤回原因")
    row.state, row.withdrawn_by, row.withdrawn_at = AppraisalState.WITHDRAWN, actor.id, uow.now()
    release(uow, lines_of(uow, row.id))
    uow.journal(actor.id, "appraisal.withdraw", "appraisal", row.id, {})


def release(uow: UnitOfWork, lines: Sequence[AppraisalLine]) -> None:
    """Take items back into custody: free for loans, and for another appraisal."""
    for line in lines:
        line.claim = None
        item = uow.session.get_one(Item, line.item_id)
        if item.state == ItemState.REVIEWING:
            _move(uow, item, ItemState.SHELVED)
    uow.session.flush()


def lines_of(uow: UnitOfWork, appraisal_id: int) -> list[AppraisalLine]:
    """Return an appraisal's lines in their order."""
    query = select(AppraisalLine).where(AppraisalLine.appraisal_id == appraisal_id)
    return list(uow.session.scalars(query.order_by(AppraisalLine.place)))


def items_by_id(uow: UnitOfWork, item_ids: Sequence[int]) -> list[Item]:
    """Return items without their texts, in the order of the ids; unknown ones are left out."""
    query = select(Item).options(defer(Item.text, raiseload=True)).where(Item.id.in_(item_ids))
    found = {item.id: item for item in uow.session.scalars(query)}
    return [found[one] for one in item_ids if one in found]


def chosen_items(uow: UnitOfWork, actor: Actor, item_ids: Sequence[int]) -> list[Item]:
    """Return the chosen items, each readable by the actor; raise Invalid, NotFound."""
    wanted = list(dict.fromkeys(item_ids))
    if not wanted:
        raise Invalid("请先勾选档案。", {"item": "没有勾选"})
    if len(wanted) > MOST_ITEMS:
        raise Invalid(f"一次最多 {MOST_ITEMS} 件，请分几次。", {"item": "太多"})
    if not all(0 < one <= LARGEST_ID for one in wanted) or _readable(uow, actor, wanted) != len(
        wanted
    ):
        raise NotFound("勾选的档案里有不存在的，或者您无权查看的。")
    return items_by_id(uow, wanted)


def may_see(uow: UnitOfWork, actor: Actor, appraisal_id: int) -> bool:
    """Say whether the actor may see this appraisal: the offices, and its members."""
    if can(actor, "retention.list"):
        return True
    mine = select(AppraisalMember.id).where(
        AppraisalMember.appraisal_id == appraisal_id, AppraisalMember.user_id == actor.id
    )
    return uow.session.scalar(mine) is not None


def _decide(uow: UnitOfWork, row: Appraisal) -> None:
    lines = lines_of(uow, row.id)
    votes = _votes(uow, [line.id for line in lines])
    items = {item.id: item for item in items_by_id(uow, [line.item_id for line in lines])}
    terms, year = list(load_plan().terms), local_day(uow.now()).year
    for line in lines:
        item = items[line.item_id]
        done = decide(votes[line.id], terms, line.retention)
        line.outcome, line.new_term, line.why = done.outcome, done.new_term, done.why
        faults = obstacles(uow, [item], ItemState.REVIEWING)
        if done.outcome in (DESTROY, TRANSFER) and faults:
            line.outcome, line.why = HELD_BACK, f"{done.why}；{named(faults)}"[:200]
        if line.outcome == EXTEND:
            uow.session.merge(
                ItemTerm(
                    item_id=item.id, base_year=year, retention=done.new_term, appraisal_id=row.id
                )
            )
        detail = {"appraisal": row.id, "outcome": line.outcome, "term": line.new_term}
        uow.journal(None, "item.reappraised", "item", item.id, detail)
    release(uow, [line for line in lines if line.outcome in (EXTEND, HELD_BACK)])
    row.state, row.decided_at = AppraisalState.DECIDED, uow.now()
    uow.session.flush()
    uow.journal(None, "appraisal.decided", "appraisal", row.id, {"items": len(lines)})


def _votes(uow: UnitOfWork, line_ids: Sequence[int]) -> Mapping[int, list[Vote]]:
    found: dict[int, list[Vote]] = {line_id: [] for line_id in line_ids}
    query = select(AppraisalOpinion).where(AppraisalOpinion.line_id.in_(line_ids))
    for one in uow.session.scalars(query):
        found[one.line_id].append(Vote(one.opinion, one.new_term))
    return found


def _own_opinions(uow: UnitOfWork, actor: Actor, row: Appraisal) -> list[list[object]]:
    """Return a member's opinions in order; raise Conflict while some are missing."""
    lines = lines_of(uow, row.id)
    query = select(AppraisalOpinion).where(
        AppraisalOpinion.line_id.in_([line.id for line in lines]),
        AppraisalOpinion.user_id == actor.id,
    )
    own = {one.line_id: one for one in uow.session.scalars(query)}
    missing = [f"第 {line.place} 件" for line in lines if line.id not in own]
    if missing:
        raise Conflict(f"还有 {len(missing)} 件没有写意见（{named(missing)}），写全了再签字。")
    return [
        [line.item_id, own[line.id].opinion, own[line.id].new_term, own[line.id].reason]
        for line in lines
    ]


def _as_member(
    uow: UnitOfWork, actor: Actor, appraisal_id: int
) -> tuple[Appraisal, AppraisalMember]:
    require(actor, "retention.sign")
    row = _open_row(uow, appraisal_id, actor)
    member = uow.session.scalar(
        select(AppraisalMember).where(
            AppraisalMember.appraisal_id == row.id, AppraisalMember.user_id == actor.id
        )
    )
    if member is None:
        raise Forbidden("您不是这次鉴定的小组成员，不能发表意见。")
    if member.signed_at is not None:
        raise Conflict("您已经签字，意见不能再改。")
    return row, member


def _open_row(uow: UnitOfWork, appraisal_id: int, actor: Actor | None = None) -> Appraisal:
    row = None
    if 0 < appraisal_id <= LARGEST_ID:
        query = select(Appraisal).where(Appraisal.id == appraisal_id).with_for_update()
        row = uow.session.scalar(query)
    if row is None or (actor is not None and not may_see(uow, actor, row.id)):
        raise NotFound(NOT_THERE)
    if row.state != AppraisalState.OPEN:
        raise Conflict(f"这次鉴定{AppraisalState(row.state).label}，不能再改。")
    return row


def _check_committee(
    uow: UnitOfWork, member_ids: Sequence[int], leader_id: int, items: Sequence[Item]
) -> None:
    fault = committee_fault(member_ids, leader_id)
    if fault:
        raise Invalid(f"{fault}。", {"member": fault})
    ids = [item.id for item in items]
    for member_id in member_ids:
        person = people.find_actor(uow, member_id) if 0 < member_id <= LARGEST_ID else None
        if person is None or not can(person, "retention.sign"):
            raise Invalid("鉴定小组里有不在职的人，请重新选。", {"member": "不在职"})
        if _readable(uow, person, ids) != len(ids):
            raise Invalid(
                f"所选档案里有{person.name}无权查看的，请换人或分开鉴定。",
                {"member": f"{person.name}无权查看"},
            )


def _readable(uow: UnitOfWork, actor: Actor, item_ids: Sequence[int]) -> int:
    query = select(func.count()).select_from(Item)
    query = query.where(Item.id.in_(item_ids), may_read(actor, "item", Item.id))
    return uow.session.scalar(query) or 0


def _move(uow: UnitOfWork, item: Item, state: ItemState) -> None:
    item.state = state
    uow.outbox("index", f"item:{item.id}")

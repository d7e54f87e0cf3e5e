"""Writes the days that move with the calendar: the rows, the journal, one notice a borrower.

What moves is found by ``workdays.recompute``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from archive.core.clock import day_begins, show_day
from archive.lending.models import Loan, LoanRenewal, LoanRequest
from archive.lending.notices import Telling, names_of_items, tell_all
from archive.lending.viewing.models import LoanGrant
from archive.lending.workdays.recompute import Move
from storage.work import UnitOfWork

_AT_ONCE = 500
_ROWS = {"loan": Loan, "renewal": LoanRenewal, "hold": LoanRequest, "view": LoanGrant}
_ACTS = {
    "loan": ("loan.due_moved", "loan"),
    "renewal": ("loan.renewal_moved", "loan_renewal"),
    "hold": ("loan.hold_moved", "loan_request"),
    "view": ("loan.view_moved", "loan_grant"),
}


@dataclass(frozen=True)
class Change:
    """A change of the calendar: its number, its kind for the journal, its reason for people."""

    number: int
    kind: str
    why: str


def write_moves(
    uow: UnitOfWork, actor_id: int | None, moves: Sequence[Move], change: Change
) -> None:
    """Move the days, note each in the journal and tell each borrower."""
    for start in range(0, len(moves), _AT_ONCE):
        _write(uow, actor_id, moves[start : start + _AT_ONCE], change)


def _write(uow: UnitOfWork, actor_id: int | None, moves: Sequence[Move], change: Change) -> None:
    requests = _rows(uow, LoanRequest, {move.request_id for move in moves})
    for kind, model in _ROWS.items():
        same = [move for move in moves if move.kind == kind]
        rows = _rows(uow, model, {move.id for move in same})
        for move in same:
            _set(rows[move.id], requests[move.request_id], move)
    uow.session.flush()
    for move in moves:
        act, thing = _ACTS[move.kind]
        detail = {
            "before": move.before.isoformat(),
            "due": move.after.isoformat(),
            "why": change.kind,
            "change": change.number,
            "item": requests[move.request_id].item_id,
        }
        uow.journal(actor_id, act, thing, move.id, detail)
    named = names_of_items(uow, {row.item_id for row in requests.values()})
    tell_all(
        uow,
        [
            _telling(move, requests[move.request_id], named, change)
            for move in moves
            if move.kind != "renewal"  # not the borrower's day until it is granted
        ],
    )


def _rows(uow: UnitOfWork, model: Any, ids: set[int]) -> dict[int, Any]:
    if not ids:
        return {}
    rows = uow.session.scalars(select(model).where(model.id.in_(ids)))
    return {row.id: row for row in rows}


def _set(row: Any, request: LoanRequest, move: Move) -> None:
    if move.kind == "loan":
        row.due_on = move.after
    elif move.kind == "renewal":
        row.due_after = move.after
    elif move.kind == "hold":
        row.pick_up_by = move.after
    else:
        row.until = day_begins(move.after + timedelta(days=1))
        request.decision = {**request.decision, "due": move.after.isoformat()}


def _telling(move: Move, row: LoanRequest, named: dict[int, str], change: Change) -> Telling:
    what, days = named[row.item_id], (show_day(move.before), show_day(move.after))
    text = {
        "loan": "您借的{}（{}）应还日期由{}改为{}：{}。",
        "hold": "您申请的{}（{}）取件期限由{}改为{}：{}。",
        "view": "您申请电子阅览的{}（{}）原来看到{}，现在看到{}：{}。",
    }[move.kind].format(what, row.number, *days, change.why)
    key = f"moved:{move.kind}:{move.id}:{change.number}"
    return Telling(row.borrower_id, "moved", key, text, row.id)

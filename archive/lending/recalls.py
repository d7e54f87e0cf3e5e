"""Asking a lent paper back early (催回): by the archivist, or because its secrecy was raised.

And what leavers still have at home, for whoever manages people.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from archive.core.calendar import load_calendar
from archive.core.clock import local_day, show_day
from archive.core.errors import Conflict, Invalid
from archive.core.resources import Resources
from archive.filing.models import Item, ItemCopy
from archive.lending import lookup, matrix
from archive.lending.matching import Mode
from archive.lending.models import Loan, LoanRequest
from archive.lending.notices import name_of_item, tell
from archive.lending.renewals import cancel_waiting, find_open_loan
from archive.lending.renewing import recalled_due
from archive.lending.views import RequestView
from archive.lending.year_end.setting import last_day
from archive.people.rights import SECRECY, Actor, require
from doc_templates.fields import forbidden_mark
from storage.outbox import OutboxItem
from storage.work import UnitOfWork

MAX_REASON = 200


def recall(uow: UnitOfWork, actor: Actor, request_id: int, reason: str) -> RequestView:
    """Ask a lent copy back, with the reason: due in two working days unless it is due before.

    For the desk. Raises Invalid without a reason, Conflict when nothing is out or it was
    recalled already.
    """
    require(actor, "loan.desk")
    cleaned = _clean_reason(reason)
    row = lookup.get_row(uow, request_id)
    loan = find_open_loan(uow, row.id)
    if loan is None:
        raise Conflict(f"申请 {row.number} 现在没有档案在外，不用催回。")
    if loan.recalled_at is not None:
        raise Conflict(f"申请 {row.number} 已经催回过（{loan.recall_reason}），不再重复催回。")
    call_back(uow, actor.id, row, loan, _due(uow, row, loan), cleaned)
    return lookup.request_views(uow, actor, [row])[0]


def recall_raised(uow: UnitOfWork, item_id: int) -> int:
    """Recall every loan of an item now more secret than it was approved for; return how many."""
    item = uow.session.get(Item, item_id)
    if item is None:
        return 0
    rows = uow.session.execute(
        select(LoanRequest, Loan)
        .join(Loan, Loan.request_id == LoanRequest.id)
        .where(
            LoanRequest.item_id == item_id,
            Loan.returned_at.is_(None),
            Loan.recalled_at.is_(None),
        )
    ).all()
    raised = [(row, loan) for row, loan in rows if row.decision["secrecy"] < item.secrecy]
    for row, loan in raised:
        why = f"借出期间密级提为{SECRECY[item.secrecy]}"
        call_back(uow, None, row, loan, _due(uow, row, loan), why)
    return len(raised)


def drain_secrecy(resources: Resources, items: Sequence[OutboxItem]) -> None:
    """Handle outbox rows of kind ``secrecy`` (key ``item:ID``): an item's secrecy was raised."""
    with resources.work() as uow:
        for item_id in sorted({int(item.key.partition(":")[2]) for item in items}):
            recall_raised(uow, item_id)
        uow.commit()


@dataclass(frozen=True)
class AtHome:
    """A paper somebody has out, as whoever manages people sees it: no title."""

    request_number: str
    barcode: str
    due_on: date
    is_overdue: bool


def at_home(uow: UnitOfWork, actor: Actor) -> dict[int, tuple[AtHome, ...]]:
    """Return what everybody has out, by person; for whoever manages people."""
    require(actor, "people.list")
    today = local_day(uow.now())
    rows = uow.session.execute(
        select(Loan.borrower_id, LoanRequest.number, ItemCopy.barcode, Loan.due_on)
        .join(LoanRequest, LoanRequest.id == Loan.request_id)
        .join(ItemCopy, ItemCopy.id == Loan.copy_id)
        .where(Loan.returned_at.is_(None))
        .order_by(Loan.due_on, Loan.id)
    )
    found: dict[int, tuple[AtHome, ...]] = {}
    for row in rows:
        line = AtHome(row.number, row.barcode, row.due_on, row.due_on < today)
        found[row.borrower_id] = (*found.get(row.borrower_id, ()), line)
    return found


def call_back(
    uow: UnitOfWork,
    actor_id: int | None,
    row: LoanRequest,
    loan: Loan,
    due: date,
    reason: str,
) -> None:
    """Recall a loan to its new due day and tell the borrower; whoever calls has decided."""
    today, before = local_day(uow.now()), loan.due_on
    key = f"recall:{loan.id}" if loan.recalled_at is None else f"recall:{loan.id}:{due}"
    loan.due_on, loan.recalled_at, loan.recall_reason = due, uow.now(), reason
    cancel_waiting(uow, loan)
    uow.session.flush()
    detail = {"before": before.isoformat(), "due": loan.due_on.isoformat(), "item": row.item_id}
    uow.journal(actor_id, "loan.recall", "loan", loan.id, detail)
    what = name_of_item(uow, row.item_id)
    when = "请立即归还" if loan.due_on < today else f"请在{show_day(loan.due_on)}下班前归还"
    text = f"您借的{what}（{row.number}）被催回，{when}：{reason}。"
    tell(uow, loan.borrower_id, "recall", key, text, row.id)


def _due(uow: UnitOfWork, row: LoanRequest, loan: Loan) -> date:
    today, calendar = local_day(uow.now()), load_calendar(uow)
    last = last_day(uow, today, calendar) if row.mode == Mode.ORIGINAL else None
    return recalled_due(loan.due_on, today, calendar, matrix.policy(), last)


def _clean_reason(reason: str) -> str:
    cleaned = " ".join(reason.split())
    fault = forbidden_mark(cleaned)
    if len(cleaned) < 2:
        fault = "请写明催回的理由，借阅人会看到"
    elif len(cleaned) > MAX_REASON:
        fault = f"最多 {MAX_REASON} 个字，现在有 {len(cleaned)} 个字"
    if fault:
        raise Invalid(f"催回理由有误：{fault}。", {"reason": fault})
    return cleaned.rstrip("。")

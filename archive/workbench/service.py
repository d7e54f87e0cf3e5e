"""What waits for one person, one card a matter; every card stands on its own.

Only reads, through the services of the stations before. Whoever may not see a matter gets no
card for it. Where a line leads is the page's business (``routes``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from archive.core.clock import local_day, show_instant
from archive.filing import service as filing
from archive.filing.checks.quarantine import list_holds
from archive.lending import service as lending
from archive.lending.views import LoanView
from archive.people.rights import Actor, can
from archive.records import service as records
from archive.records.views import RecordView
from archive.search import saved
from archive.signing import service as signing
from storage.work import UnitOfWork

SHOWN = 6


@dataclass(frozen=True)
class Line:
    """One thing on a card: what it is, a remark, and whether it is late."""

    id: int
    title: str
    note: str
    is_late: bool = False


@dataclass(frozen=True)
class Card:
    """A matter: how many there are, the first of them, and what to read when there is none."""

    key: str
    title: str
    total: int
    lines: tuple[Line, ...]
    none: str
    is_urgent: bool = False


def cards_for(uow: UnitOfWork, actor: Actor) -> tuple[Card, ...]:
    """Return the person's cards, the pressing ones first."""
    mine = _mine(uow, actor)
    cards = (
        to_sign(uow, actor),
        to_approve(uow, actor),
        mine and returned(*mine["returned"]),
        to_file(uow, actor),
        in_quarantine(uow, actor),
        overdue(uow, actor),
        saved_searches(uow, actor),
        mine and drafts(*mine["draft"]),
        mine and in_signing(uow, *mine["in_signing"]),
        borrowed(uow, actor),
    )
    return tuple(card for card in cards if card)


def count_waiting(cards: Iterable[Card]) -> int:
    """Return how many papers and loan requests wait for the person, by their cards."""
    return sum(card.total for card in cards if card.key in ("to_sign", "to_approve"))


def today(uow: UnitOfWork) -> date:
    """Return the local day."""
    return local_day(uow.now())


def to_sign(uow: UnitOfWork, actor: Actor) -> Card | None:
    """Papers that wait for this person's signature."""
    if not can(actor, "record.list"):
        return None
    found = signing.inbox(uow, actor, per_page=SHOWN)
    lines = tuple(
        Line(entry.record_id, entry.title, f"{entry.author_name} · 请您以“{entry.role}”签字")
        for entry in found.items
    )
    return Card("to_sign", "待我签字", found.total, lines, "没有等您签字的文件。", found.total > 0)


def to_approve(uow: UnitOfWork, actor: Actor) -> Card | None:
    """Loan requests that wait for this person's decision; no card when there are none."""
    waiting = lending.waiting_for(uow, actor)
    if not waiting:
        return None
    lines = tuple(
        Line(one.id, one.item_title, f"{one.borrower_name} · {one.mode_label}")
        for one in waiting[:SHOWN]
    )
    return Card("to_approve", "待我审批的借阅", len(waiting), lines, "", is_urgent=True)


def returned(total: int, rows: Sequence[RecordView]) -> Card | None:
    """My forms that a signer sent back; no card when there are none."""
    if not total:
        return None
    lines = tuple(Line(row.id, _named(row), row.state_note or "请修改后重报") for row in rows)
    return Card("returned", "退回给我的", total, lines, "", is_urgent=True)


def drafts(total: int, rows: Sequence[RecordView]) -> Card:
    """My forms not yet submitted."""
    lines = tuple(Line(row.id, _named(row), show_instant(row.updated_at)) for row in rows)
    return Card("drafts", "我的草稿", total, lines, "没有草稿，可从上方选一种表开始填。")


def in_signing(uow: UnitOfWork, total: int, rows: Sequence[RecordView]) -> Card:
    """My forms that others are signing."""
    waits = signing.waits_for(uow, [row.id for row in rows])
    lines = tuple(Line(row.id, _named(row), waits.get(row.id, "")) for row in rows)
    return Card("in_signing", "我提交的，签核中", total, lines, "没有正在签核的文件。")


def borrowed(uow: UnitOfWork, actor: Actor) -> Card | None:
    """What I have out and when it is due."""
    if not can(actor, "loan.list"):
        return None
    loans = lending.my_loans(uow, actor)
    lines = tuple(_loan_line(loan, loan.item_title) for loan in loans[:SHOWN])
    is_late = any(loan.is_overdue for loan in loans)
    return Card("borrowed", "我借的档案", len(loans), lines, "没有借出未还的档案。", is_late)


def to_file(uow: UnitOfWork, actor: Actor) -> Card | None:
    """Signed papers that wait to be filed, for the archivist; half-done ones are counted too."""
    if not can(actor, "filing.list"):
        return None
    found = filing.waiting_records(uow, actor, per_page=SHOWN)
    half_done = filing.count_unfinished(uow, actor)
    lines = tuple(
        Line(row.id, _named(row), f"{row.department_name} · {row.author_name}")
        for row in found.items
    )
    none = f"有 {half_done} 件还差几步，请到归档台接着做。" if half_done else "没有等待归档的文件。"
    return Card("to_file", "待归档", found.total + half_done, lines, none)


def in_quarantine(uow: UnitOfWork, actor: Actor) -> Card | None:
    """Items put aside by a check, for the archivists; no card when there are none."""
    if not can(actor, "check.confirm"):
        return None
    found = list_holds(uow, actor, per_page=SHOWN)
    if not found.total:
        return None
    lines = tuple(Line(one.item_id, one.title, one.reason[:80], True) for one in found.items)
    return Card("quarantine", "隔离中的档案", found.total, lines, "", is_urgent=True)


def saved_searches(uow: UnitOfWork, actor: Actor) -> Card | None:
    """Searches I keep that something new fits; no card when there are none."""
    if not can(actor, "search"):
        return None
    found = [one for one in saved.list_saved(uow, actor) if one.fresh]
    if not found:
        return None
    lines = tuple(Line(one.id, one.name, f"{len(one.fresh)} 件新的") for one in found[:SHOWN])
    total = sum(len(one.fresh) for one in found)
    return Card("saved_searches", "保存的检索里新来的", total, lines, "")


def overdue(uow: UnitOfWork, actor: Actor) -> Card | None:
    """Loans past their due day, for whoever watches over them."""
    if not can(actor, "loan.register"):
        return None
    found = lending.open_loans(uow, actor, overdue_only=True, per_page=SHOWN)
    lines = tuple(
        _loan_line(loan, f"{loan.borrower_name}：{loan.item_title}") for loan in found.items
    )
    return Card("overdue", "逾期未还", found.total, lines, "没有逾期的借阅。", found.total > 0)


def _mine(uow: UnitOfWork, actor: Actor) -> dict[str, tuple[int, tuple[RecordView, ...]]] | None:
    """Return how many of my forms are in each state, and the first of them; read in one go."""
    if not can(actor, "record.list"):
        return None
    return records.mine_by_state(uow, actor, ("returned", "draft", "in_signing"), SHOWN)


def _named(row: RecordView) -> str:
    return row.title or row.form_title


def _loan_line(loan: LoanView, title: str) -> Line:
    note = f"{loan.state_label} · 应于 {loan.due_on.isoformat()} 归还"
    return Line(loan.item_id, title, note, loan.is_overdue)

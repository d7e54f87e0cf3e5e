"""The demo company's loans: one back, one overdue, one out, one asked for, one ready, one refused.

Each is asked for, approved, handed out and taken back by the lending station's own rules.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from archive.core.errors import Conflict
from archive.demo.desk_work import ARCHIVIST
from archive.demo.stage import Act, Stage, today
from archive.filing import service as filing
from archive.lending import service as lending
from archive.lending.views import Refused, RequestView
from storage.work import UnitOfWork

ARCHIVE_HEAD = "yanshouzheng"


@dataclass(frozen=True)
class Borrowing:
    """Who asks for which paper, how and why; ``allowed`` False is a refusal by the rules."""

    borrower: str
    paper: str
    mode: str
    purpose: str
    reference: str
    allowed: bool = True


# Days are working days before the demo is made; a loan inside the department is for ten.
_BACK = Borrowing(
    "linxiaoyu", "E01-07", "original", "核对首批货款的约定，准备续签年度供货", "海棠湾食品机械"
)
_OVERDUE = Borrowing(
    "hezihan", "E01-08", "original", "客户搬迁新址，核对原登记的收货地址", "泉畔环保"
)
_OUT = Borrowing("linxiaoyu", "E01-11", "original", "拜访前熟悉开发经过和报价底线", "锦里汇装备")
_ASKED = Borrowing(
    "tangyifan", "E01-09", "original", "核对当时答应的账期，答复客户来函", "江汀医械"
)
_READY = Borrowing("suxiaomin", "E05-04", "onsite", "处理售后争议，查阅保证责任条款", "百川水务")
_REFUSED = Borrowing("duzhiqiang", "E01-10", "original", "看看", "", allowed=False)


def loan_acts() -> Iterator[Act]:
    """Yield everything that happens in lending."""
    ten, three = 10 * 60, 15 * 60
    yield Act(34, ten, partial(ask, loan=_BACK))
    yield Act(34, three, partial(approve, loan=_BACK, nth=1))
    yield Act(33, ten, partial(approve, loan=_BACK, nth=2))
    yield Act(33, three, partial(hand_out, loan=_BACK))
    yield Act(27, three, partial(take_back, loan=_BACK))
    yield Act(24, ten + 20, partial(ask, loan=_OVERDUE))
    yield Act(24, three, partial(approve, loan=_OVERDUE, nth=1))
    yield Act(23, ten, partial(approve, loan=_OVERDUE, nth=2))
    yield Act(23, three, partial(hand_out, loan=_OVERDUE))
    yield Act(5, ten, partial(ask, loan=_OUT))
    yield Act(5, three, partial(approve, loan=_OUT, nth=1))
    yield Act(4, ten, partial(approve, loan=_OUT, nth=2))
    yield Act(4, ten + 40, partial(hand_out, loan=_OUT))
    yield Act(3, ten, partial(ask, loan=_REFUSED))
    yield Act(2, ten, partial(ask, loan=_READY))
    yield Act(2, three, partial(approve, loan=_READY, nth=1))
    yield Act(1, three, partial(ask, loan=_ASKED))


def ask(stage: Stage, loan: Borrowing) -> None:
    """Ask for the paper, unless that was done; raise Conflict when the rules say otherwise."""
    item_id = _item(stage, loan)
    with stage.resources.work() as uow:
        if _find_request(uow, stage, loan) or _was_refused(uow, stage, loan, item_id):
            return
        borrower = stage.people[loan.borrower]
        answer = lending.request_loan(
            uow, borrower, item_id, loan.mode, loan.purpose, loan.reference
        )
        if isinstance(answer, Refused) and loan.allowed:
            raise Conflict(f"{borrower.name}的借阅{answer.message}")
        uow.commit()


def approve(stage: Stage, loan: Borrowing, nth: int) -> None:
    """Give the ``nth`` approval, by whoever is asked."""

    def act(uow: UnitOfWork, request: RequestView) -> None:
        step = request.approvals[nth - 1]
        if step.decided_at is None:
            lending.approve(uow, stage.person(step.approver_id), request.id, "同意，按期归还")

    _with_request(stage, loan, act)


def hand_out(stage: Stage, loan: Borrowing) -> None:
    """Hand the copy out by its barcode."""

    def act(uow: UnitOfWork, request: RequestView) -> None:
        if request.loan is None:
            barcode = filing.load_item(uow, request.item_id).copies[0].barcode
            lending.hand_out(uow, stage.people[ARCHIVIST], barcode, request.id)

    _with_request(stage, loan, act)


def take_back(stage: Stage, loan: Borrowing) -> None:
    """Take the copy back by its barcode, complete and intact."""

    def act(uow: UnitOfWork, request: RequestView) -> None:
        out = request.loan
        if out is not None and out.is_open:
            lending.take_back(uow, stage.people[ARCHIVIST], out.barcode, out.pages_out)

    _with_request(stage, loan, act)


def _with_request(
    stage: Stage, loan: Borrowing, act: Callable[[UnitOfWork, RequestView], None]
) -> None:
    with stage.resources.work() as uow:
        request = _find_request(uow, stage, loan)
        if request is None:
            raise Conflict(f"示例里{stage.people[loan.borrower].name}的借阅申请不见了。")
        act(uow, request)
        uow.commit()


def _item(stage: Stage, loan: Borrowing) -> int:
    item_id = stage.item_of(loan.paper)
    if item_id is None:
        raise Conflict(f"示例文件 {loan.paper} 还没有归档，不能借阅。")
    return item_id


def _find_request(uow: UnitOfWork, stage: Stage, loan: Borrowing) -> RequestView | None:
    borrower = stage.people[loan.borrower]
    item_id = filing.find_item_of_record(uow, stage.records[loan.paper])
    made = lending.list_requests(uow, borrower, item_id=item_id, mine=True).items
    return made[0] if made else None


def _was_refused(uow: UnitOfWork, stage: Stage, loan: Borrowing, item_id: int) -> bool:
    day, keeper = today(stage), stage.people[ARCHIVE_HEAD]
    known = lending.refusals(uow, keeper, day, day, per_page=100).items
    borrower = stage.people[loan.borrower]
    return any((one.borrower_id, one.item_id) == (borrower.id, item_id) for one in known)

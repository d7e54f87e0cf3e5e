"""The demo company's loans: one returned, one overdue, one out, one at the desk, one waiting.

And one request that the rules refuse. Each act looks first how far the loan has come.
"""

from collections.abc import Iterator
from functools import partial

from archive.demo.desk_work import ARCHIVIST
from archive.demo.stage import Act, Stage
from archive.filing import service as filing
from archive.lending import service as lending
from archive.lending.views import RequestView
from archive.people.rights import Actor

_PURPOSE = "核对首批货款与付款条件，准备年度对账"
_TABLE = """
E01-02 hezihan 40 approve hand_out take_back
E01-01 tangyifan 24 approve hand_out
E01-03 linxiaoyu 3 approve hand_out
E01-04 hezihan 2 approve
E01-05 linxiaoyu 1
"""
_MINUTES = {"ask": 9 * 60 + 50, "approve": 10 * 60 + 50, "hand_out": 14 * 60, "take_back": 15 * 60}


def loan_acts() -> Iterator[Act]:
    """Yield what happens to every loan, in order."""
    for line in _TABLE.strip().splitlines():
        paper, borrower, day, *way = line.split()
        came = int(day)
        yield Act(came, _MINUTES["ask"], partial(_ask, paper=paper, borrower=borrower))
        for word in way:
            when = came - 6 if word == "take_back" else came
            act = partial(_ACTS[word], paper=paper, borrower=borrower)
            yield Act(when, _MINUTES[word], act)
    yield Act(1, 16 * 60, partial(_ask_in_vain, paper="E05-01", borrower="suxiaomin"))


def _find(stage: Stage, borrower: Actor, item_id: int) -> RequestView | None:
    with stage.resources.reading() as uow:
        found = lending.list_requests(uow, borrower, item_id=item_id, mine=True)
    return found.items[0] if found.items else None


def _ask(stage: Stage, paper: str, borrower: str) -> None:
    person, item_id = stage.people[borrower], stage.item_of(paper)
    if item_id is None or _find(stage, person, item_id) is not None:
        return
    with stage.resources.work() as uow:
        item = filing.load_item(uow, item_id)
        lending.request_loan(uow, person, item_id, "original", _PURPOSE, item.customer_name)
        uow.commit()


def _ask_in_vain(stage: Stage, paper: str, borrower: str) -> None:
    person, item_id = stage.people[borrower], stage.item_of(paper)
    if item_id is None:
        return
    with stage.resources.work() as uow:
        if not lending.log_of_person(uow, person, person.id):
            lending.request_loan(uow, person, item_id, "original", "想看一下", "")
            uow.commit()


def _approve(stage: Stage, paper: str, borrower: str) -> None:
    item_id = stage.item_of(paper)
    request = _find(stage, stage.people[borrower], item_id) if item_id else None
    if request is None or request.state != "waiting":
        return
    for step in request.approvals:
        with stage.resources.work() as uow:
            lending.approve(uow, stage.person(step.approver_id), request.id, "同意。")
            uow.commit()


def _hand_out(stage: Stage, paper: str, borrower: str) -> None:
    item_id = stage.item_of(paper)
    request = _find(stage, stage.people[borrower], item_id) if item_id else None
    if item_id is None or request is None or request.state != "approved":
        return
    with stage.resources.work() as uow:
        barcode = filing.load_item(uow, item_id).copies[0].barcode
        lending.hand_out(uow, stage.people[ARCHIVIST], barcode, request.id)
        uow.commit()


def _take_back(stage: Stage, paper: str, borrower: str) -> None:
    item_id = stage.item_of(paper)
    request = _find(stage, stage.people[borrower], item_id) if item_id else None
    if item_id is None or request is None or request.state != "handed_out":
        return
    with stage.resources.work() as uow:
        copy = filing.load_item(uow, item_id).copies[0]
        lending.take_back(uow, stage.people[ARCHIVIST], copy.barcode, copy.pages)
        uow.commit()


_ACTS = {"approve": _approve, "hand_out": _hand_out, "take_back": _take_back}

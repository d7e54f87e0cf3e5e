"""What the desk refuses: with a clear word each, and with nothing changed."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from archive.core.errors import ArchiveError, Conflict
from archive.filing.models import CopyStatus, Item, ItemCopy
from archive.lending import service as lending
from archive.lending.models import Loan, LoanRequest
from archive.people.models import User


def state_of(shelf):
    """Everything an act at the desk could change."""
    with shelf.resources.reading() as uow:
        return (
            shelf.journal(),
            uow.session.scalar(select(func.count()).select_from(Loan)),
            list(uow.session.execute(select(LoanRequest.id, LoanRequest.state))),
            list(uow.session.execute(select(ItemCopy.id, ItemCopy.status))),
            list(uow.session.execute(select(Loan.id, Loan.returned_at))),
        )


class Story:
    """A paper approved for a clerk, and what goes wrong on the way to the desk."""

    def __init__(self, shelf, company, clock) -> None:
        self.shelf, self.company, self.clock = shelf, company, clock
        self.item_id, self.barcode = shelf.item()
        self.request = shelf.approved(company.sales_clerk, self.item_id)

    def hand_out(self, **more):
        desk = self.company.archivist
        given = {"barcode": self.barcode, "request_id": self.request.id} | more
        barcode, request_id = given.pop("barcode"), given.pop("request_id")
        return self.shelf.do(lending.hand_out, desk, barcode, request_id, **given)

    def take_back(self, barcode=""):
        desk = self.company.archivist
        return self.shelf.do(lending.take_back, desk, barcode or self.barcode, 3)

    def change(self, model, key, **fields) -> None:
        with self.shelf.resources.work() as uow:
            row = uow.session.get_one(model, key)
            for name, value in fields.items():
                setattr(row, name, value)
            uow.commit()

    def unknown_barcode(self):
        return lambda: self.hand_out(barcode="A0000009997")

    def destroyed(self):
        self.change(Item, self.item_id, state="destroyed")
        with self.shelf.resources.reading() as uow:
            copy_id = uow.session.scalars(select(ItemCopy.id)).one()
        self.change(ItemCopy, copy_id, status=CopyStatus.DESTROYED)
        return self.hand_out

    def destroyed_return(self):
        self.destroyed()
        return self.take_back

    def scanned_twice(self):
        self.hand_out()
        return lambda: self.hand_out(request_id=None)

    def returned_twice(self):
        self.hand_out()
        self.take_back()
        return self.take_back

    def borrower_left(self):
        self.change(User, self.company.sales_clerk.id, left_on=self.clock.now.date())
        return self.hand_out

    def badge_of_another(self):
        return lambda: self.hand_out(staff_no="0002")

    def badge_of_nobody(self):
        return lambda: self.hand_out(staff_no="9999")

    def clock_set_back_at_return(self):
        self.hand_out()
        self.clock.now = datetime(2026, 11, 22, tzinfo=UTC)
        return self.take_back

    def clock_set_back_at_hand_out(self):
        self.hand_out()
        self.clock.advance(hours=1)
        self.take_back()
        self.request = self.shelf.approved(self.company.sales_clerk, self.item_id)
        self.clock.advance(minutes=-30)
        return self.hand_out

    def replayed_request(self):
        self.hand_out()
        self.clock.advance(hours=1)
        self.take_back()
        return self.hand_out

    def withdrawn(self):
        self.shelf.do(lending.withdraw, self.company.sales_clerk, self.request.id)
        return self.hand_out

    def lapsed(self):
        self.clock.advance(days=4)
        return self.hand_out

    def another_paper(self):
        _, other = self.shelf.item()
        return lambda: self.hand_out(barcode=other)


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("unknown_barcode", "没有条码或档号"),
        ("destroyed", "销毁"),
        ("destroyed_return", "没有借出过"),
        ("scanned_twice", "已经借给陈晓东"),
        ("returned_twice", "不能再次归还"),
        ("borrower_left", "已离职"),
        ("badge_of_another", "不能借给别人"),
        ("badge_of_nobody", "没有工号"),
        ("clock_set_back_at_return", "时钟不对"),
        ("clock_set_back_at_hand_out", "时钟不对"),
        ("replayed_request", "已归还"),
        ("withdrawn", "已撤回"),
        ("lapsed", "已过取件期限"),
        ("another_paper", "不是这一件"),
    ],
)
def test_refused_with_a_clear_word_and_nothing_changed(shelf, company, clock, what, words):
    act = getattr(Story(shelf, company, clock), what)()
    before = state_of(shelf)
    with pytest.raises(ArchiveError) as refusal:
        act()
    assert words in refusal.value.message and refusal.value.message.endswith("。")
    assert state_of(shelf) == before


def test_a_stale_page_changes_nothing(shelf, company):
    item_id, _ = shelf.item()
    asked = shelf.ask(company.sales_clerk, item_id)
    shelf.do(lending.approve, company.sales_head, asked.id, "同意", asked.version)
    before = state_of(shelf)
    with pytest.raises(Conflict, match="刷新"):
        shelf.do(lending.approve, company.archivist, asked.id, "同意", asked.version)
    assert state_of(shelf) == before


def test_a_day_in_the_past_is_refused_and_kept_in_the_log_only(shelf, company, client_for):
    item_id, _ = shelf.item()
    form = {
        "item": item_id,
        "mode": "original",
        "purpose": "客户续签合同前核对",
        "business_reference": "海信",
        "until": "2026-11-20",
    }
    clerk = client_for(company.sales_clerk)
    answer = clerk.post("/loans/new", data=form)
    assert answer.status_code == 403 and "已经过去" in answer.text
    assert clerk.post("/loans/new", data=form | {"until": "2026-13-40"}).status_code == 422
    with shelf.resources.reading() as uow:
        assert uow.session.scalars(select(LoanRequest)).all() == []

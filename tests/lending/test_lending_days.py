"""Random desk days against a small reference model: who may do what, and what must always hold.

The model knows nothing of the product's code: plain dictionaries, Monday to Friday as working
days (there is no other closed day from the frozen clock's November to the year's end), and for
every act a word on whether it goes through. After each act the rows must say the same.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import partial

import pytest
from sqlalchemy import select

from archive.core.clock import local_day
from archive.core.errors import ArchiveError
from archive.filing.models import ItemCopy
from archive.lending import service as lending
from archive.lending.incidents import service as incidents
from archive.lending.models import Loan, LoanApproval, LoanRequest
from archive.lending.views import Refused
from storage.journal import JournalEntry, check_chain

pytestmark = [pytest.mark.slow]

DAYS, ACTS_A_DAY, LIMIT = 25, 12, 5
LIVE = ("waiting", "approved", "handed_out")


def later(day: date, working_days: int) -> date:
    while working_days:
        day += timedelta(days=1)
        working_days -= day.weekday() < 5
    return day


@dataclass
class Asked:
    """A request as the model sees it."""

    borrower: int
    item: int
    mode: str
    approvers: list[int]
    state: str = "waiting"
    decided: int = 0
    copy: str = ""
    due: date | None = None
    held_until: date | None = None


@dataclass
class Model:
    """What the desk should look like: copies by barcode, their items, all requests."""

    copies: dict[str, int] = field(default_factory=dict)
    contracts: set[int] = field(default_factory=set)
    asked: dict[int, Asked] = field(default_factory=dict)
    held_back: set[str] = field(default_factory=set)  # back with a page missing, not decided yet

    def has_copies(self, item: int) -> bool:
        return any(
            owner == item and code not in self.held_back for code, owner in self.copies.items()
        )

    def out(self) -> dict[str, int]:
        return {one.copy: key for key, one in self.asked.items() if one.state == "handed_out"}

    def is_late(self, borrower: int, today: date) -> bool:
        return any(
            one.due < today
            for one in self.asked.values()
            if one.borrower == borrower and one.state == "handed_out" and one.due
        )

    def may_ask(self, borrower: int, item: int, mode: str, today: date, queue: bool) -> bool:
        mine = [
            one
            for one in self.asked.values()
            if one.borrower == borrower and one.mode == mode and one.state in LIVE
        ]
        return (
            all(one.item != item for one in mine)
            and (mode == "onsite" or len(mine) < LIMIT)
            and not self.has_paper(borrower, item)
            and not self.is_late(borrower, today)
        ) and (self.has_copies(item) and self.has_free_copy(item) is not queue)

    def has_paper(self, borrower: int, item: int) -> bool:
        return any(
            one.state == "handed_out" and (one.borrower, one.item) == (borrower, item)
            for one in self.asked.values()
        )

    def copies_in(self, item: int) -> int:
        gone = self.out().keys() | self.held_back
        return sum(owner == item and code not in gone for code, owner in self.copies.items())

    def has_free_copy(self, item: int) -> bool:
        held = sum(one.item == item and one.held_until is not None for one in self.asked.values())
        return self.copies_in(item) > held

    def settle(self, item: int, today: date) -> None:
        for key in sorted(self.asked):
            one = self.asked[key]
            unheld = one.item == item and one.state == "approved" and one.held_until is None
            if unheld and self.has_free_copy(item):
                one.held_until = later(today, 3)

    def lapse(self, today: date) -> None:
        for key in sorted(self.asked):
            one = self.asked[key]
            if one.held_until is not None and one.held_until < today:
                one.state, one.held_until = "void", None
                self.settle(one.item, today)

    def may_decide(self, who: int, key: int) -> bool:
        one = self.asked[key]
        return one.state == "waiting" and one.approvers[one.decided] == who

    def may_hand_out(self, code: str, key: int, today: date) -> bool:
        one = self.asked[key]
        return (
            code not in self.out().keys() | self.held_back
            and one.state == "approved"
            and one.held_until is not None
            and one.item == self.copies[code]
            and not self.is_late(one.borrower, today)
        )

    def due(self, key: int, today: date) -> date:
        one = self.asked[key]
        term = 10 if one.mode == "original" and one.item not in self.contracts else 0
        day = later(today, term)
        while day.weekday() >= 5:
            day += timedelta(days=1)
        return day


class Desk:
    """Does random acts in the product and in the model, and compares."""

    def __init__(self, shelf, company, clock, seed: int) -> None:
        self.shelf, self.clock, self.model = shelf, clock, Model()
        self.random = random.Random(seed)
        self.archivist, self.head = company.archivist, company.archive_head
        self.borrowers = (company.sales_clerk, company.sales_clerk2)
        self.stranger = company.other_clerk
        self.everyone = tuple(company.everyone().values())
        self.done = self.refused = 0
        for number in range(8):
            form = "E05" if number == 0 else "E01"
            item, _ = shelf.item(form_code=form, copies=2 if number == 1 else 1)
            with shelf.resources.reading() as uow:
                rows = uow.session.scalars(select(ItemCopy).where(ItemCopy.item_id == item))
                self.model.copies.update({row.barcode: item for row in rows})
            if number == 0:
                self.model.contracts.add(item)

    @property
    def today(self) -> date:
        return local_day(self.clock())

    def live_a_day(self) -> None:
        acts: tuple[Callable[[], None], ...] = (
            self.ask,
            self.ask,
            self.reserve,
            self.approve,
            self.approve,
            self.approve,
            self.refuse,
            self.withdraw,
            self.hand_out,
            self.hand_out,
            self.take_back,
            self.decide_incident,
        )
        self.model.lapse(self.today)
        self.shelf.do(lending.let_lapse)
        self.compare()
        for _ in range(ACTS_A_DAY):
            self.random.choice(acts)()
            self.clock.advance(minutes=7)
            self.compare()
        self.clock.advance(days=1, minutes=-7 * ACTS_A_DAY)

    def reserve(self) -> None:
        self.ask(queue=True)

    def ask(self, queue: bool = False) -> None:
        who = self.random.choice((*self.borrowers, *self.borrowers, self.stranger))
        item = self.random.choice(list(self.model.copies.values()))
        mode = self.random.choice(("original", "original", "original", "onsite"))
        expected = who is not self.stranger and self.model.may_ask(
            who.id, item, mode, self.today, queue
        )
        act = partial(lending.request_loan, joins_queue=queue)
        found = self.attempt(expected, act, who, item, mode, "客户续签核对", "海信")
        if found is not None:
            approvers = [step.approver_id for step in found.approvals]
            assert approvers and who.id not in approvers
            self.model.asked[found.id] = Asked(who.id, item, mode, approvers)

    def approve(self) -> None:
        if (key := self.some_request("waiting")) is None:
            return
        who = self.someone_to_decide(key)
        expected = self.model.may_decide(who.id, key)
        if self.attempt(expected, lending.approve, who, key, "同意") is not None:
            one = self.model.asked[key]
            one.decided += 1
            one.state = "approved" if one.decided == len(one.approvers) else "waiting"
            self.model.settle(one.item, self.today)

    def refuse(self) -> None:
        if (key := self.some_request("waiting")) is None or self.random.random() < 0.6:
            return
        who = self.someone_to_decide(key)
        expected = self.model.may_decide(who.id, key)
        if self.attempt(expected, lending.refuse, who, key, "本周盘点") is not None:
            self.model.asked[key].state = "refused"

    def withdraw(self) -> None:
        if (key := self.some_request("approved")) is None or self.random.random() < 0.5:
            return
        one = self.model.asked[key]
        who = self.random.choice(self.borrowers)
        expected = one.borrower == who.id and one.state in ("waiting", "approved")
        if self.attempt(expected, lending.withdraw, who, key) is not None:
            one.state, one.held_until = "withdrawn", None
            self.model.settle(one.item, self.today)

    def hand_out(self) -> None:
        if (key := self.some_request("approved")) is None:
            return
        fitting = [c for c, item in self.model.copies.items() if item == self.model.asked[key].item]
        strange = list(self.model.copies)
        code = self.random.choice(fitting * 8 + strange)
        expected = self.model.may_hand_out(code, key, self.today)
        found = self.attempt(expected, lending.hand_out, self.archivist, code, key)
        if found is not None:
            one = self.model.asked[key]
            one.state, one.copy, one.due = "handed_out", code, self.model.due(key, self.today)
            one.held_until = None
            assert found.loan.due_on == one.due

    def take_back(self) -> None:
        code = self.random.choice(list(self.model.out()) * 3 + list(self.model.copies))
        key = self.model.out().get(code)
        pages = self.random.choice((3, 3, 3, 2))
        found = self.attempt(key is not None, lending.take_back, self.archivist, code, pages)
        if found is not None:
            assert found.loan.intact is (pages == 3)
            self.model.asked[key].state = "closed"
            if pages != 3:
                self.model.held_back.add(code)
            self.model.settle(self.model.asked[key].item, self.today)

    def decide_incident(self) -> None:
        with self.shelf.resources.reading() as uow:
            found = incidents.list_incidents(uow, self.head, state="all", per_page=50).items
        if not found:
            return
        one = self.random.choice(found)
        expected = one.is_open and one.loan.barcode in self.model.held_back
        words = ("accepted", "少一页，按现状收存。", one.version)
        if self.attempt(expected, incidents.close_incident, self.head, one.id, *words) is not None:
            self.model.held_back.discard(one.loan.barcode)
            self.model.settle(one.loan.item_id, self.today)

    def attempt(self, expected: bool, act, *args):
        """Do an act; it must go through exactly when the model says so."""
        outcome = None
        try:
            found = self.shelf.do(act, *args)
            outcome = None if isinstance(found, Refused) else found
        except ArchiveError:
            pass
        assert (outcome is not None) is expected, (act, args[1:], self.today)
        self.done += expected
        self.refused += not expected
        return outcome

    def some_request(self, wished: str) -> int | None:
        """Mostly a request in the state wished for, sometimes any."""
        keys = list(self.model.asked)
        wanted = [key for key in keys if self.model.asked[key].state == wished]
        pool = wanted if wanted and self.random.random() < 0.9 else keys
        return self.random.choice(pool) if pool else None

    def someone_to_decide(self, key: int):
        one = self.model.asked[key]
        if one.state == "waiting" and self.random.random() < 0.85:
            return self.shelf.actor(one.approvers[one.decided])
        return self.random.choice(self.everyone)

    def compare(self) -> None:
        """The rows say what the model says, and what must always hold does."""
        with self.shelf.resources.reading() as uow:
            barcodes = dict(uow.session.execute(select(ItemCopy.id, ItemCopy.barcode)).all())
            status = dict(uow.session.execute(select(ItemCopy.barcode, ItemCopy.status)).all())
            states = dict(uow.session.execute(select(LoanRequest.id, LoanRequest.state)).all())
            terms = dict(uow.session.execute(select(LoanRequest.id, LoanRequest.pick_up_by)).all())
            lent = uow.session.execute(
                select(Loan.copy_id, Loan.request_id).where(Loan.returned_at.is_(None))
            ).all()
        assert states == {key: one.state for key, one in self.model.asked.items()}
        assert terms == {key: one.held_until for key, one in self.model.asked.items()}
        assert len({copy for copy, _ in lent}) == len(lent)
        out = {barcodes[copy]: request for copy, request in lent}
        assert out == self.model.out()
        back = dict.fromkeys(self.model.held_back, "missing")
        there = {code: "out" if code in out else "in" for code in self.model.copies}
        assert status == {**there, **back}

    def check_the_books(self) -> None:
        """Every loan has its approvals in order, and the log replayed gives the open loans."""
        with self.shelf.resources.reading() as uow:
            loans = list(uow.session.scalars(select(Loan)))
            steps = list(uow.session.scalars(select(LoanApproval).order_by(LoanApproval.seq)))
            entries = list(uow.session.scalars(select(JournalEntry).order_by(JournalEntry.seq)))
            assert list(check_chain(uow.session)) == []
            for loan in loans:
                mine = [step for step in steps if step.request_id == loan.request_id]
                assert mine and all(step.state == "approved" for step in mine)
                assert all(step.approver_id != loan.borrower_id for step in mine)
                times = [step.decided_at for step in mine] + [loan.handed_at]
                assert times == sorted(times)
                assert loan.due_on.weekday() < 5 and loan.due_on >= local_day(loan.handed_at)
            replayed: set[str] = set()
            for entry in entries:
                if entry.action == "loan.hand_out":
                    assert entry.object_id not in replayed
                    replayed.add(entry.object_id)
                elif entry.action in ("loan.return", "loan.return_incident"):
                    replayed.remove(entry.object_id)
            assert replayed == {str(loan.id) for loan in loans if loan.returned_at is None}


@pytest.mark.parametrize("seed", range(4))
def test_random_desk_days_agree_with_the_model(shelf, company, clock, seed: int):
    desk = Desk(shelf, company, clock, seed)
    for _ in range(DAYS):
        desk.live_a_day()
    desk.check_the_books()
    assert desk.done > 40 and desk.refused > 20

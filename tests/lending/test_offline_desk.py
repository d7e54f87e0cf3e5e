"""The desk without a network: its queue taken in late, in its own order, once; who came first."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from archive.core.errors import Forbidden
from archive.filing.models import ItemCopy
from archive.lending import service as lending
from archive.lending.models import Loan
from archive.lending.offline import edge, service
from archive.lending.offline.models import DeskAct
from archive.lending.offline.rules import Act, CopyNow, Step, judge
from archive.people.models import User

START = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
NINE, TEN = START, START + timedelta(minutes=30)


def act(kind="out", minutes=0, **fields):
    base = {"client_id": f"desk:{kind}{minutes}", "barcode": "A", "request_id": 1, "pages": 3}
    return Act(kind=kind, at=START + timedelta(minutes=minutes), **base | fields)


@pytest.mark.parametrize(
    ("given", "copy", "step"),
    [
        (act(), CopyNow(), Step.APPLY),
        (act(), CopyNow(last_back=NINE), Step.APPLY),
        (act(), CopyNow(last_back=TEN), Step.REFUSE),
        (act(minutes=40), CopyNow(TEN, 2, "林美玲"), Step.REFUSE),
        (act(minutes=30), CopyNow(TEN, 2, "林美玲"), Step.REFUSE),
        (act(minutes=10), CopyNow(TEN, 2, "林美玲"), Step.DISPLACE),
        (act(minutes=10), CopyNow(TEN, 2, "林美玲", TEN), Step.REFUSE),
        (act(minutes=10), CopyNow(TEN, 1, "林美玲"), Step.KNOWN),
        (act("back", 40), CopyNow(TEN, 2, "林美玲"), Step.APPLY),
        (act("back", 20), CopyNow(TEN, 2, "林美玲"), Step.REFUSE),
        (act("back"), CopyNow(last_back=TEN), Step.KNOWN),
        (act("back"), CopyNow(), Step.REFUSE),
        (act(minutes=60 + 4), CopyNow(), Step.APPLY),
        (act(minutes=60 + 6), CopyNow(), Step.REFUSE),  # the desk's clock runs ahead
        (act(minutes=-7 * 24 * 60), CopyNow(), Step.REFUSE),  # or was set back
    ],
)
def test_who_came_first(given, copy, step):
    verdict = judge(given, copy, START + timedelta(hours=1))
    assert verdict.step == step
    assert step == Step.APPLY or verdict.words.endswith("。")


def replay(shelf, *acts, who=None):
    return edge.replay(shelf.resources, who or shelf.company.archivist, acts)


def outcomes(taken) -> list[str]:
    return [one.outcome for one in taken]


def out(request, barcode, at, name="desk:out-0001", **more):
    return Act(name, "out", barcode, at, request.id, 3, **more)


def back(barcode, at, name="desk:back-0001", pages=3):
    return Act(name, "back", barcode, at, None, pages)


def loans(shelf) -> list[Loan]:
    with shelf.resources.reading() as uow:
        rows = list(uow.session.scalars(select(Loan).order_by(Loan.id)))
        uow.session.expunge_all()
        return rows


def test_a_queue_is_taken_in_by_its_own_times_and_twice_changes_nothing(shelf, company, clock):
    item_id, barcode = shelf.item()
    request = shelf.approved(company.sales_clerk, item_id)
    clock.advance(hours=3)
    acts = (back(barcode, TEN), out(request, barcode, NINE))  # sent in any order
    assert outcomes(replay(shelf, *acts)) == ["done", "done"]
    loan = loans(shelf)[0]
    assert (loan.handed_at, loan.returned_at) == (NINE, TEN)
    journal = shelf.journal()
    again = replay(shelf, *acts)
    assert outcomes(again) == ["done", "done"] and all(one.again for one in again)
    assert shelf.journal() == journal and len(loans(shelf)) == 1
    assert journal.count("loan.offline") == 2


def test_the_due_day_counts_from_the_hand_over(shelf, company, clock):
    item_id, barcode = shelf.item()
    request = shelf.approved(company.sales_clerk, item_id)
    clock.advance(days=1)
    replay(shelf, out(request, barcode, NINE))
    assert loans(shelf)[0].due_on.isoformat() == "2026-12-07"


def test_the_hand_over_that_came_first_wins(shelf, company, clock):
    item_id, first = shelf.item(copies=2)
    one = shelf.approved(company.sales_clerk, item_id)
    two = shelf.approved(company.sales_clerk2, item_id)
    clock.advance(minutes=30)
    shelf.do(lending.hand_out, company.archivist, first, two.id)  # the desk with a network
    clock.advance(minutes=30)
    taken = replay(shelf, out(one, first, NINE + timedelta(minutes=5)))
    assert outcomes(taken) == ["done"] and "林美玲" in taken[0].message
    later, earlier = loans(shelf)
    assert later.returned_at == later.handed_at and "未实际交付" in later.condition
    assert earlier.borrower_id == company.sales_clerk.id and earlier.returned_at is None
    with shelf.resources.reading() as uow:
        assert lending.get_request(uow, company.sales_clerk2, two.id).state == "void"
        notices = lending.notices_for(uow, company.sales_clerk2)
        assert "已撤销" in notices[0].text
        assert uow.session.scalar(select(ItemCopy.status).where(ItemCopy.barcode == first)) == "out"
    assert "loan.displaced" in shelf.journal()


def test_the_hand_over_that_came_later_is_told_as_a_conflict(shelf, company, clock):
    item_id, first = shelf.item(copies=2)
    one = shelf.approved(company.sales_clerk, item_id)
    two = shelf.approved(company.sales_clerk2, item_id)
    shelf.do(lending.hand_out, company.archivist, first, two.id)
    clock.advance(hours=1)
    taken = replay(shelf, out(one, first, TEN))
    assert outcomes(taken) == ["conflict"] and "先借给林美玲" in taken[0].message
    assert len(loans(shelf)) == 1
    assert outcomes(replay(shelf, out(one, first, TEN))) == ["conflict"]


def test_a_conflict_holds_up_nothing_and_changes_nothing(shelf, company, clock):
    item_id, barcode = shelf.item()
    other, code = shelf.item()
    request = shelf.approved(company.sales_clerk, item_id)
    waiting = shelf.ask(company.sales_clerk, other)
    clock.advance(hours=1)
    now = clock.now
    taken = replay(
        shelf,
        out(waiting, code, NINE, "desk:a-000001"),
        out(request, "A0000000000", NINE, "desk:b-000001"),
        out(request, code, NINE, "desk:c-000001"),
        out(request, barcode, now + timedelta(hours=1), "desk:d-000001"),
        out(request, barcode, now - timedelta(days=8), "desk:e-000001"),
        out(request, barcode, NINE, "desk:f-000001", staff_no="0002"),
        back(barcode, NINE, "desk:g-000001"),
        out(request, barcode, TEN, "desk:h-000001"),
        back(barcode, TEN + timedelta(minutes=1), "desk:i-000001", pages=None),
    )
    assert outcomes(taken) == ["conflict"] * 7 + ["done", "conflict"]
    assert all(one.message.endswith("。") for one in taken)
    assert len(loans(shelf)) == 1 and loans(shelf)[0].returned_at is None


def test_who_left_since_gets_nothing(shelf, company, clock):
    item_id, barcode = shelf.item()
    request = shelf.approved(company.sales_clerk, item_id)
    with shelf.resources.work() as uow:
        uow.session.get_one(User, company.sales_clerk.id).left_on = NINE.date()
        uow.commit()
    taken = replay(shelf, out(request, barcode, NINE))
    assert outcomes(taken) == ["conflict"] and "离职" in taken[0].message


def test_the_desk_alone_sends_and_gets_what_it_needs(shelf, company, client_for):
    item_id, barcode = shelf.item()
    request = shelf.approved(company.sales_clerk, item_id)
    lent, code = shelf.item(title="机要")
    shelf.lent(company.sales_clerk2, lent, code)
    with pytest.raises(Forbidden):
        replay(shelf, out(request, barcode, NINE), who=company.sales_head)
    assert client_for(company.leader).get("/loans/desk/offline").status_code == 403
    desk = client_for(company.archivist)
    told = desk.get("/loans/desk/offline").get_json()
    assert [(one["request_id"], one["barcodes"]) for one in told["ready"]] == [
        (request.id, [barcode])
    ]
    assert [one["barcode"] for one in told["out"]] == [code] and "机要" not in str(told)
    good = {
        "client_id": "desk:0000000001",
        "kind": "out",
        "barcode": barcode,
        "at": "2026-11-23T09:30:00+08:00",
        "request_id": request.id,
        "pages": 3,
    }
    for wrong in (
        {"client_id": "x"},
        {"client_id": "鬼" * 10},
        {"kind": "sell"},
        {"at": "2026-11-23T09:30:00"},
        {"at": "昨天"},
        {"pages": -1},
        {"pages": "三"},
        {"barcode": ""},
        {"more": 1},
    ):
        answer = desk.post("/loans/desk/offline", json={"acts": [{**good, **wrong}]})
        assert answer.status_code in (400, 422), wrong
    for body in (None, [], {"acts": []}, {"acts": [good] * 201}):
        assert desk.post("/loans/desk/offline", json=body).status_code in (400, 422)
    with shelf.resources.reading() as uow:
        assert uow.session.scalar(select(func.count()).select_from(DeskAct)) == 0
    done = desk.post("/loans/desk/offline", json={"acts": [good, good]}).get_json()["taken"]
    assert [one["again"] for one in done] == [False, True]
    assert len(loans(shelf)) == 2  # with the one that was out before
    assert done[0]["outcome"] == service.DONE

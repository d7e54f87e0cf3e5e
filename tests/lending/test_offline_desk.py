"""The desk without a network: its queue taken in late, in its own order, once; who came first."""

import json
import re
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from archive.core.errors import Forbidden
from archive.filing.models import ItemCopy
from archive.lending import matrix
from archive.lending import service as lending
from archive.lending.confirming.rules import digest_of
from archive.lending.confirming.service import statement_of
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
    taken = replay(shelf, *acts)
    assert outcomes(taken) == ["done", "done"]
    assert "请放回 库房一-02-03-04 盒12" in taken[0].message
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
        {"pages": "3"},
        {"pages": 3.0},
        {"pages": True},
        {"request_id": str(request.id)},
        {"at": 1795402200},
        {"at": "1795402200"},
        {"at": 0},
        {"condition": 0},
        {"staff_no": ["0001"]},
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


def test_a_drawn_signature_is_bound_to_the_loan_it_was_drawn_for(
    shelf, company, clock, client_for, drawn_signature
):
    item_id, barcode = shelf.item()
    request = shelf.approved(company.sales_clerk, item_id)
    clock.advance(hours=1)
    taken = replay(
        shelf,
        out(request, barcode, NINE, drawn_png=drawn_signature),
        replace(back(barcode, TEN), drawn_png=drawn_signature),
    )
    assert outcomes(taken) == ["done", "done"], taken
    loan = loans(shelf)[0]
    assert (loan.out_way, loan.back_way) == ("drawn", "drawn")
    assert loan.out_picture and loan.out_digest != loan.back_digest
    for side in ("out", "back"):
        statement = statement_of(loan, side, "drawn", loan.out_picture)
        assert digest_of(statement) == getattr(loan, f"{side}_digest")
    shown = client_for(company.archivist).get(f"/loans/{request.id}/signatures/out.png")
    assert shown.status_code == 200 and shown.data.startswith(b"\x89PNG")


def test_what_is_no_signature_holds_up_its_own_act_alone(
    shelf, company, clock, client_for, drawn_signature
):
    papers = [shelf.item() for _ in range(2)]
    requests = [shelf.approved(company.sales_clerk, item_id) for item_id, _ in papers]
    clock.advance(hours=1)
    picture = f"data:image/png;base64,{b64encode(drawn_signature).decode()}"
    acts = [
        {
            "client_id": f"desk:000000000{place}",
            "kind": "out",
            "barcode": barcode,
            "at": NINE.isoformat(),
            "request_id": request.id,
            "pages": 3,
            "signature_png": drawn,
        }
        for place, (request, (_, barcode), drawn) in enumerate(
            zip(requests, papers, ("data:image/png;base64,????", picture), strict=True)
        )
    ]
    answer = client_for(company.archivist).post("/loans/desk/offline", json={"acts": acts})
    taken = answer.get_json()["taken"]
    assert [one["outcome"] for one in taken] == ["conflict", "done"], taken
    assert "签名" in taken[0]["message"]
    assert [loan.request_id for loan in loans(shelf)] == [requests[1].id]


def test_where_paper_will_not_do_a_drawn_signature_does(
    shelf, company, clock, monkeypatch, drawn_signature
):
    accepts = replace(matrix.policy(), confirmations="password/drawn")
    monkeypatch.setattr(matrix, "policy", lambda: accepts)
    papers = [shelf.item() for _ in range(2)]
    one, two = (shelf.approved(company.sales_clerk, item_id) for item_id, _ in papers)
    clock.advance(hours=1)
    taken = replay(
        shelf,
        out(one, papers[0][1], NINE, "desk:out-paper"),
        out(two, papers[1][1], NINE, "desk:out-drawn", drawn_png=drawn_signature),
    )
    assert outcomes(taken) == ["conflict", "done"] and "借阅人" in taken[0].message
    with shelf.resources.reading() as uow:
        told = service.snapshot(uow, company.archivist)
    assert (told.takes_paper, told.takes_drawn) == (False, True)


def test_the_worker_keeps_the_desk_s_shell_and_its_files_alone(shelf, company, client_for):
    desk = client_for(company.archivist)
    script = desk.get("/loans/desk-worker.js")
    assert script.mimetype == "text/javascript"
    assert 'const PAGE = "/loans/desk";' in script.text
    assert 'const SHELL = "/loans/desk/shell";' in script.text
    kept = json.loads(re.search(r"const ASSETS = (\[.*\]);", script.text)[1])
    assert kept and all("/static/" in one for one in kept)
    for path in kept:
        with desk.get(path) as answer:
            assert answer.status_code == 200, path
    shell = desk.get("/loans/desk/shell").text
    asked = set(re.findall(r'(?:src|href)="([^"#]+\.(?:js|css|svg))"', shell))
    assert asked <= set(kept)
    assert company.archivist.name not in shell
    other = client_for(company.archive_head).get("/loans/desk-worker.js").text
    assert other != script.text
    assert client_for(company.sales_clerk).get("/loans/desk-worker.js").status_code == 403

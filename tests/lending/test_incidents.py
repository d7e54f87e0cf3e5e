"""What goes wrong in lending: reported, decided, closed, and the copy's state follows."""

import io

import openpyxl
import pytest

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.filing.models import ItemCopy
from archive.lending import service as lending
from archive.lending.chores import do_loan_chores
from archive.lending.incidents import service as incidents
from archive.lending.incidents.models import IncidentKind, Outcome
from archive.lending.incidents.rules import outcomes, status_after

pytestmark = pytest.mark.slow  # many cases, each a whole instance

STORY = "归还清点时少了第 3 页。"
DECISION = "遗落的一页已补入，核对无误。"


@pytest.fixture
def desk(shelf, company):
    """Short words for the desk's acts on incidents."""

    class Desk:
        def back(self, barcode, pages=3, condition=""):
            return shelf.do(lending.take_back, company.archivist, barcode, pages, condition)

        def all(self, state="all"):
            with shelf.resources.reading() as uow:
                return incidents.list_incidents(uow, company.archivist, state=state).items

        def close(self, one, outcome, who=company.archive_head, decision=DECISION, version=None):
            return shelf.do(
                incidents.close_incident, who, one.id, outcome, decision, version or one.version
            )

        def status(self, barcode):
            with shelf.resources.reading() as uow:
                return uow.session.query(ItemCopy.status).filter_by(barcode=barcode).scalar()

    return Desk()


@pytest.mark.parametrize(
    ("kind", "is_open", "expected"),
    [
        ("overdue", True, ["lost"]),
        ("loss", True, ["lost"]),
        ("loss", False, ["returned", "lost"]),
        ("pages", False, ["mended", "accepted", "lost"]),
        ("damage", False, ["mended", "accepted", "lost"]),
    ],
)
def test_what_may_be_decided(kind, is_open, expected):
    assert outcomes(kind, is_open) == tuple(expected)


def test_where_a_copy_is_after_a_decision():
    assert status_after(Outcome.LOST, others_open=False) == "lost"
    assert status_after(Outcome.MENDED, others_open=True) == "missing"
    assert status_after(Outcome.ACCEPTED, others_open=False) == "in"


def test_a_missing_page_holds_the_copy_back_until_the_head_decides(shelf, company, desk):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    waits = shelf.do(
        lending.request_loan, company.sales_clerk2, item_id, "original", "客户续签核对", "海信",
        joins_queue=True,
    )  # fmt: skip
    while step := waits.waits_for:
        waits = shelf.do(lending.approve, shelf.actor(step.approver_id), waits.id, "同意")
    back = desk.back(barcode, 2)
    assert back.next_in_line == "" and desk.status(barcode) == "missing"
    [one] = desk.all("open")
    assert (one.kind, one.number, one.responsible) == ("pages", "YC2026-0001", "陈晓东")
    assert "借出 3 页，归还 2 页" in one.report
    with pytest.raises(Conflict, match="待查"):
        shelf.do(lending.hand_out, company.archivist, barcode, waits.id)
    for who in (company.archivist, company.sales_clerk, company.admin, company.leader):
        with pytest.raises(Forbidden):
            desk.close(one, "mended", who)
    for outcome in ("returned", "", "eaten"):
        with pytest.raises(Invalid):
            desk.close(one, outcome)
    for words in ("", "无", "字" * 1001, "改\u202e了"):
        with pytest.raises(Invalid):
            desk.close(one, "mended", decision=words)
    written = shelf.do(
        incidents.write_report, company.archivist, one.id, STORY, "陈晓东", one.version
    )
    with pytest.raises(Conflict, match="刚有变化"):
        desk.close(one, "mended")
    closed = desk.close(written, "mended")
    assert (closed.outcome_label, closed.closed_by_name) == ("已补齐或修复", "何守正")
    assert desk.status(barcode) == "in" and desk.all("open") == ()
    with shelf.resources.reading() as uow:  # whoever waits is served at once
        assert lending.get_request(uow, company.sales_clerk2, waits.id).pick_up_by is not None
    with pytest.raises(Conflict, match="已经办结"):
        desk.close(closed, "lost")
    assert shelf.journal().count("loan.incident_closed") == 1


def test_damage_and_a_missing_page_are_two_incidents_both_must_be_settled(shelf, company, desk):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    desk.back(barcode, 2, "有破损；封面撕裂")
    damage, pages = desk.all("open")
    assert (damage.kind, pages.kind) == ("damage", "pages")
    desk.close(damage, "accepted")
    assert desk.status(barcode) == "missing"
    desk.close(pages, "accepted")
    assert desk.status(barcode) == "in"


def test_a_reported_loss_found_again_closes_by_itself(shelf, company, desk):
    item_id, barcode = shelf.item()
    request = shelf.lent(company.sales_clerk, item_id, barcode)
    with pytest.raises(NotFound):
        shelf.do(incidents.report_loss, company.other_clerk, request.id, "在出租车上丢了")
    with pytest.raises(Invalid):
        shelf.do(incidents.report_loss, company.sales_clerk, request.id, "丢")
    one = shelf.do(incidents.report_loss, company.sales_clerk, request.id, "在出租车上丢了")
    with pytest.raises(Conflict, match="已经报过"):
        shelf.do(incidents.report_loss, company.archivist, request.id, "又丢了一次")
    assert [outcome.value for outcome in one.may_become] == ["lost"] and desk.status(
        barcode
    ) == "out"
    desk.back(barcode)
    [found] = desk.all()
    assert (found.outcome_label, desk.status(barcode)) == ("已归还", "in")
    with pytest.raises(Conflict, match="没有档案在外"):
        shelf.do(incidents.report_loss, company.sales_clerk, request.id, "又不见了")


def test_a_loss_decided_closes_the_loan_and_the_copy_is_lent_no_more(shelf, company, desk):
    item_id, barcode = shelf.item()
    request = shelf.lent(company.sales_clerk, item_id, barcode)
    one = shelf.do(incidents.report_loss, company.archivist, request.id, "借阅人称办公室失窃。")
    desk.close(one, "lost", decision="确认遗失，按规定处理。")
    with shelf.resources.reading() as uow:
        view = lending.get_request(uow, company.sales_clerk, request.id)
        again = lending.decide(
            uow, company.sales_clerk2, item_id, "original", view.created_at.date()
        )
    assert view.state == "closed" and view.loan.intact is False and "遗失" in view.loan.condition
    assert desk.status(barcode) == "lost"
    assert any("已经遗失" in reason.text for reason in again.reasons)
    with pytest.raises(Conflict):
        desk.back(barcode)


def test_fifteen_working_days_overdue_open_an_incident_once(shelf, company, desk, clock):
    item_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, item_id, barcode)
    clock.advance(days=50)
    do_loan_chores(shelf.resources)
    clock.advance(days=1)
    do_loan_chores(shelf.resources)
    [one] = desk.all("open")
    assert (one.kind, one.opened_by_name) == ("overdue", "系统")
    desk.back(barcode)
    assert desk.all("open") == () and desk.all()[0].outcome == "returned"


def test_nobody_decides_their_own_case(shelf, company, desk):
    item_id, barcode = shelf.item()
    request = shelf.lent(company.archive_head, item_id, barcode)
    one = shelf.do(incidents.report_loss, company.archivist, request.id, "阅览后没有放回。")
    with pytest.raises(Forbidden, match="自己借阅"):
        desk.close(one, "lost")


def test_pages_calls_and_the_paper(shelf, company, desk, client_for, api_for):
    item_id, barcode = shelf.item()
    request = shelf.lent(company.sales_clerk, item_id, barcode)
    mine = client_for(company.sales_clerk)
    assert "报遗失" in mine.get(f"/loans/{request.id}").text
    mine.post(f"/loans/{request.id}/loss", data={"report": "<b>找遍了</b>办公室"})
    [one] = desk.all("open")
    head = client_for(company.archive_head)
    assert one.number in head.get("/loans/incidents").text
    assert client_for(company.other_clerk).get(f"/loans/incidents/{one.id}").status_code == 403
    page = mine.get(f"/loans/incidents/{one.id}")
    assert "&lt;b&gt;找遍了" in page.text and "等档案负责人处理" in page.text
    refused = head.post(f"/loans/incidents/{one.id}/close", data={"decision": "写了一半的决定"})
    assert refused.status_code == 422 and "写了一半的决定" in refused.text
    assert mine.post(f"/loans/incidents/{one.id}/close").status_code == 403
    word = head.get(f"/loans/incidents/{one.id}/A11.docx")
    assert word.status_code == 200 and word.data[:2] == b"PK"
    call = api_for(company.archive_head)
    assert call.get("/api/v1/loans/incidents").json["items"][0]["may_become"] == ["lost"]
    for bad in ({}, {"outcome": "lost"}, {"outcome": 1, "decision": "x", "version": 1}, []):
        assert call.post(f"/api/v1/loans/incidents/{one.id}/close", json=bad).status_code == 422
    done = call.post(
        f"/api/v1/loans/incidents/{one.id}/close",
        json={"outcome": "lost", "decision": "确认遗失。", "version": one.version},
    )
    assert done.json["outcome"] == "lost"
    sheet = head.get("/loans/incidents?state=all&as=xlsx")
    [only] = openpyxl.load_workbook(io.BytesIO(sheet.data)).worksheets
    assert only.max_row == 2 and one.number in [cell.value for cell in only[2]]
    assert IncidentKind.LOSS.label in head.get("/loans/incidents?state=closed").text

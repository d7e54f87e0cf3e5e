"""Outsiders who read in the archive: letter, document, company; their number covered."""

import io
from dataclasses import replace
from datetime import date

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.lending import service as lending
from archive.lending.chores import do_loan_chores
from archive.lending.figures.service import figures
from archive.lending.models import LoanRefusal, LoanRequest
from archive.lending.visits import service
from archive.lending.visits.models import LoanVisit
from archive.lending.visits.rules import ID_CARD, covered, is_good_id, kept_until
from archive.lending.visits.service import Told
from archive.people.rights import Actor
from storage.files import StoredFile
from storage.journal import JournalEntry

CARD = "11010519491231002X"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 64
TOLD = Told(
    name="马国强",
    unit="市场监督管理局",
    letter_number="市监介〔2026〕118号",
    id_kind=ID_CARD,
    id_number=CARD,
    companion="0001",
    purpose="核对经销资质",
)


def note(shelf, barcodes, **changes):
    told = replace(TOLD, **changes)
    return shelf.do(service.note_visit, shelf.company.archivist, told, barcodes)


def approve_by_leader(shelf, visit):
    for one in visit.requests:
        shelf.do(lending.approve, shelf.company.leader, one.id, "同意。")


def count(shelf, model) -> int:
    with shelf.resources.reading() as uow:
        return uow.session.scalar(select(func.count()).select_from(model))


@pytest.mark.parametrize(
    ("kind", "number", "good"),
    [
        (ID_CARD, CARD, True),
        (ID_CARD, CARD.lower(), True),
        (ID_CARD, "110105 19491231 002x", True),
        (ID_CARD, "110105194912310021", False),
        (ID_CARD, "11010519491231002", False),
        (ID_CARD, "１１０１０５１９４９１２３１００２Ｘ", False),
        (ID_CARD, "", False),
        ("护照", "E12345678", True),
        ("护照", "E1", False),
        ("护照", "<script>", False),
        ("军官证", "军字第1234567号", True),
        ("会员卡", "12345678", False),
        ("", CARD, False),
    ],
)
def test_which_document_is_good(kind, number, good):
    assert is_good_id(kind, number) is good


@pytest.mark.parametrize(
    ("number", "shown"),
    [(CARD, "110***********002X"), ("E12345678", "E******78"), ("123", "***"), ("", "")],
)
def test_the_middle_of_a_number_is_covered(number, shown):
    assert covered(number) == shown and len(shown) == len(number)


def test_an_outsider_reads_on_site_and_stands_in_the_register(shelf, company, clock):
    item_id, barcode = shelf.item()
    visit = note(shelf, [barcode]).visit
    request = visit.requests[0]
    assert visit.number == "WL2026-0001" and request.number == "WL2026-0001-01"
    assert request.mode == "onsite" and request.borrower_name == "马国强（外来）"
    states = [(step.approver_name, step.state) for step in request.approvals]
    assert states == [("孙文静", "approved"), ("周志远", "open")]
    with pytest.raises(Conflict, match="审批"):
        shelf.do(lending.hand_out, company.archivist, barcode, request.id)
    approve_by_leader(shelf, visit)
    shelf.do(lending.hand_out, company.archivist, barcode, request.id)
    with pytest.raises(Conflict, match="没有收回"):
        shelf.do(service.end_visit, company.archivist, visit.id)
    clock.advance(hours=2)
    shelf.do(lending.take_back, company.archivist, barcode, 3)
    ended = shelf.do(service.end_visit, company.archivist, visit.id)
    assert not ended.is_open and (ended.ended_at - ended.began_at).total_seconds() == 7200
    with pytest.raises(Conflict, match="已经结束"):
        shelf.do(service.end_visit, company.archivist, visit.id)
    with shelf.resources.reading() as uow:
        day = date(2026, 11, 23)
        line = lending.register(uow, company.archivist, day, day).items[0]
        assert (line.borrower_name, line.borrower_department) == ("马国强（外来）", TOLD.unit)
        tables = {one.key: one for one in figures(uow, company.archivist, day, day).tables}
        assert [line.label for line in tables["department"].lines] == ["外来人员"]
        assert [line.label for line in tables["borrower"].lines] == ["外来人员"]
    actions = shelf.journal()
    assert "visit.note" in actions and "visit.end" in actions
    # the one who accompanied is not counted as holding anything
    assert shelf.ask(company.sales_clerk, item_id, "onsite").state == "waiting"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"letter_number": ""}, "no_letter"),
        ({"unit": " "}, "no_letter"),
        ({"id_number": ""}, "no_identity"),
        ({"id_number": "110105194912310021"}, "no_identity"),
        ({"id_kind": "会员卡"}, "no_identity"),
        ({"name": ""}, "no_identity"),
        ({"companion": ""}, "not_accompanied"),
        ({"purpose": "看"}, "no_purpose"),
    ],
)
def test_without_letter_document_or_company_nothing_is_shown(shelf, changes, code):
    _, barcode = shelf.item()
    noted = note(shelf, [barcode], **changes)
    assert noted.visit is None and code in {one.code for one in noted.refused[0].reasons}
    assert count(shelf, LoanVisit) == count(shelf, LoanRequest) == 0
    assert count(shelf, LoanRefusal) == 1


def test_the_same_outsider_is_not_noted_twice_for_the_same_paper(shelf, company, client_for):
    _, barcode = shelf.item()
    first = note(shelf, [barcode]).visit
    with pytest.raises(Conflict, match=first.number):
        note(shelf, [barcode, shelf.item()[1]])
    sent = {**vars(TOLD), "papers": barcode}
    page = client_for(company.archivist).post("/loans/visits", data=sent)
    assert page.status_code == 409
    assert first.number in page.text and TOLD.letter_number in page.text
    assert count(shelf, LoanVisit) == count(shelf, LoanRequest) == 1
    assert note(shelf, [shelf.item()[1]]).visit.number == "WL2026-0002", "another paper"
    assert note(shelf, [shelf.item()[1]], id_kind="护照", id_number="E12345678").visit
    shelf.do(service.end_visit, company.archivist, first.id)
    assert note(shelf, [barcode]).visit.number == "WL2026-0004", "they came back"


def test_what_is_secret_is_not_shown_to_outsiders(shelf):
    good, secret = shelf.item()[1], shelf.item(secrecy=2)[1]
    noted = note(shelf, [good, secret, good])
    assert noted.visit.papers == 1
    reasons = {one.code: one.text for one in noted.refused[0].reasons}
    assert "没有允许外来人员" in reasons["no_rule"]


def test_a_paper_is_named_by_the_end_of_its_code(shelf):
    told = {"unit": "XSB", "retention": "D30", "serial": 7}
    shelf.item(reference_code="Z109-KH·2025-D30-XSB-0007", **told | {"year": 2025})
    assert note(shelf, ["xsb 7"]).visit.papers == 1
    shelf.item(reference_code="Z109-KH·2026-D30-XSB-0007", **told)
    with pytest.raises(Invalid, match=r"2025-D30.*2026-D30") as refused:
        note(shelf, ["xsb 7"])
    assert set(refused.value.fields) == {"papers"}
    assert note(shelf, ["2026 7"]).visit.papers == 1


@pytest.mark.parametrize(
    ("papers", "changes"),
    [
        ([], {}),
        (["A9999999999"], {}),
        (["x"] * 60, {}),
        (["ok"], {"companion": "没有这个人"}),
        (["ok"], {"name": "马" * 60}),
        (["ok"], {"unit": "局\x00"}),
        (["ok"], {"purpose": "核" * 600}),
    ],
)
def test_what_cannot_be_noted_is_said_and_leaves_nothing(shelf, papers, changes):
    barcode = shelf.item()[1]
    with pytest.raises(Invalid):
        note(shelf, [barcode if one == "ok" else one for one in papers], **changes)
    assert count(shelf, LoanVisit) == count(shelf, LoanRefusal) == 0


def test_only_those_who_may_see_the_number_whole(shelf, company):
    visit = note(shelf, [shelf.item()[1]]).visit
    auditor = Actor(99, "审计", "audit", "0099", company.finance_id, "财务部", {"audit"}, 2)
    with shelf.resources.reading() as uow:
        listed = service.list_visits(uow, auditor, date(2026, 11, 1), date(2026, 11, 30)).items
        assert listed[0].id_shown == "110***********002X" and CARD not in repr(listed)
    for act in (service.reveal_number, service.letter_of):
        with pytest.raises(Forbidden):
            shelf.do(act, auditor, visit.id)
        with pytest.raises(Forbidden):
            shelf.do(act, company.sales_head, visit.id)
    assert shelf.do(service.reveal_number, company.archivist, visit.id) == CARD
    assert shelf.journal()[-1] == "visit.reveal"
    with pytest.raises(NotFound):
        shelf.do(service.letter_of, company.archivist, visit.id)
    with pytest.raises(NotFound):
        shelf.do(service.reveal_number, company.archivist, 2**70)
    with pytest.raises(Forbidden):
        shelf.do(service.note_visit, company.sales_head, TOLD, ["x"])


def test_ending_a_visit_gives_free_what_was_not_fetched(shelf, company):
    item_id, barcode = shelf.item()
    visit = note(shelf, [barcode]).visit
    approve_by_leader(shelf, visit)
    asked = (company.sales_clerk2, item_id, "original", "续签合同前核对", "海信")
    other = shelf.do(lending.request_loan, *asked, joins_queue=True)
    while step := other.waits_for:
        other = shelf.do(lending.approve, shelf.actor(step.approver_id), other.id, "同意")
    assert other.place == 1
    shelf.do(service.end_visit, company.archivist, visit.id)
    with shelf.resources.reading() as uow:
        assert lending.get_request(uow, company.sales_clerk2, other.id).pick_up_by is not None
        mine = lending.get_request(uow, company.archivist, visit.requests[0].id)
        assert (mine.state, mine.closing_note) == ("withdrawn", "来访已结束")


@pytest.mark.slow
def test_the_pages_of_a_visit(shelf, company, client_for):
    barcode = shelf.item()[1]
    desk = client_for(company.archivist)
    form = {**vars(TOLD), "papers": f"{barcode}\n"}
    refused = desk.post("/loans/visits", data={**form, "letter_number": ""})
    assert refused.status_code == 403 and "单位介绍信" in refused.text and "马国强" in refused.text
    wrong = {**form, "letter": (io.BytesIO(b"MZ\x90\x00"), "介绍信.exe")}
    assert desk.post("/loans/visits", data=wrong).status_code == 422
    sent = desk.post("/loans/visits", data={**form, "letter": (io.BytesIO(PNG), "介绍信.png")})
    url = sent.headers["Location"]
    page = desk.get(url)
    assert CARD not in page.text and "110***********002X" in page.text
    assert CARD in desk.post(f"{url}/reveal").text
    scan = desk.get(f"{url}/letter")
    assert scan.data == PNG and scan.content_type == "image/png"
    leader = client_for(company.leader)
    assert "马国强（外来）" in leader.get("/loans/approvals").text
    assert CARD not in leader.get("/loans/visits").text
    sheet = leader.get("/loans/visits?as=xlsx")
    cells = [cell for row in load_workbook(io.BytesIO(sheet.data)).active.values for cell in row]
    assert "马国强" in cells and "110***********002X" in cells and CARD not in cells
    assert client_for(company.sales_clerk).get(url).status_code == 403
    assert desk.get("/loans/visits?from=x").status_code in (400, 422)
    assert desk.post(f"{url}/end").status_code == 302


def test_visits_over_the_api(shelf, company, api_for):
    barcode = shelf.item()[1]
    desk = api_for(company.archivist)
    made = desk.post("/api/v1/loans/visits", json={**vars(TOLD), "papers": [barcode]})
    assert made.status_code == 201 and made.get_json()["id_number"] == "110***********002X"
    none = desk.post("/api/v1/loans/visits", json={"papers": [barcode]})
    assert none.status_code == 403
    assert {"no_letter", "no_identity", "not_accompanied"} <= set(
        none.get_json()["error"]["fields"]
    )
    for body in ({}, {"papers": "x"}, {"papers": [barcode], "more": 1}):
        assert desk.post("/api/v1/loans/visits", json=body).status_code in (400, 422)
    assert desk.get("/api/v1/loans/visits").get_json()["total"] == 1
    url = f"/api/v1/loans/visits/{made.get_json()['id']}"
    assert desk.post(f"{url}/end").get_json()["ended_at"]
    assert desk.post(f"{url}/end").status_code == 409


def test_the_number_is_deleted_when_its_term_is_over_and_the_visit_stays(
    shelf, company, clock, client_for
):
    _, barcode = shelf.item()
    letter = shelf.resources.blobs.put(PNG, "image/png")
    told = shelf.do(service.note_visit, company.archivist, TOLD, [barcode], letter)
    visit_id = told.visit.id
    clock.advance(hours=1)
    shelf.do(service.end_visit, company.archivist, visit_id)
    desk = client_for(company.archivist)
    assert "保存到 2029-11-23" in desk.get(f"/loans/visits/{visit_id}").text
    clock.now = clock.now.replace(year=2029)  # the last day: it is still kept
    do_loan_chores(shelf.resources)
    with shelf.resources.reading() as uow:
        assert uow.session.get_one(LoanVisit, visit_id).id_number == CARD
    clock.advance(days=1)
    do_loan_chores(shelf.resources)
    with shelf.resources.reading() as uow:
        row = uow.session.get_one(LoanVisit, visit_id)
        assert (row.id_number, row.letter_sha256, row.name) == ("", None, "马国强")
        assert uow.session.get(StoredFile, letter.sha256) is None  # the sweep takes the bytes
        entries = uow.session.scalars(
            select(JournalEntry.detail).where(JournalEntry.action == "visit.forget")
        ).all()
    assert len(entries) == 1 and "2029-11-23" in entries[0] and CARD not in entries[0]
    do_loan_chores(shelf.resources)  # nothing is forgotten twice
    assert shelf.journal().count("visit.forget") == 1
    desk = client_for(company.archivist)
    page = desk.get(f"/loans/visits/{visit_id}").text
    assert "已于保存期满后删除" in page and "看全号" not in page
    assert desk.post(f"/loans/visits/{visit_id}/reveal").status_code == 404
    assert desk.get(f"/loans/visits/{visit_id}/letter").status_code == 404


def test_a_visit_whose_end_nobody_noted_is_forgotten_too(shelf, company, clock):
    _, barcode = shelf.item()
    visit = note(shelf, [barcode]).visit
    assert visit.kept_until == date(2029, 11, 23)
    clock.now = clock.now.replace(year=2029, month=12)
    do_loan_chores(shelf.resources)
    with shelf.resources.reading() as uow:
        assert uow.session.get_one(LoanVisit, visit.id).id_number == ""


def test_a_term_that_begins_on_a_leap_day_ends_in_february():
    assert kept_until(date(2028, 2, 29), 3) == date(2031, 2, 28)

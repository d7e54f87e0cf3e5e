"""Looking at a paper on the screen: only the borrower, only as long, every page with its loan."""

import hashlib
import io
from dataclasses import replace
from datetime import date

import pypdf
import pytest
from PIL import Image

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.filing import service as filing
from archive.filing.models import Item, ItemFile
from archive.lending import matrix
from archive.lending import service as lending
from archive.lending.chores import do_loan_chores
from archive.lending.models import LoanRequest
from archive.lending.viewing import pages, service, sheets
from archive.lending.viewing.rules import GrantFacts, parse_pages, show_pages, why_closed
from archive.lending.viewing.sheets import CopyOrder
from archive.people.models import User
from storage.files import keep_file

pytestmark = pytest.mark.slow  # many cases, each a whole instance

MARK = pages.Mark("陈晓东 0001  2026-11-23 09:30  JY2026-0001", "JY2026-0001  仅供陈晓东电子阅览")


def pdf_of(count: int) -> bytes:
    writer = pypdf.PdfWriter()
    for _ in range(count):
        writer.add_blank_page(595, 842)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def picture_of(kind: str, frames: int = 1) -> bytes:
    out = io.BytesIO()
    sheet = Image.new("RGB", (900, 1270), "white")
    more = {"save_all": True, "append_images": [sheet] * (frames - 1)} if frames > 1 else {}
    sheet.save(out, kind, **more)
    return out.getvalue()


@pytest.fixture
def seen(shelf):
    """A filed paper with a PDF of three pages and a Word file; returns its id and the PDF's id."""

    def make(content: bytes = b"", media_type: str = "application/pdf", **fields):
        item_id, _ = shelf.item(**fields)
        ref = shelf.resources.blobs.put(content or pdf_of(3), media_type)
        word = shelf.resources.blobs.put(b"PK\x03\x04", "application/msword")
        with shelf.resources.work() as uow:
            for role, name, one in (("master", "报告表.pdf", ref), ("word", "报告表.docx", word)):
                keep_file(uow.session, one, uow.now())
                uow.session.add(
                    ItemFile(
                        item_id=item_id,
                        role=role,
                        name=name,
                        sha256=one.sha256,
                        created_at=uow.now(),
                    )
                )
            uow.commit()
            file_id = (
                uow.session.query(ItemFile.id).filter_by(item_id=item_id, role="master").scalar()
            )
        return item_id, file_id

    return make


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", (1, 2, 3, 4, 5, 6, 7)),
        ("2", (2,)),
        ("1-3,5", (1, 2, 3, 5)),
        ("第1至3页，5", (1, 2, 3, 5)),
        ("５、1～2", (1, 2, 5)),
        ("3,3,3", (3,)),
    ],
)
def test_pages_are_typed_in_many_ways(typed, expected):
    assert parse_pages(typed, 7) == expected
    assert parse_pages(show_pages(expected), 7) == expected


@pytest.mark.parametrize(
    "typed", ["0", "8", "3-1", "1-", "a", "1;DROP", "-1", "1-99999", "1," * 300]
)
def test_pages_that_are_not_there_are_refused(typed):
    with pytest.raises(Invalid):
        parse_pages(typed, 7)


def test_too_many_pages_at_once_are_refused():
    with pytest.raises(Invalid, match="200"):
        parse_pages("", 201)
    assert len(parse_pages("", 200)) == 200


FACTS = {
    "opens_at": 1,
    "until": 9,
    "ended": False,
    "end_reason": "",
    "item_state": "shelved",
    "secrecy_then": 1,
    "secrecy_now": 1,
    "clearance": 1,
}


@pytest.mark.parametrize(
    ("change", "now", "code"),
    [
        ({}, 1, ""),
        ({}, 8, ""),
        ({}, 9, "expired"),
        ({}, 0, "not_open"),  # the clock was set back
        ({"ended": True}, 5, "ended"),
        ({"item_state": "catalogued"}, 5, "item_state"),
        ({"secrecy_now": 2}, 5, "clearance"),
        ({"secrecy_now": 2, "clearance": 3}, 5, "secrecy_raised"),
        ({"secrecy_now": 0}, 5, ""),
        ({"secrecy_then": 3, "secrecy_now": 3, "clearance": 3}, 5, ""),
    ],
)
def test_when_a_view_is_closed(change, now, code):
    why = why_closed(GrantFacts(**{**FACTS, **change}), now)
    assert (why.code if why else "") == code


def test_a_view_opens_with_the_last_approval_and_only_for_the_borrower(shelf, seen, company):
    item_id, file_id = seen()
    request = shelf.approved(company.sales_clerk, item_id, "electronic")
    assert (request.state_label, request.loan) == ("可阅览", None)
    assert request.due == date(2026, 12, 7)
    sight = shelf.do(service.look, company.sales_clerk, request.id, file_id)
    assert sight.number == request.number
    assert "陈晓东" in sight.mark.across and request.number in sight.mark.across
    assert company.sales_clerk.staff_no in sight.mark.foot
    with pytest.raises(Forbidden):
        shelf.do(service.look, company.archivist, request.id, file_id)
    with pytest.raises(NotFound):
        shelf.do(service.look, company.other_clerk, request.id, file_id)
    with pytest.raises(NotFound):
        shelf.do(service.look, company.sales_clerk, request.id, 99_999)
    with pytest.raises(Conflict, match="已经申请过"):
        shelf.ask(company.sales_clerk, item_id, "electronic")


def test_the_original_may_be_out_while_it_is_viewed(shelf, seen, company):
    item_id, file_id = seen()
    view = shelf.approved(company.sales_clerk, item_id, "electronic")
    paper = shelf.approved(company.sales_clerk2, item_id)
    with shelf.resources.reading() as uow:
        barcode = filing.load_item(uow, item_id).copies[0].barcode
    shelf.do(lending.hand_out, company.archivist, barcode, paper.id)
    assert shelf.do(service.look, company.sales_clerk, view.id, file_id).number == view.number


def test_expiry_works_at_once_and_every_page_and_refusal_is_in_the_log(
    shelf, seen, company, client_for, clock
):
    item_id, file_id = seen()
    request = shelf.approved(company.sales_clerk, item_id, "electronic")
    client = client_for(company.sales_clerk)
    address = f"/loans/{request.id}/view/{file_id}/2.jpg"
    first = client.get(address)
    assert first.status_code == 200 and first.mimetype == "image/jpeg"
    assert "no-store" in first.headers["Cache-Control"]
    assert Image.open(io.BytesIO(first.data)).width == 1240
    assert client.get(f"/loans/{request.id}/view").text.count("<figure") == 3
    assert client.get(address.replace("/2.jpg", "/4.jpg")).status_code == 404
    assert client.get(address + "?w=99999999").status_code == 200
    with shelf.resources.reading() as uow:
        assert service.get_grant(uow, company.archivist, request.id).pages_seen == 2
    clock.advance(days=15)
    client = client_for(company.sales_clerk)  # signed in anew
    refused = client.get(address)
    assert refused.status_code == 403 and "到期" in refused.text
    assert client.get(f"/loans/{request.id}/view").status_code == 403
    assert shelf.journal().count("loan.view") == 2
    assert shelf.journal().count("loan.view_refused") == 2
    assert do_loan_chores(shelf.resources) >= 1
    with shelf.resources.reading() as uow:
        view = lending.get_request(uow, company.sales_clerk, request.id)
    assert (view.state_label, view.closing_note) == ("阅览已结束", "阅览期满")


def test_a_view_taken_back_ends_at_once(shelf, seen, company, client_for):
    item_id, file_id = seen()
    request = shelf.approved(company.sales_clerk, item_id, "electronic")
    with pytest.raises(Forbidden):
        shelf.do(service.revoke, company.sales_clerk, request.id, "不该看")
    for bad in ("", "x", "理" * 201, "\u202e理由"):
        with pytest.raises(Invalid):
            shelf.do(service.revoke, company.archivist, request.id, bad)
    desk = client_for(company.archivist)
    desk.post(f"/loans/{request.id}/view/revoke", data={"reason": "合同有争议"})
    page = client_for(company.sales_clerk).get(f"/loans/{request.id}/view/{file_id}/1.jpg")
    assert page.status_code == 403 and "合同有争议" in page.text
    with pytest.raises(Conflict, match="已于"):
        shelf.do(service.revoke, company.archivist, request.id, "再收一次")
    with pytest.raises(Conflict, match="已于"):
        shelf.do(service.finish, company.sales_clerk, request.id)
    assert shelf.approved(company.sales_clerk, item_id, "electronic").state_label == "可阅览"


def test_raised_secrecy_a_leaver_and_a_changed_borrower_close_the_view(shelf, seen, company, clock):
    item_id, file_id = seen()
    request = shelf.approved(company.sales_clerk, item_id, "electronic")
    with shelf.resources.work() as uow:
        uow.session.get_one(Item, item_id).secrecy = 2
        uow.commit()
    why = shelf.do(service.look, company.sales_clerk, request.id, file_id)
    assert why.code == "clearance"
    cleared = replace(company.sales_clerk, clearance=3)
    assert shelf.do(service.look, cleared, request.id, file_id).code == "secrecy_raised"
    with shelf.resources.work() as uow:
        uow.session.get_one(User, company.sales_clerk.id).left_on = date(2026, 11, 23)
        uow.commit()
    do_loan_chores(shelf.resources)
    with shelf.resources.reading() as uow:
        view = lending.get_request(uow, company.archivist, request.id)
    assert view.closing_note == "借阅人已离职"


def test_who_has_become_overdue_gets_no_view_opened(shelf, seen, company, clock):
    late_id, barcode = shelf.item()
    shelf.lent(company.sales_clerk, late_id, barcode)
    item_id, _ = seen()
    request = shelf.ask(company.sales_clerk, item_id, "electronic")
    clock.advance(days=40)
    with pytest.raises(Conflict, match="情况有变"):
        shelf.do(lending.approve, company.sales_head, request.id, "同意")
    with shelf.resources.reading() as uow:
        assert uow.session.get_one(LoanRequest, request.id).state == "waiting"


def test_a_print_is_asked_for_once_and_made_at_the_desk(shelf, seen, company, client_for):
    item_id, file_id = seen()
    request = shelf.approved(company.sales_clerk, item_id, "electronic")
    borrower, desk = client_for(company.sales_clerk), client_for(company.archivist)
    wrong = {"file": file_id, "pages": "7"}
    borrower.post(f"/loans/{request.id}/view/print", data=wrong)
    borrower.post(f"/loans/{request.id}/view/print", data={"file": file_id, "pages": "1-2"})
    answer = borrower.post(
        f"/loans/{request.id}/view/print", data={"file": file_id}, follow_redirects=True
    )
    assert "份数已经用完" in answer.text
    [waiting] = shelf.do(sheets.sheets_at_desk, company.archivist)
    assert (waiting.number, waiting.pages, waiting.state) == (
        f"{request.number}-P1",
        "1-2",
        "waiting",
    )
    assert waiting.number in desk.get("/loans/sheets").text
    assert borrower.post(f"/loans/sheets/{waiting.id}/file").status_code == 403
    made = desk.post(f"/loans/sheets/{waiting.id}/file")
    assert (
        made.mimetype == "application/pdf"
        and len(pypdf.PdfReader(io.BytesIO(made.data)).pages) == 2
    )
    assert desk.post(f"/loans/sheets/{waiting.id}/file").status_code == 409
    found, intact = shelf.do(sheets.trace, company.archivist, made.data)
    assert (found.number, found.borrower_name, intact) == (waiting.number, "陈晓东", True)
    found, intact = shelf.do(sheets.trace, company.archivist, made.data + b"\n")
    assert (found.number, intact) == (waiting.number, False)
    assert shelf.do(sheets.trace, company.archivist, b"%PDF-1.7 somebody else's") is None


def test_a_download_only_where_the_rule_allows_and_it_names_its_loan(
    shelf, seen, company, client_for
):
    item_id, file_id = seen()
    request = shelf.approved(company.sales_clerk, item_id, "electronic")
    borrower = client_for(company.sales_clerk)
    refused = borrower.post(
        f"/loans/{request.id}/view/download", data={"file": file_id}, follow_redirects=True
    )
    assert "不能下载" in refused.text
    with shelf.resources.reading() as uow:
        rule = next(one for one in matrix.all_rules(uow) if one.code == "own-open-electronic")
    shelf.do(
        lending.save_rule,
        company.archive_head,
        replace(rule, download=True, valid_from=date(2026, 11, 23)),
    )
    other, file_id = seen()
    request = shelf.approved(company.sales_clerk, other, "electronic")
    got = borrower.post(f"/loans/{request.id}/view/download", data={"file": file_id, "pages": "3"})
    assert got.mimetype == "application/pdf"
    assert pypdf.PdfReader(io.BytesIO(got.data)).metadata["/LoanNumber"] == f"{request.number}-D1"
    again = borrower.post(
        f"/loans/{request.id}/view/download", data={"file": file_id, "pages": "3"}
    )
    assert hashlib.sha256(again.data).digest() != hashlib.sha256(got.data).digest()
    trace = client_for(company.archive_head).post(
        "/loans/trace", data={"file": (io.BytesIO(got.data), "泄露.pdf")}
    )
    assert f"{request.number}-D1" in trace.text and "没有改动过" in trace.text


def test_a_photocopy_is_registered_stamped_and_comes_back(shelf, seen, company, client_for):
    item_id, file_id = seen()
    request = shelf.approved(company.sales_clerk, item_id, "copy")
    assert request.state_label == "已批准，待复印"
    desk = client_for(company.archivist)
    assert request.number in desk.get("/loans/sheets").text
    order = {"file": file_id, "pages": "1-2", "copies": "2", "recipient": "青岛海信冰箱有限公司"}
    for change in (
        {"pages": ""},
        {"copies": "0"},
        {"copies": "51"},
        {"copies": "x"},
        {"recipient": " "},
    ):
        refused = desk.post(f"/loans/{request.id}/copy", data={**order, **change})
        assert refused.status_code == 422 and "复印登记有误" in refused.text
    desk.post(f"/loans/{request.id}/copy", data=order)
    [copy] = shelf.do(sheets.sheets_at_desk, company.archivist)
    assert copy.stamp == "此件仅供客户续签合同前核对资质使用"
    pdf = desk.post(f"/loans/sheets/{copy.id}/file", data={"kind": "copy"})
    assert len(pypdf.PdfReader(io.BytesIO(pdf.data)).pages) == 2
    [copy] = shelf.do(sheets.sheets_at_desk, company.archivist)
    with pytest.raises(Invalid):
        shelf.do(sheets.end_sheet, company.archivist, copy.id, "eaten", copy.version)
    with pytest.raises(Conflict):
        shelf.do(sheets.end_sheet, company.archivist, copy.id, "shredded", copy.version - 1)
    done = shelf.do(sheets.end_sheet, company.archivist, copy.id, "shredded", copy.version)
    assert done.state_label == "已销毁"
    with pytest.raises(Conflict):
        shelf.do(sheets.end_sheet, company.archivist, copy.id, "returned", done.version)
    with shelf.resources.reading() as uow:
        view = lending.get_request(uow, company.sales_clerk, request.id)
    assert (view.state_label, view.closing_note) == ("已办结", "复印件已销毁")
    with pytest.raises(Conflict):
        shelf.do(
            sheets.copy_paper, company.archivist, request.id, CopyOrder(None, "1", 1, "陈晓东")
        )


def test_only_the_approved_way_is_served(shelf, seen, company):
    item_id, file_id = seen()
    paper = shelf.approved(company.sales_clerk, item_id)
    with pytest.raises(Conflict, match="不是电子阅览"):
        shelf.do(service.look, company.sales_clerk, paper.id, file_id)
    with pytest.raises(Conflict, match="不办理复印"):
        shelf.do(sheets.copy_paper, company.archivist, paper.id, CopyOrder(None, "1", 1, "陈晓东"))
    waiting = shelf.ask(company.sales_clerk, item_id, "copy")
    with pytest.raises(Conflict, match="待审批"):
        shelf.do(
            sheets.copy_paper, company.archivist, waiting.id, CopyOrder(None, "1", 1, "陈晓东")
        )
    view = shelf.ask(company.sales_clerk, item_id, "electronic")
    with pytest.raises(Conflict, match="没有批准"):
        shelf.do(service.look, company.sales_clerk, view.id, file_id)


@pytest.mark.parametrize(
    ("content", "media_type", "count"),
    [
        (pdf_of(2), "application/pdf", 2),
        (picture_of("PNG"), "image/png", 1),
        (picture_of("JPEG"), "image/jpeg", 1),
        (picture_of("TIFF", 3), "image/tiff", 3),
    ],
)
def test_each_kind_of_page_is_drawn_with_its_mark(content, media_type, count):
    assert pages.page_count(content, media_type) == count
    jpeg = pages.page_jpeg(content, media_type, count, 600, MARK)
    picture = Image.open(io.BytesIO(jpeg))
    assert picture.width == 600 and picture.convert("L").getextrema()[0] < 240  # not blank any more
    for page in (0, count + 1):
        with pytest.raises(NotFound):
            pages.page_jpeg(content, media_type, page, 600, MARK)


@pytest.mark.parametrize("media_type", ["application/pdf", "image/png"])
@pytest.mark.parametrize(
    "content", [b"", b"nothing of the kind", b"%PDF-1.7\n", b"\x89PNG\r\n\x1a\n"]
)
def test_what_cannot_be_opened_is_said(content, media_type):
    with pytest.raises(Invalid, match="打不开"):
        pages.page_count(content, media_type)


def test_the_calls_do_what_the_pages_do(shelf, seen, company, api_for):
    item_id, file_id = seen()
    request = shelf.approved(company.sales_clerk, item_id, "electronic")
    mine, desk = api_for(company.sales_clerk), api_for(company.archivist)
    told = mine.get(f"/api/v1/loans/{request.id}/view").json
    assert (told["prints_left"], told["closed"]) == (1, None)
    assert [(one["id"], one["pages"]) for one in told["files"]] == [(file_id, 3)]
    assert desk.get(f"/api/v1/loans/{request.id}/view").json["files"] == []
    page = mine.get(f"/api/v1/loans/{request.id}/view/{file_id}/1.jpg?w=400")
    assert abs(Image.open(io.BytesIO(page.data)).width - 400) <= 1
    assert api_for(company.other_clerk).get(f"/api/v1/loans/{request.id}/view").status_code == 404
    asked = mine.post(f"/api/v1/loans/{request.id}/view/print", json={"file_id": file_id})
    assert (asked.status_code, asked.json["pages"]) == (201, "1-3")
    for bad in (
        {"file_id": "1"},
        {"file_id": file_id, "pages": "9"},
        {"file_id": file_id, "x": 1},
        [],
    ):
        assert mine.post(f"/api/v1/loans/{request.id}/view/print", json=bad).status_code == 422
    answer = mine.post(f"/api/v1/loans/{request.id}/view/download", json={"file_id": file_id})
    assert answer.status_code == 403
    assert desk.get("/api/v1/loans/sheets").json["items"][0]["number"] == f"{request.number}-P1"
    assert mine.post(f"/api/v1/loans/{request.id}/view/finish").status_code == 204
    assert mine.get(f"/api/v1/loans/{request.id}/view/{file_id}/1.jpg").status_code == 403
    assert "看完" in mine.get(f"/api/v1/loans/{request.id}/view").json["closed"]


def test_a_page_whose_file_is_gone_is_gone_at_once(shelf, seen, company, client_for):
    item_id, file_id = seen(pdf_of(4))
    request = shelf.approved(company.sales_clerk, item_id, "electronic")
    client = client_for(company.sales_clerk)
    address = f"/loans/{request.id}/view/{file_id}"
    assert [client.get(f"{address}/{page}.jpg").status_code for page in (1, 2)] == [200, 200]
    with shelf.resources.reading() as uow:
        digest = uow.session.get(ItemFile, file_id).sha256
    shelf.resources.blobs.delete(digest)
    assert client.get(f"{address}/3.jpg").status_code != 200

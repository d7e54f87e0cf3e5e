"""The papers of lending as Word and PDF: A01, A02, A03, and who may print them."""

import io
import zipfile

import pytest

from archive.lending import service as lending
from archive.lending.papers import register_paper

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.fixture
def word_of():
    def text(answer) -> str:
        assert answer.status_code == 200 and answer.content_type == WORD
        with zipfile.ZipFile(io.BytesIO(answer.data)) as package:
            return package.read("word/document.xml").decode()

    return text


def test_the_papers_say_what_the_rows_say(shelf, company, clock, client_for, word_of):
    item_id, barcode = shelf.item(title="报告表 A<B & 海信")
    request = shelf.lent(company.sales_clerk2, item_id, barcode)
    clerk, desk = client_for(company.sales_clerk2), client_for(company.archivist)
    page = f"/loans/{request.id}"
    text = word_of(clerk.get(f"{page}/papers/A01.docx"))
    for words in (
        "林美玲",
        "A&lt;B &amp; 海信",
        "王建国",
        "孙文静",
        "同意",
        "借出 3 页",
        "续签合同前",
    ):
        assert words in text
    assert "A01.pdf" in clerk.get(page).text and "A03.pdf" not in clerk.get(page).text
    assert "A03.pdf" in desk.get(page).text
    clock.advance(days=17)
    desk = client_for(company.archivist)
    text = word_of(desk.get(f"{page}/papers/A03.docx"))
    assert "逾期 3 个工作日" in text and "请立即带齐" in text and barcode in text
    text = word_of(desk.get("/loans/register/papers/A02.docx?from=2026-11-01&to=2026-11-30"))
    assert "JY2026-0001" in text and "2026年11月23日" in text
    assert desk.get(f"{page}/papers/A03.pdf").data.startswith(b"%PDF")
    shelf.do(lending.take_back, company.archivist, barcode, 3)
    assert desk.get(f"{page}/papers/A03.docx").status_code == 409
    assert "归还 3 页" in word_of(desk.get(f"{page}/papers/A01.docx"))


def test_who_may_not_print_and_what_is_no_paper(shelf, company, client_for):
    item_id, barcode = shelf.item()
    request = shelf.lent(company.sales_clerk2, item_id, barcode)
    page = f"/loans/{request.id}/papers"
    assert client_for(company.other_clerk).get(f"{page}/A01.docx").status_code == 404
    assert client_for(company.sales_clerk2).get(f"{page}/A03.docx").status_code == 403
    desk = client_for(company.archivist)
    assert desk.get(f"{page}/A04.docx").status_code == 404
    assert desk.get(f"{page}/A01.exe").status_code == 404
    address = "/loans/register/papers/A02.docx"
    for bad in ("from=x", "from=2026-12-01&to=2026-11-01", "from=0001-01-01", "from=1900-01-01"):
        assert desk.get(f"{address}?{bad}").status_code == 422


def test_a_period_too_full_for_one_paper_is_refused(shelf, company, client_for, monkeypatch):
    monkeypatch.setattr("archive.lending.papers.LINES", 1)
    for _ in range(2):
        item_id, barcode = shelf.item()
        shelf.lent(company.sales_clerk2, item_id, barcode)
    answer = client_for(company.archivist).get("/loans/register/papers/A02.pdf")
    assert answer.status_code == 422 and "请缩短起止日期" in answer.text


def test_every_page_of_a_full_period_is_printed(shelf, company, monkeypatch):
    monkeypatch.setattr("archive.lending.papers.PAGE", 2)
    for who in (company.sales_clerk, company.sales_clerk2) * 2 + (company.sales_clerk,):
        item_id, barcode = shelf.item()
        shelf.lent(who, item_id, barcode)
    with shelf.resources.reading() as uow:
        day = uow.now().date()
        lines = register_paper(uow, company.archivist, day, day).values["登记"]
    assert [line["申请号"] for line in lines] == [f"JY2026-000{n}" for n in range(1, 6)]

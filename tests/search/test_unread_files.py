"""Attached files that could not be read: listed with why, read again, and then found."""

import io

import openpyxl

from archive.filing import service as filing
from archive.filing.import_rows import read_row
from archive.filing.models import Item
from archive.jobs import QUICK_KINDS, SLOW_KINDS, drain_all, drain_once
from archive.people.readers import write_readers
from archive.search import extraction
from archive.search.service import search
from indexer import ExtractError

LOCKED = b"%PDF-1.7 locked by a stranger"


def offered(resources, company, title, name="来函.pdf", content=LOCKED):
    upload = filing.keep_upload(resources.blobs, content, name)
    with resources.work() as uow:
        made = filing.offer_paper(uow, company.archivist, read_row({"title": title}), upload)
        filing.file_in_one(uow, company.archivist, made.id)
        uow.commit()
    return made.id


def note_of(resources, item_id):
    with resources.reading() as uow:
        return filing.load_item(uow, item_id).note


def ask(browser, **chosen):
    return browser.post("/search/unread", data=chosen, follow_redirects=True).text


def test_it_is_listed_read_again_and_then_found(resources, company, client_for, monkeypatch):
    item_id = offered(resources, company, "海信来函")
    drain_all(resources)
    assert "附件“来函.pdf”的文字未能读出：" in note_of(resources, item_id)
    browser = client_for(company.archivist)
    page = browser.get("/search/unread").text
    assert "海信来函" in page and "未能读出" in page
    sheet = openpyxl.load_workbook(io.BytesIO(browser.get("/search/unread?as=xlsx").data)).active
    assert sheet.max_row == 2
    assert "请先勾选" in ask(browser)
    assert (
        "再读 0 个"
        in browser.post("/search/unread", data={"item": "999"}, follow_redirects=True).text
    )
    told = browser.post("/search/unread", data={"item": str(item_id)}, follow_redirects=True).text
    assert "再读 1 个" in told
    drain_all(resources)
    assert note_of(resources, item_id).count("未能读出") == 1  # not one line for each try

    class Read:
        text = "铜管组件一千二百套"

    monkeypatch.setattr(extraction, "extract", lambda path: Read)
    browser.post("/search/unread", data={"all": "1"})
    drain_all(resources)
    assert note_of(resources, item_id) == ""
    assert search(resources, company.archivist, "铜管组件").total == 1
    assert "没有读不出的附件" in browser.get("/search/unread").text


def test_what_one_may_not_read_is_not_listed(resources, company, client_for):
    item_id = offered(resources, company, "机密来函")
    drain_all(resources)
    with resources.work() as uow:
        row = uow.session.get_one(Item, item_id)
        row.secrecy, row.author_id = 3, company.leader.id
        write_readers(uow, "item", item_id, filing.thing_of_item(uow, item_id))
        uow.commit()
    browser = client_for(company.archivist)
    assert "机密来函" not in browser.get("/search/unread").text
    assert (
        "再读 0 个" in browser.post("/search/unread", data={"all": "1"}, follow_redirects=True).text
    )
    assert client_for(company.sales_clerk).get("/search/unread").status_code == 403


def test_the_index_does_not_wait_for_files_being_read(resources, company, monkeypatch):
    offered(resources, company, "海信来函")
    asked = []

    def slow(path):
        asked.append(path)
        raise ExtractError("读取超过 60 秒，已停止。")

    monkeypatch.setattr(extraction, "extract", slow)
    while drain_once(resources, "quick", QUICK_KINDS):
        continue
    assert asked == [] and search(resources, company.archivist, "海信来函").total == 1
    assert drain_once(resources, "slow", SLOW_KINDS, 3) == 1 and len(asked) == 1

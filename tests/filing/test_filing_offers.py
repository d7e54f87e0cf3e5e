"""Papers not made here: offered with a file or without, then filed in the four steps."""

import io

import pytest
from sqlalchemy import func, select

from archive.core.errors import Forbidden
from archive.filing import service as filing
from archive.filing.import_rows import read_row
from archive.filing.models import Item
from archive.filing.rules import STEPS
from storage.outbox import OutboxRow

SCAN = b"%PDF-1.7 a scanned letter"


def upload(browser, content=SCAN, name="来函.pdf", **entries):
    entries = {"title": "海信来函", "secrecy": "内部"} | entries
    entries["file"] = (io.BytesIO(content), name)
    return browser.post("/filing/offer", data=entries)


def count(resources, table):
    with resources.reading() as uow:
        return uow.session.scalar(select(func.count()).select_from(table))


def test_an_offered_paper_goes_through_the_four_steps(resources, company, client_for):
    browser = client_for(company.archivist)
    assert "收进，待鉴别" in browser.get("/filing/offer").text
    answer = upload(browser, customer="青岛海信电器股份有限公司", date="2025年3月4日")
    item_id = int(answer.headers["Location"].rsplit("/", 1)[1])
    assert "海信来函" in browser.get("/filing").text
    assert "鉴别合格" in browser.get(f"/filing/item/{item_id}").text
    with resources.reading() as uow:
        item = filing.load_item(uow, item_id)
        jobs = list(uow.session.scalars(select(OutboxRow.kind)))
    assert (item.state_label, item.year, item.files[0].name) == ("待归档", 2025, "来函.pdf")
    assert resources.blobs.read(item.files[0].sha256) == SCAN
    assert "extract" in jobs
    assert "index" not in jobs
    browser.post(f"/filing/item/{item_id}/accept", data={"version": item.version})
    with resources.work() as uow:
        item = filing.file_in_one(uow, company.archivist, item_id)
        uow.commit()
    assert [step.step for step in item.steps] == list(STEPS)
    assert item.state_label == "在库"


def test_a_paper_without_a_scan_is_offered_too(resources, company):
    with resources.work() as uow:
        row = read_row({"title": "老合同原件"})
        made = filing.offer_paper(uow, company.archivist, row, None)
        done = filing.file_in_one(uow, company.archivist, made.id)
        uow.commit()
    assert (done.files, len(done.copies)) == ((), 1)


def test_the_same_bytes_are_not_taken_twice(resources, company, client_for):
    browser = client_for(company.archivist)
    assert upload(browser).status_code == 302
    assert upload(browser, title="换个题名").status_code == 409
    assert count(resources, Item) == 1


@pytest.mark.parametrize(
    ("content", "name", "entries"),
    [
        (SCAN, "来函.pdf", {"title": ""}),
        (SCAN, "来函.pdf", {"title": "题\x00名"}),
        (SCAN, "来函.pdf", {"date": "11/12/26"}),
        (SCAN, "来函.pdf", {"secrecy": "绝密"}),
        (b"", "空.pdf", {}),
        (b"MZ\x90\x00\xff\xff\x00", "程序.exe", {}),
        (b"PK\x03\x04", "包.zip", {}),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(
    resources, company, client_for, content, name, entries
):
    answer = upload(client_for(company.archivist), content, name, **entries)
    assert answer.status_code == 422
    assert count(resources, Item) == 0


def test_only_the_archive_takes_papers_in(resources, company, client_for):
    assert upload(client_for(company.sales_clerk)).status_code == 403
    assert client_for(company.sales_clerk).get("/filing/offer").status_code == 403
    with resources.work() as uow, pytest.raises(Forbidden):
        filing.offer_paper(uow, company.sales_clerk, read_row({"title": "函"}), None)


def test_a_paper_that_is_no_archive_is_given_back_and_can_be_taken_again(
    resources, company, client_for
):
    browser = client_for(company.archivist)
    item_id = int(upload(browser).headers["Location"].rsplit("/", 1)[1])

    def item():
        with resources.reading() as uow:
            return filing.load_item(uow, item_id)

    where = f"/filing/item/{item_id}"
    assert "退回" in browser.get(where).text
    empty = browser.post(f"{where}/back", data={"version": item().version, "reason": " "})
    assert empty.status_code == 422 and item().state == "offered"
    stale = {"version": item().version + 1, "reason": "缺页"}
    assert browser.post(f"{where}/back", data=stale).status_code == 409
    told = {"version": item().version, "reason": "扫描件缺第二页"}
    assert browser.post(f"{where}/back", data=told, follow_redirects=True).status_code == 200
    assert item().state_label == "已退回"
    page = browser.get(f"/items/{item_id}").text
    assert "鉴别退回：扫描件缺第二页" in page and "重新收下" in page
    assert "海信来函" not in browser.get("/filing").text
    again = browser.post(f"{where}/back", data={"version": item().version, "reason": "再退"})
    accept = browser.post(f"{where}/accept", data={"version": item().version})
    assert (again.status_code, accept.status_code) == (409, 409)
    assert upload(browser).status_code == 302  # the bytes of what was given back may come again
    browser.post(f"{where}/again", data={"version": item().version})
    assert item().state == "offered" and "海信来函" in browser.get("/filing").text
    assert browser.post(f"{where}/again", data={"version": item().version}).status_code == 409


def test_an_offered_paper_is_given_back_through_the_api(resources, company, api_for):
    call = api_for(company.archivist)
    with resources.work() as uow:
        made = filing.offer_paper(uow, company.archivist, read_row({"title": "来函"}), None)
        uow.commit()
    where = f"/api/v1/items/{made.id}"
    for wrong in ({}, {"reason": 7}, {"reason": " "}, {"reason": "重" * 5000}):
        assert call.post(f"{where}/refusal", json=wrong).status_code == 422
    done = call.post(f"{where}/refusal", json={"reason": "不属于归档范围"})
    assert (done.status_code, done.json["item_id"]) == (200, made.id)
    assert call.post(f"{where}/refusal", json={"reason": "再退"}).status_code == 409
    assert call.post(f"{where}/take-again", json={}).json["state"] == "offered"
    clerk = api_for(company.sales_clerk)
    assert clerk.post(f"{where}/refusal", json={"reason": "退"}).status_code in (403, 404)


def test_a_paper_the_check_stops_is_told_on_its_own_page(company, client_for):
    browser = client_for(company.archivist)
    locked = b"%PDF-1.7 /Encrypt 12 0 R"
    where = upload(browser, content=locked).headers["Location"]
    answer = browser.post(f"{where}/accept", data={"version": 1})
    assert answer.status_code == 409 and "四性检测不合格" in answer.text
    assert "GD-3-2" in answer.text and "退回交来的人的原因" in answer.text

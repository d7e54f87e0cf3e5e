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

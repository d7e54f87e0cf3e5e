"""The auditor reads the journal: narrowed, linked where allowed, at any length, exported."""

import pytest
from sqlalchemy import event, insert

from storage.journal import JournalEntry


def write(resources, *acts):
    with resources.work() as uow:
        for actor_id, action, kind, number, detail in acts:
            uow.journal(actor_id, action, kind, number, detail)
        uow.commit()


@pytest.fixture
def told(resources, company, clock):
    write(resources, (company.sales_clerk.id, "loan.request", "loan", 7, {"mode": "original"}))
    clock.advance(days=1)
    write(
        resources,
        (company.archivist.id, "loan.hand_out", "loan", 7, {"copy": "A000123"}),
        (None, "item.quarantine", "item", 12, {"codes": "GD-1-1"}),
    )


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"loan.request", "loan.hand_out", "item.quarantine"}),
        ("person=陈晓", {"loan.request"}),
        ("person=系统", {"item.quarantine"}),
        ("person=查无此人", set()),
        ("action=loan", {"loan.request", "loan.hand_out"}),
        ("action=loan.h", {"loan.hand_out"}),
        ("type=item", {"item.quarantine"}),
        ("type=loan&object=7&since=2026-11-24", {"loan.hand_out"}),
        ("until=2026-11-23", {"loan.request"}),
        ("text=A000123", {"loan.hand_out"}),
        ("text=%25", set()),
        ("object=7' or 1=1", set()),
    ],
)
def test_it_is_narrowed(company, api_for, told, query, found):
    answer = api_for(company.leader).get(f"/api/v1/journal?{query}")
    shown = {line["action"] for line in answer.json["items"]} - {"login", "token.issue"}
    assert {act for act in shown if act.startswith(("loan", "item"))} == found


@pytest.mark.parametrize("query", ["since=昨天", "until=2026-13-01", "since=9999-12-31&until=x"])
def test_a_day_that_is_none_is_refused(company, api_for, client_for, told, query):
    assert api_for(company.leader).get(f"/api/v1/journal?{query}").status_code == 422
    page = client_for(company.leader).get(f"/admin/journal?{query}&person=陈晓东")
    assert page.status_code == 422
    assert "日期应写成 2026-11-23" in page.text and "没有符合条件" not in page.text
    assert 'value="陈晓东"' in page.text, "what was typed stays"


def test_the_page_takes_as_many_statements_for_a_hundred_thousand(resources, company, client_for):
    browser = client_for(company.leader)

    def count(address):
        sent = []

        def note(_connection, _cursor, statement, *_rest):
            sent.append(statement)

        event.listen(resources.database.engine, "before_cursor_execute", note)
        try:
            assert browser.get(address).status_code == 200
        finally:
            event.remove(resources.database.engine, "before_cursor_execute", note)
        return len(sent)

    count("/admin/journal")  # what the banner asks is remembered for a minute
    few = count("/admin/journal")
    rows = [
        {
            "seq": number,
            "at": "2026-11-23T01:30:00.000000+00:00",
            "actor_id": number % 9,
            "action": "item.import",
            "object_type": "item",
            "object_id": str(number),
            "detail": "{}",
            "previous_hash": "0",
            "hash": "0",
        }
        for number in range(1000, 2000)
    ]
    with resources.work() as uow:
        uow.session.execute(insert(JournalEntry), rows)
        uow.commit()
    assert count("/admin/journal?page=10") == few


def test_a_month_is_printed_with_its_roots(resources, company, client_for, told):
    from archive.trust.checkpoints import note_checkpoint

    browser = client_for(company.leader)
    assert browser.get("/admin/checkpoints/2026-11.docx").status_code == 404
    assert browser.get("/admin/checkpoints/十一月.docx").status_code == 422
    assert note_checkpoint(resources)
    word = browser.get("/admin/checkpoints/2026-11.docx")
    assert word.status_code == 200 and word.data.startswith(b"PK")
    assert "月报 PDF" in browser.get("/admin/checkpoints").text

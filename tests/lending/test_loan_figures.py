"""Figures of lending for a period: counted right, nothing shown that may not be, few statements."""

import io
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest
from openpyxl import load_workbook
from sqlalchemy import event

from archive.core.errors import Forbidden, Invalid
from archive.filing import service as filing
from archive.filing.models import Item
from archive.lending import service as lending
from archive.lending.figures import rules
from archive.lending.figures.rules import Out, Use
from archive.lending.figures.service import HIDDEN, figures
from archive.lending.views import HIDDEN_TITLE
from archive.people.readers import write_readers

YEAR = (date(2026, 1, 1), date(2026, 12, 31))


def use(mode="original", day=date(2026, 11, 3), **traits) -> Use:
    told = {
        "department": "销售部",
        "borrower_class": "本部门",
        "item_class": "客户开发",
        "customer": "海信",
        **traits,
    }
    return Use(mode, day, **told)


def read(shelf, who, start=YEAR[0], end=YEAR[1]):
    with shelf.resources.reading() as uow:
        return figures(uow, who, start, end)


@contextmanager
def statements(shelf):
    sent = []

    def note(_connection, _cursor, statement, *_rest):
        sent.append(statement)

    event.listen(shelf.resources.database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(shelf.resources.database.engine, "before_cursor_execute", note)


def test_uses_are_divided_by_every_trait_and_add_up():
    uses = [
        use(),
        use("onsite", date(2026, 12, 1), department="财务部"),
        use("electronic", customer="海尔"),
        use("copy", item_class=""),
    ]
    assert rules.totals(uses).counts == (1, 1, 1, 1)
    tables = {table.key: table for table in rules.tables(uses)}
    assert [line.label for line in tables["month"].lines] == ["2026-11", "2026-12"]
    assert [(line.label, line.total) for line in tables["department"].lines] == [
        ("销售部", 3),
        ("财务部", 1),
    ]
    assert {line.label for line in tables["class"].lines} == {"客户开发", "（未分类）"}
    assert all(sum(line.total for line in table.lines) == 4 for table in tables.values())


def test_a_long_table_keeps_its_sum():
    lines = rules.tables([use(customer=f"客户{n:03d}") for n in range(50)])[3].lines
    assert len(lines) == 21 and lines[-1].label == "其余 30 项" and lines[-1].total == 30


def test_late_is_whoever_was_back_after_the_day_or_is_still_out():
    start = datetime(2026, 11, 2, 1, tzinfo=UTC)
    back = datetime(2026, 11, 6, 1, tzinfo=UTC)
    due, after = date(2026, 11, 6), date(2026, 11, 9)
    found = rules.stay(
        [Out(start, back, due, due), Out(start, None, due, after), Out(start, None, after, due)]
    )
    assert (found.lent, found.still_out, found.late) == (3, 2, 1)
    assert (found.median_days, found.longest_days) == (4.0, 4.0)
    assert round(found.late_share) == 33
    assert rules.stay([]).late_share is None and rules.stay([]).median_days is None


def test_a_year_of_lending_is_counted(shelf, company, clock, client_for):
    first, barcode = shelf.item()
    shelf.lent(company.sales_clerk2, first, barcode)
    clock.advance(days=2)
    shelf.do(lending.take_back, company.archivist, barcode, 3)
    shelf.lent(company.sales_clerk, first, barcode, "onsite")
    shelf.ask(company.other_clerk, first)
    with statements(shelf) as before:
        found = read(shelf, company.archivist)
    assert found.total.counts == (1, 1, 0, 0) and found.refused == 1
    assert found.stay.median_days == pytest.approx(2) and found.stay.still_out == 1
    assert [(line.label, line.total) for line in found.tables[3].lines] == [
        ("青岛海信冰箱有限公司", 2)
    ]
    assert found.asked[0].count == 2 and "没有业务联系" in dict(found.refusals)
    for _ in range(4):
        another, code = shelf.item()
        shelf.lent(company.sales_clerk2, another, code, "onsite")
    with statements(shelf) as after:
        assert read(shelf, company.archivist).total.total == 6
    assert len(after) == len(before) <= 12
    page = client_for(company.archivist).get("/loans/figures?from=2026-01-01&to=2026-12-31")
    text = page.get_data(as_text=True)
    assert page.status_code == 200 and text.count("<svg") >= 6 and "青岛海信冰箱有限公司" in text
    sheet = client_for(company.archivist).get("/loans/figures?as=xlsx")
    book = load_workbook(io.BytesIO(sheet.data))
    assert book.sheetnames[:2] == ["概况", "按月"] and book["按客户"].max_row == 2


def test_what_one_may_not_read_is_not_named(shelf, company):
    item_id, barcode = shelf.item(title="报价底价表", item_class="底价")
    shelf.lent(company.sales_clerk2, item_id, barcode)
    with shelf.resources.work() as uow:
        uow.session.get_one(Item, item_id).secrecy = 3
        uow.session.flush()
        write_readers(uow, "item", item_id, filing.thing_of_item(uow, item_id))
        uow.commit()
    found = read(shelf, company.archivist)
    assert [(one.title, one.code) for one in found.asked] == [(HIDDEN_TITLE, "")]
    for key in (2, 3):
        assert [(line.label, line.total) for line in found.tables[key].lines] == [(HIDDEN, 1)]


@pytest.mark.parametrize(
    "query", ["from=昨天", "from=2026-12-31&to=2026-01-01", "from=0001-01-01&to=9999-12-31"]
)
def test_bad_dates_are_refused_in_words(shelf, company, client_for, query):
    answer = client_for(company.archivist).get(f"/loans/figures?{query}")
    assert answer.status_code == 422 and "alert-danger" in answer.get_data(as_text=True)


def test_only_the_register_sees_figures(shelf, company, client_for):
    with pytest.raises(Forbidden):
        read(shelf, company.sales_clerk)
    with pytest.raises(Invalid):
        read(shelf, company.archivist, YEAR[1], YEAR[0])
    assert client_for(company.sales_clerk).get("/loans/figures").status_code == 403

"""Every list can be taken along as an Excel file: all its pages, and nothing one may not see."""

import io

import openpyxl
import pytest

from archive.core import list_sheets
from archive.customers import service as customers
from archive.filing import service as filing
from archive.jobs import drain_all
from archive.lending import service as lending
from archive.records import drafts
from archive.signing import edge
from doc_templates import sample_values
from tests.conftest import PASSWORD

LISTS = {
    "/customers": "archivist",
    "/items": "archivist",
    "/volumes": "archivist",
    "/signing?view=done": "sales_clerk",
    "/search?q=E01": "sales_clerk",
    "/admin/users": "admin",
    "/admin/journal": "admin",
}


def lines_of(answer) -> list[tuple[object, ...]]:
    assert answer.status_code == 200, answer.get_data(as_text=True)[:300]
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    return list(book.active.iter_rows(values_only=True))


@pytest.fixture
def filed(resources, company) -> int:
    """A paper of the sales department, signed and filed; return its item's id."""
    with resources.work() as uow:
        draft = drafts.create_draft(uow, company.sales_clerk, "E01", sample_values("E01"))
        uow.commit()
    edge.submit(resources, company.sales_clerk, draft.id, draft.version)
    for person in (company.sales_clerk, company.sales_head, company.leader):
        edge.sign(resources, person, draft.id, password=PASSWORD, drawn_png=None)
    with resources.work() as uow:
        item = filing.file_record(uow, company.archivist, draft.id)
        uow.commit()
    return item.id


def add_customers(resources, company, names: list[str]) -> None:
    with resources.work() as uow:
        for name in names:
            fields = customers.CustomerFields(name=name)
            customers.create_customer(uow, company.sales_clerk, fields)
        uow.commit()


@pytest.mark.parametrize("path", LISTS)
def test_every_list_is_a_sheet_with_the_same_lines(path, resources, company, client_for, filed):
    drain_all(resources)
    client = client_for(getattr(company, LISTS[path]))
    answer = client.get(f"{path}{'&' if '?' in path else '?'}as=xlsx")
    lines = lines_of(answer)
    assert len(lines) > 1 and all(lines[0])
    assert "导出 Excel" in client.get(path).text


def test_a_sheet_holds_every_page_and_only_what_was_asked_for(resources, company, client_for):
    add_customers(resources, company, [f"佛山第{n}制冷厂" for n in range(130)] + ["=1+1", "海信"])
    client = client_for(company.sales_clerk)
    names = [line[1] for line in lines_of(client.get("/customers?as=xlsx"))[1:]]
    assert len(names) == len(set(names)) == 132
    assert "=1+1" in names  # as text: openpyxl would read a formula as its own type
    assert [line[1] for line in lines_of(client.get("/customers?as=xlsx&text=海信"))[1:]] == [
        "海信"
    ]


def test_what_was_typed_never_becomes_a_formula(resources, company, client_for):
    add_customers(resources, company, ['=HYPERLINK("http://x","y")'])
    answer = client_for(company.sales_clerk).get("/customers?as=xlsx")
    cells = [cell for row in openpyxl.load_workbook(io.BytesIO(answer.data)).active for cell in row]
    assert "f" not in {cell.data_type for cell in cells}


def test_the_lending_log_is_a_sheet_in_each_of_its_views(resources, company, client_for, filed):
    with resources.work() as uow:
        lending.seed_rules(uow)
        uow.commit()
    asked = {"item": filed, "mode": "original", "purpose": "", "business_reference": ""}
    assert client_for(company.other_clerk).post("/loans/new", data=asked).status_code == 403
    asked |= {"purpose": "核对合同条款", "business_reference": "E01"}
    mine = client_for(company.sales_clerk2)
    assert mine.post("/loans/new", data=asked).status_code in (302, 303)
    keeper = client_for(company.archivist)
    for view, lines in (("open", 0), ("lent", 0), ("refused", 1), ("nonsense", 0)):
        found = lines_of(keeper.get(f"/loans/register?view={view}&as=xlsx"))
        assert len(found) >= 1 + lines, view
    assert len(lines_of(mine.get("/loans?as=xlsx"))) == 2
    assert client_for(company.sales_clerk).get("/loans/register?as=xlsx").status_code == 403


def test_a_sheet_shows_nothing_one_may_not_see(company, client_for, filed):
    assert len(lines_of(client_for(company.other_clerk).get("/items?as=xlsx"))) == 1
    assert client_for(company.sales_clerk).get("/admin/journal?as=xlsx").status_code == 403
    assert client_for(None).get("/customers?as=xlsx").status_code == 302


def test_a_list_too_long_says_what_to_do(resources, company, client_for, monkeypatch):
    monkeypatch.setattr(list_sheets, "MOST_LINES", 2)
    add_customers(resources, company, ["甲厂", "乙厂", "丙厂"])
    answer = client_for(company.sales_clerk).get("/customers?as=xlsx")
    assert answer.status_code == 413 and "缩小范围" in answer.text


def test_a_catalogue_of_a_volume_is_a_sheet(resources, company, client_for, filed):
    with resources.reading() as uow:
        volume = filing.get_item(uow, company.archivist, filed).volume_id
    lines = lines_of(client_for(company.archivist).get(f"/volumes/{volume}?as=xlsx"))
    assert [line[0] for line in lines] == ["序号", 1]

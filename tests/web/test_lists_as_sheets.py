"""Every list can be taken along as an Excel file: all its pages, and nothing one may not see."""

import io
from datetime import date, timedelta
from pathlib import Path

import openpyxl
import pytest
from flask import template_rendered
from PIL import Image, ImageDraw

import archive
from archive.core import list_sheets
from archive.core.clock import local_day
from archive.customers import service as customers
from archive.filing import service as filing
from archive.filing.checks.edge import keep_volume_check
from archive.filing.controlled import edge as controlled
from archive.filing.controlled.service import Declared
from archive.filing.incoming import service as incoming
from archive.filing.stocktake import service as stocktake
from archive.filing.stocktake.service import Scope
from archive.jobs import drain_all
from archive.lending import service as lending
from archive.people.access import mark_left
from archive.people.grants.service import GrantFields
from archive.records import drafts
from archive.search import synonyms
from archive.signing import delegation, edge
from archive.signing.seals import edge as seals
from archive.signing.seals import outings, register
from archive.signing.seals.rules import PaperEntry, SealFields
from archive.tasks import service as tasks
from archive.trust.access import service as circle
from archive.trust.checkpoints import note_checkpoint
from doc_templates import sample_values
from tests.conftest import PASSWORD

LISTS = {
    "/customers": "archivist",
    "/records": "sales_clerk",
    "/items": "archivist",
    "/volumes": "archivist",
    "/volumes/{volume}": "archivist",
    "/filing": "archivist",
    "/filing/plan": "archivist",
    "/filing/late": "archivist",
    "/controlled": "archivist",
    "/controlled/{controlled}": "archivist",
    "/filing/incoming": "archivist",
    "/handover": "sales_clerk",
    "/handover/all": "archivist",
    "/checks": "archivist",
    "/quarantine": "archivist",
    "/places": "archivist",
    "/places/1": "archivist",
    "/places/copies": "archivist",
    "/stocktakes": "archivist",
    "/stocktakes/{stocktake}": "archivist",
    "/signing?view=done": "sales_clerk",
    "/signing/settings": "sales_clerk",
    "/signing/stuck": "admin",
    "/loans": "sales_clerk2",
    "/loans/approvals": "sales_head",
    "/loans/register?view=refused": "archivist",
    "/loans/items/{item}/log": "archivist",
    "/loans/rules": "archivist",
    "/loans/rules/own-open-original": "archivist",
    "/seals": "archive_head",
    "/seals/{seal}": "archive_head",
    "/seals/register": "archive_head",
    "/search?q=E01": "sales_clerk",
    "/search/synonyms": "archivist",
    "/tasks": "sales_clerk",
    "/forms": "admin",
    "/forms/E01": "admin",
    "/admin/users": "admin",
    "/admin/roles": "admin",
    "/access/grants": "admin",
    "/access/item/{item}": "admin",
    "/access/mine": "other_clerk",
    "/admin/journal": "leader",
    "/admin/checkpoints": "leader",
}
GIVEN_OUT_ELSEWHERE = {
    "signin/log.html": "tests/people/signin/test_signin_log.py",
    "signin/mine.html": "tests/people/signin/test_signin_log.py",
    "retention/home.html": "tests/filing/retention",
    "incidents/list.html": "tests/lending/test_incidents.py",
    "search/unread.html": "tests/search/test_unread_files.py",
    "visits/list.html": "tests/lending/test_outsiders.py",
    "figures/figures.html": "tests/lending/test_loan_figures.py",
}
NOT_LISTS = {
    "signin/of_user.html": "one person's devices and tokens, a handful",
    "signin/_entries.html": "the lines of the two lists of sign-ins",
    "access/_parts.html": "the table of /access/grants, which gives them out",
    "search/saved.html": "one's own searches; what they find is given out",
    "health/page.html": "what the machine is doing, not a list of things",
    "viewing/_sheets.html": "what left the archive on one request",
    "retention/appraisal.html": "one appraisal, printed as A15",
    "retention/list.html": "one destruction or transfer list, printed as A08 or A14",
    "retention/holds.html": "the few holds in force",
    "customers/conflict.html": "two versions of one customer side by side",
    "records/edit.html": "two versions of one paper side by side",
    "records/show.html": "what one version changed",
    "records/earlier.html": "a choice inside a form being filled in; /records is the list",
    "records/_sheet.html": "one paper as it is printed",
    "records/import_report.html": "its faults are given out in the file that came in",
    "handover/_parts.html": "the tables of /handover and /handover/all, which give them out",
    "handover/show.html": "one hand-over list, printed as A07",
    "controlled/_parts.html": "the tables of /controlled, which gives them out",
    "checks/show.html": "one check, printed as A16",
    "incoming/batch.html": "a form: the files of a batch, entered in place",
    "places/_parts.html": "the tables of /places/copies and a place's page, which give them out",
    "filing/check.html": "the outcome of one volume's check",
    "visits/show.html": "one outsider's visit; /loans/visits is the list",
    "groups/basket.html": "what one put aside and has not asked for yet",
    "groups/show.html": "one loan note, printed as A01; /loans gives its requests out",
    "groups/desk.html": "a form: the copies of one note, ticked as they are scanned",
    "lending/desk.html": "what waits for pick-up today; /loans/register is the list",
    "signing/verify.html": "one paper's signatures, for strangers",
    "workdays/workdays.html": "a year's twelve months, and the few stretches set by hand",
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


@pytest.fixture
def busy(resources, company, client_for, filed, clock) -> dict[str, int]:
    """A company with something in each of its lists; return the ids that addresses need."""
    with resources.work() as uow:
        lending.seed_rules(uow)
        synonyms.add_group(uow, company.archivist, "合同 = 合约")
        draft = drafts.create_draft(uow, company.sales_clerk, "E01", sample_values("E01"))
        tasks.start_task(uow, company.sales_clerk, "bundle", "打包 E01", {})
        until = local_day(clock()) + timedelta(days=9)
        agent = company.finance_clerk
        delegation.delegate_tasks(uow, company.sales_clerk, agent, local_day(clock()), until)
        filing.offer_paper(
            uow, company.archivist, filing.read_row({"title": "客户来函", "year": 2024}), None
        )
        incoming.make_batch(uow, company.archivist, "三月扫描", {})
        volume = filing.get_item(uow, company.archivist, filed).volume_id
        counted = stocktake.open_take(uow, company.archivist, Scope("volume", volume))
        uow.commit()
    drain_all(resources)
    edge.submit(resources, company.sales_clerk, draft.id, draft.version)
    asked = {"item": filed, "mode": "original", "purpose": "", "business_reference": ""}
    client_for(company.other_clerk).post("/loans/new", data=asked)
    asked |= {"purpose": "核对合同条款", "business_reference": "E01"}
    client_for(company.sales_clerk2).post("/loans/new", data=asked)
    with resources.work() as uow:
        mark_left(uow, company.admin, company.finance_clerk.id)
        uow.commit()
    note_checkpoint(resources)
    with resources.work() as uow:
        opened = GrantFields("item", filed, until, "核对售后记录")
        circle.let_in(uow, company.admin, company.other_clerk.username, opened)
        uow.commit()
    issued = issued_copy(resources, company, filed)
    lose_a_file(resources, company, filed, volume)
    seal = used_seal(resources, company)
    return {
        "item": filed,
        "volume": volume,
        "seal": seal,
        "controlled": issued,
        "stocktake": counted.id,
    }


def issued_copy(resources, company, item_id: int) -> int:
    """A controlled document of which a copy was issued; return its id."""
    said = Declared(0, "WI-1", "作业指导书", "A/0", date(2026, 11, 23), is_legible=True)
    document = controlled.declare(resources, company.archivist, item_id, said)
    person = company.sales_clerk
    controlled.issue(resources, company.archivist, document.id, company.sales_id, person.id)
    return document.id


def lose_a_file(resources, company, item_id: int, volume_id: int) -> None:
    """A file of the item is lost, and a check of its volume puts the item aside."""
    with resources.reading() as uow:
        files = filing.get_item(uow, company.archivist, item_id).files
    resources.blobs.delete(files[-1].sha256)
    keep_volume_check(resources, company.archivist, volume_id)


def used_seal(resources, company) -> int:
    """The company's seal, used once and now taken out; return its id."""
    ring, png = Image.new("RGBA", (496, 496), "white"), io.BytesIO()
    ImageDraw.Draw(ring).ellipse((4, 4, 491, 491), outline=(200, 16, 16, 255), width=14)
    ring.save(png, "PNG")
    told = SealFields("公章", "公章", 42.0, 42.0, "archive_head")
    seal_id = seals.add_seal(resources, company.admin, told, png.getvalue())
    keeper = company.archive_head
    with resources.work() as uow:
        paper = PaperEntry("年检报告", "工商年检", "周志远", approved=1, stamped=1, pages=2)
        register.enter_use(uow, keeper, seal_id, paper)
        outings.take_out(uow, keeper, seal_id, company.sales_clerk, "周志远", "工商局", "年检")
        uow.commit()
    return seal_id


def test_every_list_is_a_sheet_with_the_same_lines(app, resources, company, client_for, busy):
    shown: set[str] = set()

    def note(_app, template, **_context) -> None:
        shown.add(template.name)

    for address, person in LISTS.items():
        path = address.format(**busy)
        client = client_for(getattr(company, person))
        with template_rendered.connected_to(note, app):
            page = client.get(path).text
        assert "导出 Excel" in page and "as=xlsx" in page, path
        answer = client.get(f"{path}{'&' if '?' in path else '?'}as=xlsx", follow_redirects=True)
        assert answer.status_code == 200, path
        sheets = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets
        assert all(cell.value for sheet in sheets for cell in sheet[1]), path
        assert any(sheet.max_row > 1 for sheet in sheets), path
    assert list_templates() - NOT_LISTS.keys() - GIVEN_OUT_ELSEWHERE.keys() <= shown


def test_no_list_page_is_without_its_sheet():
    """A new page with a table or a pager gives it out as Excel, or is named above with why not."""
    without = {name for name in list_templates() if "export_link()" not in template_text(name)}
    assert without == NOT_LISTS.keys()


def list_templates() -> set[str]:
    return {
        name
        for name in TEMPLATES
        if "<table" in template_text(name) or "{{ pager(" in template_text(name)
    }


def template_text(name: str) -> str:
    return TEMPLATES[name].read_text(encoding="utf-8")


TEMPLATES = {
    path.as_posix().rpartition("/templates/")[2]: path
    for path in Path(archive.__path__[0]).rglob("*.html")
}


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

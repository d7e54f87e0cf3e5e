"""The list of one form is narrowed by the entries its definition names as facets."""

import io

import openpyxl
import pytest

from archive.forms.service import get_form
from archive.records import drafts
from archive.records import service as records
from doc_templates import sample_values


@pytest.fixture
def three(resources, company):
    """Three monthly reports: two of one person, one of another."""
    with resources.work() as uow:
        for name, month in (("陈晓东", "2026-09"), ("陈晓东", "2026-10"), ("林美玲", "2026-10")):
            values = sample_values("E10") | {"填报人": name, "月份": month}
            drafts.create_draft(uow, company.sales_clerk, "E10", values)
        uow.commit()


def test_facets_count_what_one_may_read(resources, company, three):
    with resources.reading() as uow:
        form = get_form(uow, "E10")
        people, months = records.facet_counts(uow, company.sales_clerk, form)
        nobody = records.facet_counts(uow, company.other_clerk, form)
    assert (people.label, people.values) == ("填报人姓名", (("陈晓东", 2), ("林美玲", 1)))
    assert dict(months.values) == {"2026-10": 2, "2026-09": 1}
    assert [one.values for one in nobody] == [(), ()]


def test_list_sheet_and_page_are_narrowed_alike(company, client_for, three):
    clerk = client_for(company.sales_clerk)
    page = clerk.get("/records?form=E10&f.填报人=陈晓东&f.月份=2026-10").text
    assert "共 1 条" in page and "陈晓东（2）" in page and "林美玲（1）" in page
    answer = clerk.get("/records?form=E10&f.填报人=陈晓东&as=xlsx", follow_redirects=True)
    sheets = openpyxl.load_workbook(io.BytesIO(answer.data)).worksheets
    assert max(sheet.max_row for sheet in sheets) >= 3
    assert "共 3 条" in clerk.get("/records?form=E10&f.填报人=").text


@pytest.mark.parametrize("name", ["f.", 'f."', "f.$.a", "f.没有这一栏", "f.a b", "f." + "长" * 300])
def test_strange_facets_do_no_harm(company, client_for, three, name):
    answer = client_for(company.sales_clerk).get(
        "/records", query_string={"form": "E10", name: "x"}
    )
    assert answer.status_code == 200

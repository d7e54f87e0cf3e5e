"""Fields and dates beside the results: counted, narrowed by, taken away again; and no more."""

import json
import re
from urllib.parse import quote

import pytest

from archive.search.answers import cli_search
from archive.search.narrowing import choices
from archive.search.rules import whole_span, with_period
from archive.search.views import Facet, FacetValue, Found


@pytest.fixture
def papers(take_in, drain):
    for day, number in (("2023-11-02", 1), ("2024-02-03", 2), ("2024-02-28", 3)):
        take_in(
            f"与海信的第{number}份买卖合同",
            customer="青岛海信电器有限公司",
            department="销售部",
            date=day,
            year=int(day[:4]),
        )
    take_in("海信机密底价", department="销售部", date="2019-05-06", secrecy="机密")
    drain()


def test_bars_lead_to_their_month_and_back(client_for, company, papers):
    client = client_for(company.sales_clerk)
    body = client.get("/search?q=海信").get_data(as_text=True)
    bars = re.findall(r'href="([^"]+)"[^>]*aria-label="([^"]+) 件', body)
    address = f"/search?q={quote('海信')}"
    assert bars == [
        (f"{address}&amp;date=2023-11", "2023年11月，1"),
        (f"{address}&amp;date=2024-02", "2024年2月，2"),
    ]
    assert "2019" not in body
    assert "机密" not in body
    narrowed = client.get("/search?q=海信&date=2024-02&year=2024").get_data(as_text=True)
    assert "<strong>2</strong> 件" in narrowed
    assert "日期：2024年2月" in narrowed
    assert f'href="{address}&amp;year=2024"' in narrowed


def test_api_and_command_tell_the_same_and_no_more(api_for, resources, company, papers):
    answer = api_for(company.sales_clerk).get("/api/v1/search?q=海信&filter=日期:2024").get_json()
    told = cli_search(resources, "sales_clerk", "海信", filters=["date=2024"])
    assert answer["facets"] == told["facets"]
    assert told["total"] == 2
    assert told["facets"]["date"] == {"2024-02": 2, "2024": 0}
    assert set(told["facets"]["secrecy"]) == {"内部"}
    assert set(told["facets"]) >= {"class", "maker"}
    assert "2019" not in json.dumps(told["facets"])


@pytest.mark.parametrize("wrong", ["2024-13", "昨天", "<script>", "2024-1", "x" * 300, "٢٠٢٤"])
def test_a_date_that_is_none_finds_nothing(client_for, company, papers, wrong):
    answer = client_for(company.sales_clerk).get("/search", query_string={"date": wrong})
    assert answer.status_code == 200
    assert "没有找到" in answer.get_data(as_text=True)


def test_a_year_gives_way_to_its_month():
    assert with_period(("2024", "2022"), "2024-03") == ("2022", "2024-03")
    assert with_period(("2024-01", "2024-03"), "2024") == ("2024",)
    assert with_period(("2024-01",), "2024-01") == ()


def test_empty_months_and_years_stand_between():
    assert whole_span([("2023-12", 1), ("2024-02", 5)]) == (
        ("2023-12", 1),
        ("2024-01", 0),
        ("2024-02", 5),
    )
    assert [year for year, _ in whole_span([("2001", 1), ("2004", 2)])][1:3] == ["2002", "2003"]
    assert whole_span([("0001", 1), ("9999", 2)]) == (("0001", 1), ("9999", 2))
    assert whole_span([]) == ()


def found_with(facet, **filters):
    return Found("海信", (), 100, 1.0, (facet,), (), filters, "date", 1, 20)


def test_the_most_frequent_values_are_listed_the_chosen_ones_never_folded(built_app):
    values = tuple(FacetValue(f"客户&{n}", f"客户&{n}", 100 - n, n == 70) for n in range(100))
    facet = Facet("customer", "客户", values)
    with built_app.app.test_request_context("/search"):
        listed = choices(found_with(facet, customer=("客户&70",)), facet)
        plain = choices(found_with(facet, year=("2024",)), facet)
    assert [one.label for one in listed.first][5:] == ["客户&5", "客户&70"]
    assert (len(listed.more), listed.left_out) == (34, 59)
    assert listed.first[-1].url == f"/search?q={quote('海信')}&sort=date"
    assert listed.first[0].url.endswith(f"customer={quote('客户&70')}&customer={quote('客户&0')}")
    address = f"/search?q={quote('海信')}&sort=date&year=2024&customer={quote('客户&1')}"
    assert plain.first[1].url == address

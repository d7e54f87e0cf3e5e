"""The page and the API: whatever is typed, an answer in plain words, escaped, never a 500."""

import json
import re
from urllib.parse import quote, urlencode

import pytest

from archive.search.rules import plain_and_marks

HOSTILE = [
    "",
    " ",
    '"',
    "(((",
    ")",
    "AND OR NOT",
    "-",
    "*",
    "a* OR *b",
    "客户:",
    ":::",
    '"买卖合同',
    "\x00",
    "\u202e合同",
    "🧧",
    "𠮷",
    "{{7*7}}",
    "{% for %}",
    "客户&合同",
    "A<B & C",
    "<script>alert(1)</script>",
    "'; DROP TABLE item; --",
    "%",
    "_",
    "甲" * 10_000,
    "(" * 3000,
    "\ud7ff\ue000",
    "年度:9999..1",
    "日期:2026",
    "[a-z]+(",
]


@pytest.fixture
def paper(take_in, drain):
    item_id = take_in(
        "<img src=x onerror=alert(1)>与A<B & C的{{7*7}}合同",
        text='正文<script>alert("合同")</script>结束',
        customer="客户<b>&合同",
        department="销售部",
        status="<i>状态</i>",
        number="N<1>&2",
        year=2026,
    )
    drain()
    return item_id


@pytest.mark.parametrize("text", HOSTILE, ids=[str(n) for n in range(len(HOSTILE))])
def test_any_query_gets_a_page_and_an_answer(client_for, api_for, company, paper, text):
    page = client_for(company.sales_clerk)
    for url in (f"/search?q={quote(text)}", f"/search/suggest?q={quote(text)}"):
        assert page.get(url).status_code == 200, url
    answer = api_for(company.sales_clerk).get(f"/api/v1/search?q={quote(text)}")
    assert answer.status_code == 200
    assert set(answer.get_json()) >= {"total", "took_ms", "hits", "facets", "notes"}


def test_raw_bytes_in_the_address_get_a_page(client_for, company, paper):
    assert client_for(company.sales_clerk).get("/search?q=%ff%fe%00%c3").status_code == 200


def test_title_passage_facets_and_query_are_escaped(client_for, company, paper):
    body = client_for(company.sales_clerk).get("/search?q=合同").get_data(as_text=True)
    for raw in ("<img src=x", '<script>alert("', "<b>&合同", "<i>状态", "N<1>"):
        assert raw not in body, raw
    assert "&lt;img src=x onerror=alert(1)&gt;" in body
    assert "{{7*7}}<mark>合同</mark>" in body
    assert "<mark>合同</mark>&#34;)&lt;/script&gt;" in body
    query = client_for(company.sales_clerk).get("/search?q=" + quote('"><script>x'))
    assert "<script>x" not in query.get_data(as_text=True)


def test_page_has_no_inline_script_or_style(client_for, company, paper):
    body = client_for(company.sales_clerk).get("/search?q=合同").get_data(as_text=True)
    assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", body)
    assert not re.search(r"<[^>]+\sstyle=", body)
    assert not re.search(r"<[a-z][^>]*\son[a-z]+=", body)


def test_filters_toggle_and_keep_the_query(client_for, company, paper):
    client = client_for(company.sales_clerk)
    body = client.get("/search?q=合同").get_data(as_text=True)
    switched_on = "/search?" + urlencode({"q": "合同", "year": "2026"}).replace("&", "&amp;")
    assert f'href="{switched_on}"' in body
    body = client.get("/search?q=合同&year=2026").get_data(as_text=True)
    assert 'aria-current="true"' in body
    switched_off = "/search?" + urlencode({"q": "合同"})
    assert f'href="{switched_off}"' in body
    assert '<input type="hidden" name="year" value="2026">' in body


def test_a_page_of_many_takes_as_few_statements_as_a_page_of_one(
    client_for, api_for, company, take_in, draft, drain, count_statements
):
    take_in("海信的唯一合同", department="销售部")
    for number in range(12):
        take_in(f"长虹的第{number}份合同", department="销售部")
        draft(客户名称="长虹") if number < 3 else None
    drain()
    page, answer = client_for(company.sales_clerk), api_for(company.sales_clerk)
    for ask, address, most in ((page, "/search", 20), (answer, "/api/v1/search", 12)):
        sent = []
        for text in ("海信", "长虹", "长虹"):
            with count_statements() as statements:
                assert ask.get(f"{address}?q={text}&filter=").status_code == 200
            sent.append([one for one in statements if not one.startswith("BEGIN")])
        assert len(sent[1]) - len(sent[0]) in (0, 1)  # what corrects records, where there are any
        assert len(sent[2]) <= most


def test_hit_leads_to_its_item(client_for, company, paper):
    client = client_for(company.sales_clerk)
    body = client.get("/search?q=合同").get_data(as_text=True)
    assert f'href="/items/{paper}"' in body
    assert client.get(f"/items/{paper}").status_code == 200


def test_draft_leads_to_its_record(client_for, company, draft, drain):
    record_id = draft("E01", 客户名称="宁波东海轴承有限公司")
    drain()
    body = client_for(company.sales_clerk).get("/search?q=东海").get_data(as_text=True)
    assert f'href="/records/{record_id}"' in body


def test_nothing_found_says_what_to_try(client_for, company, paper):
    client = client_for(company.sales_clerk)
    body = client.get("/search?q=长虹冰箱&year=2026").get_data(as_text=True)
    assert "没有找到“长虹冰箱”" in body
    assert "去掉筛选条件" in body


def test_page_past_the_end_leads_back(client_for, company, paper):
    body = client_for(company.sales_clerk).get("/search?q=合同&page=7").get_data(as_text=True)
    assert "回到第一页" in body


@pytest.mark.parametrize("query", ["page=0", "page=-3", "page=x", "sort=evil", "form=&year="])
def test_page_puts_up_with_wrong_paging_and_sorting(client_for, company, paper, query):
    answer = client_for(company.sales_clerk).get(f"/search?q=合同&{query}")
    assert answer.status_code == 200
    assert "1</strong> 件" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=x",
        "page=99999999999999999999",
        "per_page=101",
        "per_page=0",
        "sort=evil",
        "filter=evil:1",
        "filter=form",
        "surprise=1",
        "filter=form:" + "x" * 400,
    ],
)
def test_api_refuses_wrong_input_with_the_field(api_for, company, paper, query):
    answer = api_for(company.sales_clerk).get(f"/api/v1/search?q=合同&{query}")
    assert answer.status_code == 422
    assert answer.get_json()["error"]["fields"]


def test_too_many_filters_are_refused_in_words(client_for, company, paper):
    many = "&".join(f"customer=c{n}" for n in range(60))
    answer = client_for(company.sales_clerk).get(f"/search?{many}")
    assert answer.status_code == 422
    assert "筛选太多" in answer.get_data(as_text=True)


def test_api_filters_by_several_values(api_for, company, paper, take_in, drain):
    take_in("旧合同", department="销售部", year=2001)
    drain()
    api = api_for(company.sales_clerk)
    both = api.get("/api/v1/search?q=合同&filter=year:2026&filter=年度=2001&sort=date").get_json()
    assert both["total"] == 2
    one = api.get("/api/v1/search?q=合同&filter=year:2001").get_json()
    assert [hit["title"] for hit in one["hits"]] == ["旧合同"]
    assert one["facets"]["year"] == {"2001": 1, "2026": 1}


def test_api_marks_point_into_the_plain_text(api_for, company, paper):
    [hit] = api_for(company.sales_clerk).get("/api/v1/search?q=合同").get_json()["hits"]
    assert hit["id"] == f"item:{paper}"
    assert hit["number"] == "N<1>&2"
    assert {hit["snippet"][start:end] for start, end in hit["marks"]} == {"合同"}
    assert {hit["title"][start:end] for start, end in hit["title_marks"]} == {"合同"}


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("合同 AND (", "括号没有成对，已按普通词语查找。"),
        ('"合同', "引号没有成对，已按普通词语查找。"),
        ("合同 OR", "“OR”前后都要有词"),
        ("客户:", "“客户:”后面没有写要找的内容"),
        ("颜色:合同", "没有“颜色”这个字段，已按普通词语查找。"),
        ("金额>合同", "“金额&gt;合同”看不懂，已按普通词语查找。"),
    ],
)
def test_wrong_syntax_is_searched_as_words_and_said(client_for, company, paper, typed, said):
    body = client_for(company.sales_clerk).get("/search?q=" + quote(typed)).get_data(True)
    assert said in body
    assert "<mark>合同</mark>" in body or "合同" not in typed


def test_suggestions_are_json_with_the_way_there(client_for, company, paper):
    client = client_for(company.sales_clerk)
    found = json.loads(client.get("/search/suggest?q=合同").get_data(True))["items"]
    assert {one["url"] for one in found} == {"", f"/items/{paper}"}
    assert all(one["note"] for one in found if not one["url"])


def test_search_box_of_every_page_leads_here(client_for, company):
    body = client_for(company.sales_clerk).get("/items").get_data(as_text=True)
    assert 'action="/search"' in body


def test_marks_count_in_the_plain_text():
    assert plain_and_marks((("海", False), ("信", True), ("电", False))) == ("海信电", [(1, 2)])
    assert plain_and_marks(()) == ("", [])

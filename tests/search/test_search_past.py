"""One's own past searches come up while typing, nobody else's; and each may clear them."""

import pytest

from archive.search import past
from archive.search.service import suggest


@pytest.fixture
def papers(take_in, drain):
    take_in("与海信的买卖合同", customer="青岛海信电器有限公司", department="销售部")
    drain()


def texts(resources, actor, typed=""):
    return [one.text for one in suggest(resources, actor, typed) if one.kind == "past"]


def test_searches_that_found_something_come_up_again(client_for, resources, company, papers):
    client = client_for(company.sales_clerk)
    for query in ("海信 合同", "买卖", "没有这个", "海信 合同", "合"):
        assert client.get("/search", query_string={"q": query}).status_code == 200
    assert texts(resources, company.sales_clerk) == ["海信 合同", "买卖"]
    assert texts(resources, company.sales_clerk, "買") == ["买卖"]
    assert texts(resources, company.other_clerk) == []
    items = client.get("/search/suggest?q=海信").json["items"]
    assert [(one["text"], one["kind"]) for one in items][:2] == [
        ("海信 合同", "past"),
        ("青岛海信电器有限公司", "customer"),
    ]


def test_they_can_be_cleared_by_their_owner_only(client_for, resources, company, papers):
    for actor in (company.sales_clerk, company.archivist):
        client_for(actor).get("/search?q=海信")
    assert client_for(company.sales_clerk).post("/search/past/clear").status_code == 302
    assert texts(resources, company.sales_clerk) == []
    assert texts(resources, company.archivist) == ["海信"]


def test_only_the_newest_fifty_are_kept(resources, company):
    for number in range(55):
        with resources.work() as uow:
            assert past.remember(uow, company.sales_clerk, f"合同{number}")
            uow.commit()
    with resources.reading() as uow:
        kept = past.past_searches(uow, company.sales_clerk, "", 100)
    assert len(kept) == 50
    assert kept[0] == "合同54"


@pytest.mark.parametrize("text", ["", " ", "合", "长" * 201, "海信\x00合同", "海信\u202e"])
def test_what_is_no_search_is_not_kept(resources, company, text):
    with resources.work() as uow:
        assert not past.remember(uow, company.sales_clerk, text)


def test_filtered_and_later_pages_write_nothing(client_for, resources, company, papers):
    client = client_for(company.sales_clerk)
    for address in ("/search?q=海信&department=销售部", "/search?q=海信&page=2", "/search"):
        client.get(address)
    assert texts(resources, company.sales_clerk) == []


def test_a_server_notes_searches_a_moment_later(client_for, resources, company, papers):
    resources.afterwards.put_off()
    client = client_for(company.sales_clerk)
    assert client.get("/search?q=海信").status_code == 200
    resources.afterwards.settle()
    with resources.reading() as uow:
        assert past.past_searches(uow, company.sales_clerk, "", 5) == ("海信",)
    client.get("/search?q=买卖")
    assert client.post("/search/past/clear").status_code == 302  # the one not yet written too
    resources.afterwards.settle()
    with resources.reading() as uow:
        assert past.past_searches(uow, company.sales_clerk, "", 5) == ()

"""The page, the API and the command ask whether one meant another word; never one of a secret."""

import pytest

from archive.search.answers import cli_search


@pytest.fixture
def papers(take_in, drain):
    take_in("与海信的买卖合同", text="断路器三台", department="销售部", number="HT-2024-0017")
    take_in("凤凰山项目预算", text="专项资金", department="财务部", secrecy="机密")
    drain()


def test_page_offers_the_word_as_a_link(client_for, company, papers):
    page = client_for(company.sales_clerk).get("/search?q=断路气").get_data(as_text=True)
    assert "您要找的是不是" in page
    assert "/search?q=%E6%96%AD%E8%B7%AF%E5%99%A8" in page


def test_api_and_command_offer_it_too(api_for, company, resources, papers):
    answer = api_for(company.sales_clerk).get("/api/v1/search?q=HT-2024-0071").json
    assert answer["did_you_mean"] == ["ht-2024-0017"]
    assert cli_search(resources, None, "风凰山")["did_you_mean"] == ["凤凰山"]


def test_nothing_is_offered_from_papers_one_may_not_see(client_for, api_for, company, papers):
    page = client_for(company.sales_clerk).get("/search?q=风凰山").get_data(as_text=True)
    assert "您要找的是不是" not in page and "凤凰山" not in page
    assert api_for(company.sales_clerk).get("/api/v1/search?q=风凰山").json["did_you_mean"] == []

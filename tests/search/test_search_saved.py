"""Searches one keeps: one's own only; what newly fits is told once, to whom may see it."""

import socket
from dataclasses import replace
from datetime import date
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import update

from archive.core.errors import Conflict, Invalid, NotFound
from archive.jobs import drain_all
from archive.people.models import User
from archive.search import saved
from archive.search.saved_news import look_for_news
from archive.search.service import matching_ids


@pytest.fixture
def keep(resources, company):
    """Return a hand that keeps a search of a person, as the page does; gives its id."""

    def make(text="海信", name="海信的文件", person=None, filters=None):
        person = person or company.sales_clerk
        known = matching_ids(resources, person, text, filters or {})
        with resources.work() as uow:
            one = saved.save(uow, person, name, text, filters or {}, "relevance", known)
            uow.commit()
        return one.id

    return make


@pytest.fixture
def fresh(resources, company):
    """Return what is new in a person's first search, after the worker has looked."""

    def look(person=None):
        look_for_news(resources)
        with resources.reading() as uow:
            [one, *_] = saved.list_saved(uow, person or company.sales_clerk)
        return [card.public_id for card in one.fresh]

    return look


def test_what_newly_fits_is_told_once_and_gone_when_seen(
    resources, company, keep, fresh, take_in, drain, client_for
):
    take_in("海信旧合同", department="销售部")
    drain()
    saved_id = keep()
    assert fresh() == []
    new = take_in("海信新合同", department="销售部")
    take_in("长虹新合同", department="销售部")
    take_in("海信底价", department="销售部", secrecy="机密")
    drain()
    assert fresh() == [f"item:{new}"]
    assert look_for_news(resources) == 0
    client = client_for(company.sales_clerk)
    assert "保存的检索里新来的" in client.get("/").get_data(as_text=True)
    assert "我保存的检索（1 件新的）" in client.get("/search?q=x").get_data(as_text=True)
    assert f'href="/items/{new}"' in client.get("/search/saved").get_data(as_text=True)
    answer = client.post(f"/search/saved/{saved_id}/run")
    assert answer.headers["Location"].startswith("/search?q=")
    assert fresh() == []
    assert "保存的检索里新来的" not in client.get("/").get_data(as_text=True)


def test_a_paper_that_is_filed_is_no_news_again(
    company, keep, fresh, draft, sign, file_away, drain, resources
):
    draft("E01")
    drain()
    keep("东海轴承")
    record_id = draft("E01", 客户名称="宁波东海轴承有限公司")
    drain()
    assert fresh() == [f"record:{record_id}"]
    sign(record_id)
    drain()
    assert fresh() == [f"record:{record_id}"]
    item_id = file_away(record_id)
    with resources.work() as uow:
        uow.outbox("index", f"item:{item_id}")
        uow.commit()
    drain()
    assert look_for_news(resources) == 0


def test_rights_lost_and_owners_gone_are_told_nothing(
    resources, company, keep, fresh, take_in, drain
):
    take_in("海信旧合同", department="销售部")
    drain()
    keep(name="甲", person=company.sales_clerk2)
    keep(name="甲", person=company.other_clerk)
    take_in("海信新合同", department="销售部")
    drain()
    with resources.work() as uow:
        gone = update(User).where(User.id == company.sales_clerk2.id)
        uow.session.execute(gone.values(left_on=date(2020, 1, 1)))
        uow.commit()
    assert fresh(company.other_clerk) == []
    assert look_for_news(resources) == 0


def test_another_persons_search_does_not_exist(resources, company, keep, client_for, api_for):
    saved_id = keep()
    api, page = api_for(company.archivist), client_for(company.archivist)
    assert api.get("/api/v1/search/saved").json == {"items": []}
    assert api.patch(f"/api/v1/search/saved/{saved_id}", json={"name": "x"}).status_code == 404
    assert api.delete(f"/api/v1/search/saved/{saved_id}").status_code == 404
    for act in ("run", "remove", "name"):
        assert page.post(f"/search/saved/{saved_id}/{act}", data={"name": "x"}).status_code == 404
    with resources.reading() as uow, pytest.raises(NotFound):
        saved.get_saved(uow, company.archivist, 2**70)


def test_a_name_is_one_and_right_and_there_is_an_end(resources, company, keep):
    keep(name="  海信   合同 ")
    with pytest.raises(Conflict, match="海信 合同"):
        keep(name="海信 合同")
    for wrong in ("", " ", "长" * 61, "海信\u202e"):
        with pytest.raises(Invalid):
            keep(name=wrong)
    for text, filters in (("长" * 501, {}), ("海\x00信", {}), ("", {"evil": ["x"]})):
        with pytest.raises(Invalid):
            keep(text, "另一个", filters=filters)
    for number in range(49):
        keep(name=f"第{number}个")
    with pytest.raises(Invalid, match="50"):
        keep(name="多了")


def test_page_saves_and_gives_back_what_was_refused(client_for, company):
    client = client_for(company.sales_clerk)
    form = {"name": "海信合同", "q": "海信 <b>", "year": ["2024", "2025"], "sort": "date"}
    assert client.post("/search/saved", data=form).status_code == 302
    body = client.get("/search/saved").get_data(as_text=True)
    assert "海信 &lt;b&gt;" in body
    assert "年度：2024、2025" in body
    again = client.post("/search/saved", data=form)
    assert again.status_code == 422
    body = again.get_data(as_text=True)
    assert "您已有一个检索叫" in body
    assert '<input type="hidden" name="year" value="2025">' in body
    assert client.post("/search/saved", data={**form, "name": "乙", "sort": "x"}).status_code == 422


def test_api_keeps_renames_runs_and_removes(api_for, company, take_in, drain):
    take_in("海信旧合同", department="销售部", year=2024)
    drain()
    api = api_for(company.sales_clerk)
    asked = {"name": "海信", "q": "海信", "filters": {"year": ["2024"]}, "sort": "date"}
    made = api.post("/api/v1/search/saved", json=asked)
    assert made.status_code == 201
    address = f"/api/v1/search/saved/{made.json['id']}"
    assert api.patch(address, json={"name": "改了"}).json["name"] == "改了"
    assert api.post(f"{address}/run").json["total"] == 1
    assert api.get("/api/v1/search/saved").json["items"][0]["filters"] == {"year": ["2024"]}
    for wrong in ({}, {"name": 1}, {**asked, "x": 1}, {**asked, "filters": {"evil": []}}, []):
        assert api.post("/api/v1/search/saved", json=wrong).status_code in (400, 422), wrong
    assert api.delete(address).status_code == 204
    assert api.delete(address).status_code == 404


def test_news_begins_with_one_mail_and_no_more_until_it_was_seen(
    resources, company, keep, take_in, client_for
):
    letters = []

    class Sink:
        async def handle_DATA(self, server, session, envelope):
            letters.append(message_from_bytes(envelope.content, policy=policy.default))
            return "250 OK"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    sink = Controller(Sink(), hostname="127.0.0.1", port=port)
    sink.start()
    try:
        resources.settings = replace(
            resources.settings, smtp_url=f"smtp://127.0.0.1:{port}", mail_from="da@example.com"
        )
        with resources.work() as uow:
            uow.session.get_one(User, company.sales_clerk.id).email = "chen@example.com"
            uow.commit()
        take_in("海信旧合同", department="销售部")
        drain_all(resources)
        saved_id = keep()

        def comes(title):
            take_in(title, department="销售部")
            drain_all(resources)
            look_for_news(resources)
            drain_all(resources)
            return [(one["To"], one["Subject"]) for one in letters]

        first = ("chen@example.com", "【检索】“海信的文件”有 1 份新文件")
        assert comes("海信新合同") == [first]
        assert comes("海信又一份") == [first], "one mail until it was seen"
        assert "海信新合同" not in letters[0].get_content()
        assert "/search/saved" in letters[0].get_content()
        client_for(company.sales_clerk).post(f"/search/saved/{saved_id}/run")
        assert len(comes("海信第三份")) == 2
    finally:
        sink.stop()

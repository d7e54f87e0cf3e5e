"""Versions of items: every change of a description is kept, and a day of the past can be seen."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.filing import service as filing
from archive.filing.versions import service
from archive.filing.versions.models import ItemVersion
from archive.filing.versions.posted import read_instant
from archive.people.rights import CONFIDENTIAL, PUBLIC, SECRET
from storage.outbox import OutboxRow


def do(resources, act, *args, **kwargs):
    with resources.work() as uow:
        made = act(uow, *args, **kwargs)
        uow.commit()
    return made


@pytest.fixture
def item(resources, company, signed_record, clock):
    """An item filed on the Monday; the tests begin on the Tuesday."""
    made = do(resources, filing.file_record, company.archivist, signed_record().id)
    clock.advance(days=1)
    return made


def edit(resources, actor, item, reason="题名写错", **changes):
    with resources.reading() as uow:
        now = filing.load_item(uow, item.id)
    wanted = replace(service.description_of(now), **changes)
    return do(resources, service.describe_item, actor, item.id, wanted, reason, version=now.version)


def versions(resources, actor, item):
    with resources.reading() as uow:
        return service.item_versions(uow, actor, item.id)


def then(resources, actor, item, at):
    with resources.reading() as uow:
        return service.item_as_of(uow, actor, item.id, read_instant(at))


def test_the_four_steps_leave_what_they_decided(resources, company, item):
    told = [
        (one.act, [c.label for c in one.changes])
        for one in versions(resources, company.archivist, item)
    ]
    assert [act for act, _ in told] == ["上架", "登记目录", "归属"]
    assert "保管期限" in told[2][1] and "暂定归档号" in told[1][1]


def test_an_edit_is_kept_old_and_new_with_its_reason(resources, company, item):
    done = edit(resources, company.archivist, item, title="海信电器新开发客户报告", pages=3)
    assert (done.title, done.pages) == ("海信电器新开发客户报告", 3)
    newest = versions(resources, company.archivist, item)[0]
    assert (newest.n, newest.act, newest.by_name, newest.reason) == (
        4,
        "修改著录",
        "孙文静",
        "题名写错",
    )
    assert {(c.label, c.old, c.new) for c in newest.changes} == {
        ("题名", item.title, "海信电器新开发客户报告"),
        ("页数", "2", "3"),
    }
    with resources.reading() as uow:
        assert uow.session.scalar(
            select(OutboxRow.id).where(
                OutboxRow.kind == "index", OutboxRow.key == f"item:{item.id}"
            )
        )


def test_a_day_of_the_past_is_put_together(resources, company, item, clock):
    edit(resources, company.archivist, item, title="第一次改", document_date=date(2026, 11, 1))
    with resources.reading() as uow:
        copy = filing.load_item(uow, item.id).copies[0]
    do(resources, filing.set_copy_status, company.archivist, copy.id, "out")
    clock.advance(days=1)
    edit(resources, company.archivist, item, title="第二次改", elements={"稿本": "正本"})
    do(resources, filing.set_copy_status, company.archivist, copy.id, "in")
    person = company.archivist
    assert not then(resources, person, item, "2026-11-22").exists
    monday = then(resources, person, item, "2026-11-23")
    assert (monday.fields["题名"], monday.state_label) == (item.title, "在库")
    assert monday.copies[0].status_label == "在库"
    tuesday = then(resources, person, item, "2026-11-24")
    assert (tuesday.fields["题名"], tuesday.fields["日期"]) == ("第一次改", "2026-11-01")
    assert tuesday.copies[0].status_label == "借出" and "其他著录" not in tuesday.fields
    wednesday = then(resources, person, item, "2026-11-25")
    assert (wednesday.fields["题名"], wednesday.fields["其他著录"]) == ("第二次改", "稿本：正本")
    assert wednesday.copies[0].status_label == "在库"
    assert not any("校验码" in note for note in wednesday.notes + tuesday.notes)


def test_a_change_behind_everyones_back_is_seen(resources, company, item, clock):
    edit(resources, company.archivist, item, title="改过的题名")
    with resources.work() as uow:
        row = uow.session.scalar(select(ItemVersion).where(ItemVersion.act == "修改著录"))
        row.digest = "0" * 64
        uow.commit()
    notes = then(resources, company.archivist, item, "2026-11-24").notes
    assert any("校验码不符" in note for note in notes)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "reason", "fault", "entry"),
    [
        ({"title": "  "}, "改", Invalid, "title"),
        ({"title": "题\n名"}, "改", Invalid, "title"),
        ({"title": "字" * 301}, "改", Invalid, "title"),
        ({"pages": 10_000}, "改", Invalid, "pages"),
        ({"secrecy": 9}, "改", Invalid, "secrecy"),
        ({"note": "\u202e倒着"}, "改", Invalid, "note"),
        ({"elements": {"": "空名"}}, "改", Invalid, "elements"),
        ({"elements": {f"项{n}": "" for n in range(51)}}, "改", Invalid, "elements"),
        ({"title": "新题名"}, "  ", Invalid, "reason"),
        ({"secrecy": CONFIDENTIAL}, "改", Invalid, "secrecy"),
        ({}, "改", Conflict, ""),
    ],
)
def test_what_cannot_stand_is_refused_by_name(
    resources, company, item, changes, reason, fault, entry
):
    with pytest.raises(fault) as refusal:
        edit(resources, company.archivist, item, reason, **changes)
    assert not entry or entry in refusal.value.fields
    assert len(versions(resources, company.archivist, item)) == 3


def test_who_may_raise_and_lower_secrecy(resources, company, item):
    with pytest.raises(Forbidden):
        edit(resources, company.sales_clerk, item, title="不该我改")
    with pytest.raises(Forbidden, match="档案负责人"):
        edit(resources, company.archivist, item, secrecy=PUBLIC)
    edit(resources, company.archivist, item, "含报价", secrecy=SECRET)
    with resources.reading() as uow:
        assert uow.session.scalar(select(OutboxRow.id).where(OutboxRow.kind == "secrecy"))
    with pytest.raises(NotFound):
        versions(resources, company.other_clerk, item)
    done = edit(resources, company.archive_head, item, "报价已公开", secrecy=PUBLIC)
    assert done.secrecy == PUBLIC


def test_a_stale_page_does_not_overwrite(resources, company, item):
    edit(resources, company.archivist, item, title="先改的")
    wanted = replace(service.description_of(item), title="后改的")
    with pytest.raises(Conflict, match="刷新"):
        do(
            resources,
            service.describe_item,
            company.archive_head,
            item.id,
            wanted,
            "改",
            version=item.version,
        )


@pytest.mark.parametrize(
    "at", ["", "昨天", "2026-13-01", "2026-11-23T25:00", "9" * 50, "0001-01-01"]
)
def test_a_day_that_is_none_is_refused(at):
    if at == "0001-01-01":
        with pytest.raises(Invalid):
            read_instant("0001-01-01 00:00")
        return
    with pytest.raises(Invalid):
        read_instant(at)


@pytest.mark.slow
def test_the_pages_show_edit_and_look_back(company, client_for, api_for, item):
    page = client_for(company.archivist)
    form = {
        "version": str(item.version),
        "title": "海信电器报告",
        "document_number": item.document_number,
        "document_date": "2026年11月20日",
        "pages": "2",
        "secrecy": item.secrecy_label,
        "elements": "稿本：正本\n语种:中文",
        "reason": "",
    }
    refused = page.post(f"/items/{item.id}/describe", data=form)
    assert refused.status_code == 422 and "海信电器报告" in refused.text
    assert page.post(f"/items/{item.id}/describe", data=form | {"pages": "两"}).status_code == 422
    form["reason"] = "题名太长"
    assert page.post(f"/items/{item.id}/describe", data=form).status_code == 302
    stale = page.post(f"/items/{item.id}/describe", data=form | {"title": "又改"})
    assert stale.status_code == 409 and "又改" in stale.text
    told = page.get(f"/items/{item.id}/versions").text
    assert "题名太长" in told and "海信电器报告" in told
    assert page.get(f"/items/{item.id}/versions?as=xlsx").status_code == 200
    assert item.title in page.get(f"/items/{item.id}/then?at=2026-11-23").text
    assert page.get(f"/items/{item.id}/then?at=昨天").status_code == 422
    api = api_for(company.archivist)
    body = api.get(f"/api/v1/items/{item.id}/versions").json
    assert body["total"] == 4 and body["items"][0]["reason"] == "题名太长"
    past = api.get(f"/api/v1/items/{item.id}/as-of?at=2026-11-23").json
    assert past["fields"]["题名"] == item.title
    sent = {
        "version": item.version + 1,
        "reason": "接口改",
        "title": "接口改的题名",
        "pages": 2,
        "secrecy": item.secrecy_label,
    }
    assert (
        api.put(f"/api/v1/items/{item.id}/description", json=sent).json["title"] == "接口改的题名"
    )
    assert api.put(f"/api/v1/items/{item.id}/description", json={"title": 3}).status_code == 422

"""The pages and calls of the keeping's end, walked by everyone who has a part in it."""

import io
from dataclasses import replace

import openpyxl
import pytest
from sqlalchemy import select

from archive.core.errors import Conflict
from archive.filing.retention.models import AppraisalLine
from archive.filing.retention.papers import appraisal_paper, list_paper
from archive.filing.retention.reading import get_list
from archive.filing.versions.editing import describe_item, description_of
from archive.jobs import drain_all
from archive.tasks.models import Task, TaskFile
from doc_templates import document_text

pytestmark = [pytest.mark.slow]
PASSWORD = "档案台-测试-2026"


def test_a_destruction_goes_its_whole_way_on_the_pages(world, client_for):
    company = world.company
    head = client_for(company.archive_head)
    page = head.get("/retention").text
    assert "青岛海信" in page and "2057-01-01" in page
    sheet = openpyxl.load_workbook(io.BytesIO(head.get("/retention?as=xlsx").data))
    assert sheet.active.max_row == 3
    sent = {"item": ["1", "2"], "member": [str(one) for one in world.committee()]}
    refused = head.post("/retention/appraisals", data=sent | {"member": ["1"], "leader": "1"})
    assert refused.status_code == 422 and 'value="1" aria-label="选' in refused.text
    made = head.post("/retention/appraisals", data=sent | {"leader": str(company.archive_head.id)})
    address = made.headers["Location"]
    assert "待鉴定" in head.get("/items/1").text
    assert client_for(company.other_clerk).get(address).status_code == 404
    for person in (company.archive_head, company.leader, company.sales_head):
        client = client_for(person)
        said = {"opinion-1": "destroy", "reason-1": "没有查考价值", "all": "extend:D10"}
        assert client.post(f"{address}/opinions", data=said).status_code == 302
        assert client.post(f"{address}/sign", data={"password": "错"}).status_code == 422
        assert client.post(f"{address}/sign", data={"password": PASSWORD}).status_code == 302
    page = head.get(address).text
    assert "没有查考价值" in page and "延长保管（10年）" in page
    assert head.get(f"{address}/A15.docx").data.startswith(b"PK")
    archivist = client_for(company.archivist)
    made = archivist.post(f"{address}/list", data={"kind": "destroy"})
    address = made.headers["Location"]
    again = archivist.post("/retention/appraisals/1/list", data={"kind": "destroy"})
    assert again.status_code == 409
    digest = {"digest": world.read(get_list, company.archivist, 1).digest}
    leader = client_for(company.leader)
    assert "批准销毁" in leader.get(address).text
    assert leader.post(f"{address}/approve", data=digest).status_code == 422
    signed = digest | {"password": PASSWORD}
    assert leader.post(f"{address}/approve", data=signed).status_code == 302
    world.clock.advance(days=93)
    way = {"method": "粉碎", "location": "院内"}
    for person in (company.archive_head, company.sales_head):
        client = client_for(person)
        kept = client.post(f"{address}/witness", data=signed | {"method": "粉碎"})
        assert kept.status_code == 422 and 'value="粉碎"' in kept.text
        assert client.post(f"{address}/witness", data=signed | way).status_code == 302
    archivist = client_for(company.archivist)
    assert archivist.post(f"{address}/execute", data=signed).status_code == 302
    drain_all(world.resources)
    page = archivist.get(address).text
    assert "已办结" in page and "已销毁" in page
    text = document_text(world.read(list_paper, company.archivist, 1).word())
    assert "王建国" in text and "周志远" in text and "31年" in text and "粉碎，院内" in text
    assert archivist.get(f"{address}/paper.pdf").data.startswith(b"%PDF")
    catalogue = archivist.get("/volumes/1/papers/A04.docx")
    assert "已销毁" in document_text(catalogue.data), "the register still prints, marked"


def test_the_calls_say_the_same_in_json(world, api_for):
    company = world.company
    head = api_for(company.archive_head)
    assert head.get("/api/v1/retention/due").json["total"] == 2
    hold = head.post(
        "/api/v1/retention/holds", json={"scope": "item", "target": "1", "reason": "诉讼"}
    )
    assert hold.status_code == 201 and hold.json["in_force"]
    later = {"scope": "item", "target": "1", "reason": "诉讼", "from_day": "2058-01-01"}
    assert head.post("/api/v1/retention/holds", json=later).json["in_force"] is False
    later["until_day"] = "2057-12-31"
    assert head.post("/api/v1/retention/holds", json=later).status_code == 422
    later["from_day"] = "明天"
    assert head.post("/api/v1/retention/holds", json=later).status_code == 422
    body = {"items": [1, 2], "members": world.committee(), "leader_id": company.leader.id}
    refused = head.post("/api/v1/retention/appraisals", json=body)
    assert refused.status_code == 409 and "诉讼" in refused.text
    for bad in ({}, {"items": "1"}, body | {"items": []}, body | {"leader_id": "x"}):
        assert head.post("/api/v1/retention/appraisals", json=bad).status_code == 422
    address = f"/api/v1/retention/holds/{hold.json['id']}/lift"
    assert head.post(address, json={"reason": ""}).status_code == 422
    assert head.post(address, json={"reason": "了结"}).status_code == 200
    assert head.post(address, json={"reason": "了结"}).status_code == 409
    made = head.post("/api/v1/retention/appraisals", json=body)
    assert made.status_code == 201
    address = f"/api/v1/retention/appraisals/{made.json['id']}"
    for person in (company.archive_head, company.leader, company.sales_head):
        said = [{"item_id": one, "opinion": "transfer"} for one in (1, 2)]
        client = api_for(person)
        client.post(f"{address}/opinions", json={"opinions": said})
        assert client.post(f"{address}/sign", json={"password": PASSWORD}).status_code == 200
    row = head.post(f"{address}/lists", json={"kind": "transfer"}).json
    address = f"/api/v1/retention/lists/{row['id']}"
    signed = {"digest": row["digest"], "password": PASSWORD}
    assert head.post(f"{address}/execute", json=signed).status_code in (403, 409)
    told = signed | {"receiver": "青岛市档案馆", "receiver_name": "刘馆员"}
    assert head.post(f"{address}/transfer", json=told).json["state"] == "done"
    assert head.get(f"{address}/paper.docx").data.startswith(b"PK")


def test_packages_that_hold_it_are_emptied_and_others_are_not(world, client_for):
    company = world.company
    world.witnessed()
    head = client_for(company.archive_head)
    for scope, number in (("item", 1), ("volume", 1)):
        assert head.post(f"/packages/{scope}/{number}").status_code == 302
    drain_all(world.resources)
    with world.resources.reading() as uow:
        packages = set(uow.session.scalars(select(TaskFile.sha256)))
        row = uow.session.scalar(select(AppraisalLine.appraisal_id).limit(1))
    assert len(packages) == 2 and row == 1
    world.execute(world.read(get_list, company.archivist, 1))
    drain_all(world.resources)
    with world.resources.reading() as uow:
        assert set(uow.session.scalars(select(TaskFile.sha256))) == set()
        assert "已按规定销毁" in uow.session.get(Task, 1).message
    assert not packages & set(world.resources.blobs.digests())


def test_the_opinions_print_as_they_were_given(world):
    number = world.open()
    world.vote(number, "extend", "D30")
    text = document_text(world.read(appraisal_paper, world.company.leader, number).word())
    assert "周志远：延长保管到30年" in text and "JD-2057-001" in text


def test_a_transfers_package_is_made_both_ways_and_after_it_too(world, client_for):
    company = world.company
    row = world.made("transfer")
    archivist = client_for(company.archivist)
    address = f"/retention/lists/{row.id}"
    assert "做封装包（BagIt）" in archivist.get(address).text
    for told, status in (({}, 302), ({"make": "xml"}, 302), ({"make": "tar"}, 422)):
        assert archivist.post(f"{address}/package", data=told).status_code == status
    assert client_for(company.sales_clerk).post(f"{address}/package").status_code == 403
    told = {"digest": row.digest, "receiver": "青岛市档案馆", "receiver_name": "刘馆员"}
    signed = told | {"password": PASSWORD}
    assert archivist.post(f"{address}/transfer", data=signed).status_code == 302
    assert "从本单位留存的电子副本再做一份" in archivist.get(address).text
    assert archivist.post(f"{address}/package", data={"make": "xml"}).status_code == 302
    drain_all(world.resources)
    with world.resources.reading() as uow:
        names = sorted(uow.session.scalars(select(TaskFile.name)))
    assert names == ["YJC-2057-001移交档案.zip"] * 3


def test_a_destruction_list_or_none_is_no_package(world, client_for):
    row = world.made("destroy")
    archivist = client_for(world.company.archivist)
    for number in (row.id, 999):
        refused = archivist.post(f"/retention/lists/{number}/package")
        assert refused.status_code in (404, 422)


def test_what_is_left_of_a_destroyed_item_is_edited_no_more(world, client_for):
    world.destroyed()
    archivist = client_for(world.company.archivist)
    assert "修改著录" not in archivist.get("/items/1").text
    item = world.item()
    wanted = replace(description_of(item), text="悄悄放回来的正文")
    with pytest.raises(Conflict, match="已经销毁"):
        world.do(
            describe_item, world.company.archivist, item.id, wanted, "补", version=item.version
        )
    told = {"version": item.version, "title": "改", "pages": "1", "secrecy": "内部", "reason": "补"}
    refused = archivist.post("/items/1/describe", data=told)
    assert refused.status_code == 409 and "已经销毁" in refused.text
    assert world.item().text == "" and world.item().title == item.title

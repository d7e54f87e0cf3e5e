"""Controlled copies: declared, issued under numbers, received, recalled, given back."""

import io
import threading
from dataclasses import replace
from datetime import date, timedelta

import pytest
from pypdf import PdfReader, PdfWriter
from sqlalchemy import select

from archive.core.errors import (
    ArchiveError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    Unauthenticated,
)
from archive.filing import service as filing
from archive.filing.controlled import edge, service
from archive.filing.controlled.models import ControlledNotice
from archive.filing.controlled.papers import register_paper
from archive.filing.controlled.recalls import do_recall_chores
from archive.filing.controlled.rules import state_of
from archive.filing.controlled.service import Declared
from archive.filing.controlled.stamping import check_source, stamp_pages
from doc_templates import document_text
from storage.journal import JournalEntry

PASSWORD = "档案台-测试-2026"
TODAY = date(2026, 11, 23)


def do(resources, act, *args, **kwargs):
    with resources.work() as uow:
        made = act(uow, *args, **kwargs)
        uow.commit()
    return made


def pdf_of(*rotations) -> bytes:
    writer = PdfWriter()
    for turned in rotations or (0,):
        page = writer.add_blank_page(595, 842)
        page.rotate(turned)
    writer.add_metadata({"/Title": f"作业指导书{rotations}"})
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.fixture
def filed(resources, company, signed_record):
    """A maker of filed papers with a real PDF."""

    def make(content=None, **changes):
        record = signed_record(pdf=content or pdf_of(0, 0), **changes)
        return do(resources, filing.file_record, company.archivist, record.id)

    return make


SAID = Declared(0, "WI-PD-017", "装配作业指导书", "A/0", TODAY, True)


@pytest.fixture
def document(resources, company, filed):
    return edge.declare(resources, company.archivist, filed().id, SAID)


def issue(resources, company, document, person=None):
    person = person or company.sales_clerk
    return edge.issue(resources, company.archivist, document.id, person.department_id, person.id)


def newer(resources, company, document, item, label="B/0", day=TODAY + timedelta(days=1)):
    said = replace(SAID, document_id=document.id, label=label, valid_from=day)
    return edge.declare(resources, company.archivist, item.id, said)


def load(resources, actor, document_id):
    with resources.reading() as uow:
        return service.get_document(uow, actor, document_id)


def test_a_copy_goes_out_comes_back_and_stands_in_the_register(
    resources, company, document, filed, clock
):
    copy = issue(resources, company, document)
    assert (copy.number_label, copy.version_label, copy.state_label) == ("001", "A/0", "待签收")
    stamped = resources.blobs.read(copy.sha256)
    assert copy.pages == len(PdfReader(io.BytesIO(stamped)).pages) == 2
    with pytest.raises(Unauthenticated):
        edge.receive(resources, company.sales_clerk, copy.id, password="不对", address="-")
    got = edge.receive(resources, company.sales_clerk, copy.id, password=PASSWORD, address="-")
    assert got.state_label == "使用中"
    second = issue(resources, company, document, company.sales_clerk2)
    do(resources, service.note_paper_receipt, company.archivist, second.id, "发收记录表第2行")
    clock.advance(days=1)
    newer(resources, company, document, filed(备注="新版"))
    with resources.reading() as uow:
        old = service.old_copies(uow, company.archivist)
        told = list(uow.session.scalars(select(ControlledNotice.text)))
    assert [one.person_name for one in old] == ["陈晓东", "林美玲"]
    assert len(told) == 2 and all("B/0 替代" in text for text in told)
    third = issue(resources, company, document)
    assert (third.number_label, third.version_label) == ("003", "B/0")
    do(resources, service.end_copy, company.archivist, copy.id, "returned", "")
    do(resources, service.end_copy, company.archivist, second.id, "destroyed", "两人监销")
    with resources.reading() as uow:
        assert service.old_copies(uow, company.archivist) == ()
        paper = register_paper(uow, company.archivist, document.id)
        acts = set(uow.session.scalars(select(JournalEntry.action)))
    text = document_text(paper.word())
    assert "密码签收" in text and "纸上签字" in text and "已销毁" in text and "B/0" in text
    assert {"controlled.issue", "controlled.recall", "controlled.returned"} <= acts


def test_two_issuing_at_once_get_two_numbers(resources, company, document):
    numbers, faults = [], []

    def go(person):
        try:
            numbers.append(issue(resources, company, document, person).number)
        except ArchiveError as fault:
            faults.append(fault)

    people = (company.sales_clerk, company.sales_clerk2, company.sales_head)
    threads = [threading.Thread(target=go, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (faults, sorted(numbers)) == ([], [1, 2, 3])


def test_what_one_page_asked_for_once_is_issued_once(resources, company, document, client_for):
    clerk = company.sales_clerk
    told = (company.archivist, document.id, clerk.department_id, clerk.id)
    edge.issue(resources, *told, seen=0)
    with pytest.raises(Conflict, match="001 刚刚已经发放给陈晓东"):
        edge.issue(resources, *told, seen=0)
    assert edge.issue(resources, *told, seen=1).number == 2, "a second one, knowing of the first"
    page = client_for(company.archivist)
    address = f"/controlled/{document.id}"
    assert 'name="seen" value="2"' in page.get(address).text
    sent = {"department": clerk.department_id, "person": clerk.id, "seen": 1}
    assert page.post(f"{address}/issue", data=sent).status_code == 409
    assert len(load(resources, company.archivist, document.id).copies) == 2


def test_a_version_still_to_come_recalls_on_its_day(resources, company, document, filed, clock):
    copy = issue(resources, company, document)
    newer(resources, company, document, filed(备注="新版"), day=TODAY + timedelta(days=2))
    assert issue(resources, company, document).version_label == "A/0"
    assert do_recall_chores(resources) == 0
    clock.advance(days=2)
    assert do_recall_chores(resources) == 2 and do_recall_chores(resources) == 0
    with resources.reading() as uow:
        mine = service.my_copies(uow, company.sales_clerk)
    assert mine[0].id == copy.id and mine[0].is_old
    assert issue(resources, company, document).version_label == "B/0"


def test_nothing_is_issued_from_what_is_not_valid(resources, company, document):
    version = document.versions[0]
    with pytest.raises(Invalid):
        do(resources, service.withdraw, company.archivist, document.id, version.id, " ")
    do(resources, service.withdraw, company.archivist, document.id, version.id, "工艺取消")
    with pytest.raises(Conflict, match="没有有效版本"):
        issue(resources, company, document)
    with pytest.raises(Conflict, match="已经作废"):
        do(resources, service.withdraw, company.archivist, document.id, version.id, "再来")
    with pytest.raises(NotFound):
        do(resources, service.withdraw, company.archivist, document.id, 999, "没有")


def test_who_may_what(resources, company, document):
    copy = issue(resources, company, document)
    with pytest.raises(Forbidden):
        edge.issue(resources, company.sales_clerk, document.id, 1, company.sales_clerk.id)
    with pytest.raises(NotFound):
        load(resources, company.other_clerk, document.id)
    with pytest.raises(NotFound):
        edge.receive(resources, company.sales_clerk2, copy.id, password=PASSWORD, address="-")
    with pytest.raises(Conflict, match="本人"):
        edge.receive(resources, company.archivist, copy.id, password=PASSWORD, address="-")
    assert load(resources, company.sales_clerk2, document.id).copies == ()
    outside = issue(resources, company, document, company.other_clerk)
    assert [one.id for one in load(resources, company.other_clerk, document.id).copies] == [
        outside.id
    ]
    for department, person in ((0, company.sales_clerk.id), (company.sales_id, 999)):
        with pytest.raises(Invalid):
            edge.issue(resources, company.archivist, document.id, department, person)
    with pytest.raises(Invalid, match="涉密权限"):
        issue(resources, company, document, company.admin)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"number": "WI-PD-017"}, Conflict),
        ({"number": " "}, Invalid),
        ({"title": ""}, Invalid),
        ({"label": ""}, Invalid),
        ({"label": "很长" * 20}, Invalid),
        ({"note": "字" * 501}, Invalid),
        ({"document_id": 999}, NotFound),
        ({"document_id": 1}, Conflict),
        ({"document_id": 1, "label": "B/0"}, Conflict),
        ({"document_id": 1, "label": "B/0", "valid_from": TODAY - timedelta(days=9)}, Conflict),
    ],
)
def test_what_cannot_be_declared(resources, company, document, filed, changes, fault):
    item = filed(备注="另一份")
    said = replace(SAID, number="WI-PD-018")
    with pytest.raises(fault):
        edge.declare(resources, company.archivist, item.id, replace(said, **changes))
    assert len(load(resources, company.archivist, document.id).versions) == 1


def test_an_end_needs_its_reason_and_comes_once(resources, company, document):
    copy = issue(resources, company, document)
    for how, note in (("burnt", "x"), ("destroyed", " "), ("lost", "")):
        with pytest.raises(Invalid):
            do(resources, service.end_copy, company.archivist, copy.id, how, note)
    do(resources, service.end_copy, company.archivist, copy.id, "lost", "出差遗失，已写说明")
    with pytest.raises(Conflict):
        do(resources, service.end_copy, company.archivist, copy.id, "returned", "")
    with pytest.raises(Conflict):
        edge.receive(resources, company.sales_clerk, copy.id, password=PASSWORD, address="-")


def test_a_suppliers_paper_must_be_legible_and_a_pdf_must_open(resources, company, filed):
    broken = filed(b"%PDF-1.7 broken")
    with pytest.raises(Invalid, match="打不开"):
        edge.declare(resources, company.archivist, broken.id, SAID)
    with pytest.raises(Invalid, match="只能用 PDF"):
        check_source(b"PK\x03\x04")
    with pytest.raises(Invalid):
        do(resources, service.refuse, company.archivist, broken.id, " ")
    do(resources, service.refuse, company.archivist, broken.id, "第 2 页看不清")
    with pytest.raises(Conflict, match="拒收过"):
        do(resources, service.refuse, company.archivist, broken.id, "第 2 页看不清")
    with resources.reading() as uow:
        assert service.refusals_of(uow, company.archivist, broken.id) == (
            "2026-11-23：第 2 页看不清",
        )


def test_every_page_is_stamped_whichever_way_it_is_turned():
    stamped = stamp_pages(pdf_of(0, 90, 180, 270), "007", "生产部", "A/0")
    pages = PdfReader(io.BytesIO(stamped)).pages
    assert [len(page.images) for page in pages] == [1, 1, 1, 1]


def test_which_version_is_valid():
    class Version:
        def __init__(self, valid_from, withdrawn_at=None):
            self.valid_from, self.withdrawn_at = valid_from, withdrawn_at

    old, new, coming = (Version(TODAY + timedelta(days=n)) for n in (-9, 0, 9))
    states = [state_of(one, [old, new, coming], TODAY) for one in (old, new, coming)]
    assert states == ["past", "valid", "coming"]


@pytest.mark.slow
def test_the_pages_and_the_calls(resources, company, client_for, api_for, filed):
    item = filed()
    page, clerk = client_for(company.archivist), client_for(company.sales_clerk)
    form = {"number": "WI-1", "title": "指导书", "label": "A/0", "valid_from": "明天"}
    refused = page.post(f"/items/{item.id}/controlled", data=form)
    assert refused.status_code == 422 and "指导书" in refused.text
    done = page.post(f"/items/{item.id}/controlled", data=form | {"valid_from": "2026-11-23"})
    address = done.headers["Location"]
    assert page.post(f"{address}/issue", data={"department": "", "person": "x"}).status_code == 422
    chosen = {"department": company.sales_id, "person": company.sales_clerk.id}
    assert page.post(f"{address}/issue", data=chosen).status_code == 302
    assert "001" in page.get(address).text and "WI-1" in clerk.get("/controlled").text
    assert clerk.get("/controlled/copies/1.pdf").data.startswith(b"%PDF")
    wrong = clerk.post("/controlled/copies/1/receive", data={"password": "不对"})
    assert wrong.status_code == 422
    assert (
        clerk.post("/controlled/copies/1/receive", data={"password": PASSWORD}).status_code == 302
    )
    assert page.get(f"{address}?as=xlsx").status_code == 200
    assert page.get(f"{address}/D21.docx").data.startswith(b"PK")
    assert page.post("/controlled/copies/1/end", data={"how": "lost"}).status_code == 422
    api = api_for(company.archivist)
    body = api.get("/api/v1/controlled/1").json
    assert body["valid"] == "A/0" and body["copies"][0]["state"] == "使用中"
    sent = {"department_id": company.sales_id, "person_id": company.sales_head.id}
    made = api.post("/api/v1/controlled/1/copies", json=sent)
    assert made.status_code == 201 and made.json["number_label"] == "002"
    assert api.post("/api/v1/controlled/1/copies", json={"person_id": "x"}).status_code == 422
    ended = api.post("/api/v1/controlled/copies/2/end", json={"how": "returned"})
    assert ended.json["state"] == "已收回"
    assert api.get("/api/v1/controlled/old").json["total"] == 0

"""The night's sample finds a flipped byte; the paper is put aside and comes back by an act."""

import io
import json

import pytest
from sqlalchemy import select

from archive.core.errors import Conflict
from archive.documents import bundle
from archive.filing import service as filing
from archive.filing.checks import edge, quarantine
from archive.filing.checks.models import (
    CheckFinding,
    CheckRun,
    FileContent,
    ItemFixity,
    Quarantine,
)
from archive.filing.checks.sample import do_sample, sample_size
from archive.records import drafts
from archive.signing import edge as signing
from doc_templates import sample_values
from storage.journal import JournalEntry
from tests.conftest import one_page_pdf

pytestmark = pytest.mark.slow

PASSWORD = "档案台-测试-2026"
TEXT = "销售合同（扫描前的文字）".encode()


@pytest.fixture
def item(resources, company):
    """A paper from outside, filed, with a plain text as its file."""
    return file_text(resources, company, "销售合同", TEXT)


def file_text(resources, company, title, content):
    upload = filing.keep_upload(resources.blobs, content, f"{title}.txt")
    with resources.work() as uow:
        made = filing.offer_paper(uow, company.archivist, filing.read_row({"title": title}), upload)
        done = filing.file_in_one(uow, company.archivist, made.id)
        uow.commit()
    return done


def flip(resources, item):
    sha256 = item.files[0].sha256
    path = resources.blobs.folder / sha256[:2] / sha256[2:4] / sha256
    path.write_bytes(b"\x00" + path.read_bytes()[1:])


def acts(resources):
    with resources.reading() as uow:
        return list(uow.session.scalars(select(JournalEntry.action).order_by(JournalEntry.seq)))


@pytest.fixture
def aside(resources, item):
    flip(resources, item)
    assert do_sample(resources) == 1
    return item


def test_a_flipped_byte_is_found_at_night_and_put_aside(resources, company, client_for, aside):
    archivist = client_for(company.archivist)
    page = archivist.get(f"/items/{aside.id}").text
    assert "在隔离中" in page and "的内容被改动" in page
    refused = archivist.get(f"/items/{aside.id}/files/{aside.files[0].id}")
    assert refused.status_code == 409 and "在隔离中，暂不提供" in refused.text
    assert "隔离中的档案" in archivist.get("/").text
    assert aside.title in archivist.get("/quarantine").text
    done = [act for act in acts(resources) if act != "login"]
    assert done[-2:] == ["item.quarantine", "fixity.sample"]
    with resources.reading() as uow:
        found = uow.session.scalars(select(CheckFinding).where(CheckFinding.code == "GD-1-1")).one()
        assert (found.item_id, found.detail) == (aside.id, "销售合同.txt 的内容被改动")
    with pytest.raises(Conflict, match="不在隔离中：《销售合同》正在隔离"):
        edge.check_before_seal(resources, company.archivist, aside.volume_id)


def test_the_papers_own_pages_withhold_it_too(resources, company, client_for, api_for):
    with resources.work() as uow:
        draft = drafts.create_draft(uow, company.sales_clerk, "E01", sample_values("E01"))
        uow.commit()
    signing.submit(resources, company.sales_clerk, draft.id, draft.version)
    for person in (company.sales_clerk, company.sales_head, company.leader):
        signing.sign(resources, person, draft.id, password=PASSWORD, drawn_png=None)
    clerk, program = client_for(company.sales_clerk), api_for(company.sales_clerk)
    addresses = [f"/records/{draft.id}/{name}" for name in ("document.pdf", "preview.png")]
    assert [clerk.get(address).status_code for address in addresses] == [200, 200]
    with resources.work() as uow:
        item = filing.file_record(uow, company.archivist, draft.id)
        hold = Quarantine(
            item_id=item.id, holds=item.id, codes="AQ-1", reason="有病毒", put_at=uow.now()
        )
        uow.session.add(hold)
        uow.commit()
    assert [clerk.get(address).status_code for address in addresses] == [409, 409]
    refused = program.get(f"/api/v1/records/{draft.id}/document.docx")
    assert (refused.status_code, refused.json["error"]["fields"]) == (409, {"quarantine": "1"})
    assert clerk.get(f"/records/{draft.id}").status_code == 200
    with resources.reading() as uow:
        made = bundle._find(uow, company.sales_clerk, draft.id, ("pdf",))
    assert not made.kept and "在隔离中" in made.withheld


def test_the_right_bytes_free_it_and_no_others(resources, company, client_for, aside):
    archivist = client_for(company.archivist)

    def bring(content):
        sent = {"file": (io.BytesIO(content), "备份.txt")}
        return archivist.post(f"/quarantine/{aside.id}/restore", data=sent)

    wrong = bring(b"nearly the same")
    assert wrong.status_code == 422 and "没有换上" in wrong.text
    assert bring(b"").status_code == 422
    assert bring(TEXT).status_code == 302
    with resources.reading() as uow:
        assert quarantine.hold_of(uow, company.archivist, aside.id) is None
    assert archivist.get(f"/items/{aside.id}/files/{aside.files[0].id}").data == TEXT
    assert acts(resources)[-3:] == ["item.restore_file", "fixity.sample", "item.release"]
    assert bring(TEXT).status_code == 404


def test_accepting_it_as_it_is_takes_the_head_and_another(resources, company, client_for, aside):
    head, archivist = client_for(company.archive_head), client_for(company.archivist)
    address, entries = f"/quarantine/{aside.id}", {"reason": "只差一个空格", "password": PASSWORD}
    assert archivist.post(f"{address}/accept", data=entries).status_code == 403
    assert archivist.post(f"{address}/accept/confirm", data=entries).status_code == 409
    wrong = head.post(f"{address}/accept", data={**entries, "password": "错"})
    assert wrong.status_code == 422 and "只差一个空格" in wrong.text
    assert head.post(f"{address}/accept", data={"password": PASSWORD}).status_code == 422
    assert head.post(f"{address}/accept", data=entries).status_code == 302
    assert head.post(f"{address}/accept/confirm", data=entries).status_code == 403
    assert archivist.post(f"{address}/accept/confirm", data=entries).status_code == 302
    assert acts(resources)[-2:] == ["item.accept_damaged", "item.release"]
    assert client_for(company.other_clerk).get(address).status_code in (403, 404)


def test_the_head_takes_a_file_out_for_a_purpose(resources, company, client_for, aside):
    head = client_for(company.archive_head)
    address = f"/quarantine/{aside.id}/files/{aside.files[0].id}"
    assert "与备份比对" in head.get(f"/quarantine/{aside.id}").text
    for nothing in ({}, {"purpose": ""}, {"purpose": "张三的电话"}, {"reason": "比对损坏的位置"}):
        assert head.post(address, data=nothing).status_code == 422
    given = head.post(address, data={"purpose": "compare"})
    assert given.data == b"\x00" + TEXT[1:]
    assert given.headers["Content-Type"] == "application/octet-stream"
    with resources.reading() as uow:
        last = select(JournalEntry.action, JournalEntry.detail).order_by(JournalEntry.seq.desc())
        action, detail = uow.session.execute(last).first()
    assert action == "item.read_quarantined"
    told = {"quarantine": 1, "sha256": aside.files[0].sha256, "purpose": "compare"}
    assert json.loads(detail) == told, "a code, and nothing anybody typed"
    assert (
        client_for(company.archivist).post(address, data={"purpose": "compare"}).status_code == 403
    )


def test_a_night_is_done_once_and_goes_on_where_it_was_cut(resources, company, clock, monkeypatch):
    papers = [file_text(resources, company, f"合同{n}", f"第{n}份".encode()) for n in range(5)]
    monkeypatch.setattr("archive.filing.checks.sample.STEP", 2)
    assert do_sample(resources, seconds=0) == 0
    monkeypatch.setattr("archive.filing.checks.sample.see", cut_off_after(2))
    with pytest.raises(KeyboardInterrupt):
        do_sample(resources)
    monkeypatch.undo()
    assert do_sample(resources) == 3
    assert do_sample(resources) == 0
    with resources.reading() as uow:
        night = uow.session.scalars(select(CheckRun)).one()
        assert (night.day, night.wanted, night.papers) == ("2026-11-23", 5, 5)
        assert night.ended_at is not None and night.summary["GD-1-1"]["passed"] == 5
        assert len(list(uow.session.scalars(select(ItemFixity)))) == len(papers)
    clock.advance(days=1)
    assert do_sample(resources) == 5


def cut_off_after(most):
    from archive.filing.checks import reading

    seen = []

    def see(resources, papers, **more):
        if len(seen) >= most:
            raise KeyboardInterrupt
        seen.extend(papers)
        return reading.see(resources, papers, **more)

    return see


@pytest.mark.parametrize(
    ("holdings", "least", "size"),
    [(0, 50, 0), (3, 50, 3), (1000, 50, 50), (100_000, 50, 274), (365, 1, 1), (366, 1, 2)],
)
def test_everything_is_seen_in_a_year(holdings, least, size):
    assert sample_size(holdings, least) == size


def test_a_broken_upload_is_stopped_at_the_door_and_nothing_is_lost(resources, company, client_for):
    upload = filing.keep_upload(resources.blobs, one_page_pdf("")[:120], "半份.pdf")
    row = filing.read_row({"title": "没传完的合同"})
    with resources.work() as uow:
        made = filing.offer_paper(uow, company.archivist, row, upload)
        uow.commit()
    answer = client_for(company.archivist).post(
        f"/filing/item/{made.id}/accept", data={"version": made.version}
    )
    assert answer.status_code == 409 and "半份.pdf 打不开" in answer.text
    with resources.reading() as uow:
        assert filing.get_item(uow, company.archivist, made.id).state == "offered"
        assert quarantine.hold_of(uow, company.archivist, made.id) is not None


def test_what_a_person_decides_stands(resources, company, client_for, item):
    archivist = client_for(company.archivist)
    kept = archivist.post(f"/volumes/{item.volume_id}/check")
    page = archivist.get(kept.headers["Location"]).text
    assert "需人工确认" in page and "没有接入病毒扫描程序" in page
    with resources.reading() as uow:
        found = uow.session.scalars(
            select(CheckFinding.id).where(CheckFinding.verdict == "manual")
        ).one()
    address = f"/checks/findings/{found}"
    assert archivist.post(address, data={"outcome": "good", "note": ""}).status_code == 422
    said = {"outcome": "good", "note": "与原件相符"}
    assert archivist.post(address, data=said).status_code == 302
    assert archivist.post(address, data=said).status_code == 409
    assert archivist.post("/checks/findings/999", data=said).status_code == 404
    report = edge.check_volume(resources, company.archivist, item.volume_id)
    assert {one.item.how: one.verdict.value for one in report.results}["match"] == "pass"
    word = archivist.get(f"{kept.headers['Location']}/report.docx")
    assert word.status_code == 200 and word.data.startswith(b"PK")


def test_before_a_transfer_all_is_told_and_nothing_raised(resources, company, item):
    flip(resources, item)
    report = edge.check_before_transfer(resources, company.archivist, [item.id, item.id])
    assert report.stops and report.papers == 1 and report.run_id
    with pytest.raises(Conflict, match="不能移交"):
        edge.require_passed(report)
    with resources.reading() as uow:
        assert uow.session.get(FileContent, item.files[0].sha256) is None

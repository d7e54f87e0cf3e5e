"""四性检测: what a volume is checked for before it is sealed, and what stops it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from archive.core.errors import Conflict, Forbidden, NotFound
from archive.filing import service as filing
from archive.filing.checks import edge, gathering
from archive.filing.checks.judging import judge
from archive.filing.checks.reading import read_bytes
from archive.filing.checks.rules import Verdict
from archive.filing.checks.scheme import PROPERTIES, load_scheme, parse_scheme
from storage.journal import BACKED_UP, DRILLED, JournalEntry

PASSWORD = "档案台-测试-2026"
PDF = b"%PDF-1.7 one"


@pytest.fixture
def item(resources, company, signed_record):
    with resources.work() as uow:
        made = filing.file_record(uow, company.archivist, signed_record(pdf=PDF).id)
        uow.commit()
    return made


def spoil(resources, item, content):
    sha256 = item.files[0].sha256
    path = resources.blobs.folder / sha256[:2] / sha256[2:4] / sha256
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


def verdicts(resources, company, item):
    report = edge.check_volume(resources, company.archivist, item.volume_id)
    return {one.item.how: one for one in report.results}, report


def test_a_sound_volume_passes_and_says_what_was_not_done(resources, company, item):
    found, report = verdicts(resources, company, item)
    assert report.is_clean and not report.stops and report.papers == 1
    assert found["virus"].verdict is Verdict.NOT_DONE
    assert found["virus"].note == "没有接入病毒扫描程序"
    assert (
        found["match"].verdict is Verdict.MANUAL and "没有内嵌数据" in found["match"].manual[0].why
    )
    assert found["listed"].note == "没有经过移交清单"
    passed = {how for how, one in found.items() if one.verdict is Verdict.PASS}
    assert passed == set(found) - {"virus", "match", "listed"}


@pytest.mark.parametrize(
    ("content", "failing"),
    [
        (b"%PDF-1.7 eno", {"digest"}),
        (b"%PDF-1.7 longer", {"digest", "size"}),
        (b"<html>nothing", {"digest", "size", "format"}),
        (b"%PDF-1.7 /Encrypt 12 0 R", {"digest", "size", "encryption"}),
        (b"%PDF-1.7 /S /JavaScript", {"digest", "size", "active"}),
        (None, {"digest"}),
    ],
)
def test_what_was_done_to_a_file_is_named(resources, company, item, content, failing):
    spoil(resources, item, content)
    found, report = verdicts(resources, company, item)
    assert {how for how, one in found.items() if one.verdict is Verdict.FAIL} == failing
    assert report.stops
    assert found["digest"].faults[0][1] == item.title


def test_a_spoiled_file_stops_the_seal_and_changes_nothing(
    resources, company, client_for, api_for, item
):
    spoil(resources, item, b"%PDF-1.7 eno")
    address = f"/volumes/{item.volume_id}"
    answer = client_for(company.archivist).post(
        f"{address}/seal", data={"password": PASSWORD, "note": "齐全"}
    )
    assert answer.status_code == 409
    assert item.title in answer.text and "GD-1-1" in answer.text and "齐全" in answer.text
    sent = {"password": PASSWORD}
    refused = api_for(company.archivist).post(f"/api/v1{address}/seal", json=sent)
    assert refused.status_code == 409 and "四性检测" in refused.json["error"]["message"]
    page = client_for(company.archivist).get(f"{address}/check").text
    assert "不能封卷" in page and "的内容被改动" in page
    with resources.reading() as uow:
        assert filing.find_seal(uow, company.archivist, item.volume_id) is None
        acts = [entry.action for entry in uow.session.query(JournalEntry)]
    assert acts.count("volume.check") == 2 and "volume.prepare" not in acts


def test_a_file_spoiled_between_the_two_archivists_stops_the_second(
    resources, company, client_for, item
):
    address = f"/volumes/{item.volume_id}"
    first = client_for(company.archivist).post(f"{address}/seal", data={"password": PASSWORD})
    assert first.status_code == 302
    spoil(resources, item, None)
    with resources.reading() as uow:
        digest = filing.get_seal(uow, company.archivist, item.volume_id).digest
    entries = {"digest": digest, "password": PASSWORD}
    second = client_for(company.archive_head).post(f"{address}/seal/confirm", data=entries)
    assert second.status_code == 409 and "找不到" in second.text


def test_only_who_may_seal_checks(resources, company, item):
    for person, error in ((company.sales_clerk, Forbidden), (company.leader, Forbidden)):
        with pytest.raises(error):
            edge.check_volume(resources, person, item.volume_id)
    for volume_id in (0, -1, 99, 2**70):
        with pytest.raises(NotFound):
            edge.check_volume(resources, company.archivist, volume_id)


def test_a_mark_across_two_pieces_is_seen(resources):
    content = b"%PDF-1.7 " + b"x" * ((1 << 20) - 14) + b"/Encrypt 7 0 R"
    ref = resources.blobs.put(content, "application/pdf")
    seen = read_bytes(resources.blobs, (ref.sha256,))[ref.sha256]
    assert (seen.sha256, seen.size, seen.marks) == (ref.sha256, ref.size, {"/Encrypt"})


def test_the_scheme_covers_all_four_properties():
    assert {item.property for item in load_scheme().items} == set(PROPERTIES)


ITEM = '[[item]]\ncode = "X"\nproperty = "真实性"\nname = "项"\nhow = "digest"\n'
ITEM += 'veto = true\nwhen = ["sealing"]\n'


@pytest.mark.parametrize(
    "text",
    [
        "",
        "version = 1",
        f"version = 1\n{ITEM}{ITEM}",
        "version = 1\n" + ITEM.replace("digest", "magic"),
        "version = 1\n" + ITEM.replace("真实性", "美观性"),
        "version = 1\n" + ITEM.replace("veto = true", ""),
        "version = 1\n" + ITEM.replace("sealing", "someday"),
        "version = 1\n" + ITEM.replace('["sealing"]', "[]"),
    ],
)
def test_a_scheme_that_is_not_whole_is_refused(text):
    with pytest.raises((KeyError, TypeError, ValueError)):
        parse_scheme(text)


def test_the_refusal_names_the_paper(resources, company, item):
    spoil(resources, item, None)
    with pytest.raises(Conflict, match=item.title):
        edge.check_before_seal(resources, company.archivist, item.volume_id)


@pytest.mark.parametrize(
    ("kept", "backed_up", "drilled", "verdict", "words"),
    [
        (1, None, None, Verdict.NOT_DONE, "没有备份记录"),
        (3, 2, 2, Verdict.FAIL, "还没有备份"),
        (1, 2, None, Verdict.NOT_DONE, "恢复演练"),
        (1, 2, 3, Verdict.PASS, ""),
    ],
)
def test_a_backup_counts_when_it_is_newer_than_the_files_and_was_tried(
    resources, company, item, kept, backed_up, drilled, verdict, words
):
    def day(number):
        return datetime(2026, 3, number, tzinfo=UTC) if number else None

    with resources.reading() as uow:
        paper = gathering.papers_of(uow, [item.id])[0]
    paper = replace(paper, kept_at=day(kept), backed_up_at=day(backed_up), drilled_at=day(drilled))
    found = next(one for one in judge([paper], "transfer").results if one.item.how == "backup")
    assert found.verdict is verdict
    assert words in (found.faults[0].why if found.faults else found.note)


def test_the_last_backup_and_drill_are_read_from_the_log(resources, company, item):
    with resources.work() as uow:
        uow.journal(None, BACKED_UP, "instance", "instance", {"findings": 0})
        uow.journal(None, DRILLED, "instance", "instance", {"findings": 2})
        uow.commit()
    with resources.reading() as uow:
        paper = gathering.papers_of(uow, [item.id])[0]
    assert paper.backed_up_at is not None and paper.backed_up_at >= paper.kept_at
    assert paper.drilled_at is None  # the drill found something wrong

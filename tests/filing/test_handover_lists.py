"""Hand-over lists: finished papers signed over by a filer and received by an archivist."""

import threading
from datetime import date

import pytest
from sqlalchemy import select, update

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from archive.documents import service as documents
from archive.filing import service as filing
from archive.filing.handover import edge
from archive.filing.handover import service as handover
from archive.filing.handover.models import HandoverLine
from archive.filing.handover.papers import list_paper
from archive.people.rights import SECRET
from archive.records.models import Record
from archive.records.rows import settle
from doc_templates import document_text
from storage.journal import JournalEntry

PASSWORD = "档案台-测试-2026"


def do(resources, act, *args, **kwargs):
    with resources.work() as uow:
        made = act(uow, *args, **kwargs)
        uow.commit()
    return made


@pytest.fixture
def papers(signed_record):
    """Two signed papers of the sales department."""
    first = signed_record(pdf=b"%PDF-1.7 one")
    return first, signed_record(客户名称="青岛澳柯玛股份有限公司", pdf=b"%PDF-1.7 two")


@pytest.fixture
def made(resources, company, papers):
    """A list with both papers, still being made."""
    return make(resources, company.sales_clerk, company, papers)


def make(resources, actor, company, records):
    ids = [record.id for record in records]
    return do(resources, handover.make_list, actor, company.sales_id, "2026-11", ids, "原件两份")


def hand(resources, actor, found, password=PASSWORD):
    return edge.hand_over(resources, actor, found.id, found.digest, password=password, address="-")


def receive(resources, actor, found, counted=None, password=PASSWORD):
    if counted is None:
        counted = {line.record_id: line.pages for line in found.lines}
    return edge.receive(
        resources, actor, found.id, found.digest, counted, password=password, address="-"
    )


def load(resources, actor, list_id):
    with resources.reading() as uow:
        return handover.get_list(uow, actor, list_id)


def waiting(resources, company):
    with resources.reading() as uow:
        return {one.id for one in filing.waiting_records(uow, company.archivist).items}


def spoil(resources, sha256, content=b"%PDF-1.7 eno"):
    """Change a kept file behind everyone's back."""
    path = resources.blobs.folder / sha256[:2] / sha256[2:4] / sha256
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


def test_a_list_is_handed_over_received_and_filed(resources, company, papers, made, clock):
    assert made.number == "" and len(made.lines) == 2 and made.pages == 4
    handed = hand(resources, company.sales_clerk, made)
    assert (handed.number, handed.state) == ("YJ-202611-XSB-01", "handed")
    assert waiting(resources, company) == set()
    with pytest.raises(Conflict, match="YJ-202611-XSB-01"):
        do(resources, filing.appraise, company.archivist, papers[0].id)
    with pytest.raises(Conflict, match="还没有接收"):
        do(resources, filing.send_back, company.archivist, papers[0].id, "不齐")
    clock.advance(hours=2)
    done = receive(resources, company.archivist, handed)
    assert (done.state_label, done.handed_name, done.received_name) == (
        "已接收",
        "陈晓东",
        "孙文静",
    )
    assert waiting(resources, company) == {record.id for record in papers}
    item = do(resources, filing.file_record, company.archivist, papers[0].id)
    assert item.steps[0].note == "移交清单 YJ-202611-XSB-01"
    with resources.reading() as uow:
        acts = list(uow.session.scalars(select(JournalEntry).order_by(JournalEntry.seq)))
        told = {entry.action: entry.detail for entry in acts}
    assert '"papers":2' in told["handover.hand"] and done.digest in told["handover.receive"]


def test_single_papers_are_taken_in_as_before(resources, company, papers):
    item = do(resources, filing.file_record, company.archivist, papers[0].id)
    assert item.steps[0].note == ""


def test_a_paper_on_a_list_still_being_made_may_be_taken_in_and_leaves_it(
    resources, company, papers, made
):
    do(resources, filing.appraise, company.archivist, papers[0].id)
    with pytest.raises(Conflict, match=r"第 1 件《青岛海信.*已由档案员收进"):
        hand(resources, company.sales_clerk, made)
    found, dropped = do(resources, handover.refresh_list, company.sales_clerk, made.id)
    assert [line.record_id for line in found.lines] == [papers[1].id]
    assert "已由档案员收进" in dropped[0]
    assert hand(resources, company.sales_clerk, found).state == "handed"


def test_one_file_changed_on_the_way_stops_the_receipt_and_is_named(resources, company, made):
    handed = hand(resources, company.sales_clerk, made)
    spoil(resources, handed.lines[1].files[0].sha256)
    with pytest.raises(Conflict) as caught:
        receive(resources, company.archivist, handed)
    assert "没有接收" in caught.value.message
    assert "第 2 件《青岛澳柯玛股份有限公司新开发客户报告表》的正本" in caught.value.message
    assert "内容与清单不符" in caught.value.message and "第 1 件" not in caught.value.message
    assert load(resources, company.archivist, made.id).state == "handed"


def test_a_file_lost_on_the_way_stops_the_receipt(resources, company, made):
    handed = hand(resources, company.sales_clerk, made)
    spoil(resources, handed.lines[0].files[0].sha256, None)
    with pytest.raises(Conflict, match=r"第 1 件《青岛海信.*找不到了"):
        receive(resources, company.archivist, handed)


def test_a_file_changed_before_the_hand_over_stops_it(resources, company, made):
    spoil(resources, made.lines[0].files[0].sha256)
    with pytest.raises(Conflict, match=r"没有移交：第 1 件.*内容与清单不符"):
        hand(resources, company.sales_clerk, made)


def test_a_file_exchanged_or_added_on_the_way_stops_the_receipt(resources, company, papers, made):
    handed = hand(resources, company.sales_clerk, made)
    for kind, stage in (("pdf", 4), ("scan", 3)):
        ref = resources.blobs.put(b"%PDF-1.7 other", "application/pdf")
        do(resources, documents.keep_document, papers[0].id, kind, 1, stage, ref, 2)
    with pytest.raises(Conflict, match=r"现在多了扫描件.*列入清单以后又换过"):
        receive(resources, company.archivist, handed)


def test_a_time_stamp_added_on_the_way_is_no_difference(resources, company, papers, made):
    handed = hand(resources, company.sales_clerk, made)
    ref = resources.blobs.put(b"%PDF-1.7 one, stamped", "application/pdf")
    do(resources, documents.keep_document, papers[0].id, "pdf", 1, 3, ref, 2)
    assert receive(resources, company.archivist, handed).state == "received"


def test_what_was_counted_must_be_what_the_list_says(resources, company, made):
    handed = hand(resources, company.sales_clerk, made)
    first, second = (line.record_id for line in handed.lines)
    for counted, words in (
        ({first: 2}, r"第 2 件《青岛澳柯玛.*没有勾选"),
        ({first: 1, second: 2}, "第 1 件《青岛海信.*清单写 2 页，清点 1 页"),
        ({first: 2, second: 2, 999: 1}, "清单上没有的 1 件"),
        ({}, "没有勾选"),
    ):
        with pytest.raises(Conflict, match=words):
            receive(resources, company.archivist, handed, counted)
    assert load(resources, company.archivist, made.id).state == "handed"


def test_a_list_changed_in_the_database_is_not_received(resources, company, made):
    handed = hand(resources, company.sales_clerk, made)
    with resources.work() as uow:
        uow.session.execute(update(HandoverLine).values(pages=9))
        uow.commit()
    with pytest.raises(Conflict, match="移交人签字时不同"):
        receive(resources, company.archivist, handed)


def test_a_list_given_back_is_mended_and_handed_over_again(resources, company, papers, made):
    handed = hand(resources, company.sales_clerk, made)
    with pytest.raises(Invalid):
        do(resources, handover.give_back, company.archivist, made.id, " ")
    do(resources, handover.give_back, company.archivist, made.id, "第 2 件缺原件")
    again = do(resources, handover.drop_paper, company.sales_clerk, made.id, papers[1].id)
    assert again.returns[0].reason == "第 2 件缺原件" and len(again.lines) == 1
    second = hand(resources, company.sales_head, again)
    assert second.number == handed.number and second.digest != handed.digest
    with pytest.raises(Conflict):
        receive(resources, company.archivist, handed)
    do(resources, handover.take_back, company.sales_clerk, made.id, "再加一件")
    assert load(resources, company.sales_clerk, made.id).state == "draft"


def test_nobody_signs_for_another_or_twice(resources, company, made):
    with pytest.raises(Unauthenticated):
        hand(resources, company.sales_clerk, made, password="不对")
    with pytest.raises(NotFound):
        hand(resources, company.other_clerk, made)
    with pytest.raises(Forbidden):
        hand(resources, company.archivist, made)
    handed = hand(resources, company.sales_clerk, made)
    with pytest.raises(Conflict, match="已移交"):
        hand(resources, company.sales_clerk, made)
    with pytest.raises(Forbidden):
        receive(resources, company.sales_head, handed)
    receive(resources, company.archivist, handed)
    with pytest.raises(Conflict, match="已接收"):
        receive(resources, company.archive_head, handed)


def test_the_archive_hands_its_own_papers_over_to_a_second_archivist(
    resources, company, signed_record
):
    record = signed_record(author=company.archivist)
    found = do(
        resources, handover.make_list, company.archivist, company.archive_id, "2026-11", [record.id]
    )
    handed = hand(resources, company.archivist, found)
    with pytest.raises(Forbidden, match="两个人"):
        receive(resources, company.archivist, handed)
    assert receive(resources, company.archive_head, handed).state == "received"


def test_a_paper_stands_on_one_list_only(resources, company, papers, made):
    with pytest.raises(Conflict, match="另一份"):
        make(resources, company.sales_clerk2, company, papers[:1])
    do(resources, handover.discard_list, company.sales_clerk, made.id)
    assert len(make(resources, company.sales_clerk2, company, papers[:1]).lines) == 1


def test_two_lists_made_at_once_share_no_paper(resources, company, papers):
    outcomes = []

    def attempt(person):
        try:
            outcomes.append(make(resources, person, company, papers).id)
        except Conflict as refusal:
            outcomes.append(refusal.message)

    people = (company.sales_clerk, company.sales_clerk2)
    threads = [threading.Thread(target=attempt, args=(person,)) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(one).__name__ for one in outcomes) == ["int", "str"]


@pytest.mark.parametrize(
    ("month", "records", "error"),
    [
        ("2026-13", [1], Invalid),
        ("去年", [1], Invalid),
        ("", [1], Invalid),
        ("2026-11", [], Invalid),
        ("2026-11", [999], NotFound),
        ("2026-11", [-1], NotFound),
        ("2026-11", [2**70], NotFound),
        ("2026-11", list(range(1, 502)), Invalid),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(resources, company, papers, month, records, error):
    with pytest.raises(error):
        do(resources, handover.make_list, company.sales_clerk, company.sales_id, month, records)


def test_only_signed_papers_of_the_own_department_are_listed(
    resources, company, papers, signed_record
):
    foreign = signed_record(author=company.other_clerk)
    with pytest.raises(NotFound):
        make(resources, company.sales_clerk, company, [foreign])
    with pytest.raises(NotFound):
        make(resources, company.other_clerk, company, papers)
    do(resources, filing.file_record, company.archivist, papers[0].id)
    with pytest.raises(Conflict, match="已由档案员收进"):
        make(resources, company.sales_clerk, company, papers)


def test_a_secret_paper_shows_to_nobody_who_may_not_read_it(resources, company, papers, made):
    """A head lists a secret paper of the department; a clerk sees the rest and signs nothing."""
    with resources.work() as uow:
        row = uow.session.get_one(Record, papers[1].id)
        row.secrecy = SECRET

        settle(uow, row)
        uow.commit()
    seen = load(resources, company.sales_clerk2, made.id)
    assert [line.record_id for line in seen.lines] == [papers[0].id] and not seen.is_whole
    with pytest.raises(Forbidden, match="涉密"):
        hand(resources, company.sales_clerk2, made)
    with resources.reading() as uow, pytest.raises(Forbidden):
        list_paper(uow, company.sales_clerk2, made.id)
    with resources.reading() as uow:
        told = handover.list_lists(uow, company.sales_clerk2).items[0]
    assert told.papers == 1
    with pytest.raises(NotFound):
        load(resources, company.other_clerk, made.id)


def test_a_paper_given_back_after_receipt_may_be_handed_over_again(
    resources, company, papers, made
):
    receive(resources, company.archivist, hand(resources, company.sales_clerk, made))
    do(resources, filing.send_back, company.archivist, papers[0].id, "金额写错")
    with resources.work() as uow:
        uow.session.execute(update(Record).where(Record.id == papers[0].id).values(state="signed"))
        uow.commit()
    assert len(make(resources, company.sales_clerk, company, papers[:1]).lines) == 1


def test_the_list_prints_as_a07(resources, company, made):
    done = receive(resources, company.archivist, hand(resources, company.sales_clerk, made))
    with resources.reading() as uow:
        paper = list_paper(uow, company.archivist, done.id)
    text = document_text(paper.word())
    assert "YJ-202611-XSB-01" in text and "青岛澳柯玛股份有限公司新开发客户报告表" in text
    assert done.digest in text and "孙文静" in text and "陈晓东" in text
    assert done.month == date(2026, 11, 1)

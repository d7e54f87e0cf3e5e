"""封卷: two archivists, numbers without a gap, codes for ever; moving items before that."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.core.numbering import Serial
from archive.filing import service as filing
from archive.filing.import_rows import batch_of
from archive.filing.models import Item, ItemCopy, Volume, VolumeSeal
from archive.filing.papers import PAPERS, volume_paper
from archive.filing.rules import Belonging, Place
from archive.jobs import drain_all
from archive.search.answers import cli_search
from doc_templates import document_text
from storage.journal import JournalEntry

PLACE = Place(room="库房一", row="02", bay="03", shelf="04", box="12")
FIRST = "Z109-KH·2026-D30-XSB-0001"
NEXT = Belonging("KH", "客户基础资料", 2026, "D30", "XSB", 1)


def do(resources, act, *args, **kwargs):
    with resources.work() as uow:
        made = act(uow, *args, **kwargs)
        uow.commit()
    return made


@pytest.fixture
def filed(resources, company, signed_record):
    """Return a maker of shelved items of the sales department's volume."""

    def make(name="青岛海信电器股份有限公司"):
        record = signed_record(客户名称=name)
        return do(resources, filing.file_record, company.archivist, record.id, place=PLACE)

    return make


def load(resources, item_id):
    with resources.reading() as uow:
        return filing.load_item(uow, item_id)


def prepared(resources, company, volume_id, note=""):
    return do(resources, filing.prepare_seal, company.archivist, volume_id, note)


def sealed(resources, company, volume_id):
    seal = prepared(resources, company, volume_id)
    return do(resources, filing.confirm_seal, company.archive_head, volume_id, seal.digest)


def test_two_archivists_seal_a_volume_and_number_it_without_a_gap(resources, company, filed):
    first, second = filed(), filed("青岛澳柯玛股份有限公司")
    seal = prepared(resources, company, first.volume_id, "第 1 件有水渍。")
    assert (seal.items, seal.pages, seal.prepared_name) == (2, 4, "孙文静")
    assert load(resources, first.id).reference_code is None
    done = do(resources, filing.confirm_seal, company.archive_head, first.volume_id, seal.digest)
    assert (done.first_code, done.last_code) == (FIRST, FIRST[:-1] + "2")
    assert done.confirmed_name == "何守正"
    assert [load(resources, one.id).reference_code for one in (first, second)] == [
        FIRST,
        FIRST[:-1] + "2",
    ]
    with resources.reading() as uow:
        volume, lines = filing.get_volume(uow, company.archivist, first.volume_id)
        acts = list(uow.session.scalars(select(JournalEntry.action).order_by(JournalEntry.seq)))
    assert volume.state_label == "已封卷"
    assert [line.code for line in lines.items] == [FIRST, FIRST[:-1] + "2"]
    assert acts[-4:] == ["volume.prepare", "item.number", "item.number", "volume.seal"]


def test_who_proposed_cannot_confirm(resources, company, filed):
    item = filed()
    seal = prepared(resources, company, item.volume_id)
    with pytest.raises(Forbidden, match="另一位"):
        do(resources, filing.confirm_seal, company.archivist, item.volume_id, seal.digest)
    for act in (filing.prepare_seal, filing.confirm_seal, filing.withdraw_seal):
        with pytest.raises(Forbidden):
            do(resources, act, company.sales_head, item.volume_id, "x")
    assert load(resources, item.id).reference_code is None


@pytest.mark.parametrize("digest", ["", "0" * 64, "档" * 64])
def test_only_the_catalogue_that_was_seen_is_confirmed(resources, company, filed, digest):
    item = filed()
    prepared(resources, company, item.volume_id)
    with pytest.raises(Conflict, match="不同"):
        do(resources, filing.confirm_seal, company.archive_head, item.volume_id, digest)


def test_a_page_count_changed_behind_the_back_stops_the_seal(resources, company, filed):
    item = filed()
    seal = prepared(resources, company, item.volume_id)
    with resources.work() as uow:
        uow.session.execute(update(Item).where(Item.id == item.id).values(pages=9))
        uow.commit()
    with pytest.raises(Conflict, match="不同"):
        do(resources, filing.confirm_seal, company.archive_head, item.volume_id, seal.digest)


def test_a_volume_with_open_ends_is_refused_with_every_reason(
    resources, company, filed, signed_record
):
    item = filed()
    half = do(resources, filing.appraise, company.archivist, signed_record().id)
    do(resources, filing.classify, company.archivist, half.id, replace(NEXT, item_class="客户开发"))
    do(resources, filing.catalogue, company.archivist, half.id)
    do(resources, filing.set_copy_status, company.archivist, item.copies[0].id, "out")
    with pytest.raises(Conflict) as caught:
        prepared(resources, company, item.volume_id)
    assert "1 件还没有上架" in caught.value.message
    assert "1 份实体现在是“借出”" in caught.value.message


def test_nothing_goes_in_or_out_while_the_second_one_looks(resources, company, filed):
    item = filed()
    prepared(resources, company, item.volume_id)
    with pytest.raises(Conflict, match="核对封卷"):
        filed("青岛澳柯玛股份有限公司")
    with pytest.raises(Conflict, match="不能移动"):
        do(resources, filing.move_item, company.archivist, item.id, NEXT, "分错了类")
    with pytest.raises(Conflict, match="待核对"):
        prepared(resources, company, item.volume_id)


def test_a_withdrawn_proposal_opens_the_volume_and_stays_on_record(resources, company, filed):
    item = filed()
    seal = prepared(resources, company, item.volume_id)
    with pytest.raises(Invalid, match="写明原因"):
        do(resources, filing.withdraw_seal, company.archive_head, item.volume_id, " ")
    do(resources, filing.withdraw_seal, company.archive_head, item.volume_id, "第 1 件缺页")
    with pytest.raises(Conflict, match="不在等待核对"):
        do(resources, filing.confirm_seal, company.archive_head, item.volume_id, seal.digest)
    filed("青岛澳柯玛股份有限公司")
    assert sealed(resources, company, item.volume_id).items == 2
    with resources.reading() as uow:
        reasons = list(uow.session.scalars(select(VolumeSeal.reason).order_by(VolumeSeal.id)))
    assert reasons == ["第 1 件缺页", ""]


def test_a_sealed_volume_stays_as_it_is(resources, company, filed):
    item = filed()
    sealed(resources, company, item.volume_id)
    with pytest.raises(Conflict, match="已经封卷"):
        filed("青岛澳柯玛股份有限公司")
    with pytest.raises(Conflict, match="不能再移动"):
        do(resources, filing.move_item, company.archivist, item.id, NEXT, "分错了类")
    with pytest.raises(Conflict):
        do(resources, filing.withdraw_seal, company.archive_head, item.volume_id, "后悔了")
    with pytest.raises(Conflict):
        prepared(resources, company, item.volume_id)
    with resources.work() as uow, pytest.raises(ValueError, match="不能改"):
        uow.session.get_one(Item, item.id).reference_code = "Z109-KH·2026-D30-XSB-0099"


def test_the_next_volume_of_the_same_lowest_class_goes_on_counting(resources, company, filed):
    first, second = filed(), filed("青岛澳柯玛股份有限公司")
    do(resources, filing.move_item, company.archivist, second.id, NEXT, "属于基础资料")
    sealed(resources, company, first.volume_id)
    sealed(resources, company, load(resources, second.id).volume_id)
    assert load(resources, first.id).reference_code == FIRST
    assert load(resources, second.id).reference_code == FIRST[:-1] + "2"


def test_past_9999_sealing_is_refused_with_how_to_split(resources, company, filed):
    item = filed()
    filed("青岛澳柯玛股份有限公司")
    with resources.work() as uow:
        uow.session.add(Serial(series="final:Z109-KH·2026-D30-XSB", last=9998))
        uow.commit()
    with pytest.raises(Conflict, match=r"二级门类（例如 KH·02）"):
        prepared(resources, company, item.volume_id)
    split = replace(NEXT, category="KH·02", item_class="客户开发")
    do(resources, filing.move_item, company.archivist, item.id, split, "本类件号已满")
    moved = load(resources, item.id)
    assert moved.provisional_code == "Z109-KH·02·2026-D30-XSB-L0001"
    sealed(resources, company, moved.volume_id)
    assert load(resources, item.id).reference_code == "Z109-KH·02·2026-D30-XSB-0001"


def test_two_archivists_confirming_at_once_number_it_once(resources, company, filed):
    item = filed()
    filed("青岛澳柯玛股份有限公司")
    seal = do(resources, filing.prepare_seal, company.archive_head, item.volume_id)
    outcomes = []

    def attempt():
        try:
            do(resources, filing.confirm_seal, company.archivist, item.volume_id, seal.digest)
            outcomes.append("sealed")
        except Conflict:
            outcomes.append("refused")

    threads = [threading.Thread(target=attempt) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["refused", "sealed"]
    with resources.reading() as uow:
        codes = list(uow.session.scalars(select(Item.reference_code).order_by(Item.serial)))
        last = uow.session.get_one(Serial, "final:Z109-KH·2026-D30-XSB").last
    assert codes == [FIRST, FIRST[:-1] + "2"]
    assert last == 2


def test_two_volumes_of_one_lowest_class_sealed_at_once_share_no_number(resources, company, filed):
    one, other = filed(), filed("青岛澳柯玛股份有限公司")
    do(resources, filing.move_item, company.archivist, other.id, NEXT, "属于基础资料")
    volumes = [one.volume_id, load(resources, other.id).volume_id]
    seals = [prepared(resources, company, volume_id) for volume_id in volumes]
    faults = []

    def attempt(volume_id, digest):
        try:
            do(resources, filing.confirm_seal, company.archive_head, volume_id, digest)
        except Conflict as fault:
            faults.append(fault)

    threads = [
        threading.Thread(target=attempt, args=(volume_id, seal.digest))
        for volume_id, seal in zip(volumes, seals, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    codes = {load(resources, item.id).reference_code for item in (one, other)}
    assert codes == {FIRST, FIRST[:-1] + "2"}


def test_who_may_not_read_all_of_it_cannot_seal_it(resources, company, filed):
    item = filed()
    filed("青岛澳柯玛股份有限公司")
    low = replace(company.archivist, clearance=1)
    with resources.work() as uow:
        secret = replace(NEXT, item_class="客户开发", secrecy=2)
        filing.move_item(uow, company.archivist, item.id, secret, "定密")
        uow.commit()
    with pytest.raises(Forbidden, match="涉密权限"):
        do(resources, filing.prepare_seal, low, item.volume_id)
    with resources.reading() as uow, pytest.raises(Forbidden):
        volume_paper(uow, low, item.volume_id, "A04")


@pytest.mark.parametrize("number", [0, -1, 99, 2**63, 10**40])
def test_a_volume_that_is_not_there_cannot_be_sealed(resources, company, number):
    for act in (filing.prepare_seal, filing.confirm_seal, filing.withdraw_seal):
        with pytest.raises(NotFound):
            do(resources, act, company.archivist, number, "x")
    with resources.reading() as uow, pytest.raises(NotFound):
        volume_paper(uow, company.archivist, number, "A05")


@pytest.mark.parametrize("note", ["a\x00b", "长" * 2001, "\u202e反"])
def test_a_note_no_paper_can_carry_is_refused(resources, company, filed, note):
    item = filed()
    with pytest.raises(Invalid, match="情况说明"):
        prepared(resources, company, item.volume_id, note)


def test_an_item_is_moved_with_its_reason_and_a_new_provisional_number(resources, company, filed):
    item = filed()
    wanted = Belonging("HT", "合同", 2025, "D30", "XSB", 1)
    moved = do(resources, filing.move_item, company.archivist, item.id, wanted, "其实是合同")
    assert moved.provisional_code == "Z109-HT·2025-D30-XSB-L0001"
    assert moved.volume_title.startswith("2025年度")
    with resources.reading() as uow:
        [move] = filing.moves_of(uow, company.archivist, item.id)
    assert (move.from_code, move.reason) == ("Z109-KH·2026-D30-XSB-L0001", "其实是合同")
    assert filed("青岛澳柯玛股份有限公司").provisional_code.endswith("-L0002"), "never used again"


def test_a_move_that_cannot_be_is_refused_and_changes_nothing(resources, company, filed):
    item = filed()
    now = replace(NEXT, item_class="客户开发")
    refused = [
        (now, "为什么", {}, Invalid, "没有变化"),
        (NEXT, "  ", {}, Invalid, "写明原因"),
        (replace(NEXT, item_class="合同", retention="D10"), "短些", {}, Invalid, "最少保管30年"),
        (replace(NEXT, secrecy=3), "定密", {}, Invalid, "涉密权限"),
        (NEXT, "旧页面", {"version": 1}, Conflict, "刷新"),
    ]
    for belonging, reason, extra, kind, words in refused:
        with pytest.raises(kind, match=words):
            do(resources, filing.move_item, company.archivist, item.id, belonging, reason, **extra)
    with pytest.raises(Forbidden):
        do(resources, filing.move_item, company.sales_head, item.id, NEXT, "我来改")
    after = load(resources, item.id)
    assert (after.version, after.provisional_code) == (item.version, item.provisional_code)


def test_an_item_before_its_catalogue_can_change_class_too(resources, company, signed_record):
    item = do(resources, filing.appraise, company.archivist, signed_record().id)
    with pytest.raises(Conflict, match="还没有归属"):
        do(resources, filing.move_item, company.archivist, item.id, NEXT, "x")
    do(resources, filing.classify, company.archivist, item.id, NEXT)
    wanted = replace(NEXT, category="KH·02")
    moved = do(resources, filing.move_item, company.archivist, item.id, wanted, "件号已满")
    assert (moved.category, moved.volume_id, moved.state_label) == ("KH·02", None, "已归属")


@pytest.mark.parametrize(
    "typed",
    [FIRST, "z109－kh•2026－d30－xsb－0001", "Z109-KH.2026-D30-XSB-1", "Z109 KH·2026", "XSB-1"],
)
def test_a_final_code_is_found_in_the_list_however_it_is_typed(resources, company, filed, typed):
    item = filed()
    sealed(resources, company, item.volume_id)
    with resources.reading() as uow:
        found = filing.list_items(uow, company.archivist, filing.ItemFilter(text=typed))
    assert [one.id for one in found.items] == ([] if " " in typed else [item.id])


@pytest.mark.parametrize(
    "typed",
    [
        FIRST,
        "z109－kh•2026－d30－xsb－0001",
        "Z109-KH.2026-D30-XSB-1",
        "Z109 KH 2026 D30 XSB 1",
        "XSB-1",
        "2026-D30-XSB-1",
    ],
)
def test_a_final_code_is_found_by_search_however_it_is_typed(resources, company, filed, typed):
    item = filed()
    drain_all(resources)
    sealed(resources, company, item.volume_id)
    drain_all(resources)
    hits = cli_search(resources, None, typed)["hits"]
    assert f"item:{item.id}" in [hit["id"] for hit in hits]


def test_the_catalogue_sorts_by_code(resources, company, filed):
    first, second, third = filed(), filed("青岛澳柯玛股份有限公司"), filed("青岛啤酒股份有限公司")
    wanted = replace(NEXT, year=2025)
    do(resources, filing.move_item, company.archivist, second.id, wanted, "是去年的")
    with resources.reading() as uow:
        narrow = filing.ItemFilter(sort="code")
        found = filing.list_items(uow, company.archivist, narrow).items
        with pytest.raises(Invalid, match="排序"):
            filing.list_items(uow, company.archivist, filing.ItemFilter(sort="title; drop"))
    assert [item.id for item in found] == [second.id, first.id, third.id]


@pytest.mark.parametrize("code", list(PAPERS))
def test_the_papers_of_a_volume_print_what_was_sealed(resources, company, filed, code):
    item = filed()
    filed("青岛澳柯玛股份有限公司")
    with resources.reading() as uow:
        before = volume_paper(uow, company.archivist, item.volume_id, code).word()
    assert "L0001" in document_text(before)
    seal = prepared(resources, company, item.volume_id, "第 1 件有水渍。")
    do(resources, filing.confirm_seal, company.archive_head, item.volume_id, seal.digest)
    with resources.reading() as uow:
        text = document_text(volume_paper(uow, company.archivist, item.volume_id, code).word())
    assert "2026年度 销售部 客户开发（30年）" in text
    assert "Z109-KH·2026-D30-XSB" in text and "L0001" not in text
    told = {
        "A04": ("青岛澳柯玛股份有限公司", "已封卷", FIRST),
        "A05": ("孙文静", "何守正", "2026年11月20日", "年度 | 2026\n"),
        "A06": ("第 1 件有水渍。", seal.digest, "孙文静"),
        "A10": ("库房一-02-03-04 盒12", "0001", "0002"),
    }
    for words in told[code]:
        assert words in text


def test_a_volume_of_five_hundred_is_sealed_whole(resources, company):
    rows = [
        {"title": f"客户拜访记录{n:03d}", "date": "2026-03-05", "form": "E01", "pages": 2}
        for n in range(500)
    ]
    with resources.work() as uow:
        batch = batch_of(rows)
        outcome = filing.import_batch(uow, company.archivist, batch)
        uow.commit()
    assert len(outcome.imported) == 500
    with resources.reading() as uow:
        [volume_id] = uow.session.scalars(select(Volume.id))
    seal = prepared(resources, company, volume_id)
    do(resources, filing.confirm_seal, company.archive_head, volume_id, seal.digest)
    with resources.reading() as uow:
        serials = list(uow.session.scalars(select(Item.serial).order_by(Item.id)))
        codes = set(uow.session.scalars(select(Item.reference_code)))
        assert uow.session.scalars(select(ItemCopy.id)).first() is not None
    assert serials == list(range(1, 501))
    assert len(codes) == 500

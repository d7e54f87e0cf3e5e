"""The end of the keeping: due, held, appraised, destroyed by several people, never by one."""

from datetime import date

import pytest
from sqlalchemy import func, select

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound, Unauthenticated
from archive.filing import service as filing
from archive.filing.models import ItemCopy, ItemFile
from archive.filing.retention import appraisal, due, edge, holds, lists, settings
from archive.filing.retention.appraisal import Opinion
from archive.filing.retention.models import AppraisalLine, DisposalLine, DisposalList, ItemTerm
from archive.jobs import drain_all
from archive.lending import answering, facts
from archive.records import starts
from archive.records.models import Record, RecordVersion
from archive.search.models import SearchEntry
from archive.trust.checking import verify_instance
from storage.files import StoredFile
from storage.journal import JournalEntry

PASSWORD = "档案台-测试-2026"
ADDRESS = {"password": PASSWORD, "address": "-"}


def test_a_term_is_over_on_the_first_of_january_after_its_last_year(world):
    assert world.listed() == world.items
    world.clock.now = world.clock.now.replace(year=2056, month=12, day=31, hour=15)
    assert world.listed() == [] and world.listed(months=1) == world.items
    world.clock.advance(hours=2)  # midnight in Shanghai has passed
    assert world.listed() == world.items
    term = world.read(due.term_of, world.items[0])
    assert term.due_on == date(2057, 1, 1) and term.is_due


def test_the_due_list_takes_the_same_statements_whatever_it_holds(world, count_statements):
    with count_statements() as all_of_it:
        world.listed()
    with count_statements() as one:
        world.read(due.list_due, world.company.archive_head, per_page=1)
    assert len(all_of_it) == len(one) <= 20


def test_an_extension_counts_from_the_year_of_the_appraisal_and_the_code_stays(world):
    code = world.item().reference_code
    appraisal_id = world.open()
    assert world.item().state == "reviewing" and world.listed() == []
    world.vote(appraisal_id, "extend", "D10")
    item = world.item()
    assert (item.state, item.reference_code, item.retention) == ("shelved", code, "D30")
    term = world.read(due.term_of, item.id)
    assert (term.base_year, term.retention, term.due_on) == (2057, "D10", date(2068, 1, 1))
    assert world.listed() == []


def test_what_is_lent_held_or_not_due_is_refused_and_every_item_named(world):
    with world.resources.work() as uow:
        copy = uow.session.scalar(select(ItemCopy).where(ItemCopy.item_id == world.items[0]))
        filing.set_copy_status(uow, world.company.archivist, copy.id, "out")
        uow.commit()
    head = world.company.archive_head
    hold = world.do(holds.set_hold, head, "item", str(world.items[1]), "青岛中院查封")
    with pytest.raises(Conflict) as refused:
        world.open()
    assert "海信" in refused.value.message and "借出" in refused.value.message
    assert "澳柯玛" in refused.value.message and "青岛中院查封" in refused.value.message
    world.do(filing.set_copy_status, world.company.archivist, copy.id, "in")
    world.do(holds.lift_hold, head, hold.id, "案件了结")
    world.clock.now = world.clock.now.replace(year=2040)
    with pytest.raises(Conflict, match="保管期限没有到"):
        world.open()


@pytest.mark.slow
@pytest.mark.parametrize("scope", ["item", "volume", "customer", "class"])
def test_a_hold_of_any_scope_keeps_the_committee_from_destroying(world, scope):
    item = world.item()
    appraisal_id = world.open()
    target = {
        "item": item.id,
        "volume": item.volume_id,
        "customer": item.customer_id,
        "class": item.item_class,
    }[scope]
    world.do(holds.set_hold, world.company.archive_head, scope, str(target), "诉讼保全")
    world.vote(appraisal_id, "destroy")
    line = world.read(
        lambda uow: uow.session.execute(
            select(AppraisalLine.outcome, AppraisalLine.why).where(AppraisalLine.item_id == item.id)
        ).one()
    )
    assert line.outcome == "held" and "诉讼保全" in line.why
    assert world.item().state == "shelved" and item.id in world.listed()


def test_a_committee_is_three_who_may_read_it_all(world):
    company, head = world.company, world.company.archive_head
    for members, leader, words in (
        ([head.id, company.leader.id], head.id, "至少 3 人"),
        ([head.id, head.id, company.leader.id], head.id, "写了两次"),
        ([head.id, company.leader.id, company.other_clerk.id], head.id, "赵客服"),
        ([head.id, company.leader.id, company.admin.id], head.id, "不在职"),
        (world.committee(), company.archivist.id, "组长"),
    ):
        with pytest.raises(Invalid, match=words):
            world.do(appraisal.open_appraisal, head, world.items, members, leader)
    for items in ([], [10**9], [-1], [10**30]):
        with pytest.raises((Invalid, NotFound)):
            world.open(items)
    with pytest.raises(Forbidden):
        world.do(
            appraisal.open_appraisal, company.archivist, world.items, world.committee(), head.id
        )


def test_opinions_are_whole_before_they_are_signed_and_fixed_after(world):
    head, leader = world.company.archive_head, world.company.leader
    number = world.open()
    world.do(appraisal.give_opinions, head, number, [Opinion(world.items[0], "destroy")])
    with pytest.raises(Conflict, match="还有 1 件"):
        edge.sign_appraisal(world.resources, head, number, **ADDRESS)
    for opinion, term in (("burn", ""), ("extend", ""), ("extend", "D7"), ("destroy", "D10")):
        with pytest.raises(Invalid):
            world.do(
                appraisal.give_opinions, head, number, [Opinion(world.items[1], opinion, term)]
            )
    world.do(appraisal.give_opinions, head, number, [Opinion(world.items[1], "extend", "Y")])
    with pytest.raises(Unauthenticated):
        edge.sign_appraisal(world.resources, head, number, password="猜的", address="-")
    edge.sign_appraisal(world.resources, head, number, **ADDRESS)
    with pytest.raises(Conflict, match="已经签字"):
        world.do(appraisal.give_opinions, head, number, [Opinion(world.items[1], "destroy")])
    with pytest.raises(Forbidden):
        world.do(appraisal.give_opinions, world.company.archivist, number, [])
    with pytest.raises(NotFound):
        world.do(appraisal.give_opinions, world.company.other_clerk, number, [])
    world.do(appraisal.withdraw_appraisal, head, number, "人员变动")
    assert world.item().state == "shelved"
    with pytest.raises(Conflict):
        world.do(appraisal.give_opinions, leader, number, [])


def test_nobody_has_two_parts_in_a_destruction(world):
    company = world.company
    row = world.made()
    for person in (company.archivist, company.archive_head, company.sales_head):
        with pytest.raises(Forbidden, match="法定代表人"):
            edge.approve(world.resources, person, row.id, row.digest, **ADDRESS)
    world.do(settings.save_settings, company.admin, company.archivist.id, 3)
    with pytest.raises(Forbidden, match="自己做的"):
        edge.approve(world.resources, company.archivist, row.id, row.digest, **ADDRESS)
    world.do(settings.save_settings, company.admin, company.leader.id, 3)
    with pytest.raises(Conflict, match="待批准"):
        world.watch(row, company.sales_head)
    with pytest.raises(Conflict, match="待批准"):
        world.execute(row)
    edge.approve(world.resources, company.leader, row.id, row.digest, **ADDRESS)
    with pytest.raises(Conflict, match="冷静期"):
        world.watch(row, company.sales_head)
    with pytest.raises(Forbidden, match="冷静期"):
        world.execute(row)
    world.clock.advance(days=93)
    with pytest.raises(Forbidden, match="监销人签字 0 人"):
        world.execute(row)
    for person, words in ((company.archivist, "您做的"), (company.leader, "您批准的")):
        with pytest.raises(Forbidden, match=words):
            world.watch(row, person)
    world.watch(row, company.archive_head)
    with pytest.raises(Forbidden, match="已经签过"):
        world.watch(row, company.archive_head)
    with pytest.raises(Forbidden, match="监销人签字 1 人"):
        world.execute(row)
    world.watch(row, company.sales_head)
    with pytest.raises(Forbidden, match="您是监销人"):
        world.execute(row, company.archive_head)
    with pytest.raises(Forbidden):
        world.execute(row, company.leader)
    assert world.item().state == "reviewing"


@pytest.mark.slow
def test_a_hold_put_on_in_between_stops_it_and_is_named(world):
    row = world.witnessed()
    hold = world.do(
        holds.set_hold, world.company.archive_head, "item", str(world.items[1]), "税务稽查"
    )
    with pytest.raises(Conflict, match=r"澳柯玛.*税务稽查"):
        world.execute(row)
    world.do(holds.lift_hold, world.company.archive_head, hold.id, "稽查结束")
    world.execute(row)
    world.do(holds.set_hold, world.company.archive_head, "item", str(world.items[1]), "又来稽查")
    drain_all(world.resources)
    assert (world.item(0).state, world.item(1).state) == ("destroyed", "reviewing")
    world.do(lambda uow: uow.session.flush())
    with pytest.raises(Conflict, match="正在执行"):
        world.do(lists.withdraw_list, world.company.archivist, row.id, "晚了")


@pytest.mark.slow
def test_a_withdrawn_list_puts_its_items_back_to_be_appraised_anew(world):
    row = world.witnessed()
    with pytest.raises(Invalid):
        world.do(lists.withdraw_list, world.company.archivist, row.id, " ")
    world.do(lists.withdraw_list, world.company.leader, row.id, "还要用")
    with pytest.raises(Conflict, match="已撤回"):
        world.execute(row)
    assert world.item().state == "shelved" and world.listed() == world.items
    world.vote(world.open(), "extend", "D30")


@pytest.mark.slow
def test_a_list_changed_in_the_database_goes_no_further(world):
    row = world.made()
    world.do(
        lambda uow: setattr(uow.session.scalar(select(DisposalLine).limit(1)), "title", "别的")
    )
    with pytest.raises(Conflict, match="与做成时不同"):
        edge.approve(world.resources, world.company.leader, row.id, row.digest, **ADDRESS)
    with pytest.raises(Conflict, match="刷新"):
        edge.approve(world.resources, world.company.leader, row.id, "0" * 64, **ADDRESS)


@pytest.mark.slow
def test_after_destruction_nothing_is_left_but_the_register(world, client_for, api_for):
    company, resources = world.company, world.resources
    record_id = world.item().record_id
    other = world.do(filing.file_record, company.archivist, _living(world).id)
    drain_all(resources)
    assert len(world.found("青岛海信")) == 1
    before = set(resources.blobs.digests())
    doors = [f"/items/{world.items[0]}/files/{one}" for one in _file_ids(world)]
    doors += [f"/records/{record_id}/document.{kind}" for kind in ("pdf", "docx")]
    doors.append(f"/records/{record_id}/preview.png")
    head, calls = client_for(company.archive_head), api_for(company.archive_head)
    assert [head.get(door).status_code for door in doors[:-1]] == [200] * (len(doors) - 1)

    row = world.destroyed()

    head, calls = client_for(company.archive_head), api_for(company.archive_head)
    item = world.item()
    assert item.state == "destroyed" and item.reference_code and item.text == ""
    assert [head.get(door).status_code for door in doors] == [404] * len(doors)
    page = head.get(f"/items/{item.id}")
    assert page.status_code == 200 and "已销毁" in page.text and row.number in page.text
    assert head.get(f"/records/{record_id}").status_code == 200
    assert "三次拜访" not in head.get(f"/records/{record_id}").text
    assert "三次拜访" not in calls.get(f"/api/v1/records/{record_id}").text
    assert world.found("三次拜访") == [f"item:{other.id}"]
    assert set(world.found("青岛海信")) <= {f"item:{other.id}"}, "at most the one that is like it"
    asked = calls.get("/api/v1/search?q=青岛海信").text
    assert "海信电器" not in asked and row.number not in asked
    with pytest.raises(Conflict, match="销毁"):
        world.do(starts.copy_record, company.sales_clerk, record_id)
    with pytest.raises(Conflict):
        world.do(filing.set_copy_status, company.archivist, item.id, "out")
    with resources.reading() as uow:
        for table in (ItemFile,):
            gone = select(func.count()).select_from(table).where(table.item_id.in_(world.items))
            assert uow.session.scalar(gone) == 0
        assert set(uow.session.scalars(select(SearchEntry.id))) == {f"item:{other.id}"}
        record = uow.session.get(Record, record_id)
        assert (record.content, record.state_note) == ({}, "")
        versions = select(RecordVersion).where(RecordVersion.record_id == record_id)
        assert {str(one.content) for one in uow.session.scalars(versions)} <= {"{}"}
        rows = set(uow.session.scalars(select(StoredFile.sha256)))
        line = uow.session.scalar(select(DisposalLine).where(DisposalLine.item_id == item.id))
        files, shared = list(line.files), list(line.shared)
    kept = set(resources.blobs.digests())
    word = next(file[2] for file in files if file[0] == "word")
    assert shared == [word] and word in kept, "a living paper has the very same Word file"
    assert {file[2] for file in files} - {word} <= before - kept
    assert {one for one in kept if one not in rows} == set()
    assert list(verify_instance(resources)) == []
    index = b"".join(p.read_bytes() for p in resources.settings.index.rglob("*") if p.is_file())
    assert "海信".encode() not in index


def _living(world):
    """A paper that is kept, with the very same Word file as the others."""
    return world.make_signed(
        world.resources,
        world.company,
        日期="2057-01-05",
        客户名称="上海新华医院",
        pdf=b"%PDF-1.7 living",
    )


def _file_ids(world):
    query = select(ItemFile.id).where(ItemFile.item_id == world.items[0])
    return world.read(lambda uow: list(uow.session.scalars(query)))


@pytest.mark.slow
def test_a_lender_is_told_in_clear_words_why_not(world):
    company = world.company

    def asked():
        question = facts.Question(
            company.sales_head,
            world.items[0],
            "original",
            world.clock.now.date(),
            asks_reason=False,
        )
        return world.read(answering.answer, question).decision.reasons[0]

    row = world.cooled()
    assert asked().code == "item_state" and "鉴定" in asked().text
    world.watch(row, company.archive_head)
    world.watch(row, company.sales_head)
    world.execute(row)
    drain_all(world.resources)
    assert "销毁" in asked().text


@pytest.mark.slow
def test_transferred_items_keep_our_copy_and_are_lent_no_more(world):
    row = world.made("transfer")
    told = (row.digest, "青岛市档案馆", "刘馆员")
    for receiver, name in (("", "刘馆员"), ("青岛市档案馆", " "), ("长" * 200, "刘馆员")):
        with pytest.raises(Invalid):
            edge.transfer(
                world.resources,
                world.company.archivist,
                row.id,
                row.digest,
                receiver,
                name,
                **ADDRESS,
            )
    edge.transfer(world.resources, world.company.archivist, row.id, *told, **ADDRESS)
    drain_all(world.resources)
    assert world.item().state == "transferred" and len(_file_ids(world)) == 2
    assert world.found("青岛海信") == [f"item:{world.items[0]}"]
    with pytest.raises(Conflict):
        edge.transfer(world.resources, world.company.archivist, row.id, *told, **ADDRESS)


@pytest.mark.slow
def test_every_act_is_in_the_log(world):
    world.destroyed()
    with world.resources.reading() as uow:
        acts = set(uow.session.scalars(select(JournalEntry.action)))
        assert uow.session.scalar(select(func.count()).select_from(ItemTerm)) == 0
    assert acts >= {
        "appraisal.open",
        "appraisal.opinion",
        "appraisal.sign",
        "appraisal.decided",
        "destroy.list",
        "destroy.approve",
        "destroy.witness",
        "destroy.execute",
        "destroy.done",
        "item.destroyed",
        "record.destroyed",
    }


@pytest.mark.slow
def test_a_damaged_file_is_not_handed_over(world):
    row = world.made("transfer")
    with world.resources.reading() as uow:
        digest = uow.session.scalars(
            select(ItemFile.sha256).where(ItemFile.item_id == world.items[0])
        ).first()
    path = world.resources.blobs.folder / digest[:2] / digest[2:4] / digest
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    told = (row.digest, "青岛市档案馆", "刘馆员")
    with pytest.raises(Conflict, match="不能移交") as refused:
        edge.transfer(world.resources, world.company.archivist, row.id, *told, **ADDRESS)
    assert refused.value.fields["check_run"]
    assert world.item().state == "reviewing"
    with world.resources.reading() as uow:
        assert uow.session.get(DisposalList, row.id).state == "made"


@pytest.mark.slow
def test_a_hold_is_put_on_what_people_call_it(world):
    item = world.item()
    copy = item.copies[0].barcode
    called = (
        ("item", item.reference_code), ("item", copy), ("volume", item.volume_title),
        ("customer", item.customer_name), ("class", item.item_class),
    )  # fmt: skip
    for scope, name in called:
        held = world.do(holds.set_hold, world.company.archive_head, scope, f" {name} ", name)
        assert held.target == (name if scope == "class" else str(getattr(item, IDS[scope])))
    for scope in ("item", "volume", "customer", "class"):
        for nothing in ("", "没有的名称", "Z109-KH·2020-D30-XSB-9999", "9" * 40, "\x00"):
            with pytest.raises((NotFound, Invalid)):
                world.do(holds.set_hold, world.company.archive_head, scope, nothing, "诉讼")


IDS = {"item": "id", "volume": "volume_id", "customer": "customer_id"}

"""Volumes of one customer; 件号 running on over the volumes of one lowest class; reading sets."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from archive.core.errors import Conflict
from archive.core.numbering import Serial
from archive.filing import service as filing
from archive.filing.classes import service as plans
from archive.filing.import_rows import batch_of
from archive.filing.models import Item, Volume
from archive.filing.plan import BY_CUSTOMER
from archive.filing.rules import Belonging, Place
from archive.people.models import ReaderSet
from archive.people.readers import may_read, may_read_set

HISENSE, AUCMA = "青岛海信电器股份有限公司", "青岛澳柯玛股份有限公司"
PLACE = Place(room="库房一", row="02", bay="03", shelf="04", box="12")


def do(resources, act, *args, **kwargs):
    with resources.work() as uow:
        made = act(uow, *args, **kwargs)
        uow.commit()
    return made


@pytest.fixture
def by_customer(resources, company):
    """Let the class 客户基础资料 have a volume for each customer."""
    with resources.reading() as uow:
        plan = plans.latest_plan(uow)
    row = replace(plan.classes["客户基础资料"], volumes=BY_CUSTOMER)
    change = replace(plan, classes={**plan.classes, row.name: row})
    return do(resources, plans.save_plan, company.archive_head, change, "每个客户一本", "")


def imported(resources, company, customers, title="客户登记卡"):
    rows = [
        {"title": f"{title}{n}", "customer": name, "department": "销售部", "pages": 1}
        for n, name in enumerate(customers)
    ]
    return do(resources, filing.import_batch, company.archivist, batch_of(rows)).imported


def volume_of(resources, item_id):
    with resources.reading() as uow:
        return filing.load_item(uow, item_id)


def sealed(resources, company, volume_id):
    seal = do(resources, filing.prepare_seal, company.archivist, volume_id)
    return do(resources, filing.confirm_seal, company.archive_head, volume_id, seal.digest)


def ends(seal):
    return int(seal.first_code[-4:]), int(seal.last_code[-4:])


def test_each_customer_has_a_volume_and_papers_without_one_share_the_units(
    resources, company, by_customer
):
    first, second, third = (
        volume_of(resources, one) for one in imported(resources, company, [HISENSE, AUCMA, HISENSE])
    )
    nobody = volume_of(resources, imported(resources, company, [""])[0])
    assert first.volume_id == third.volume_id != second.volume_id
    assert first.volume_title == f"2026年度 销售部 {HISENSE} 客户基础资料（30年）"
    assert nobody.volume_id not in {first.volume_id, second.volume_id}
    assert nobody.volume_title == "2026年度 销售部 客户基础资料（30年）"
    assert [one.provisional_code[-5:] for one in (first, second, third, nobody)] == [
        "L0001",
        "L0002",
        "L0003",
        "L0004",
    ]


def test_a_moved_paper_comes_into_its_customers_volume(resources, company, by_customer):
    rows = [{"title": "拜访记录", "customer": AUCMA, "department": "销售部", "form": "E01"}]
    item_id = do(resources, filing.import_batch, company.archivist, batch_of(rows)).imported[0]
    wanted = Belonging("KH", "客户基础资料", 2026, "D30", "XSB", 1)
    moved = do(resources, filing.move_item, company.archivist, item_id, wanted, "是基础资料")
    assert moved.volume_title == f"2026年度 销售部 {AUCMA} 客户基础资料（30年）"
    assert moved.plan_version == by_customer.version == 2


@pytest.mark.parametrize("later_first", [False, True])
def test_numbers_run_on_over_the_volumes_of_one_lowest_class(
    resources, company, by_customer, later_first
):
    ids = imported(resources, company, [HISENSE, AUCMA, HISENSE])
    one, two = (volume_of(resources, item_id).volume_id for item_id in ids[:2])
    order = [(two, 1), (one, 2)] if later_first else [(one, 2), (two, 1)]
    given = [ends(sealed(resources, company, volume_id)) for volume_id, _ in order]
    assert given == ([(1, 1), (2, 3)] if later_first else [(1, 2), (3, 3)])
    with resources.reading() as uow:
        codes = set(uow.session.scalars(select(Item.reference_code)))
    assert codes == {f"Z109-KH·2026-D30-XSB-000{n}" for n in (1, 2, 3)}


def test_two_volumes_of_one_lowest_class_sealed_at_the_same_instant(
    resources, company, by_customer
):
    ids = imported(resources, company, [HISENSE, AUCMA, HISENSE, AUCMA, HISENSE])
    volumes = [volume_of(resources, item_id).volume_id for item_id in ids[:2]]
    seals = [do(resources, filing.prepare_seal, company.archivist, one) for one in volumes]
    together, done, wrong = threading.Barrier(2), [], []

    def seal(volume_id, digest):
        together.wait()
        try:
            done.append(do(resources, filing.confirm_seal, company.archive_head, volume_id, digest))
        except Exception as error:  # noqa: BLE001 - told by the assertion
            wrong.append(error)

    threads = [
        threading.Thread(target=seal, args=(volume_id, prepared.digest))
        for volume_id, prepared in zip(volumes, seals, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert wrong == []
    numbers = sorted(n for first, last in map(ends, done) for n in range(first, last + 1))
    assert numbers == [1, 2, 3, 4, 5]


def test_the_last_numbers_of_a_class_are_kept_and_the_next_is_refused(
    resources, company, by_customer
):
    with resources.work() as uow:
        uow.session.add(Serial(series="item:Z109-KH·2026-D30-XSB", last=9998))
        uow.session.add(Serial(series="final:Z109-KH·2026-D30-XSB", last=9998))
        uow.commit()
    [last] = imported(resources, company, [HISENSE])
    assert volume_of(resources, last).provisional_code.endswith("L9999")
    over = volume_of(resources, imported(resources, company, [AUCMA], "再一张")[0])
    assert over.category == "KH·01", "an import goes on under the next second level"
    back = Belonging("KH", "客户基础资料", 2026, "D30", "XSB", 1)
    with pytest.raises(Conflict, match="KH·02"):
        do(resources, filing.move_item, company.archivist, over.id, back, "放回去")
    assert ends(sealed(resources, company, volume_of(resources, last).volume_id)) == (9999, 9999)


def test_a_list_read_by_sets_shows_what_a_list_read_by_tokens_shows(resources, company):
    imported(resources, company, [HISENSE, AUCMA, HISENSE, ""])
    rows = [
        {"title": f"密件{n}", "secrecy": label, "department": unit}
        for n, (label, unit) in enumerate([("公开", "客服部"), ("秘密", "销售部"), ("机密", "")])
    ]
    do(resources, filing.import_batch, company.archivist, batch_of(rows))
    with resources.reading() as uow:
        for person in company.everyone().values():
            by_token = select(Item.id).where(may_read(person, "item", Item.id))
            by_set = select(Item.id).where(may_read_set(person, Item.readers_id))
            assert set(uow.session.scalars(by_set)) == set(uow.session.scalars(by_token))
        sets = uow.session.scalar(select(func.count()).select_from(ReaderSet))
    assert sets < 7, "things read by the same people share one set"


def test_pages_from_either_end_hold_each_item_once(resources, company):
    ids = imported(resources, company, [HISENSE] * 23)
    with resources.reading() as uow:
        for sort, expected in (("", list(ids)[::-1]), ("code", list(ids))):
            narrow = filing.ItemFilter(sort=sort)
            seen = [
                item.id
                for page in range(1, 7)
                for item in filing.list_items(
                    uow, company.archivist, narrow, page=page, per_page=5
                ).items
            ]
            assert seen == expected


def test_a_paper_is_found_by_the_end_of_its_code(resources, company):
    ids = imported(resources, company, [HISENSE, AUCMA, HISENSE])
    told = ("XSB-0002", "xsb 2", "2026 0002", "ＸＳＢ－２", "D30—XSB—2", "KH·2026-2", "XSB-L2")
    with resources.reading() as uow:
        for typed in told:
            found = filing.list_items(uow, company.archivist, filing.ItemFilter(text=typed))
            assert [item.id for item in found.items] == [ids[1]], typed


def test_a_volume_of_two_customers_titles_stays_within_its_column(resources, company, by_customer):
    long = "青岛" + "长" * 110 + "有限公司"
    [item_id] = imported(resources, company, [long])
    with resources.reading() as uow:
        assert len(uow.session.scalars(select(Volume.title)).one()) <= 200
    assert volume_of(resources, item_id).customer_name == long


def test_the_year_is_that_of_the_paper_and_not_of_the_day_it_is_filed(resources, company, clock):
    """15:59 and 16:01 UTC on 31 December are two years in Beijing."""
    years = []
    clock.advance(days=38, hours=14, minutes=29)  # 2026-12-31 15:59 UTC, 23:59 here
    for minutes in (0, 2):
        clock.advance(minutes=minutes)
        [item_id] = imported(resources, company, [HISENSE], f"登记卡{minutes}")
        years.append(volume_of(resources, item_id).year)
    assert years == [2026, 2027]
    row = {"title": "去年的合同", "date": "2026-12-30", "form": "E05"}
    late = do(resources, filing.import_batch, company.archivist, batch_of([row])).imported[0]
    assert volume_of(resources, late).year == 2026

"""What is put in is found: by name, initials, words, numbers; once, and as it stands now."""

import pytest
from sqlalchemy import delete, select, update

from archive.core.errors import Forbidden, Invalid, NotFound
from archive.filing import service as filing
from archive.filing.models import Item, ItemCopy
from archive.records.models import Record
from archive.search.answers import cli_search
from archive.search.indexing import drain_index, verify_index
from archive.search.models import SearchEntry
from archive.search.service import suggest
from storage.outbox import OutboxItem


def plain(marked):
    return "".join(piece for piece, _ in marked)


def titles(found):
    return [plain(hit.title) for hit in found.items]


@pytest.fixture
def contract(take_in, drain):
    item_id = take_in(
        "与青岛海信电器有限公司的买卖合同",
        id="HX-1",
        text="甲方采购高压断路器三台，合同总金额12,500元，质保二十四个月。",
        customer="青岛海信电器有限公司",
        form="E05",
        year=2024,
        department="销售部",
        date="2024-03-05",
        number="HT-2024-0017",
    )
    take_in("食堂管理通知", text="自即日起调整就餐时间。", department="销售部", year=2025)
    drain()
    return item_id


@pytest.mark.parametrize(
    "text",
    [
        "海信",
        "青岛海信电器",
        "hx",
        "haixin",
        "高压断路器",
        "断路器 质保",
        "海信 质保",
        "HT-2024-0017",
        "ht20240017",
        "HT—2024—0017",
        "ＨＴ－２０２４－００１７",
        "0017",
        "12500",
        "買賣合同",
        "客户:海信",
        "年度:2024",
        "表单:买卖合同",
        '"采购高压断路器"',
        "断路器 -通知",
    ],
)
def test_paper_is_found_by_what_people_remember_of_it(find, contract, text):
    found = find(text)
    assert titles(found) == ["与青岛海信电器有限公司的买卖合同"]
    assert found.total == 1


@pytest.mark.parametrize("text", ["长虹", "断路器 -海信", "HT-2025-0017", "年度:2023", "路断"])
def test_what_is_not_there_is_not_found(find, contract, text):
    assert find(text).total == 0


def test_item_is_found_by_its_codes_and_its_barcode(find, resources, contract):
    with resources.reading() as uow:
        item = filing.load_item(uow, contract)
    spellings = (
        item.provisional_code,
        item.provisional_code.lower().replace("·", ".").replace("-", "－"),
        item.copies[0].barcode,
        "HX-1",
    )
    for spelling in spellings:
        assert titles(find(spelling)) == [item.title], spelling


def test_hit_says_what_it_is_and_where_it_stands(find, contract):
    hit = find("断路器").items[0]
    assert (hit.customer, hit.form, hit.form_title) == ("青岛海信电器有限公司", "E05", "买卖合同")
    assert (hit.department, hit.date, hit.year) == ("销售部", "2024-03-05", 2024)
    assert (hit.card.public_id, hit.card.number) == ("HX-1", "HT-2024-0017")
    assert (hit.status, hit.is_lent) == ("在库", False)
    assert ("断路器", True) in hit.snippet or ("高压断路器", True) in hit.snippet


def test_lent_paper_shows_as_lent(find, drain, resources, company, contract):
    with resources.work() as uow:
        copy_id = uow.session.scalar(select(ItemCopy.id).where(ItemCopy.item_id == contract))
        filing.set_copy_status(uow, company.archivist, copy_id, "out")
        uow.commit()
    assert find("断路器").items[0].is_lent
    drain()
    assert find("断路器").items[0].status == "借出"
    assert find("断路器", filters={"status": ["借出"]}).total == 1


def test_facets_count_and_filters_narrow(find, contract):
    facets = {one.field: {v.value: v.count for v in one.values} for one in find("").facets}
    assert facets["year"] == {"2024": 1, "2025": 1}
    assert facets["form"] == {"E05": 1}
    assert facets["department"] == {"销售部": 2}
    assert titles(find("", filters={"year": ["2025"]})) == ["食堂管理通知"]
    assert find("", filters={"year": ["2025", "2024"]}).total == 2
    assert find("", filters={"form": ["买卖合同"]}).total == 1
    assert find("", filters={"year": ["1999"]}).total == 0


def test_filter_without_hits_stays_to_be_taken_off(find, contract):
    found = find("断路器", filters={"year": ["1999"]})
    assert [(one.field, value.value, value.count) for one, value in found.chosen] == [
        ("year", "1999", 0)
    ]


def test_pages_follow_each_other_without_gap_or_double(find, take_in, drain):
    for number in range(25):
        take_in(f"巡检记录第{number:02d}号", department="销售部", number=f"XJ-{number:02d}")
    drain()
    seen = [hit for page in (1, 2, 3) for hit in titles(find("巡检", page=page, per_page=10))]
    assert len(seen) == 25
    assert len(set(seen)) == 25
    assert find("巡检", page=4, per_page=10).items == ()
    assert find("巡检", per_page=10).pages == 3


def test_record_is_found_from_draft_on_and_once_only_when_filed(
    find, draft, sign, file_away, drain, company
):
    record_id = draft("E01", 客户名称="宁波东海轴承有限公司")
    drain()
    [hit] = find("东海轴承").items
    assert (hit.card.kind, hit.card.thing_id, hit.status) == ("record", record_id, "草稿")
    sign(record_id)
    drain()
    [hit] = find("东海轴承").items
    assert hit.status == "已签，待归档"
    item_id = file_away(record_id)
    drain()
    for text in ("东海轴承", "donghai", "dhzc"):
        [hit] = find(text, company.sales_clerk2).items
        assert (hit.card.kind, hit.card.thing_id) == ("item", item_id)
    assert hit.maker == "陈晓东"
    assert find("姓名:王建国").total == 1


def test_item_half_way_through_the_steps_does_not_double_its_record(
    find, draft, sign, drain, resources, company
):
    record_id = draft("E01", 客户名称="宁波东海轴承有限公司")
    sign(record_id)
    with resources.work() as uow:
        item = filing.appraise(uow, company.archivist, record_id)
        uow.outbox("index", f"item:{item.id}")
        uow.commit()
    drain()
    assert [hit.card.kind for hit in find("东海轴承").items] == ["record"]


def test_edited_draft_is_found_by_its_new_words_only(find, draft, drain, resources, company):
    from archive.records import service as records

    record_id = draft("E01", 客户名称="宁波东海轴承有限公司")
    drain()
    with resources.work() as uow:
        record = records.load_record(uow, record_id)
        raw = {**record.content, "客户名称": "温州永嘉阀门厂"}
        records.save_draft(uow, company.sales_clerk, record_id, raw, record.version)
        uow.commit()
    drain()
    assert find("永嘉阀门").total == 1
    assert find("东海轴承").total == 0


def test_draining_twice_changes_nothing(find, resources, contract):
    job = [OutboxItem(1, "index", f"item:{contract}", {}, 1)] * 2
    drain_index(resources, job)
    drain_index(resources, job)
    assert find("断路器").total == 1
    assert list(verify_index(resources)) == []


def test_keys_that_mean_nothing_do_no_harm(find, resources, contract):
    keys = ["item:999999", "record:0", "item:", "x", "item:1e3", "item:" + "9" * 400, "item:-1"]
    drain_index(resources, [OutboxItem(1, "index", key, {}, 1) for key in keys])
    assert find("断路器").total == 1


def test_deleted_paper_is_gone(find, drain, resources, contract):
    with resources.work() as uow:
        row = uow.session.get_one(Item, contract)
        for table in ("filing_step", "item_copy"):
            from archive.models import metadata

            rows = metadata.tables[table]
            uow.session.execute(delete(rows).where(rows.c.item_id == contract))
        uow.session.delete(row)
        uow.outbox("index", f"item:{contract}")
        uow.commit()
    drain()
    assert find("断路器").total == 0
    with resources.reading() as uow:
        assert uow.session.get(SearchEntry, f"item:{contract}") is None


def test_hostile_values_are_found_and_come_back_as_typed(find, take_in, drain):
    wild = ("客户&合同", "A<B & C", "{{7*7}}合同", "{% for %}条款", "贺卡🧧红包", "𠮷野家协议")
    for title in wild:
        take_in(title, text=f"正文：{title}", department="销售部")
    drain()
    for title in wild:
        assert title in titles(find(f'"{title}"')) or title in titles(find(title)), title


def test_ten_thousand_characters_are_found_to_their_end(find, take_in, drain):
    take_in("长文", text="甲" * 9990 + "末尾的特别词", department="销售部")
    drain()
    [hit] = find("特别词").items
    assert ("特别", True) in hit.snippet or ("特别词", True) in hit.snippet


def test_suggestions_name_customers_and_titles(resources, company, contract):
    found = suggest(resources, company.sales_clerk, "海信")
    assert [(one.text, one.kind) for one in found] == [
        ("青岛海信电器有限公司", "customer"),
        ("与青岛海信电器有限公司的买卖合同", "title"),
    ]
    assert found[1].card.thing_id == contract
    by_initials = suggest(resources, company.sales_clerk, "qdhx")
    assert by_initials[0].text == "青岛海信电器有限公司"
    assert suggest(resources, company.sales_clerk, "") == ()
    assert suggest(resources, company.sales_clerk, "\x00%_'\u202e" * 300) == ()


def test_command_answers_as_the_doors_say(resources, contract):
    answer = cli_search(resources, None, "断路器", limit=5, filters=["form=E05", "年度=2024"])
    assert set(answer) >= {"total", "took_ms", "hits", "facets"}
    [hit] = answer["hits"]
    assert set(hit) >= {"id", "title", "customer", "form", "number", "snippet", "score"}
    assert (hit["id"], hit["form"], hit["number"]) == ("HX-1", "E05", "HT-2024-0017")
    assert answer["facets"]["year"] == {"2024": 1}
    start, end = hit["marks"][0]
    assert "断路器" in hit["snippet"][start:end]


def test_command_without_user_sees_everything_and_as_a_user_what_they_may(
    resources, draft, drain, company
):
    draft("E01", 客户名称="宁波东海轴承有限公司")
    drain()
    assert cli_search(resources, None, "东海")["total"] == 1
    assert cli_search(resources, "sales_clerk", "东海")["total"] == 1
    assert cli_search(resources, "other_clerk", "东海")["total"] == 0
    with pytest.raises(NotFound, match="没有用户"):
        cli_search(resources, "nobody", "东海")
    with pytest.raises(Forbidden):
        cli_search(resources, "admin", "东海")


@pytest.mark.parametrize("wrong", ["form", "=E05", "密码=1", "", ":", "drop table=1"])
def test_filter_not_understood_is_refused_with_the_fields_there_are(resources, company, wrong):
    with pytest.raises(Invalid, match="年度"):
        cli_search(resources, None, "海信", filters=[wrong])


def test_renamed_customer_is_found_by_the_new_name(find, drain, resources, company, contract):
    from archive.customers import service as customers

    with resources.work() as uow:
        known = customers.find_by_name(uow, "青岛海信电器有限公司")
        fields = customers.fields_of(known)
        from dataclasses import replace

        renamed = replace(fields, name="青岛蓝海电气股份公司")
        customers.edit_customer(uow, company.archivist, known.id, renamed, known.version)
        uow.commit()
    drain()
    assert find("客户:蓝海").total == 1
    assert find("客户:海信").total == 0


def test_record_whose_form_is_lost_is_still_found(find, draft, drain, resources):
    record_id = draft("E01", 客户名称="宁波东海轴承有限公司")
    with resources.work() as uow:
        uow.session.execute(
            update(Record).where(Record.id == record_id).values(form_code="X99", form_version=7)
        )
        uow.commit()
    drain()
    assert find("东海轴承").total == 1


def test_class_that_filing_gave_is_no_word_of_the_paper(find, resources, take_in, drain):
    item_id = take_in("食堂通知", text="自即日起调整就餐时间。", department="销售部")
    drain()
    with resources.reading() as uow:
        item = filing.load_item(uow, item_id)
    assert item.item_class
    assert find(f'"{item.item_class}"').total == 0

"""The register: customers are found, added without doubles, changed without losing a word."""

import threading
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.core.resources import Resources
from archive.customers import service
from archive.customers.service import CustomerFields, CustomerView
from archive.people.rights import Actor
from storage.journal import JournalEntry
from storage.outbox import OutboxRow

HAIXIN = CustomerFields(name="青岛海信电器有限公司", short_name="海信", phone="0532-88880000")


def add(resources: Resources, actor: Actor, fields: CustomerFields) -> CustomerView:
    with resources.work() as uow:
        view = service.create_customer(uow, actor, fields)
        uow.commit()
    return view


def names_found(resources: Resources, actor: Actor, text: str) -> list[str]:
    with resources.reading() as uow:
        return [view.name for view in service.find_customers(uow, actor, text)]


def test_a_new_customer_gets_number_and_initials(resources: Resources, company: Any) -> None:
    first = add(resources, company.sales_clerk, HAIXIN)
    second = add(resources, company.sales_clerk, CustomerFields(name="重庆长安汽车有限公司"))
    assert (first.number, first.initials) == ("KH20260001", "HX")
    assert (second.number, second.initials) == ("KH20260002", "CQCAQC")


def test_a_number_typed_by_hand_is_kept_and_never_given_again(
    resources: Resources, company: Any
) -> None:
    typed = add(resources, company.sales_clerk, replace(HAIXIN, number="kh20260001"))
    made = add(resources, company.sales_clerk, CustomerFields(name="济南大成医药有限公司"))
    assert (typed.number, made.number) == ("KH20260001", "KH20260002")


def test_a_rolled_back_customer_gives_the_number_back(resources: Resources, company: Any) -> None:
    with resources.work() as uow:
        service.create_customer(uow, company.sales_clerk, HAIXIN)
    assert add(resources, company.sales_clerk, HAIXIN).number == "KH20260001"


@pytest.mark.parametrize(
    "text",
    ["海信", "信电", "hx", "QDHX", "海 信", "海信電器", "0532-88880000", "KH20260001", "ｈｘ"],
)
def test_a_customer_is_found_by_any_part_of_it(
    resources: Resources, company: Any, text: str
) -> None:
    add(resources, company.sales_clerk, HAIXIN)
    add(resources, company.sales_clerk, CustomerFields(name="济南大成医药有限公司"))
    assert names_found(resources, company.sales_clerk, text) == [HAIXIN.name]


@pytest.mark.parametrize("text", ["", "   ", "%", "_", "\x00", "'; drop table customer; --"])
def test_nothing_is_found_by_signs_that_mean_nothing(
    resources: Resources, company: Any, text: str
) -> None:
    add(resources, company.sales_clerk, HAIXIN)
    assert names_found(resources, company.sales_clerk, text) == []


def test_the_name_is_known_again_in_other_spellings(resources: Resources, company: Any) -> None:
    made = add(resources, company.sales_clerk, HAIXIN)
    with resources.reading() as uow:
        for spelling in (
            "青岛海信电器有限公司",
            "青岛海信電器有限公司",
            " 青岛 海信电器\u200b有限公司",
        ):
            found = service.find_by_name(uow, spelling)
            assert found is not None and found.id == made.id, spelling
        assert service.find_by_name(uow, "青岛海信电器") is None
        assert service.find_by_name(uow, "") is None


def test_the_same_name_is_refused_and_says_who_has_it(resources: Resources, company: Any) -> None:
    add(resources, company.sales_clerk, HAIXIN)
    with pytest.raises(Invalid) as refusal, resources.work() as uow:
        service.create_customer(
            uow, company.other_clerk, replace(HAIXIN, name="青岛海信 電器有限公司")
        )
    assert "KH20260001" in refusal.value.fields["name"]


def test_likely_doubles_are_shown_with_their_reason(resources: Resources, company: Any) -> None:
    add(resources, company.sales_clerk, replace(HAIXIN, credit_code="91350100M000100Y43"))
    with resources.reading() as uow:
        reasons = [
            [double.reason for double in service.likely_doubles(uow, *facts)]
            for facts in (
                ("青岛海信电器股份有限公司", "", ""),
                ("另一家", "91350100m000100y43", ""),
                ("另一家", "", "0532 8888-0000 / 13900000000"),
                ("另一家", "", "88880000"),
            )
        ]
    assert reasons == [["名称相近"], ["统一社会信用代码相同"], ["电话相同"], []]


def test_a_stale_edit_is_a_conflict_and_changes_nothing(resources: Resources, company: Any) -> None:
    made = add(resources, company.sales_clerk, HAIXIN)
    with resources.work() as uow:
        service.edit_customer(
            uow, company.sales_clerk, made.id, replace(HAIXIN, region="山东"), made.version
        )
        uow.commit()
    with pytest.raises(Conflict), resources.work() as uow:
        service.edit_customer(
            uow, company.sales_clerk, made.id, replace(HAIXIN, region="北京"), made.version
        )
    with resources.reading() as uow:
        assert service.get_customer(uow, company.sales_clerk, made.id).region == "山东"


def test_initials_follow_a_new_name_but_corrected_ones_stay(
    resources: Resources, company: Any
) -> None:
    clerk = company.sales_clerk
    plain = add(resources, clerk, CustomerFields(name="单氏贸易有限公司", owner_id=clerk.id))
    with resources.work() as uow:
        moved = service.edit_customer(
            uow,
            clerk,
            plain.id,
            replace(service.fields_of(plain), name="海氏贸易有限公司"),
            plain.version,
        )
        corrected = service.edit_customer(
            uow, clerk, plain.id, replace(service.fields_of(moved), initials="XSMY"), moved.version
        )
        again = service.edit_customer(
            uow,
            clerk,
            plain.id,
            replace(service.fields_of(corrected), name="单氏商贸有限公司"),
            corrected.version,
        )
    assert (plain.initials, moved.initials, again.initials) == ("DSMY", "HSMY", "XSMY")


def test_papers_hear_of_a_new_keeper_but_not_of_a_new_phone(
    resources: Resources, company: Any
) -> None:
    made = add(resources, company.sales_clerk, replace(HAIXIN, owner_id=company.sales_clerk.id))
    fields = service.fields_of(made)
    with resources.work() as uow:
        saved = service.edit_customer(
            uow, company.sales_clerk, made.id, replace(fields, phone="123"), made.version
        )
        assert not uow.session.scalars(select(OutboxRow)).all()
        moved = replace(fields, owner_id=None, department_id=company.service_id)
        service.edit_customer(uow, company.sales_clerk, made.id, moved, saved.version)
        keys = [row.key for row in uow.session.scalars(select(OutboxRow))]
    assert keys == [f"customer:{made.id}"]


def test_someone_elses_customer_may_be_read_but_not_changed(
    resources: Resources, company: Any
) -> None:
    fields = replace(
        HAIXIN, owner_id=company.sales_clerk.id, department_id=company.sales_clerk.department_id
    )
    made = add(resources, company.sales_clerk, fields)
    with resources.reading() as uow:
        assert service.get_customer(uow, company.other_clerk, made.id).name == HAIXIN.name
    for person in (company.other_clerk, company.other_head, company.admin):
        with pytest.raises((Forbidden, NotFound)), resources.work() as uow:
            service.edit_customer(uow, person, made.id, fields, made.version)
        with pytest.raises((Forbidden, NotFound)), resources.work() as uow:
            service.set_status(uow, person, made.id, "停止交易")
    with resources.work() as uow:
        assert service.set_status(uow, company.sales_head, made.id, "停止交易").status == "停止交易"


def test_a_bare_administrator_sees_no_customers(resources: Resources, company: Any) -> None:
    made = add(resources, company.sales_clerk, HAIXIN)
    with pytest.raises((Forbidden, NotFound)), resources.reading() as uow:
        service.get_customer(uow, company.admin, made.id)
    with pytest.raises(Forbidden), resources.reading() as uow:
        service.list_customers(uow, company.admin)


@pytest.mark.parametrize("customer_id", [0, -1, 999, 2**63, 10**40])
def test_an_unknown_customer_is_not_found(
    resources: Resources, company: Any, customer_id: int
) -> None:
    with pytest.raises(NotFound), resources.reading() as uow:
        service.get_customer(uow, company.sales_clerk, customer_id)


@pytest.mark.parametrize("wrong", [{"owner_id": 10**40}, {"owner_id": 999}, {"department_id": 99}])
def test_a_keeper_who_does_not_exist_is_refused(
    resources: Resources, company: Any, wrong: dict[str, int]
) -> None:
    with pytest.raises(Invalid) as refusal:
        add(resources, company.sales_clerk, replace(HAIXIN, **wrong))  # type: ignore[arg-type]
    assert set(refusal.value.fields) == set(wrong)


def test_every_wrong_entry_is_named_at_once(resources: Resources, company: Any) -> None:
    add(resources, company.sales_clerk, HAIXIN)
    wrong = replace(HAIXIN, number="KH20260001", address="长" * 201, owner_id=999)
    with pytest.raises(Invalid) as refusal:
        add(resources, company.sales_clerk, wrong)
    assert set(refusal.value.fields) == {"name", "number", "address", "owner_id"}
    assert "客户名称" in refusal.value.message


def test_the_list_is_narrowed_by_status_keeper_and_letter(
    resources: Resources, company: Any
) -> None:
    clerk = company.sales_clerk
    add(resources, clerk, replace(HAIXIN, owner_id=clerk.id))
    add(resources, clerk, CustomerFields(name="济南大成医药有限公司", status="停止交易"))

    def listed(**asked: str) -> list[str]:
        with resources.reading() as uow:
            page = service.list_customers(uow, clerk, **asked)  # type: ignore[arg-type]
        assert page.total == len(page.items)
        return [view.name[:4] for view in page.items]

    assert listed() == ["济南大成", "青岛海信"]
    assert listed(status="停止交易") == ["济南大成"]
    assert listed(keeper="mine") == ["青岛海信"]
    assert listed(keeper="pool") == ["济南大成"]
    assert listed(letter="h") == ["青岛海信"]
    assert listed(text="大成", status="正常") == []
    for wrong in ({"status": "没有"}, {"keeper": "谁"}):
        with pytest.raises(Invalid):
            listed(**wrong)


def test_a_filed_paper_adds_its_customer_once(resources: Resources, company: Any) -> None:
    facts = {"address": "长" * 500, "owner_id": 999, "region": "山东"}
    with resources.work() as uow:
        first = service.ensure_customer(uow, company.archivist, "青岛海信电器有限公司", **facts)
        again = service.ensure_customer(uow, company.archivist, "青岛海信電器有限公司")
        view = service.get_customer(uow, company.archivist, first)
        uow.commit()
    assert first == again
    assert (len(view.address), view.owner_id, view.region) == (200, None, "山东")


def test_many_at_once_get_different_numbers(resources: Resources, company: Any) -> None:
    numbers: list[str] = []

    def enter(n: int) -> None:
        fields = CustomerFields(name=f"济南第{n}医院")
        numbers.append(add(resources, company.sales_clerk, fields).number)

    threads = [threading.Thread(target=enter, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(numbers) == [f"KH2026{n:04d}" for n in range(1, 9)]


def test_the_journal_names_what_changed_but_holds_no_personal_data(
    resources: Resources, company: Any
) -> None:
    made = add(resources, company.sales_clerk, HAIXIN)
    with resources.work() as uow:
        changed = replace(service.fields_of(made), legal_person="张三", phone="13912345678")
        service.edit_customer(uow, company.sales_clerk, made.id, changed, made.version)
        uow.commit()
    with resources.reading() as uow:
        query = select(JournalEntry).where(JournalEntry.action.startswith("customer."))
        entries = [(row.action, row.detail) for row in uow.session.scalars(query)]
    assert [action for action, _ in entries] == ["customer.create", "customer.edit"]
    told = str(entries)
    assert "legal_person" in told and "张三" not in told and "13912345678" not in told


def test_phones_in_the_list_are_covered_for_who_has_nothing_to_do_with_the_customer(
    resources: Resources, company: Any
) -> None:
    department = company.sales_clerk.department_id
    fields = replace(HAIXIN, owner_id=company.sales_clerk.id, department_id=department)
    add(resources, company.sales_clerk, fields)

    def phone_for(person: Actor) -> str:
        with resources.reading() as uow:
            return service.list_customers(uow, person).items[0].phone

    for person in (company.sales_clerk, company.sales_head, company.leader, company.archivist):
        assert phone_for(person) == "0532-88880000"
    covered = phone_for(company.other_clerk)
    assert "*" in covered and len(covered) == len("0532-88880000")
    with resources.reading() as uow:  # found by it all the same
        assert service.list_customers(uow, company.other_clerk, "88880000").total == 1

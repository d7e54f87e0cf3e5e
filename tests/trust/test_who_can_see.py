"""Who can see a paper and why; letting somebody in until a day, and out again."""

from datetime import date

import pytest
from sqlalchemy import select, update

from archive.core.errors import Conflict, Invalid, NotFound
from archive.customers import service as customers
from archive.filing import service as filing
from archive.filing.models import Item
from archive.jobs import drain_all
from archive.people import access as door
from archive.people import service as people
from archive.people.grants.service import GrantFields
from archive.people.readers import may_read
from archive.people.rights import SECRET, can
from archive.records import drafts
from archive.search.service import search
from archive.trust.access import service
from doc_templates import sample_values
from storage.journal import JournalEntry

FRIDAY = date(2026, 11, 27)
TITLE = "海信年度框架合同"


@pytest.fixture
def customer(resources, company):
    """A customer of the sales clerk, in the register."""
    with resources.work() as uow:
        fields = customers.CustomerFields(
            name="青岛海信电器股份有限公司",
            owner_id=company.sales_clerk.id,
            department_id=company.sales_id,
        )
        made = customers.create_customer(uow, company.sales_clerk, fields)
        uow.commit()
    return made


@pytest.fixture
def item(resources, company, customer):
    """An item of the sales department about the customer, shelved and indexed."""
    row = {"title": TITLE, "year": 2024, "customer": customer.name, "department": "销售部"}
    with resources.work() as uow:
        made, _ = filing.import_item(uow, company.archivist, row)
        uow.commit()
    drain_all(resources)
    return made


def circle(resources, actor, kind, thing_id, text=""):
    with resources.reading() as uow:
        return service.circle_of(uow, actor, kind, thing_id, text)


def ask(resources, actor, thing_id, name, kind="item"):
    with resources.reading() as uow:
        return service.ask_about(uow, actor, kind, thing_id, name)


def give(resources, actor, person, kind, thing_id, until=FRIDAY, reason="核对售后记录"):
    with resources.work() as uow:
        fields = GrantFields(kind, thing_id, until, reason)
        made, _ = service.let_in(uow, actor, person.staff_no, fields)
        uow.commit()
    drain_all(resources)
    return made


def withdraw(resources, actor, grant_id, reason="核对完了"):
    with resources.work() as uow:
        done = service.let_out(uow, actor, grant_id, reason)
        uow.commit()
    return done


def sees(resources, person, item_id):
    """Whether the person sees the item: can, SQL, lists and search must all say the same."""
    with resources.reading() as uow:
        now = people.get_actor(uow, person.id)
        answers = {
            can(now, "item.read", filing.thing_of_item(uow, item_id)),
            uow.session.scalar(select(Item.id).where(may_read(now, "item", Item.id))) == item_id,
            filing.list_items(uow, now).total == 1,
        }
    answers.add(search(resources, now, "框架合同").total == 1)
    assert len(answers) == 1, answers
    return answers.pop()


def make_secret(resources, item_id, secrecy=SECRET):
    with resources.work() as uow:
        uow.session.execute(update(Item).where(Item.id == item_id).values(secrecy=secrecy))
        uow.outbox("customer", f"customer:{_customer_id(uow, item_id)}")
        uow.commit()
    drain_all(resources)


def _customer_id(uow, item_id):
    return uow.session.scalar(select(Item.customer_id).where(Item.id == item_id))


def test_everybody_who_sees_an_item_stands_there_with_the_reason(resources, company, item):
    found = circle(resources, company.sales_head, "item", item.id)
    told = {one.name: one.why for one in found.seers}
    assert told == {
        "陈晓东": "客户负责人；本部门职员",
        "林美玲": "本部门职员",
        "王建国": "部门负责人",
        "周志远": "公司领导",
        "孙文静": "档案员",
        "何守正": "档案负责人",
    }
    assert found.subject.title == TITLE
    only = circle(resources, company.sales_head, "item", item.id, "档案室")
    assert [one.name for one in only.seers] == ["孙文静", "何守正"]


def test_the_security_administrator_sees_names_and_reasons_but_no_title(resources, company, item):
    found = circle(resources, company.admin, "item", item.id)
    assert len(found.seers) == 6
    assert found.subject.number and not found.subject.title
    named = circle(resources, company.admin, "customer", item.customer_id)
    assert named.subject.number and not named.subject.title


def test_the_circle_is_for_those_who_keep_it(resources, company, item):
    for who in (company.sales_clerk, company.other_head, company.archivist, company.leader):
        for kind, thing_id in (("item", item.id), ("volume", item.volume_id), ("item", 2**70)):
            with pytest.raises(NotFound):
                circle(resources, who, kind, thing_id)
        with pytest.raises(NotFound):
            give(resources, who, company.other_clerk, "item", item.id)


def test_why_not_is_said_in_words(resources, company, item):
    head = company.sales_head
    told = ask(resources, head, item.id, "赵客服")
    assert not told.sees and "不是写的人、签的人" in told.reasons[0]
    assert ask(resources, head, item.id, "林美玲").reasons == ("本部门职员",)
    make_secret(resources, item.id)
    assert ask(resources, head, item.id, "林美玲").reasons[0].startswith("秘密文件不向本部门职员")
    make_secret(resources, item.id, SECRET + 1)
    keeper = company.archive_head
    assert ask(resources, keeper, item.id, "孙文静").reasons == (
        "密级不够：文件是机密，本人可看到秘密",
    )
    assert "管理职务" in ask(resources, keeper, item.id, "管理员").reasons[0]
    with resources.work() as uow:
        door.mark_left(uow, company.admin, company.other_clerk.id)
        uow.commit()
    assert ask(resources, keeper, item.id, "赵客服").reasons == ("已离职，不能登录",)
    with pytest.raises(Invalid):
        ask(resources, keeper, item.id, "查无此人")


def test_a_draft_is_its_authors(resources, company):
    with resources.work() as uow:
        draft = drafts.create_draft(uow, company.sales_clerk, "E01", sample_values("E01"))
        uow.commit()
    found = circle(resources, company.admin, "record", draft.id)
    assert [one.name for one in found.seers] == ["陈晓东"]
    told = ask(resources, company.admin, draft.id, "王建国", kind="record")
    assert "草稿" in told.reasons[0]


def test_a_grant_lets_in_until_its_day_and_ends_by_itself(resources, company, item, clock):
    clerk = company.other_clerk
    assert not sees(resources, clerk, item.id)
    give(resources, company.sales_head, clerk, "item", item.id)
    assert sees(resources, clerk, item.id)
    told = ask(resources, company.sales_head, item.id, "赵客服").reasons
    assert told == ("授权到 2026-11-27（王建国：核对售后记录）",)
    clock.advance(days=4)
    assert sees(resources, clerk, item.id)  # still Friday
    clock.advance(days=1)
    assert not sees(resources, clerk, item.id)
    told = ask(resources, company.sales_head, item.id, "赵客服").reasons
    assert told[1] == "有过授权，已到期（2026-11-27）"


def test_a_grant_is_withdrawn_at_once(resources, company, item):
    numbers = {"item": item.id, "volume": item.volume_id, "customer": item.customer_id}
    for kind, number in numbers.items():
        made = give(resources, company.archive_head, company.other_clerk, kind, number)
        assert sees(resources, company.other_clerk, item.id), kind
        withdraw(resources, company.archive_head, made.id)
        with resources.reading() as uow:
            person = people.get_actor(uow, company.other_clerk.id)
            assert not can(person, "item.read", filing.thing_of_item(uow, item.id)), kind
        drain_all(resources)
        assert not sees(resources, company.other_clerk, item.id), kind
        with pytest.raises(Conflict):
            withdraw(resources, company.archive_head, made.id)


def test_what_is_filed_later_is_open_too(resources, company, customer, item):
    give(resources, company.archive_head, company.other_clerk, "customer", item.customer_id)
    row = {"title": "海信框架合同补充协议", "year": 2025, "customer": customer.name}
    with resources.work() as uow:
        filing.import_item(uow, company.archivist, row | {"department": "销售部"})
        uow.commit()
    drain_all(resources)
    with resources.reading() as uow:
        person = people.get_actor(uow, company.other_clerk.id)
        assert filing.list_items(uow, person).total == 2
    assert search(resources, person, "框架合同").total == 2


def test_clearance_is_never_passed_on(resources, company, item):
    make_secret(resources, item.id)
    with pytest.raises(Invalid, match="密级不够"):
        give(resources, company.archive_head, company.other_clerk, "item", item.id)
    give(resources, company.archive_head, company.other_clerk, "customer", item.customer_id)
    assert not sees(resources, company.other_clerk, item.id)
    told = ask(resources, company.archive_head, item.id, "赵客服").reasons[0]
    assert told.startswith("有授权，但授权不提高密级；密级不够")
    give(resources, company.archive_head, company.other_head, "item", item.id)
    assert sees(resources, company.other_head, item.id)


def test_a_grant_that_must_not_be(resources, company, item):
    keeper, clerk = company.archive_head, company.other_clerk
    for to, until, reason in (
        (keeper, FRIDAY, "自己看"),
        (company.admin, FRIDAY, "帮忙看"),
        (clerk, date(2026, 11, 22), "昨天的事"),
        (clerk, date(2028, 1, 1), "一直看"),
        (clerk, FRIDAY, "  "),
        (clerk, FRIDAY, "看" * 201),
        (clerk, FRIDAY, "看\x00看"),
    ):
        with pytest.raises(Invalid):
            give(resources, keeper, to, "item", item.id, until, reason)


def test_given_twice_is_a_conflict_and_every_step_is_in_the_journal(resources, company, item):
    made = give(resources, company.admin, company.other_clerk, "item", item.id)
    with pytest.raises(Conflict):
        give(resources, company.sales_head, company.other_clerk, "item", item.id)
    withdraw(resources, company.sales_head, made.id)
    with resources.reading() as uow:
        rows = uow.session.scalars(
            select(JournalEntry).where(JournalEntry.action.startswith("access."))
        ).all()
        assert [(row.action, row.object_id) for row in rows] == [
            ("access.grant", str(item.id)),
            ("access.withdraw", str(item.id)),
        ]
        assert "赵客服" not in rows[0].detail and "核对" not in rows[0].detail


def test_the_pages(company, client_for, item):
    keeper, admin = client_for(company.archive_head), client_for(company.admin)
    assert f"/access/item/{item.id}" in keeper.get(f"/items/{item.id}").text
    assert "/access/item/" not in client_for(company.sales_clerk).get(f"/items/{item.id}").text
    page = keeper.get(f"/access/item/{item.id}?person=赵客服").text
    assert TITLE in page and "档案负责人" in page and "看不到</strong>" in page
    assert "没有叫" in keeper.get(f"/access/item/{item.id}?person=谁也不是").text
    page = admin.get(f"/access/item/{item.id}").text
    assert TITLE not in page and "海信" not in page and "部门负责人" in page
    sent = {"person": "赵客服", "until": "2026-11-27", "reason": "核对售后记录"}
    assert admin.post(f"/access/item/{item.id}/grants", data=sent).status_code == 302
    for wrong, status in ((sent, 409), (sent | {"until": "明天"}, 422), ({}, 422)):
        answer = admin.post(f"/access/item/{item.id}/grants", data=wrong)
        assert answer.status_code == status
        assert wrong.get("reason", "授权") in answer.text  # nothing typed is lost
    mine = client_for(company.other_clerk)
    assert "1 项授权给您" in mine.get("/").text
    assert f"/items/{item.id}" in mine.get("/access/mine").text
    assert mine.get(f"/items/{item.id}").status_code == 200
    listed = client_for(company.sales_head).get("/access/grants").text
    assert "赵客服" not in listed  # neither given by them nor to their people
    assert "赵客服" in client_for(company.other_head).get("/access/grants").text
    assert admin.post("/access/grants/1/withdraw", data={"reason": ""}).status_code == 302
    assert mine.get(f"/items/{item.id}").status_code == 200
    admin.post("/access/grants/1/withdraw", data={"reason": "核对完了", "back": "thing"})
    assert mine.get(f"/items/{item.id}").status_code == 404


def test_a_number_leads_to_its_circle(company, client_for, item, customer):
    admin = client_for(company.admin)
    answer = admin.get(f"/access/find?number={customer.number}")
    assert answer.headers["Location"].endswith(f"/access/customer/{customer.id}")
    answer = admin.get(f"/access/find?number={item.provisional_code or item.code}")
    assert answer.headers["Location"].endswith(f"/access/item/{item.id}")
    for nothing in ("", "没有", "x" * 500):
        answer = admin.get(f"/access/find?number={nothing}")
        assert answer.headers["Location"].endswith("/access/grants")


def test_the_calls(company, api_for, item):
    keeper = api_for(company.sales_head)
    found = keeper.get(f"/api/v1/access?kind=item&id={item.id}&per_page=2").json
    assert (found["total"], found["pages"], len(found["people"])) == (6, 3, 2)
    assert found["title"] == TITLE
    assert api_for(company.admin).get(f"/api/v1/access?kind=item&id={item.id}").json["title"] == ""
    told = keeper.get(f"/api/v1/access/person?kind=item&id={item.id}&person=other_clerk").json
    assert told["sees"] is False
    sent = {"kind": "item", "id": item.id, "person": "other_clerk", "until": "2026-11-27"}
    made = keeper.post("/api/v1/grants", json=sent | {"reason": "核对"})
    assert made.status_code == 201 and made.json["state"] == "now"
    assert keeper.get("/api/v1/grants?live=true").json["total"] == 1
    gone = keeper.post(f"/api/v1/grants/{made.json['id']}/withdraw", json={"reason": "完了"})
    assert gone.json["state"] == "withdrawn"
    for query in ("", "kind=seal&id=1", "kind=item&id=0", "kind=item&id=x"):
        assert keeper.get(f"/api/v1/access?{query}").status_code in (400, 422)
    for body in ({}, sent, sent | {"reason": "x", "id": "1"}, sent | {"reason": "x", "more": 1}):
        assert keeper.post("/api/v1/grants", json=body).status_code in (400, 422)
    refused = api_for(company.other_clerk)
    assert refused.get(f"/api/v1/access?kind=item&id={item.id}").status_code == 404
    assert refused.get("/api/v1/grants").status_code == 403
    assert refused.post("/api/v1/grants", json=sent | {"reason": "自己看"}).status_code == 404


def test_the_circle_takes_as_many_statements_for_many_people(
    resources,
    company,
    item,
    count_statements,
):
    def count() -> int:
        with count_statements() as seen:
            circle(resources, company.archive_head, "item", item.id)
        return len(seen)

    few = count()
    with resources.work() as uow:
        for number in range(30):
            fields = people.UserFields(
                f"new{number}", f"9{number:03d}", f"新人{number}", company.sales_id,
                frozenset({"clerk", "head"}),
            )  # fmt: skip
            people.add_user(uow, None, fields, "x")
        uow.commit()
    assert len(circle(resources, company.archive_head, "item", item.id).seers) == 36
    assert count() == few

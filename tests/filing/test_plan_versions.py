"""The filing plan changed in the browser: versions with reasons, and what no version may do."""

from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import select

from archive.core.errors import Conflict, Forbidden, Invalid
from archive.filing import service as filing
from archive.filing.classes import service as plans
from archive.filing.classes.models import PlanVersion
from archive.filing.classes.rules import late_years
from archive.filing.import_rows import batch_of
from archive.filing.plan import ItemClass, load_plan, read_plan, write_plan
from archive.filing.rules import Belonging
from storage.journal import JournalEntry

NEXT = Belonging("KH", "客户基础资料", 2026, "D30", "XSB", 1)


def do(resources, act, *args, **kwargs):
    with resources.work() as uow:
        made = act(uow, *args, **kwargs)
        uow.commit()
    return made


def changed(plan, name, **changes):
    row = replace(plan.classes[name], **changes)
    return replace(plan, classes={**plan.classes, name: row})


def without(plan, name):
    return replace(plan, classes={k: row for k, row in plan.classes.items() if k != name})


def with_class(plan, **fields):
    told = {"category": "KH", "retention": "D30", "minimum": "D10", "basis": "本公司规定"}
    row = ItemClass(**(told | fields))
    return replace(plan, classes={**plan.classes, row.name: row})


@pytest.fixture
def filed(resources, company):
    rows = [{"title": "登记卡", "department": "销售部", "date": "2026-03-01", "pages": 2}]
    return do(resources, filing.import_batch, company.archivist, batch_of(rows)).imported[0]


def save(resources, company, plan, reason="按新规定", day=""):
    return do(resources, plans.save_plan, company.archivist, plan, reason, day)


def load(resources, item_id):
    with resources.reading() as uow:
        return filing.load_item(uow, item_id)


def test_a_plan_is_kept_as_it_was_written():
    assert read_plan(write_plan(load_plan())) == load_plan()


def test_a_new_version_counts_from_its_day_and_what_is_filed_keeps_its_own(
    resources, company, filed, clock
):
    plan = changed(load_plan(), "客户基础资料", minimum="D30", basis="新办法第三条")
    assert save(resources, company, plan, day="2026-12-01").version == 2
    with resources.reading() as uow:
        assert plans.plan_in_force(uow).version == 1
    clock.advance(days=10)
    with resources.reading() as uow:
        assert plans.plan_in_force(uow).version == 2
        [kept] = plans.plan_versions(uow, company.archivist)
        told = select(JournalEntry.object_id, JournalEntry.detail)
        number, detail = uow.session.execute(told.where(JournalEntry.action == "plan.change")).one()
    assert (kept.reason, kept.made_by) == ("按新规定", "孙文静")
    assert number == "2" and "新办法" not in detail
    assert load(resources, filed).plan_version == 1
    secret = replace(NEXT, secrecy=2)
    kept_term = do(resources, filing.move_item, company.archivist, filed, secret, "定密")
    assert kept_term.plan_version == 1
    shorter = replace(NEXT, retention="D10")
    with pytest.raises(Invalid, match=r"最少保管30年（新办法第三条）"):
        do(resources, filing.move_item, company.archivist, filed, shorter, "短些")
    longer = replace(NEXT, retention="Y")
    moved = do(resources, filing.move_item, company.archivist, filed, longer, "长些")
    assert (moved.retention, moved.plan_version) == ("Y", 2)


REFUSED = [
    (lambda p: p, "没有变化"),
    (lambda p: changed(p, "合同", retention="D10"), r"短于最低期限30年（依据：企业文件"),
    (lambda p: without(p, "客户基础资料"), "已有 1 件档案，不能删去，只能停用"),
    (lambda p: without(p, "信用担保"), "由表单 .* 使用"),
    (lambda p: changed(p, "客户基础资料", category="WS"), "不能改门类"),
    (lambda p: changed(p, "客户基础资料", is_closed=True), "缺省类目"),
    (lambda p: replace(p, categories={"KH": "客户"}), "门类 HT|门类 ZL 不在"),
    (lambda p: replace(p, categories={**p.categories, "A1": "错"}), "两位大写字母"),
    (lambda p: replace(p, categories={**p.categories, "QQ·01": "错"}), "上级 QQ"),
    (lambda p: with_class(p, name="新" * 41), "类目名称"),
    (lambda p: with_class(p, name="新\n类"), "一行"),
    (lambda p: with_class(p, name="新类", basis=""), "写明依据"),
    (lambda p: with_class(p, name="新类", retention="D99"), "保管期限"),
    (lambda p: with_class(p, name="新类", volumes="box"), "立卷方式"),
    (lambda p: with_class(p, name="新类", parent="没有"), "上级类目"),
    (lambda p: with_class(p, name="新类", parent="质量"), "不在同一门类"),
    (lambda p: with_class(p, name="新类", parent="新类"), "绕回"),
    (lambda p: replace(p, default_room=""), "默认存放位置"),
]


def test_what_no_version_may_do_is_refused_with_its_reason(resources, company, filed):
    for change, why in REFUSED:
        with pytest.raises(Invalid, match=why):
            save(resources, company, change(load_plan()))
    with resources.reading() as uow:
        assert uow.session.scalars(select(PlanVersion)).all() == []


def test_a_version_says_why_and_is_valid_from_a_day_to_come(resources, company):
    plan = with_class(load_plan(), name="新类")
    for reason in ("", "  ", "长" * 501, "a\x00b"):
        with pytest.raises(Invalid, match="修改原因"):
            save(resources, company, plan, reason)
    for day in ("昨天", "2026-11-22", "2036-01-01", "2026-13-01", "9" * 5000):
        with pytest.raises(Invalid, match="生效日期"):
            save(resources, company, plan, day=day)


def test_a_stale_plan_is_a_conflict_and_clerks_change_nothing(resources, company):
    plan = with_class(load_plan(), name="新类")
    save(resources, company, plan)
    with pytest.raises(Conflict, match="别人改过"):
        save(resources, company, with_class(plan, name="另一类"))
    for person in (company.sales_head, company.leader, company.admin):
        with pytest.raises(Forbidden):
            do(resources, plans.save_plan, person, plan, "我来", "")


def test_a_closed_class_takes_nothing_new_and_keeps_what_it_has(resources, company, filed):
    do(resources, filing.move_item, company.archivist, filed,
       replace(NEXT, item_class="客户情报", retention="D10"), "是情报")  # fmt: skip
    save(resources, company, changed(load_plan(), "客户情报", is_closed=True))
    raised = replace(NEXT, item_class="客户情报", retention="D10", secrecy=2)
    do(resources, filing.move_item, company.archivist, filed, raised, "定密")
    longer = replace(raised, retention="D30")
    with pytest.raises(Invalid, match="已停用"):
        do(resources, filing.move_item, company.archivist, filed, longer, "长些")


def test_the_tree_counts_items_and_volumes_with_those_below(
    resources, company, filed, count_statements
):
    plan = with_class(load_plan(), name="登记卡", parent="客户基础资料")
    save(resources, company, plan)
    below = replace(NEXT, item_class="登记卡")
    do(resources, filing.move_item, company.archivist, filed, below, "细分")
    with resources.reading() as uow, count_statements() as first:
        plans.class_tree(uow, company.archivist)
    for year in range(2015, 2025):
        row = {"title": f"旧卡{year}", "year": year, "department": "销售部", "pages": 1}
        do(resources, filing.import_batch, company.archivist, batch_of([row]))
    with resources.reading() as uow, count_statements() as second:
        tree = {one.row.name: one for one in plans.class_tree(uow, company.archivist)}
    assert len(first) == len(second) <= 4
    above, own = tree["客户基础资料"], tree["登记卡"]
    assert (above.items, above.volumes, above.depth) == (11, 11, 0)
    assert (own.items, own.volumes, own.depth) == (1, 1, 1)
    assert [year.year for year in above.years] == list(range(2024, 2014, -1))


@pytest.mark.parametrize(
    ("day", "last"), [("2026-06-30", 2024), ("2026-07-01", 2025), ("2026-01-01", 2024)]
)
def test_papers_are_late_after_the_end_of_june_of_the_next_year(day, last):
    assert late_years(date.fromisoformat(day), "06-30") == last


def test_what_is_late_is_listed(resources, company, client_for):
    fields = {"title": "旧合同", "date": "2025-05-01", "form": "E05"}
    do(resources, filing.offer_paper, company.archivist, filing.read_row(fields), None)
    row = {"title": "旧登记卡", "year": 2025}
    do(resources, filing.import_batch, company.archivist, batch_of([row, {"title": "新登记卡"}]))
    page = client_for(company.archivist).get("/filing/late").text
    assert "旧合同" in page and "2025年度 客户基础资料" in page and "2026年度" not in page


def form_of(plan, **changes):
    """Return the page as a browser sends it, some entries changed."""
    sent = {"version": plan.version, "default_class": plan.default_class}
    sent |= {"default_room": plan.default_room, "reason": "按新规定"}
    for number, (code, title) in enumerate(plan.categories.items()):
        sent |= {f"category.{number}.code": code, f"category.{number}.title": title}
    for number, (row, _) in enumerate(plan.tree()):
        parts = ("name", "category", "parent", "retention", "minimum", "volumes", "basis")
        sent |= {f"class.{number}.{part}": getattr(row, part) for part in parts}
    return sent | {key.replace("__", "."): value for key, value in changes.items()}


def test_the_plan_is_changed_in_the_browser_and_nothing_typed_is_lost(company, client_for):
    client, plan = client_for(company.archivist), load_plan()
    new = {
        "class__14__name": "展会资料", "class__14__category": "KH", "class__14__retention": "D10",
        "class__14__minimum": "D30", "class__14__basis": "市场部规定",
        "class__14__volumes": "customer",
    }  # fmt: skip
    refused = client.post("/filing/plan/edit", data=form_of(plan, **new))
    assert refused.status_code == 422
    assert "短于最低期限30年（依据：市场部规定）" in refused.text
    assert 'value="展会资料"' in refused.text and 'value="按新规定"' in refused.text
    twice = client.post("/filing/plan/edit", data=form_of(plan, class__14__name="合同"))
    assert twice.status_code == 422 and "写了两遍" in twice.text
    good = form_of(plan, **new | {"class__14__retention": "D30"})
    assert client.post("/filing/plan/edit", data=good).status_code == 302
    shown = client.get("/filing/plan").text
    assert "第 2 版" in shown and "展会资料" in shown and "每年每客户一卷" in shown
    stale = client.post("/filing/plan/edit", data=good)
    assert stale.status_code == 409
    for version in ("", "x", "-1", "9" * 40):
        assert client.post("/filing/plan/edit", data={"version": version}).status_code == 422


def test_the_plan_is_changed_through_the_api(company, api_for):
    call = api_for(company.archivist)
    plan = call.get("/api/v1/plan").json
    assert plan["version"] == 1 and plan == call.get("/api/v1/plan/latest").json
    sent = {key: value for key, value in plan.items() if key != "terms"} | {"reason": "按新规定"}
    new = plan["classes"][0] | {"name": "展会资料", "retention": "D10", "minimum": "D30"}
    for wrong in (
        {}, sent | {"version": "1"}, sent | {"classes": []}, sent | {"classes": "全部"},
        sent | {"classes": [*plan["classes"], new]}, sent | {"classes": [new] * 201},
        sent | {"classes": [*plan["classes"], plan["classes"][0]]}, sent | {"reason": ""},
        sent | {"valid_from": "明年"}, sent | {"more": 1}, sent,
    ):  # fmt: skip
        assert call.post("/api/v1/plan/versions", json=wrong).status_code == 422
    good = sent | {"classes": [*plan["classes"], new | {"retention": "D30"}]}
    made = call.post("/api/v1/plan/versions", json=good)
    assert (made.status_code, made.json["version"]) == (201, 2)
    assert call.post("/api/v1/plan/versions", json=good).status_code == 409
    assert call.get("/api/v1/plan/versions").json["items"][0]["reason"] == "按新规定"
    names = [one["name"] for one in call.get("/api/v1/plan/tree").json["items"]]
    assert "展会资料" in names
    assert api_for(company.leader).post("/api/v1/plan/versions", json=good).status_code == 403

"""The pages and calls of signing: every act has both, and neither lets anyone past the rules."""

import re

import pytest

from archive.signing import detours

pytestmark = pytest.mark.slow  # many cases, each with real work

PASSWORD = "档案台-测试-2026"


@pytest.fixture
def at_head(desk, company):
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    return paper


def page(client, url, status=200):
    answer = client.get(url)
    assert answer.status_code == status, answer.get_data(as_text=True)[:500]
    return answer.get_data(as_text=True)


def post(client, url, status=302, **form):
    answer = client.post(url, data=form)
    assert answer.status_code == status, answer.get_data(as_text=True)[:3000]
    return answer.get_data(as_text=True)


def call(client, url, status=200, **body):
    answer = client.post(f"/api/v1{url}", json=body)
    assert answer.status_code == status, answer.get_data(as_text=True)
    return answer.json


def test_the_four_lists_with_counts(desk, company, client_for, at_head):
    desk.do(detours.copy_to, company.sales_clerk, at_head, [company.other_head])
    todo = page(client_for(company.sales_head), "/signing")
    assert "去签" in todo and "刚到" in todo
    mine = page(client_for(company.sales_clerk), "/signing?view=mine")
    assert "主管 王建国" in mine
    done = page(client_for(company.sales_clerk), "/signing?view=done")
    assert "报告人" in done
    copies = client_for(company.other_head)
    assert "未读" in page(copies, "/signing?view=copies")
    page(copies, f"/signing/{at_head}")
    assert "已读" in page(copies, "/signing?view=copies")
    for view in ("todo", "done", "mine", "copies", "nothing"):
        assert "E01-2026" not in page(client_for(company.other_clerk), f"/signing?view={view}")


def test_a_signer_adds_takes_out_and_hands_over_on_the_page(desk, company, client_for, at_head):
    head = client_for(company.sales_head)
    shown = page(head, f"/signing/{at_head}")
    for word in ("加签在我之前", "加签在我之后", "转交", "委派提意见", "圈阅", "逐级重签"):
        assert word in shown
    post(head, f"/signing/{at_head}/add-signer", people="钱主任", way="before")
    shown = page(head, f"/signing/{at_head}")
    assert "减签 钱主任" in shown and "轮到您签" not in shown
    task = re.search(r'name="task_id" value="(\d+)"', shown)[1]
    post(head, f"/signing/{at_head}/remove-signer", task_id=task)
    post(head, f"/signing/{at_head}/delegate", people="林美玲 0002", opinion="请核价")
    assert desk.waiting(at_head) == ["林美玲"]
    assert "请您提意见" in page(client_for(company.sales_clerk2), f"/signing/{at_head}")
    post(client_for(company.sales_clerk2), f"/signing/{at_head}/advise", opinion="价格合适。")
    post(head, f"/signing/{at_head}/hand-over", people="other_head")
    assert desk.waiting(at_head) == ["钱主任"]


def test_a_wrong_entry_stays_on_the_page_with_a_word(desk, company, client_for, at_head):
    head = client_for(company.sales_head)
    for person, word in (
        ("没有这人", "没有叫"),
        ("", "请写明"),
        ("陈晓东", "提交人"),
        ("王建国", "自己"),
    ):
        shown = post(head, f"/signing/{at_head}/hand-over", 422, people=person)
        assert word in shown
    shown = post(head, f"/signing/{at_head}/return", 422, opinion="A<B & C", password="错")
    assert "密码不对" in shown and "A&lt;B &amp; C" in shown
    assert "请刷新" in post(head, f"/signing/{at_head}/nonsense", 422)
    assert desk.waiting(at_head) == ["王建国"]


def test_two_of_one_name_are_told_apart_by_number(desk, company, client_for, at_head):
    desk.person("twin", "钱主任", company.finance_id)
    head = client_for(company.sales_head)
    assert "不止一位" in post(head, f"/signing/{at_head}/hand-over", 422, people="钱主任")
    post(head, f"/signing/{at_head}/hand-over", people=company.other_head.staff_no)
    assert desk.task_of(at_head, company.other_head)


def test_return_to_a_step_on_the_page(desk, company, client_for, at_head):
    desk.sign(company.sales_head, at_head)
    leader = client_for(company.leader)
    assert "第 2 步 主管" in page(leader, f"/signing/{at_head}")
    given = {"opinion": "请核对。", "password": PASSWORD, "to": "2", "then": "chain"}
    post(leader, f"/signing/{at_head}/return", **given)
    assert desk.waiting(at_head) == ["王建国"]


def test_take_back_remind_and_withdraw_on_the_page(desk, company, client_for, at_head):
    clerk, head = client_for(company.sales_clerk), client_for(company.sales_head)
    assert "催办" in page(clerk, f"/signing/{at_head}")
    post(clerk, f"/signing/{at_head}/remind")
    assert clerk.post(f"/signing/{at_head}/remind").status_code == 409
    desk.sign(company.sales_head, at_head)
    assert "收回我的签字" in page(head, f"/signing/{at_head}")
    post(head, f"/signing/{at_head}/take-back")
    assert desk.waiting(at_head) == ["王建国"]
    post(clerk, f"/signing/{at_head}/withdraw")
    assert desk.state(at_head) == "draft"


def test_before_submitting_one_sees_who_signs_and_picks_where_asked(
    desk, company, client_for, steps
):
    desk.publish(steps("报告人; submitter", "主管; chosen", "经理; leader"))
    draft = desk.draft(company.sales_clerk)
    clerk = client_for(company.sales_clerk)
    url = f"/signing/{draft.id}/submit"
    assert clerk.post(url, data={"version": draft.version}).headers["Location"].endswith(url)
    assert "主管由谁签" in page(clerk, url)
    page(client_for(company.sales_clerk2), url, 404)
    wrong = {"version": draft.version, "chosen:主管": "没有这人"}
    assert "没有叫" in post(clerk, url, 422, **wrong)
    right = {"version": draft.version, "chosen:主管": "钱主任", "copies": "赵客服、吴会计"}
    post(clerk, url, **right)
    assert desk.run(draft.id).tasks[1].assignee_name == "钱主任"
    assert "未读" in page(client_for(company.other_clerk), "/signing?view=copies")


def test_signing_many_from_the_list(desk, company, client_for):
    papers = [desk.submit(company.sales_clerk) for _ in range(2)]
    clerk = client_for(company.sales_clerk)
    assert clerk.post("/signing/many", data={"password": PASSWORD}).status_code == 422
    post(clerk, "/signing/many", record=[*map(str, papers), "abc"], password=PASSWORD)
    assert [desk.waiting(paper) for paper in papers] == [["王建国"], ["王建国"]]


def test_delegations_and_phrases_on_the_page(desk, company, client_for):
    head, admin = client_for(company.sales_head), client_for(company.admin)
    days = {"from_day": "2026-11-23", "until_day": "2026-11-25"}
    assert "不能委托给自己" in post(head, "/signing/delegations", 422, people="王建国", **days)
    bad = post(head, "/signing/delegations", 422, people="钱主任", from_day="去年", until_day="x")
    assert "日期不对" in bad and "钱主任" in bad
    post(head, "/signing/delegations", people="钱主任", **days)
    shown = page(head, "/signing/settings")
    assert "王建国 → 钱主任" in shown and "生效中" in shown
    number = re.search(r"/signing/delegations/(\d+)/end", shown)[1]
    assert client_for(company.leader).post(f"/signing/delegations/{number}/end").status_code == 404
    post(head, f"/signing/delegations/{number}/end")
    assert "已结束" in page(head, "/signing/settings")
    post(head, "/signing/phrases", text="请按合同办理。")
    post(head, "/signing/phrases", 422, text="请按合同办理。")
    assert (
        head.post("/signing/phrases", data={"text": "公用", "for_everybody": "1"}).status_code
        == 403
    )
    post(admin, "/signing/phrases", text="照办。", for_everybody="1")
    post(admin, "/signing/phrases", text="缓办。", for_everybody="1", remove="1")
    shown = page(client_for(company.leader), "/signing/settings")
    assert "照办。" in shown and "缓办。" not in shown and "请按合同办理。" not in shown


def test_stuck_tasks_are_the_administrators(desk, company, client_for, at_head):
    page(client_for(company.sales_clerk), "/signing/stuck", 403)
    assert "没有滞留" in page(client_for(company.admin), "/signing/stuck")


def test_people_are_suggested_by_part_of_the_name(company, client_for):
    found = client_for(company.sales_clerk).get("/signing/people?q=陈").json
    assert found == [{"value": "陈晓东 0001", "label": "销售部"}]
    assert client_for(None).get("/signing/people?q=陈").status_code == 302


def test_every_act_over_the_api(desk, company, api_for, at_head):
    head, clerk = api_for(company.sales_head), api_for(company.sales_clerk)
    url = f"/records/{at_head}"
    run = call(head, f"{url}/add-signer", people=["钱主任"], way="before", note="请先看")
    added = next(one for one in run["tasks"] if one["kind"] == "before")
    call(head, f"{url}/remove-signer", task_id=added["id"])
    call(head, f"{url}/delegate", person="林美玲")
    call(api_for(company.sales_clerk2), f"{url}/advise", opinion="合适。")
    call(head, f"{url}/hand-over", person="钱主任")
    other = api_for(company.other_head)
    run = call(other, f"{url}/sign", password=PASSWORD, opinion="同意。")
    assert ("钱主任", "王建国") in [(one["assignee"], one["owner"]) for one in run["tasks"]]
    call(other, f"{url}/take-back")
    call(other, f"{url}/sign", password=PASSWORD, circled=True)
    leader = api_for(company.leader)
    call(leader, f"{url}/return", password=PASSWORD, reason="请核对", to=2, straight_back=True)
    call(clerk, f"{url}/remind")
    call(clerk, f"{url}/remind", 409)
    call(clerk, f"{url}/copy", people=["赵客服"])
    call(other, f"{url}/sign", password=PASSWORD)
    run = call(leader, f"{url}/sign", password=PASSWORD)
    assert run["state"] == "done" and desk.verdict(at_head).trusted


def test_lists_many_delegations_and_phrases_over_the_api(desk, company, api_for):
    papers = [desk.submit(company.sales_clerk) for _ in range(2)]
    clerk = api_for(company.sales_clerk)
    assert clerk.get("/api/v1/inbox").json["total"] == 2
    assert clerk.get("/api/v1/inbox?view=mine").json["items"][0]["waits_for"] == "报告人 陈晓东"
    assert clerk.get("/api/v1/inbox?view=x").status_code == 422
    assert clerk.get("/api/v1/inbox/counts").json == {
        "waiting": 2, "late": 0, "mine": 2, "unread": 0,
    }  # fmt: skip
    done = call(clerk, "/inbox/sign", record_ids=papers, password=PASSWORD)
    assert all(one["done"] for one in done["items"])
    assert clerk.get("/api/v1/inbox/stuck").status_code == 403
    task = desk.run(papers[0]).open_task.id
    call(clerk, f"/inbox/{task}/reassign", 404, person="钱主任")
    assert (
        api_for(company.admin)
        .post(f"/api/v1/inbox/{task}/reassign", json={"person": "钱主任"})
        .status_code
        == 204
    )
    days = {"from_day": "2026-11-23", "until_day": "2026-11-24"}
    made = call(clerk, "/delegations", 201, agent="林美玲", **days)
    call(clerk, f"/delegations/{made['id']}/end")
    assert clerk.get("/api/v1/delegations").json["items"][0]["state"] == "over"
    call(clerk, "/opinions", 201, text="照办。")
    call(clerk, "/opinions", 403, text="照办。", for_everybody=True)
    assert clerk.get("/api/v1/opinions").json["items"][-1] == {"text": "照办。", "is_common": False}
    call(clerk, "/opinions/remove", 404, text="没有这句。")


@pytest.mark.parametrize(
    "body",
    [
        {"people": "钱主任", "way": "before"},
        {"people": ["钱主任"], "way": "sideways"},
        {"people": [], "way": "before"},
        {"people": ["钱主任"] * 51, "way": "before"},
        {"people": [1], "way": "before"},
        {"people": ["\u202e钱\x00"], "way": "before"},
        {"people": ["钱主任"], "way": "before", "note": "字" * 501},
        {"people": ["钱主任"], "way": "before", "note": "\x00"},
        {"people": ["钱主任"], "way": "before", "more": 1},
    ],
)
def test_bad_calls_change_nothing(desk, company, api_for, at_head, body):
    answer = api_for(company.sales_head).post(f"/api/v1/records/{at_head}/add-signer", json=body)
    assert answer.status_code == 422
    assert desk.waiting(at_head) == ["王建国"]


def test_a_replayed_request_signs_once(desk, company, api_for, at_head):
    head, url = api_for(company.sales_head), f"/records/{at_head}/sign"
    call(head, url, password=PASSWORD)
    call(head, url, 409, password=PASSWORD)
    assert desk.signed_by(at_head) == ["陈晓东", "王建国"]


@pytest.mark.parametrize(
    "act",
    ["sign", "return", "reject", "add-signer", "remove-signer", "hand-over", "delegate", "advise",
     "take-back", "remind", "copy", "withdraw"],
)  # fmt: skip
def test_who_has_no_part_does_nothing(desk, company, api_for, at_head, act):
    body = {
        "sign": {"password": PASSWORD},
        "return": {"password": PASSWORD, "reason": "退"},
        "reject": {"password": PASSWORD, "reason": "退"},
        "add-signer": {"people": ["钱主任"], "way": "before"},
        "remove-signer": {"task_id": 1},
        "hand-over": {"person": "钱主任"},
        "delegate": {"person": "钱主任"},
        "advise": {"opinion": "好"},
        "copy": {"people": ["钱主任"]},
    }.get(act, {})
    before = desk.actions(at_head)
    for person, refused in ((company.other_clerk, {404}), (company.leader, {403, 404, 409})):
        answer = api_for(person).post(f"/api/v1/records/{at_head}/{act}", json=body)
        assert answer.status_code in refused, (person.name, answer.get_data(as_text=True))
    assert desk.actions(at_head) == before

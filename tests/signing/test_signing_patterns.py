"""会签, 或签, 加签, 转交, 委派, 委托, 退回, 收回: each as it should go, and where others broke.

Source: conventions.md 审批 and its list of what broke elsewhere.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from archive.core.clock import local_day
from archive.core.errors import ArchiveError, Conflict, Forbidden, Invalid, NotFound
from archive.core.resources import open_resources
from archive.jobs import do_chores
from archive.people import access
from archive.people.rights import can
from archive.records import service as records
from archive.records.models import Record
from archive.signing import delegation, detours, edge, freeze, inbox, reminders, service
from archive.signing.codes import code_for
from archive.signing.models import SigningTask
from archive.signing.slots import marks_of
from doc_templates import BadDefinition

pytestmark = pytest.mark.slow

AUTHOR, HEAD, LEADER = "报告人; submitter", "主管; head", "经理; leader"


@pytest.fixture
def two_heads(desk, company):
    """Two legal officers beside the sales head: three who may sign together."""
    return [
        desk.person("fawu1", "郑法务", company.finance_id, "legal", clearance=2),
        desk.person("fawu2", "卫法务", company.finance_id, "legal", clearance=2),
        desk.person("fawu3", "蒋法务", company.finance_id, "legal", clearance=2),
    ]


def together(steps, mode):
    return steps(AUTHOR, f'主管; role:legal; mode = "{mode}"', LEADER)


# 会签, 或签


def test_all_must_agree_in_any_order_and_each_has_a_field(desk, company, steps, two_heads):
    desk.publish(together(steps, "all"))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    first, second, third = two_heads
    assert desk.waiting(paper) == [one.name for one in two_heads]
    for person in (third, first):
        desk.sign(person, paper)
        assert "周志远" not in desk.waiting(paper), "the leader waits for all three"
    desk.sign(second, paper)
    assert desk.waiting(paper) == ["周志远"]
    desk.sign(company.leader, paper)
    assert desk.state(paper) == "signed"
    names = [company.sales_clerk.name, third.name, first.name, second.name, company.leader.name]
    assert desk.signed_by(paper) == names
    found = desk.verdict(paper)
    assert found.trusted and found.waiting == ()
    assert len({one.field for one in found.signatures}) == 7, "five people, twice the company"


def test_one_refusal_ends_a_countersigning_of_all(desk, company, steps, two_heads):
    desk.publish(together(steps, "all"))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    desk.sign(two_heads[0], paper)
    desk.reject(two_heads[1], paper)
    assert desk.state(paper) == "rejected"
    with pytest.raises(Conflict):
        desk.sign(two_heads[2], paper)


def test_one_no_does_not_end_a_countersigning_by_share(desk, company, steps, two_heads):
    desk.publish(together(steps, "ratio:2/3"))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    desk.reject(two_heads[0], paper)
    assert desk.state(paper) == "in_signing"
    desk.sign(two_heads[1], paper)
    desk.sign(two_heads[2], paper)
    assert desk.waiting(paper) == ["周志远"]
    desk.sign(company.leader, paper)
    assert desk.verdict(paper).trusted
    assert "refuse" in desk.actions(paper)


def test_who_said_no_is_not_named_as_a_signer_by_the_printed_code(
    desk, company, steps, two_heads, client_for
):
    desk.publish(together(steps, "ratio:2/3"))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    desk.reject(two_heads[0], paper)
    desk.sign(two_heads[1], paper)
    with desk.resources.work() as uow:
        code = code_for(uow, paper, 1)
    page = client_for(None).get(f"/verify/{code}").get_data(as_text=True)
    assert two_heads[1].name in page and two_heads[0].name not in page


def test_a_share_that_cannot_be_reached_any_more_is_a_refusal(desk, company, steps, two_heads):
    desk.publish(together(steps, "ratio:2/3"))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    desk.reject(two_heads[0], paper)
    desk.reject(two_heads[1], paper)
    assert desk.state(paper) == "rejected"
    assert desk.waiting(paper) == []


def test_a_share_once_reached_lets_the_others_off(desk, company, steps, two_heads):
    desk.publish(together(steps, "ratio:2/3"))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    desk.sign(two_heads[0], paper)
    desk.sign(two_heads[1], paper)
    with pytest.raises(Conflict, match="已经由别人办完"):
        desk.sign(two_heads[2], paper)
    desk.sign(company.leader, paper)
    found = desk.verdict(paper)
    assert found.trusted and found.waiting == (), (
        "an empty field of a closed paper waits for nobody"
    )


def test_of_several_the_first_answer_decides(desk, company, steps, two_heads):
    desk.publish(together(steps, "any"))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    assert len(desk.waiting(paper)) == 3
    desk.sign(two_heads[1], paper)
    assert desk.waiting(paper) == ["周志远"]
    with pytest.raises(Conflict, match="已经由别人办完"):
        desk.sign(two_heads[0], paper)
    with desk.resources.reading() as uow:
        assert service.waiting_count(uow, two_heads[0]) == 0


def test_of_two_who_answer_in_the_same_second_exactly_one_counts(desk, company, steps, two_heads):
    desk.publish(together(steps, "any"))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)

    def attempt(person):
        try:
            desk.sign(person, paper)
        except Conflict:
            return "refused"
        return "signed"

    with ThreadPoolExecutor(3) as pool:
        outcomes = sorted(pool.map(attempt, two_heads))
    assert outcomes == ["refused", "refused", "signed"]
    assert len(desk.signed_by(paper)) == 2
    assert desk.waiting(paper) == ["周志远"]


def test_of_three_who_countersign_in_the_same_second_all_count(desk, company, steps, two_heads):
    desk.publish(together(steps, "all"))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda person: desk.sign(person, paper), two_heads))
    assert sorted(desk.signed_by(paper)[1:]) == sorted(one.name for one in two_heads)


# 加签, 减签


@pytest.fixture
def at_head(desk, company):
    """A paper that waits for the sales head."""
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    return paper


def test_added_before_the_turn_comes_back(desk, company, at_head):
    desk.do(detours.add_signers, company.sales_head, at_head, [company.other_head], "before")
    assert desk.waiting(at_head) == ["钱主任"]
    with pytest.raises(Conflict, match="钱主任"):
        desk.sign(company.sales_head, at_head)
    desk.sign(company.other_head, at_head, opinion="情况属实。")
    assert desk.waiting(at_head) == ["王建国"]
    desk.sign(company.sales_head, at_head)
    desk.sign(company.leader, at_head)
    assert desk.signed_by(at_head) == ["陈晓东", "钱主任", "王建国", "周志远"]
    assert desk.verdict(at_head).trusted


def test_added_after_the_step_goes_on_only_then(desk, company, at_head):
    desk.do(detours.add_signers, company.sales_head, at_head, [company.other_head], "after")
    assert desk.waiting(at_head) == ["王建国"]
    desk.sign(company.sales_head, at_head)
    assert desk.waiting(at_head) == ["钱主任"]
    desk.sign(company.other_head, at_head)
    assert desk.waiting(at_head) == ["周志远"]


def test_added_after_the_very_last_signature_the_paper_stays_open(desk, company, at_head):
    desk.sign(company.sales_head, at_head)
    desk.do(detours.add_signers, company.leader, at_head, [company.other_head], "after")
    desk.sign(company.leader, at_head)
    assert desk.state(at_head) == "in_signing"
    desk.sign(company.other_head, at_head)
    assert desk.state(at_head) == "signed" and desk.verdict(at_head).trusted


@pytest.mark.parametrize("who", ["sales_head", "sales_clerk", "leader", "admin"])
def test_who_cannot_be_added(desk, company, at_head, who):
    with pytest.raises(Invalid):
        desk.do(detours.add_signers, company.sales_head, at_head, [getattr(company, who)], "before")
    assert desk.waiting(at_head) == ["王建国"], "nothing half done"


def test_somebody_already_there_is_not_added_twice(desk, company, at_head):
    with pytest.raises(Invalid, match="已经在这一步"):
        twice = [company.other_head, company.other_head]
        desk.do(detours.add_signers, company.sales_head, at_head, twice, "before")
    desk.do(detours.add_signers, company.sales_head, at_head, [company.other_head], "before")
    with pytest.raises(Invalid, match="已经在这一步"):
        desk.do(detours.add_signers, company.other_head, at_head, [company.sales_head], "before")


def test_a_secret_paper_is_not_carried_to_the_uncleared(desk, company, at_head):
    with desk.resources.work() as uow:
        uow.session.get_one(Record, at_head).secrecy = 2
        uow.commit()
    for act in (detours.hand_over, detours.delegate):
        with pytest.raises(Invalid, match="没有看它的权限"):
            desk.do(act, company.sales_head, at_head, company.other_clerk)
    with pytest.raises(Invalid, match="没有看它的权限"):
        desk.do(detours.copy_to, company.sales_head, at_head, [company.other_clerk])


def test_only_added_and_still_open_people_are_taken_out_by_who_added_them(desk, company, at_head):
    desk.do(detours.add_signers, company.sales_head, at_head, [company.other_head], "before")
    task = desk.task_of(at_head, company.other_head)
    with pytest.raises((Forbidden, NotFound)):
        desk.do(detours.remove_signer, company.leader, at_head, task.id)
    with pytest.raises(Forbidden):
        own = desk.run(at_head).tasks[1].id
        desk.do(detours.remove_signer, company.sales_head, at_head, own)
    desk.do(detours.remove_signer, company.sales_head, at_head, task.id)
    assert desk.waiting(at_head) == ["王建国"]
    desk.do(detours.add_signers, company.sales_head, at_head, [company.other_head], "before")
    added = desk.task_of(at_head, company.other_head)
    desk.sign(company.other_head, at_head)
    with pytest.raises(Conflict):
        desk.do(detours.remove_signer, company.sales_head, at_head, added.id)


def test_a_refusal_while_somebody_added_is_open_ends_all(desk, company, steps, two_heads):
    desk.publish(together(steps, "all"))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    desk.do(detours.add_signers, two_heads[0], paper, [company.other_head], "before")
    desk.reject(two_heads[1], paper)
    assert desk.state(paper) == "rejected" and desk.waiting(paper) == []
    with pytest.raises(Conflict):
        desk.sign(company.other_head, paper)


def test_whoever_was_added_by_one_let_off_is_let_off_too(desk, company, steps, two_heads):
    desk.publish(together(steps, "any"))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    desk.do(detours.add_signers, two_heads[0], paper, [company.other_head], "before")
    desk.sign(two_heads[1], paper)
    assert desk.waiting(paper) == ["周志远"]


def test_more_people_than_fields_are_refused_with_a_word(desk, company, at_head):
    crowd = [desk.person(f"many{n}", f"众{n}号", company.service_id) for n in range(7)]
    with pytest.raises(Conflict, match="没有空的签名栏"):
        desk.do(detours.add_signers, company.sales_head, at_head, crowd, "before")
    assert desk.waiting(at_head) == ["王建国"]


# 转交, 委派, 委托


def test_handed_over_the_other_decides_and_the_owner_stays_on_record(desk, company, at_head):
    desk.do(detours.hand_over, company.sales_head, at_head, company.other_head, "我出差。")
    with pytest.raises(ArchiveError):
        desk.sign(company.sales_head, at_head)
    desk.sign(company.other_head, at_head)
    task = desk.run(at_head).tasks[1]
    assert (task.assignee_name, task.owner_name, task.on_behalf_of) == ("钱主任", "王建国", "")
    assert desk.signed_by(at_head) == ["陈晓东", "钱主任"]


@pytest.mark.parametrize("who", ["sales_head", "sales_clerk", "leader"])
def test_nothing_is_handed_to_oneself_the_author_or_a_signer_of_another_step(
    desk, company, at_head, who
):
    with pytest.raises(Invalid):
        desk.do(detours.hand_over, company.sales_head, at_head, getattr(company, who))


def test_advice_is_asked_and_comes_back_without_a_signature(desk, company, at_head):
    desk.do(detours.delegate, company.sales_head, at_head, company.sales_clerk2, "请核价。")
    assert desk.waiting(at_head) == ["林美玲"]
    with pytest.raises(Conflict, match="不用签字"):
        desk.sign(company.sales_clerk2, at_head)
    with pytest.raises(Conflict):
        desk.reject(company.sales_clerk2, at_head)
    with pytest.raises(Invalid):
        desk.do(detours.advise, company.sales_clerk2, at_head, "  ")
    desk.do(detours.advise, company.sales_clerk2, at_head, "价格与去年持平。")
    assert desk.waiting(at_head) == ["王建国"]
    desk.sign(company.sales_head, at_head)
    assert desk.signed_by(at_head) == ["陈晓东", "王建国"]
    with pytest.raises(Conflict):
        desk.do(detours.advise, company.sales_clerk2, at_head, "再说一句。")


def test_a_standing_delegation_prints_as_for_the_owner(desk, company, clock, monkeypatch):
    today, printed = local_day(clock.now), []

    def seen(blobs, run, images, task, mark):
        if mark.on_behalf_of:
            printed.append((task.role, mark.name, mark.on_behalf_of))
        return marks_of(blobs, run, images, task, mark)

    monkeypatch.setattr(freeze, "marks_of", seen)
    desk.do(
        delegation.delegate_tasks,
        company.sales_head, company.other_head, today, today + timedelta(days=3), "E01", "出差",
    )  # fmt: skip
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    assert desk.waiting(paper) == ["钱主任"]
    desk.sign(company.other_head, paper)
    task = desk.run(paper).tasks[1]
    assert task.on_behalf_of == "王建国"
    assert desk.run(paper).acts[-1].on_behalf_of == "王建国"
    assert printed == [("主管", "钱主任", "王建国")]


def test_a_delegation_counts_on_its_days_and_for_its_form_only(desk, company, clock):
    today = local_day(clock.now)
    tomorrow = today + timedelta(days=1)
    given = (company.sales_head, company.other_head)
    desk.do(delegation.delegate_tasks, *given, tomorrow, tomorrow, "")
    desk.do(delegation.delegate_tasks, *given, today, today, "E05")
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    assert desk.waiting(paper) == ["王建国"]


def test_a_delegation_ended_brings_back_what_is_not_signed(desk, company, clock):
    today = local_day(clock.now)
    made = desk.do(delegation.delegate_tasks, company.sales_head, company.other_head, today, today)
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    with pytest.raises(NotFound):
        desk.do(delegation.end_delegation, company.leader, made.id)
    desk.do(delegation.end_delegation, company.sales_head, made.id)
    assert desk.waiting(paper) == ["王建国"]


def test_a_delegation_never_makes_the_author_judge_their_own_paper(desk, company, clock):
    today = local_day(clock.now)
    desk.do(delegation.delegate_tasks, company.sales_head, company.sales_clerk, today, today)
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    assert desk.waiting(paper) == ["王建国"]


def test_a_delegation_never_makes_one_person_sign_two_steps(desk, company, steps, clock):
    today = local_day(clock.now)
    desk.do(delegation.delegate_tasks, company.sales_head, company.leader, today, today)
    for last, waits in ((LEADER, "王建国"), (LEADER + "; allow_same = true", "周志远")):
        desk.publish(steps(AUTHOR, HEAD, last))
        paper = desk.submit(company.sales_clerk)
        desk.sign(company.sales_clerk, paper)
        assert desk.waiting(paper) == [waits]


def test_a_leavers_task_does_not_go_to_who_signs_another_step(desk, company, steps):
    desk.publish(steps(AUTHOR, "主管; person:sales_clerk2", "经理; head"))
    paper = desk.submit(company.sales_clerk)
    leave(desk, company.sales_clerk2)
    desk.sign(company.sales_clerk, paper)
    assert desk.waiting(paper) == ["林美玲"], "the administrator says who signs instead"
    with desk.resources.reading() as uow:
        assert len(reminders.stuck_tasks(uow, company.admin)) == 1


def test_bad_delegations_are_refused(desk, company, clock):
    today = local_day(clock.now)
    a, b = company.sales_head, company.other_head
    for agent, since, until, form in (
        (a, today, today, ""),
        (company.admin, today, today, ""),
        (b, today, today - timedelta(days=1), ""),
        (b, today - timedelta(days=9), today - timedelta(days=2), ""),
        (b, today, today + timedelta(days=400), ""),
        (b, today, today, "E99"),
    ):
        with pytest.raises(Invalid):
            desk.do(delegation.delegate_tasks, a, agent, since, until, form)
    desk.do(delegation.delegate_tasks, a, b, today, today)
    with pytest.raises(Invalid, match="互相委托"):
        desk.do(delegation.delegate_tasks, b, a, today, today)


# 退回, 收回


def test_back_to_a_step_voids_what_came_after_and_keeps_the_history(desk, company, at_head):
    desk.sign(company.sales_head, at_head)
    desk.give_back(company.leader, at_head, 2)
    assert desk.waiting(at_head) == ["王建国"]
    assert desk.signed_by(at_head) == ["陈晓东"], "the paper is as it was before the head signed"
    desk.sign(company.sales_head, at_head)
    desk.sign(company.leader, at_head)
    assert desk.signed_by(at_head) == ["陈晓东", "王建国", "周志远"]
    assert desk.verdict(at_head).trusted
    assert desk.actions(at_head) == [
        "submit", "approve", "approve", "return", "approve", "approve"
    ]  # fmt: skip
    assert [one.state for one in desk.run(at_head).tasks if one.seq == 2] == ["void", "done"]


def test_back_to_a_step_a_second_time(desk, company, at_head):
    for _ in range(3):
        desk.sign(company.sales_head, at_head)
        desk.give_back(company.leader, at_head, 1)
        desk.sign(company.sales_clerk, at_head)
    desk.sign(company.sales_head, at_head)
    desk.sign(company.leader, at_head)
    assert desk.signed_by(at_head) == ["陈晓东", "王建国", "周志远"]


def test_straight_back_to_who_returned_it(desk, company, at_head):
    desk.sign(company.sales_head, at_head)
    desk.give_back(company.leader, at_head, 1, straight_back=True)
    assert desk.waiting(at_head) == ["陈晓东"]
    desk.sign(company.sales_clerk, at_head, opinion="已向客户核实。")
    assert desk.waiting(at_head) == ["周志远"]
    desk.sign(company.leader, at_head)
    assert desk.signed_by(at_head) == ["陈晓东", "王建国", "陈晓东", "周志远"]
    assert desk.verdict(at_head).trusted


def test_a_return_inside_a_countersigning_does_not_lose_the_run(desk, company, steps, two_heads):
    desk.publish(together(steps, "all"))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    desk.sign(two_heads[0], paper)
    desk.give_back(two_heads[1], paper, 1)
    assert desk.waiting(paper) == ["陈晓东"]
    desk.sign(company.sales_clerk, paper)
    assert len(desk.waiting(paper)) == 3
    for person in two_heads:
        desk.sign(person, paper)
    desk.sign(company.leader, paper)
    assert desk.verdict(paper).trusted and len(desk.signed_by(paper)) == 5


@pytest.mark.parametrize("to", [2, 3, 9, -1])
def test_across_or_forward_nothing_is_returned(desk, company, at_head, to):
    with pytest.raises(Invalid, match="前面已经签完的一步"):
        desk.give_back(company.sales_head, at_head, to)
    assert desk.waiting(at_head) == ["王建国"]


@pytest.mark.parametrize("straight_back", [False, True])
def test_a_return_to_a_step_that_somebody_was_added_to(desk, company, at_head, straight_back):
    desk.do(detours.add_signers, company.sales_head, at_head, [company.other_head], "before")
    desk.sign(company.other_head, at_head)
    desk.sign(company.sales_head, at_head)
    desk.give_back(company.leader, at_head, 2, straight_back=straight_back)
    assert desk.waiting(at_head) == ["王建国"], "the step is its owner's, not the added one's"
    with pytest.raises(Conflict):
        desk.sign(company.other_head, at_head)
    desk.sign(company.sales_head, at_head)
    desk.sign(company.leader, at_head)
    stood = ["钱主任", "王建国"] if straight_back else []
    assert desk.signed_by(at_head) == ["陈晓东", *stood, "王建国", "周志远"]
    assert desk.state(at_head) == "signed" and desk.verdict(at_head).trusted


def test_an_added_signer_returns_to_a_step_of_the_chain(desk, company, at_head):
    desk.do(detours.add_signers, company.sales_head, at_head, [company.other_head], "after")
    desk.sign(company.sales_head, at_head)
    desk.give_back(company.other_head, at_head, 1)
    assert desk.waiting(at_head) == ["陈晓东"]
    desk.sign(company.sales_clerk, at_head)
    assert desk.waiting(at_head) == ["王建国"], "who was added is not added again by itself"
    desk.sign(company.sales_head, at_head)
    desk.sign(company.leader, at_head)
    assert desk.verdict(at_head).trusted


def test_one_takes_ones_yes_back_while_the_next_has_not_acted(desk, company, at_head):
    desk.sign(company.sales_head, at_head)
    desk.do(service.take_back, company.sales_head, at_head)
    assert desk.waiting(at_head) == ["王建国"] and desk.signed_by(at_head) == ["陈晓东"]
    desk.sign(company.sales_head, at_head, opinion="同意。")
    assert desk.waiting(at_head) == ["周志远"]
    assert len([one for one in desk.run(at_head).tasks if one.seq == 3]) == 1, "not doubled"
    desk.sign(company.leader, at_head)
    assert desk.signed_by(at_head) == ["陈晓东", "王建国", "周志远"]


def test_a_reminder_or_a_copy_is_no_act_of_the_next(desk, company, at_head):
    desk.sign(company.sales_head, at_head)
    desk.do(detours.remind, company.sales_clerk, at_head)
    desk.do(detours.copy_to, company.sales_clerk, at_head, [company.other_head])
    with desk.resources.reading() as uow:
        assert service.may_take_back(uow, company.sales_head, at_head)
    desk.do(service.take_back, company.sales_head, at_head)
    assert desk.waiting(at_head) == ["王建国"] and desk.signed_by(at_head) == ["陈晓东"]


def test_a_yes_is_not_taken_back_once_the_next_has_acted_or_by_another(desk, company, at_head):
    with pytest.raises(Conflict):
        desk.do(service.take_back, company.sales_head, at_head)
    desk.sign(company.sales_head, at_head)
    with pytest.raises(Conflict):
        desk.do(service.take_back, company.sales_clerk, at_head)
    desk.sign(company.leader, at_head)
    with pytest.raises(Conflict):
        desk.do(service.take_back, company.leader, at_head)


def test_taking_back_the_deciding_answer_asks_the_others_again(desk, company, steps, two_heads):
    desk.publish(together(steps, "any"))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    desk.sign(two_heads[0], paper)
    desk.do(service.take_back, two_heads[0], paper)
    assert len(desk.waiting(paper)) == 3
    desk.sign(two_heads[2], paper)
    assert desk.waiting(paper) == ["周志远"]


# opinions


def test_a_signature_does_not_stand_beside_a_no(desk, company, at_head):
    with pytest.raises(Invalid, match="退回"):
        desk.sign(company.sales_head, at_head, opinion="不同意。")
    desk.sign(company.sales_head, at_head, opinion="不同意见已协调一致，同意。")


def test_circled_counts_except_where_the_step_issues(desk, company, steps):
    desk.publish(steps(AUTHOR, HEAD, LEADER + "; issues = true"))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    run = desk.sign(company.sales_head, paper, circled=True)
    assert run.acts[-1].action_label == "圈阅" and desk.waiting(paper) == ["周志远"]
    for refused in ({"circled": True}, {"opinion": "已阅。"}, {"opinion": "圈阅"}):
        with pytest.raises(Invalid, match="签发"):
            desk.sign(company.leader, paper, **refused)
    desk.sign(company.leader, paper, opinion="同意印发。")
    assert desk.state(paper) == "signed"


# 催办, 超时, 抄送, lists


def test_a_reminder_at_most_once_in_some_hours(desk, company, at_head, clock):
    assert desk.do(detours.remind, company.sales_clerk, at_head) == 1
    with pytest.raises(Conflict, match="小时内"):
        desk.do(detours.remind, company.sales_clerk, at_head)
    clock.advance(hours=4)
    desk.do(detours.remind, company.sales_clerk, at_head)
    with desk.resources.reading() as uow:
        assert inbox.inbox(uow, company.sales_head).items[0].reminders == 2
    with pytest.raises((Forbidden, NotFound)):
        desk.do(detours.remind, company.sales_clerk2, at_head)
    with pytest.raises(Conflict, match="等您自己"):
        desk.do(detours.remind, company.sales_head, at_head)


def test_a_late_task_is_reminded_of_by_the_office_once_a_day(desk, company, steps, clock):
    desk.publish(steps(AUTHOR, HEAD + "; days = 2", LEADER))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    clock.advance(days=1)
    assert desk.do(lambda uow, _: reminders.remind_late(uow), None) == 0
    clock.advance(days=2)
    assert desk.do(lambda uow, _: reminders.remind_late(uow), None) == 1
    assert desk.do(lambda uow, _: reminders.remind_late(uow), None) == 0
    with desk.resources.reading() as uow:
        entry = inbox.inbox(uow, company.sales_head).items[0]
        assert entry.is_late and entry.reminders == 1 and entry.age == "3 天"
        assert inbox.counts(uow, company.sales_head).late == 1
        mine = inbox.started(uow, company.sales_clerk).items[0]
    assert mine.waits_for == "主管 王建国" and mine.is_late


# 超时


def chores(desk):
    return desk.do(lambda uow, _: reminders.do_signing_chores(uow), None)


def late_at_head(desk, company, steps, clock, policy):
    """Let a paper lie with the head of sales beyond the term of two working days."""
    head = f'{HEAD}; days = 2; late = "{policy}"'
    desk.publish(steps(AUTHOR, head, LEADER))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    clock.advance(days=3)
    return paper


def test_late_the_paper_goes_to_the_head_above_with_a_fresh_term(desk, company, steps, clock):
    boss = desk.person("boss", "韩总管", 1, "head", clearance=2)
    paper = late_at_head(desk, company, steps, clock, "hand_on")
    assert chores(desk) == 1 and desk.waiting(paper) == ["韩总管"]
    assert chores(desk) == 0, "not moved on before its own term"
    with pytest.raises(Conflict):
        desk.sign(company.sales_head, paper)
    desk.sign(boss, paper)
    desk.sign(company.leader, paper)
    assert desk.signed_by(paper) == ["陈晓东", "韩总管", "周志远"]
    assert "hand_on" in desk.actions(paper)


def test_late_with_nobody_above_the_person_is_reminded(desk, company, steps, clock):
    paper = late_at_head(desk, company, steps, clock, "hand_on")
    assert chores(desk) == 1 and desk.waiting(paper) == ["王建国"], "the leader signs later anyway"
    assert desk.run(paper).open_task.reminders == 1


def test_late_the_paper_goes_back_to_its_author(desk, company, steps, clock):
    paper = late_at_head(desk, company, steps, clock, "return")
    assert chores(desk) == 1 and desk.state(paper) == "returned"
    assert chores(desk) == 0
    desk.resubmit(company.sales_clerk, paper)
    assert desk.waiting(paper) == ["陈晓东"]


def test_late_counts_as_agreed_without_anybodys_signature(desk, company, steps, clock):
    paper = late_at_head(desk, company, steps, clock, "agree")
    assert chores(desk) == 1 and desk.waiting(paper) == ["周志远"]
    assert desk.task_labels(paper)[1] == "逾期视为同意"
    desk.sign(company.leader, paper)
    assert desk.state(paper) == "signed" and desk.verdict(paper).trusted
    assert desk.signed_by(paper) == ["陈晓东", "周志远"], "nobody signed for the head"


def test_late_in_a_countersigning_the_silent_agree_and_the_rest_decide(
    desk, company, steps, clock, two_heads
):
    step = '主管; role:legal; mode = "all"; days = 2; late = "agree"'
    desk.publish(steps(AUTHOR, step, LEADER))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    desk.sign(two_heads[0], paper)
    clock.advance(days=3)
    assert chores(desk) == 2 and desk.waiting(paper) == ["周志远"]


def test_the_worker_does_it_by_itself(desk, company, steps, clock):
    paper = late_at_head(desk, company, steps, clock, "return")
    do_chores(desk.resources)
    assert desk.state(paper) == "returned"


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (f'{HEAD}; late = "agree"', "days"),
        (f'{HEAD}; days = 2; late = "agree"; issues = true', "签发"),
        (f'{HEAD}; days = 2; late = "sign"', "late"),
    ],
)
def test_what_may_not_happen_when_late_is_refused_in_the_form(desk, steps, step, told):
    with pytest.raises(BadDefinition, match=told):
        desk.publish(steps(AUTHOR, step, LEADER))


def test_the_last_step_never_counts_as_agreed(desk, steps):
    with pytest.raises(BadDefinition, match="最后一步"):
        desk.publish(steps(AUTHOR, HEAD, f'{LEADER}; days = 2; late = "agree"'))


def test_a_step_by_position_prefers_the_submitters_department(desk, company, steps):
    for key, name, unit in (
        ("p1", "丁审核", company.finance_id),
        ("p2", "戊审核", company.sales_id),
    ):
        desk.person(key, name, unit, position="审核员")
    desk.publish(steps(AUTHOR, "主管; position:审核员", LEADER))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    assert desk.waiting(paper) == ["戊审核"]


def test_a_copy_is_read_once_and_lets_one_see_the_paper(desk, company):
    with pytest.raises(NotFound):
        desk.submit(company.sales_clerk, copies=[99999])
    paper = desk.submit(company.sales_clerk, copies=[company.other_head.id])
    with desk.resources.reading() as uow:
        assert inbox.counts(uow, company.other_head).unread == 1
        assert inbox.copies(uow, company.other_head).items[0].record_id == paper
        assert service.get_run(uow, company.other_head, paper)
    given = (company.sales_clerk, paper, [company.other_head, company.finance_clerk])
    assert desk.do(detours.copy_to, *given) == 1, "each person gets it once"
    assert desk.do(inbox.mark_read, company.other_head, paper)
    assert not desk.do(inbox.mark_read, company.other_head, paper)
    with pytest.raises(Forbidden):
        desk.do(detours.copy_to, company.other_head, paper, [company.other_clerk])
    with pytest.raises(Conflict):
        desk.sign(company.other_head, paper)


# leavers


def leave(desk, person):
    with desk.resources.work() as uow:
        access.mark_left(uow, desk.company.admin, person.id)
        uow.commit()


def test_a_leavers_coming_task_goes_to_the_head_above(desk, company):
    paper = desk.submit(company.sales_clerk)
    leave(desk, company.sales_head)
    new_head = desk.person("xinhead", "冯新任", company.sales_id, "head", clearance=2)
    desk.sign(company.sales_clerk, paper)
    assert desk.waiting(paper) == ["冯新任"]
    desk.sign(new_head, paper)
    assert desk.signed_by(paper) == ["陈晓东", "冯新任"]


def test_a_leavers_open_task_is_moved_or_given_away_by_the_administrator(desk, company, at_head):
    leave(desk, company.sales_head)
    assert desk.do(lambda uow, _: reminders.move_leavers_tasks(uow), None) == 0
    with desk.resources.reading() as uow:
        stuck = reminders.stuck_tasks(uow, company.admin)
        assert [(one.owner_name, one.outcome) for one in stuck] == [("王建国", "left")]
        with pytest.raises(Forbidden):
            reminders.stuck_tasks(uow, company.sales_clerk)
    task = stuck[0].task_id
    with pytest.raises(NotFound):
        desk.do(detours.reassign, company.sales_clerk, task, company.other_head)
    for nobody in (company.sales_clerk, company.leader, company.admin):
        with pytest.raises(Invalid):
            desk.do(detours.reassign, company.admin, task, nobody)
    desk.do(detours.reassign, company.admin, task, company.other_head)
    desk.sign(company.other_head, at_head)
    assert desk.waiting(at_head) == ["周志远"]


def test_a_task_with_who_only_administers_is_given_on_without_being_read(desk, company, at_head):
    with desk.resources.work() as uow:
        task = uow.session.scalars(
            select(SigningTask).where(SigningTask.assignee_id == company.sales_head.id)
        ).one()
        task.assignee_id = company.admin.id
        uow.commit()
        stuck = reminders.stuck_tasks(uow, company.admin)
        assert [(one.owner_name, one.title) for one in stuck] == [("管理员", "")]
        assert not can(company.admin, "record.read", records.thing_of(uow, at_head))
    desk.do(detours.reassign, company.admin, stuck[0].task_id, company.other_head)
    desk.sign(company.other_head, at_head)


# many at once


def test_signing_many_skips_no_rule(desk, company):
    papers = [desk.submit(company.sales_clerk) for _ in range(3)]
    for paper in papers[:2]:
        desk.sign(company.sales_clerk, paper)
    outcomes = edge.sign_many(
        desk.resources, company.sales_head, [*papers, 10**12, papers[0]],
        password="档案台-测试-2026", opinion="同意。",
    )  # fmt: skip
    assert [one.done for one in outcomes] == [True, True, False, False]
    assert "前面的人还没签完" in outcomes[2].why
    assert [desk.waiting(paper) for paper in papers] == [["周志远"], ["周志远"], ["陈晓东"]]
    with pytest.raises(ArchiveError, match="密码"):
        edge.sign_many(desk.resources, company.leader, papers, password="错")
    assert desk.waiting(papers[0]) == ["周志远"]


def test_a_new_process_goes_on_where_the_killed_one_stopped(desk, company, at_head, converter):
    again = open_resources(desk.resources.settings, converter, desk.resources.clock)
    try:
        edge.sign(again, company.sales_head, at_head, password="档案台-测试-2026", drawn_png=None)
        edge.sign(again, company.leader, at_head, password="档案台-测试-2026", drawn_png=None)
    finally:
        again.database.dispose()
    assert desk.signed_by(at_head) == ["陈晓东", "王建国", "周志远"]

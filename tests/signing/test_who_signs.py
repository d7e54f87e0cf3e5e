"""Who takes a step of the chain: by condition, department, person, position; skipped, or handed up.

Source: conventions.md 审批, its row of candidates and what happens where nobody can sign.
"""

import pytest

from archive.core.errors import Invalid
from archive.signing import detours, reminders
from doc_templates import BadDefinition

pytestmark = pytest.mark.slow

AUTHOR, HEAD, LEADER = "报告人; submitter", "主管; head", "经理; leader"


@pytest.mark.parametrize(("amount", "signers"), [("100000", 2), ("100000.01", 3), ("", 2)])
def test_a_step_by_a_condition_comes_only_when_it_holds(desk, company, steps, amount, signers):
    desk.publish(
        steps(AUTHOR, HEAD, '经理; leader; when = "首回交易额 > 100000"'),
        '\n[[field]]\nkey = "首回交易额"\nkind = "money"\nprinted = false\n',
    )
    paper = desk.submit(company.sales_clerk, 首回交易额=amount)
    assert len(desk.run(paper).live_tasks) == signers
    for person in (company.sales_clerk, company.sales_head, company.leader)[:signers]:
        desk.sign(person, paper)
    assert desk.state(paper) == "signed" and desk.verdict(paper).trusted
    if signers == 2:
        assert "首回交易额" in desk.run(paper).step(3).note


def test_a_step_by_department_and_by_person(desk, company, steps):
    desk.publish(steps(AUTHOR, "主管; person:other_head", '经理; leader; when = "部门 ≠ 销售部"'))
    paper = desk.submit(company.sales_clerk)
    assert [one.assignee_id for one in desk.run(paper).tasks] == [
        company.sales_clerk.id,
        company.other_head.id,
    ]


def test_a_step_named_in_an_entry_and_a_head_two_levels_up(desk, company, steps):
    desk.publish(steps(AUTHOR, "主管; field:主办人员", "经理; head:2"))
    paper = desk.submit(company.sales_clerk, 主办人员="林美玲")
    assert [one.assignee_name for one in desk.run(paper).tasks] == ["陈晓东", "林美玲", "周志远"]


def test_the_submitter_picks_who_signs_where_the_form_asks(desk, company, steps):
    desk.publish(steps(AUTHOR, "主管; chosen", LEADER))
    with pytest.raises(Invalid, match="主管"):
        desk.submit(company.sales_clerk)
    with pytest.raises(Invalid, match="提交人本人不能签"):
        desk.submit(company.sales_clerk, chosen={"主管": [company.sales_clerk.id]})
    paper = desk.submit(company.sales_clerk, chosen={"主管": [company.other_head.id]})
    assert desk.run(paper).tasks[1].assignee_id == company.other_head.id


def test_one_person_takes_two_steps_only_where_the_form_allows_it(desk, company, steps):
    desk.publish(steps(AUTHOR, "主管; leader", LEADER))
    with pytest.raises(Invalid, match="已在前面签过"):
        desk.submit(company.sales_clerk)
    desk.publish(steps(AUTHOR, "主管; leader", LEADER + "; allow_same = true"))
    paper = desk.submit(company.sales_clerk)
    for person in (company.sales_clerk, company.leader, company.leader):
        desk.sign(person, paper)
    assert desk.state(paper) == "signed"


@pytest.mark.parametrize(
    ("middle", "same", "asked"),
    [
        ("主管; leader", "once", ["陈晓东", "周志远"]),
        ("主管; leader", "consecutive", ["陈晓东", "周志远"]),
        ("主管; leader", "each", ["陈晓东", "周志远", "周志远"]),
        (HEAD, "once", ["陈晓东", "王建国"]),
        (HEAD, "consecutive", ["陈晓东", "王建国", "陈晓东"]),
    ],
)
def test_the_same_person_again_signs_once_or_each_time_as_the_form_says(
    desk, company, steps, middle, same, asked
):
    last = "经理; leader" if middle != HEAD else "经理; submitter"
    desk.publish(steps(AUTHOR, middle, f'{last}; allow_same = true; same = "{same}"'))
    paper = desk.submit(company.sales_clerk)
    assert [task.assignee_name for task in desk.run(paper).tasks] == asked
    for name in asked:
        desk.sign(next(one for one in vars(company).values() if named(one, name)), paper)
    assert desk.state(paper) == "signed" and desk.verdict(paper).trusted


def named(person, name):
    return getattr(person, "name", "") == name


def test_same_is_refused_without_leave_for_two_steps(desk, steps):
    with pytest.raises(BadDefinition, match="allow_same"):
        desk.publish(steps(AUTHOR, HEAD, f'{LEADER}; same = "once"'))


def test_a_step_that_nobody_can_take_is_skipped_only_where_the_form_says_so(desk, company, steps):
    desk.publish(steps(AUTHOR, "主管; role:legal", LEADER))
    with pytest.raises(Invalid, match="主管"):
        desk.submit(company.sales_clerk)
    desk.publish(steps(AUTHOR, '主管; role:legal; empty = "skip"', LEADER))
    paper = desk.submit(company.sales_clerk)
    assert [one.role for one in desk.run(paper).tasks] == ["报告人", "经理"]
    desk.sign(company.sales_clerk, paper)
    desk.sign(company.leader, paper)
    assert desk.verdict(paper).trusted


@pytest.mark.parametrize(
    ("author", "middle", "own", "asked"),
    [
        ("sales_head", "head", "superior", ["王建国", "周志远"]),
        ("sales_head", "head", "skip", ["王建国", "钱主任"]),
        ("sales_head", "person:sales_head", "skip", ["王建国", "钱主任"]),
        ("sales_clerk", "head", "skip", ["陈晓东", "王建国", "钱主任"]),
    ],
)
def test_a_step_that_falls_to_the_submitter_goes_up_or_is_skipped_as_the_form_says(
    desk, company, steps, author, middle, own, asked
):
    last = "经理; person:other_head" if own == "skip" else 'LAST; leader; when = "部门 = 无"'
    desk.publish(steps(AUTHOR, f'主管; {middle}; own = "{own}"', last.replace("LAST", "经理")))
    paper = desk.submit(getattr(company, author))
    assert [task.assignee_name for task in desk.run(paper).tasks] == asked
    if len(asked) == 2 and own == "skip":
        assert "提交人本人" in desk.run(paper).step(2).note


def test_a_step_that_nobody_can_take_goes_to_the_head_or_the_administrator(desk, company, steps):
    desk.publish(steps(AUTHOR, '主管; role:legal; empty = "head"', LEADER))
    paper = desk.submit(company.sales_clerk)
    assert [one.assignee_name for one in desk.run(paper).tasks] == ["陈晓东", "王建国", "周志远"]
    desk.publish(steps(AUTHOR, '主管; role:legal; empty = "admin"', LEADER))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    with desk.resources.reading() as uow:
        stuck = reminders.stuck_tasks(uow, company.admin)
    assert [one.record_id for one in stuck] == [paper], "the administrator says who signs"
    desk.do(detours.reassign, company.admin, stuck[0].task_id, company.other_head)
    desk.sign(company.other_head, paper)
    desk.sign(company.leader, paper)
    assert desk.signed_by(paper) == ["陈晓东", "钱主任", "周志远"]


def test_the_head_of_a_department_named_in_the_form_or_in_the_paper(desk, company, steps):
    desk.publish(steps(AUTHOR, "主管; dept:客服部", "经理; field:主办人员"))
    paper = desk.submit(company.sales_clerk, 主办人员="销售部")
    assert [one.assignee_name for one in desk.run(paper).tasks] == ["陈晓东", "钱主任", "王建国"]


def test_what_the_form_says_later_changes_no_run_under_way(desk, company, steps):
    desk.publish(steps(AUTHOR, HEAD, LEADER))
    paper = desk.submit(company.sales_clerk)
    desk.publish(steps(AUTHOR, HEAD))
    for person in (company.sales_clerk, company.sales_head):
        desk.sign(person, paper)
    assert desk.waiting(paper) == ["周志远"]

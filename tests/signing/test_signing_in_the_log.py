"""What the log keeps of a paper's round: each act once, no state that the paper did not have."""

import pytest

from archive.records import history
from archive.signing import service
from storage.journal import JournalEntry


@pytest.fixture
def at_head(desk, company):
    """A paper its author has signed; it is the head's turn."""
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    return paper


def logged(desk, record_id):
    """Return the acts the log has on a paper, and the state it gives for now."""
    now = desk.resources.clock()
    with desk.resources.reading() as uow:
        rows = uow.session.query(JournalEntry).order_by(JournalEntry.seq)
        of_paper = rows.filter_by(object_type="record", object_id=str(record_id))
        then = history.as_of(uow, desk.company.sales_clerk, record_id, now)
        return [row.action for row in of_paper], then.state_label


def test_sent_back_to_a_step_the_log_has_the_paper_in_signing(desk, company, at_head):
    desk.sign(company.sales_head, at_head)
    desk.give_back(company.leader, at_head, 2)
    actions, label = logged(desk, at_head)
    assert (actions[-1], label) == ("record.return_to_step", "签核中")


def test_a_vote_against_leaves_the_paper_in_signing_until_it_decides(desk, company, steps):
    voters = [
        desk.person(f"fawu{n}", name, company.finance_id, "legal", clearance=2)
        for n, name in enumerate(("郑法务", "卫法务", "蒋法务"))
    ]
    together = '主管; role:legal; mode = "ratio:2/3"'
    desk.publish(steps("报告人; submitter", together, "经理; leader"))
    paper = desk.submit(company.sales_clerk)
    desk.sign(company.sales_clerk, paper)
    for person, told in zip(
        voters, (["record.refuse"], ["record.refuse", "record.reject"]), strict=False
    ):
        before, _ = logged(desk, paper)
        desk.reject(person, paper)
        actions, label = logged(desk, paper)
        assert actions[len(before) :] == told
        assert label == ("签核中" if len(told) == 1 else "已拒绝")


def test_an_act_that_ends_the_round_stands_in_the_log_once(desk, company, at_head):
    desk.give_back(company.sales_head, at_head)
    desk.resubmit(company.sales_clerk, at_head)
    desk.do(service.withdraw_record, company.sales_clerk, at_head)
    desk.resubmit(company.sales_clerk, at_head)
    desk.sign(company.sales_clerk, at_head)
    desk.reject(company.sales_head, at_head)
    actions, label = logged(desk, at_head)
    ends = [one for one in actions if one.split(".")[1] in ("return", "withdraw", "reject")]
    assert (ends, label) == (["record.return", "record.withdraw", "record.reject"], "已拒绝")

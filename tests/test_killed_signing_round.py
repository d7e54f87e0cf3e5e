"""Delegations, added signers, papers passed on, sent back, sealed: killed at every kind of point.

How a flow is killed and what is asked of what is left stands in ``killing``; submitting, signing
and withdrawing are in ``test_killed_anywhere``, the other party, refusing and putting the seal on
in ``test_killed_further``.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from archive.core.clock import local_day
from archive.jobs import drain_all
from archive.people import access
from archive.records import drafts
from archive.records import service as records
from archive.signing import delegation, detours, edge
from archive.signing.acts import Asked
from archive.signing.reminders import do_signing_chores
from archive.signing.seals import edge as sealing
from archive.signing.seals import register
from archive.signing.seals.rules import PaperEntry, SealFields, SealRequest
from doc_templates import sample_values
from tests.conftest import DATABASE, PASSWORD, one_page_pdf
from tests.killing import World, do, kill_everywhere, opened
from tests.signing.signing_desk import Desk, chain_toml
from tests.test_killed_further import ring

pytestmark = [pytest.mark.slow]

WHY = "单价与报价单不符，请核对。"
CHANGED = sample_values("E01") | {"开拓经过": "三次登门，终于谈成。"}
AUTHOR, HEAD, LEADER = "报告人; submitter", "主管; head", "经理; leader; allow_same = true"
OUT = {
    "taker": "陈晓东", "taker_password": PASSWORD, "approver": "周志远",
    "where_to": "市政务中心", "why": "变更登记",
}  # fmt: skip
ELSEWHERE = PaperEntry("开户资料", "银行开户", "周志远", approved=2, stamped=2, pages=5)


@pytest.fixture(scope="module")
def start(settled, tmp_path_factory):
    """Papers with the head, an adviser, an agent, the leader; sent back; late; to be sealed."""
    database, c = settled
    folder = tmp_path_factory.mktemp("start")
    shutil.copyfile(database, folder / DATABASE)
    resources = opened(folder)
    desk = Desk(resources, c)
    ids = late_papers(desk, c)
    for key in ("at_head", "many", "added", "asked", "at_leader", "sent_back"):
        ids[key] = desk.submit(c.sales_clerk)
        desk.sign(c.sales_clerk, ids[key])
    for key, who in (("added", c.other_head), ("with_leaver", ids.pop("leaver"))):
        desk.do(detours.add_signers, c.sales_head, ids[key], [who], "before")
    ids["added_task"] = desk.task_of(ids["added"], c.other_head).id
    do(resources, access.mark_left, c.admin, who.id)
    desk.do(detours.delegate, c.sales_head, ids["asked"], c.sales_clerk2, "请核价。")
    desk.sign(c.sales_head, ids["at_leader"])
    desk.give_back(c.sales_head, ids["sent_back"])
    today = local_day(resources.clock.now)
    made = desk.do(delegation.delegate_tasks, c.leader, c.archive_head, today, today, "E01")
    ids["for_agent"] = desk.submit(c.sales_clerk)
    for person in (c.sales_clerk, c.sales_head):
        desk.sign(person, ids["for_agent"])
    ids |= {"delegation": made.id, "task": desk.task_of(ids["at_head"], c.sales_head).id}
    ids |= with_seals(desk, c)
    drain_all(resources)
    resources.database.dispose()
    return World(folder, c, ids)


def late_papers(desk, c):
    """Papers that will be late with the head, by what their form says of it; one with a leaver."""
    ids = {"leaver": desk.person("leaver", "郑离职", c.sales_id)}
    for key, late in (("to_remind", "remind"), ("to_return", "return"), ("to_agree", "agree")):
        desk.publish(chain_toml(AUTHOR, f'{HEAD}; days = 1; late = "{late}"', LEADER))
        ids[key] = desk.submit(c.sales_clerk)
        desk.sign(c.sales_clerk, ids[key])
    desk.publish(chain_toml(AUTHOR, HEAD, LEADER))
    ids["with_leaver"] = desk.submit(c.sales_clerk)
    desk.sign(c.sales_clerk, ids["with_leaver"])
    return ids


def with_seals(desk, c):
    """A seal a paper waits for, one a paper bears, one that is out."""
    resources, ids = desk.resources, {}
    for key in ("waited_for", "used", "out"):
        fields = seal_fields(key)
        ids[key] = sealing.add_seal(resources, c.admin, fields, ring())
    for key in ("waited_for", "used"):
        made = desk.draft(c.sales_clerk, "E05")
        asked = SealRequest(ids[key], why="签订合同")
        edge.submit(resources, c.sales_clerk, made.id, made.version, seal=asked)
        desk.sign(c.leader, made.id)
        ids[f"{key}_paper"] = made.id
    told = {"password": PASSWORD, "copies": 1, "is_compared": True}
    sealing.apply_seal(resources, c.archive_head, ids["used_paper"], **told)
    sealing.take_out(resources, c.archive_head, ids["out"], **OUT)
    return ids


def seal_fields(key):
    return SealFields(f"合同专用章 {key}", "合同专用章", 42.0, 42.0, "archive_head")


# ---------------------------------------------------------------- delegations


def set_delegation(r, c, ids):
    today = local_day(r.clock.now)
    told = (c.sales_head, c.other_head, today, today + timedelta(days=3), "E01", "出差")
    do(r, delegation.delegate_tasks, *told)


def end_delegation(r, c, ids):
    do(r, delegation.end_delegation, c.leader, ids["delegation"])


def sign_as_agent(r, c, ids):
    edge.sign(r, c.archive_head, ids["for_agent"], password=PASSWORD, drawn_png=None)


# ---------------------------------------------------------------- others brought in


def act(name, who, key, **asked):
    """Return the flow of one act on a paper, as page and call do it."""

    def flow(r, c, ids):
        edge.act(r, getattr(c, who), ids[key], name, Asked(**asked), password=PASSWORD)

    return flow


def sign_as_added(r, c, ids):
    edge.sign(r, c.other_head, ids["added"], password=PASSWORD, drawn_png=None)


def remove_signer(r, c, ids):
    edge.act(r, c.sales_head, ids["added"], "remove-signer", Asked(task_id=ids["added_task"]))


def reassign(r, c, ids):
    do(r, detours.reassign, c.admin, ids["task"], c.archive_head, "出差")


def sign_many(r, c, ids):
    papers = [ids["at_head"], ids["many"]]
    edge.sign_many(r, c.sales_head, papers, password=PASSWORD, opinion="同意")


def office_chores(r, c, ids):
    """Four days later: late papers reminded of, returned, agreed to; a leaver's task moved."""
    r.clock.now = type(r.clock)().now + timedelta(days=4)
    do(r, do_signing_chores)


def submit_again(r, c, ids):
    """The author corrects what was sent back, and submits it a second time."""
    with r.reading() as uow:
        record = records.load_record(uow, ids["sent_back"])
    if record.content["开拓经过"] != CHANGED["开拓经过"]:
        record = do(r, drafts.save_draft, c.sales_clerk, record.id, CHANGED, record.version)
    edge.submit(r, c.sales_clerk, record.id, record.version)


# ---------------------------------------------------------------- seals


def take_seal_out(r, c, ids):
    sealing.take_out(r, c.archive_head, ids["used"], **OUT)


def bring_seal_back(r, c, ids):
    sealing.bring_back(r, c.archive_head, ids["out"], "完好")


def enter_use(r, c, ids):
    do(r, register.enter_use, c.archive_head, ids["used"], ELSEWHERE)


def keep_stamped_scan(r, c, ids):
    sealing.add_stamped_scan(r, c.archive_head, ids["used_paper"], one_page_pdf("盖过章的"))


def change_keeper(r, c, ids):
    change_seal(r, c, ids, "waited_for", keeper="archivist")


def destroy_seal(r, c, ids):
    change_seal(r, c, ids, "used", state="destroyed")


def change_seal(r, c, ids, key, **changes):
    sealing.change_seal(r, c.admin, ids[key], 1, replace(seal_fields(key), **changes))


FLOWS: dict[str, Callable] = {
    "set a delegation": set_delegation,
    "end a delegation": end_delegation,
    "sign as an agent": sign_as_agent,
    "add signers": act(
        "add-signer", "sales_head", "at_head", people=("钱主任", "何守正"), way="before"
    ),
    "sign as added": sign_as_added,
    "remove a signer": remove_signer,
    "hand over": act("hand-over", "sales_head", "at_head", people=("钱主任",), words="出差"),
    "ask for advice": act("delegate", "sales_head", "at_head", people=("林美玲",)),
    "advise": act("advise", "sales_clerk2", "asked", words="价格已核。"),
    "reassign": reassign,
    "remind": act("remind", "sales_clerk", "at_head"),
    "sign several": sign_many,
    "office chores": office_chores,
    "send back to a step": act("return", "leader", "at_leader", words=WHY, to=2),
    "send back straight": act("return", "leader", "at_leader", words=WHY, to=2, straight_back=True),
    "submit again": submit_again,
    "take a seal out": take_seal_out,
    "bring a seal back": bring_seal_back,
    "enter a use": enter_use,
    "keep the stamped scan": keep_stamped_scan,
    "change the keeper": change_keeper,
    "destroy a seal": destroy_seal,
}


@pytest.mark.parametrize("name", FLOWS)
def test_a_kill_anywhere_in_signing_leaves_all_or_nothing(start, tmp_path, name):
    kill_everywhere(start, tmp_path, FLOWS[name])

"""Renewals, recalls, refusals, loan notes, places in line, papers on screen: killed everywhere too.

How a flow is killed and what is asked of what is left stands in ``killing``; asking, handing out
and taking back one paper are in ``test_killed_anywhere``, the rest of the desk in
``test_killed_at_the_desk``.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from archive.filing import service as filing
from archive.filing.models import ItemFile
from archive.filing.versions import service as versions
from archive.jobs import drain_all
from archive.lending import service as lending
from archive.lending.chores import do_loan_chores
from archive.lending.groups import acts, basket
from archive.lending.groups import service as notes
from archive.lending.groups.acts import Back, Out
from archive.lending.groups.service import Wish
from archive.lending.matrix import all_rules
from archive.lending.viewing import pages, sheets
from archive.lending.viewing import service as viewing
from archive.lending.viewing.sheets import CopyOrder
from archive.people.models import User
from archive.search.indexing import rebuild_index
from storage.files import keep_file
from tests.conftest import DATABASE, one_page_pdf
from tests.killing import World, do, kill_everywhere, opened
from tests.lending.conftest import PURPOSE, stocked

pytestmark = [pytest.mark.slow]

WHY = "月底盘点要用"
LENT_ON = date(2026, 11, 18)  # the Wednesday before; due on the 25th
CHANGED = {
    "own-open-original": {"days": 5, "renewals": 2, "renewal_days": 1, "limit": 40},
    "own-secret-original": {"renewals": 1, "renewal_days": 2, "limit": 40},
    "own-open-electronic": {"prints": 2, "download": True},
}
WISH = Wish("original", PURPOSE, "海信")
ORDER = CopyOrder(None, "1-2", 1, "青岛海信冰箱有限公司")


@pytest.fixture(scope="module")
def start(settled, tmp_path_factory):
    """Papers out since Wednesday and near due, asked for, in line, on notes, seen on screen."""
    database, c = settled
    folder = tmp_path_factory.mktemp("start")
    shutil.copyfile(database, folder / DATABASE)
    resources = opened(folder)
    monday = resources.clock.now
    resources.clock.advance(days=-5)
    shelf, ids = stocked(resources, c), {"at": monday}
    do(resources, lend_more, c)
    for key in ("renewed", "recalled", "raised", "back", "taken"):
        ids[key], ids[f"{key}_code"] = shelf.item()
        ids[f"{key}_request"] = shelf.lent(c.sales_clerk2, ids[key], ids[f"{key}_code"]).id
    for key in ("secret", "asked_again", "agreed"):
        ids[key] = secret_loan(shelf, c)
    resources.clock.now = monday
    for key in ("asked_again", "agreed"):
        asked = do(resources, lending.renew, cleared(c), ids[key])
    do(resources, lending.approve, c.sales_head, asked.id, "同意")  # one step is left
    ids |= asked_for(shelf, c, ids) | on_notes(shelf, c) | on_screen(shelf, c)
    rebuild_index(resources)  # the shelf's papers were never filed
    drain_all(resources)
    resources.database.dispose()
    return World(folder, c, ids)


def cleared(c):
    return replace(c.sales_clerk2, clearance=2)


def lend_more(uow, c):
    """Let more be lent, renewed and printed than the shipped rules do; 林美玲 may read 秘密."""
    for rule in all_rules(uow):
        if rule.code in CHANGED:
            changed = replace(rule, **CHANGED[rule.code], valid_from=LENT_ON)
            lending.save_rule(uow, c.archive_head, changed)
    uow.session.get(User, c.sales_clerk2.id).clearance = 2


def secret_loan(shelf, c):
    item_id, barcode = shelf.item(secrecy=2)
    request = shelf.approved(cleared(c), item_id)
    shelf.do(lending.hand_out, c.archive_head, barcode, request.id)
    return request.id


def asked_for(shelf, c, ids):
    """A request that waits, one held while another stands in line, one in line for what is out."""
    waiting = shelf.ask(c.sales_clerk, shelf.item()[0])
    item_id, _ = shelf.item()
    held = shelf.approved(c.sales_clerk2, item_id)
    line = (PURPOSE, "海信")
    for wanted in (item_id, ids["back"]):
        asked = shelf.do(
            lending.request_loan, c.sales_clerk, wanted, "original", *line, joins_queue=True
        )
        while step := asked.waits_for:
            asked = shelf.do(lending.approve, shelf.actor(step.approver_id), asked.id, "同意")
    return {"waiting": waiting.id, "held": held.id}


def on_notes(shelf, c):
    """Papers in the basket; a note that waits, one ready at the desk, one that is out."""
    ids = {"wanted": [shelf.item()[0] for _ in range(2)], "more": shelf.item()[0]}
    shelf.do(basket.put_in, c.sales_clerk, ids["wanted"])
    for key in ("sent", "ready", "out"):
        papers = [shelf.item() for _ in range(2)]
        group = shelf.do(send, c.sales_clerk, [item_id for item_id, _ in papers])
        ids[key], ids[f"{key}_codes"] = group.id, [code for _, code in papers]
        if key == "sent":
            ids["picks"] = [(one.id, one.version) for one in group.requests]
            continue
        while steps := [one.waits_for for one in group.requests if one.waits_for]:
            picks = [(one.id, one.version) for one in group.requests]
            person = shelf.actor(steps[0].approver_id)
            group = shelf.do(acts.decide_many, person, group.id, picks, "同意")
        if key == "out":
            shelf.do(acts.hand_out_many, c.archivist, group.id, outs(ids, key))
    return ids


def send(uow, actor, item_ids):
    return notes.ask_for_all(uow, actor, WISH, notes.lines_for(uow, actor, item_ids)).group


def outs(ids, key):
    return [Out(code, 3) for code in ids[f"{key}_codes"]]


def on_screen(shelf, c):
    """Papers with a file: one seen on screen, one asked for so, one with a print that waits."""
    ids = {}
    for key, mode in (("seen", "electronic"), ("printed", "electronic"),
                      ("copied", "copy"), ("to_copy", "copy")):  # fmt: skip
        item_id, ids[f"{key}_file"] = with_file(shelf)
        ids[key] = shelf.approved(c.sales_clerk, item_id, mode).id
    ids["to_see"] = shelf.ask(c.sales_clerk, with_file(shelf)[0], "electronic").id
    told = (c.sales_clerk, ids["printed"], ids["printed_file"], (1,))
    ids["print"] = shelf.do(sheets.ask_print, *told).id
    copy = shelf.do(sheets.copy_paper, c.archivist, ids["copied"], ORDER)
    return ids | {"copy": (copy.id, copy.version)}


def with_file(shelf):
    item_id, _ = shelf.item()
    ref = shelf.resources.blobs.put(one_page_pdf("报告表"), "application/pdf")

    def add(uow):
        keep_file(uow.session, ref, uow.now())
        told = {"role": "master", "name": "报告表.pdf", "sha256": ref.sha256}
        row = ItemFile(item_id=item_id, created_at=uow.now(), **told)
        uow.session.add(row)
        uow.session.flush()
        return row.id

    return item_id, shelf.do(add)


# ---------------------------------------------------------------- keeping it longer, giving it back


def renew(r, c, ids):
    do(r, lending.renew, c.sales_clerk2, ids["renewed_request"])


def ask_to_renew(r, c, ids):
    do(r, lending.renew, cleared(c), ids["secret"])


def agree_to_renew(r, c, ids):
    do(r, lending.approve, c.archive_head, ids["agreed"], "同意")


def refuse_to_renew(r, c, ids):
    do(r, lending.refuse, c.sales_head, ids["asked_again"], WHY)


def recall(r, c, ids):
    do(r, lending.recall, c.archivist, ids["recalled_request"], WHY)


def raise_secrecy(r, c, ids):
    """The paper becomes 秘密 in its description; the worker calls the loan back."""
    with r.reading() as uow:
        item = filing.load_item(uow, ids["raised"])
    if item.secrecy < 2:
        wanted = replace(versions.description_of(item), secrecy=2)
        do(r, versions.describe_item, c.archivist, item.id, wanted, WHY, version=item.version)
    drain_all(r)


# ---------------------------------------------------------------- asking, and the line


def approve(r, c, ids):
    do(r, lending.approve, c.sales_head, ids["waiting"], "同意")


def refuse(r, c, ids):
    do(r, lending.refuse, c.sales_head, ids["waiting"], WHY)


def withdraw(r, c, ids):
    """Who has a copy held gives it up; the next in line is told."""
    do(r, lending.withdraw, c.sales_clerk2, ids["held"])


def reserve(r, c, ids):
    told = (ids["taken"], "original", PURPOSE, "海信")
    do(r, lending.request_loan, c.sales_clerk, *told, joins_queue=True)


def bring_back_reserved(r, c, ids):
    do(r, lending.take_back, c.archivist, ids["back_code"], 3)


# ---------------------------------------------------------------- basket and loan notes


def put_in_basket(r, c, ids):
    do(r, basket.put_in, c.sales_clerk, [*ids["wanted"], ids["more"]])


def send_note(r, c, ids):
    do(r, send, c.sales_clerk, ids["wanted"])


def approve_note(r, c, ids):
    do(r, acts.decide_many, c.sales_head, ids["sent"], ids["picks"], "同意")


def refuse_note(r, c, ids):
    do(r, acts.decide_many, c.sales_head, ids["sent"], ids["picks"], WHY, refuses=True)


def withdraw_note(r, c, ids):
    do(r, notes.withdraw_all, c.sales_clerk, ids["sent"])


def hand_out_note(r, c, ids):
    do(r, acts.hand_out_many, c.archivist, ids["ready"], outs(ids, "ready"))


def take_back_note(r, c, ids):
    backs = [Back(code, 3) for code in ids["out_codes"]]
    do(r, acts.take_back_many, c.archivist, ids["out"], backs)


# ---------------------------------------------------------------- on screen, printed, copied


def open_view(r, c, ids):
    do(r, lending.approve, c.sales_head, ids["to_see"], "同意")


def look(r, c, ids):
    with r.reading() as uow:
        sight = viewing.look(uow, c.sales_clerk, ids["seen"], ids["seen_file"])
    do(r, viewing.note_page, c.sales_clerk, sight, 1, "127.0.0.1")


def ask_print(r, c, ids):
    do(r, sheets.ask_print, c.sales_clerk, ids["seen"], ids["seen_file"], (1,))


def make_print(r, c, ids):
    with r.reading() as uow:
        draft = sheets.start_print(uow, c.archivist, ids["print"])
    draw(r, c.archivist, draft)


def download(r, c, ids):
    told = (ids["seen"], ids["seen_file"], (1,))
    draw(r, c.sales_clerk, do(r, sheets.start_download, c.sales_clerk, *told))


def draw(r, actor, draft):
    content = r.blobs.read(draft.file.sha256)
    told = (draft.file.media_type, (1,), draft.mark, draft.info)
    do(r, sheets.made, actor, draft, pages.stamped_pdf(content, *told))


def finish_view(r, c, ids):
    do(r, viewing.finish, c.sales_clerk, ids["seen"])


def revoke_view(r, c, ids):
    do(r, viewing.revoke, c.archivist, ids["seen"], "合同有争议")


def register_copy(r, c, ids):
    do(r, sheets.copy_paper, c.archivist, ids["to_copy"], ORDER)


def end_copy(r, c, ids):
    number, version = ids["copy"]
    do(r, sheets.end_sheet, c.archivist, number, "shredded", version)


def remind_later(r, c, ids):
    """Three weeks later: loans overdue, requests unanswered, copies not fetched, views run out."""
    r.clock.now = ids["at"] + timedelta(days=21)
    do_loan_chores(r)


FLOWS: dict[str, Callable] = {
    "renew": renew,
    "ask to renew": ask_to_renew,
    "agree to renew": agree_to_renew,
    "refuse to renew": refuse_to_renew,
    "recall": recall,
    "raise the secrecy of what is out": raise_secrecy,
    "approve a request": approve,
    "refuse a request": refuse,
    "withdraw a request": withdraw,
    "reserve": reserve,
    "bring back what is reserved": bring_back_reserved,
    "put into the basket": put_in_basket,
    "send a note": send_note,
    "approve a note": approve_note,
    "refuse a note": refuse_note,
    "withdraw a note": withdraw_note,
    "hand a note out": hand_out_note,
    "take a note back": take_back_note,
    "open a view": open_view,
    "look at a page": look,
    "ask for a print": ask_print,
    "make the print": make_print,
    "download": download,
    "end one's view": finish_view,
    "take a view back": revoke_view,
    "register a photocopy": register_copy,
    "shred a photocopy": end_copy,
    "remind, void and close by the day": remind_later,
}
# What is refused stands in the log; a page seen twice and a second file are each their own.
AGAIN = {
    "renew": {"loan_refusal", "loan.renewal_refused"},
    "ask to renew": {"loan_refusal", "loan.renewal_refused"},
    "look at a page": {"loan_page_seen", "loan.view"},
    "download": {"loan_sheet", "loan.download", "loan.sheet_made"},
}


@pytest.mark.parametrize("name", FLOWS)
def test_a_kill_anywhere_in_borrowing_leaves_all_or_nothing(start, tmp_path, name):
    kill_everywhere(start, tmp_path, FLOWS[name], AGAIN.get(name, frozenset()))

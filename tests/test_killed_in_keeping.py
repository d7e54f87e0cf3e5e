"""What is kept, killed at every kind of point: corrections, controlled copies, appraisal, transfer.

How a flow is killed and what is asked of what is left stands in ``killing``; the destruction
itself is killed in ``test_destruction_killed``.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from archive.filing import service as filing
from archive.filing.controlled import edge as controlled
from archive.filing.controlled import service as copies
from archive.filing.controlled.recalls import do_recall_chores
from archive.filing.controlled.service import Declared
from archive.filing.dossier.work import start_dossier
from archive.filing.packages.making import start_package
from archive.filing.retention import appraisal, lists
from archive.filing.retention import edge as keeping
from archive.filing.retention.appraisal import Opinion
from archive.filing.retention.settings import save_settings
from archive.filing.versions import service as versions
from archive.jobs import drain_all
from archive.records import service as records
from archive.signing import edge
from tests.conftest import DATABASE, PASSWORD, one_page_pdf
from tests.killing import World, begin_once, do, kill_everywhere, opened
from tests.signed import signed_paper

pytestmark = [pytest.mark.slow]

WHY = "客户电话登记有误，按营业执照改正。"
KNOWN = {"password": PASSWORD, "address": "-"}
TODAY = date(2026, 11, 23)
SAID = Declared(0, "WI-PD-017", "装配作业指导书", "A/0", TODAY, True)
OLD = ("due", "voting", "decided", "listed", "condemned")


@pytest.fixture(scope="module")
def start(settled, tmp_path_factory):
    database, c = settled
    folder = tmp_path_factory.mktemp("start")
    shutil.copyfile(database, folder / DATABASE)
    resources, ids = opened(folder), {}
    for key in ("filed", "corrected", "again"):
        ids[f"{key}_paper"] = signed_paper(resources, c)
        ids[key] = do(resources, filing.file_record, c.archivist, ids[f"{key}_paper"]).id
    for key, signers in (("corrected", ()), ("again", (c.sales_clerk, c.sales_head))):
        ids[f"{key}_by"] = correct(resources, c, ids[f"{key}_paper"], signers)
    ids |= with_copies(resources, c, ids["filed"])
    ids |= at_the_end(resources, c)
    drain_all(resources)
    resources.database.dispose()
    return World(folder, c, ids)


def correct(resources, c, record_id, signers):
    """The paper that corrects another: a draft, or waiting for its last signature."""
    made = do(resources, versions.correct_record, c.sales_clerk, record_id, WHY)
    if signers:
        edge.submit(resources, c.sales_clerk, made.id, made.version)
    for person in signers:
        edge.sign(resources, person, made.id, password=PASSWORD, drawn_png=None)
    return made.id


def with_copies(resources, c, item_id):
    """A controlled document with two copies out, one received; a newer version is due in a day."""
    said = replace(SAID, valid_from=date(2026, 11, 2))
    document = controlled.declare(resources, c.archivist, item_id, said)
    ids = {"document": document.id, "version": document.versions[0].id}
    for key, person in (("copy", c.sales_clerk), ("held", c.sales_clerk2)):
        given = controlled.issue(resources, c.archivist, document.id, c.sales_id, person.id)
        ids[key] = given.id
    controlled.receive(resources, c.sales_clerk2, ids["held"], **KNOWN)
    return ids


def at_the_end(resources, c):
    """Old papers sealed and due: one before a committee, one decided, on lists to go."""
    rows = []
    for key in OLD:
        upload = filing.keep_upload(resources.blobs, one_page_pdf(key), f"{key}.pdf")
        fields = {"title": f"客户开发报告（{key}）", "form": "E01", "year": 1990, "id": key}
        fields |= {"department": "销售部", "date": "1990-05-01", "responsible": "陈晓东"}
        rows.append(replace(filing.read_row(fields), file=upload))
    made = do(resources, filing.import_batch, c.archivist, filing.Batch(tuple(rows), (), 0))
    items = dict(zip(OLD, made.imported, strict=True))
    volume = do(resources, filing.get_item, c.archivist, items["due"]).volume_id
    seal = do(resources, filing.prepare_seal, c.archivist, volume)
    do(resources, filing.confirm_seal, c.archive_head, volume, seal.digest)
    do(resources, save_settings, c.admin, c.leader.id, 3)
    ids = {"due": items["due"], "volume": volume}
    for key, opinion in (("voting", ""), ("decided", "transfer"), ("listed", "transfer"),
                         ("condemned", "destroy")):  # fmt: skip
        ids[key] = before_committee(resources, c, items[key], opinion)
    for key, kind in (("listed", "transfer"), ("condemned", "destroy")):
        row = do(resources, lists.make_list, c.archivist, ids[key], kind)
        ids[key] = (row.id, row.digest)
    return ids | {"voted_on": items["voting"]}


def before_committee(resources, c, item_id, opinion):
    """Put an item before the committee; all members sign, or with no opinion all but one."""
    members = (c.archive_head, c.leader, c.sales_head)
    told = ([item_id], [one.id for one in members], c.archive_head.id)
    made = do(resources, appraisal.open_appraisal, c.archive_head, *told)
    said = [Opinion(item_id, opinion or "transfer", "")]
    for person in members if opinion else members[:2]:
        do(resources, appraisal.give_opinions, person, made, said)
        keeping.sign_appraisal(resources, person, made, **KNOWN)
    return made


# ---------------------------------------------------------------- corrections


def begin_correction(r, c, ids):
    do(r, versions.correct_record, c.sales_clerk, ids["filed_paper"], WHY)


def give_it_up(r, c, ids):
    do(r, records.drop_correction, c.sales_clerk, ids["corrected_by"])


def sign_it(r, c, ids):
    edge.sign(r, c.leader, ids["again_by"], password=PASSWORD, drawn_png=None)


def describe(r, c, ids):
    with r.reading() as uow:
        item = filing.load_item(uow, ids["filed"])
    wanted = replace(versions.description_of(item), title="新开发客户报告表（改）", secrecy=2)
    do(r, versions.describe_item, c.archivist, ids["filed"], wanted, WHY, version=item.version)


# ---------------------------------------------------------------- controlled copies


def replace_version(r, c, ids):
    said = replace(SAID, document_id=ids["document"], label="B/0")
    controlled.declare(r, c.archivist, ids["corrected"], said)


def declare(r, c, ids):
    controlled.declare(r, c.archivist, ids["again"], replace(SAID, number="WI-PD-018"))


def issue(r, c, ids):
    controlled.issue(r, c.archivist, ids["document"], c.sales_id, c.sales_head.id, seen=2)


def receive(r, c, ids):
    controlled.receive(r, c.sales_clerk, ids["copy"], **KNOWN)


def receive_on_paper(r, c, ids):
    do(r, copies.note_paper_receipt, c.archivist, ids["copy"], "发收记录表第 1 行")


def bring_back(r, c, ids):
    do(r, copies.end_copy, c.archivist, ids["held"], "returned", "")


def put_out_of_use(r, c, ids):
    do(r, copies.withdraw, c.archivist, ids["document"], ids["version"], "工艺取消")


def refuse(r, c, ids):
    do(r, copies.refuse, c.archivist, ids["again"], "第 2 页看不清")


def replace_tomorrow(r, c, ids):
    """A version of tomorrow recalls the old copies when the worker's morning comes."""
    said = replace(SAID, document_id=ids["document"], label="B/0", valid_from=date(2026, 11, 24))
    with r.reading() as uow:
        is_said = len(copies.get_document(uow, c.archivist, ids["document"]).versions) > 1
    if not is_said:
        controlled.declare(r, c.archivist, ids["corrected"], said)
    r.clock.advance(days=1)
    do_recall_chores(r)


# ---------------------------------------------------------------- appraisal and transfer


def open_appraisal(r, c, ids):
    members = [c.archive_head.id, c.leader.id, c.sales_head.id]
    do(r, appraisal.open_appraisal, c.archive_head, [ids["due"]], members, c.archive_head.id)


def give_opinion(r, c, ids):
    said = [Opinion(ids["voted_on"], "transfer", "")]
    do(r, appraisal.give_opinions, c.sales_head, ids["voting"], said)


def sign_last(r, c, ids):
    give_opinion(r, c, ids)
    keeping.sign_appraisal(r, c.sales_head, ids["voting"], **KNOWN)


def make_list(r, c, ids):
    do(r, lists.make_list, c.archivist, ids["decided"], "transfer")


def transfer(r, c, ids):
    told = (*ids["listed"], "青岛市档案馆", "刘馆员")
    keeping.transfer(r, c.archivist, *told, **KNOWN)


def pack(r, c, ids):
    begin_once(r, c, start_package, "disposal", ids["listed"][0], "xml")


def bind(r, c, ids):
    begin_once(r, c, start_dossier, "volume", ids["volume"])


def withdraw_list(r, c, ids):
    do(r, lists.withdraw_list, c.archivist, ids["listed"][0], WHY)


def approve(r, c, ids):
    keeping.approve(r, c.leader, *ids["condemned"], **KNOWN)


FLOWS: dict[str, Callable] = {
    "begin a correction": begin_correction,
    "give a correction up": give_it_up,
    "sign a correction": sign_it,
    "edit the description": describe,
    "declare a document": declare,
    "replace a version": replace_version,
    "replace it tomorrow": replace_tomorrow,
    "issue a copy": issue,
    "receive a copy": receive,
    "receive it on paper": receive_on_paper,
    "bring a copy back": bring_back,
    "put a version out of use": put_out_of_use,
    "refuse a paper as controlled": refuse,
    "open an appraisal": open_appraisal,
    "give an opinion": give_opinion,
    "sign as the last": sign_last,
    "make a list": make_list,
    "sign the items over": transfer,
    "make the list's package": pack,
    "bind a dossier": bind,
    "withdraw a list": withdraw_list,
    "approve a destruction": approve,
}
# Each try to sign over checks every file anew, and its report is kept.
AGAIN = {"sign the items over": {"check_run", "check_finding", "fixity.transfer"}}


@pytest.mark.parametrize("name", FLOWS)
def test_a_kill_anywhere_in_keeping_leaves_all_or_nothing(start, tmp_path, name):
    kill_everywhere(start, tmp_path, FLOWS[name], AGAIN.get(name, frozenset()))

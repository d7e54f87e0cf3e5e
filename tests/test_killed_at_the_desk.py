"""The lending desk killed at every kind of point: what it kept offline, losses, outsiders.

The calendar and the year's end too, which move due days. How a flow is killed and what is asked of
what is left stands in ``killing``; asking, handing out and taking back are in
``test_killed_anywhere``.
"""

import shutil
from collections.abc import Callable
from datetime import timedelta

import pytest

from archive.core.calendar import load_book
from archive.jobs import drain_all
from archive.lending import service as lending
from archive.lending.chores import do_loan_chores
from archive.lending.incidents import service as incidents
from archive.lending.offline import edge as offline
from archive.lending.offline.rules import Act
from archive.lending.visits import service as visits
from archive.lending.workdays import service as workdays
from archive.lending.workdays.service import DaysChange, NoticeEntry
from archive.lending.year_end.service import save_year_end
from archive.search.indexing import rebuild_index
from tests.conftest import DATABASE, one_page_pdf
from tests.killing import World, do, kill_everywhere, opened
from tests.lending.conftest import stocked
from tests.lending.test_outsiders import TOLD
from tests.lending.test_workdays import BASIS, NOTICE

pytestmark = [pytest.mark.slow]

STORY = "出差途中遗失，已回原路寻找，没有找到。"
DECISION = "遗落的一页已补入，核对无误。"


@pytest.fixture(scope="module")
def start(settled, drawn_signature, tmp_path_factory):
    """A desk on Monday: papers asked for, out, back with a page missing, an outsider reading."""
    database, c = settled
    folder = tmp_path_factory.mktemp("start")
    shutil.copyfile(database, folder / DATABASE)
    resources = opened(folder)
    monday = resources.clock.now
    resources.clock.advance(hours=-3)
    shelf, ids = stocked(resources, c), {"at": monday, "drawn": drawn_signature}
    for key in ("ready", "first", "second"):
        copies = 2 if key == "second" else 1
        item_id, ids[key] = shelf.item(copies=copies)
        ids[f"{key}_request"] = shelf.approved(c.sales_clerk, item_id).id
    later = shelf.approved(c.sales_clerk2, item_id)
    ids["free"] = shelf.item()[1]
    for key in ("out", "other", "lost", "short"):
        item_id, ids[key] = shelf.item()
        who = c.sales_clerk if key in ("out", "other") else c.sales_clerk2  # five at most at once
        ids[f"{key}_request"] = shelf.lent(who, item_id, ids[key]).id
    do(resources, lending.take_back, c.archivist, ids["short"], 2)
    loss = do(resources, incidents.report_loss, c.sales_clerk2, ids["lost_request"], STORY)
    with resources.reading() as uow:
        (short,) = incidents.list_incidents(uow, c.archivist).items[1:]
        ids["calendar"] = load_book(uow).version
    ids |= {"loss": (loss.id, loss.version), "short_pages": (short.id, short.version)}
    noted = do(resources, visits.note_visit, c.archivist, TOLD, [shelf.item()[1]])
    ids["visit"] = noted.visit.id
    resources.clock.now = monday
    do(resources, lending.hand_out, c.archivist, ids["second"], later.id)
    rebuild_index(resources)  # the shelf's papers were never filed
    drain_all(resources)
    resources.database.dispose()
    return World(folder, c, ids)


# ---------------------------------------------------------------- the flows


def send(r, c, ids, *acts):
    """Send a desk's queue as its page does: whole, and again until it is answered."""
    at = ids["at"] - timedelta(hours=1)
    made = [
        Act(f"desk:{kind}{place}", kind, barcode, at + timedelta(minutes=place), request, **more)
        for place, (kind, barcode, request, more) in enumerate(acts)
    ]
    return [one.outcome for one in offline.replay(r, c.archivist, made)]


def send_queue(r, c, ids):
    drawn = {"pages": 3, "drawn_png": ids["drawn"]}
    outcomes = send(
        r, c, ids,
        ("out", ids["ready"], ids["ready_request"], drawn),
        ("back", ids["out"], None, {"pages": 3}),
        ("out", "A0000000000", ids["first_request"], {"pages": 3}),
        ("out", ids["first"], ids["first_request"], drawn),
        ("back", ids["first"], None, {"pages": 2, "condition": "少一页"}),
    )  # fmt: skip
    assert outcomes == ["done", "done", "conflict", "done", "done"]


def send_what_came_first(r, c, ids):
    outcomes = send(r, c, ids, ("out", ids["second"], ids["second_request"], {"pages": 3}))
    assert outcomes == ["done"]


def report_loss(r, c, ids):
    do(r, incidents.report_loss, c.sales_clerk, ids["out_request"], STORY)


def bring_back_damaged(r, c, ids):
    do(r, lending.take_back, c.archivist, ids["other"], 2, "破损；封面撕破")


def write_report(r, c, ids):
    number, version = ids["loss"]
    do(r, incidents.write_report, c.archivist, number, f"{STORY}已问过。", "陈晓东", version)


def close_as_lost(r, c, ids):
    number, version = ids["loss"]
    told = ("lost", "按制度赔偿，补做复制件。", version)
    do(r, incidents.close_incident, c.archive_head, number, *told)


def close_as_mended(r, c, ids):
    number, version = ids["short_pages"]
    do(r, incidents.close_incident, c.archive_head, number, "mended", DECISION, version)


def note_visit(r, c, ids):
    letter = r.blobs.put(one_page_pdf("介绍信"), "application/pdf")
    do(r, visits.note_visit, c.archivist, TOLD, [ids["free"]], letter)


def end_visit(r, c, ids):
    do(r, visits.end_visit, c.archivist, ids["visit"])


def close_days(r, c, ids):
    days = DaysChange("2026-12-03", "2026-12-08", "closed", "年度盘点")
    assert do(r, workdays.change_days, c.archive_head, days, ids["calendar"])


def enter_notice(r, c, ids):
    entry = NoticeEntry(2027, NOTICE, BASIS)
    do(r, workdays.save_notice, c.archive_head, entry, ids["calendar"])


def set_year_end(r, c, ids):
    assert do(r, save_year_end, c.archive_head, "12-04", "档案室第 8 号通知", "")


def do_chores_after(r, **time):
    r.clock.now = type(r.clock)().now + timedelta(**time)
    do_loan_chores(r)


def remind_and_report(r, c, ids):
    do_chores_after(r, days=40)


def forget(r, c, ids):
    do_chores_after(r, days=4 * 366)


FLOWS: dict[str, Callable] = {
    "send what was kept offline": send_queue,
    "send what came first": send_what_came_first,
    "report a loss": report_loss,
    "bring it back damaged": bring_back_damaged,
    "write what happened": write_report,
    "close as lost": close_as_lost,
    "close as mended": close_as_mended,
    "note an outsider": note_visit,
    "the outsider leaves": end_visit,
    "close days by hand": close_days,
    "enter the year's notice": enter_notice,
    "set the year's end": set_year_end,
    "remind, void, report what is overdue": remind_and_report,
    "forget outsiders": forget,
}


@pytest.mark.parametrize("name", FLOWS)
def test_a_kill_anywhere_at_the_desk_leaves_all_or_nothing(start, tmp_path, name):
    kill_everywhere(start, tmp_path, FLOWS[name])

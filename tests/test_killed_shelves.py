"""Papers on their way to the shelf and on it: the steps, places, plan, holds, scans, quarantine.

Each is killed at every kind of point; how, and what is asked of what is left, stands in
``killing``. Volumes are sealed in ``test_killed_anywhere``, counted in ``test_killed_further``.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select

from archive.core.errors import Conflict
from archive.filing import service as filing
from archive.filing.checks import edge as checks
from archive.filing.checks import quarantine, restoring
from archive.filing.checks.sample import do_sample
from archive.filing.classes import service as plans
from archive.filing.incoming import edge as intake
from archive.filing.incoming import service as batches
from archive.filing.incoming.cutting import start_split
from archive.filing.incoming.sheets import sheets_pdf
from archive.filing.models import CopyStatus
from archive.filing.places import service as places
from archive.filing.places.models import StoragePlace
from archive.filing.retention import holds
from archive.filing.rules import Belonging, Place
from archive.jobs import drain_all
from archive.trust.checking import verify_instance
from tests.conftest import DATABASE, one_page_pdf
from tests.filing.test_intake_batches import scan_with
from tests.killing import World, begin_once, copy_of, do, kill_everywhere, opened
from tests.signed import signed_paper

pytestmark = [pytest.mark.slow]

WHY = "整理库房，按新规定归类。"
SHELF = Place("库房一", "01", "01", "01")
BOX = replace(SHELF, box="5")
NEXT = Belonging("KH·02", "客户开发", 2025, "D10", "XSB", 1)
TORN, READ = "第一份原文".encode(), "第二份原文".encode()


@pytest.fixture(scope="module")
def start(settled, tmp_path_factory):
    database, c = settled
    folder = tmp_path_factory.mktemp("start")
    shutil.copyfile(database, folder / DATABASE)
    resources = opened(folder)
    do(resources, places.lay_out, c.archivist, "库房一 2列 × 1节 × 2层", 40)
    ids = on_the_way(resources, c) | on_the_shelf(resources, c) | come_in(resources, c)
    ids["record"] = signed_paper(resources, c)
    drain_all(resources)
    resources.database.dispose()
    return World(folder, c, ids)


def offer(r, c, title, content=b""):
    name = f"{title}.{'pdf' if content.startswith(b'%PDF') else 'txt'}"
    upload = filing.keep_upload(r.blobs, content, name) if content else None
    return do(r, filing.offer_paper, c.archivist, filing.read_row({"title": title}), upload).id


def on_the_way(r, c):
    """Papers from outside, each before another of the four steps."""
    steps = (filing.accept_offered, classify_as, filing.catalogue)
    ids = {}
    for done, key in enumerate(("offered", "appraised", "classified", "catalogued")):
        ids[key] = offer(r, c, f"来函（{key}）")
        for step in steps[:done]:
            do(r, step, c.archivist, ids[key])
    return ids


def classify_as(uow, actor, item_id):
    return filing.classify(uow, actor, item_id, replace(NEXT, year=2026))


def on_the_shelf(r, c):
    """Papers on a shelf, in a box, missing, under a hold, with a file; and the places."""
    ids = {}
    for key, place, content in (
        ("shelved", SHELF, b""),
        ("boxed", BOX, b""),
        ("missing", SHELF, b""),
        ("torn", SHELF, TORN),
        ("asked", SHELF, READ),
    ):
        item_id = offer(r, c, f"旧合同（{key}）", content)
        item = do(r, filing.file_in_one, c.archivist, item_id, place=place)
        ids[key], ids[f"{key}_code"] = item.id, item.copies[0].barcode
    missing = item_of(r, c, ids["missing"]).copies[0].id
    do(r, filing.set_copy_status, c.archivist, missing, CopyStatus.MISSING)
    told = ("item", str(item_of(r, c, ids["boxed"]).code), "海信诉讼，资料保全")
    ids["hold"] = do(r, holds.set_hold, c.archive_head, *told).id
    (closed,) = do(r, places.make_places, c.archivist, None, "room", ["旧库"])
    ids["closed"] = do(r, places.close_place, c.archivist, closed.id, closed.version)
    with r.reading() as uow:
        rows = uow.session.scalars(select(StoragePlace)).all()
        ids["plan"] = plans.latest_plan(uow).version
        ids["place"] = {row.path: (row.id, row.row_version, row.barcode) for row in rows}
    return ids


def item_of(r, c, item_id):
    with r.reading() as uow:
        return filing.get_item(uow, c.archivist, item_id)


def come_in(r, c):
    """A batch of uploads, one dismissed; another with a scan of two papers; half an upload."""
    made = do(r, batches.make_batch, c.archivist, "来件", {}).id
    sent = [intake.Upload(f"{n}.txt", f"第{n}份".encode()) for n in range(3)]
    files = [one.file_id for one in intake.receive(r, c.archivist, made, sent)]
    do(r, batches.dismiss_files, c.archivist, made, files[2:], "重复")
    scans = do(r, batches.make_batch, c.archivist, "扫描", {}).id
    scan = scan_with(sheets_pdf({"item_class": "合同"}, 1))
    (whole,) = intake.receive(r, c.archivist, scans, [intake.Upload("扫描.pdf", scan)])
    half = offer(r, c, "没传完的合同", one_page_pdf("")[:120])
    return {"half": half, "batch": made, "files": files, "scans": scans, "scan": whole.file_id}


def flip(r, c, item_id):
    digest = item_of(r, c, item_id).files[0].sha256
    path = r.blobs.folder / digest[:2] / digest[2:4] / digest
    path.write_bytes(b"\x00" + path.read_bytes()[1:])


@pytest.fixture(scope="module")
def damaged(start, tmp_path_factory):
    """The same day after a byte was flipped in two files; nobody has looked yet."""
    resources = copy_of(start, tmp_path_factory.mktemp("damaged") / "instance")
    for key in ("torn", "asked"):
        flip(resources, start.company, start.ids[key])
    wrong = frozenset(verify_instance(resources))
    resources.database.dispose()
    return World(resources.settings.data, start.company, start.ids, wrong)


@pytest.fixture(scope="module")
def aside(damaged, tmp_path_factory):
    """The morning after: both are in quarantine, and the head would take one as it is."""
    c, ids = damaged.company, damaged.ids
    resources = copy_of(damaged, tmp_path_factory.mktemp("aside") / "instance")
    do_sample(resources)
    do(resources, quarantine.ask_to_accept, c.archive_head, ids["asked"], "只差一个字")
    drain_all(resources)
    resources.database.dispose()
    return World(resources.settings.data, c, ids, damaged.wrong)


# ---------------------------------------------------------------- the four steps


def appraise(r, c, ids):
    do(r, filing.appraise, c.archivist, ids["record"])


def accept(r, c, ids):
    do(r, filing.accept_offered, c.archivist, ids["offered"])


def classify(r, c, ids):
    do(r, classify_as, c.archivist, ids["appraised"])


def catalogue(r, c, ids):
    do(r, filing.catalogue, c.archivist, ids["classified"])


def shelve(r, c, ids):
    new = Place("库房二", "01", "01", "01", "1")
    do(r, filing.shelve, c.archivist, ids["catalogued"], new, pages=3)


def put_elsewhere(r, c, ids):
    do(r, filing.move_item, c.archivist, ids["shelved"], NEXT, WHY)


# ---------------------------------------------------------------- places


def place(ids, path):
    return ids["place"][path][:2]


def lay_out(r, c, ids):
    do(r, places.lay_out, c.archivist, "库房一 2列 × 2节 × 2层", 40)


def make_box(r, c, ids):
    shelf = place(ids, "库房一-01-01-02")[0]
    do(r, places.make_places, c.archivist, shelf, "box", ["6", "7"], 20)


def rename_place(r, c, ids):
    number, version = place(ids, "库房一")
    do(r, places.change_place, c.archivist, number, "东库", None, version)


def close_place(r, c, ids):
    do(r, places.close_place, c.archivist, *place(ids, "库房一-02"))


def reopen_place(r, c, ids):
    do(r, places.reopen_place, c.archivist, ids["closed"].id, ids["closed"].version)


def move_here(r, c, ids):
    codes = [ids["shelved_code"], ids["place"]["库房一-01-01-01 盒5"][2]]
    do(r, places.move_here, c.archivist, "库房一-02-01-01", codes, WHY)


def find_missing(r, c, ids):
    do(r, places.mark_found, c.archivist, ids["missing_code"], "夹在隔壁盒里")


def change_plan(r, c, ids):
    with r.reading() as uow:
        plan = plans.latest_plan(uow)
    row = replace(plan.classes["客户开发"], basis="本公司规定")
    changed = replace(plan, classes={**plan.classes, row.name: row}, version=ids["plan"])
    do(r, plans.save_plan, c.archivist, changed, WHY)


# ---------------------------------------------------------------- holds and uploads


def set_hold(r, c, ids):
    told = ("class", "客户开发", "海信诉讼，资料保全")
    do(r, holds.set_hold, c.archive_head, *told)


def lift_hold(r, c, ids):
    do(r, holds.lift_hold, c.archive_head, ids["hold"], "诉讼已了结")


def begin_batch(r, c, ids):
    common = {"item_class": "合同", "carrier": "paper"}
    do(r, batches.make_batch, c.archivist, "三月合同", common, c.sales_id)


def describe_uploads(r, c, ids):
    own = {"title": "海信来函", "customer": "青岛海信电器股份有限公司"}
    changes = [batches.FileChange(one, 1, own) for one in ids["files"][:2]]
    do(r, batches.edit_files, c.archivist, ids["batch"], changes)


def dismiss_uploads(r, c, ids):
    do(r, batches.dismiss_files, c.archivist, ids["batch"], ids["files"][:2], "看不清")


def take_upload_back(r, c, ids):
    do(r, batches.take_back_files, c.archivist, ids["batch"], ids["files"][2:])


def give_batch_up(r, c, ids):
    do(r, batches.close_batch, c.archivist, ids["batch"], "客户要求退回")


def split(r, c, ids):
    begin_once(r, c, start_split, ids["scans"], ids["scan"])


# ---------------------------------------------------------------- quarantine


def refuse_half(r, c, ids):
    with pytest.raises(Conflict, match="不能鉴别"):
        checks.check_offered(r, c.archivist, ids["half"])


def restore(r, c, ids):
    done = restoring.restore_file(r, c.archivist, ids["torn"], TORN)
    assert restoring.is_free(done)


def ask_to_accept(r, c, ids):
    do(r, quarantine.ask_to_accept, c.archive_head, ids["torn"], "只差一个字")


def accept_as_it_is(r, c, ids):
    do(r, quarantine.confirm_accept, c.archivist, ids["asked"])


def sample(r, c, ids):
    do_sample(r)


FLOWS: dict[str, Callable] = {
    "appraise a record": appraise,
    "accept what was offered": accept,
    "classify": classify,
    "catalogue": catalogue,
    "shelve": shelve,
    "put into another class": put_elsewhere,
    "lay out a room": lay_out,
    "make boxes": make_box,
    "rename a room": rename_place,
    "close a place": close_place,
    "reopen a place": reopen_place,
    "move a paper and a box": move_here,
    "find what was missing": find_missing,
    "change the plan": change_plan,
    "set a hold": set_hold,
    "lift a hold": lift_hold,
    "begin a batch": begin_batch,
    "describe uploads": describe_uploads,
    "dismiss uploads": dismiss_uploads,
    "take an upload back": take_upload_back,
    "give a batch up": give_batch_up,
    "split a scan": split,
    "refuse half an upload": refuse_half,
}
ASIDE: dict[str, Callable] = {
    "bring the right bytes": restore,
    "ask to take it as it is": ask_to_accept,
    "take it as it is": accept_as_it_is,
}
# A paper that was looked into before the kill is looked into again, and that is kept as well.
AGAIN = {"refuse half an upload": {"check_run", "check_finding", "fixity.intake"}}


@pytest.mark.parametrize("name", FLOWS)
def test_a_kill_anywhere_among_the_shelves_leaves_all_or_nothing(start, tmp_path, name):
    kill_everywhere(start, tmp_path, FLOWS[name], AGAIN.get(name, frozenset()))


def test_a_kill_anywhere_in_the_night_leaves_all_or_nothing(damaged, tmp_path):
    kill_everywhere(damaged, tmp_path, sample)


@pytest.mark.parametrize("name", ASIDE)
def test_a_kill_anywhere_in_quarantine_leaves_all_or_nothing(aside, tmp_path, name):
    kill_everywhere(aside, tmp_path, ASIDE[name])

"""Every flow is killed with SIGKILL at every kind of point, and must come out whole.

How a flow is killed and what is asked of what is left stands in ``killing``; what is long work,
the other party, refusals and stocktakes are in ``test_killed_further``.
"""

import shutil
from collections.abc import Callable

import pytest

from archive.filing import service as filing
from archive.filing.handover import edge as handing
from archive.filing.handover import service as handover
from archive.filing.import_rows import batch_of
from archive.filing.incoming import edge as intake
from archive.filing.incoming import service as intake_batches
from archive.instance import MIGRATIONS
from archive.jobs import drain_all
from archive.lending import service as lending
from archive.records import drafts
from archive.records import service as records
from archive.signing import edge
from archive.signing.acts import Asked
from archive.trust.backup.making import backup_to_folder
from doc_templates import sample_values
from tests.conftest import DATABASE, PASSWORD
from tests.killing import World, do, kill_everywhere, opened

pytestmark = [pytest.mark.slow]

PURPOSE = "客户续签合同前核对资质"
DRAFT_KEY = "3f0c8f4e9b7d4c1ea2b65d8f7c1e0a94"


@pytest.fixture(scope="module")
def start(settled, tmp_path_factory):
    database, company = settled
    folder = tmp_path_factory.mktemp("start")
    shutil.copyfile(database, folder / DATABASE)
    resources, c = opened(folder), company
    ids = {}
    do(resources, lending.seed_rules)
    for key in ("draft", "waiting", "signed", "listed", "filed", "wanted", "lent"):
        made = do(resources, drafts.create_draft, c.sales_clerk, "E01", sample_values("E01"))
        ids[key] = made.id
        if key != "draft":
            edge.submit(resources, c.sales_clerk, made.id, made.version)
        for person in (
            (c.sales_clerk, c.sales_head, c.leader) if key not in ("draft", "waiting") else ()
        ):
            edge.sign(resources, person, made.id, password=PASSWORD, drawn_png=None)
    item = do(resources, filing.file_record, c.archivist, ids["filed"])
    ids |= {"item": item.id, "barcode": item.copies[0].barcode, "pages": item.copies[0].pages}
    for key in ("wanted", "lent"):
        ids |= on_loan(resources, c, key, ids[key])
    rows = [{"title": f"客户拜访记录{n}", "form": "E01", "pages": 1} for n in range(3)]
    do(resources, filing.import_batch, c.archivist, batch_of(rows))
    imported = do(resources, lambda uow: filing.get_item(uow, c.archivist, item.id + 3))
    ids["volume"] = imported.volume_id
    ids["seal"] = do(resources, filing.prepare_seal, c.archivist, imported.volume_id).digest
    papers = do(
        resources, handover.make_list, c.sales_clerk, c.sales_id, "2026-11", [ids["listed"]]
    )
    ids |= {"list": papers.id, "list_digest": papers.digest}
    ids["batch"] = do(resources, intake_batches.make_batch, c.archivist, "扫描", {}).id
    drain_all(resources)
    with resources.database.writer.connect() as rows:  # a backup says which release made it
        rows.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        newest = max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))
        rows.exec_driver_sql(f"INSERT INTO alembic_version VALUES ('{newest}')")
        rows.commit()
    resources.database.dispose()
    return World(folder, company, ids)


def on_loan(resources, c, key, record_id):
    """File a paper whose loan is approved; one that is lent has gone over the desk, too."""
    item = do(resources, filing.file_record, c.archivist, record_id)
    barcode, people = item.copies[0].barcode, {one.id: one for one in c.everyone().values()}
    asked = do(resources, lending.request_loan, c.sales_clerk, item.id, "original", PURPOSE, "海信")
    while step := asked.waits_for:
        asked = do(resources, lending.approve, people[step.approver_id], asked.id, "同意")
    if key == "lent":
        do(resources, lending.hand_out, c.archivist, barcode, asked.id)
    return {key: barcode, f"{key}_pages": item.copies[0].pages}


# ---------------------------------------------------------------- the flows


def create(r, c, ids):
    do(r, drafts.create_draft, c.sales_clerk, "E01", sample_values("E01"), DRAFT_KEY)


def edit(r, c, ids):
    changed = sample_values("E01") | {"开拓经过": "三次登门，终于谈成。"}
    do(r, drafts.save_draft, c.sales_clerk, ids["draft"], changed, 1)


def submit(r, c, ids):
    with r.reading() as uow:
        version = records.load_record(uow, ids["draft"]).version
    edge.submit(r, c.sales_clerk, ids["draft"], version)


def sign(r, c, ids):
    edge.sign(r, c.sales_clerk, ids["waiting"], password=PASSWORD, drawn_png=None)


def withdraw(r, c, ids):
    edge.act(r, c.sales_clerk, ids["waiting"], "withdraw", Asked())


def hand_out(r, c, ids):
    do(r, lending.hand_out, c.archivist, ids["wanted"])


def take_back(r, c, ids):
    do(r, lending.take_back, c.archivist, ids["lent"], ids["lent_pages"])


def file(r, c, ids):
    do(r, filing.file_record, c.archivist, ids["signed"])


def seal(r, c, ids):
    do(r, filing.confirm_seal, c.archive_head, ids["volume"], ids["seal"])


def hand_over(r, c, ids):
    handing.hand_over(
        r, c.sales_clerk, ids["list"], ids["list_digest"], password=PASSWORD, address="-"
    )


def ask(r, c, ids):
    do(r, lending.request_loan, c.sales_clerk, ids["item"], "original", PURPOSE, "海信")


def import_rows(r, c, ids):
    rows = [{"title": f"旧合同{n}", "id": f"old-{n}", "text": "龙井茶"} for n in range(3)]
    do(r, filing.import_batch, c.archivist, batch_of(rows))


def receive(r, c, ids):
    sent = [intake.Upload("一.txt", "第一份".encode()), intake.Upload("二.txt", "第二份".encode())]
    intake.receive(r, c.archivist, ids["batch"], sent)


def back_up(r, c, ids):
    target = r.settings.data.parent / f"{r.settings.data.name}-backup"
    backup_to_folder(r, target, None, lambda *_: None)


FLOWS: dict[str, Callable] = {
    "create a draft": create,
    "edit it": edit,
    "submit": submit,
    "sign": sign,
    "withdraw": withdraw,
    "file": file,
    "seal a volume": seal,
    "hand over": hand_over,
    "ask for a loan": ask,
    "hand out": hand_out,
    "take back": take_back,
    "import": import_rows,
    "receive scans": receive,
    "back up": back_up,
}


@pytest.mark.parametrize("name", FLOWS)
def test_a_kill_anywhere_leaves_all_or_nothing(start, tmp_path, name):
    kill_everywhere(start, tmp_path, FLOWS[name])

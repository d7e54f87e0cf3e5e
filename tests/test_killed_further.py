"""The other party, refusals, packages, stocktakes, seals: killed at every kind of point as well.

How a flow is killed and what is asked of what is left stands in ``killing``; the way of a paper
from draft to loan is in ``test_killed_anywhere``, destruction in ``test_destruction_killed``.
"""

import io
import shutil
from collections.abc import Callable
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw
from sqlalchemy import select

from archive.filing import service as filing
from archive.filing.handover import edge as handing
from archive.filing.handover import service as handover
from archive.filing.import_rows import batch_of
from archive.filing.models import Item, ItemCopy
from archive.filing.packages.making import start_package
from archive.filing.packages.receiving import start_receiving
from archive.filing.stocktake import edge as counting
from archive.filing.stocktake import service as stocktake
from archive.filing.stocktake.scans import Scan
from archive.filing.stocktake.service import Scope
from archive.jobs import drain_all
from archive.records import drafts
from archive.signing import edge
from archive.signing.acts import Asked
from archive.signing.outside import edge as outside
from archive.signing.seals import edge as sealing
from archive.signing.seals.rules import SealFields, SealRequest
from archive.tasks import service as tasks
from doc_templates import sample_values
from tests.conftest import DATABASE, PASSWORD, one_page_pdf
from tests.killing import World, begin_once, do, kill_everywhere, opened

pytestmark = [pytest.mark.slow]

WHY = "页码与目录不符，请补齐。"
STRANGER = {"name": "何守信", "phone": "13800138000", "address": "-", "browser": "-"}
KNOWN = {"password": PASSWORD, "address": "-"}


@pytest.fixture(scope="module")
def start(settled, drawn_signature, tmp_path_factory):
    database, company = settled
    resources = _fresh(database, tmp_path_factory.mktemp("start"))
    c, ids = company, {"drawn": drawn_signature}
    for key, signers in (
        ("half", (c.sales_clerk,)),
        ("signed", (c.sales_clerk, c.sales_head, c.leader)),
        ("handed", (c.sales_clerk, c.sales_head, c.leader)),
        ("filed", (c.sales_clerk, c.sales_head, c.leader)),
    ):
        ids[key] = signed_by(resources, c, "E01", signers)
    ids["item"] = do(resources, filing.file_record, c.archivist, ids["filed"]).id
    for key in ("invited", "uninvited"):
        ids[key] = signed_by(resources, c, "E05", (c.leader,), with_outside=True)
    invited = outside.invite(resources, c.sales_clerk, ids["invited"], 7, "微信")
    ids["token"] = invited.url.rpartition("/")[2]
    fields = SealFields("合同专用章", "合同专用章", 42.0, 42.0, "archive_head")
    seal_id = sealing.add_seal(resources, c.admin, fields, ring())
    seal = SealRequest(seal_id, why="签订合同")
    ids["to_seal"] = signed_by(resources, c, "E05", (c.leader,), seal=seal)
    row = filing.read_row({"title": "海信来函"})
    offered = [do(resources, filing.offer_paper, c.archivist, row, None).id]
    do(resources, filing.give_back, c.archivist, offered[0], WHY)
    offered.append(do(resources, filing.offer_paper, c.archivist, row, None).id)
    ids["refused"], ids["offered"] = offered
    papers = do(
        resources, handover.make_list, c.sales_clerk, c.sales_id, "2026-11", [ids["handed"]]
    )
    handed = handing.hand_over(resources, c.sales_clerk, papers.id, papers.digest, **KNOWN)
    ids |= {"list": handed.id, "list_digest": handed.digest}
    ids["pages"] = {line.record_id: line.pages for line in handed.lines}
    ids |= storeroom(resources, c)
    ids["package"] = package_from_elsewhere(database, c, tmp_path_factory.mktemp("elsewhere"))
    drain_all(resources)
    resources.database.dispose()
    return World(resources.settings.data, company, ids)


def _fresh(database, folder):
    shutil.copyfile(database, folder / DATABASE)
    return opened(folder)


def signed_by(resources, c, code, signers, **more):
    made = do(resources, drafts.create_draft, c.sales_clerk, code, sample_values(code))
    edge.submit(resources, c.sales_clerk, made.id, made.version, **more)
    for person in signers:
        edge.sign(resources, person, made.id, password=PASSWORD, drawn_png=None)
    return made.id


def ring():
    """The picture of a seal: a red ring."""
    picture, out = Image.new("RGB", (496, 496), "white"), io.BytesIO()
    ImageDraw.Draw(picture).ellipse((4, 4, 491, 491), outline=(200, 16, 16), width=14)
    picture.save(out, "PNG")
    return out.getvalue()


def storeroom(resources, c):
    """Three volumes of old papers: one not counted yet, one being counted, one all seen."""
    rows = [
        {"title": f"{year} 年客户拜访记录{n}", "form": "E01", "year": year, "pages": 1}
        for year in (2023, 2024, 2025)
        for n in range(2)
    ]
    do(resources, filing.import_batch, c.archivist, batch_of(rows))
    with resources.reading() as uow:
        query = select(Item.volume_id, ItemCopy.barcode).join(ItemCopy).order_by(ItemCopy.id)
        codes: dict[int, list[str]] = {}
        for volume_id, barcode in uow.session.execute(query.where(Item.volume_id.is_not(None))):
            codes.setdefault(volume_id, []).append(barcode)
    idle, busy, seen = list(codes)[-3:]
    begun = [
        do(resources, stocktake.open_take, c.archivist, Scope("volume", one))
        for one in (busy, seen)
    ]
    all_seen = [Scan(f"s{n}", code, "") for n, code in enumerate(codes[seen])]
    do(resources, stocktake.add_scans, c.archivist, begun[1].id, all_seen)
    with resources.reading() as uow:
        digest = stocktake.get_take(uow, c.archivist, begun[1].id).digest
    return {
        "idle": idle,
        "take": begun[0].id,
        "codes": codes[busy],
        "seen_take": begun[1].id,
        "seen_digest": digest,
    }


def package_from_elsewhere(database, company, folder):
    """The bytes of a package as another archive sends it: two papers with their files."""
    there, rows = _fresh(database, folder), []
    for title in ("变频压缩机维修函", "控制器报价函"):
        upload = filing.keep_upload(there.blobs, one_page_pdf(title), f"{title}.pdf")
        fields = {"title": title, "form": "E01", "year": 2024, "id": title}
        rows.append(replace(filing.read_row(fields), file=upload))
    batch = filing.Batch(tuple(rows), (), 0)
    made = do(there, filing.import_batch, company.archivist, batch).imported
    volume_id = do(there, filing.get_item, company.archivist, made[0]).volume_id
    begin_once(there, company, start_package, "volume", volume_id)
    with there.reading() as uow:
        (task,) = tasks.list_tasks(uow, company.archivist).items
        (made,) = tasks.get_task(uow, company.archivist, task.id).of_role(tasks.RESULT)
    content = there.blobs.read(made.sha256)
    there.database.dispose()
    return content


# ---------------------------------------------------------------- the flows


def invite(r, c, ids):
    outside.invite(r, c.sales_clerk, ids["uninvited"], 7, "微信")


def sign_outside(r, c, ids):
    outside.sign_outside(r, ids["token"], drawn_png=ids["drawn"], **STRANGER)


def decline(r, c, ids):
    outside.decline(r, ids["token"], "单价与约定不符")


def scan_paper(r, c, ids):
    outside.add_scan(r, c.sales_clerk, ids["invited"], one_page_pdf("对方签过的"))


def put_seal_on(r, c, ids):
    told = {"password": PASSWORD, "copies": 1, "is_compared": True}
    sealing.apply_seal(r, c.archive_head, ids["to_seal"], **told)


def give_back(r, c, ids):
    edge.act(r, c.sales_head, ids["half"], "return", Asked(WHY), password=PASSWORD)


def reject(r, c, ids):
    edge.act(r, c.sales_head, ids["half"], "reject", Asked(WHY), password=PASSWORD)


def take_back(r, c, ids):
    edge.act(r, c.sales_clerk, ids["half"], "take-back", Asked())


def refuse_record(r, c, ids):
    do(r, filing.send_back, c.archivist, ids["signed"], WHY)


def refuse_paper(r, c, ids):
    do(r, filing.give_back, c.archivist, ids["offered"], WHY)


def take_again(r, c, ids):
    do(r, filing.take_again, c.archivist, ids["refused"])


def receive_list(r, c, ids):
    handing.receive(r, c.archivist, ids["list"], ids["list_digest"], ids["pages"], **KNOWN)


def give_list_back(r, c, ids):
    do(r, handover.give_back, c.archivist, ids["list"], WHY)


def pack(r, c, ids):
    begin_once(r, c, start_package, "item", ids["item"])


def pack_as_xml(r, c, ids):
    begin_once(r, c, start_package, "item", ids["item"], "xml")


def receive_package(r, c, ids):
    ref = r.blobs.put(ids["package"], "application/zip")
    begin_once(r, c, start_receiving, "海信移交.zip", ref)


def open_take(r, c, ids):
    do(r, stocktake.open_take, c.archivist, Scope("volume", ids["idle"]))


def scan(r, c, ids):
    seen = [Scan("a", ids["codes"][0], ""), Scan("b", "捡到的", "")]
    do(r, stocktake.add_scans, c.archivist, ids["take"], seen)


def decide(r, c, ids):
    what = (ids["codes"][1], "missing", "missing")
    do(r, stocktake.decide, c.archivist, ids["take"], *what)


def close_take(r, c, ids):
    told = (ids["seen_take"], ids["seen_digest"], "")
    counting.close(r, c.archivist, *told, **KNOWN)


def discard_take(r, c, ids):
    do(r, stocktake.discard_take, c.archivist, ids["take"], WHY)


FLOWS: dict[str, Callable] = {
    "invite the other party": invite,
    "the other party signs": sign_outside,
    "the other party declines": decline,
    "the other party signed on paper": scan_paper,
    "put the seal on": put_seal_on,
    "return to the author": give_back,
    "reject": reject,
    "take one's signature back": take_back,
    "refuse a record": refuse_record,
    "refuse a paper": refuse_paper,
    "take it again": take_again,
    "receive a list": receive_list,
    "give a list back": give_list_back,
    "make a package": pack,
    "make an XML package": pack_as_xml,
    "receive a package": receive_package,
    "open a stocktake": open_take,
    "scan": scan,
    "decide a difference": decide,
    "close a stocktake": close_take,
    "discard a stocktake": discard_take,
}
# Whose link was never seen makes a new one, which ends the first: one more row, none more open.
# What was cut off while it took papers in has looked into them, and looks again.
AGAIN = {
    "invite the other party": {"signing_invitation", "signing_act", "record.invite"},
    "receive a package": {"check_run", "fixity.intake"},
}


@pytest.mark.parametrize("name", FLOWS)
def test_a_kill_anywhere_leaves_all_or_nothing_here_too(start, tmp_path, name):
    kill_everywhere(start, tmp_path, FLOWS[name], AGAIN.get(name, frozenset()))

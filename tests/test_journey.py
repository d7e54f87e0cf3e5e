"""The way of one document, told through the browser's own requests. Read this first.

A clerk fills 新开发客户报告表 for a new customer; three people sign; the archivist files it;
everyone allowed finds it; a colleague borrows the paper and brings it back; and in the end
every byte and every act can still be accounted for. All parts are real, LibreOffice included.
"""

import base64
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import text

from archive.jobs import drain_all
from archive.lending.service import seed_rules
from archive.trust.checking import verify_instance
from doc_templates import sample_values

PASSWORD = "档案台-测试-2026"
CUSTOMER = "青岛海信示范电器有限公司"
WORD_OF_THE_TEXT = "付款"
BELONGING = {
    "category": "KH",
    "item_class": "客户开发",
    "year": "2026",
    "retention": "D30",
    "unit": "XSB",
    "secrecy": "内部",
}
PLACE = {"room": "库房一", "row": "01", "bay": "02", "shelf": "03", "box": "1", "pages": "1"}

pytestmark = [
    pytest.mark.office,
    pytest.mark.skipif(not shutil.which("soffice"), reason="没有安装 LibreOffice，跳过整条路"),
]


@pytest.fixture
def converter(office_converter):
    """The real LibreOffice instead of the quick stand-in."""
    return office_converter


@pytest.fixture
def rules(resources):
    with resources.work() as uow:
        seed_rules(uow)
        uow.commit()


def record_id_of(answer) -> int:
    return int(re.search(r"/(?:records|signing)/(\d+)", answer.headers["Location"])[1])


def with_version(client, url, entries):
    """Return the entries with the version that the page at ``url`` was made from."""
    page = client.get(url).get_data(as_text=True)
    return entries | {"version": re.search(r'name="version" value="(\d+)"', page)[1]}


def hits(client, words):
    page = client.get("/search", query_string={"q": words}).get_data(as_text=True)
    return CUSTOMER in page.replace("<mark>", "").replace("</mark>", "")


class Story:
    """The people of the story at their browsers, and what it is about so far."""

    def __init__(self, company, client_for, drawn_signature):
        self.clerk, self.head = client_for(company.sales_clerk), client_for(company.sales_head)
        self.leader, self.archivist = client_for(company.leader), client_for(company.archivist)
        self.colleague = client_for(company.sales_clerk2)
        self.stranger = client_for(company.other_clerk)
        drawn = "data:image/png;base64," + base64.b64encode(drawn_signature).decode()
        self.signature = {"password": PASSWORD, "signature_png": drawn, "opinion": "同意。"}
        self.record_id = self.item_id = self.version = 0
        self.page = ""


def test_the_way_of_a_document(
    resources, company, client_for, rules, drawn_signature, tmp_path, clock
):
    story = Story(company, client_for, drawn_signature)
    fill_in(story)
    see_as_printed(story)
    sign_in_order(story)
    check_with_pdfsig(story.clerk.get(f"/records/{story.record_id}/document.pdf").data, tmp_path)
    file_in_four_steps(story)
    drain_all(resources)
    find_it(story)
    refuse_to_lend(story)
    lend_and_take_back(story, clock)
    drain_all(resources)
    account_for_everything(resources)


def fill_in(story):
    """A wrong entry is shown at its place, nothing typed is lost, a reload brings it back."""
    new = {"form": "E01", "draft_key": "k" * 16}
    story.record_id = record_id_of(story.clerk.post("/records/new", data=new))
    assert story.record_id == record_id_of(story.clerk.post("/records/new", data=new)), "two clicks"
    url = f"/records/{story.record_id}"
    draft = story.clerk.get(f"{url}/entries.json").json
    values = sample_values("E01") | {"客户名称": CUSTOMER, "日期": "去年春天"}
    save = {"version": draft["version"], "values": values}
    saved = story.clerk.post(f"{url}/autosave", json=save).json
    assert "日期" in saved["errors"]
    assert "去年春天" in story.clerk.get(f"{url}/edit").get_data(as_text=True)
    values["日期"] = "2026-11-20"
    assert story.clerk.post(f"{url}/autosave", json=save | {"values": values}).status_code == 409
    save["version"] = saved["version"]
    saved = story.clerk.post(f"{url}/autosave", json=save).json
    assert not saved["errors"]
    story.version = saved["version"]


def see_as_printed(story):
    """The preview is a picture of the PDF; Word and PDF can be had before anything is signed."""
    url = f"/records/{story.record_id}"
    assert story.clerk.get(f"{url}/preview.png").mimetype == "image/png"
    assert story.clerk.get(f"{url}/document.docx").data[:2] == b"PK"
    assert story.clerk.get(f"{url}/document.pdf").data[:5] == b"%PDF-"


def sign_in_order(story):
    """Three people sign, each as themselves with their password again; nobody out of turn."""
    url = f"/signing/{story.record_id}"
    submitted = story.clerk.post(f"{url}/submit", data={"version": story.version})
    assert submitted.status_code == 302
    assert story.head.post(f"{url}/sign", data=story.signature).status_code == 409
    assert story.colleague.get(url).status_code == 404
    for client in (story.clerk, story.head, story.leader):
        wrong = client.post(f"{url}/sign", data=story.signature | {"password": "错的密码"})
        assert wrong.status_code == 422
        done = client.post(f"{url}/sign", data=story.signature)
        assert done.status_code == 302, done.get_data(as_text=True)


def file_in_four_steps(story):
    """鉴别, 归属, 登记目录, 上架; filing the report enters the new customer in the register."""
    taken = f"/filing/record/{story.record_id}/appraise"
    assert story.colleague.post(taken).status_code in (403, 404)
    answer = story.archivist.post(taken)
    story.item_id = int(re.search(r"/filing/item/(\d+)", answer.headers["Location"])[1])
    url = f"/filing/item/{story.item_id}"
    early = story.archivist.post(f"{url}/shelve", data=with_version(story.archivist, url, PLACE))
    assert early.status_code == 409, "one step after the other"
    for step, entries in (("classify", BELONGING), ("catalogue", {}), ("shelve", PLACE)):
        done = story.archivist.post(
            f"{url}/{step}", data=with_version(story.archivist, url, entries)
        )
        assert done.status_code == 302, (step, done.get_data(as_text=True))
    story.page = story.archivist.get(f"/items/{story.item_id}").get_data(as_text=True)
    for step in ("鉴别", "归属", "登记目录", "上架", "Z109-KH"):
        assert step in story.page
    customers = story.clerk.get("/customers", query_string={"q": CUSTOMER})
    assert CUSTOMER in customers.get_data(as_text=True)


def find_it(story):
    """By part of the name, by initials, by a word of the text, by number; others find no trace."""
    number = re.search(r"E01-2026-\d{4}", story.page)[0]
    for words in ("海信示范", "hxsf", WORD_OF_THE_TEXT, number):
        assert hits(story.colleague, words), words
        assert not hits(story.stranger, words), words
    assert story.stranger.get(f"/items/{story.item_id}").status_code == 404


def refuse_to_lend(story):
    """Without a reason and without a link the rules refuse, with every reason and no title."""
    ask = {"item": story.item_id, "mode": "original", "act": "send"}
    refused = story.stranger.post(
        "/loans/new", data=ask | {"purpose": "", "business_reference": ""}
    )
    told = refused.get_data(as_text=True)
    assert refused.status_code in (200, 403, 409, 422)
    assert "用途" in told and "部门" in told
    assert CUSTOMER not in told


def lend_and_take_back(story, clock):
    """Asked with a reason, approved in order, handed out and taken back by its barcode."""
    barcode = re.search(r"A\d{10}", story.page)[0]
    desk = story.archivist
    ask = {"item": story.item_id, "mode": "original", "act": "send"}
    reason = {"purpose": "核对首批货款与付款条件", "business_reference": CUSTOMER}
    asked = story.colleague.post("/loans/new", data=ask | reason)
    assert asked.status_code == 302, asked.get_data(as_text=True)
    request_id = int(re.search(r"/loans/(\d+)", asked.headers["Location"])[1])
    out = {"barcode": barcode, "request_id": request_id}
    early = desk.post("/loans/desk/hand-out", data=out)
    assert early.status_code in (403, 409, 422), "nothing is handed out unapproved"
    for client in (story.head, story.archivist):
        client.post(f"/loans/{request_id}/decide", data={"act": "approve", "opinion": "同意"})
    done = desk.post("/loans/desk/hand-out", data=out)
    assert done.status_code in (200, 302), done.get_data(as_text=True)
    mine = story.colleague.get("/loans").get_data(as_text=True)
    assert "2026-12-07" in mine, "ten working days after Monday 23 November"
    assert desk.post("/loans/desk/hand-out", data=out).status_code in (403, 409, 422)
    clock.advance(hours=3)
    back = {"barcode": barcode, "pages": "1", "condition": "完好"}
    assert desk.post("/loans/desk/return", data=back).headers["Location"].endswith("/loans/desk")
    again = desk.post("/loans/desk/return", data=back)
    assert again.status_code in (403, 409, 422), "it comes back once"
    for view, name in (("lent", "林美玲"), ("refused", "赵客服")):
        page = desk.get("/loans/register", query_string={"view": view})
        assert name in page.get_data(as_text=True), view


def account_for_everything(resources):
    """``verify`` finds nothing; a byte or a row altered by hand is named."""
    assert list(verify_instance(resources)) == []
    with resources.database.writer.begin() as connection:
        connection.execute(text("UPDATE journal_entry SET actor_id = 99 WHERE seq = 7"))
    blob = next(iter(resources.blobs.digests()))
    path = next(resources.settings.blobs.glob(f"*/*/{blob}"))
    path.write_bytes(path.read_bytes()[:-1] + b"\xfe")
    found = {(one.kind, one.subject) for one in verify_instance(resources)}
    assert ("journal", "7") in found
    assert ("damaged", blob) in found


def check_with_pdfsig(pdf: bytes, folder: Path) -> None:
    """Poppler agrees: each signer's signature, and the company's before and after them."""
    path = folder / "signed.pdf"
    path.write_bytes(pdf)
    assert pdfsig(path).count("Signature is Valid") == 5
    broken = bytearray(pdf)
    broken[len(pdf) // 4] ^= 1
    path.write_bytes(bytes(broken))
    assert pdfsig(path).count("Signature is Valid") < 5


def pdfsig(path: Path) -> str:
    return subprocess.run(
        ["pdfsig", "-nocert", str(path)], capture_output=True, text=True, check=False
    ).stdout

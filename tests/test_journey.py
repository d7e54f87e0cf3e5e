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
from archive.trust.service import verify_instance
from doc_templates import sample_values

PASSWORD = "档案台-测试-2026"
CUSTOMER = "青岛海信示范电器有限公司"

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


def hits(client, words):
    page = client.get("/search", query_string={"q": words}).get_data(as_text=True)
    return CUSTOMER in page.replace("<mark>", "").replace("</mark>", "")


def test_the_way_of_a_document(
    resources, company, client_for, rules, drawn_signature, tmp_path, clock
):
    clerk, head = client_for(company.sales_clerk), client_for(company.sales_head)
    leader, archivist = client_for(company.leader), client_for(company.archivist)
    colleague, stranger = client_for(company.sales_clerk2), client_for(company.other_clerk)

    # 1. Fill in: a wrong entry is shown at its place, nothing typed is lost, a reload brings it back.
    record_id = record_id_of(
        clerk.post("/records/new", data={"form": "E01", "draft_key": "k" * 16})
    )
    assert record_id == record_id_of(
        clerk.post("/records/new", data={"form": "E01", "draft_key": "k" * 16})
    ), "a double click makes one draft"
    draft = clerk.get(f"/records/{record_id}/entries.json").json
    values = sample_values("E01") | {"客户名称": CUSTOMER, "日期": "去年春天"}
    saved = clerk.post(
        f"/records/{record_id}/autosave", json={"version": draft["version"], "values": values}
    ).json
    assert "日期" in saved["errors"]
    assert "去年春天" in clerk.get(f"/records/{record_id}/edit").get_data(as_text=True)
    values["日期"] = "2026-11-20"
    stale = {"version": draft["version"], "values": values}
    assert clerk.post(f"/records/{record_id}/autosave", json=stale).status_code == 409
    fresh = {"version": saved["version"], "values": values}
    saved = clerk.post(f"/records/{record_id}/autosave", json=fresh).json
    assert not saved["errors"]

    # 2. See it as it will print; Word and PDF.
    assert clerk.get(f"/records/{record_id}/preview.png").mimetype == "image/png"
    assert clerk.get(f"/records/{record_id}/document.docx").data[:2] == b"PK"
    assert clerk.get(f"/records/{record_id}/document.pdf").data[:5] == b"%PDF-"

    # 3. Submit; the three sign in order, each as themselves; nobody out of turn.
    answer = clerk.post(f"/signing/{record_id}/submit", data={"version": saved["version"]})
    assert answer.status_code == 302
    drawn = "data:image/png;base64," + base64.b64encode(drawn_signature).decode()
    signature = {"password": PASSWORD, "signature_png": drawn, "opinion": "同意。"}
    assert head.post(f"/signing/{record_id}/sign", data=signature).status_code == 409
    assert colleague.get(f"/signing/{record_id}").status_code == 404
    for client in (clerk, head, leader):
        wrong = client.post(f"/signing/{record_id}/sign", data=signature | {"password": "错的密码"})
        assert wrong.status_code == 422
        done = client.post(f"/signing/{record_id}/sign", data=signature)
        assert done.status_code == 302, done.get_data(as_text=True)
    signed = clerk.get(f"/records/{record_id}/document.pdf").data
    check_with_pdfsig(signed, tmp_path)

    # 4. The archivist files it in four steps; the customer is in the register now.
    assert colleague.post(f"/filing/record/{record_id}/appraise").status_code in (403, 404)
    answer = archivist.post(f"/filing/record/{record_id}/appraise")
    item_id = int(re.search(r"/filing/item/(\d+)", answer.headers["Location"])[1])
    assert archivist.post(f"/filing/item/{item_id}/rest").status_code == 302
    page = archivist.get(f"/items/{item_id}").get_data(as_text=True)
    for step in ("鉴别", "归属", "登记目录", "上架"):
        assert step in page
    barcode = re.search(r"A\d{10}", page)[0]
    assert CUSTOMER in clerk.get("/customers", query_string={"q": CUSTOMER}).get_data(as_text=True)

    # 5. Whoever may see it finds it by name, initials, a word of the text, number; others no trace.
    drain_all(resources)
    number = re.search(r"E01-2026-\d{4}", page)[0]
    for words in (
        "海信示范",
        "hxsf",
        "变频压缩机" if "变频压缩机" in str(values) else "首回",
        number,
    ):
        if words != "首回":
            assert hits(colleague, words), words
        assert not hits(stranger, words), words
    assert stranger.get(f"/items/{item_id}").status_code == 404

    # 6. Borrowing: refused with every reason and logged; then asked properly, lent, brought back.
    ask = {"item": item_id, "mode": "original", "act": "send"}
    refused = stranger.post("/loans/new", data=ask | {"purpose": "", "business_reference": ""})
    assert refused.status_code in (200, 403, 409, 422)
    assert CUSTOMER not in refused.get_data(as_text=True)
    reason = {"purpose": "核对首批货款与付款条件", "business_reference": CUSTOMER}
    asked = colleague.post("/loans/new", data=ask | reason)
    assert asked.status_code == 302, asked.get_data(as_text=True)
    request_id = int(re.search(r"/loans/(\d+)", asked.headers["Location"])[1])
    early = archivist.post("/loans/desk/hand-out", data={"barcode": barcode})
    assert early.status_code in (403, 409, 422), "nothing is handed out unapproved"
    for client in (head, archivist):
        client.post(f"/loans/{request_id}/decide", data={"act": "approve", "opinion": "同意"})
    out = archivist.post(
        "/loans/desk/hand-out", data={"barcode": barcode, "request_id": request_id}
    )
    assert out.status_code in (200, 302), out.get_data(as_text=True)
    mine = colleague.get("/loans").get_data(as_text=True)
    assert "2026-12-07" in mine, "ten working days after Monday 23 November"
    assert archivist.post("/loans/desk/hand-out", data={"barcode": barcode}).status_code != 302
    clock.advance(days=2)
    pages = re.search(r"页数</dt>\s*<dd>(\d+)", page)[1]
    archivist.post(
        "/loans/desk/return", data={"barcode": barcode, "pages": pages, "condition": "完好"}
    )
    register = archivist.get("/loans/register", query_string={"view": "register"})
    assert "林美玲" in register.get_data(as_text=True)
    refusals = archivist.get("/loans/register", query_string={"view": "refusals"})
    assert "赵客服" in refusals.get_data(as_text=True)

    # 7. Every byte and every act is accounted for; what is altered by hand is named.
    drain_all(resources)
    assert list(verify_instance(resources)) == []
    with resources.database.writer.begin() as connection:
        connection.execute(text("UPDATE journal_entry SET actor_id = 1 WHERE seq = 7"))
    blob = next(iter(resources.blobs.digests()))
    path = next(resources.settings.blobs.glob(f"*/*/{blob}"))
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    found = {(one.kind, one.subject) for one in verify_instance(resources)}
    assert ("journal", "7") in found
    assert ("damaged", blob) in found


def check_with_pdfsig(pdf: bytes, folder: Path) -> None:
    """Poppler agrees: a signature of the company and one of each signer; not after a flipped byte."""
    path = folder / "signed.pdf"
    path.write_bytes(pdf)
    assert pdfsig(path).count("Signature is Valid") == 4
    broken = bytearray(pdf)
    broken[len(pdf) // 4] ^= 1
    path.write_bytes(bytes(broken))
    assert pdfsig(path).count("Signature is Valid") < 4


def pdfsig(path: Path) -> str:
    return subprocess.run(
        ["pdfsig", "-nocert", str(path)], capture_output=True, text=True, check=False
    ).stdout

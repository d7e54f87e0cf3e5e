"""The other party signs by a link: one paper, one code, one use; or on paper, with a scan."""

import io
import re
import socket
import subprocess
import zlib
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from PIL import Image

from archive.core.errors import Conflict, Forbidden, Invalid, NotFound, TooLarge, Unavailable
from archive.documents import service as documents
from archive.filing import service as filing
from archive.signing import detours
from archive.signing import service as signing
from archive.signing.codes import code_for
from archive.signing.outside import edge, service
from archive.signing.outside.rules import MOST_WRONG
from archive.signing.verdicts import judge_file
from tests.conftest import one_page_pdf, zip_names

pytestmark = pytest.mark.slow

STRANGER = {"name": "何守信", "phone": "13800138000"}


@pytest.fixture
def contract(desk, company):
    """A contract that our side has signed; it waits for the other party."""
    record_id = desk.submit_contract(company.sales_clerk)
    desk.sign(company.leader, record_id)
    return record_id


@pytest.fixture
def invited(resources, company, contract):
    return edge.invite(resources, company.sales_clerk, contract, 7, "微信")


def token_of(invited):
    return invited.url.rpartition("/")[2]


def sign(resources, invited, drawn, **changes):
    told = {**STRANGER, "address": "203.0.113.9", "browser": "Mozilla/5.0 <x>"} | changes
    edge.sign_outside(resources, token_of(invited), drawn_png=drawn, **told)


def png(size=(30, 20)):
    out = io.BytesIO()
    Image.new("RGB", size, "white").save(out, "PNG")
    return out.getvalue()


def test_the_other_party_signs_and_the_paper_is_whole(
    resources, company, desk, contract, invited, drawn_signature
):
    assert desk.state(contract) == "in_signing"
    assert desk.run(contract).waits_for == "乙方负责人（对方）"
    edge.try_code(resources, token_of(invited), invited.code)
    sign(resources, invited, drawn_signature)
    assert desk.state(contract) == "signed"
    found = desk.verdict(contract)
    assert found.trusted, found.why
    assert [one.signer_name for one in found.signatures if not one.is_company] == [
        company.leader.name,
        "何守信",
    ]
    assert len([name for name in zip_names(desk.file(contract, "docx")) if "media/" in name]) >= 2
    with resources.reading() as uow:
        sheet = documents.latest_document(uow, contract, "evidence")
        told = service.list_invitations(uow, company.sales_clerk, contract)[0]
    assert (told.state, told.name, told.phone) == ("signed", "何守信", "13800138000")
    assert resources.blobs.read(sheet.sha256).startswith(b"%PDF")


def test_the_other_party_is_not_reminded_by_us(company, desk, contract, client_for):
    page = client_for(company.sales_clerk).get(f"/signing/{contract}").get_data(as_text=True)
    assert "等对方签" in page and "催办" not in page
    with pytest.raises(Conflict, match="对方"):
        desk.do(detours.remind, company.sales_clerk, contract)


def test_the_printed_code_and_the_word_file_name_the_other_party_too(
    resources, company, desk, contract, invited, drawn_signature, client_for
):
    sign(resources, invited, drawn_signature)
    with resources.work() as uow:
        code = code_for(uow, contract, 1)
    page = client_for(None).get(f"/verify/{code}").get_data(as_text=True)
    assert "何守信" in page and "乙方负责人" in page and company.leader.name in page
    assert "13800138000" not in page, "what the evidence sheet says is not for anybody"
    names = [one.name for one in judge_file(resources, desk.file(contract, "docx")).signatures]
    assert names[1:] == [company.leader.name, "何守信"]


def test_a_scan_handed_in_does_not_become_ours(resources, company, desk, contract):
    scan = one_page_pdf("外面来的一张纸")
    edge.add_scan(resources, company.sales_clerk, contract, scan)
    told = judge_file(resources, scan)
    assert told.known and not told.ours and not told.trusted
    assert "扫描件" in told.why and "逐字节相同" in told.why
    assert judge_file(resources, desk.file(contract)).trusted


def test_what_is_filed_holds_the_evidence_too(
    resources, company, desk, contract, invited, drawn_signature
):
    sign(resources, invited, drawn_signature)
    with resources.work() as uow:
        item = filing.file_record(uow, company.archivist, contract)
        uow.commit()
    assert [one.role for one in item.files] == ["master", "word", "evidence"]
    assert item.files[2].role_label == "存证单"


def test_without_the_choice_the_other_party_signs_on_paper_as_before(desk, company):
    record_id = desk.submit(company.sales_clerk, code="E05")
    desk.sign(company.leader, record_id)
    assert desk.state(record_id) == "signed"


def test_nobody_is_invited_before_our_side_has_signed(resources, company, desk):
    record_id = desk.submit_contract(company.sales_clerk)
    with pytest.raises(Conflict, match="先要我方签完"):
        edge.invite(resources, company.sales_clerk, record_id, 7)
    plain = desk.submit(company.sales_clerk, code="E01")
    with pytest.raises(Conflict):
        edge.invite(resources, company.sales_clerk, plain, 7)


def test_only_the_submitter_invites(resources, company, contract):
    with pytest.raises((Forbidden, NotFound)):
        edge.invite(resources, company.other_clerk, contract, 7)
    with pytest.raises(Forbidden):
        edge.invite(resources, company.leader, contract, 7)


@pytest.mark.parametrize("days", [0, -1, 31, 10**9])
def test_a_term_out_of_range_is_refused(resources, company, contract, days):
    with pytest.raises(Invalid):
        edge.invite(resources, company.sales_clerk, contract, days)


@pytest.fixture
def letters(resources):
    """What a mail server on this machine has taken, once the settings name it."""
    taken = []

    class Sink:
        async def handle_RCPT(self, server, session, envelope, address, options):
            envelope.rcpt_tos.append(address)
            return "550 no such user" if address.startswith("nobody@") else "250 OK"

        async def handle_DATA(self, server, session, envelope):
            taken.append(message_from_bytes(envelope.content, policy=policy.default))
            return "250 OK"

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(Sink(), hostname="127.0.0.1", port=port)
    controller.start()
    at = {"smtp_url": f"smtp://127.0.0.1:{port}", "mail_from": "dangan@example.com"}
    resources.settings = replace(resources.settings, **at)
    yield taken
    controller.stop()


def test_the_code_is_mailed_and_the_link_goes_another_way(
    resources, company, contract, letters, client_for
):
    told = {"days": "7", "contact": "微信", "code_mail": "he@example.com"}
    page = client_for(company.sales_clerk).post(f"/signing/{contract}/invitations", data=told)
    shown = page.get_data(as_text=True)
    token = re.search(r"/sign/([\w-]+)", shown)[1]
    (letter,) = letters
    words = letter.get_content()
    code = re.search(r"\b\d{6}\b", words)[0]
    assert letter["To"] == "he@example.com" and "验证码" in letter["Subject"]
    assert code not in shown and "he@example.com" in shown and token not in words
    edge.try_code(resources, token, code)
    with resources.reading() as uow:
        made = service.list_invitations(uow, company.sales_clerk, contract)[0]
    assert made.contact == "微信；验证码寄往 he@example.com", "as the evidence sheet will say"


@pytest.mark.parametrize("address", ["无效", "a@b@c", "nobody@example.com", "x" * 200 + "@b.cn"])
def test_a_code_that_cannot_be_mailed_makes_no_link(
    resources, company, contract, letters, client_for, address
):
    told = {"days": "7", "contact": "微信王经理", "code_mail": address}
    page = client_for(company.sales_clerk).post(f"/signing/{contract}/invitations", data=told)
    assert page.status_code == 422 and "微信王经理" in page.get_data(as_text=True)
    with resources.reading() as uow:
        assert service.list_invitations(uow, company.sales_clerk, contract) == ()
    assert not letters


def test_without_a_mail_server_the_code_is_only_shown(resources, company, contract, api_for):
    call = api_for(company.sales_clerk)
    url = f"/api/v1/records/{contract}/invitations"
    assert call.post(url, json={"code_mail": "he@example.com"}).status_code == 422
    at = {"smtp_url": "smtp://127.0.0.1:9", "mail_from": "dangan@example.com"}
    resources.settings = replace(resources.settings, **at)
    with pytest.raises(Unavailable):
        edge.invite(resources, company.sales_clerk, contract, 7, "", "he@example.com")
    made = call.post(url, json={}).json
    assert re.fullmatch(r"\d{6}", made["code"]) and made["mailed_to"] == ""


def test_five_wrong_codes_and_the_link_is_dead(resources, invited):
    wrong = f"{(int(invited.code) + 1) % 10**6:06d}"
    for left in range(MOST_WRONG - 1, 0, -1):
        with pytest.raises(Invalid, match=f"还可以试 {left} 次"):
            edge.try_code(resources, token_of(invited), wrong)
    with pytest.raises(Invalid, match="停用"):
        edge.try_code(resources, token_of(invited), wrong)
    with pytest.raises(NotFound, match="停用"):
        edge.try_code(resources, token_of(invited), invited.code)


def test_a_link_ends_with_its_term(resources, clock, invited, drawn_signature):
    clock.advance(days=7, seconds=1)
    with pytest.raises(NotFound, match="过期"):
        edge.try_code(resources, token_of(invited), invited.code)
    with pytest.raises(NotFound, match="过期"):
        sign(resources, invited, drawn_signature)


def test_a_link_is_good_once(resources, desk, contract, invited, drawn_signature):
    sign(resources, invited, drawn_signature)
    before = desk.file(contract)
    with pytest.raises(NotFound, match="已经签过"):
        sign(resources, invited, drawn_signature)
    assert desk.file(contract) == before


def test_a_new_link_ends_the_old_one_and_one_can_be_taken_back(
    resources, company, contract, invited
):
    newer = edge.invite(resources, company.sales_clerk, contract, None)
    with pytest.raises(NotFound):
        edge.try_code(resources, token_of(invited), invited.code)
    edge.revoke(resources, company.sales_clerk, contract, newer.invitation.id)
    with pytest.raises(NotFound):
        edge.try_code(resources, token_of(newer), newer.code)
    with pytest.raises(Conflict):
        edge.revoke(resources, company.sales_clerk, contract, newer.invitation.id)
    with pytest.raises(NotFound):
        edge.revoke(resources, company.sales_clerk, contract, 10**9)


def test_a_link_is_bound_to_the_very_paper(resources, contract, invited):
    other = resources.blobs.put(one_page_pdf("别的文件"), "application/pdf")
    with resources.work() as uow:
        documents.keep_document(uow, contract, "pdf", 1, 99, other, 1)
        uow.commit()
    with pytest.raises(NotFound, match="有了变化"):
        edge.try_code(resources, token_of(invited), invited.code)


def test_our_side_does_not_take_back_what_the_other_party_was_shown(
    company, desk, contract, invited
):
    with pytest.raises(Conflict):
        desk.do(signing.take_back, company.leader, contract)


def test_withdrawing_the_paper_ends_the_link(resources, company, desk, contract, invited):
    desk.do(signing.withdraw_record, company.sales_clerk, contract)
    with pytest.raises(NotFound):
        edge.try_code(resources, token_of(invited), invited.code)


def test_the_other_party_declines_with_a_reason(resources, company, desk, contract, invited):
    for empty in ("", "  \u200b ", "x" * 501, "a\x00b"):
        with pytest.raises(Invalid):
            edge.decline(resources, token_of(invited), empty)
    edge.decline(resources, token_of(invited), "单价与约定不符")
    assert desk.state(contract) == "in_signing"
    with resources.reading() as uow:
        told = service.list_invitations(uow, company.sales_clerk, contract)[0]
    assert (told.state, told.reason) == ("declined", "单价与约定不符")
    with pytest.raises(NotFound, match="答复不签"):
        edge.try_code(resources, token_of(invited), invited.code)
    edge.invite(resources, company.sales_clerk, contract, 3)  # and may be asked again


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"name": ""}, "name"),
        ({"name": "\u200b\u3000"}, "name"),
        ({"name": "名" * 21}, "name"),
        ({"name": "何\x00守信"}, "name"),
        ({"name": "何\u202e守信"}, "name"),
        ({"phone": "电话"}, "phone"),
        ({"phone": "1" * 40}, "phone"),
    ],
)
def test_who_signs_must_be_said_plainly(resources, desk, contract, invited, changes, where,
                                        drawn_signature):  # fmt: skip
    with pytest.raises(Invalid) as refusal:
        sign(resources, invited, drawn_signature, **changes)
    assert where in refusal.value.fields
    assert desk.state(contract) == "in_signing"


@pytest.mark.parametrize("drawn", [None, b"", b"no picture", b"\x89PNG\r\n\x1a\n" + b"0" * 99])
def test_what_is_no_drawing_does_not_sign(resources, desk, contract, invited, drawn):
    with pytest.raises(Invalid):
        sign(resources, invited, drawn)
    assert desk.state(contract) == "in_signing"


@pytest.mark.parametrize("token", ["", "x", "../../etc/passwd", "é" * 500, "\ud800"])
def test_a_made_up_link_opens_nothing(resources, token):
    with pytest.raises(NotFound):
        edge.try_code(resources, token, "123456")


def test_a_scan_takes_the_place_of_the_signature(resources, company, desk, contract, invited):
    edge.add_scan(resources, company.sales_clerk, contract, png())
    assert desk.state(contract) == "signed"
    assert desk.verdict(contract).trusted
    assert desk.file(contract, "scan") == png()
    with pytest.raises(NotFound):
        edge.try_code(resources, token_of(invited), invited.code)
    with pytest.raises(Conflict):
        edge.add_scan(resources, company.sales_clerk, contract, png())
    with resources.work() as uow:
        item = filing.file_record(uow, company.archivist, contract)
    assert [one.role for one in item.files] == ["master", "word", "scan"]


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"%PDF-1.7 broken", b"PK\x03\x04", b"<svg/>", b"\x89PNG\r\n\x1a\n\x00"],
)
def test_what_is_no_scan_is_refused_and_nothing_changes(
    resources, company, desk, contract, content
):
    before = desk.file(contract)
    with pytest.raises(Invalid):
        edge.add_scan(resources, company.sales_clerk, contract, content)
    assert (desk.state(contract), desk.file(contract)) == ("in_signing", before)


def cut_jpeg():
    out = io.BytesIO()
    Image.effect_noise((400, 400), 80).convert("RGB").save(out, "JPEG")
    return out.getvalue()[: len(out.getvalue()) // 2]


def picture_that_claims(width, height):
    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    chunk = b"IHDR" + head
    end = b"\x00\x00\x00\x00IEND" + zlib.crc32(b"IEND").to_bytes(4, "big")
    whole = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\x0d" + chunk
    return whole + zlib.crc32(chunk).to_bytes(4, "big") + end


def test_half_a_picture_and_a_picture_that_claims_to_be_huge_are_refused(contract):
    with pytest.raises(Invalid):
        edge.judge_scan(cut_jpeg())
    for side in (8_000, 20_000, 60_000):
        with pytest.raises(TooLarge, match="分辨率"):
            edge.judge_scan(picture_that_claims(side, side))


def test_a_real_scan_of_several_pages_is_taken():
    out = io.BytesIO()
    pages = [Image.new("L", (600, 800), shade) for shade in (255, 200, 150)]
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:])
    assert edge.judge_scan(out.getvalue()) == ("application/pdf", 3)
    assert edge.judge_scan(png()) == ("image/png", 1)


def test_a_scan_too_large_or_by_a_stranger_is_refused(resources, company, contract):
    with pytest.raises(TooLarge):
        edge.add_scan(resources, company.sales_clerk, contract, b"%PDF" + b"0" * (20 << 20))
    with pytest.raises((Forbidden, NotFound)):
        edge.add_scan(resources, company.other_clerk, contract, one_page_pdf("x"))


# ---------------------------------------------------------------- pages


def code_page(client, invited):
    return client.get(f"/sign/{token_of(invited)}")


def test_the_link_shows_the_one_paper_and_only_after_the_code(
    resources, company, client_for, desk, contract, invited, drawn_signature
):
    stranger, token = client_for(None), token_of(invited)
    title = desk.title(contract)
    first = code_page(stranger, invited).text
    assert "验证码" in first and title not in first
    for path in ("page/1.png", "paper.pdf", "done"):
        assert stranger.get(f"/sign/{token}/{path}").status_code == 404
    assert stranger.post(f"/sign/{token}", data=STRANGER).status_code == 404
    wrong = stranger.post(f"/sign/{token}/code", data={"code": "<b>"})
    assert wrong.status_code == 422 and "还可以试" in wrong.text
    assert stranger.post(f"/sign/{token}/code", data={"code": invited.code}).status_code == 302
    page = code_page(stranger, invited).text
    assert title in page and "手写签名" in page
    assert stranger.get(f"/sign/{token}/page/1.png").mimetype == "image/png"
    assert stranger.get(f"/sign/{token}/page/99.png").status_code in (404, 422)
    assert stranger.get(f"/sign/{token}/paper.pdf").data == desk.file(contract)
    assert client_for(None).get(f"/sign/{token}/paper.pdf").status_code == 404  # another browser


def test_signing_on_the_page_keeps_what_was_typed(
    company, client_for, desk, contract, invited, drawn_signature
):
    import base64

    stranger, token = client_for(None), token_of(invited)
    stranger.post(f"/sign/{token}/code", data={"code": invited.code})
    drawn = "data:image/png;base64," + base64.b64encode(drawn_signature).decode()
    typed = {**STRANGER, "name": "何<守>信", "signature_png": drawn}
    refused = stranger.post(f"/sign/{token}", data=typed)
    assert refused.status_code == 422
    assert "何&lt;守&gt;信" in refused.text and drawn in refused.text and "请勾选" in refused.text
    done = stranger.post(f"/sign/{token}", data={**typed, "agree": "1"})
    assert done.status_code == 302
    page = stranger.get(done.headers["Location"]).text
    assert "签署完成" in page
    assert stranger.get(f"/sign/{token}/paper.pdf").data == desk.file(contract)
    assert stranger.post(f"/sign/{token}", data={**typed, "agree": "1"}).status_code == 404
    inside = client_for(company.sales_clerk)
    assert "对方已签" in inside.get(f"/signing/{contract}").text
    sheet = inside.get(f"/signing/{contract}/files/evidence")
    assert sheet.data.startswith(b"%PDF")
    assert client_for(company.other_clerk).get(sheet.request.path).status_code == 404


def test_the_submitter_chooses_invites_and_takes_a_scan_on_the_pages(
    company, client_for, desk, contract
):
    client = client_for(company.sales_clerk)
    draft = desk.draft(company.sales_clerk, "E05")
    asked = client.post(f"/signing/{draft.id}/submit", data={"version": draft.version})
    assert asked.headers["Location"].endswith("/submit")
    assert "请对方在线签字" in client.get(asked.headers["Location"]).text
    sent = {"version": draft.version, "copies": "", "outside": "1"}
    assert client.post(f"/signing/{draft.id}/submit", data=sent).status_code == 302
    assert desk.run(draft.id).steps[-1].is_outside
    page = client.post(f"/signing/{contract}/invitations", data={"days": "7"}).text
    assert "/sign/" in page and re.search(r">\d{6}<", page)
    assert client.post(f"/signing/{contract}/invitations", data={"days": "99"}).status_code == 422
    assert "收回链接" in client.get(f"/signing/{contract}").text
    bad = {"file": (io.BytesIO(b"x"), "扫描.pdf")}
    assert client.post(f"/signing/{contract}/scan", data=bad).status_code == 422
    good = {"file": (io.BytesIO(one_page_pdf("x")), "扫描.pdf")}
    assert client.post(f"/signing/{contract}/scan", data=good).status_code == 302
    assert desk.state(contract) == "signed"


def test_the_api_invites_lists_takes_back_and_takes_a_scan(company, api_for, contract):
    call, base = api_for(company.sales_clerk), f"/api/v1/records/{contract}"
    made = call.post(f"{base}/invitations", json={"days": 2})
    assert made.status_code == 201 and len(made.json["code"]) == 6
    listed = call.get(f"{base}/invitations").json["items"]
    assert listed[0]["state"] == "open" and "code" not in listed[0]
    back = call.post(f"{base}/invitations/{made.json['id']}/revoke")
    assert back.json["items"][0]["state"] == "revoked"
    for body in ({"days": "2"}, {"days": 0}, {"x": 1}):
        assert call.post(f"{base}/invitations", json=body).status_code == 422
    assert api_for(company.other_clerk).get(f"{base}/invitations").status_code == 404
    assert api_for(None).get(f"{base}/invitations").status_code == 401
    assert call.post(f"{base}/scan", data=b"nothing").status_code == 422
    assert call.post(f"{base}/scan", data=png()).status_code == 200


# ---------------------------------------------------------------- the real parts


@pytest.mark.office
def test_pdfsig_agrees_and_the_sheet_tells_what_happened(
    resources, company, desk, office_converter, tmp_path, drawn_signature
):
    from dataclasses import replace

    from pypdf import PdfReader

    real = replace(resources, converter=office_converter)
    desk.resources = real
    record_id = desk.submit_contract(company.sales_clerk)
    desk.sign(company.leader, record_id, drawn_png=drawn_signature)
    invited = edge.invite(real, company.sales_clerk, record_id, 7, "当面")
    edge.try_code(real, token_of(invited), invited.code)
    sign(real, invited, drawn_signature)
    path = tmp_path / "contract.pdf"
    path.write_bytes(desk.file(record_id))
    judged = subprocess.run(
        ["pdfsig", "-nocert", path], capture_output=True, text=True, check=False
    ).stdout
    assert judged.count("Signature is Valid.") == 4  # company, ours, theirs, company at the end
    told = PdfReader(io.BytesIO(desk.file(record_id, "evidence"))).pages[0].extract_text()
    with real.reading() as uow:
        serial = service.list_invitations(uow, company.sales_clerk, record_id)[0]
    assert serial.name in told and "203.0.113.9" in told and "13800138000" in told


def test_time_of_the_term_is_counted_from_the_link(resources, clock, company, contract):
    invited = edge.invite(resources, company.sales_clerk, contract, 2)
    assert invited.invitation.expires_at - clock.now == timedelta(days=2)

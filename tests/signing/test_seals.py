"""The company's seal: a step of its own, by its keeper, entered in the register."""

import io
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pypdf import PdfWriter

from archive.core.errors import Conflict, Invalid, NotFound, Unauthenticated
from archive.core.previews import page_png
from archive.filing import service as filing
from archive.signing import detours, edge, pades, service
from archive.signing.appearance import compose
from archive.signing.keys import open_authority
from archive.signing.outside import edge as outside
from archive.signing.rules import field_name
from archive.signing.seals import edge as seal_edge
from archive.signing.seals import outings, register
from archive.signing.seals import service as seals
from archive.signing.seals.pictures import prepare, shares, slices
from archive.signing.seals.rules import PaperEntry, SealFields, SealRequest
from doc_templates.package import read_package
from tests.conftest import one_page_pdf

pytestmark = pytest.mark.slow  # many cases, each a whole instance

PASSWORD = "档案台-测试-2026"


def seal_png(size=(496, 496), ground=(255, 255, 255, 255)):
    """A red ring on white paper, as a scanner sees it."""
    picture = Image.new("RGBA", size, ground)
    ImageDraw.Draw(picture).ellipse(
        (4, 4, size[0] - 5, size[1] - 5), outline=(200, 16, 16, 255), width=14
    )
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def fields(name="合同专用章", kind="合同专用章", keeper="archive_head", **changes):
    return SealFields(name, kind, 42.0, 42.0, keeper, **changes)


@pytest.fixture
def seal(resources, company):
    """The company's contract seal, kept by the head of the archive."""
    return seal_edge.add_seal(resources, company.admin, fields(), seal_png())


@pytest.fixture
def two_pages(resources, monkeypatch):
    """Let every paper have two pages; the second one is empty."""
    whole = resources.converter.to_pdf

    def longer(docx):
        writer, out = PdfWriter(clone_from=io.BytesIO(whole(docx))), io.BytesIO()
        writer.add_blank_page()
        writer.write(out)
        return out.getvalue()

    monkeypatch.setattr(resources.converter, "to_pdf", longer)


def request_of(seal_id, **changes):
    return SealRequest(seal_id, copies=2, why="签订合同", across=True, **changes)


def submit(resources, desk, author, seal_id, *, with_outside=False, **changes):
    made = desk.draft(author, "E05")
    asked = replace(request_of(seal_id), **changes)
    edge.submit(resources, author, made.id, made.version, seal=asked, with_outside=with_outside)
    return made.id


def apply(resources, keeper, record_id, **changes):
    told = {"password": PASSWORD, "copies": 2, "is_compared": True} | changes
    return seal_edge.apply_seal(resources, keeper, record_id, **told)


@pytest.fixture
def signed(resources, desk, company, seal):
    """A contract that its signer signed; it waits for the seal."""
    record_id = submit(resources, desk, company.sales_clerk, seal)
    desk.sign(company.leader, record_id)
    return record_id


def uses(resources, reader, **where):
    with resources.reading() as uow:
        return register.list_uses(uow, reader, **where).items


def test_keeper_puts_the_seal_on_after_the_signers_and_it_is_entered(
    resources, desk, company, seal, two_pages
):
    record_id = submit(resources, desk, company.sales_clerk, seal)
    assert desk.waiting(record_id) == ["周志远"]
    desk.sign(company.leader, record_id)
    assert desk.waiting(record_id) == ["何守正"] and desk.state(record_id) == "in_signing"
    run = apply(resources, company.archive_head, record_id, note="两份都盖了")
    assert run.state == "done" and desk.state(record_id) == "signed"
    assert desk.signed_by(record_id) == ["周志远", "本公司 合同专用章"]
    verdict = desk.verdict(record_id)
    assert verdict.trusted and "1 人签名、1 枚印章" in verdict.why
    (line,) = uses(resources, company.leader)
    assert (line.seal_name, line.copies_stamped, line.copies_approved) == ("合同专用章", 2, 2)
    assert (line.done_by_name, line.pages, line.note, line.across) == (
        "何守正", 2, "两份都盖了", True,
    )  # fmt: skip
    word = read_package(desk.file(record_id, "docx"))["word/document.xml"].decode()
    assert "合同专用章" in word and "[sig:用印]" not in word and "wp:anchor" in word


def test_each_page_bears_its_part_at_the_right_edge(resources, desk, company, seal, two_pages):
    record_id = submit(resources, desk, company.sales_clerk, seal)
    desk.sign(company.leader, record_id)
    before = red_dots(desk.file(record_id))
    apply(resources, company.archive_head, record_id)
    assert before == [0, 0] and all(count > 300 for count in red_dots(desk.file(record_id)))


def red_dots(pdf):
    """Count red dots at the right edge of each page, as the page is shown."""
    counts = []
    for number in (1, 2):
        with Image.open(io.BytesIO(page_png(pdf, number, 600))) as opened:
            strip = opened.convert("RGB").crop((540, 0, 600, opened.height))
        dots = (strip.getpixel((x, y)) for x in range(60) for y in range(strip.height))
        counts.append(sum(red > 150 > green for red, green, _ in dots))
    return counts


def test_other_party_signs_on_the_sealed_paper(resources, desk, company, seal, drawn_signature):
    record_id = submit(resources, desk, company.sales_clerk, seal, with_outside=True)
    desk.sign(company.leader, record_id)
    apply(resources, company.archive_head, record_id)
    invited = outside.invite(resources, company.sales_clerk, record_id, 7, "")
    outside.sign_outside(
        resources, invited.url.rpartition("/")[2], drawn_png=drawn_signature,
        name="何守信", phone="13800138000", address="203.0.113.9", browser="x",
    )  # fmt: skip
    assert desk.state(record_id) == "signed" and desk.verdict(record_id).trusted
    word = read_package(desk.file(record_id, "docx"))["word/document.xml"].decode()
    assert "wp:anchor" in word, "the seal stays in the Word file"


def test_seal_is_not_put_on_without_looking_password_or_turn(resources, desk, company, signed):
    with pytest.raises(Invalid, match="核对"):
        apply(resources, company.archive_head, signed, is_compared=False)
    with pytest.raises(Unauthenticated):
        apply(resources, company.archive_head, signed, password="不对")
    with pytest.raises(Invalid, match="批准盖 2 份，不能盖 3 份"):
        apply(resources, company.archive_head, signed, copies=3)
    with pytest.raises(Invalid):
        apply(resources, company.archive_head, signed, copies=-1)
    with pytest.raises(NotFound):
        apply(resources, company.other_clerk, signed)
    with pytest.raises(Conflict):
        apply(resources, company.leader, signed)
    with pytest.raises(Conflict, match="用印"):
        desk.sign(company.archive_head, signed)
    assert desk.state(signed) == "in_signing"
    apply(resources, company.archive_head, signed, copies=0)
    with pytest.raises(Conflict):
        apply(resources, company.archive_head, signed)


def test_many_signed_at_once_never_seals(resources, company, signed):
    (outcome,) = edge.sign_many(resources, company.archive_head, [signed], password=PASSWORD)
    assert not outcome.done and "用印" in outcome.why


def test_seal_is_not_handed_to_anybody(resources, desk, company, signed):
    for act in (detours.hand_over,):
        with pytest.raises(Conflict, match="保管人"):
            desk.do(act, company.archive_head, signed, company.other_head)
    task = desk.task_of(signed, company.archive_head)
    with pytest.raises(Conflict, match="保管人"):
        desk.do(detours.reassign, company.admin, task.id, company.other_head)


def test_keeper_says_no_and_nothing_is_stamped(resources, desk, company, signed):
    desk.give_back(company.archive_head, signed)
    assert desk.state(signed) == "returned"
    (line,) = uses(resources, company.archive_head)
    assert line.state == "ended" and line.copies_stamped == 0


def test_seal_taken_back_is_void_in_the_register_and_put_on_anew(resources, desk, company, seal):
    record_id = submit(resources, desk, company.sales_clerk, seal, with_outside=True)
    desk.sign(company.leader, record_id)
    apply(resources, company.archive_head, record_id)
    desk.do(service.take_back, company.archive_head, record_id)
    assert [one.state for one in uses(resources, company.leader)] == ["asked", "void"]
    assert desk.signed_by(record_id) == ["周志远"]
    apply(resources, company.archive_head, record_id, copies=1)
    assert [one.state for one in uses(resources, company.leader)] == ["done", "void"]


@pytest.mark.parametrize(
    "changes",
    [{"seal_id": 99}, {"copies": 0}, {"copies": 100}, {"why": "  "}, {"why": "长" * 201},
     {"why": "两\n行"}],
)  # fmt: skip
def test_wrong_request_submits_nothing(resources, desk, company, seal, changes):
    made = desk.draft(company.sales_clerk, "E05")
    with pytest.raises(Invalid):
        edge.submit(
            resources, company.sales_clerk, made.id, made.version,
            seal=replace(request_of(seal), **changes),
        )  # fmt: skip
    assert desk.state(made.id) == "draft"


def test_seal_only_where_the_form_has_room_and_the_kind_fits(resources, desk, company, seal):
    made = desk.draft(company.sales_clerk, "E01")
    with pytest.raises(Invalid, match="没有盖章的位置"):
        edge.submit(resources, company.sales_clerk, made.id, made.version, seal=request_of(seal))
    money = seal_edge.add_seal(resources, company.admin, fields("财务章", "财务专用章"), seal_png())
    with pytest.raises(Invalid):
        submit(resources, desk, company.sales_clerk, money)


def test_keeper_never_seals_their_own_submission(resources, desk, company):
    own = seal_edge.add_seal(resources, company.admin, fields(keeper="sales_clerk"), seal_png())
    with pytest.raises(Invalid, match="提交人本人"):
        submit(resources, desk, company.sales_clerk, own)


def test_new_keeper_gets_the_waiting_papers(resources, desk, company, seal, signed):
    seal_edge.change_seal(resources, company.admin, seal, 1, fields(keeper="other_head"))
    assert desk.waiting(signed) == ["钱主任"]
    with pytest.raises((Conflict, NotFound)):
        apply(resources, company.archive_head, signed)
    apply(resources, company.other_head, signed)
    assert desk.state(signed) == "signed"


def test_seal_in_use_is_not_taken_out_of_service_while_papers_wait(
    resources, company, seal, signed
):
    with pytest.raises(Conflict, match="1 份文件在等"):
        seal_edge.change_seal(resources, company.admin, seal, 1, fields(state="suspended"))


def test_destroyed_seal_stays_destroyed_and_its_certificate_is_revoked(
    resources, desk, company, seal, signed
):
    apply(resources, company.archive_head, signed)
    seal_edge.change_seal(resources, company.admin, seal, 1, fields(state="destroyed"))
    with pytest.raises(Conflict):
        seal_edge.change_seal(resources, company.admin, seal, 2, fields())
    with pytest.raises(Invalid):
        submit(resources, desk, company.sales_clerk, seal)
    assert desk.verdict(signed).trusted, "what was sealed before stays good"


def test_stale_change_and_name_in_use_are_refused(resources, company, seal):
    with pytest.raises(Conflict, match="已有一枚"):
        seal_edge.add_seal(resources, company.admin, fields(), seal_png())
    seal_edge.change_seal(resources, company.admin, seal, 1, fields(note="新章"))
    with pytest.raises(Conflict, match="刷新"):
        seal_edge.change_seal(resources, company.admin, seal, 1, fields())


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "请选择"), (b"\x89PNG\r\n\x1a\n" + bytes(60), "打不开"),
     (b"GIF89a" + bytes(99), "打不开"), (seal_png((80, 80)), "太小"),
     (seal_png((900, 400)), "形状"), (bytes(4_000_001), "太大")],
)  # fmt: skip
def test_what_is_no_seal_is_refused_with_a_word(content, told):
    with pytest.raises(Invalid, match=told) as refusal:
        prepare(content, 42.0, 42.0)
    assert "image" in refusal.value.fields


def test_blank_picture_is_refused():
    empty = io.BytesIO()
    Image.new("RGB", (300, 300), "white").save(empty, "PNG")
    with pytest.raises(Invalid, match="空白"):
        prepare(empty.getvalue(), 42.0, 42.0)


def test_paper_around_the_ink_is_transparent_and_the_text_under_it_reads():
    with Image.open(io.BytesIO(prepare(seal_png(), 42.0, 42.0))) as made:
        dots = made.convert("RGBA")
    assert dots.size == (496, 496)
    assert dots.getpixel((248, 248))[3] == 0
    red, green, blue, cover = dots.getpixel((248, 8))
    assert red > 150 and green < 60 and blue < 60 and 120 < cover < 240


@pytest.mark.parametrize(
    ("pages", "parts"), [(1, []), (2, [2]), (20, [20]), (21, [11, 10]), (45, [15, 15, 15])]
)
def test_at_most_twenty_parts_and_then_again(pages, parts):
    assert shares(pages) == parts
    assert len(slices(prepare(seal_png(), 42.0, 42.0), pages)) == (pages if pages > 1 else 0)


def test_seal_goes_out_with_leave_and_comes_back_the_same_day(
    resources, desk, company, clock, seal, signed
):
    out = {
        "taker": "陈晓东", "taker_password": PASSWORD, "approver": "周志远",
        "where_to": "市政务中心", "why": "变更登记",
    }  # fmt: skip
    with pytest.raises(Unauthenticated):
        seal_edge.take_out(
            resources, company.archive_head, seal, **out | {"taker_password": "不对"}
        )
    with pytest.raises(Invalid) as refusal:
        seal_edge.take_out(
            resources, company.archive_head, seal, **out | {"approver": "王建国", "why": ""}
        )
    assert set(refusal.value.fields) == {"approver", "why"}
    with pytest.raises(NotFound):
        seal_edge.take_out(resources, company.admin, seal, **out)
    seal_edge.take_out(resources, company.archive_head, seal, **out)
    with pytest.raises(Conflict, match="还没有归还"):
        seal_edge.take_out(resources, company.archive_head, seal, **out)
    with pytest.raises(Conflict, match="外带未归还"):
        apply(resources, company.archive_head, signed, copies=1)
    clock.advance(days=1)
    with resources.reading() as uow:
        (shown,) = seals.list_seals(uow, company.other_clerk)
    assert shown.out_with == "陈晓东" and shown.is_late
    seal_edge.bring_back(resources, company.archive_head, seal, "完好")
    with pytest.raises(Conflict):
        seal_edge.bring_back(resources, company.archive_head, seal)
    with resources.reading() as uow:
        (line,) = outings.list_outings(uow, company.archive_head, seal)
    assert line.is_late and line.received_by_name == "何守正" and line.approved_by_name == "周志远"


def test_use_on_a_paper_from_elsewhere_is_entered_by_the_keeper_only(
    resources, desk, company, seal
):
    entry = {
        "title": "开户资料", "why": "银行开户", "approved_by": "周志远",
        "approved": 2, "stamped": 2, "pages": 5,
    }  # fmt: skip
    with pytest.raises(NotFound):
        desk.do(register.enter_use, company.admin, seal, PaperEntry(**entry))
    with pytest.raises(Invalid) as refusal:
        desk.do(
            register.enter_use,
            company.archive_head,
            seal,
            PaperEntry(**entry | {"title": "", "pages": 0}),
        )
    assert set(refusal.value.fields) == {"title", "pages"}
    with pytest.raises(Invalid, match="不能盖 3 份"):
        desk.do(
            register.enter_use, company.archive_head, seal, PaperEntry(**entry | {"stamped": 3})
        )
    desk.do(register.enter_use, company.archive_head, seal, PaperEntry(**entry))
    assert [one.title for one in uses(resources, company.archive_head)] == ["开户资料"]


def test_register_shows_everybody_only_what_is_theirs(resources, desk, company, seal, signed):
    apply(resources, company.archive_head, signed)
    for reader in (company.leader, company.archive_head, company.sales_clerk):
        assert len(uses(resources, reader)) == 1
    for reader in (company.other_clerk, company.sales_clerk2, company.finance_clerk):
        assert uses(resources, reader) == ()
    assert len(uses(resources, company.leader, text="买卖合同")) == 1
    assert uses(resources, company.leader, text="%") == ()


def test_picture_of_a_seal_is_for_its_keeper_and_the_administrator(client_for, company, seal):
    outcomes = {
        who: client_for(getattr(company, who)).get(f"/seals/{seal}/picture.png").status_code
        for who in ("archive_head", "admin", "sales_clerk", "leader")
    }
    assert outcomes == {"archive_head": 200, "admin": 200, "sales_clerk": 403, "leader": 403}


def test_pages_from_asking_to_the_register(client_for, desk, company, seal):
    made = desk.draft(company.sales_clerk, "E05")
    clerk, keeper = client_for(company.sales_clerk), client_for(company.archive_head)
    page = clerk.get(f"/signing/{made.id}/submit").get_data(as_text=True)
    assert "合同专用章（保管人 何守正）" in page
    posted = {
        "version": made.version, "copies": "", "seal": seal,
        "seal_copies": "两", "seal_why": "签约",
    }  # fmt: skip
    refused = clerk.post(f"/signing/{made.id}/submit", data=posted)
    assert refused.status_code == 422 and "签约" in refused.get_data(as_text=True)
    clerk.post(
        f"/signing/{made.id}/submit", data=posted | {"seal_copies": "２", "seal_across": "1"}
    )
    desk.sign(company.leader, made.id)
    assert "请您用印" in keeper.get(f"/signing/{made.id}").get_data(as_text=True)
    sent = {"password": PASSWORD, "copies": "2", "opinion": "已盖"}
    refused = keeper.post(f"/signing/{made.id}/seal", data=sent)
    assert refused.status_code == 422 and "已盖" in refused.get_data(as_text=True)
    done = keeper.post(f"/signing/{made.id}/seal", data=sent | {"compared": "1"})
    assert done.status_code == 302 and desk.state(made.id) == "signed"
    again = keeper.post(f"/signing/{made.id}/seal", data=sent | {"compared": "1"})
    assert again.status_code == 409 and "您已经用过印了" in again.get_data(as_text=True)
    assert "已用印" in keeper.get("/seals/register").get_data(as_text=True)
    assert keeper.get("/seals/register?as=xlsx").data[:2] == b"PK"


def test_calls_ask_seal_and_list(api_for, desk, company, seal):
    made = desk.draft(company.sales_clerk, "E05")
    clerk, keeper = api_for(company.sales_clerk), api_for(company.archive_head)
    asked = {"version": made.version, "seal": {"seal_id": seal, "copies": "2", "why": "签约"}}
    assert clerk.post(f"/api/v1/records/{made.id}/submit", json=asked).status_code == 422
    asked["seal"]["copies"] = 2
    run = clerk.post(f"/api/v1/records/{made.id}/submit", json=asked).get_json()
    assert [one["role"] for one in run["steps"]] == ["甲方负责人", "用印"]
    desk.sign(company.leader, made.id)
    body = {"password": PASSWORD, "copies": 1, "compared": True}
    assert clerk.post(f"/api/v1/records/{made.id}/seal", json=body).status_code in (403, 409)
    wrong = keeper.post(f"/api/v1/records/{made.id}/seal", json=body | {"copies": 100})
    assert wrong.status_code == 422
    assert keeper.post(f"/api/v1/records/{made.id}/seal", json=body).get_json()["state"] == "done"
    assert keeper.post(f"/api/v1/records/{made.id}/seal", json=body).status_code == 409, "replayed"
    assert keeper.get("/api/v1/seals/uses").get_json()["items"][0]["copies_stamped"] == 1
    assert clerk.get("/api/v1/seals").get_json()["items"][0]["keeper"] == "何守正"
    assert "picture" not in clerk.get("/api/v1/seals").get_data(as_text=True)


def test_scan_of_the_stamped_copy_is_kept_and_filed_with_the_paper(
    resources, desk, company, client_for, signed
):
    clerk, keeper = client_for(company.sales_clerk), client_for(company.archive_head)
    scan = {"file": (io.BytesIO(one_page_pdf("")), "盖章.pdf")}
    assert clerk.post(f"/signing/{signed}/stamped", data=scan).status_code == 409, "not sealed yet"
    apply(resources, company.archive_head, signed)
    for who, content, told in (
        (clerk, b"hello", 422),
        (client_for(company.leader), one_page_pdf(""), 403),
        (client_for(company.other_clerk), one_page_pdf(""), 404),
        (keeper, seal_png(), 302),
        (clerk, one_page_pdf(""), 302),
    ):
        sent = {"file": (io.BytesIO(content), "盖章.pdf")}
        assert who.post(f"/signing/{signed}/stamped", data=sent).status_code == told
    assert clerk.get(f"/signing/{signed}/files/stamped").data[:4] == b"%PDF"
    with resources.work() as uow:
        item = filing.file_record(uow, company.archivist, signed)
        uow.commit()
    assert "盖章扫描件" in [one.role_label for one in item.files]
    sent = {"file": (io.BytesIO(one_page_pdf("")), "盖章.pdf")}
    assert clerk.post(f"/signing/{signed}/stamped", data=sent).status_code == 409


def altered(pdf, field_name, change):
    """The PDF with an update by somebody who changes a field that was filled."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    fields = writer.root["/AcroForm"]["/Fields"]
    field = next(one for one in fields if one.get_object().get("/T") == field_name).get_object()
    change(writer, field)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def other_words(writer, field):
    field[generic.pdf_name("/V")] = generic.TextStringObject("骑缝章 别的章 1/2")
    writer.update_container(field)


def other_picture(writer, field):
    picture = field["/AP"]["/N"]
    picture._data, picture._encoded_data = b"", None
    writer.update_container(picture)


def new_picture(writer, field):
    blank = generic.StreamObject(stream_data=b"")
    blank.update(field["/AP"]["/N"])
    field["/AP"][generic.pdf_name("/N")] = writer.add_object(blank)
    writer.update_container(field)


@pytest.mark.parametrize("change", [other_words, other_picture, new_picture])
def test_seal_across_changed_after_it_was_signed_is_seen(
    resources, desk, company, seal, two_pages, change, drawn_signature
):
    record_id = submit(resources, desk, company.sales_clerk, seal, with_outside=True)
    desk.sign(company.leader, record_id)
    apply(resources, company.archive_head, record_id)
    assert desk.verdict(record_id).trusted
    changed = altered(desk.file(record_id), "across1", change)
    with resources.reading() as uow:
        run = service.get_run(uow, company.sales_clerk, record_id)
    task = next(one for one in run.tasks if one.is_seal)
    key = open_authority(resources).issue_outside("何守信", "对方", resources.clock())
    image = compose(None, "何守信", "2026年11月23日")
    signed_on = pades.approve(
        changed, field_name(task.slot + 1), key, image, "何守信", "乙方", resources.clock()
    )
    for pdf in (changed, signed_on):
        found = pades.verify(pdf, open_authority(resources).trust_roots, now=resources.clock())
        assert not found.intact and not found.trusted
    assert "骑缝章”一栏里填好的内容又被改动过" in found.why

"""Signing a PDF in order, and what the verdict says about every way of tampering with it.

Every signed sample is also judged by ``pdfsig`` of poppler, which shares no code with us.
"""

import contextlib
import io
import itertools
import random
import re
import socket
import struct
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import docx
import pytest
from cryptography.hazmat.primitives import serialization
from docx.shared import Mm, Pt, RGBColor
from pyhanko.keys.internal import (
    translate_pyca_cryptography_cert_to_asn1,
    translate_pyca_cryptography_key_to_asn1,
)
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko_certvalidator.registry import SimpleCertificateStore
from pypdf import PdfReader, PdfWriter

from archive.signing import appearance, boxes, pades
from archive.signing.authority import CompanyAuthority, read_crl
from archive.signing.boxes import Box

pytestmark = pytest.mark.slow  # many cases, each with real work

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
COMPANY = "示例集团有限公司"
PASSPHRASE = b"correct horse battery"
PEOPLE = {"step1": ("张三", "A001"), "step2": ("李四", "A002"), "step3": ("王五𠮷", "总-003")}
PLACES = {
    "step1": Box("报告人", 0, 100, 500, 185, 534),
    "step2": Box("部门负责人", 0, 100, 400, 185, 434),
    "step3": Box("总经理（签字）", 1, 100, 300, 185, 334),
}


def plain_pdf(text="Report"):
    """Two pages, PDF 1.7, with document information."""
    shown = b"BT /F1 12 Tf 72 720 Td (%s) Tj ET" % text.encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Count 2 /Kids [3 0 R 4 0 R] >>",
        *[
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R "
            b"/Resources << /Font << /F1 6 0 R >> >> >>"
        ]
        * 2,
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(shown), shown),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        b"<< /Title (Report) /CreationDate (D:20261123090000+08'00') >>",
    ]
    out = io.BytesIO()
    out.write(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, content in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, content))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % offset for offset in offsets))
    out.write(b"trailer << /Size %d /Root 1 0 R /Info 7 0 R " % (len(objects) + 1))
    out.write(b"/ID [<%032x> <%032x>] >>\nstartxref\n%d\n%%%%EOF\n" % (7, 7, start))
    return out.getvalue()


class Office:
    """A company with an authority, three people, and a pen that signs for them."""

    def __init__(self, folder, now=NOW):
        self.authority = CompanyAuthority.create(folder, COMPANY, PASSPHRASE, now)
        self.company = self.key(self.authority.issue_company_seal(now))
        self.keys = {
            field: self.key(self.authority.issue_person(name, staff_no, now))
            for field, (name, staff_no) in PEOPLE.items()
        }

    def key(self, issued):
        return self.authority.signing_key(issued.certificate_pem, issued.encrypted_key_pem)

    def prepare(self, pdf, places=PLACES, **options):
        return pades.prepare(pdf, places, self.company, "送签", NOW, **options)

    def approve(self, pdf, field, key=None, at=NOW, reason="同意"):
        name = PEOPLE[field][0]
        image = appearance.compose(None, name, "2026年11月23日")
        return pades.approve(pdf, field, key or self.keys[field], image, name, reason, at)

    def sign_all(self, pdf):
        stages = [self.prepare(pdf)]
        for minutes, field in enumerate(PEOPLE):
            stages.append(self.approve(stages[-1], field, at=NOW + timedelta(minutes=minutes)))
        return stages

    def verify(self, pdf, **options):
        return pades.verify(
            pdf, self.authority.trust_roots, **({"now": NOW + timedelta(days=1)} | options)
        )


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    return Office(tmp_path_factory.mktemp("office") / "authority")


@pytest.fixture(scope="module")
def strangers(tmp_path_factory):
    return Office(tmp_path_factory.mktemp("strangers") / "authority")


@pytest.fixture(scope="module")
def stages(office):
    return office.sign_all(plain_pdf())


@pytest.fixture(scope="module")
def signed(stages):
    return stages[-1]


def pdfsig(pdf, tmp_path):
    """The verdicts of poppler, signature by signature."""
    path = tmp_path / "judged.pdf"
    path.write_bytes(pdf)
    command = ["pdfsig", "-nocert", path]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return re.findall(r"Signature Validation: (.*)", answer.stdout), answer.stdout


def all_valid(pdf, tmp_path, count=4):
    return pdfsig(pdf, tmp_path)[0] == ["Signature is Valid."] * count


def updated(pdf, change):
    """The PDF with an incremental update by somebody else's tool."""
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def field_of(writer, name):
    found = {each: ref for each, _, ref in fields.enumerate_sig_fields(writer.prev)}
    return writer.get_object(found[name].reference)


def holes(pdf):
    """Signature name → where its hexadecimal hole begins and ends, brackets included."""
    reader = PdfFileReader(io.BytesIO(pdf))
    found = {}
    for each in reader.embedded_regular_signatures:
        _, length, resume, _ = (int(number) for number in each.byte_range)
        found[each.fq_name] = (length, resume)
    return found


# --- the good way


def test_three_people_sign_in_order_and_both_judges_agree(office, stages, signed, tmp_path):
    for before, after in itertools.pairwise(stages):
        assert after.startswith(before), "a signature is an update; nothing before it changes"
    verdict = office.verify(signed)
    assert (verdict.intact, verdict.trusted, verdict.waiting) == (True, True, ())
    assert verdict.why == "文件由本单位认证，3 人签名都有效，内容没有被改动。"
    assert [
        (each.field, each.role, each.signer_name, each.staff_no) for each in verdict.signatures
    ] == [
        ("company", "单位认证", COMPANY, ""),
        *((name, PLACES[name].role, *PEOPLE[name]) for name in PEOPLE),
    ]
    assert [each.is_company for each in verdict.signatures] == [True, False, False, False]
    assert verdict.signatures[2].signed_at == NOW + timedelta(minutes=1)
    assert verdict.signatures[2].serial_hex == office.keys["step2"].serial_hex
    verdicts, text = pdfsig(signed, tmp_path)
    assert verdicts == ["Signature is Valid."] * 4
    assert text.count("Total document signed") + text.count("Not total document signed") == 4
    assert text.count("ETSI.CAdES.detached") == text.count("SHA-256") == 4


def test_after_every_step_the_paper_says_who_is_missing(office, stages, tmp_path):
    roles = [box.role for box in PLACES.values()]
    for done, stage in enumerate(stages):
        verdict = office.verify(stage)
        assert verdict.trusted
        assert verdict.waiting == tuple(roles[done:])
        assert all(role in verdict.why for role in roles[done:])
        assert all_valid(stage, tmp_path, done + 1)


def test_one_person_may_sign_two_steps(office, tmp_path):
    pdf = office.prepare(plain_pdf())
    for field in PEOPLE:
        pdf = office.approve(pdf, field, key=office.keys["step1"])
    assert office.verify(pdf).trusted
    assert all_valid(pdf, tmp_path)


def test_people_side_by_side_may_sign_in_any_order(office, tmp_path):
    pdf = office.prepare(plain_pdf(), last_locks=False)
    for field in ("step3", "step1", "step2"):
        pdf = office.approve(pdf, field)
    assert office.verify(pdf).trusted
    assert all_valid(pdf, tmp_path)


@pytest.mark.parametrize(
    "reason",
    ["客户&合同 A<B & C", "{{7*7}}{% for %}", "（同意）\\", "🧧\u202e𠮷", "意" * 10_000, ""],
)
def test_opinions_stand_as_typed(office, reason, tmp_path):
    pdf = office.approve(office.prepare(plain_pdf()), "step1", reason=reason)
    verdict = office.verify(pdf)
    assert verdict.trusted
    assert verdict.signatures[-1].reason == reason
    assert all_valid(pdf, tmp_path, 2)


def test_what_makes_pdf_a_is_kept(signed):
    reader = PdfReader(io.BytesIO(signed))
    assert reader.metadata == PdfReader(io.BytesIO(plain_pdf())).metadata
    assert reader.trailer["/Root"].get("/Version", "/1.7") == "/1.7"
    assert list(reader.trailer["/Root"]["/Extensions"]) == ["/ESIC"]
    widgets = [each.get_object() for page in reader.pages for each in page.get("/Annots", [])]
    assert len(widgets) == 4
    for widget in widgets:
        assert widget["/F"] & 4, "printed"
        assert not widget["/F"] & (1 | 2 | 32), "not invisible, hidden or without view"
        assert "/A" not in widget
        assert "/AA" not in widget
        if widget["/T"] != "company":
            assert list(widget["/AP"]) == ["/N"]
    assert "/NeedAppearances" not in reader.trailer["/Root"]["/AcroForm"]


def test_times_are_printed(office, capsys):
    with capsys.disabled():
        for label, act in [
            ("prepare", lambda: office.prepare(plain_pdf())),
            ("approve", lambda: office.approve(office.prepare(plain_pdf()), "step1")),
            ("verify three signers", lambda: office.verify(office.sign_all(plain_pdf())[-1])),
        ]:
            start = time.process_time()
            result = act()
            print(f"\n{label}: {(time.process_time() - start) * 1000:.0f} ms CPU in all", end="")
            assert result


@pytest.mark.office
def test_a_paper_from_libreoffice_is_signed_where_its_markers_are(office, tmp_path):
    document = docx.Document()
    document.add_paragraph("客户开发情况报告：客户&合同 A<B & C")
    table = document.add_table(rows=0, cols=2)
    roles = {name: box.role for name, box in PLACES.items()}
    for role in roles.values():
        row = table.add_row()
        row.height = Mm(16)
        run = row.cells[1].paragraphs[0].add_run(f"[sig:{role}]")
        run.font.size, run.font.color.rgb = Pt(1), RGBColor(255, 255, 255)
    document.save(tmp_path / "paper.docx")
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    kind = 'pdf:writer_pdf_Export:{"SelectPdfVersion":{"type":"long","value":"2"}}'
    command = ["soffice", profile, "--headless", "--convert-to", kind, "--outdir", tmp_path]
    subprocess.run([*command, tmp_path / "paper.docx"], check=True, capture_output=True)
    pdf = (tmp_path / "paper.pdf").read_bytes()
    found = boxes.find_boxes(pdf, list(roles.values()))
    prepared = office.prepare(pdf, {name: found[role] for name, role in roles.items()})
    for field in PEOPLE:
        prepared = office.approve(prepared, field)
    assert office.verify(prepared).trusted
    assert all_valid(prepared, tmp_path)
    before, after = (PdfReader(io.BytesIO(each)).trailer["/Root"] for each in (pdf, prepared))
    assert after["/Metadata"].get_data() == before["/Metadata"].get_data()
    assert b"<pdfaid:part>2" in after["/Metadata"].get_data()
    assert after["/Version"] == "/1.7"
    profiles = [each["/OutputIntents"][0]["/DestOutputProfile"] for each in (before, after)]
    assert profiles[0].get_data() == profiles[1].get_data()


def test_many_people_sign_at_once_in_threads(office, stages):
    with ThreadPoolExecutor(6) as pool:
        waiting = [pool.submit(office.approve, stages[0], "step1") for _ in range(12)]
        papers = [each.result() for each in waiting]
    assert len(set(papers)) == 12
    assert all(office.verify(paper).trusted for paper in papers)


# --- tampering


def flips(pdf):
    """For every revision a few places inside what its signature covers and nothing else does."""
    chooser = random.Random(2026)
    ends = sorted(holes(pdf).values())
    starts = [0, *(resume for _, resume in ends)]
    regions = [*zip(starts, [begin for begin, _ in ends], strict=False), (ends[-1][1], len(pdf))]
    return [chooser.randrange(*region) for region in regions for _ in range(4)]


def test_one_flipped_byte_anywhere_is_seen_by_both(office, signed, tmp_path):
    places = flips(signed)
    assert len(places) == 20
    for place in places:
        changed = bytearray(signed)
        changed[place] ^= 1
        verdict = office.verify(bytes(changed))
        assert not verdict.intact, f"byte {place}"
        assert not verdict.trusted
        assert re.search("[一-鿿]", verdict.why)
        assert not all_valid(bytes(changed), tmp_path), f"byte {place}"


def test_a_byte_in_the_text_breaks_every_signature_with_a_plain_word(office, signed):
    verdict = office.verify(signed.replace(b"(Report) Tj", b"(Repost) Tj"))
    assert [each.intact for each in verdict.signatures] == [False] * 4
    assert verdict.why == f"“单位认证”（{COMPANY}）：签名之后，文件内容被改动过。"


def test_a_later_change_breaks_only_later_signatures(office, stages, signed):
    place = len(stages[2]) + 40
    changed = signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :]
    verdict = office.verify(changed)
    assert not verdict.intact
    if len(verdict.signatures) == 4:
        assert not verdict.signatures[-1].intact


def test_a_flipped_byte_in_the_signature_itself_is_seen(office, signed, tmp_path):
    for begin, _ in holes(signed).values():
        changed = bytearray(signed)
        changed[begin + 3001] = ord("0") if changed[begin + 3001] != ord("0") else ord("1")
        assert not office.verify(bytes(changed)).trusted
        assert not all_valid(bytes(changed), tmp_path)


def test_the_padding_of_a_signature_hides_nothing(office, signed):
    _, end = holes(signed)["step1"]
    changed = signed[: end - 9] + b"feedface" + signed[end - 1 :]
    verdict = office.verify(changed)
    assert not verdict.intact
    assert "夹带" in verdict.why


def test_a_wider_hole_hides_nothing(office, signed):
    reader = PdfFileReader(io.BytesIO(signed))
    last = reader.embedded_regular_signatures[-1]
    _, length, resume, rest = (int(number) for number in last.byte_range)
    old = re.search(rb"/ByteRange \[0 %d %d %d\s*\]" % (length, resume, rest), signed).group()
    new = b"/ByteRange [0 %d %d %d" % (length - 10, resume, rest + 10)
    assert not office.verify(signed.replace(old, new.ljust(len(old) - 1) + b"]")).intact


def test_an_appended_page_is_seen(office, signed, tmp_path):
    def add_page(writer):
        page = generic.DictionaryObject(
            {
                generic.pdf_name("/Type"): generic.pdf_name("/Page"),
                generic.pdf_name("/Parent"): writer.root.raw_get("/Pages"),
                generic.pdf_name("/MediaBox"): generic.ArrayObject(
                    generic.NumberObject(number) for number in (0, 0, 595, 842)
                ),
            }
        )
        pages = writer.root["/Pages"]
        pages["/Kids"].append(writer.add_object(page))
        pages[generic.pdf_name("/Count")] = generic.NumberObject(3)
        writer.update_container(pages)

    changed = updated(signed, add_page)
    verdict = office.verify(changed)
    assert not verdict.intact
    assert "不允许的改动" in verdict.why
    assert "Total document signed" not in pdfsig(changed, tmp_path)[1].replace("Not total", "")


def test_a_page_appended_by_rewriting_is_seen(office, signed, tmp_path):
    writer = PdfWriter(clone_from=io.BytesIO(signed))
    writer.add_blank_page(595, 842)
    out = io.BytesIO()
    writer.write(out)
    assert not office.verify(out.getvalue()).intact
    assert not all_valid(out.getvalue(), tmp_path)


@pytest.mark.parametrize("stage", [0, 1, 3])
def test_a_field_added_after_the_certification_is_seen(office, stages, stage):
    spec = fields.SigFieldSpec("extra", box=(10, 10, 90, 40))
    changed = updated(stages[stage], lambda writer: fields.append_signature_field(writer, spec))
    verdict = office.verify(changed)
    assert not verdict.intact
    assert not verdict.trusted


def test_a_changed_picture_of_a_signature_is_seen(office, stages):
    def forge(writer):
        field = field_of(writer, "step1")
        blank = generic.StreamObject(stream_data=b"")
        blank.update(field["/AP"]["/N"])
        field["/AP"][generic.pdf_name("/N")] = writer.add_object(blank)
        writer.update_container(field["/AP"])

    for stage in (1, 3):
        assert not office.verify(updated(stages[stage], forge)).intact


def test_a_removed_signature_is_seen(office, signed):
    def remove(writer):
        field = field_of(writer, "step2")
        del field["/V"]
        writer.update_container(field)

    verdict = office.verify(updated(signed, remove))
    assert not verdict.intact
    assert "部门负责人" in verdict.waiting


def test_a_cut_off_last_signature_leaves_its_role_waiting(office, stages):
    verdict = office.verify(stages[2])
    assert verdict.waiting == ("总经理（签字）",)
    assert "还没有签名：总经理（签字）" in verdict.why


@pytest.mark.parametrize("junk", [b"\n", b"%hidden", b"\0" * 100, plain_pdf()])
def test_bytes_appended_after_the_last_signature_are_seen(office, signed, stages, junk):
    for stage in (signed, stages[0]):
        assert not office.verify(stage + junk).intact


def test_an_empty_update_after_the_last_signature_is_seen(office, signed):
    def touch(writer):
        writer.add_object(generic.NumberObject(7))
        writer.update_root()

    verdict = office.verify(updated(signed, touch))
    assert not verdict.intact


def test_a_signature_copied_from_another_paper_is_seen(office, signed):
    donor = office.sign_all(plain_pdf("Refund"))[-1]
    assert len(donor) == len(signed)
    (begin, end), (from_begin, from_end) = holes(signed)["step3"], holes(donor)["step3"]
    verdict = office.verify(signed[:begin] + donor[from_begin:from_end] + signed[end:])
    assert [each.intact for each in verdict.signatures] == [True, True, True, False]
    assert "内容被改动过" in verdict.why


def test_a_signature_used_for_a_second_field_is_seen(office, stages):
    def copy(writer):
        value = field_of(writer, "step1").raw_get("/V")
        field = field_of(writer, "step2")
        field[generic.pdf_name("/V")] = value
        writer.update_container(field)

    copied = updated(stages[1], copy)
    assert not office.verify(copied).intact
    verdict = office.verify(office.approve(copied, "step3"))
    assert not verdict.intact, "nor does a true signature afterwards hide it"


def _content_replaced(writer):
    page = writer.find_page_for_modification(0)[0].get_object()
    stream = generic.StreamObject(stream_data=b"BT ET")
    page[generic.pdf_name("/Contents")] = writer.add_object(stream)
    writer.update_container(page)


def _stream_replaced(writer):
    stream = writer.find_page_for_modification(0)[0].get_object()["/Contents"]
    stream._data = b"BT ET"
    stream._encoded_data = None
    writer.update_container(stream)


def _empty_field_moved(writer):
    field = field_of(writer, "step2")
    box = [generic.FloatObject(edge) for edge in (0, 0, 595, 842)]
    field[generic.pdf_name("/Rect")] = generic.ArrayObject(box)
    writer.update_container(field)


def _empty_field_renamed(writer):
    field = field_of(writer, "step2")
    field[generic.pdf_name("/TU")] = generic.TextStringObject("董事长")
    writer.update_container(field)


def _lock_loosened(writer):
    lock = field_of(writer, "step3")["/Lock"]
    lock[generic.pdf_name("/Action")] = generic.pdf_name("/Include")
    lock[generic.pdf_name("/Fields")] = generic.ArrayObject()
    writer.update_container(lock)


def _given_picture_replaced(writer):
    picture = field_of(writer, "step1")["/AP"]["/N"]
    picture._data = b""
    picture._encoded_data = None
    writer.update_container(picture)


def _filled_with_no_signature(writer):
    field = field_of(writer, "step2")
    nothing = generic.DictionaryObject({generic.pdf_name("/Type"): generic.pdf_name("/Annot")})
    field[generic.pdf_name("/V")] = writer.add_object(nothing)
    writer.update_container(field)


def _catalogue_changed(writer):
    writer.root[generic.pdf_name("/OpenAction")] = generic.ArrayObject()
    writer.update_root()


SMUGGLED = (
    _content_replaced, _stream_replaced, _empty_field_moved, _empty_field_renamed, _lock_loosened,
    _given_picture_replaced, _filled_with_no_signature, _catalogue_changed,
)  # fmt: skip


@pytest.mark.parametrize("smuggle", SMUGGLED, ids=lambda one: one.__name__.strip("_"))
def test_true_signatures_afterwards_hide_nothing_that_was_smuggled_in(office, stages, smuggle):
    changed = updated(stages[1], smuggle)
    assert not office.verify(changed).trusted
    for step in ("step2", "step3"):
        with contextlib.suppress(pades.SigningRefused):
            changed = office.approve(changed, step)
    assert not office.verify(changed).intact


def test_content_changed_and_changed_back_is_seen(office, stages):
    content = PdfFileReader(io.BytesIO(stages[1])).root["/Pages"]["/Kids"][0].raw_get("/Contents")

    def change_back(writer):
        page = writer.find_page_for_modification(0)[0].get_object()
        number = generic.IndirectObject(content.idnum, content.generation, writer)
        page[generic.pdf_name("/Contents")] = number
        writer.update_container(page)

    changed = updated(updated(stages[1], _content_replaced), change_back)
    for step in ("step2", "step3"):
        changed = office.approve(changed, step)
    assert not office.verify(changed).intact


# --- out of turn


def test_the_locking_step_waits_for_all_others(office, stages):
    with pytest.raises(pades.SigningRefused, match="报告人、部门负责人 先签"):
        office.approve(stages[0], "step3")
    with pytest.raises(pades.SigningRefused, match="部门负责人 先签"):
        office.approve(stages[1], "step3")


def test_a_signed_step_is_not_signed_again(office, stages, signed):
    with pytest.raises(pades.SigningRefused, match="已经签过名"):
        office.approve(stages[1], "step1")
    with pytest.raises(pades.SigningRefused, match="已经签过名"):
        office.approve(signed, "step3")
    with pytest.raises(pades.SigningRefused, match="已经签过名"):
        pades.approve(signed, "company", office.company, image(), "甲", "", NOW)


def image():
    return appearance.compose(None, "甲", "")


@pytest.mark.parametrize("field", ["step9", "", "报告人", "step1.x", "step1\0"])
def test_a_field_that_is_not_there_is_refused(office, stages, field):
    with pytest.raises(pades.SigningRefused, match="没有这一步的签名栏"):
        pades.approve(stages[0], field, office.keys["step1"], image(), "甲", "", NOW)


@pytest.mark.parametrize(
    "name", ["", "company", "第一步", "a b", "1step", "x" * 41, "step1\n", "a.b"]
)
def test_field_names_are_plain_ascii(office, name):
    with pytest.raises(pades.SigningRefused, match="内部名称"):
        office.prepare(plain_pdf(), {name: PLACES["step1"]})


def test_no_fields_no_certification(office):
    with pytest.raises(pades.SigningRefused, match="没有任何签名栏"):
        office.prepare(plain_pdf(), {})


def test_a_page_that_is_not_there_is_refused(office):
    with pytest.raises(pades.SigningRefused, match="结构"):
        office.prepare(plain_pdf(), {"step1": Box("甲", 7, 0, 0, 85, 34)})


def test_a_prepared_paper_is_not_prepared_again(office, stages):
    with pytest.raises(pades.SigningRefused, match="已经有签名栏"):
        office.prepare(stages[0])


@pytest.mark.parametrize("content", [b"", b"no pdf", b"%PDF-1.7\n%%EOF\n", b"PK\x03\x04" * 50])
def test_what_is_no_pdf_is_refused(office, content):
    with pytest.raises(pades.SigningRefused, match="打不开"):
        office.prepare(content)
    with pytest.raises(pades.SigningRefused, match="打不开"):
        office.approve(content, "step1")
    verdict = office.verify(content)
    assert not verdict.intact
    assert "不是完好的 PDF" in verdict.why


def test_a_pdf_with_a_password_is_refused(office):
    writer = PdfWriter(clone_from=io.BytesIO(plain_pdf()))
    writer.encrypt("secret", algorithm="AES-256")
    out = io.BytesIO()
    writer.write(out)
    with pytest.raises(pades.SigningRefused, match="密码"):
        office.prepare(out.getvalue())
    assert "密码" in office.verify(out.getvalue()).why


@pytest.mark.parametrize("png", [b"", b"GIF89a", image()[:200]])
def test_a_broken_picture_is_refused(office, stages, png):
    with pytest.raises(pades.SigningRefused, match="图片"):
        pades.approve(stages[0], "step1", office.keys["step1"], png, "甲", "", NOW)


def test_a_huge_picture_is_refused_before_it_is_unpacked(office, stages):
    bomb = bytearray(image())
    bomb[16:24] = struct.pack(">II", 3000, 3000)
    with pytest.raises(pades.SigningRefused, match="图片"):
        pades.approve(stages[0], "step1", office.keys["step1"], bytes(bomb), "甲", "", NOW)


# --- who signed


def test_an_unsigned_paper_proves_nothing(office):
    verdict = office.verify(plain_pdf())
    assert (verdict.intact, verdict.trusted, verdict.signatures) == (False, False, ())
    assert "没有数字签名" in verdict.why


def test_a_strangers_paper_is_intact_but_not_ours(office, strangers, tmp_path):
    foreign = strangers.sign_all(plain_pdf())[-1]
    verdict = office.verify(foreign)
    assert (verdict.intact, verdict.trusted) == (True, False)
    assert not any(each.valid or each.is_company for each in verdict.signatures)
    assert "不是本单位签发的" in verdict.why
    assert all_valid(foreign, tmp_path), "pdfsig does not know whose paper it is"


def test_a_stranger_among_us_is_named(office, strangers, stages):
    pdf = office.approve(stages[1], "step2", key=strangers.keys["step2"])
    verdict = office.verify(pdf)
    assert (verdict.intact, verdict.trusted) == (True, False)
    assert [each.valid for each in verdict.signatures] == [True, True, False]
    assert verdict.why.startswith("“部门负责人”（李四）：签名人的证书不是本单位签发的")


def test_a_paper_certified_by_a_person_is_not_the_companys(office):
    pdf = pades.prepare(plain_pdf(), PLACES, office.keys["step1"], "送签", NOW)
    verdict = office.verify(pdf)
    assert (verdict.intact, verdict.trusted) == (True, False)
    assert "没有经本单位认证" in verdict.why


def signed_by_another_tool(pdf, key, **options):
    """A signature by stock pyHanko, at the time this machine shows."""
    signer = signers.SimpleSigner(
        signing_cert=translate_pyca_cryptography_cert_to_asn1(key.certificate),
        signing_key=translate_pyca_cryptography_key_to_asn1(key.private_key),
        cert_registry=SimpleCertificateStore.from_certs(
            [translate_pyca_cryptography_cert_to_asn1(each) for each in key.chain]
        ),
    )
    metadata = signers.PdfSignatureMetadata(
        subfilter=fields.SigSeedSubFilter.PADES, md_algorithm="sha256", **options
    )
    out = io.BytesIO()
    signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(pdf)), metadata, signer, output=out)
    return out.getvalue()


def test_a_bare_signature_of_ours_does_not_make_a_paper_of_ours(office):
    pdf = signed_by_another_tool(plain_pdf(), office.keys["step1"], field_name="loose")
    verdict = office.verify(pdf, now=datetime.now(UTC) + timedelta(days=2000))
    assert not verdict.trusted


def test_an_expired_certificate_cannot_sign(office, stages):
    issued = office.authority.issue_person("张三", "A001", NOW - timedelta(hours=3), days=1)
    key = office.key(issued)
    late = issued.not_after + timedelta(seconds=1)
    with pytest.raises(pades.SigningRefused, match="到期"):
        office.approve(stages[0], "step1", key=key, at=late)
    with pytest.raises(pades.SigningRefused, match="还没有生效"):
        office.approve(stages[0], "step1", key=key, at=NOW - timedelta(days=9))


def test_a_signature_after_expiry_by_another_tool_is_seen(tmp_path):
    past = datetime(2021, 3, 1, tzinfo=UTC)
    office = Office(tmp_path / "authority", now=past)
    key = office.key(office.authority.issue_person("张三", "A001", past, days=30))
    pdf = pades.prepare(plain_pdf(), PLACES, office.company, "送签", past)
    pdf = signed_by_another_tool(pdf, key, field_name="step1")
    verdict = office.verify(pdf, now=datetime.now(UTC))
    assert (verdict.intact, verdict.trusted) == (True, False)
    assert "签名时证书已过期" in verdict.why


def test_a_certificate_that_expired_since_stays_good_and_says_so(office, signed):
    verdict = office.verify(signed, now=NOW + timedelta(days=3000))
    assert verdict.trusted
    assert "到期，签名时有效" in verdict.signatures[1].why


def test_revoked_before_signing_is_bad_and_after_is_told(office, signed):
    serial = office.keys["step2"].serial_hex
    for since, good, says in [
        (NOW - timedelta(hours=1), False, "签名时证书已经作废"),
        (NOW + timedelta(minutes=1), False, "签名时证书已经作废"),
        (NOW + timedelta(hours=1), True, "后来于 2026-11-23 10:00 作废，签名时有效"),
    ]:
        crl = office.authority.crl([(serial, since)], NOW + timedelta(hours=2))
        verdict = office.verify(signed, revoked=read_crl(crl, office.authority.issuing_pem))
        assert (verdict.intact, verdict.trusted) == (True, good)
        assert [each.valid for each in verdict.signatures] == [True, True, good, True]
        assert says in verdict.signatures[2].why


def test_a_signature_from_the_future_is_not_believed(office, signed):
    verdict = office.verify(signed, now=NOW - timedelta(days=1))
    assert (verdict.intact, verdict.trusted) == (True, False)
    assert "还没有到" in verdict.why


def test_a_backdated_signature_is_not_believed(office, stages):
    early = office.keys["step2"].certificate.not_valid_before_utc
    pdf = office.approve(stages[0], "step1", at=NOW + timedelta(hours=2))
    verdict = office.verify(office.approve(pdf, "step2", at=early))
    assert (verdict.intact, verdict.trusted) == (True, False)
    assert "早于它前面的签名" in verdict.why


# --- hostile files


def test_no_damage_makes_the_judge_fail(office, signed):
    chooser = random.Random(7)
    for number in range(60):
        changed = bytearray(signed)
        if number % 3 == 0:
            changed = changed[: chooser.randrange(len(changed))]
        else:
            start = chooser.randrange(len(changed) - 50)
            width = chooser.choice((1, 2, 8, 40))
            changed[start : start + width] = chooser.randbytes(chooser.choice((width, 3)))
        verdict = office.verify(bytes(changed))
        assert verdict.why
        if bytes(changed) != signed and not signed.startswith(bytes(changed)):
            assert not verdict.trusted


def test_damage_makes_the_pen_refuse_and_never_fail(office, stages):
    chooser = random.Random(3)
    refused = 0
    for _ in range(60):
        changed = bytearray(stages[0])
        start = chooser.randrange(len(changed) - 50)
        changed[start : start + 30] = chooser.randbytes(chooser.choice((1, 30)))
        try:
            office.approve(bytes(changed), "step1")
        except pades.SigningRefused:
            refused += 1
    assert refused > 20


def test_a_certificate_is_found_by_its_bytes_not_its_name(office, tmp_path):
    namesake = Office(tmp_path / "authority")
    assert namesake.authority.company == office.authority.company
    assert not office.verify(namesake.sign_all(plain_pdf())[-1]).trusted


def test_without_roots_nothing_is_ours(signed):
    verdict = pades.verify(signed, (), now=NOW + timedelta(days=1))
    assert (verdict.intact, verdict.trusted) == (True, False)


def test_the_key_in_memory_is_used_as_parsed(office, stages, monkeypatch):
    def forbidden(*_arguments, **_options):
        raise AssertionError("a key was parsed again")

    monkeypatch.setattr(serialization, "load_der_private_key", forbidden)
    monkeypatch.setattr(serialization, "load_pem_private_key", forbidden)
    assert office.approve(stages[0], "step1")


def test_judging_needs_no_network(office, signed, monkeypatch):
    def forbidden(*_arguments, **_options):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", forbidden)
    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    assert office.verify(signed).trusted

"""A paper the company has closed: nothing may be added, and stock pyHanko and pdfsig agree."""

import io
import re
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pypdf import PdfWriter

from archive.signing import appearance, pades
from archive.signing.authority import CompanyAuthority
from archive.signing.boxes import Box
from archive.signing.pades import SigningRefused
from archive.signing.pades.identity import load_roots
from archive.signing.reserved import CLOSING_FIELD

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
PLACES = {
    "step1": Box("报告人", 0, 100, 500, 185, 534),
    "step2": Box("总经理", 0, 100, 400, 185, 434),
    "added1": Box("加签", 0, 0, 0, 0, 0),
    CLOSING_FIELD: Box("签核完毕", 0, 0, 0, 0, 0),
}


class Office:
    def __init__(self, folder):
        self.authority = CompanyAuthority.create(folder, "示例集团", b"correct horse battery", NOW)
        self.company = self.key(self.authority.issue_company_seal(NOW))
        self.person = self.key(self.authority.issue_person("张三", "A001", NOW))

    def key(self, issued):
        return self.authority.signing_key(issued.certificate_pem, issued.encrypted_key_pem)

    def prepare(self, pages=1):
        writer = PdfWriter()
        for _ in range(pages):
            writer.add_blank_page(595, 842)
        out = io.BytesIO()
        writer.write(out)
        return pades.prepare(out.getvalue(), PLACES, self.company, "送签", NOW)

    def approve(self, pdf, field):
        image = appearance.compose(None, "张三", "2026年11月23日")
        return pades.approve(pdf, field, self.person, image, "张三", "同意", NOW)

    def close(self, pdf):
        return pades.close_paper(pdf, self.company, "签核完毕", NOW)

    def verify(self, pdf):
        return pades.verify(pdf, self.authority.trust_roots, now=NOW + timedelta(days=1))


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    return Office(tmp_path_factory.mktemp("office") / "authority")


@pytest.fixture(scope="module")
def stages(office):
    found = [office.prepare()]
    for field in ("step1", "step2"):
        found.append(office.approve(found[-1], field))
    return [*found, office.close(found[-1])]


def by_pdfsig(pdf, tmp_path):
    (tmp_path / "judged.pdf").write_bytes(pdf)
    command = ["pdfsig", "-nocert", tmp_path / "judged.pdf"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return re.findall(r"Validation: (.*)", answer.stdout)


def by_stock(office, pdf):
    context = lambda: ValidationContext(  # noqa: E731
        trust_roots=list(load_roots(office.authority.trust_roots)), moment=NOW, allow_fetching=False
    )
    signatures = PdfFileReader(io.BytesIO(pdf)).embedded_regular_signatures
    return [validate_pdf_signature(each, context()).bottom_line for each in signatures]


def test_three_judges_agree_at_every_stage(office, stages, tmp_path):
    for done, stage in enumerate(stages, 1):
        assert office.verify(stage).trusted
        assert by_stock(office, stage) == [True] * done
        assert by_pdfsig(stage, tmp_path) == ["Signature is Valid."] * done
    assert office.verify(stages[-1]).waiting == ()
    assert office.verify(stages[-2]).waiting == ()
    assert office.verify(stages[1]).waiting == ("总经理",)


@pytest.mark.parametrize("field", ["step1", "added1", CLOSING_FIELD, "company", "nowhere"])
def test_nobody_signs_a_closed_paper(office, stages, field):
    with pytest.raises(SigningRefused) as refusal:
        office.approve(stages[-1], field)
    assert re.search("[一-鿿]", refusal.value.message)


def test_closing_twice_is_refused(office, stages):
    with pytest.raises(SigningRefused):
        office.close(stages[-1])


def test_a_field_added_after_the_lock_is_seen(office, stages):
    writer = IncrementalPdfFileWriter(io.BytesIO(stages[-1]))
    fields.append_signature_field(writer, fields.SigFieldSpec("extra", box=(10, 10, 90, 40)))
    out = io.BytesIO()
    writer.write(out)
    verdict = office.verify(out.getvalue())
    assert (verdict.intact, verdict.trusted) == (False, False)


def test_a_signature_forced_in_after_the_lock_is_seen(office, stages):
    """Somebody with a good key signs the spare field of a closed paper with another tool."""
    from pyhanko.sign.signers import PdfSignatureMetadata, PdfSigner

    from archive.signing.pades.pen import KeptKeySigner

    writer = IncrementalPdfFileWriter(io.BytesIO(stages[-1]))
    metadata = PdfSignatureMetadata(field_name="added1", md_algorithm="sha256")
    out = io.BytesIO()
    try:
        PdfSigner(metadata, KeptKeySigner(office.person)).sign_pdf(
            writer, existing_fields_only=True, output=out
        )
    except Exception as refusal:  # noqa: BLE001 - the tool itself may respect the lock
        assert str(refusal)
        return
    assert not office.verify(out.getvalue()).intact


def test_a_signature_from_another_paper_does_not_fit(office, stages):
    other = office.approve(office.prepare(pages=2), "step1")
    hole = re.compile(rb"/Contents\s*<([0-9a-fA-F]{2000,})>")
    mine, theirs = list(hole.finditer(stages[1]))[1], list(hole.finditer(other))[1]
    stolen = theirs.group(1).ljust(len(mine.group(1)), b"0")[: len(mine.group(1))]
    forged = stages[1][: mine.start(1)] + stolen + stages[1][mine.end(1) :]
    verdict = office.verify(forged)
    assert (verdict.intact, verdict.trusted) == (False, False)


def test_a_signature_taken_away_is_somebody_waited_for_again(office, stages):
    """Cut back to before the last signature, the file is an older state and says so."""
    verdict = office.verify(stages[1])
    assert verdict.waiting == ("总经理",)
    assert "还没有签名" in verdict.why


def test_what_changes_an_earlier_field_between_two_signatures_is_seen(office, stages):
    """The quick comparison of later signatures lets nothing pass that the full one would not."""
    from pyhanko.pdf_utils import generic

    writer = IncrementalPdfFileWriter(io.BytesIO(stages[1]))
    found = {name: ref for name, _, ref in fields.enumerate_sig_fields(writer.prev)}
    field = writer.get_object(found["step1"].reference)
    field[generic.NameObject("/TU")] = generic.TextStringObject("别人")
    writer.update_container(field)
    out = io.BytesIO()
    writer.write(out)
    forged = office.approve(out.getvalue(), "step2")
    verdict = office.verify(forged)
    assert not verdict.intact
    assert False in by_stock(office, forged)

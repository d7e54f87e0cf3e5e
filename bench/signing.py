"""Signing and verifying a one-page form: ours beside stock pyHanko on the same file."""

import io
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from PIL import Image
from pyhanko.pdf_utils.images import PdfImage
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.stamp import StaticStampStyle
from pyhanko_certvalidator import ValidationContext

from archive.signing import appearance, pades
from archive.signing.authority import CompanyAuthority
from archive.signing.boxes import find_boxes
from archive.signing.opc import judge_word, sign_word
from archive.signing.pades.identity import load_roots
from bench.timing import in_turn
from doc_templates import PrintContext, load_form, render_word, sample_values
from doc_templates.pdf import OfficeConverter

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
ROUNDS = 20


def run() -> str:
    form = load_form("E01")
    word = render_word(form, sample_values("E01"), PrintContext(number="2026-001"))
    with OfficeConverter() as office:
        plain = office.to_pdf(word)
    with tempfile.TemporaryDirectory() as folder:
        authority = CompanyAuthority.create(
            Path(folder, "authority"), "示例集团有限公司", b"correct horse battery", NOW
        )
        return _measured(form, word, plain, authority)


def _measured(form, word, plain, authority):
    company = _key(authority, authority.issue_company_seal(NOW))
    person = _key(authority, authority.issue_person("张三", "A001", NOW))
    roles = [one.role for one in form.signers][:3]
    boxes = dict(zip(("step1", "step2", "step3"), find_boxes(plain, roles).values(), strict=False))
    prepared = pades.prepare(plain, boxes, company, "送签", NOW)
    image = appearance.compose(None, "张三", "2026年11月23日")

    def ours():
        drawn = appearance.compose(None, "张三", "2026年11月23日")
        return pades.approve(prepared, "step1", person, drawn, "张三", "同意", NOW)

    def stock():
        signer = signers.SimpleSigner.load(
            key_file=_pem(person), cert_file=_cert(person), key_passphrase=None
        )
        style = StaticStampStyle(
            border_width=0, background=PdfImage(Image.open(io.BytesIO(image)).convert("RGBA"))
        )
        metadata = signers.PdfSignatureMetadata(
            field_name="step1", subfilter=fields.SigSeedSubFilter.PADES, md_algorithm="sha256"
        )
        writer = IncrementalPdfFileWriter(io.BytesIO(prepared))
        out = io.BytesIO()
        signers.PdfSigner(metadata, signer, stamp_style=style).sign_pdf(writer, output=out)
        return out.getvalue()

    signed = prepared
    for step in boxes:
        signed = pades.approve(signed, step, person, image, "张三", "同意", NOW)
    roots = list(load_roots(authority.trust_roots))

    def verify():
        assert pades.verify(signed, authority.trust_roots, now=NOW).trusted

    def stock_verify():
        for each in PdfFileReader(io.BytesIO(signed)).embedded_regular_signatures:
            context = ValidationContext(trust_roots=roots, moment=NOW, allow_fetching=False)
            assert validate_pdf_signature(each, context).intact

    sealed = sign_word(word, company, "E01", NOW)
    rows = [
        ("approval B-B with appearance", in_turn({"ours": ours, "stock": stock}, ROUNDS)),
        (
            f"verification, {len(boxes)} signers and the company",
            in_turn({"ours": verify, "stock": stock_verify}, ROUNDS),
        ),
        (
            "prepare: fields and certification",
            in_turn({"ours": lambda: pades.prepare(plain, boxes, company, "送签", NOW)}, ROUNDS),
        ),
        (
            "Word: signature over the package",
            in_turn({"ours": lambda: sign_word(word, company, "E01", NOW)}, ROUNDS),
        ),
        (
            "Word: verification",
            in_turn({"ours": lambda: judge_word(sealed, authority.chain[:1], {}, NOW)}, ROUNDS),
        ),
    ]
    return _section(rows)


def _section(rows):
    lines = [
        "## Signing (E01, one page, ECDSA P-256)",
        "",
        "CPU ms (median). Stock pyHanko reads the key file at every signature, as its signer does; "
        "goals: approval ≤ 40, verification < 100.",
        "",
        "| | ours | stock pyHanko |",
        "|---|---|---|",
    ]
    for name, figures in rows:
        stock = f"{figures['stock'][0]:.0f}" if "stock" in figures else "—"
        lines.append(f"| {name} | {figures['ours'][0]:.0f} | {stock} |")
    return "\n".join(lines)


_files: dict[str, str] = {}


def _pem(key):
    return _kept(
        "key",
        key.private_key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def _cert(key):
    return _kept("cert", key.certificate.public_bytes(serialization.Encoding.PEM))


def _kept(name, content):
    if name not in _files:
        path = Path(tempfile.mkdtemp()) / name
        path.write_bytes(content)
        _files[name] = str(path)
    return _files[name]


def _key(authority, issued):
    return authority.signing_key(issued.certificate_pem, issued.encrypted_key_pem)

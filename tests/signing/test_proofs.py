"""A record's paper from submission to archive: whole in one file, provable, and kept provable."""

import io
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from pypdf import PdfReader
from sqlalchemy import select

from archive.core.errors import ArchiveError, Invalid, Throttled
from archive.documents import service as documents
from archive.filing import service as filing
from archive.filing.models import ItemFile
from archive.jobs import do_chores, drain_all
from archive.people import access
from archive.records import drafts
from archive.records import service as records
from archive.signing import edge, freeze, keys, own_keys, pades, proofs, service
from archive.signing.codes import clean_code, code_for, find_coded, shown_code
from archive.signing.models import PersonCertificate
from archive.signing.verdict_reader import judge_apart
from archive.signing.verdicts import _known, judge_file, judge_link, judge_stranger
from doc_templates import sample_values
from doc_templates.pdf import OfficeConverter

pytestmark = pytest.mark.slow

PASSWORD = "档案台-测试-2026"


@pytest.fixture
def signers(company):
    return (company.sales_clerk, company.sales_head, company.leader)


@pytest.fixture
def stamping(resources, stamp_server, tmp_path):
    """The instance wants B-LTA from an authority that keeps the instance's time."""

    def turn_on(level="B-LTA"):
        server = stamp_server(resources.clock())
        certs = tmp_path / "tsa.pem"
        certs.write_bytes(server.root_pem)
        resources.settings = replace(
            resources.settings, signature_level=level, tsa_url=server.url, tsa_certs=certs
        )
        return server

    return turn_on


@pytest.fixture(autouse=True)
def nobody_rests():
    proofs._resting.clear()


def submit(resources, author):
    with resources.work() as uow:
        draft = drafts.create_draft(uow, author, "E01", sample_values("E01"))
        uow.commit()
    edge.submit(resources, author, draft.id, draft.version)
    return draft.id


def sign_all(resources, signers):
    record_id = submit(resources, signers[0])
    for person in signers:
        edge.sign(resources, person, record_id, password=PASSWORD, drawn_png=None)
    return record_id


def latest(resources, record_id, kind="pdf"):
    with resources.reading() as uow:
        found = documents.latest_document(uow, record_id, kind)
    return resources.blobs.read(found.sha256)


def proof(resources, record_id):
    with resources.reading() as uow:
        return proofs.find_proof(uow, record_id)


# --- one file is the whole record


def test_the_pdf_carries_the_data_and_the_word_file(resources, signers):
    record_id = submit(resources, signers[0])
    attached = {each.name: each for each in pades.attachments_of(latest(resources, record_id))}
    assert attached["document.docx"].content == latest(resources, record_id, "docx")
    assert attached["document.docx"].relationship == "Source"
    data = json.loads(attached["data.json"].content)
    assert attached["data.json"].relationship == "Data"
    assert data["form"] == "E01"
    assert data["values"]["客户名称"] == sample_values("E01")["客户名称"]


@pytest.mark.office
def test_the_signed_pdf_is_pdf_a_3(resources, signers):
    with OfficeConverter() as office:
        resources.converter = office
        record_id = sign_all(resources, signers)
    pdf = latest(resources, record_id)
    root = PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    metadata = root["/Metadata"].get_data()
    assert b"<pdfaid:part>3</pdfaid:part>" in metadata
    assert b"<pdfaid:conformance>B</pdfaid:conformance>" in metadata
    assert root["/OutputIntents"][0]["/S"] == "/GTS_PDFA1"
    assert "/Encrypt" not in PdfReader(io.BytesIO(pdf)).trailer
    assert "/OpenAction" not in root or "/JavaScript" not in str(root["/OpenAction"])
    for spec in (each.get_object() for each in root["/AF"]):
        stream = spec["/EF"]["/F"]
        assert spec["/AFRelationship"] in ("/Source", "/Data")
        assert (spec["/F"], spec["/Type"]) == (spec["/UF"], "/Filespec")
        assert stream["/Subtype"].startswith("/application/")
        assert {"/ModDate", "/Size", "/CheckSum"} <= set(stream["/Params"])
    for mark in annotations_of(pdf):
        has_extent = mark["/Rect"][0] != mark["/Rect"][2]
        assert mark["/F"] & 4 and ("/AP" in mark) >= has_extent, "it prints, and as it looks here"
    assert judge_file(resources, pdf).trusted


def test_at_submission_every_field_is_there_with_its_lock_and_the_paper_is_certified(
    resources, signers
):
    pdf = latest(resources, submit(resources, signers[0]))
    locks = {mark["/T"]: mark["/Lock"] for mark in annotations_of(pdf) if "/Lock" in mark}
    assert list(locks) == [
        *("step1", "step2", "step3"),
        *(f"added{n}" for n in range(1, 7)),
        "closing",
    ]
    for name, lock in locks.items():
        if name != "closing":
            assert (lock["/Action"], lock["/Fields"]) == ("/Include", [name])
    assert (locks["closing"]["/Action"], locks["closing"]["/P"]) == ("/All", 1)
    root = PdfReader(io.BytesIO(pdf)).trailer["/Root"]
    certified = root["/Perms"]["/DocMDP"]["/Reference"][0]["/TransformParams"]
    assert certified["/P"] == 2, "nothing but filling in the fields is allowed from now on"


def annotations_of(pdf):
    pages = PdfReader(io.BytesIO(pdf)).pages
    return [mark.get_object() for page in pages for mark in page.get("/Annots", [])]


# --- the code in the footer


def test_every_frozen_paper_has_a_code_that_cannot_be_guessed(resources, signers):
    record_id = submit(resources, signers[0])
    with resources.work() as uow:
        code = code_for(uow, record_id, 1)
        assert code == code_for(uow, record_id, 1)
        assert find_coded(uow, f" {shown_code(code).lower()} ") == (record_id, 1)
        told = judge_link(uow, code)
    assert (told.known, told.is_superseded) == (True, False)
    assert len(code) == 12
    assert told.number
    assert told.number not in code


@pytest.mark.parametrize(
    "typed", ["", "x", "ABCD-EFGH-JKM", "0" * 12, "' OR 1=1", "码" * 12, "\0" * 12]
)
def test_what_is_no_code_is_known_to_nobody(resources, signers, typed):
    submit(resources, signers[0])
    with resources.reading() as uow:
        assert find_coded(uow, typed) is None
        assert not judge_link(uow, typed).known
    assert clean_code(typed) == "" or len(clean_code(typed)) == 12


def test_a_paper_that_was_returned_and_submitted_anew_is_superseded(resources, signers, company):
    record_id = submit(resources, signers[0])
    edge.sign(resources, signers[0], record_id, password=PASSWORD, drawn_png=None)
    with resources.work() as uow:
        service.return_record(uow, company.sales_head, record_id, "请补充")
        code = code_for(uow, record_id, 1)
        uow.commit()
    with resources.reading() as uow:
        version = records.load_record(uow, record_id).version
    edge.submit(resources, signers[0], record_id, version)
    with resources.reading() as uow:
        told = judge_link(uow, code)
    assert told.is_superseded
    assert told.signatures == ()


# --- levels


def test_without_an_authority_nothing_is_noted_and_nobody_waits(resources, signers):
    record_id = sign_all(resources, signers)
    assert proof(resources, record_id) is None
    assert judge_file(resources, latest(resources, record_id)).level == "B-B"


def test_a_paper_reaches_the_archive_level_after_the_last_signature(resources, signers, stamping):
    stamping()
    record_id = sign_all(resources, signers)
    assert proof(resources, record_id).level == "B-T"
    drain_all(resources)
    assert (proof(resources, record_id).level, proof(resources, record_id).waiting) == (
        "B-LTA",
        False,
    )
    verdict = judge_file(resources, latest(resources, record_id))
    assert (verdict.ours, verdict.intact, verdict.trusted) == (True, True, True)
    assert (verdict.level, verdict.is_latest) == ("B-LTA", True)
    assert all(one.stamped_at for one in verdict.signatures)


def test_with_the_authority_away_signing_goes_on_and_the_stamps_come_later(
    resources, signers, stamping, clock
):
    server = stamping()
    server.mood = "away"
    record_id = sign_all(resources, signers)
    drain_all(resources)
    found = proof(resources, record_id)
    assert (found.level, found.waiting, found.label) == ("B-B", True, "B-B，等待时间戳")
    assert "没有应答" in found.why
    clock.advance(minutes=30)
    server.mood, server.now = "well", clock.now
    do_chores(resources)
    drain_all(resources)
    assert (proof(resources, record_id).level, proof(resources, record_id).waiting) == (
        "B-LTA",
        False,
    )
    assert judge_file(resources, latest(resources, record_id)).trusted


def test_a_filed_paper_is_refreshed_before_its_stamp_ages_and_the_item_follows(
    resources, signers, company, stamping, clock
):
    server = stamping()
    record_id = sign_all(resources, signers)
    drain_all(resources)
    with resources.work() as uow:
        item = filing.file_record(uow, company.archivist, record_id)
        uow.commit()
    before = latest(resources, record_id)
    clock.advance(days=300)
    server.now = clock.now
    server.renew(days=1000)
    do_chores(resources)
    drain_all(resources)
    after = latest(resources, record_id)
    assert after.startswith(before)
    assert after != before
    with resources.reading() as uow:
        files = uow.session.scalars(select(ItemFile).where(ItemFile.item_id == item.id)).all()
        master = next(each.sha256 for each in files if each.role == "master")
    assert resources.blobs.read(master) == after
    assert judge_file(resources, after).is_latest
    old = judge_file(resources, before)
    assert (old.known, old.is_latest, old.trusted) == (True, False, True)
    do_chores(resources)
    assert drain_all(resources) == 0, "once is enough"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"signature_level": "B-X"}, "只能是"),
        ({"tsa_url": ""}, "ARCHIVE_TSA_URL"),
        ({"tsa_url": "file:///etc/passwd"}, "http"),
        ({"tsa_certs": None}, "ARCHIVE_TSA_CERTS"),
    ],
)
def test_half_a_setting_is_refused_and_never_a_lower_level(
    resources, signers, stamping, change, says
):
    stamping()
    resources.settings = replace(resources.settings, **change)
    with pytest.raises(ArchiveError, match=says):
        submit(resources, signers[0])


# --- certificates


def test_a_leavers_certificate_is_revoked_and_published(resources, signers, company):
    record_id = sign_all(resources, signers)
    with resources.work() as uow:
        access.mark_left(uow, company.admin, signers[1].id)
        uow.commit()
    do_chores(resources)
    with resources.reading() as uow:
        row = uow.session.scalars(
            select(PersonCertificate).where(PersonCertificate.user_id == signers[1].id)
        ).one()
        serial, since = row.serial, row.revoked_at
    assert since == resources.clock()
    published = x509.load_der_x509_crl(keys.company_crl(resources))
    assert [f"{each.serial_number:x}" for each in published] == [serial]
    verdict = judge_file(resources, latest(resources, record_id))
    assert not verdict.trusted, "signed at the very instant of the revocation"
    with resources.work() as uow:
        assert keys.revoke_person(uow, signers[1].id, resources.clock()) == 0


def test_what_was_signed_before_leaving_stays_good(resources, signers, company, clock):
    record_id = sign_all(resources, signers)
    clock.advance(days=10)
    with resources.work() as uow:
        assert keys.revoke_person(uow, signers[1].id, clock.now) == 1
        uow.commit()
    verdict = judge_file(resources, latest(resources, record_id))
    assert verdict.trusted
    assert any("作废，签名时有效" in one.why for one in verdict.signatures)


def test_a_certificate_is_renewed_before_it_expires(resources, signers, clock):
    first = keys.person_key(resources, signers[0]).serial_hex
    clock.advance(days=365 * 3 - 70)
    assert keys.person_key(resources, signers[0]).serial_hex == first
    clock.advance(days=20)
    second = keys.person_key(resources, signers[0]).serial_hex
    assert second != first
    assert keys.person_key(resources, signers[0]).serial_hex == second


# --- one's own certificate


def own_file(name, now, password=b"own secret", days=365, bits=2048, commits=True, rounds=None):
    key = rsa.generate_private_key(65537, bits)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    usage = x509.KeyUsage(True, commits, False, False, False, False, False, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    lock = serialization.BestAvailableEncryption(password)
    if rounds:
        builder = serialization.PrivateFormat.PKCS12.encryption_builder().kdf_rounds(rounds)
        lock = builder.build(password)
    return pkcs12.serialize_key_and_certificates(b"own", key, certificate, None, lock)


def register(resources, actor, content, password="own secret"):
    with resources.work() as uow:
        own_keys.register_own(uow, actor, content, password)
        uow.commit()


def test_a_person_signs_with_a_certificate_of_their_own(resources, signers, clock):
    register(resources, signers[0], own_file(signers[0].name, clock.now))
    record_id = submit(resources, signers[0])
    with pytest.raises(Invalid, match="证书") as refusal:
        keys.person_key(resources, signers[0])
    assert "own_password" in refusal.value.fields
    with pytest.raises(Invalid, match="密码不对"):
        keys.person_key(resources, signers[0], "wrong")
    with resources.reading() as uow:
        record, run, task = service.plan_signature(uow, signers[0], record_id)
        before = documents.latest_document(uow, record_id, "pdf")
    signed = freeze.freeze_signature(
        resources,
        signers[0],
        record,
        run,
        task,
        None,
        before.sha256,
        {},
        own_password="own secret",
    )
    verdict = judge_file(resources, resources.blobs.read(signed.pdf.sha256))
    assert (verdict.intact, verdict.trusted) == (True, True)
    assert verdict.signatures[1].name == signers[0].name
    with resources.work() as uow:
        own_keys.drop_own(uow, signers[0])
        uow.commit()
    assert keys.person_key(resources, signers[0]).serial_hex != signed.certificate_serial


def test_anothers_expired_weak_or_unfit_certificate_is_refused(resources, signers, clock):
    mine = signers[0].name
    for content, says in [
        (own_file("别人", clock.now), "本人"),
        (own_file(mine, clock.now - timedelta(days=900)), "有效期"),
        (own_file(mine, clock.now, bits=1024), "太短"),
        (own_file(mine, clock.now, commits=False), "不可否认"),
        (b"", "空的"),
        (b"x" * 200_000, "100 KB"),
        (b"no certificate", "PKCS#12"),
    ]:
        with pytest.raises(Invalid, match=says):
            register(resources, signers[0], content)
    with pytest.raises(Invalid, match="密码不对"):
        register(resources, signers[0], own_file(mine, clock.now), "wrong")


def test_a_file_that_would_stretch_its_password_for_hours_is_refused(resources, signers, clock):
    content = own_file(signers[0].name, clock.now)
    many = content.replace(bytes.fromhex("02024e20"), bytes.fromhex("02047fffffff"))
    if many == content:
        many = own_file(signers[0].name, clock.now, rounds=3_000_000)
    with pytest.raises(Invalid, match="证书"):
        register(resources, signers[0], many)


def test_an_own_certificate_of_the_companys_unit_is_no_company(resources, signers, clock):
    """A self-made certificate with the seal's OU, even registered, certifies nothing."""
    register(resources, signers[0], own_file(signers[0].name, clock.now))
    with resources.reading() as uow:
        registered = own_keys.registered_certificates(uow)
        key = own_keys.open_own_key(uow, signers[0].id, "own secret")
    authority = keys.open_authority(resources)
    pdf = latest(resources, submit(resources, signers[0]))
    verdict = pades.verify(
        pdf, (), now=resources.clock(), registered=(*registered, authority.issuing_pem)
    )
    assert key is not None
    assert not verdict.trusted


# --- strangers' files


@pytest.mark.parametrize("content", [b"", b"PK\3\4", b"%PDF-1.7\n", b"\0" * 1000, "你好".encode()])
def test_what_is_no_paper_is_judged_apart_with_a_word(resources, content):
    verdict = judge_stranger(resources, content)
    assert (verdict.ours, verdict.intact) == (False, False)
    assert verdict.why


def test_a_strangers_file_is_judged_as_ours_would_be(resources, signers):
    record_id = sign_all(resources, signers)
    for kind in ("pdf", "docx"):
        content = latest(resources, record_id, kind)
        assert judge_stranger(resources, content) == judge_file(resources, content)
        assert judge_stranger(resources, content).trusted


def test_a_file_that_is_too_much_is_stopped(resources, signers):
    content = latest(resources, submit(resources, signers[0])) + b"%" * (80 << 20)
    verdict = judge_apart(content, _known(resources), seconds=30, memory=200 << 20)
    assert (verdict.ours, "停止" in verdict.why) == (False, True)


# --- what the pages say


def test_the_page_says_that_a_stamp_is_waited_for(resources, signers, stamping, client_for):
    stamping().mood = "away"
    record_id = submit(resources, signers[0])
    page = client_for(signers[0]).get(f"/signing/{record_id}").get_data(as_text=True)
    assert "B-B，等待时间戳" in page
    assert "没有应答" in page


def test_guessing_the_password_of_ones_own_certificate_is_slowed_down(resources, signers, clock):
    register(resources, signers[0], own_file(signers[0].name, clock.now))
    record_id = submit(resources, signers[0])

    def attempt(own_password):
        edge.sign(
            resources, signers[0], record_id,
            password=PASSWORD, drawn_png=None, own_password=own_password,
        )  # fmt: skip

    for _ in range(8):
        with pytest.raises(Invalid, match="密码不对"):
            attempt("guess")
    with pytest.raises(Throttled, match="15 分钟"):
        attempt("own secret")
    clock.advance(minutes=16)
    attempt("own secret")
    assert judge_file(resources, latest(resources, record_id)).trusted


def test_signing_with_ones_own_certificate_over_the_pages(resources, signers, clock, client_for):
    me = client_for(signers[0])
    sent = {
        "file": (io.BytesIO(own_file(signers[0].name, clock.now)), "me.p12"),
        "own_password": "own secret",
        "password": "falsch",
    }
    assert me.post("/me/certificate", data=sent).status_code == 422
    sent |= {
        "file": (io.BytesIO(own_file(signers[0].name, clock.now)), "me.p12"),
        "password": PASSWORD,
    }
    assert me.post("/me/certificate", data=sent).status_code == 302
    assert signers[0].name in me.get("/me/certificate").get_data(as_text=True)
    record_id = submit(resources, signers[0])
    assert "own_password" in me.get(f"/signing/{record_id}").get_data(as_text=True)
    said = {"password": PASSWORD}
    assert me.post(f"/signing/{record_id}/sign", data=said).status_code == 422
    said["own_password"] = "own secret"
    assert me.post(f"/signing/{record_id}/sign", data=said).status_code == 302
    assert judge_file(resources, latest(resources, record_id)).trusted
    assert me.post("/me/certificate/drop", data={"password": PASSWORD}).status_code == 302
    with resources.reading() as uow:
        assert own_keys.find_own(uow, signers[0].id) is None

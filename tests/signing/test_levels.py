"""Time-stamps: stamped at once, stamped later, sealed for the archive, refreshed, and forged."""

import io
import re
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pypdf import PdfReader, PdfWriter

from archive.signing import appearance, pades
from archive.signing.authority import CompanyAuthority
from archive.signing.boxes import Box
from archive.signing.pades import Evidence
from archive.signing.timestamps import Level, TimeAuthority, TimeStampAway

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
BOX = {
    "step1": Box("报告人", 0, 100, 500, 185, 534),
    "step2": Box("总经理", 0, 100, 400, 185, 434),
}
MOODS = ["away", "babble", "refuse", "replay", "other paper"]


def plain_pdf():
    writer = PdfWriter()
    writer.add_blank_page(595, 842)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


class Office:
    def __init__(self, folder):
        self.authority = CompanyAuthority.create(folder, "示例集团", b"correct horse battery", NOW)
        self.company = self.key(self.authority.issue_company_seal(NOW))
        self.person = self.key(self.authority.issue_person("张三", "A001", NOW))
        self.evidence = Evidence(
            (self.authority.issuing_pem, self.authority.root_pem),
            (self.authority.crl([], NOW), self.authority.root_crl),
        )

    def key(self, issued):
        return self.authority.signing_key(issued.certificate_pem, issued.encrypted_key_pem)

    def prepare(self, stamps=None):
        return pades.prepare(plain_pdf(), BOX, self.company, "送签", NOW, authority=stamps)

    def approve(self, pdf, field, stamps=None, at=NOW):
        image = appearance.compose(None, "张三", "2026年11月23日")
        return pades.approve(pdf, field, self.person, image, "张三", "同意", at, authority=stamps)

    def sign_all(self, stamps=None):
        return self.approve(self.approve(self.prepare(stamps), "step1", stamps), "step2", stamps)

    def raised(self, pdf, level, stamps, at=NOW):
        return pades.raise_level(pdf, level, stamps, self.evidence, at)

    def verify(self, pdf, stamps=None, at=NOW + timedelta(days=1)):
        roots = stamps.roots if stamps else ()
        return pades.verify(pdf, self.authority.trust_roots, now=at, stamp_roots=roots)


@pytest.fixture(scope="module")
def office(tmp_path_factory):
    return Office(tmp_path_factory.mktemp("office") / "authority")


@pytest.fixture
def server(stamp_server):
    return stamp_server(NOW)


@pytest.fixture
def stamps(server):
    return TimeAuthority(server.url, (server.root_pem,))


def regular_by_pdfsig(pdf, tmp_path):
    """What poppler thinks of the signatures; it does not know document time-stamps."""
    path = tmp_path / "judged.pdf"
    path.write_bytes(pdf)
    answer = subprocess.run(
        ["pdfsig", "-nocert", path], capture_output=True, text=True, check=False
    )
    blocks = answer.stdout.split("Signature #")[1:]
    return [re.search(r"Validation: (.*)", each).group(1) for each in blocks if "CAdES" in each]


def test_every_signature_is_stamped_at_once(office, stamps, server, tmp_path):
    pdf = office.sign_all(stamps)
    assert server.asked == 3
    assert pades.proof_of(pdf).level is Level.T
    verdict = office.verify(pdf, stamps)
    assert (verdict.trusted, verdict.level) == (True, "B-T")
    assert [each.stamped_at for each in verdict.signatures] == [NOW] * 3
    assert "时间戳证明它在 2026-11-23 09:00 已经签好" in verdict.signatures[1].why
    assert regular_by_pdfsig(pdf, tmp_path) == ["Signature is Valid."] * 3


@pytest.mark.parametrize("level", [Level.LT, Level.LTA])
def test_a_finished_paper_is_raised_and_nothing_before_changes(office, stamps, level, tmp_path):
    pdf = office.sign_all(stamps)
    raised = office.raised(pdf, level, stamps)
    assert raised.startswith(pdf)
    assert pades.proof_of(raised).level is level
    verdict = office.verify(raised, stamps)
    assert (verdict.intact, verdict.trusted, verdict.level) == (True, True, level.value)
    assert regular_by_pdfsig(raised, tmp_path) == ["Signature is Valid."] * 3
    store = PdfReader(io.BytesIO(raised)).trailer["/Root"]["/DSS"]
    assert len(store["/CRLs"]) >= 2
    assert len(store["/Certs"]) >= 5


def test_signatures_made_while_the_authority_was_away_are_stamped_later(office, stamps, server):
    pdf = office.sign_all()
    assert pades.proof_of(pdf).unstamped == 3
    server.mood = "away"
    with pytest.raises(TimeStampAway, match="没有应答"):
        office.raised(pdf, Level.T, stamps)
    server.mood = "well"
    raised = office.raised(pdf, Level.T, stamps)
    assert (pades.proof_of(raised).level, pades.proof_of(raised).unstamped) == (Level.T, 0)
    verdict = office.verify(raised, stamps)
    assert verdict.trusted
    assert verdict.stamps[0].stamped_at == NOW
    assert pades.proof_of(office.raised(raised, Level.LTA, stamps)).level is Level.LTA


def test_a_paper_stamped_on_its_way_is_signed_on(office, stamps, tmp_path):
    pdf = office.approve(office.prepare(), "step1")
    pdf = office.raised(pdf, Level.T, stamps)
    assert pades.proof_of(pdf).unstamped == 0
    pdf = office.approve(pdf, "step2", stamps)
    verdict = office.verify(pdf, stamps)
    assert (verdict.trusted, verdict.level) == (True, "B-T")
    assert regular_by_pdfsig(pdf, tmp_path) == ["Signature is Valid."] * 3


@pytest.mark.parametrize("mood", MOODS)
def test_no_bad_answer_gets_into_a_paper(office, stamps, server, mood):
    server.mood = mood
    with pytest.raises(TimeStampAway) as refusal:
        office.prepare(stamps)
    assert re.search("[一-鿿]", refusal.value.message)
    with pytest.raises(TimeStampAway):
        office.raised(office.sign_all(), Level.LTA, stamps)


def test_a_strangers_authority_and_a_wrong_clock_are_not_used(office, stamps, server, stamp_server):
    other = stamp_server(NOW)
    with pytest.raises(TimeStampAway, match="信任"):
        office.prepare(TimeAuthority(other.url, stamps.roots))
    server.now = NOW + timedelta(hours=1)
    with pytest.raises(TimeStampAway, match="相差"):
        office.prepare(stamps)


def test_nobody_there_is_no_crash(office):
    with pytest.raises(TimeStampAway):
        office.prepare(TimeAuthority("http://127.0.0.1:9/", (office.authority.root_pem,)))


def test_an_unknown_authoritys_stamps_say_nothing_but_harm_nothing(office, stamps):
    verdict = office.verify(office.raised(office.sign_all(stamps), Level.LTA, stamps))
    assert (verdict.intact, verdict.trusted) == (True, True)
    assert verdict.signatures[0].stamped_at is None
    assert "不在信任之列" in verdict.signatures[0].why
    assert "信任之列" in verdict.stamps[0].why


def test_the_archive_stamp_is_refreshed_before_it_ages(office, stamps, server):
    pdf = office.raised(office.sign_all(stamps), Level.LTA, stamps)
    assert pades.proof_of(pdf).stamps_until == NOW + timedelta(days=365)
    later = NOW + timedelta(days=300)
    server.now = later
    server.renew(days=1000)
    fresh = office.raised(pdf, Level.LTA, stamps, at=later)
    assert fresh.startswith(pdf)
    assert pades.proof_of(fresh).stamps_until == later + timedelta(days=1000)
    after_the_first = NOW + timedelta(days=700)
    old, new = (
        office.verify(pdf, stamps, at=after_the_first),
        office.verify(fresh, stamps, at=after_the_first),
    )
    assert "到期" in old.stamps[0].why
    assert [each.trusted for each in new.stamps] == [True, True]
    assert new.signatures[1].stamped_at == NOW
    assert (old.trusted, new.trusted) == (True, True)


def updated(pdf, change):
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


@pytest.mark.parametrize("level", [Level.LT, Level.LTA])
def test_what_is_appended_behind_the_proof_is_seen(office, stamps, level):
    pdf = office.raised(office.sign_all(stamps), level, stamps)
    assert not office.verify(pdf + b"% and more", stamps).intact
    stray = updated(pdf, lambda writer: writer.add_object(generic.TextStringObject("夹带")))
    assert not office.verify(stray, stamps).intact

    def touch(writer):
        writer.root[generic.NameObject("/Lang")] = generic.TextStringObject("en")
        writer.update_root()

    assert not office.verify(updated(pdf, touch), stamps).intact


def test_smuggling_beside_validation_data_is_seen(office, stamps):
    pdf = office.raised(office.sign_all(stamps), Level.LT, stamps)

    def smuggle(writer):
        store = writer.root["/DSS"]
        store[generic.NameObject("/TU")] = generic.TextStringObject("x")
        writer.update_container(store)
        writer.add_object(generic.TextStringObject("夹带"))

    assert not office.verify(updated(pdf, smuggle), stamps).intact


def test_a_flipped_byte_under_the_archive_stamp_is_seen(office, stamps):
    signed = office.sign_all(stamps)
    pdf = office.raised(signed, Level.LTA, stamps)
    for place in range(len(signed) + 40, len(pdf) - 26_000, 997):
        changed = bytearray(pdf)
        changed[place] ^= 1
        assert not office.verify(bytes(changed), stamps).intact, place


def test_a_stamp_from_another_signature_does_not_hold(office, stamps):
    """The token of one signature is put into another: same length, other imprint."""
    pdf = office.approve(office.prepare(stamps), "step1", stamps)
    holes = [match.span(1) for match in re.finditer(rb"/Contents\s*<([0-9a-fA-F]{2000,})>", pdf)]
    first, second = (pdf[start:end] for start, end in holes[:2])
    swapped = pdf[: holes[0][0]] + second.ljust(len(first), b"0")[: len(first)]
    swapped += pdf[holes[0][1] :]
    assert not office.verify(swapped, stamps).intact


def test_openssls_time_stamps_are_understood(office, tmp_path):
    """An authority that shares no code with us: openssl ts, at the machine's own time."""
    import threading
    from http.server import BaseHTTPRequestHandler, HTTPServer

    from archive.signing.pades.stamper import Stamper

    config = tmp_path / "tsa.cnf"
    config.write_text(
        "[req]\ndistinguished_name=dn\n[dn]\n[ext]\nextendedKeyUsage=critical,timeStamping\n"
        "keyUsage=critical,digitalSignature\n[tsa]\ndefault_tsa=t\n[t]\n"
        f"serial={tmp_path}/serial\ncrypto_device=builtin\nsigner_cert={tmp_path}/tsa.pem\n"
        f"certs={tmp_path}/root.pem\nsigner_key={tmp_path}/tsa.key\nsigner_digest=sha256\n"
        "default_policy=1.2.3.4.1\ndigests=sha256\naccuracy=secs:1\nordering=yes\ntsa_name=yes\n"
        "ess_cert_id_chain=no\n"
    )
    (tmp_path / "serial").write_text("01")
    new = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    run = lambda *command: subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)  # noqa: E731
    run(*new, "-x509", "-subj", "/CN=Root", "-keyout", "root.key", "-out", "root.pem")
    run(*new, "-subj", "/CN=TSA", "-keyout", "tsa.key", "-out", "tsa.csr", "-config", config)
    sign = ["openssl", "x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key"]
    run(*sign, "-CAcreateserial", "-out", "tsa.pem", "-extfile", config, "-extensions", "ext")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            query = tmp_path / "q.tsq"
            query.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
            run("openssl", "ts", "-reply", "-queryfile", query, "-config", config, "-out", "r.tsr")
            self.send_response(200)
            self.end_headers()
            self.wfile.write((tmp_path / "r.tsr").read_bytes())

        def log_message(self, *_arguments):
            pass

    web = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    try:
        stamps = TimeAuthority(
            f"http://127.0.0.1:{web.server_port}/", ((tmp_path / "root.pem").read_bytes(),)
        )
        pdf = office.sign_all()
        now = datetime.now(UTC)
        raised = office.raised(pdf, Level.LTA, stamps, at=now)
        assert Stamper(stamps, now)
    finally:
        web.shutdown()
        web.server_close()
    verdict = office.verify(raised, stamps, at=now + timedelta(minutes=1))
    assert (verdict.level, verdict.trusted) == ("B-LTA", True)
    assert verdict.stamps[0].trusted
    assert verdict.stamps[0].authority == "TSA"

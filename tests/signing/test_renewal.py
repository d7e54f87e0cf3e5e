"""The company's own certificates are renewed long before they end; nothing signed becomes doubtful.

The clock goes on for decades here, as it will.
"""

import hashlib
import subprocess
from datetime import timedelta

import pytest
from click.testing import CliRunner
from cryptography import x509
from sqlalchemy import select

from archive.cli import checking
from archive.core.errors import ArchiveError
from archive.jobs import do_chores
from archive.signing import keys, pades
from archive.signing.authority_folder import RENEWED, ROOT_KEY
from archive.signing.models import PersonCertificate
from archive.signing.opc import judge_word
from archive.signing.verdicts import judge_file
from archive.trust.health.rules import DANGER, notices
from archive.trust.health.service import measure
from storage.journal import JournalEntry
from tests.signed import kept, signed_paper

YEAR = 365


@pytest.fixture
def folder(resources):
    keys.open_authority(resources)
    return keys.authority_folder(resources.settings)


def renewals(resources):
    with resources.reading() as uow:
        query = select(JournalEntry.detail).where(JournalEntry.action == "certificate.renew")
        return uow.session.scalars(query).all()


def terms(resources):
    standing = keys.find_standing(resources.settings)
    return standing.issuing.not_valid_after_utc, standing.root.not_valid_after_utc


def test_nothing_is_renewed_before_its_time(resources, folder, clock):
    clock.advance(days=7 * YEAR - 1)
    assert not keys.renew_authority(resources)
    assert not (folder / RENEWED).exists()
    clock.advance(days=2)
    assert keys.renew_authority(resources)
    assert not keys.renew_authority(resources)
    assert terms(resources)[0] == clock.now + timedelta(days=10 * YEAR)


def test_the_worker_renews_by_itself_and_the_journal_and_the_page_say_so(
    resources, folder, company, client_for, clock
):
    first = keys.open_authority(resources)
    clock.advance(days=8 * YEAR)
    do_chores(resources)
    (detail,) = renewals(resources)
    issuing_until, root_until = terms(resources)
    assert issuing_until.isoformat() in str(detail) and root_until.isoformat() in str(detail)
    assert keys.open_authority(resources) is not first, "whoever held it open takes the new one"
    assert keys.open_authority(resources).root_pem == first.root_pem, "the root lasts longer"
    page = client_for(company.admin).get("/admin/health").get_data(as_text=True)
    for until in (issuing_until, root_until):
        assert until.date().isoformat() in page
    assert not [one for one in notices(measure(resources)) if "签发证书" in one.text]


def test_papers_of_every_decade_are_judged_good_by_one_root(
    resources, folder, company, clock, tmp_path, client_for, monkeypatch
):
    papers = []
    for _ in range(5):  # years 0, 8, 16, 24, 32: the root is renewed as well
        papers.append(signed_paper(resources, company))
        clock.advance(days=8 * YEAR)
        do_chores(resources)
    root = client_for(None).get("/trust/company-root.cer").data
    assert x509.load_pem_x509_certificate(root).not_valid_after_utc > clock.now
    for paper in papers:
        pdf, word = kept(resources, paper, "pdf"), kept(resources, paper, "docx")
        assert judge_file(resources, pdf).trusted
        assert judge_file(resources, word).trusted
        assert pades.verify(pdf, [root], now=clock.now).trusted, "with the exported root alone"
        assert "有效" in told_of(resources, pdf, tmp_path, monkeypatch)
        issuing = keys.open_authority(resources).chain[:1]
        assert judge_word(word, issuing, {}, clock.now).valid
    check_with_openssl(resources, root, tmp_path)


def told_of(resources, pdf, tmp_path, monkeypatch):
    """What ``archive verify-file`` says of a file, and ``pdfsig`` holds its signatures valid."""
    path = tmp_path / f"{hashlib.sha256(pdf).hexdigest()}.pdf"
    path.write_bytes(pdf)
    monkeypatch.setattr(checking, "open_instance", lambda: resources)
    told = CliRunner().invoke(checking.verify_file, [str(path)])
    assert told.exit_code == 0, told.output
    found = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, text=True, check=True)
    assert found.stdout.count("Signature is Valid.") == found.stdout.count("Signature Type") == 5
    return told.output


def check_with_openssl(resources, root, tmp_path):
    """Every certificate ever issued is good by the newest root, and the list knows them all."""
    authority = keys.open_authority(resources)
    (tmp_path / "root.pem").write_bytes(root)
    (tmp_path / "issuing.pem").write_bytes(authority.issuing_pem)
    with resources.reading() as uow:
        rows = uow.session.execute(
            select(PersonCertificate.certificate_pem, PersonCertificate.not_before)
        ).all()
    assert len(rows) >= 4 * 4
    for pem, since in rows:
        (tmp_path / "one.pem").write_text(pem)
        command = ["openssl", "verify", "-x509_strict", "-attime", str(int(since.timestamp()) + 9)]
        command += ["-CAfile", tmp_path / "root.pem", "-untrusted", tmp_path / "issuing.pem"]
        told = subprocess.run([*command, tmp_path / "one.pem"], capture_output=True, check=False)
        assert b"OK" in told.stdout, told.stderr


def test_a_certificate_of_before_is_revoked_by_the_list_of_after(resources, folder, company, clock):
    clock.advance(days=6 * YEAR)
    paper = signed_paper(resources, company)
    clock.advance(days=1.5 * YEAR)
    assert keys.renew_authority(resources)
    with resources.work() as uow:
        assert keys.revoke_person(uow, company.sales_head.id, uow.now()) == 1
        uow.commit()
    published = x509.load_der_x509_crl(keys.company_crl(resources))
    first = x509.load_pem_x509_certificate((folder / "issuing.pem").read_bytes())
    assert len(published) == 1
    assert published.issuer == first.subject
    assert published.is_signature_valid(first.public_key())
    clock.advance(days=1)
    assert judge_file(resources, kept(resources, paper, "pdf")).trusted, "signed before"


def test_a_certificate_issued_late_is_never_cut_short(resources, folder, company, clock):
    clock.advance(days=11 * YEAR)
    do_chores(resources)
    issued = keys.open_authority(resources).issue_person("张三", "A1", clock.now)
    assert issued.not_after == clock.now + timedelta(days=3 * YEAR)


def test_without_the_roots_key_the_page_says_what_to_do_and_the_rest_goes_on(
    resources, folder, company, clock, caplog
):
    away = folder.parent / "safe.key"
    (folder / ROOT_KEY).rename(away)
    clock.advance(days=11 * YEAR)
    assert not keys.renew_authority(resources)
    (told,) = [one for one in notices(measure(resources)) if "签发证书" in one.text]
    assert told.tone == DANGER and told.on_every_page
    assert "keys/authority/root.key" in told.text
    with pytest.raises(ArchiveError, match="系统状况"):
        signed_paper(resources, company)
    caplog.clear()
    do_chores(resources)
    failed = [one.args[0] for one in caplog.records if one.message.startswith("chore failed")]
    assert failed == ["note_checkpoint"], "only the checkpoint needs a certificate"
    away.rename(folder / ROOT_KEY)
    do_chores(resources)
    assert judge_file(resources, kept(resources, signed_paper(resources, company), "pdf")).trusted


def test_another_roots_key_or_a_damaged_renewal_is_refused(resources, folder, clock, caplog):
    clock.advance(days=8 * YEAR)
    good = (folder / ROOT_KEY).read_bytes()
    (folder / ROOT_KEY).write_bytes((folder / "issuing.key").read_bytes())
    with pytest.raises(ArchiveError, match="不是根证书的密钥"):
        keys.open_authority(resources).renew(folder, clock.now)
    assert not keys.renew_authority(resources), "a chore that says why in the log"
    assert "不是根证书的密钥" in caplog.text
    (folder / ROOT_KEY).write_bytes(good)
    assert keys.renew_authority(resources)
    renewed = (folder / RENEWED).read_bytes()
    first = (folder / "issuing.pem").read_bytes()
    for content in (renewed[:700], b"x", first + first):
        (folder / RENEWED).write_bytes(content)
        assert "已损坏" in measure(resources).authority_trouble
        with pytest.raises(ArchiveError, match="已损坏"):
            keys.open_authority(resources)
    (folder / RENEWED).write_bytes(renewed)
    keys.open_authority(resources)

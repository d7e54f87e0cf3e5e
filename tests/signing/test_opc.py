"""The Word file is signed as a whole; xmlsec1 and LibreOffice agree, and both see a change."""

import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import uuid
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import docx
import pytest

from archive.signing.authority import CompanyAuthority
from archive.signing.keys import open_authority
from archive.signing.opc import WordRefused, judge_word, sign_word
from archive.signing.opc_xml import SIGNATURE

NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
JUDGE = Path(__file__).with_name("office_judge.py")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    folder = tmp_path_factory.mktemp("company") / "authority"
    return CompanyAuthority.create(folder, "示例集团有限公司", b"correct horse battery", NOW)


def key_of(authority, issued):
    return authority.signing_key(issued.certificate_pem, issued.encrypted_key_pem)


@pytest.fixture(scope="module")
def seal(authority):
    return key_of(authority, authority.issue_company_seal(NOW))


def plain_word(text="客户&合同 A<B & C"):
    document = docx.Document()
    document.add_paragraph(text)
    document.sections[0].footer.paragraphs[0].text = "页脚"
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


@pytest.fixture(scope="module")
def signed(seal):
    return sign_word(plain_word(), seal, "E01 提交定稿 & <审批>", NOW)


def parts_of(word):
    with zipfile.ZipFile(io.BytesIO(word)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(parts):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def changed_text(word):
    parts = parts_of(word)
    parts["word/document.xml"] = parts["word/document.xml"].replace(
        "合同".encode(), "合約".encode()
    )
    return packed(parts)


def judge(word, authority, revoked=(), now=NOW + timedelta(days=1)):
    return judge_word(word, authority.chain[:1], dict(revoked), now)


def test_a_signed_word_file_is_ours_and_still_opens(authority, signed):
    verdict = judge(signed, authority)
    assert (verdict.signed, verdict.intact, verdict.valid, verdict.changed) == (
        True,
        True,
        True,
        (),
    )
    assert verdict.company == "示例集团有限公司"
    assert verdict.signed_at == NOW
    assert "没有被改动" in verdict.why
    assert docx.Document(io.BytesIO(signed)).paragraphs[0].text == "客户&合同 A<B & C"


def test_a_changed_part_is_named(authority, signed):
    verdict = judge(changed_text(signed), authority)
    assert (verdict.signed, verdict.intact, verdict.valid) == (True, False, False)
    assert verdict.changed == ("word/document.xml",)
    assert "word/document.xml" in verdict.why


@pytest.mark.parametrize("name", ["word/footer1.xml", "docProps/core.xml", "word/styles.xml"])
def test_every_part_counts(authority, signed, name):
    parts = parts_of(signed)
    parts[name] = parts[name].replace(b"</", b" </", 1)
    assert judge(packed(parts), authority).changed == (name,)


def test_a_part_added_or_taken_away_is_named(authority, signed):
    added = parts_of(signed) | {"word/extra.xml": b"<x/>"}
    assert "word/extra.xml" in judge(packed(added), authority).why
    fewer = parts_of(signed)
    del fewer["word/footer1.xml"]
    assert "word/footer1.xml" in judge(packed(fewer), authority).changed


def test_a_relationship_changed_is_named(authority, signed):
    parts = parts_of(signed)
    name = "word/_rels/document.xml.rels"
    parts[name] = parts[name].replace(b"footer1.xml", b"header9.xml")
    assert name in judge(packed(parts), authority).changed


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<DigestValue>", b"<DigestValue>A"),
        (b"<SignatureValue>", b"<SignatureValue>AAAA"),
        (b"2026-11-23T", b"2026-11-22T"),
        (b"<xd:SigningTime>2026", b"<xd:SigningTime>2025"),
        (b'Id="idPackageObject"', b'Id="idOtherObject"'),
        (b"</SignedInfo>", b"</SignedInfo><SignedInfo/>"),
        (b"<Manifest>", b"<Manifest/><Manifest>"),
        (
            b"</Manifest>",
            b'<Reference URI="/x?ContentType=y"><DigestValue>z</DigestValue></Reference>'
            b"</Manifest>",
        ),
    ],
)
def test_a_touched_signature_does_not_hold(authority, signed, old, new):
    parts = parts_of(signed)
    assert old in parts[SIGNATURE]
    parts[SIGNATURE] = parts[SIGNATURE].replace(old, new, 1)
    verdict = judge(packed(parts), authority)
    assert (verdict.signed, verdict.valid) == (True, False)
    assert re.search("[一-鿿]", verdict.why)


def test_a_signature_moved_to_another_paper_does_not_hold(authority, seal, signed):
    other = parts_of(sign_word(plain_word("另一份文件"), seal, "另一份", NOW))
    other[SIGNATURE] = parts_of(signed)[SIGNATURE]
    verdict = judge(packed(other), authority)
    assert not verdict.intact
    assert "word/document.xml" in verdict.changed


def test_strangers_and_people_do_not_sign_for_the_company(authority, tmp_path, signed):
    namesake = CompanyAuthority.create(tmp_path / "a", "示例集团有限公司", b"correct horse b", NOW)
    key = key_of(namesake, namesake.issue_company_seal(NOW))
    verdict = judge(sign_word(plain_word(), key, "", NOW), authority)
    assert "不是本单位签发" in verdict.why
    person = key_of(authority, authority.issue_person("张三", "A001", NOW))
    verdict = judge(sign_word(plain_word(), person, "", NOW), authority)
    assert (verdict.valid, "签章证书" in verdict.why) == (False, True)


def test_revoked_expired_and_early_are_told(authority, seal, signed):
    serial = seal.serial_hex
    assert "作废" in judge(signed, authority, {serial: NOW - timedelta(days=1)}).why
    assert judge(signed, authority, {serial: NOW + timedelta(days=1)}).valid
    late = sign_word(plain_word(), seal, "", NOW + timedelta(days=4000))
    assert not judge(late, authority, now=NOW + timedelta(days=5000)).valid
    assert not judge(signed, authority, now=NOW - timedelta(days=2)).valid


def test_a_signed_file_is_not_signed_again(seal, signed):
    with pytest.raises(WordRefused, match="已经有数字签名"):
        sign_word(signed, seal, "", NOW)


@pytest.mark.parametrize("word", [b"", b"PK", b"%PDF-1.7", b"\0" * 5000, "不是".encode()])
def test_what_is_no_word_file_is_refused_with_a_word(authority, seal, word):
    with pytest.raises(WordRefused, match="Word"):
        sign_word(word, seal, "", NOW)
    verdict = judge(word, authority)
    assert (verdict.signed, verdict.intact) == (False, False)
    assert verdict.why


def test_an_unsigned_word_file_is_not_ours(authority):
    verdict = judge(plain_word(), authority)
    assert (verdict.signed, verdict.intact, verdict.valid) == (False, False, False)


def test_xmlsec1_confirms_the_signature_and_sees_it_touched(authority, signed, tmp_path):
    signature = parts_of(signed)[SIGNATURE]
    touched = signature.replace(b"2026-11-23T", b"2026-11-24T", 1)
    assert xmlsec1_says(authority, signature, tmp_path)
    assert not xmlsec1_says(authority, touched, tmp_path)


@pytest.mark.office
def test_libreoffice_confirms_the_signature_and_names_a_change(signed, tmp_path):
    assert office_says([signed, changed_text(signed)], tmp_path) == [[True], [False]]


@pytest.mark.office
@pytest.mark.slow
def test_both_confirm_the_word_file_of_a_signed_paper(desk, company, drawn_signature, tmp_path):
    paper = desk.submit(company.sales_clerk)
    for person in (company.sales_clerk, company.sales_head, company.leader):
        desk.sign(person, paper, drawn_png=drawn_signature)
    word, roots = desk.file(paper, "docx"), open_authority(desk.resources)
    other = parts_of(word)
    body = other["word/document.xml"]
    assert body.count(b"r:embed=") == 3, "a picture in each box"
    assert xmlsec1_says(roots, other[SIGNATURE], tmp_path)
    other["word/document.xml"] = body.replace("有限公司".encode(), "有限公司司".encode(), 1)
    assert office_says([word, packed(other)], tmp_path) == [[True], [False]]


def xmlsec1_says(authority, signature, folder):
    if not shutil.which("xmlsec1"):
        pytest.skip("xmlsec1 is not installed (apt-get install xmlsec1)")
    (folder / "root.pem").write_bytes(authority.root_pem)
    (folder / "sig.xml").write_bytes(signature)
    command = ["xmlsec1", "--verify", "--ignore-manifests", "--trusted-pem", folder / "root.pem"]
    command += ["--verification-time", "2026-11-24 00:00:00"]
    command += ["--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"]
    answer = subprocess.run([*command, folder / "sig.xml"], capture_output=True, check=False)
    return answer.returncode == 0


def office_says(words, folder):
    """Return for each Word file whether LibreOffice holds each signature in it for valid."""
    files = [folder / f"{number}.docx" for number in range(len(words))]
    for file, word in zip(files, words, strict=True):
        file.write_bytes(word)
    pipe = f"judge{uuid.uuid4().hex[:8]}"
    office = subprocess.Popen(
        [
            "soffice",
            f"-env:UserInstallation=file://{folder}/profile",
            "--headless",
            "--norestore",
            "--nologo",
            f"--accept=pipe,name={pipe};urp;StarOffice.ComponentContext",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        answer = subprocess.run(
            ["/usr/bin/python3", JUDGE, pipe, *files],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
    finally:
        end_group(office)
    return [[one["valid"] for one in told] for told in json.loads(answer.stdout)]


def end_group(process):
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_the_judge_needs_no_network(authority, signed, monkeypatch):
    def forbidden(*_arguments, **_options):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", forbidden)
    assert judge(signed, authority).valid

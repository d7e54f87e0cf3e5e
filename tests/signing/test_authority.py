"""The company's certificates: made once, opened with the passphrase, issued, revoked."""

import stat
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID

from archive.core.errors import Conflict, Invalid
from archive.signing import authority as authority_module
from archive.signing.authority import (
    COMPANY_UNIT,
    PERSON_UNIT,
    AuthorityError,
    CompanyAuthority,
    read_crl,
)

NOW = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
PASSPHRASE = "口令-correct horse".encode()
COMPANY = "示例集团有限公司"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "keys" / "authority"


@pytest.fixture
def authority(folder):
    return CompanyAuthority.create(folder, COMPANY, PASSPHRASE, NOW)


def certificate_of(issued):
    return x509.load_pem_x509_certificate(issued.certificate_pem)


def text_of(name, oid):
    return name.get_attributes_for_oid(oid)[0].value


def test_a_new_authority_is_private_and_opens_again(folder, authority):
    assert {path.name for path in folder.iterdir()} == {
        *("root.pem", "root.key", "root.crl", "issuing.pem", "issuing.key", "salt", "cost"),
        "SHA256SUMS",
    }
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in folder.iterdir())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not [path for path in folder.parent.iterdir() if path != folder]
    again = CompanyAuthority.open(folder, PASSPHRASE)
    assert again.root_pem == authority.root_pem
    assert again.company == COMPANY


def test_the_chain_has_the_right_extensions_and_openssl_agrees(folder, authority, tmp_path):
    issuing, root = authority.chain
    limits = [
        each.extensions.get_extension_for_class(x509.BasicConstraints) for each in (root, issuing)
    ]
    assert [(each.critical, each.value.ca, each.value.path_length) for each in limits] == [
        (True, True, 1),
        (True, True, 0),
    ]
    person = tmp_path / "person.pem"
    person.write_bytes(authority.issue_person("张三", "A001", NOW).certificate_pem)
    command = ["openssl", "verify", "-x509_strict", "-no_check_time"]
    command += ["-CAfile", folder / "root.pem", "-untrusted", folder / "issuing.pem", person]
    assert "OK" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_keys_at_rest_open_with_nothing_but_the_stretched_passphrase(folder, authority):
    issued = authority.issue_person("张三", "A001", NOW)
    for pem in (
        issued.encrypted_key_pem,
        (folder / "root.key").read_bytes(),
        (folder / "issuing.key").read_bytes(),
    ):
        assert pem.startswith(b"-----BEGIN ENCRYPTED PRIVATE KEY-----")
        with pytest.raises(ValueError):  # wrong padding, or by chance (1 in 256) no key inside
            serialization.load_pem_private_key(pem, PASSPHRASE)
    assert b"PRIVATE" not in repr(issued).encode()
    assert "private_key" not in repr(authority.signing_key(*pair(issued)))


def test_how_much_a_pass_phrase_is_stretched_is_kept_with_the_salt(tmp_path, monkeypatch):
    folder = tmp_path / "strong"
    monkeypatch.setattr(authority_module, "COST", 2**15)
    CompanyAuthority.create(folder, "示例集团有限公司", PASSPHRASE, NOW)
    monkeypatch.setattr(authority_module, "COST", 2**4)
    assert (folder / "cost").read_bytes() == b"32768"
    assert CompanyAuthority.open(folder, PASSPHRASE).company == "示例集团有限公司"


def test_a_folder_from_before_the_cost_was_kept_opens_as_ever(tmp_path, monkeypatch):
    folder = tmp_path / "old"
    monkeypatch.setattr(authority_module, "COST", 2**15)
    CompanyAuthority.create(folder, COMPANY, PASSPHRASE, NOW)
    (folder / "cost").unlink()
    sums = (folder / "SHA256SUMS").read_text("ascii").splitlines(keepends=True)
    (folder / "SHA256SUMS").write_text("".join(one for one in sums if "  cost" not in one), "ascii")
    assert CompanyAuthority.open(folder, PASSPHRASE).company == COMPANY


def pair(issued):
    return issued.certificate_pem, issued.encrypted_key_pem


def test_an_existing_authority_is_never_overwritten(folder, authority):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(Conflict, match="不会覆盖"):
        CompanyAuthority.create(folder, "另一家公司", PASSPHRASE, NOW)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_a_file_in_the_place_of_the_folder_is_left_alone(folder):
    folder.parent.mkdir()
    folder.write_text("别的东西")
    with pytest.raises(Conflict):
        CompanyAuthority.create(folder, COMPANY, PASSPHRASE, NOW)
    assert folder.read_text() == "别的东西"


def test_wrong_passphrase_missing_and_damaged_are_told_apart(folder, authority):
    with pytest.raises(AuthorityError, match="口令不对"):
        CompanyAuthority.open(folder, b"wrong passphrase")
    with pytest.raises(AuthorityError, match="找不到公司的签名证书"):
        CompanyAuthority.open(folder.parent / "nowhere", PASSPHRASE)
    key = folder / "issuing.key"
    whole = key.read_bytes()
    other = b"B" if whole[-60:-59] == b"A" else b"A"  # one in 64 would be no damage
    key.write_bytes(whole[:-60] + other + whole[-59:])
    with pytest.raises(AuthorityError, match=r"issuing\.key 已损坏"):
        CompanyAuthority.open(folder, PASSPHRASE)
    key.unlink()
    with pytest.raises(AuthorityError, match=r"缺少文件 .*issuing\.key"):
        CompanyAuthority.open(folder, PASSPHRASE)


@pytest.mark.parametrize("name", ["root.pem", "issuing.pem", "salt", "cost", "SHA256SUMS"])
def test_every_damaged_file_is_named(folder, authority, name):
    (folder / name).write_bytes(b"\xff\x00 damaged")
    with pytest.raises(AuthorityError, match="已损坏"):
        CompanyAuthority.open(folder, PASSPHRASE)


def test_the_root_key_may_be_taken_to_a_safe(folder, authority):
    (folder / "root.key").unlink()
    issued = CompanyAuthority.open(folder, PASSPHRASE).issue_person("李四", "A002", NOW)
    assert issued.not_after > NOW


def test_a_person_is_named_in_chinese_with_the_staff_number(authority):
    issued = authority.issue_person(" 王五𠮷 ", "总-003", NOW, days=365)
    certificate = certificate_of(issued)
    subject = certificate.subject
    assert text_of(subject, NameOID.COMMON_NAME) == "王五𠮷"
    assert text_of(subject, NameOID.USER_ID) == "总-003"
    assert text_of(subject, NameOID.ORGANIZATIONAL_UNIT_NAME) == PERSON_UNIT
    assert certificate.signature_hash_algorithm.name == "sha256"
    assert issued.serial_hex == f"{certificate.serial_number:x}"
    assert issued.not_before <= NOW <= issued.not_after == NOW + timedelta(days=365)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert usage.content_commitment
    assert not usage.key_cert_sign
    certificate.verify_directly_issued_by(authority.chain[0])


def test_two_certificates_never_share_serial_or_key(authority):
    first, second = (authority.issue_person("张三", "A001", NOW) for _ in range(2))
    assert first.serial_hex != second.serial_hex
    assert certificate_of(first).public_key() != certificate_of(second).public_key()


def test_the_company_seal_is_no_person(authority):
    subject = certificate_of(authority.issue_company_seal(NOW)).subject
    assert text_of(subject, NameOID.ORGANIZATIONAL_UNIT_NAME) == COMPANY_UNIT
    assert not subject.get_attributes_for_oid(NameOID.USER_ID)


def test_nobody_outlives_the_issuing_certificate(authority):
    issuing = authority.chain[0]
    late = issuing.not_valid_after_utc - timedelta(days=10)
    assert authority.issue_person("张三", "A001", late).not_after == issuing.not_valid_after_utc
    with pytest.raises(AuthorityError, match="已到期"):
        authority.issue_person("张三", "A001", late + timedelta(days=11))


@pytest.mark.parametrize("days", [0, -1, 10**9, True, "365", None])
def test_a_senseless_term_is_refused(authority, days):
    with pytest.raises(Invalid, match="有效期"):
        authority.issue_person("张三", "A001", NOW, days=days)


@pytest.mark.parametrize("name", ["客户&合同", "A<B & C", "{{7*7}}", "{% for %}", "红包🧧", "𠮷"])
def test_strange_names_stand_as_typed(authority, name):
    subject = certificate_of(authority.issue_person(name, name, NOW)).subject
    assert text_of(subject, NameOID.COMMON_NAME) == name
    assert text_of(subject, NameOID.USER_ID) == name


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("", "空的"),
        ("  ", "空的"),
        (None, "空的"),
        (7, "空的"),
        ("长" * 10_000, "最多 64"),
        ("张\x00三", r"U\+0000"),
        ("张\u202e三", r"U\+202E"),
        ("张\ud800", r"U\+D800"),
    ],
)
def test_names_that_cannot_be_printed_are_refused_with_a_word(authority, folder, name, says):
    with pytest.raises(Invalid, match=says):
        authority.issue_person(name, "A001", NOW)
    with pytest.raises(Invalid, match=says):
        authority.issue_person("张三", name, NOW)
    with pytest.raises(Invalid, match=says):
        CompanyAuthority.create(folder.parent / "other", name, PASSPHRASE, NOW)
    assert not (folder.parent / "other").exists()


@pytest.mark.parametrize("passphrase", [b"", b"short", "文字口令不是字节", b"x" * 5000])
def test_a_useless_passphrase_is_refused(folder, passphrase):
    with pytest.raises(Invalid, match="口令"):
        CompanyAuthority.create(folder, COMPANY, passphrase, NOW)
    assert not folder.exists()


def test_time_without_a_zone_is_refused(folder, authority):
    with pytest.raises(ValueError, match="time zone"):
        authority.issue_person("张三", "A001", NOW.replace(tzinfo=None))


def test_a_company_name_of_64_characters_still_fits(folder):
    name = "长" * 64
    authority = CompanyAuthority.create(folder, name, PASSPHRASE, NOW)
    assert authority.company == name
    seal = certificate_of(authority.issue_company_seal(NOW)).subject
    assert text_of(seal, NameOID.ORGANIZATION_NAME) == name
    assert text_of(seal, NameOID.COMMON_NAME) == "长" * 21


def test_a_persons_name_is_never_cut(authority):
    issued = authority.issue_person("名" * 21, "A001", NOW)
    assert text_of(certificate_of(issued).subject, NameOID.COMMON_NAME) == "名" * 21
    with pytest.raises(Invalid, match="最多 21 个汉字"):
        authority.issue_person("名" * 22, "A001", NOW)


def test_a_key_is_parsed_once_and_belongs_to_its_certificate(authority):
    first = authority.issue_person("张三", "A001", NOW)
    second = authority.issue_person("李四", "A002", NOW)
    assert authority.signing_key(*pair(first)) is authority.signing_key(*pair(first))
    with pytest.raises(AuthorityError, match="不是一对"):
        authority.signing_key(first.certificate_pem, second.encrypted_key_pem)
    with pytest.raises(AuthorityError, match="打不开"):
        authority.signing_key(first.certificate_pem, b"not a key")


def test_another_authoritys_key_does_not_open(authority, tmp_path):
    other = CompanyAuthority.create(tmp_path / "other", "别家公司", PASSPHRASE, NOW)
    with pytest.raises(AuthorityError, match="打不开"):
        authority.signing_key(*pair(other.issue_person("张三", "A001", NOW)))


def test_the_memory_of_parsed_keys_is_bounded(authority, monkeypatch):
    monkeypatch.setattr("archive.signing.authority.KEPT_KEYS", 2)
    issued = [authority.issue_person("张三", f"A{number}", NOW) for number in range(3)]
    kept = [authority.signing_key(*pair(each)) for each in issued]
    assert authority.signing_key(*pair(issued[2])) is kept[2]
    assert authority.signing_key(*pair(issued[0])) is not kept[0]


def test_revoked_serials_are_published_and_read_back(authority):
    issued = authority.issue_person("张三", "A001", NOW)
    since = NOW + timedelta(days=3)
    der = authority.crl([(issued.serial_hex, since)], NOW + timedelta(days=4))
    assert read_crl(der, authority.issuing_pem) == {issued.serial_hex: since}
    assert read_crl(authority.crl([], NOW), authority.issuing_pem) == {}


def test_later_lists_carry_higher_numbers(authority):
    numbers = [
        x509.load_der_x509_crl(authority.crl([], at))
        .extensions.get_extension_for_class(x509.CRLNumber)
        .value.crl_number
        for at in (NOW, NOW + timedelta(minutes=1))
    ]
    assert numbers[0] < numbers[1]


def test_a_list_by_strangers_or_damaged_is_refused(authority, tmp_path):
    other = CompanyAuthority.create(tmp_path / "other", COMPANY, PASSPHRASE, NOW)
    with pytest.raises(AuthorityError, match="不是本单位"):
        read_crl(other.crl([], NOW), authority.issuing_pem)
    with pytest.raises(AuthorityError, match="已损坏"):
        read_crl(b"no list", authority.issuing_pem)


@pytest.mark.parametrize("serial", ["", "xyz", "-5", "0", None])
def test_what_is_no_serial_cannot_be_revoked(authority, serial):
    with pytest.raises(Invalid, match="不是证书序列号"):
        authority.crl([(serial, NOW)], NOW)

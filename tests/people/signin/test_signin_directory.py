"""A real directory (slapd) that knows people's passwords; skipped with a word where it is not."""

import shutil
import socket
import subprocess
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import select

from archive.config_signin import LdapSettings
from archive.core.errors import Unauthenticated, Unavailable
from archive.people.models import User
from archive.people.signin.known import Verdict
from archive.people.signin.models import OutsideIdentity
from tests.conftest import PASSWORD

SLAPD = shutil.which("slapd") or shutil.which("slapd", path="/usr/sbin:/usr/lib/openldap")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(SLAPD is None, reason="没有 slapd（apt-get install slapd），不测公司目录"),
]
BASE = "dc=example,dc=com"
READER, READER_PASSWORD = f"cn=reader,{BASE}", "lesen-nur-lesen"
IN_DIRECTORY = "目录里的-密码-7k"
CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
TLSCertificateFile {folder}/cert.pem
TLSCertificateKeyFile {folder}/key.pem
database mdb
suffix "dc=example,dc=com"
rootdn "cn=root,dc=example,dc=com"
rootpw root-secret
directory {folder}/rows
access to attrs=userPassword by anonymous auth by * none
access to * by dn="cn=reader,dc=example,dc=com" read by * none
"""


def person(uid: str, name: str, number: str, unit: str = "people", mail: str = "") -> str:
    return (
        f"dn: cn={number},ou={unit},{BASE}\nobjectClass: inetOrgPerson\nuid: {uid}\ncn: {number}\n"
        f"displayName: {name}\nsn: {name}\nemployeeNumber: {number}\n"
        f"mail: {mail or uid}@example.com\nuserPassword: {IN_DIRECTORY}\n\n"
    )


LDIF = (
    f"dn: {BASE}\nobjectClass: domain\ndc: example\n\n"
    f"dn: {READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\n"
    f"cn: reader\nuserPassword: {READER_PASSWORD}\n\n"
    f"dn: ou=people,{BASE}\nobjectClass: organizationalUnit\nou: people\n\n"
    f"dn: ou=gone,{BASE}\nobjectClass: organizationalUnit\nou: gone\n\n"
    + person("sales_clerk", "陈晓东", "0001")
    + person("newcomer", "新同事", "0777")
    + person("twin", "双胞胎甲", "0801")
    + person("twin", "双胞胎乙", "0802")
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def certify(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


class Slapd:
    """The directory's process, and the settings by which we ask it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.plain, self.tls = folder, free_port(), free_port()
        self._process: subprocess.Popen | None = None
        (folder / "rows").mkdir()
        certify(folder)
        (folder / "slapd.conf").write_text(CONF.format(folder=folder))
        (folder / "people.ldif").write_text(LDIF, encoding="utf-8")
        load = [SLAPD, "-T", "add", "-f", folder / "slapd.conf", "-l", folder / "people.ldif"]
        subprocess.run(load, check=True, capture_output=True, timeout=30)
        self.start()

    def start(self) -> None:
        urls = f"ldap://localhost:{self.plain}/ ldaps://localhost:{self.tls}/"
        command = [SLAPD, "-f", self.folder / "slapd.conf", "-h", urls, "-d", "0"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.tls)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("slapd did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None

    def change(self, ldif: str) -> None:
        command = [
            "ldapmodify", "-x", "-H", f"ldap://localhost:{self.plain}",
            "-D", f"cn=root,{BASE}", "-w", "root-secret",
        ]  # fmt: skip
        subprocess.run(command, input=ldif.encode(), check=True, capture_output=True, timeout=20)

    def settings(self, **changes: object) -> LdapSettings:
        return replace(
            LdapSettings(
                url=f"ldaps://localhost:{self.tls}",
                base=f"ou=people,{BASE}",
                bind_dn=READER,
                password=READER_PASSWORD,
                ca_file=self.folder / "cert.pem",
                filter="(objectClass=inetOrgPerson)",
            ),
            **changes,
        )


@pytest.fixture(scope="module")
def slapd(tmp_path_factory):
    server = Slapd(tmp_path_factory.mktemp("slapd"))
    yield server
    server.stop()


@pytest.fixture
def ask(slapd):
    from archive.people.signin import directory

    return lambda name, typed, **changes: directory.ask(slapd.settings(**changes), name, typed)


def bound(resources):
    with resources.reading() as uow:
        rows = uow.session.execute(select(OutsideIdentity.user_id, OutsideIdentity.provider))
        return [tuple(row) for row in rows]


def test_it_knows_right_from_wrong_over_tls(slapd, ask):
    known = ask("sales_clerk", IN_DIRECTORY)
    assert known.verdict == Verdict.GOOD and known.username == "sales_clerk"
    assert (known.name, known.staff_no, known.email) == (
        "陈晓东", "0001", "sales_clerk@example.com",
    )  # fmt: skip
    assert len(known.subject) == 36, "entryUUID"
    start_tls = {"url": f"ldap://localhost:{slapd.plain}", "starttls": True}
    assert ask("sales_clerk", IN_DIRECTORY, **start_tls).verdict == Verdict.GOOD
    assert ask("sales_clerk", "falsch", **start_tls).verdict == Verdict.WRONG


@pytest.mark.parametrize(
    ("name", "password", "verdict"),
    [
        ("sales_clerk", "", Verdict.WRONG),  # "nobody", which servers let in
        ("sales_clerk", "\0", Verdict.WRONG),
        ("sales_clerk", "x" * 5000, Verdict.WRONG),
        ("nobody", IN_DIRECTORY, Verdict.UNKNOWN),
        ("twin", IN_DIRECTORY, Verdict.UNKNOWN),
        ("*", IN_DIRECTORY, Verdict.UNKNOWN),
        ("sales*", IN_DIRECTORY, Verdict.UNKNOWN),
        ("x)(uid=*))(|(uid=*", IN_DIRECTORY, Verdict.UNKNOWN),
        ("sales_clerk\0", IN_DIRECTORY, Verdict.UNKNOWN),
        ("", IN_DIRECTORY, Verdict.UNKNOWN),
        ("陈晓东", IN_DIRECTORY, Verdict.UNKNOWN),
    ],
)
def test_hostile_names_find_nobody(ask, name, password, verdict):
    assert ask(name, password).verdict == verdict


def test_a_server_that_cannot_prove_itself_gets_no_password(slapd, ask, tmp_path):
    with pytest.raises(Unavailable):
        ask("sales_clerk", IN_DIRECTORY, ca_file=None)
    with pytest.raises(Unavailable):
        ask("sales_clerk", IN_DIRECTORY, url=f"ldaps://127.0.0.1:{slapd.tls}")
    with pytest.raises(Unavailable):
        ask("sales_clerk", IN_DIRECTORY, password="falsch")
    with pytest.raises(Unavailable):
        ask("sales_clerk", IN_DIRECTORY, url=f"ldaps://localhost:{free_port()}")


def test_people_come_in_with_the_directorys_password_and_only_that(
    resources, company, slapd, door, with_settings, log_of
):
    with_settings(ldap=slapd.settings())
    clerk = company.sales_clerk
    assert door(clerk, PASSWORD).answer.status_code == 401, "ours is good no more"
    assert door(clerk, IN_DIRECTORY).answer.status_code == 302
    assert bound(resources) == [(clerk.id, "ldap")]
    assert log_of() == [(clerk.id, "ldap", "password"), (clerk.id, "ldap", "")]
    assert door(company.leader).answer.status_code == 302, "whom it does not know has ours"
    browser = door(clerk, IN_DIRECTORY)
    assert "在目录里修改" in browser.get("/account/password").text
    assert "公司目录" in browser.get("/account").text


def test_nobody_is_made_an_account_unasked(resources, company, slapd, door, with_settings, log_of):
    with_settings(ldap=slapd.settings())
    stranger = door("newcomer", IN_DIRECTORY).answer
    assert stranger.status_code == 401 and "还没有账号" in stranger.text
    assert log_of()[-1] == (None, "ldap", "no_account")
    with_settings(ldap=slapd.settings(create_in="XSB"))
    browser = door("newcomer", IN_DIRECTORY)
    assert browser.answer.status_code == 302 and browser.get("/items").status_code == 200
    with resources.reading() as uow:
        row = uow.session.scalars(select(User).where(User.username == "newcomer")).one()
        assert (row.name, row.staff_no, row.department_id) == ("新同事", "0777", company.sales_id)
        assert {one.role for one in row.roles} == {"clerk"} and row.clearance == 1
    assert door("newcomer", IN_DIRECTORY).answer.status_code == 302
    assert door("newcomer", "!").answer.status_code == 401


def test_who_is_out_of_the_directory_is_out(
    resources, company, slapd, door, with_settings, client_for
):
    with_settings(ldap=slapd.settings())
    clerk = company.sales_clerk
    assert door(clerk, IN_DIRECTORY).answer.status_code == 302
    entry = f"dn: cn=0001,ou=people,{BASE}\n"
    slapd.change(f"{entry}changetype: modrdn\nnewrdn: cn=0001\ndeleteoldrdn: 0\n"
                 f"newsuperior: ou=gone,{BASE}\n")  # fmt: skip
    try:
        assert door(clerk, IN_DIRECTORY).answer.status_code == 401
        assert door(clerk, PASSWORD).answer.status_code == 401, "nor by our password"
        admin, page = client_for(company.admin), f"/admin/users/{clerk.id}"
        assert admin.post(f"{page}/reset").status_code == 409
        assert admin.post(f"{page}/sign-in/unbind").status_code == 302
        assert door(clerk, PASSWORD).answer.status_code == 302, "until an administrator says so"
    finally:
        slapd.change(
            f"dn: cn=0001,ou=gone,{BASE}\nchangetype: modrdn\nnewrdn: cn=0001\n"
            f"deleteoldrdn: 0\nnewsuperior: ou=people,{BASE}\n"
        )


def test_a_name_given_to_somebody_else_opens_nothing(
    resources, company, slapd, door, with_settings, log_of
):
    with_settings(ldap=slapd.settings())
    assert door(company.sales_clerk, IN_DIRECTORY).answer.status_code == 302
    with resources.work() as uow:
        row = uow.session.scalars(select(OutsideIdentity)).one()
        row.subject = "the one who had this name before"
        uow.commit()
    answer = door(company.sales_clerk, IN_DIRECTORY).answer
    assert answer.status_code == 401 and "另一个身份" in answer.text
    assert log_of()[-1] == (company.sales_clerk.id, "ldap", "other_identity")


def test_wrong_passwords_are_counted_as_ours_are(company, slapd, door, with_settings, told, clock):
    with_settings(ldap=slapd.settings())
    for _ in range(2):
        for name in ("sales_clerk", "SALES_clerk", " sales_clerk", "Sales_Clerk") * 2:
            assert door(name, "falsch").answer.status_code == 401
        assert door(company.sales_clerk, IN_DIRECTORY).answer.status_code == 429
        clock.advance(minutes=16)
    assert door("SALES_CLERK", IN_DIRECTORY).answer.status_code == 429, "the second is longer"
    assert "已锁定到" in told(company.sales_clerk)[0]


def test_while_the_directory_is_away_others_still_come_in(
    company, slapd, door, with_settings, log_of
):
    with_settings(ldap=slapd.settings())
    assert door(company.sales_clerk, IN_DIRECTORY).answer.status_code == 302
    slapd.stop()
    try:
        away = door(company.sales_clerk, IN_DIRECTORY).answer
        assert away.status_code == 503 and "连不上" in away.text
        assert log_of()[-1][2] == "unreachable"
        assert door(company.leader).answer.status_code == 302
    finally:
        slapd.start()


def test_a_signature_is_confirmed_with_the_directorys_password(
    resources, company, slapd, door, with_settings
):
    from archive.signing.edge import confirm

    with_settings(ldap=slapd.settings())
    confirm(resources, company.sales_clerk, IN_DIRECTORY, "127.0.0.1")
    with pytest.raises(Unauthenticated):
        confirm(resources, company.sales_clerk, PASSWORD, "127.0.0.1")


def test_a_leaver_does_not_come_back_by_the_directory(
    resources, company, slapd, door, with_settings, client_for
):
    with_settings(ldap=slapd.settings(create_in="XSB"))
    assert door(company.sales_clerk, IN_DIRECTORY).answer.status_code == 302
    client_for(company.admin).post(f"/admin/users/{company.sales_clerk.id}/left")
    assert door(company.sales_clerk, IN_DIRECTORY).answer.status_code == 401
    assert bound(resources) == []

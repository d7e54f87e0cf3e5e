"""Backups that older releases wrote themselves come back in this one, plain and sealed.

``older_releases.tar.xz`` holds what ``archive backup`` of two earlier releases wrote, each about
an instance that its own migrations, pages and services had filled: the first release that made
backups (newest migration 0010, commit 8088c02) and a late one (0027, commit 99d3045). The story
is the one of ``test_journey`` told twice: 陈晓东 fills 新开发客户报告表 for a new customer, three
people sign, the archivist files it; the first paper is lent to 林美玲 and was not yet returned.

What is sealed cannot be packed any smaller, so of the sealed backup the head, the opened bytes and
the digest are kept; ``sealed_again`` makes the very file the release wrote, digest and all.
"""

import hashlib
import io
import json
import re
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from archive.app import create_app
from archive.cli.backing import backup, restore
from archive.cli.checking import verify
from archive.config import Settings
from archive.core.resources import open_resources
from archive.signing.verdicts import judge_stranger
from archive.trust.backup.receiving import NO_CONVERTER

pytestmark = [pytest.mark.slow]
KEPT = Path(__file__).with_name("older_releases.tar.xz")
PASSWORD = "档案台-测试-2026"
PASSPHRASE = "旧版本的备份口令-2026"
LENT, AT_HOME = "青岛海信示范电器有限公司", "宁波远航示范贸易有限公司"


@dataclass(frozen=True)
class Older:
    """An older release's backup as it wrote it, and the folder it is to come back into."""

    release: str
    source: Path
    words: tuple[str, ...]
    data: Path

    def call(self, command, *words):
        env = {"ARCHIVE_DATA": str(self.data)}
        return CliRunner().invoke(command, [str(word) for word in words], env=env)

    def opened(self, clock):
        url = f"sqlite:///{self.data / 'archive.db'}"
        return open_resources(Settings(data=self.data, database_url=url), NO_CONVERTER, clock)


@pytest.fixture(params=["0010 plain", "0010 sealed", "0027 plain", "0027 sealed"])
def older(request, tmp_path, monkeypatch) -> Older:
    monkeypatch.delenv("ARCHIVE_KEY", raising=False)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    release, kind = request.param.split()
    source, secret = tmp_path / f"{release}.tar", tmp_path / "口令"
    secret.write_text(f"{PASSPHRASE}\n")
    if kind == "plain":
        source.write_bytes(kept(release, "plain.tar"))
        return Older(release, source, (), tmp_path / "恢复")
    head, opened = kept(release, "sealed.head"), kept(release, "sealed.opened")
    source.write_bytes(sealed_again(head, opened))
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    assert digest == kept(release, "sealed.sha256").decode(), "not the bytes the release wrote"
    return Older(release, source, ("--passphrase-file", str(secret)), tmp_path / "恢复")


def kept(release: str, name: str) -> bytes:
    with tarfile.open(KEPT) as file:
        member = file.extractfile(f"{release}/{name}")
        assert member is not None
        return member.read()


def revision_of(release: str) -> str:
    """What the backup says its rows were: no test may quietly write it anew with today's."""
    with tarfile.open(fileobj=io.BytesIO(kept(release, "plain.tar"))) as backup_file:
        said = json.load(backup_file.extractfile("backup.json"))
    return said["revision"]


def sealed_again(head: bytes, opened: bytes) -> bytes:
    """The sealed file of a head and what it holds, as the format was written down then."""
    magic, rest = head[:19], head[19:]
    assert magic == b"DANGANTAI-SEALED-1\n"
    cost, salt, own = rest[0], rest[1:17], rest[33:49]
    master = hashlib.scrypt(
        PASSPHRASE.encode(), salt=salt, n=1 << cost, r=8, p=1, maxmem=1 << 29, dklen=32
    )
    info = b"archive-backup-1 file"
    cipher = AESGCM(HKDF(hashes.SHA256(), 32, own, info).derive(master))
    chunks = [opened[at : at + (1 << 20)] for at in range(0, len(opened), 1 << 20)]
    sealed = [
        cipher.encrypt(number.to_bytes(11, "big") + bytes([number == len(chunks) - 1]), chunk, head)
        for number, chunk in enumerate(chunks)
    ]
    return head + b"".join(sealed)


def test_a_backup_an_older_release_wrote_comes_back_and_work_goes_on(older, clock):
    assert revision_of(older.release) == older.release
    restored = older.call(restore, older.source, *older.words, "--json")
    assert restored.exit_code == 0, restored.output
    told = json.loads(restored.stdout)
    assert told["ok"] is True and told["findings"] == [] and told["blobs"] >= 17
    checked = older.call(verify, "--index", "--json")
    assert checked.exit_code == 0, checked.output
    assert json.loads(checked.stdout) == {"ok": True, "findings": []}
    clock.advance(days=2)
    resources = older.opened(clock)
    try:
        go_on_working(resources)
    finally:
        resources.database.dispose()
    assert older.call(verify, "--index").exit_code == 0
    again = older.call(backup, older.data.parent / "新的.tar", "--json")
    assert again.exit_code == 0, again.output


def go_on_working(resources):
    """Everyone gets in with the password of then: opens, verifies, finds, takes back."""
    app = create_app(resources)
    app.config.update(TESTING=True, WTF_CSRF_ENABLED=False)
    clerk, desk = signed_in(app, "sales_clerk"), signed_in(app, "archivist")
    for record_id, customer in ((1, LENT), (2, AT_HOME)):
        paper = clerk.get(f"/records/{record_id}/document.pdf")
        assert paper.status_code == 200 and paper.data[:5] == b"%PDF-"
        verdict = judge_stranger(resources, paper.data)
        assert verdict.ours and verdict.intact
        assert [one.valid for one in verdict.signatures] == [True] * 5
        assert clerk.get(f"/records/{record_id}/document.docx").data[:2] == b"PK"
        assert customer in seen(clerk, "/customers", q=customer)
        for words in (customer, customer[2:6], "付款"):
            assert customer in seen(clerk, "/search", q=words), words
    assert "林美玲" in seen(desk, "/loans/register", view="lent")
    barcode = re.search(r"A\d{10}", seen(desk, "/items/1"))[0]
    back = desk.post("/loans/desk/return", data={"barcode": barcode, "pages": "1"})
    assert back.status_code == 302, back.get_data(as_text=True)
    assert "在库" in seen(desk, "/items/1")


def signed_in(app, username):
    client = app.test_client()
    entered = client.post("/login", data={"username": username, "password": PASSWORD})
    assert entered.status_code == 302
    return client


def seen(client, address, **asked):
    page = client.get(address, query_string=asked)
    assert page.status_code == 200, address
    return page.get_data(as_text=True).replace("<mark>", "").replace("</mark>", "")

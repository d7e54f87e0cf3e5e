"""Hostile files whose outside is sound: the bending reaches what lies behind the first checks.

Packages with digests that fit, manifests of backups, ZIPs that lie of their sizes, e-mails, old
Office, PDFs that go in circles, notices of holidays.
"""

import contextlib
import io
import json
import zipfile
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archive.core.errors import ArchiveError
from archive.filing import service as filing
from archive.filing.incoming.kinds import Refused, look_at
from archive.filing.packages.incoming import read_incoming
from archive.lending.workdays.notice import Unclear, read_notice
from archive.trust.backup import manifest
from indexer import extract_child
from indexer.errors import ExtractError
from storage.errors import StorageError
from tests.conftest import one_page_pdf
from tests.filing.test_packages import resummed
from tests.fuzz.test_fuzz_files import (
    GOOD,
    bent,
    bent_file,
    house,
    house_of,
    package_of,
    word,
)  # fmt: skip
from tests.fuzz.test_fuzz_words import typed, values
from tests.indexer.test_reading_everything import old_sheet
from tests.lending.test_workdays import NOTICE

__all__ = ["house_of"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
bending = st.composite(bent)


# ---------------------------------------------------------------- packages whose digests fit


def test_a_bag_with_fitting_digests_is_taken_or_refused(house_of, tmp_path):
    resources, company = house_of
    _, content = package_of(house_of, "bag")
    with zipfile.ZipFile(io.BytesIO(content)) as package:
        entries = {one.filename: package.read(one) for one in package.infolist()}
    described = next(name for name in entries if name.endswith("元数据.json"))
    told = json.loads(entries[described])
    path, batches = tmp_path / "包.zip", []
    said = st.dictionaries(st.sampled_from([*told, "密级", "年度"]), values, max_size=6)

    @house
    @given(
        st.one_of(
            said.map(lambda one: json.dumps(told | one).encode()), bending(entries[described])
        )
    )
    def take(changed):
        with zipfile.ZipFile(path, "w") as package:
            for name, one in resummed(entries | {described: changed}).items():
                package.writestr(name, one)
        with contextlib.suppress(ArchiveError):
            for batch in read_incoming(path, resources):
                batches.append(batch)
                with resources.work() as uow:
                    filing.import_batch(uow, company.archivist, batch)

    take()
    assert any(batch.rows for batch in batches), "some came through to the rows"
    assert any(batch.faults for batch in batches)


# ---------------------------------------------------------------- manifests of backups

DIGEST = "ab" * 32
HEAD = {
    "id": "20261123T010203Z-0123abcd", "made_at": "2026-11-23", "release": "0.1.0",
    "revision": "0027", "blobs": "inside", "format": 1, "product": manifest.PRODUCT,
}  # fmt: skip
LIST = {
    "id": HEAD["id"], "company": "青岛海信", "seq": 3, "journal_hash": DIGEST,
    "members": [{"name": "archive.db", "size": 9, "sha256": DIGEST}],
    "blobs": [[DIGEST, 7]], "missing": [], "secret_in_environment": False, "settings": {},
}  # fmt: skip
NAMES = st.one_of(
    typed,
    st.sampled_from(
        ["/etc/passwd", "../x", "keys/../../x", "keys/a", "keys", "", ".", "//", "\\\\a"]
    ),
)


def test_a_manifest_of_a_backup_is_read_or_refused():
    read = [0]

    @house
    @given(
        st.dictionaries(st.sampled_from([*HEAD, *LIST]), values, max_size=3),
        st.lists(st.fixed_dictionaries({"name": NAMES, "size": values, "sha256": st.just(DIGEST)})),
    )
    def ask(changed, members):
        for reader, good in ((manifest.read_head, HEAD), (manifest.read_contents, LIST)):
            for said in (good | changed, good | {"members": members}):
                with contextlib.suppress(StorageError):
                    found = reader(json.dumps(said).encode())
                    read[0] += 1
                    for member in getattr(found, "members", ()):
                        assert ".." not in member.name.split("/") and member.name[:1] != "/"

    ask()
    assert read[0], "some were read"


@house
@given(st.one_of(bending(json.dumps(LIST).encode()), bending(json.dumps(HEAD).encode())))
def test_a_bent_manifest_of_a_backup_is_read_or_refused(content):
    for reader in (manifest.read_head, manifest.read_contents):
        with contextlib.suppress(StorageError):
            reader(content)


# ---------------------------------------------------------------- notices of holidays


@house
@given(
    st.lists(st.sampled_from([*NOTICE.splitlines(), *NOTICE[:200], "2月30日", "99999999日", "至"])),
    bending(NOTICE.encode()),
)
def test_a_notice_of_holidays_is_read_or_said_to_be_unclear(lines, changed):
    for text in ("\n".join(lines), "".join(lines), changed.decode("utf-8", "replace")):
        with contextlib.suppress(Unclear):
            assert read_notice(text, 2027)


# ---------------------------------------------------------------- files within files


def mail():
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "甲 <a@x.cn>", "b@x.cn", "龙井茶包装机"
    letter.set_content("请见附件。")
    letter.add_alternative("<html><body>请见<b>附件</b></body></html>", subtype="html")
    letter.add_attachment(GOOD["txt"](), maintype="text", subtype="plain", filename="客户.txt")
    letter.add_attachment(word(), maintype="application", subtype="msword", filename="表.docx")
    return bytes(letter)


def bundle():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("客户/信.eml", mail())
        package.writestr("客户/表.xlsx", GOOD["xlsx"]())
        package.writestr("文.pdf", one_page_pdf("青岛海信"))
    return out.getvalue()


def circling_pdf():
    """A PDF whose cross-reference table names itself as the one before."""
    good = one_page_pdf("青岛海信")
    at = good.rindex(b"startxref")
    start = good[at:].split()[1]
    return good[:at].replace(b"/Root", b"/Prev " + start + b" /Root") + good[at:]


INSIDE = {
    "eml": mail,
    "zip": bundle,
    "xls": lambda: old_sheet("品名", "铜管组件"),
    "pdf": circling_pdf,
}


@st.composite
def lying(draw, content):
    """A ZIP whose entries are said to be of other sizes, names or kinds than they are."""
    found = bytearray(content)
    for mark, fields in (
        (b"PK\x03\x04", (6, 8, 14, 18, 22, 26, 28)),
        (b"PK\x01\x02", (8, 10, 20, 24, 42)),
    ):
        places = [at for at in range(len(found)) if found[at : at + 4] == mark]
        if places and draw(st.booleans()):
            at = draw(st.sampled_from(places)) + draw(st.sampled_from(fields))
            found[at : at + 4] = draw(st.binary(min_size=4, max_size=4))
    return bytes(found)


@pytest.mark.parametrize("kind", INSIDE)
def test_what_lies_within_a_file_is_read_or_refused(kind, tmp_path):
    path, good = tmp_path / f"a.{kind}", INSIDE[kind]()
    path.write_bytes(good)
    assert extract_child.read_whole(path, 1 << 24, tmp_path).told()["parts"]

    @house
    @given(st.one_of(bent_file(good), bending(good), lying(good)))
    def read(content):
        path.write_bytes(content)
        try:
            json.dumps(extract_child.read_whole(path, 1 << 24, tmp_path).told())
        except ExtractError as refusal:
            assert refusal.message
        except Exception:  # noqa: BLE001 - the child answers these in its own words
            return

    read()


@pytest.mark.parametrize("kind", ["docx", "xlsx"])
def test_a_zip_that_lies_is_looked_at_or_refused(kind, tmp_path):
    """No fault of a ZIP is left to chance: what is offered is judged in words."""
    path, good, taken = tmp_path / f"a.{kind}", GOOD[kind](), []

    @house
    @given(lying(good))
    def look(content):
        path.write_bytes(content)
        try:
            taken.append(look_at(path).media_type)
        except Refused as refusal:
            assert refusal.message

    look()
    assert taken

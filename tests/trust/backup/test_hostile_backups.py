"""A backup that is cut short, changed or made by an enemy: refused in words, nothing written."""

import io
import json
import tarfile

import pytest

from archive.core.errors import Conflict, Invalid, NotFound
from archive.trust.backup import manifest
from archive.trust.backup.passphrases import read_passphrase
from storage.errors import BackupDamaged, PlaceTaken, StorageError, WrongPassphrase
from storage.places import hold_place
from storage.sealed import Passphrase


def refused(kept, content, why, passphrase=None, kind=BackupDamaged):
    path = kept.place / "可疑.tar"
    path.write_bytes(content)
    with pytest.raises(kind, match=why):
        kept.back(path, passphrase)
    assert not kept.settings().data.exists()
    assert [one.name for one in kept.place.iterdir() if one.name.startswith(".")] == []


def test_cut_short_anywhere(kept):
    content = kept.to_file().path.read_bytes()
    places = [0, 1, 511, 513, 2000, len(content) // 2, len(content) - 1024, len(content) - 1]
    for end in places:
        refused(kept, content[:end], "不完整|不是档案台")


def test_one_flipped_byte(kept):
    content = kept.to_file().path.read_bytes()
    with tarfile.open(fileobj=io.BytesIO(content)) as opened:
        members = opened.getmembers()
    for member in (members[1], members[2], members[-2]):  # rows, a key, a blob
        bent = bytearray(content)
        bent[member.offset_data + member.size // 2] ^= 1
        refused(kept, bytes(bent), "改动过|损坏|坏了|对不上")
    bent = bytearray(content)
    bent[members[-1].offset_data + 2] ^= 1
    refused(kept, bytes(bent), "损坏|不完整|对不上")


def test_sealed_every_change_is_seen_and_nothing_readable(kept):
    made = kept.to_file("密.bak", kept.passphrase)
    content = made.path.read_bytes()
    assert b"archive.db" not in content
    refused(kept, content, "口令不对", Passphrase(b"another passphrase", 10), WrongPassphrase)
    refused(kept, content, "--passphrase-file", None, WrongPassphrase)
    for at in (25, 60, 90, len(content) // 2, len(content) - 1):
        bent = bytearray(content)
        bent[at] ^= 1
        refused(kept, bytes(bent), "口令不对|改动过|已损坏|不完整", kept.passphrase, StorageError)
    end_of_first_chunk = 19 + 1 + 48 + (1 << 20) + 16
    refused(kept, content[:end_of_first_chunk], "改动过|不完整", kept.passphrase)
    refused(kept, content + b"x", "改动过|不完整", kept.passphrase)
    assert kept.back(made.path, kept.passphrase).findings == ()


def forged(content, *extra, head=None):
    """A backup made anew by an enemy who knows the format, with some members of their own."""
    out = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(content)) as source,
        tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as target,
    ):
        for member in source.getmembers():
            body = source.extractfile(member).read()
            if member.name == manifest.HEAD and head:
                body = json.dumps(json.loads(body) | head).encode()
                member.size = len(body)
            for name, kind in extra if member.name == manifest.LIST else ():
                added = tarfile.TarInfo(name)
                added.type, added.size = kind, 3 if kind == tarfile.REGTYPE else 0
                added.linkname = "/etc/passwd" if kind != tarfile.REGTYPE else ""
                target.addfile(added, io.BytesIO(b"x" * added.size))
            target.addfile(member, io.BytesIO(body))
    return out.getvalue()


STRANGERS = [
    ("../外面.txt", tarfile.REGTYPE, "文件名"),
    ("/etc/cron.d/x", tarfile.REGTYPE, "文件名"),
    ("keys/../../x", tarfile.REGTYPE, "文件名"),
    ("keys/.ssh", tarfile.REGTYPE, "文件名"),
    ("run/office.sock", tarfile.REGTYPE, "文件名"),
    ("keys", tarfile.REGTYPE, "文件名"),
    ("keys/a/b/c/d", tarfile.REGTYPE, "文件名"),
    ("keys/x", tarfile.SYMTYPE, "不是普通文件"),
    ("keys/x", tarfile.LNKTYPE, "不是普通文件"),
    ("keys/x", tarfile.DIRTYPE, "不是普通文件"),
    ("keys/x", tarfile.CHRTYPE, "不是普通文件"),
    ("keys/x", tarfile.BLKTYPE, "不是普通文件"),
    ("keys/x", tarfile.FIFOTYPE, "不是普通文件"),
    ("keys/x", tarfile.XHDTYPE, "不是普通文件"),  # its body could name another path
    ("keys/x", tarfile.GNUTYPE_LONGNAME, "不是普通文件"),
    ("keys\\..\\x", tarfile.REGTYPE, "文件名"),
    ("C:x", tarfile.REGTYPE, "文件名"),
    ("blobs/ab/../../x", tarfile.REGTYPE, "文件名"),
    ("./keys/x", tarfile.REGTYPE, "文件名"),
    ("keys//x", tarfile.REGTYPE, "文件名"),
    ("keys/\u202ex", tarfile.REGTYPE, "文件名"),
    ("keys/多出来的", tarfile.REGTYPE, "对不上"),
    ("archive.db", tarfile.REGTYPE, "多出来"),
    ("keys/secret/x", tarfile.REGTYPE, "."),
]


def test_members_of_an_enemy(kept):
    content = kept.to_file().path.read_bytes()
    for name, kind, why in STRANGERS:
        refused(kept, forged(content, (name, kind)), why, kind=StorageError)


def test_links_are_neither_backed_up_nor_followed(kept):
    """Who can lay a link beside the keys does not get other files into a backup, or out of one."""
    data, outside = kept.resources.settings.data, kept.place / "外面"
    outside.mkdir()
    (outside / "别人的").write_text("不该进来")
    (data / "fonts").mkdir(exist_ok=True)
    (data / "keys" / "链接").symlink_to(outside / "别人的")
    (data / "fonts" / "文件夹").symlink_to(outside, target_is_directory=True)
    content = kept.to_file().path.read_bytes()
    assert "不该进来".encode() not in content
    with tarfile.open(fileobj=io.BytesIO(content)) as made:
        assert [one.name for one in made if not one.isreg() or "链接" in one.name] == []
    kept.to_folder()
    blob = next((kept.place / "仓" / "blobs").glob("??/*"))
    size = blob.stat().st_size
    blob.unlink()
    (outside / "别的").write_bytes(b"x" * size)
    blob.symlink_to(outside / "别的")
    with pytest.raises(StorageError, match="摘要不符"):
        kept.back(kept.place / "仓")
    assert not kept.settings().data.exists()


def test_a_lying_size_costs_nothing(kept):
    content = bytearray(kept.to_file().path.read_bytes())
    lie = tarfile.TarInfo("backup.json")
    lie.size = 1 << 60
    refused(kept, lie.tobuf(tarfile.GNU_FORMAT) + content[512:], "大得不合理")
    lie.name = "keys/x"
    refused(kept, bytes(content[:1024]) + lie.tobuf(tarfile.GNU_FORMAT) + b"x" * 999, "不完整")


def test_made_by_a_later_release(kept):
    content = kept.to_file().path.read_bytes()
    refused(kept, forged(content, head={"revision": "9999", "release": "9.0"}), "更新的版本")
    refused(kept, forged(content, head={"format": 2}), "格式")
    refused(kept, forged(content, head={"product": "别的"}), "不是档案台的备份")
    refused(kept, forged(content, head={"id": "../x"}), "损坏")


def test_strange_files_are_no_backups(kept):
    for content in (b"", b"PK\x03\x04" + b"x" * 600, b"\0" * 2048, "档案".encode() * 500):
        refused(kept, content, "不完整|不是档案台的备份|损坏|不予恢复")
    with pytest.raises(NotFound):
        kept.back(kept.place / "没有.tar")


def test_the_target_is_never_something_else(kept):
    with pytest.raises(Conflict, match="里面"):
        kept.to_file("../instance/x.tar")
    with pytest.raises(Conflict, match="没有文件夹"):
        kept.to_file("没有/x.tar")
    other = kept.place / "合同.docx"
    other.write_bytes(b"PK\x03\x04 contract")
    with pytest.raises(Conflict, match="没有覆盖"):
        kept.to_file("合同.docx")
    assert other.read_bytes() == b"PK\x03\x04 contract"
    first = kept.to_file()
    second = kept.to_file()
    assert first.path == second.path and first.id != second.id
    assert oct(second.path.stat().st_mode & 0o777) == "0o600"


def test_one_backup_at_a_time(kept):
    lock = kept.resources.settings.run / "backup.lock"
    with hold_place(lock, "x"), pytest.raises(PlaceTaken, match="另一个备份"):
        kept.to_file()
    assert kept.to_file().blobs


@pytest.mark.parametrize("content", [b"", b"\n", b"short", b"one\ntwo lines", b"x" * 2000])
def test_a_passphrase_file_that_is_none(tmp_path, content):
    path = tmp_path / "口令"
    path.write_bytes(content)
    with pytest.raises((Invalid, StorageError)):
        read_passphrase(path)
    with pytest.raises(Invalid):
        read_passphrase(tmp_path / "没有")

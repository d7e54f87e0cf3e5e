"""A backup folder: only what is new is added, the newest n are kept, and each of them is whole."""

import pytest

from archive.core.errors import Conflict, Invalid, NotFound
from storage.errors import BackupDamaged, WrongPassphrase
from storage.sealed import Passphrase

pytestmark = [pytest.mark.slow]


def add_blob(kept, text):
    with kept.resources.work() as uow:
        digest = uow.keep(kept.resources.blobs.put(text.encode(), "text/plain"))
        uow.commit()
    return digest


def drop_row(kept, digest):
    with kept.resources.database.writer.connect() as rows:
        rows.exec_driver_sql(f"DELETE FROM stored_file WHERE sha256 = '{digest}'")
        rows.commit()
    kept.resources.blobs.delete(digest)


def blobs_in(kept, name="仓"):
    return {path.name for path in (kept.place / name / "blobs").glob("??/*")}


@pytest.mark.parametrize("is_sealed", [False, True])
def test_only_new_blobs_are_added_and_old_snapshots_go(kept, is_sealed):
    passphrase = kept.passphrase if is_sealed else None
    first = kept.to_folder(passphrase=passphrase, keep=2)
    digest = add_blob(kept, "只在第二份里")
    kept.resources.clock.advance(hours=1)
    second = kept.to_folder(passphrase=passphrase, keep=2)
    assert second.added - second.size < 200, "one small blob"
    assert (digest in blobs_in(kept)) is not is_sealed, "a sealed name does not tell the digest"
    drop_row(kept, digest)
    kept.resources.clock.advance(hours=1)
    third = kept.to_folder(passphrase=passphrase, keep=2)
    held = {path.stem for path in (kept.place / "仓" / "snapshots").glob("*.tar")}
    assert held == {second.id, third.id} and first.id not in held
    assert third.removed == 0, "the second still needs it"
    received = kept.back(kept.place / "仓", passphrase, snapshot=second.id)
    assert received.findings == () and received.head.id == second.id
    last = kept.to_folder(passphrase=passphrase, keep=1)
    assert last.removed == 1
    assert kept.back(kept.place / "仓", passphrase, name="又一次").findings == ()


def test_broken_off_at_any_step_what_is_there_is_whole(kept, monkeypatch):
    kept.to_folder()
    add_blob(kept, "新的附件")
    from archive.trust.backup import folder, making

    class Killed(BaseException):
        """As if the process were gone."""

    def die(*_args, **_kwargs):
        raise Killed

    steps = [
        (folder.BackupFolder, "note_needed"),
        (making, "_write_members"),
        (making, "sync_folder"),
        (folder.BackupFolder, "_drop_unneeded"),
    ]
    for number, (place, name) in enumerate(steps):
        kept.resources.clock.advance(minutes=1)
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(place, name, die)
            kept.to_folder(keep=2)
        assert kept.back(kept.place / "仓", name=f"第{number}次").findings == ()
    kept.to_folder(keep=1)
    assert len(blobs_in(kept)) == kept.to_file().blobs, "nothing is left over"


def test_a_damaged_blob_in_the_folder_is_named(kept):
    made = kept.to_folder()
    victim = sorted((kept.place / "仓" / "blobs").glob("??/*"))[0]
    content = victim.read_bytes()
    victim.write_bytes(b"x" + content[1:])
    with pytest.raises(BackupDamaged, match=victim.name[:16]):
        kept.back(kept.place / "仓")
    victim.unlink()
    with pytest.raises(BackupDamaged, match="少了"):
        kept.back(kept.place / "仓")
    assert not kept.settings().data.exists()
    kept.to_folder()  # the next backup brings it back
    assert victim.read_bytes() == content
    assert kept.back(made.path).findings == ()


def test_a_folder_that_is_something_else(kept):
    strange = kept.place / "照片"
    strange.mkdir()
    (strange / "a.jpg").write_bytes(b"x")
    with pytest.raises(Conflict, match="别的东西"):
        kept.to_folder("照片")
    with pytest.raises(Conflict, match="没有挂上"):
        kept.to_folder("新", may_make=False)
    with pytest.raises(Conflict, match="没有备份的标记"):
        kept.back(strange)
    with pytest.raises(Invalid):
        kept.to_folder(keep=0)
    kept.to_folder("空")
    with pytest.raises(Conflict, match="没有加密"):
        kept.to_folder("空", kept.passphrase)
    kept.to_folder("密", kept.passphrase)
    with pytest.raises(WrongPassphrase):
        kept.to_folder("密", Passphrase(b"another passphrase", 10))
    with pytest.raises(WrongPassphrase):
        kept.to_folder("密")
    with pytest.raises(NotFound, match="没有备份"):
        kept.back(kept.place / "空", snapshot="20260101T000000Z-00000000")

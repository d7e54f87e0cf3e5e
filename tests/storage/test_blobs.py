"""Bytes are named by their digest, written durably, and checked when read."""

import hashlib
import os
from pathlib import Path

import pytest

from storage.blobs import LocalBlobStore
from storage.errors import BlobDamaged, BlobMissing, StorageError

PDF = "application/pdf"


@pytest.fixture
def store(tmp_path: Path) -> LocalBlobStore:
    return LocalBlobStore(tmp_path / "blobs")


def test_the_same_bytes_are_kept_once(store):
    first, second = store.put("海信合同".encode(), PDF), store.put("海信合同".encode(), PDF)
    assert first == second
    assert first.sha256 == hashlib.sha256("海信合同".encode()).hexdigest()
    assert list(store.digests()) == [first.sha256]
    assert store.read(first.sha256) == "海信合同".encode()


def test_empty_and_large_contents_are_kept(store):
    large = os.urandom(3 << 20)
    for content in (b"", large):
        assert store.read(store.put(content, PDF).sha256) == content


def test_a_flipped_byte_is_noticed_on_reading(store):
    ref = store.put(b"contract", PDF)
    path = store._path(ref.sha256)
    path.write_bytes(b"contracT")
    with pytest.raises(BlobDamaged, match="已损坏"):
        store.read(ref.sha256)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "a" * 63, "G" * 64, "a" * 65])
def test_what_is_no_digest_is_no_path(store, name):
    with pytest.raises(BlobMissing):
        store.open(name)


def test_missing_bytes_are_named(store):
    with pytest.raises(BlobMissing, match="找不到"):
        store.read("0" * 64)


def test_a_failed_write_leaves_nothing_and_says_why(store, monkeypatch):
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="磁盘"):
        store.put(b"contract", PDF)
    assert list(store.digests()) == []
    assert not [path for path in store.folder.rglob("*") if path.is_file()]


def test_file_and_folder_are_fsynced_before_the_name_is_given(store, monkeypatch):
    synced: list[str] = []
    real = os.fsync

    def note(descriptor: int) -> None:
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink().name)
        real(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    ref = store.put(b"contract", PDF)
    assert any(name.endswith(".part") for name in synced)
    assert synced[-1] == ref.sha256[2:4], "the folder that holds the new name is synced last"

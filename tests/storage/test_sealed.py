"""Sealed files: every length comes back; no chunk can be dropped, repeated, moved or cut off."""

import io

import pytest

from storage.errors import BackupDamaged, StorageError, WrongPassphrase
from storage.sealed import CHUNK, TAG, OpeningReader, Passphrase, SealingWriter, sealed_size

KEY = Passphrase("保险柜里的口令".encode(), log_cost=10)
HEAD = sealed_size(0) - TAG


def seal(content: bytes) -> bytes:
    out = io.BytesIO()
    writer = SealingWriter(out, KEY)
    for start in range(0, len(content), 700_001):
        writer.write(content[start : start + 700_001])
    writer.close()
    return out.getvalue()


def opened(sealed: bytes, key: Passphrase | None = KEY) -> bytes:
    reader, pieces = OpeningReader(io.BytesIO(sealed), key), []
    while piece := reader.read(300_007):
        pieces.append(piece)
    return b"".join(pieces)


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 5])
def test_every_length_comes_back(size):
    content = bytes(range(256)) * (size // 256 + 1)
    sealed = seal(content[:size])
    assert opened(sealed) == content[:size]
    assert len(sealed) == sealed_size(size)
    assert seal(content[:size]) != sealed, "never the same twice"


def test_chunks_stay_where_they_are():
    sealed = seal(b"a" * CHUNK + b"b" * CHUNK + b"c" * CHUNK)
    step = CHUNK + TAG
    head, chunks = (
        sealed[:HEAD],
        [sealed[HEAD + n * step : HEAD + (n + 1) * step] for n in (0, 1, 2)],
    )
    other = seal(b"x" * CHUNK + b"y" * CHUNK + b"z" * CHUNK)
    for wrong in (
        chunks[:2],  # cut off at a chunk's end
        [chunks[0], chunks[2]],
        [chunks[1], chunks[0], chunks[2]],
        [chunks[0], chunks[0], chunks[1], chunks[2]],
        [*chunks, chunks[2]],
        [chunks[0], other[HEAD + step : HEAD + 2 * step], chunks[2]],
        [],
    ):
        with pytest.raises(BackupDamaged):
            opened(head + b"".join(wrong))
    with pytest.raises(BackupDamaged):
        opened(other[:HEAD] + b"".join(chunks))


def test_a_wrong_passphrase_and_a_hostile_head_are_told_apart():
    sealed = seal(b"x")
    with pytest.raises(WrongPassphrase, match="口令不对"):
        opened(sealed, Passphrase(b"not the one", log_cost=10))
    with pytest.raises(WrongPassphrase, match="--passphrase-file"):
        opened(sealed, None)
    costly = bytearray(sealed)
    costly[19] = 60  # would ask for all memory there is
    with pytest.raises(BackupDamaged):
        opened(bytes(costly))
    for short in (b"", sealed[:30], b"x" * 100):
        with pytest.raises(BackupDamaged):
            opened(short)
    for secret in (b"", b"short", b"x" * 1001):
        with pytest.raises(StorageError):
            Passphrase(secret)
    assert "口令" not in repr(KEY) and "secret" not in repr(KEY)

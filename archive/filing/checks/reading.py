"""Reads the bytes of papers, outside any unit of work: digest, content, signatures, viruses.

The digest is computed anew every time. What is inside follows from the bytes alone and is kept
by digest (``FileContent``), so that sealing a volume does not open every file again; the
nightly sample looks into everything anew. Nobody looks into bytes that were changed.
"""

import hashlib
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from sqlalchemy import select

from archive.core.resources import Resources
from archive.filing.checks.clamd import scan_stream
from archive.filing.checks.content import INSPECTOR, content_from, inspect
from archive.filing.checks.facts import (
    Content,
    FileFacts,
    PaperFacts,
    Scan,
    Seen,
    SignatureFacts,
)
from archive.filing.checks.models import FileContent
from archive.filing.checks.rules import MARKS, MASTER
from archive.signing.verdicts import judge_file
from storage.blobs import CHUNK, BlobStore
from storage.errors import BlobMissing

HEAD = 16
OVERLAP = 128
BATCH = 40
_Kept = dict[str, tuple[Content, SignatureFacts | None]]


def see(
    resources: Resources, papers: Sequence[PaperFacts], *, anew: bool = False
) -> tuple[PaperFacts, ...]:
    """Return the papers with their files as they are now; ``anew`` looks into every one again."""
    files = {file.registered_sha256: file for paper in papers for file in paper.files}
    masters = {
        file.registered_sha256
        for paper in papers
        if paper.is_ours
        for file in paper.files
        if file.role == MASTER
    }
    seen = read_bytes(resources.blobs, tuple(files))
    whole = [file for digest, file in files.items() if seen[digest].sha256 == digest]
    kept = {} if anew else _kept(resources, [file.registered_sha256 for file in whole])
    wanted = [file for file in whole if _is_wanted(file.registered_sha256, kept, masters)]
    kept |= _look(resources, wanted, masters)
    for file in whole:
        digest = file.registered_sha256
        content, signature = kept[digest]
        scan = _scan(resources, digest)
        seen[digest] = replace(seen[digest], content=content, signature=signature, scan=scan)
    return tuple(_with_bytes(paper, seen) for paper in papers)


def read_bytes(blobs: BlobStore, digests: Collection[str]) -> dict[str, Seen]:
    """Return what the bytes kept under each digest are now."""
    return {digest: _read(blobs, digest, MARKS) for digest in digests}


def _read(blobs: BlobStore, digest: str, marks: Mapping[str, re.Pattern[bytes]]) -> Seen:
    whole, size, head, found, tail = hashlib.sha256(), 0, b"", set[str](), b""
    try:
        with blobs.open(digest) as stream:
            while piece := stream.read(CHUNK):
                head = head or piece[:HEAD]
                whole.update(piece)
                size += len(piece)
                if head.startswith(b"%PDF-"):
                    window = tail + piece
                    found |= {name for name, mark in marks.items() if mark.search(window)}
                    tail = window[-OVERLAP:]
    except BlobMissing:
        return Seen("", 0, b"", frozenset())
    return Seen(whole.hexdigest(), size, head, frozenset(found))


def _is_wanted(digest: str, kept: _Kept, masters: Collection[str]) -> bool:
    return digest not in kept or (digest in masters and kept[digest][1] is None)


def _kept(resources: Resources, digests: Sequence[str]) -> _Kept:
    with resources.reading() as uow:
        rows = uow.session.scalars(
            select(FileContent).where(
                FileContent.sha256.in_(digests), FileContent.inspector == INSPECTOR
            )
        )
        return {
            row.sha256: (
                content_from(row.facts),
                SignatureFacts(**row.signature) if row.signature else None,
            )
            for row in rows
        }


def _look(resources: Resources, files: Sequence[FileFacts], masters: Collection[str]) -> _Kept:
    """Look into files, in batches, and keep what is found."""
    found: _Kept = {}
    for start in range(0, len(files), BATCH):
        batch = files[start : start + BATCH]
        contents = _contents(resources.blobs, batch)
        made: _Kept = {}
        for file, content in zip(batch, contents, strict=True):
            digest = file.registered_sha256
            made[digest] = content, _signature(resources, digest) if digest in masters else None
        _keep(resources, made)
        found |= made
    return found


def _contents(blobs: BlobStore, files: Sequence[FileFacts]) -> list[Content]:
    with tempfile.TemporaryDirectory(prefix="check-") as folder:
        listed = []
        for number, file in enumerate(files):
            path = Path(folder, str(number))
            with blobs.open(file.registered_sha256) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target, CHUNK)
            listed.append((path, file.media_type))
        return inspect(listed)


def _signature(resources: Resources, digest: str) -> SignatureFacts:
    """Judge a master: its bytes are those our own signing made, so they need no child."""
    verdict = judge_file(resources, resources.blobs.read(digest))
    why = verdict.why
    for one in verdict.signatures:
        if not one.valid:
            why = f"{one.step} {one.name} 的签名：{one.why}"
            break
    return SignatureFacts(
        verdict.ours, verdict.intact, verdict.trusted, why, len(verdict.signatures)
    )


def _keep(resources: Resources, made: _Kept) -> None:
    with resources.work() as uow:
        for digest, (content, signature) in made.items():
            row = uow.session.get(FileContent, digest) or FileContent(sha256=digest)
            row.inspector, row.looked_at = INSPECTOR, uow.now()
            row.facts = asdict(content)
            row.signature = asdict(signature) if signature else row.signature
            uow.session.add(row)
        uow.commit()


def _scan(resources: Resources, digest: str) -> Scan | None:
    address = resources.settings.clamd
    if not address:
        return None
    with resources.blobs.open(digest) as stream:
        return scan_stream(address, stream)


def _with_bytes(paper: PaperFacts, seen: Mapping[str, Seen]) -> PaperFacts:
    return replace(paper, files=tuple(_files(paper.files, seen)))


def _files(files: Sequence[FileFacts], seen: Mapping[str, Seen]) -> Iterator[FileFacts]:
    for file in files:
        now = seen[file.registered_sha256]
        yield replace(
            file,
            sha256=now.sha256,
            size=now.size,
            head=now.head,
            marks=now.marks,
            content=now.content,
            signature=now.signature,
            scan=now.scan,
        )

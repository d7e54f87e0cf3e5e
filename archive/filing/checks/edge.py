"""The check as a whole act: what is registered, then the bytes outside any unit of work.

Shared by page and API; ``check_before_seal`` writes the outcome into the journal and stops.
"""

import hashlib
import re
from collections.abc import Mapping

from archive.core.resources import Resources
from archive.filing.checks import service
from archive.filing.checks.rules import MARKS
from archive.filing.checks.service import Report, Seen
from archive.people.rights import Actor
from storage.blobs import CHUNK, BlobStore
from storage.errors import BlobMissing

HEAD = 16
OVERLAP = 128


def check_volume(resources: Resources, actor: Actor, volume_id: int) -> Report:
    """Check a volume as it is now; raises what reading all of it raises."""
    with resources.reading() as uow:
        plan = service.plan_check(uow, actor, volume_id)
    return service.judge(plan, read_bytes(resources.blobs, plan.digests))


def check_before_seal(resources: Resources, actor: Actor, volume_id: int) -> None:
    """Check a volume that is to be sealed; raise Conflict when an item with a veto fails."""
    report = check_volume(resources, actor, volume_id)
    with resources.work() as uow:
        service.note_check(uow, actor, volume_id, report)
        uow.commit()
    service.require_passed(report)


def read_bytes(blobs: BlobStore, digests: tuple[str, ...]) -> dict[str, Seen]:
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

"""Handing over and receiving as whole acts: plan, read the bytes again, confirm, record.

Page and API call share these; they are the edge, so they commit. Bytes are read outside any
unit of work.
"""

from collections.abc import Mapping

from archive.core.resources import Resources
from archive.filing.handover import service
from archive.filing.handover.rules import Bytes
from archive.filing.handover.views import ListView
from archive.people.rights import Actor
from archive.signing.edge import confirm
from storage.blobs import BlobStore, sha256_of
from storage.errors import BlobMissing


def hand_over(
    resources: Resources, actor: Actor, list_id: int, digest: str, *, password: str, address: str
) -> ListView:
    """Hand a list over with the filer's password; raise Conflict when anything differs."""
    with resources.reading() as uow:
        planned = service.plan_handing(uow, actor, list_id)
    confirm(resources, actor, password, address, "没有移交")
    found = read_again(resources.blobs, planned.digests)
    with resources.work() as uow:
        done = service.record_handing(uow, actor, list_id, digest, found)
        uow.commit()
    return done


def receive(
    resources: Resources,
    actor: Actor,
    list_id: int,
    digest: str,
    counted: Mapping[int, int],
    *,
    password: str,
    address: str,
) -> ListView:
    """Receive a list with the archivist's password; raise Conflict when anything differs."""
    with resources.reading() as uow:
        planned = service.plan_receipt(uow, actor, list_id)
    confirm(resources, actor, password, address, "没有接收")
    found = read_again(resources.blobs, planned.digests)
    with resources.work() as uow:
        done = service.record_receipt(uow, actor, list_id, digest, counted, found)
        uow.commit()
    return done


def read_again(blobs: BlobStore, digests: tuple[str, ...]) -> Bytes:
    """Return digest and size of the bytes kept under each digest; None for what is gone."""
    return {digest: _read(blobs, digest) for digest in digests}


def _read(blobs: BlobStore, digest: str) -> tuple[str, int] | None:
    try:
        with blobs.open(digest) as stream:
            return sha256_of(stream), stream.tell()
    except BlobMissing:
        return None

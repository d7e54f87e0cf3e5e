"""Raises signed PDFs to their level for the worker, and lets filed items follow.

The work is signing's (``archive.signing.proofs``); here it is joined with the archive, which
holds the same file.
"""

from collections.abc import Sequence

from archive.core.resources import Resources
from archive.filing.succession import replace_file
from archive.signing.keys import revoke_leavers
from archive.signing.proofs import queue_due, raise_record
from storage.outbox import OutboxItem


def drain_proofs(resources: Resources, items: Sequence[OutboxItem]) -> None:
    """Handle outbox rows of kind ``proof`` (key ``record:ID``)."""
    for record_id in sorted({int(item.key.partition(":")[2]) for item in items}):
        raise_record(resources, record_id, replace_file)


def drain_leavers(resources: Resources, items: Sequence[OutboxItem]) -> None:
    """Handle outbox rows of kind ``leaver``: whoever left signs no more."""
    if items:
        revoke_certificates(resources)


def revoke_certificates(resources: Resources) -> int:
    """Revoke the certificates of everyone who has left; return how many."""
    with resources.work() as uow:
        revoked = revoke_leavers(uow)
        uow.commit()
    return revoked


def do_proof_chores(resources: Resources) -> int:
    """Revoke what leavers left, queue papers whose time-stamps are missing or age."""
    return revoke_certificates(resources) + queue_due(resources)

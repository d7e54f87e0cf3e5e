"""Daily checkpoints of the journal, signed by the company, stamped where an authority is set.

Printed every month and kept outside, their roots show that nothing before was rewritten; a proof
for one entry is a file that a script of one page checks without us (``check_proof``).
Source: archive.md 7; RFC 6962.
"""

import base64
import json
from dataclasses import dataclass
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import select

from archive.core.clock import local_day, show_instant
from archive.core.errors import Conflict, Invalid, NotFound
from archive.core.resources import Resources
from archive.people.rights import Actor, require
from archive.signing.keys import company_key, open_authority
from archive.signing.pades import stamp_token
from archive.signing.timestamps import TimeStampAway, find_authority
from storage import checkpoints
from storage.checkpoints import JournalCheckpoint
from storage.journal import JournalEntry
from storage.work import UnitOfWork

FORMAT = "archive-journal-proof-1"
_MONTH = 7  # letters of 2026-11


@dataclass(frozen=True)
class CheckpointView:
    """A checkpoint as people see it."""

    day: str
    tree_size: int
    root: str
    made_at: datetime
    is_stamped: bool


def note_checkpoint(resources: Resources, *, daily: bool = True) -> bool:
    """Make a checkpoint of the journal as it is; return whether one was made.

    ``daily``: only if today has none yet. Nothing is made while nothing was added.
    """
    now = resources.clock()
    day = local_day(now).isoformat()
    with resources.reading() as uow:
        last = checkpoints.latest(uow.session)
        if daily and last is not None and last.day == day:
            return False
        frontier = checkpoints.frontier_now(uow.session)
        if frontier.size == (0 if last is None else last.tree_size):
            return False
    root, key = frontier.root().hex(), company_key(resources)
    told = checkpoint_text(open_authority(resources).company, day, frontier.size, root)
    if not isinstance(key.private_key, ec.EllipticCurvePrivateKey):
        raise Conflict("单位的签名密钥不是椭圆曲线密钥，不能签检查点。")
    signature = key.private_key.sign(told.encode(), ec.ECDSA(hashes.SHA256()))
    stamp = _stamped(resources, told, now)
    with resources.work() as uow:
        if uow.session.get(JournalCheckpoint, frontier.size) is not None:
            return False  # another worker was quicker
        uow.session.add(
            JournalCheckpoint(
                tree_size=frontier.size,
                day=day,
                root=root,
                peaks=" ".join(peak.hex() for peak in frontier.peaks),
                told=told,
                signature=signature,
                certificate_pem=key.certificate.public_bytes(Encoding.PEM).decode(),
                time_stamp=stamp,
                made_at=now,
            )
        )
        detail = {"day": day, "entries": frontier.size, "root": root}
        uow.journal(None, "journal.checkpoint", "journal", str(frontier.size), detail)
        uow.commit()
    return True


def checkpoint_text(company: str, day: str, size: int, root: str) -> str:
    """Return what is signed: whose journal, on which day, how many entries, which root."""
    return f"{company}\n{day}\n{size}\n{root}\n"


def list_checkpoints(uow: UnitOfWork, actor: Actor, month: str = "") -> tuple[CheckpointView, ...]:
    """Return the checkpoints of a month (2026-11), or the last hundred; newest first."""
    require(actor, "journal.read")
    query = select(JournalCheckpoint).order_by(JournalCheckpoint.tree_size.desc())
    if month:
        if len(month) != _MONTH or not month.replace("-", "").isdigit():
            raise Invalid("月份写得不对。", {"month": "例如 2026-11"})
        query = query.where(JournalCheckpoint.day.startswith(month, autoescape=True))
    else:
        query = query.limit(100)
    return tuple(
        CheckpointView(row.day, row.tree_size, row.root, row.made_at, row.time_stamp is not None)
        for row in uow.session.scalars(query)
    )


def proof_of(uow: UnitOfWork, actor: Actor, seq: int) -> bytes:
    """Return the proof that one entry stands in the journal, as JSON for ``check_proof``.

    Raises NotFound, and Conflict while no checkpoint covers the entry.
    """
    require(actor, "journal.read")
    entry = uow.session.get(JournalEntry, seq)
    if entry is None:
        raise NotFound(f"日志没有第 {seq} 条。")
    kept = checkpoints.covering(uow.session, seq)
    if kept is None:
        raise Conflict("这一条之后还没有做检查点；每天做一次，也可以现在做一次再取证明。")
    names = ("seq", "at", "actor_id", "action", "object_type", "object_id", "detail")
    proof = {
        "format": FORMAT,
        "entry": {name: getattr(entry, name) for name in names},
        "previous_hash": entry.previous_hash,
        "tree_size": kept.tree_size,
        "path": checkpoints.path_of(uow.session, seq, kept.tree_size),
        "root": kept.root,
        "signed_text": kept.told,
        "signature": base64.b64encode(kept.signature).decode(),
        "certificate": kept.certificate_pem,
        "time_stamp": base64.b64encode(kept.time_stamp).decode() if kept.time_stamp else "",
        "made_at": show_instant(kept.made_at),
    }
    return json.dumps(proof, ensure_ascii=False, indent=1).encode()


def _stamped(resources: Resources, told: str, now: datetime) -> bytes | None:
    """Return the authority's token over the text; None where none is set or it is away."""
    authority = find_authority(resources.settings)
    if authority is None:
        return None
    try:
        return stamp_token(authority, told.encode(), now)
    except TimeStampAway:
        return None

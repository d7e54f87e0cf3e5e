"""Receiving: strangers' bytes are looked at, kept, and only then entered in a batch.

Called by pages, calls and the watched folder; commits, because what lies between the looking
and the row must not wait in an open transaction.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlalchemy import func, select

from archive.core.errors import Invalid
from archive.core.resources import Resources
from archive.customers.models import Customer
from archive.filing.classes.kept import plan_in_force
from archive.filing.incoming import service
from archive.filing.incoming.looking import Look, look_at_all
from archive.filing.incoming.models import FileState, IntakeBatch, IntakeFile
from archive.filing.incoming.rules import (
    LARGEST_FILE,
    MOST_FILES,
    clean_name,
    guess_customer,
    guess_own,
)
from archive.people.rights import Actor
from storage.blobs import BlobRef
from storage.work import UnitOfWork

RENAMED = "文件名里不能保存的部分已去掉。"


@dataclass(frozen=True)
class Upload:
    """A file as it came: its name and bytes; ``values`` are what a separator sheet said."""

    name: str
    content: bytes = field(repr=False)
    values: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Received:
    """What became of one upload; ``refused`` is a sentence, ``was_here`` means it came before."""

    name: str
    file_id: int
    refused: str = ""
    was_here: bool = False


@dataclass(frozen=True)
class Kept:
    """An upload that was looked at and kept; ``ref`` is None when it was refused."""

    name: str
    ref: BlobRef | None
    pages: int
    head: str
    note: str
    values: dict[str, str]


def receive(
    resources: Resources, actor: Actor, batch_id: int, uploads: Sequence[Upload]
) -> list[Received]:
    """Take uploads into an open batch, each by itself; what is refused is noted with its reason.

    The same file sent again into the same batch is not entered twice. Raises NotFound, Conflict.
    """
    with resources.reading() as uow:
        service.open_batch(uow, actor, batch_id)
    kept = keep(resources, uploads)
    with resources.work() as uow:
        row = service.open_batch(uow, actor, batch_id)
        received = enter(uow, row, kept, actor.id)
        uow.commit()
    return received


def keep(resources: Resources, uploads: Sequence[Upload]) -> list[Kept]:
    """Look at uploads in the child process and keep the bytes of those that are accepted."""
    with tempfile.TemporaryDirectory(prefix="intake-") as folder:
        paths = []
        for number, upload in enumerate(uploads):
            paths.append(Path(folder, f"{number:05d}"))
            paths[-1].write_bytes(upload.content[: LARGEST_FILE + 1])
        looks = look_at_all(paths)
    return [_keep_one(resources, upload, look) for upload, look in zip(uploads, looks, strict=True)]


def _keep_one(resources: Resources, upload: Upload, look: Look) -> Kept:
    name, was_changed = clean_name(upload.name)
    refused = look.refused
    if len(upload.content) > LARGEST_FILE:
        refused = f"文件太大（超过 {LARGEST_FILE >> 20} MB），请拆分后再收。"
    if refused:
        return Kept(name, None, 0, "", refused, upload.values)
    ref = resources.blobs.put(upload.content, look.media_type)
    return Kept(name, ref, look.pages, look.head, RENAMED if was_changed else "", upload.values)


def enter(
    uow: UnitOfWork,
    batch: IntakeBatch,
    kept: Sequence[Kept],
    by_id: int | None,
    parent_id: int | None = None,
) -> list[Received]:
    """Enter kept uploads in a batch; raise Invalid when it would hold too many."""
    count = uow.session.scalar(
        select(func.count()).select_from(IntakeFile).where(IntakeFile.batch_id == batch.id)
    )
    if (count or 0) + len(kept) > MOST_FILES:
        raise Invalid(f"一个批次最多 {MOST_FILES} 个文件，请另建一个批次接着收。")
    names = list(uow.session.scalars(select(Customer.name))) if kept else []
    received = []
    for one in kept:
        known = _find_same(uow, batch.id, one)
        if known is not None:
            refused = one.note if one.ref is None else ""
            received.append(Received(one.name, known, refused, was_here=True))
            continue
        row = _row(uow, batch.id, one, names, parent_id)
        uow.session.add(row)
        uow.session.flush()
        received.append(Received(one.name, row.id, one.note if one.ref is None else ""))
        told = {"file": row.id, "sha256": row.digest, "pages": row.pages, "state": row.state}
        uow.journal(by_id, "intake.receive", "intake_batch", batch.id, told)
    return received


def _row(
    uow: UnitOfWork, batch_id: int, one: Kept, names: Sequence[str], parent_id: int | None
) -> IntakeFile:
    own, note = guess_own(one.name, one.values), one.note
    if own.item_class and own.item_class not in plan_in_force(uow).classes:
        note = f"分隔页上的类目“{own.item_class}”不在归档方案里，没有采用。"
        own = replace(own, item_class="")
    return IntakeFile(
        batch_id=batch_id,
        parent_id=parent_id,
        name=one.name,
        sha256=uow.keep(one.ref) if one.ref else None,
        digest=one.ref.sha256 if one.ref else "",
        pages=one.pages,
        state=FileState.WAITING if one.ref else FileState.REFUSED,
        own=own.as_json(),
        suggested="" if own.customer else guess_customer(names, f"{one.name}\n{one.head}"),
        note=note,
        received_at=uow.now(),
    )


def _find_same(uow: UnitOfWork, batch_id: int, one: Kept) -> int | None:
    """Return the file this one was sent as before: the same name and bytes, in whatever state."""
    digest = one.ref.sha256 if one.ref else ""
    query = select(IntakeFile.id).where(
        IntakeFile.batch_id == batch_id, IntakeFile.name == one.name, IntakeFile.digest == digest
    )
    if one.ref is None:
        query = query.where(IntakeFile.note == one.note)
    return uow.session.scalar(query.order_by(IntakeFile.id).limit(1))

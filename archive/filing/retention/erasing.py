"""Everything an item has, taken out of the rows: files, texts, its record's content, packages.

One transaction an item, in which the log says what went; the bytes follow at once through the
outbox (``shred``). What stays: description, 档号, digests, steps, copies as destroyed, loans, the
log. Tables are found by their references, so that one added later is not forgotten.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Column, Table, delete, select, text, update

from archive.filing.controlled.models import ControlledVersion
from archive.filing.models import CopyStatus, Item, ItemCopy, ItemState
from archive.filing.versions.keeping import TEXT
from archive.filing.versions.models import ItemVersion
from archive.people.rights import Actor
from archive.records import service as records
from archive.records.models import Record
from archive.signing.models import SigningAct, SigningRun
from archive.signing.proof_models import PaperProof
from archive.tasks.models import Task, TaskFile, TaskState
from archive.tasks.service import INPUT, forget_digests
from storage.database import Base
from storage.files import StoredFile
from storage.work import UnitOfWork

SHRED = "shred"
STOPPED = "里面的档案已按规定销毁，这项任务做的文件已清除；请重新做一次。"
_PACKAGE, _BUNDLE = "filing.package", "documents.bundle"


@dataclass(frozen=True)
class Erased:
    """What went of one item: digests whose bytes go, and those that something living shares."""

    gone: tuple[str, ...]
    shared: tuple[str, ...]


@dataclass(frozen=True)
class _Reach:
    """A table whose rows belong to the item, its record or its signing, and name stored files."""

    table: Table
    owner: Column[int]
    files: tuple[Column[str], ...]


def erase_item(uow: UnitOfWork, actor: Actor, item: Item, list_id: int) -> Erased:
    """Take everything of an item out of the rows and have its bytes shredded; idempotent."""
    _overwrite_freed_pages(uow)
    owners = _owners(uow, item)
    digests = _drop_files(uow, owners)
    if item.record_id is not None:
        _drop_content(uow, actor, item.record_id, owners)
    _drop_texts(uow, item)
    digests |= _drop_derived(uow, item)
    item.text, item.status, item.state = "", "", ItemState.DESTROYED
    for copy in uow.session.scalars(select(ItemCopy).where(ItemCopy.item_id == item.id)):
        copy.status, copy.location = CopyStatus.DESTROYED, ""
    uow.session.flush()
    forget_digests(uow, digests)
    kept = select(StoredFile.sha256).where(StoredFile.sha256.in_(digests))
    shared = set(uow.session.scalars(kept))
    gone = sorted(digests - shared)
    detail = {"list": list_id, "gone": gone, "shared": sorted(shared), "backups": "next rotation"}
    uow.journal(actor.id, "item.destroyed", "item", item.id, detail)
    uow.outbox(SHRED, f"item:{item.id}", {"digests": gone})
    uow.outbox("index", f"item:{item.id}")
    return Erased(tuple(gone), tuple(sorted(shared)))


def _overwrite_freed_pages(uow: UnitOfWork) -> None:
    """Have SQLite write zeros over what is deleted, instead of leaving it in free pages."""
    if uow.session.get_bind().dialect.name == "sqlite":
        uow.session.execute(text("PRAGMA secure_delete=ON"))


def _owners(uow: UnitOfWork, item: Item) -> dict[str, list[int]]:
    """Return the ids by which rows may belong to the item, by table."""
    found = {Item.__tablename__: [item.id]}
    if item.record_id is not None:
        runs = select(SigningRun.id).where(SigningRun.record_id == item.record_id)
        found[Record.__tablename__] = [item.record_id]
        found[SigningRun.__tablename__] = list(uow.session.scalars(runs))
    controlled = select(ControlledVersion.id).where(ControlledVersion.item_id == item.id)
    found[ControlledVersion.__tablename__] = list(uow.session.scalars(controlled))
    return found


def _drop_files(uow: UnitOfWork, owners: Mapping[str, list[int]]) -> set[str]:
    """Let go of every stored file that a row of the item names; return their digests."""
    digests: set[str] = set()
    for reach in _reaches(owners):
        mine = reach.owner.in_(owners[_target(reach.owner)])
        for column in reach.files:
            named = select(column).where(mine, column.is_not(None))
            digests |= set(uow.session.scalars(named))
            if column.nullable:
                uow.session.execute(update(reach.table).where(mine).values({column.name: None}))
        if not all(column.nullable for column in reach.files):
            uow.session.execute(delete(reach.table).where(mine))
    uow.session.expire_all()
    return digests


def _reaches(owners: Mapping[str, list[int]]) -> Iterator[_Reach]:
    for table in Base.metadata.sorted_tables:
        keys = list(table.foreign_keys)
        files = tuple(
            key.parent for key in keys if key.column.table.name == StoredFile.__tablename__
        )
        if table.name in (Task.__tablename__, TaskFile.__tablename__) or not files:
            continue
        for key in keys:
            if key.column.table.name in owners and key.column.name == "id":
                yield _Reach(table, key.parent, files)


def _target(column: Column[int]) -> str:
    return next(key.column.table.name for key in column.foreign_keys)


def _drop_content(
    uow: UnitOfWork, actor: Actor, record_id: int, owners: Mapping[str, list[int]]
) -> None:
    """Empty what the record says and what signers wrote on it; who acted and when stays."""
    records.mark_destroyed(uow, actor, record_id)
    runs = SigningAct.run_id.in_(owners[SigningRun.__tablename__])
    uow.session.execute(update(SigningAct).where(runs).values(opinion="", filled={}))
    uow.session.execute(delete(PaperProof).where(PaperProof.record_id == record_id))


def _drop_texts(uow: UnitOfWork, item: Item) -> None:
    """Take the text out of the versions of the description; what describes the item stays."""
    for version in uow.session.scalars(select(ItemVersion).where(ItemVersion.item_id == item.id)):
        version.before = {key: old for key, old in version.before.items() if key != TEXT}
        version.after = {key: new for key, new in version.after.items() if key != TEXT}
    uow.session.flush()


def _drop_derived(uow: UnitOfWork, item: Item) -> set[str]:
    """Clear packages and bundles the item may be in; one still being made is stopped."""
    kinds = select(Task).where(Task.kind.startswith("filing.") | Task.kind.startswith("documents."))
    digests: set[str] = set()
    for task in uow.session.scalars(kinds):
        if not _may_hold(task, item):
            continue
        mine = (TaskFile.task_id == task.id, TaskFile.role != INPUT)
        digests |= set(uow.session.scalars(select(TaskFile.sha256).where(*mine)))
        uow.session.execute(delete(TaskFile).where(*mine))
        if not TaskState(task.state).has_ended:
            task.state, task.ended_at = TaskState.FAILED, uow.now()
        task.message = STOPPED
    return digests


def _may_hold(task: Task, item: Item) -> bool:
    """Say whether a task's files may hold the item; what cannot be told is taken to."""
    asked = task.params
    if task.kind == _PACKAGE and asked.get("scope") in ("item", "volume", "customer"):
        owner = {"item": item.id, "volume": item.volume_id, "customer": item.customer_id}
        return bool(owner[str(asked["scope"])] == asked.get("number"))
    if task.kind == _BUNDLE and isinstance(asked.get("ids"), list):
        return item.record_id in asked["ids"]
    return True

"""Keeps the index in step with the rows: jobs of the outbox, rebuilding, and the check of both.

Rows are read, the entry is kept in SQL, then the index is told: bytes, row, index. Everything
here may be done twice, or be cut off anywhere, without harm. Called by jobs and commands.
"""

import fcntl
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select

from archive.core.resources import Resources
from archive.filing import service as filing
from archive.filing.models import Item
from archive.people.readers import write_readers
from archive.records import service as records
from archive.records.models import Record
from archive.search import store
from archive.search.entries import all_ids, describe_all, with_relatives
from archive.search.extraction import drain_extract
from archive.search.models import SearchEntry
from archive.search.store import CHUNK, Described, batches, open_index
from archive.search.views import ITEM, RECORD
from indexer import Entry, IndexBusy, IndexDamaged, entry_stamp
from storage.outbox import OutboxItem, OutboxRow
from storage.verify import Finding
from storage.work import UnitOfWork

__all__ = [
    "ask_rebuild",
    "drain_customer",
    "drain_extract",
    "drain_index",
    "drain_reindex",
    "mend_index",
    "rebuild_index",
    "rebuild_progress",
    "rebuild_remark",
    "verify_index",
]

log = logging.getLogger(__name__)

Progress = Callable[[int, int], None]
_REBUILD_KEY = "index"
REBUILDING = "索引正在重建，结果可能不全，请稍后再查。"
UPGRADING = "索引正在升级，其间照旧可查；新增的查找条件要等升级完成。"


def drain_index(resources: Resources, items: Sequence[OutboxItem]) -> None:
    """Bring the index up to date for the keys ``record:12`` and ``item:7``, in one batch.

    When the index is damaged the rows are kept all the same and a rebuild is asked for.
    """
    index = open_index(resources)
    with _one_at_a_time(resources):
        found, gone = _settle(resources, list(dict.fromkeys(item.key for item in items)))
        try:
            index.apply([one.entry for one in found], gone)
        except IndexDamaged as damage:
            log.warning("index cannot be written: %s", damage.message)
    mend_index(resources)


def drain_customer(resources: Resources, items: Sequence[OutboxItem]) -> None:
    """Follow changed customers (key ``customer:3``): who may read their papers, and the index.

    Volumes too (``volume:7``): a grant on one was given or withdrawn.
    """
    for key in dict.fromkeys(item.key for item in items):
        with resources.reading() as uow:
            papers = _papers_of(uow, key)
        if papers is None:
            log.error("not a customer: %s", key[:80])
            continue
        for chunk in batches(papers, CHUNK):
            with resources.work() as uow:
                for kind, thing_id in chunk:
                    _rewrite_readers(uow, kind, thing_id)
                uow.commit()


def drain_reindex(resources: Resources, items: Sequence[OutboxItem]) -> None:
    """Rebuild the index when it still needs it; another's rebuild under way is good enough.

    ``always`` asks for it after a destruction, so that no word of it stays in old index files;
    then another's rebuild, which may have begun before, is not enough and it is tried again.
    """
    always = any(item.payload.get("always") for item in items)
    if not always and not open_index(resources).needs_rebuild:
        return
    try:
        rebuild_index(resources)
    except IndexBusy:
        if always:
            raise
        log.info("the index is being rebuilt already")


def rebuild_index(resources: Resources, on_progress: Progress | None = None) -> int:
    """Build the index anew from the rows beside the old one, and swap; return how many entries.

    ``on_progress`` is told how many are done of how many. Raises IndexBusy when another rebuild
    is running. Changes made meanwhile are in the new index too.
    """
    with resources.reading() as uow:
        total = len(all_ids(uow))

    def tell(done: int) -> None:
        if on_progress is not None:
            on_progress(min(done, total), total)

    return open_index(resources).rebuild(_every_entry(resources), tell, total)


def mend_index(resources: Resources) -> str:
    """Ask for a rebuild when the index needs one; return why, in Chinese, or nothing."""
    trouble = open_index(resources).needs_rebuild
    if trouble:
        ask_rebuild(resources)
    return trouble


def rebuild_remark(resources: Resources) -> str:
    """Say to those who search what the rebuild means to them, and how far it is."""
    said = UPGRADING if open_index(resources).is_outdated else REBUILDING
    return said + rebuild_progress(resources)


def rebuild_progress(resources: Resources) -> str:
    """Say how far the rebuild is that runs; nothing when none does."""
    done, total = open_index(resources).progress or (0, 0)
    return f"（已完成 {done:,} / {total:,} 条）" if total else ""


def ask_rebuild(resources: Resources) -> None:
    """Leave the worker the job of rebuilding the index, unless it has it already."""
    with resources.reading() as uow:
        asked = select(OutboxRow.id).where(
            OutboxRow.kind == "reindex", OutboxRow.failed_at.is_(None)
        )
        if uow.session.scalar(asked.limit(1)) is not None:
            return
    with resources.work() as uow:
        uow.outbox("reindex", _REBUILD_KEY)
        uow.commit()


def verify_index(resources: Resources) -> Iterator[Finding]:
    """Hold rows, kept entries and index against each other; yield what does not agree.

    What still waits in the outbox is on its way and no finding.
    """
    index = open_index(resources)
    trouble = index.needs_rebuild
    if trouble:
        yield Finding("index", "index", trouble)
        return
    indexed = dict(index.stamps())
    with resources.reading() as uow:
        waiting = batches(_on_its_way(uow), CHUNK)
        pending = {one for some in waiting for one in with_relatives(uow, some)}
        known = set(uow.session.scalars(select(SearchEntry.id)))
        everything = [*dict.fromkeys([*all_ids(uow), *sorted(known.union(indexed))])]
        for chunk in batches((one for one in everything if one not in pending), CHUNK):
            yield from _compare(uow, chunk, indexed)


def _on_its_way(uow: UnitOfWork) -> set[str]:
    """Return what waits to be indexed anew, with the papers of customers that changed."""
    waiting = select(OutboxRow.kind, OutboxRow.key).where(OutboxRow.kind.in_(("index", "customer")))
    found = set()
    for kind, key in uow.session.execute(waiting):
        if kind == "index":
            found.add(key)
        else:
            found.update(f"{paper}:{number}" for paper, number in _papers_of(uow, key) or ())
    return found


def _compare(
    uow: UnitOfWork, chunk: Sequence[str], indexed: Mapping[str, str]
) -> Iterator[Finding]:
    wanted = describe_all(uow, chunk)
    rows = uow.session.scalars(select(SearchEntry).where(SearchEntry.id.in_(chunk)))
    kept = {row.id: (row.title, row.body, row.description) for row in rows}
    for entry_id in chunk:
        one = wanted.get(entry_id)
        if one is None:
            if entry_id in indexed or entry_id in kept:
                yield Finding("index", entry_id, f"索引里多出 {entry_id}，数据库里没有这份文件")
        elif entry_id not in indexed:
            yield Finding("index", entry_id, f"索引里缺少 {entry_id}")
        elif indexed[entry_id] != entry_stamp(one.entry) or kept.get(entry_id) != _kept(one):
            yield Finding("index", entry_id, f"索引里 {entry_id} 的内容不是最新的")


def _kept(one: Described) -> tuple[str, str, dict[str, Any]]:
    return one.entry.title, one.entry.body, store.describe(one)


def _settle(resources: Resources, entry_ids: Sequence[str]) -> tuple[list[Described], list[str]]:
    """Read the things and keep their entries; return what is to be found and what is gone."""
    with resources.reading() as uow:
        wanted = with_relatives(uow, entry_ids)
        found = describe_all(uow, wanted)
    gone = [entry_id for entry_id in wanted if entry_id not in found]
    with resources.work() as uow:
        store.keep_entries(uow, found.values())
        store.drop_entries(uow, gone)
        uow.commit()
    return list(found.values()), gone


def _every_entry(resources: Resources) -> Iterator[Entry]:
    """Yield every entry, read from the rows now; entries of things that are gone are removed."""
    with resources.reading() as uow:
        ids = all_ids(uow)
    for chunk in batches(ids, CHUNK):
        with _one_at_a_time(resources):
            found, _ = _settle(resources, chunk)
        yield from (one.entry for one in found)
    with resources.reading() as uow:
        known = set(uow.session.scalars(select(SearchEntry.id)))
    for chunk in batches(sorted(known.difference(ids)), CHUNK):
        with _one_at_a_time(resources):
            found, _ = _settle(resources, chunk)
        yield from (one.entry for one in found)


@contextmanager
def _one_at_a_time(resources: Resources) -> Iterator[None]:
    """Keep two writers from telling the index of the same thing in the wrong order."""
    resources.settings.run.mkdir(parents=True, exist_ok=True)
    with (resources.settings.run / "indexing.lock").open("wb") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        yield


def _papers_of(uow: UnitOfWork, key: str) -> list[tuple[str, int]] | None:
    volume_id = store.find_number(key, "volume")
    if volume_id is not None:
        inside = uow.session.scalars(select(Item.id).where(Item.volume_id == volume_id))
        return [(ITEM, one) for one in inside]
    customer_id = store.find_number(key, "customer")
    if customer_id is None:
        return None
    of_records = uow.session.scalars(select(Record.id).where(Record.customer_id == customer_id))
    of_items = uow.session.scalars(select(Item.id).where(Item.customer_id == customer_id))
    return [(RECORD, one) for one in of_records] + [(ITEM, one) for one in of_items]


def _rewrite_readers(uow: UnitOfWork, kind: str, thing_id: int) -> None:
    thing = (records.thing_of if kind == RECORD else filing.thing_of_item)(uow, thing_id)
    write_readers(uow, kind, thing_id, thing)
    uow.outbox("index", f"{kind}:{thing_id}")

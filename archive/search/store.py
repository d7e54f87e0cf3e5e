"""The texts behind the index, kept in SQL, and the index opened over them.

What an entry says comes from ``entries``; who may read it is asked freshly each time, so a
hit whose rights have just gone is not shown even before the index has followed.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import and_, bindparam, delete, or_, select

from archive.core.resources import Resources
from archive.people.models import ReaderToken
from archive.people.rights import TOKENS_VERSION
from archive.search.models import SearchEntry
from archive.search.views import ITEM, RECORD, Card
from indexer import Entry, Index
from storage.database import Database
from storage.work import UnitOfWork

log = logging.getLogger(__name__)

OPERATOR = "operator"
"""A token every entry carries and no person holds: the command line sees everything by it."""

CHUNK = 200
_LARGEST_ID = 2**63 - 1
_TUPLES = ("numbers", "people")
_BESIDE = {"id", "title", "body", "readers"}

T = TypeVar("T")

_KEPT = select(SearchEntry.id, SearchEntry.title, SearchEntry.body, SearchEntry.description).where(
    SearchEntry.id.in_(bindparam("ids", expanding=True))
)
_TOKENS = select(ReaderToken.kind, ReaderToken.thing_id, ReaderToken.token).where(
    or_(
        *(
            and_(
                ReaderToken.kind == kind,
                ReaderToken.thing_id.in_(bindparam(name, expanding=True)),
            )
            for kind, name in ((RECORD, "records"), (ITEM, "items"))
        )
    )
)


@dataclass(frozen=True)
class Described:
    """One thing as the index is told of it, and as results show it."""

    entry: Entry
    card: Card


_opened: dict[Path, tuple[Database, Index]] = {}
_lock = threading.Lock()


def open_index(resources: Resources) -> Index:
    """Return this process's index over the instance; opened once and kept."""
    folder = resources.settings.index
    folder.mkdir(parents=True, exist_ok=True)  # it may have been removed under a running server
    with _lock:
        known = _opened.get(folder)
        if known is not None and known[0] is resources.database:
            return known[1]
        index = Index.open(folder, _loader(resources), TOKENS_VERSION)
        _opened[folder] = (resources.database, index)
        return index


def warm_index(resources: Resources) -> None:
    """Read what the first search would wait for; whatever is wrong there, searches will say."""
    try:
        open_index(resources).warm()
    except OSError as error:
        log.warning("the index cannot be opened: %s", error)


def let_index_go(resources: Resources) -> None:
    """Close this process's index: who only keeps others must not hold files that were replaced."""
    with _lock:
        _opened.pop(resources.settings.index, None)


def load_entries(uow: UnitOfWork, entry_ids: Sequence[str]) -> dict[str, Entry]:
    """Return the entries kept under these ids, with those who may read them at this moment."""
    return {entry_id: one.entry for entry_id, one in load_described(uow, entry_ids).items()}


def load_described(uow: UnitOfWork, entry_ids: Sequence[str]) -> dict[str, Described]:
    """Return the same with what results show of them."""
    found: dict[str, Described] = {}
    for chunk in batches(entry_ids, CHUNK):
        readers = readers_of(uow, chunk)
        for entry_id, title, body, said in uow.session.execute(_KEPT, {"ids": chunk}):
            entry = _described_entry(entry_id, said, title, body, readers[entry_id])
            found[entry_id] = Described(entry, Card(**said["card"]))
    return found


def load_cards(uow: UnitOfWork, entry_ids: Sequence[str]) -> dict[str, Described]:
    """Return what results show of these ids; without the texts, which the hits bring along."""
    query = select(SearchEntry.id, SearchEntry.description).where(SearchEntry.id.in_(entry_ids))
    return {
        entry_id: Described(_described_entry(entry_id, said), Card(**said["card"]))
        for entry_id, said in uow.session.execute(query)
    }


def keep_entries(uow: UnitOfWork, described: Iterable[Described]) -> None:
    """Write the entries in place of those before."""
    for one in described:
        uow.session.merge(
            SearchEntry(
                id=one.entry.id,
                title=one.entry.title,
                body=one.entry.body,
                description=describe(one),
                updated_at=uow.now(),
            )
        )
    uow.session.flush()


def drop_entries(uow: UnitOfWork, entry_ids: Iterable[str]) -> None:
    """Remove entries; silent when they are gone already."""
    for chunk in batches(entry_ids, CHUNK):
        uow.session.execute(delete(SearchEntry).where(SearchEntry.id.in_(chunk)))


def describe(one: Described) -> dict[str, Any]:
    """Return all of an entry but its texts, as JSON; the readers as the index was told."""
    said = {key: value for key, value in asdict(one.entry).items() if key not in _BESIDE}
    said.update({key: list(said[key]) for key in _TUPLES})
    said["readers"] = sorted(one.entry.readers)
    said["card"] = asdict(one.card)
    return said


def readers_of(uow: UnitOfWork, entry_ids: Iterable[str]) -> dict[str, frozenset[str]]:
    """Return the tokens under which each thing may be read, the operator's among them."""
    wanted: dict[str, set[int]] = {RECORD: set(), ITEM: set()}
    found: dict[str, set[str]] = {}
    for entry_id in entry_ids:
        found[entry_id] = {OPERATOR}
        name = split_id(entry_id)
        if name is not None:
            wanted[name[0]].add(name[1])
    if wanted[RECORD] or wanted[ITEM]:
        ids = {"records": list(wanted[RECORD]), "items": list(wanted[ITEM])}
        for kind, thing_id, token in uow.session.execute(_TOKENS, ids):
            found[f"{kind}:{thing_id}"].add(token)
    return {entry_id: frozenset(tokens) for entry_id, tokens in found.items()}


def split_id(entry_id: str) -> tuple[str, int] | None:
    """Return kind and number of ``item:7``; None for anything that is not such a name."""
    kind = entry_id.partition(":")[0]
    number = find_number(entry_id, kind) if kind in (RECORD, ITEM) else None
    return None if number is None else (kind, number)


def find_number(key: str, kind: str) -> int | None:
    """Return 7 for the key ``item:7`` of the kind ``item``; None for anything else."""
    digits = key.removeprefix(f"{kind}:")
    number = int(digits[:20]) if digits.isascii() and digits.isdigit() else 0
    return number if 0 < number <= _LARGEST_ID and key == f"{kind}:{number}" else None


def batches(things: Iterable[T], size: int) -> Iterable[list[T]]:
    """Yield the things in lists of at most ``size``."""
    rest = iter(things)
    while chunk := list(islice(rest, size)):
        yield chunk


def _loader(resources: Resources) -> Callable[[Sequence[str]], Mapping[str, Entry]]:
    def load(entry_ids: Sequence[str]) -> Mapping[str, Entry]:
        with resources.reading() as uow:
            return load_entries(uow, entry_ids)

    return load


def _described_entry(
    entry_id: str,
    said: Mapping[str, Any],
    title: str = "",
    body: str = "",
    readers: frozenset[str] = frozenset(),
) -> Entry:
    plain = {key: value for key, value in said.items() if key not in ("card", "readers")}
    plain.update({key: tuple(plain[key]) for key in _TUPLES})
    return Entry(id=entry_id, title=title, body=body, readers=readers, **plain)

"""Completions while typing: customers and titles, only those the reader may see.

Not here: past searches (they live in the database).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from indexer.analysis import each_unit
from indexer.folding import fold
from indexer.matching import match
from indexer.nodes import InField
from indexer.pinyin import pinyin_terms
from indexer.results import Suggestion
from indexer.schema import Entry
from indexer.snapshot import Snapshot

_MOST_TITLES = 30
LONGEST_TEXT = 60


def warm_up(snapshot: Snapshot) -> None:
    """Spell the customers out, which the first letters typed would wait for."""
    for part in snapshot.parts:
        for name in part.view.column("customer").values:
            _heard(name)


def run_suggest(
    snapshot: Snapshot,
    text: str,
    readers: frozenset[str],
    limit: int,
    load_entries: Callable[[Sequence[str]], Mapping[str, Entry]],
) -> list[Suggestion]:
    """Up to `limit` suggestions: customers that begin so first, then others, then titles."""
    wanted = fold(text[:LONGEST_TEXT]).strip()
    if not wanted or not readers or limit <= 0 or not list(each_unit(wanted)):
        return []
    customers = _customers(snapshot, wanted, readers)[:limit]
    room = limit - len(customers)
    if room <= 0:
        return customers
    return customers + _titles(snapshot, wanted, readers, load_entries)[:room]


def _customers(snapshot: Snapshot, wanted: str, readers: frozenset[str]) -> list[Suggestion]:
    counts: dict[str, int] = {}
    for part in snapshot.parts:
        column = part.view.column("customer")
        visible = part.visible(readers)
        numbers = np.bincount(column.codes[visible] + 1, minlength=len(column.values) + 1)[1:]
        for code in np.flatnonzero(numbers).tolist():
            name = column.values[code]
            counts[name] = counts.get(name, 0) + int(numbers[code])
    ranked = [(_nearness(name, wanted), -count, name) for name, count in counts.items()]
    best = sorted(one for one in ranked if one[0] < _FAR)
    return [Suggestion(name, "customer", count=-count) for _, count, name in best]


_FAR = 9


def _nearness(name: str, wanted: str) -> int:
    """0 begins so, 1 contains it, 2 is initialled or spelled so from its start, 3 later."""
    folded, sounds = _heard(name)
    if folded.startswith(wanted):
        return 0
    if wanted in folded:
        return 1
    if not wanted.isascii():
        return _FAR
    letters = wanted.replace(" ", "").replace("'", "")
    if f" {letters}" not in sounds:
        return _FAR
    fitting = [term for term in sounds.split() if term.startswith(letters)]
    longest = max(map(len, pinyin_terms(folded)[0]), default=0)
    return 2 if any(len(term) >= longest for term in fitting) else 3


@lru_cache(maxsize=50_000)
def _heard(name: str) -> tuple[str, str]:
    """A customer's name folded, and all it sounds like, each with a blank before it."""
    folded = fold(name)
    full, initials = pinyin_terms(folded)
    return folded, "".join(f" {term}" for term in (*full, *initials))


def _titles(
    snapshot: Snapshot,
    wanted: str,
    readers: frozenset[str],
    load_entries: Callable[[Sequence[str]], Mapping[str, Entry]],
) -> list[Suggestion]:
    newest: list[tuple[int, str]] = []
    for part in snapshot.parts:
        found = match(InField("title", wanted), part.view) & part.visible(readers)
        docs = np.flatnonzero(found)
        docs = docs[np.argsort(-part.view.dates[docs], kind="stable")[:_MOST_TITLES]]
        ids = map(part.view.id_of, docs.tolist())
        newest += zip(part.view.dates[docs].tolist(), ids, strict=True)
    newest.sort(reverse=True)
    wanted_ids = [entry_id for _, entry_id in newest[:_MOST_TITLES]]
    entries = load_entries(wanted_ids) if wanted_ids else {}
    suggestions: dict[str, Suggestion] = {}
    for entry_id in wanted_ids:
        entry = entries.get(entry_id)
        if entry is not None and entry.readers & readers:
            suggestions.setdefault(entry.title, Suggestion(entry.title, "title", entry_id))
    return list(suggestions.values())

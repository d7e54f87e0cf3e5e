"""One search from request to results: rights first, then filters, counts, order, passages.

Not here: opening the index (index), the query language (query). The rights are part of the mask
that everything else is counted from; no count is ever taken before.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from indexer.corrections import correct
from indexer.histogram import count_dates, in_periods
from indexer.marks import best_page, make_marker, mark_passage, mark_whole
from indexer.matching import match
from indexer.nodes import Node, Query, loosen
from indexer.pinyin import pinyin_key
from indexer.postings import FloatArray
from indexer.query import parse
from indexer.results import DATE, FACETS, Hit, SearchRequest, SearchResults
from indexer.schema import Entry
from indexer.scoring import score_parts
from indexer.segment import Mask
from indexer.snapshot import Part, Snapshot

MOST_FACET_VALUES = 100
_LONGEST_CORRECTED, _LONGEST_LOOSENED = 40, 8
NOTHING_TYPED = "没有可以查找的文字，请输入汉字、字母或数字。"
LOOSENED = "没有同时包含全部词语的记录，以下结果包含其中一部分词语。"

Rows = npt.NDArray[np.intp]
LoadEntries = Callable[[Sequence[str]], Mapping[str, Entry]]


@dataclass(frozen=True)
class _Found:
    """What a query finds in each part: all that is visible, and what the filters leave of it."""

    visible: list[Mask]
    chosen: list[Mask]

    @cached_property
    def total(self) -> int:
        return sum(int(np.count_nonzero(mask)) for mask in self.chosen)


def run_search(
    snapshot: Snapshot,
    request: SearchRequest,
    load_entries: LoadEntries,
    started: float,
    notes: tuple[str, ...] = (),
) -> SearchResults:
    """Search a snapshot; `started` is the perf_counter at which the request came in."""
    query = parse(request.text, request.today, request.synonyms)
    if not request.readers:
        return SearchResults(0, _since(started), (), _no_facets(), (*notes, *query.notes))
    if not query.has_words:
        return SearchResults(
            0, _since(started), (), _no_facets(), (*notes, *query.notes, NOTHING_TYPED)
        )
    node, found, extra = _find(snapshot, query, request)
    order = _ordered(snapshot, query, node, found, request)
    hits, lost = _hits(snapshot, query, order, request, load_entries)
    return SearchResults(
        total=found.total - lost,
        took_ms=_since(started),
        hits=hits,
        facets=_facets(snapshot, found, request),
        notes=(*notes, *query.notes, *extra),
        did_you_mean=_corrections(snapshot, request, found.total, bool(extra)),
    )


def find_ids(snapshot: Snapshot, request: SearchRequest) -> frozenset[str]:
    """The ids of all that fits as it is asked, no texts loaded, no word left out."""
    query = parse(request.text, request.today, request.synonyms)
    if not request.readers or not query.has_words:
        return frozenset()
    found = _apply(snapshot, query.node, request)
    return frozenset(
        part.view.id_of(doc)
        for part, mask in zip(snapshot.parts, found.chosen, strict=True)
        for doc in np.flatnonzero(mask).tolist()
    )


def find_page(request: SearchRequest, pages: Sequence[str]) -> int:
    """The page, from 1, on which what the request asks for stands; 0 where it stands on none."""
    query = parse(request.text, request.today, request.synonyms)
    return best_page(pages, make_marker(query)) if query.has_words else 0


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000


def _no_facets() -> dict[str, tuple[tuple[str, int], ...]]:
    return dict.fromkeys((*FACETS, DATE), ())


def _find(
    snapshot: Snapshot, query: Query, request: SearchRequest
) -> tuple[Node | None, _Found, tuple[str, ...]]:
    found = _apply(snapshot, query.node, request)
    if found.total or query.node is None:
        return query.node, found, ()
    for loose in loosen(query.node):
        more = _apply(snapshot, loose, request)
        if more.total:
            return loose, more, (LOOSENED,)
    return query.node, found, ()


def _corrections(
    snapshot: Snapshot, request: SearchRequest, total: int, is_loosened: bool
) -> tuple[str, ...]:
    """Ask whether another word was meant where nothing, or only a part of a few words, was found.

    A long question of which only a part was found is answered by its best passages.
    """
    longest = _LONGEST_LOOSENED if is_loosened else _LONGEST_CORRECTED
    if (total and not is_loosened) or len(request.text) > longest:
        return ()

    def total_of(text: str) -> int:
        node = parse(text, request.today, request.synonyms).node
        return 0 if node is None else _apply(snapshot, node, request).total

    return correct(snapshot, request.text, request.readers, total_of)


def _apply(snapshot: Snapshot, node: Node | None, request: SearchRequest) -> _Found:
    visible: list[Mask] = []
    chosen: list[Mask] = []
    for part in snapshot.parts:
        mask = part.visible(request.readers)
        if node is not None and mask.any():
            mask = mask & match(node, part.view)
        visible.append(mask)
        chosen.append(mask & _filter_mask(part, request.filters))
    return _Found(visible, chosen)


def _filter_mask(part: Part, filters: Mapping[str, tuple[str, ...]], but: str = "") -> Mask:
    mask = np.ones(part.view.size, np.bool_)
    for name, values in filters.items():
        if name == but or not values:
            continue
        if name == DATE:
            mask &= in_periods(part.view.months, values)
            continue
        if name not in FACETS:
            return np.zeros(part.view.size, np.bool_)
        column = part.view.column(name)
        wanted = set(values)
        good = np.array([*(value in wanted for value in column.values), False], np.bool_)
        mask &= good[column.codes]
    return mask


def _facets(
    snapshot: Snapshot, found: _Found, request: SearchRequest
) -> dict[str, tuple[tuple[str, int], ...]]:
    rows = [np.flatnonzero(mask) for mask in found.chosen]
    counted = {name: _facet(snapshot, found, request, name, rows) for name in FACETS}
    return {**counted, DATE: _dates(snapshot, found, request, rows)}


def _rows_without(
    snapshot: Snapshot, found: _Found, request: SearchRequest, name: str, rows: list[Rows]
) -> list[Rows]:
    """What is found in each part when the filter on one field is left away."""
    if not request.filters.get(name):
        return rows
    return [
        np.flatnonzero(visible & _filter_mask(part, request.filters, but=name))
        for part, visible in zip(snapshot.parts, found.visible, strict=True)
    ]


def _dates(
    snapshot: Snapshot, found: _Found, request: SearchRequest, rows: list[Rows]
) -> tuple[tuple[str, int], ...]:
    own = _rows_without(snapshot, found, request, DATE, rows)
    months = [part.view.months[docs] for part, docs in zip(snapshot.parts, own, strict=True)]
    return count_dates(months, request.filters.get(DATE, ()))


def _facet(
    snapshot: Snapshot, found: _Found, request: SearchRequest, name: str, rows: list[Rows]
) -> tuple[tuple[str, int], ...]:
    """Counts of a field's values over what is visible, with the other fields' filters applied."""
    values, codes = snapshot.whole_column(name)
    counts = np.zeros(len(values) + 1, np.int64)
    docs_of = _rows_without(snapshot, found, request, name, rows)
    for own, docs in zip(codes, docs_of, strict=True):
        counts += np.bincount(own[docs] + 1, minlength=len(counts))
    having = np.flatnonzero(counts[1:])
    ranked = having[np.argsort(-counts[1:][having], kind="stable")][:MOST_FACET_VALUES]
    return tuple((values[code], int(counts[code + 1])) for code in ranked.tolist())


@dataclass(frozen=True)
class _Order:
    """What was found, best first: part, document and score of each up to the page's end."""

    rows: list[tuple[int, int, float]]


def _ordered(
    snapshot: Snapshot, query: Query, node: Node | None, found: _Found, request: SearchRequest
) -> _Order:
    end = max(0, request.offset) + max(0, request.limit)
    parts = [np.flatnonzero(mask) for mask in found.chosen]
    scores = _scores(snapshot, query, node, parts)
    owner = np.repeat(np.arange(len(parts)), [len(docs) for docs in parts])
    docs = np.concatenate([*parts, np.empty(0, np.int64)]).astype(np.int64)
    if not len(docs) or not end:
        return _Order([])
    if request.sort in {"number", "customer"}:
        rows = _by_text(snapshot, parts, request.sort)[:end]
    else:
        dates = np.concatenate(
            [p.view.dates[d] for p, d in zip(snapshot.parts, parts, strict=True)]
        )
        if request.sort == "date" or node is None:
            rows = np.lexsort((docs, owner, -scores, -dates))[:end]
        else:
            rows = _best(scores, dates, docs, owner, end)
    picked = zip(owner[rows].tolist(), docs[rows].tolist(), scores[rows].tolist(), strict=True)
    return _Order(list(picked))


def _scores(
    snapshot: Snapshot, query: Query, node: Node | None, parts: Sequence[npt.NDArray[np.intp]]
) -> FloatArray:
    if node is None:
        return np.zeros(sum(len(docs) for docs in parts), np.float32)
    scored = score_parts(snapshot, query, node)
    return np.concatenate(
        [own[docs] for own, docs in zip(scored, parts, strict=True)] + [np.empty(0, np.float32)]
    )


def _best(
    scores: FloatArray,
    dates: npt.NDArray[np.int64],
    docs: npt.NDArray[np.int64],
    owner: npt.NDArray[np.int64],
    end: int,
) -> npt.NDArray[np.intp]:
    """The `end` best rows by score, newer first among equals; the order is the same each time."""
    rows = np.arange(len(scores))
    if len(scores) > 4 * end:
        worst = np.partition(scores, len(scores) - end)[len(scores) - end]
        rows = np.flatnonzero(scores >= worst)
    order = np.lexsort((docs[rows], owner[rows], -dates[rows], -scores[rows]))
    return rows[order[:end]]


def _by_text(
    snapshot: Snapshot, parts: Sequence[npt.NDArray[np.intp]], name: str
) -> npt.NDArray[np.intp]:
    """All rows by number or customer; what has none comes last, equal ones newest first."""
    ranks = snapshot.ranks(name, pinyin_key if name == "customer" else _number_key)
    of_found = [own[docs] for own, docs in zip(ranks, parts, strict=True)]
    dates = [part.view.dates[docs] for part, docs in zip(snapshot.parts, parts, strict=True)]
    return np.lexsort((-np.concatenate(dates), np.concatenate(of_found)))


def _number_key(number: str) -> str:
    return re.sub(r"\d+", lambda match: match.group().zfill(12), number)


def _hits(
    snapshot: Snapshot,
    query: Query,
    order: _Order,
    request: SearchRequest,
    load_entries: LoadEntries,
) -> tuple[tuple[Hit, ...], int]:
    """The page of hits, and how many of them the database no longer shows to this reader."""
    rows = order.rows[max(0, request.offset) :]
    ids = [snapshot.parts[owner].view.id_of(doc) for owner, doc, _ in rows]
    entries = load_entries(ids) if ids else {}
    marker = make_marker(query)
    hits: list[Hit] = []
    for entry_id, (_, _, score) in zip(ids, rows, strict=True):
        entry = entries.get(entry_id)
        if entry is None or not entry.readers & request.readers:
            continue
        hide = None if entry.readers & request.unveiled else request.hide
        title = mark_whole(entry.title, marker, hide)
        passage = mark_passage(entry.body, marker, hide)
        hits.append(Hit(entry_id, score, title, passage, is_veiled=hide is not None))
    return tuple(hits), len(ids) - len(hits)

"""One search from request to results: rights first, then filters, counts, order, passages.

Not here: opening the index (index), the query language (query). The rights are part of the mask
that everything else is counted from; no count is ever taken before.
"""

import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache, reduce
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from indexer.corrections import correct
from indexer.facets import count_facets, gathered
from indexer.histogram import in_periods
from indexer.loosening import loosen
from indexer.marks import Marker, best_page, make_marker, mark_passage, mark_whole, readable
from indexer.matching import match
from indexer.nodes import Node, Query
from indexer.pinyin import pinyin_key
from indexer.postings import FloatArray, Rows
from indexer.query import parse
from indexer.results import DATE, FACETS, Hit, LoadTexts, SearchRequest, SearchResults
from indexer.scoring import score_parts
from indexer.segment import Mask
from indexer.snapshot import Snapshot
from indexer.synonyms import Groups

_TALL = 8
_LONGEST_CORRECTED, _LONGEST_LOOSENED = 40, 8
_Placed = tuple[int, int, float]
"""Something found: its part, its document there, its score."""
NOTHING_TYPED = "没有可以查找的文字，请输入汉字、字母或数字。"

_one_at_a_time = threading.Lock()
"""Arrays are gone through by one thread at a time: several would only take turns, each later."""


@dataclass(frozen=True)
class _Found:
    """What a query finds in each part: all that is visible, and what the filters leave of it."""

    visible: list[Mask]
    filters: list[dict[str, Mask]]

    @cached_property
    def chosen(self) -> list[Mask]:
        return self.without("")

    @cached_property
    def rows(self) -> list[Rows]:
        return [np.flatnonzero(mask) for mask in self.chosen]

    @cached_property
    def total(self) -> int:
        return sum(map(len, self.rows))

    def without(self, name: str) -> list[Mask]:
        """What is found when the filter on one field is left away."""
        parts = zip(self.visible, self.filters, strict=True)
        return [
            reduce(np.logical_and, (own for field, own in masks.items() if field != name), seen)
            for seen, masks in parts
        ]

    def rows_without(self, name: str) -> list[Rows]:
        """The documents found when the filter on one field is left away."""
        if name not in (self.filters[0] if self.filters else ()):
            return self.rows
        return [np.flatnonzero(mask) for mask in self.without(name)]


def run_search(
    snapshot: Snapshot,
    request: SearchRequest,
    load_texts: LoadTexts,
    started: float,
    notes: tuple[str, ...] = (),
) -> SearchResults:
    """Search a snapshot; `started` is the perf_counter at which the request came in."""
    query, marker = _understood(request.text, request.today, request.synonyms)
    if not request.readers:
        return SearchResults(0, _since(started), (), _no_facets(), (*notes, *query.notes))
    if not query.has_words:
        return SearchResults(
            0, _since(started), (), _no_facets(), (*notes, *query.notes, NOTHING_TYPED)
        )
    with _one_at_a_time:
        node, found, extra = _find(snapshot, query, request)
        order = _ordered(snapshot, query, node, found, request)
        facets = count_facets(snapshot, found.rows_without, request.filters)
    hits, lost = _hits(snapshot, marker, order, request, load_texts)
    return SearchResults(
        total=found.total - lost,
        took_ms=_since(started),
        hits=hits,
        facets=facets,
        notes=(*notes, *query.notes, *extra),
        did_you_mean=_corrections(snapshot, request, found.total, bool(extra)),
    )


@lru_cache(maxsize=1000)
def _understood(text: str, today: date | None, synonyms: Groups) -> tuple[Query, Marker]:
    """What was asked and what to mark of it; the same text is asked again to page, sort, narrow."""
    query = parse(text, today, synonyms)
    return query, make_marker(query)


def find_ids(snapshot: Snapshot, request: SearchRequest) -> frozenset[str]:
    """The ids of all that fits as it is asked, no texts loaded, no word left out."""
    query, _ = _understood(request.text, request.today, request.synonyms)
    if not request.readers or not query.has_words:
        return frozenset()
    found = _apply(snapshot, query.node, request)
    return frozenset(
        part.view.id_of(doc)
        for part, docs in zip(snapshot.parts, found.rows, strict=True)
        for doc in docs.tolist()
    )


def find_page(request: SearchRequest, pages: Sequence[str]) -> int:
    """The page, from 1, on which what the request asks for stands; 0 where it stands on none."""
    query, marker = _understood(request.text, request.today, request.synonyms)
    return best_page(pages, marker) if query.has_words else 0


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
    for loose, remark in loosen(query.node):
        more = _apply(snapshot, loose, request)
        if more.total:
            return loose, more, (remark,)
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
    for part in snapshot.parts:
        mask = part.visible(request.readers)
        if node is not None and mask.any():
            mask = mask & match(node, part.view)
        visible.append(mask)
    return _Found(visible, _filter_masks(snapshot, request.filters))


def _filter_masks(
    snapshot: Snapshot, filters: Mapping[str, tuple[str, ...]]
) -> list[dict[str, Mask]]:
    """For each part, and each field that is filtered by, which documents have one of the values."""
    masks: list[dict[str, Mask]] = [{} for _ in snapshot.parts]
    for name, values in filters.items():
        if not values or not masks:
            continue
        for own, mask in zip(masks, _having(snapshot, name, values), strict=True):
            own[name] = mask
    return masks


def _having(snapshot: Snapshot, name: str, values: tuple[str, ...]) -> Iterator[Mask]:
    if name == DATE:
        yield from (in_periods(part.view.months, values) for part in snapshot.parts)
        return
    wanted: list[int] = snapshot.codes_of(name, values) if name in FACETS else []
    columns = snapshot.whole_column(name)[1] if wanted else [None for _ in snapshot.parts]
    for part, codes in zip(snapshot.parts, columns, strict=True):
        several = (codes == code for code in wanted)
        yield reduce(np.logical_or, several, np.zeros(part.view.size, np.bool_))


def _ordered(
    snapshot: Snapshot, query: Query, node: Node | None, found: _Found, request: SearchRequest
) -> list[_Placed]:
    """What was found, best first, up to the page's end."""
    end = max(0, request.offset) + max(0, request.limit)
    if not found.total or not end:
        return []
    dates = [part.view.dates for part in snapshot.parts]
    is_by_score = request.sort == "relevance" and node is not None
    is_ranked = request.sort in {"number", "customer"}
    if is_by_score:
        keys = -_scores(snapshot, query, node, found.rows)
    elif is_ranked:
        key_of = pinyin_key if request.sort == "customer" else _number_key
        keys = gathered(snapshot.ranks(request.sort, key_of), found.rows)
    else:
        keys = -gathered(dates, found.rows)
    rows = _first(keys, end)
    keys, own = keys[rows], _split(found.rows, rows)
    if is_by_score:
        scores = -keys
    elif is_ranked:
        scores = np.zeros(len(rows), np.float32)
    else:
        scores = _scores(snapshot, query, node, own)
    is_by_date = not (is_by_score or is_ranked)
    among_equals = -scores if is_by_date else -gathered(dates, own)
    order = np.lexsort((among_equals, keys))[:end]  # what is equal stays as it lies, part by part
    places = [(owner, doc) for owner, docs in enumerate(own) for doc in docs.tolist()]
    best = zip(order.tolist(), scores[order].tolist(), strict=True)
    return [(*places[at], score) for at, score in best]


def _split(found: Sequence[Rows], rows: Rows) -> list[Rows]:
    """The documents found at some places of all, ascending, by part."""
    if len(found) == 1:
        return [found[0][rows]]
    starts = np.cumsum([0, *map(len, found)])
    edges = np.searchsorted(rows, starts).tolist()
    parts = zip(found, starts.tolist(), pairwise(edges), strict=False)
    return [docs[rows[first:last] - start] for docs, start, (first, last) in parts]


def _first(keys: npt.NDArray[Any], end: int) -> Rows:
    """The rows among which the `end` smallest are, those that are equal to the last included."""
    if len(keys) <= 4 * end:
        return np.arange(len(keys))
    width = 4 * end
    tall = len(keys) // width
    if tall > _TALL:  # so many are no larger than the largest of the columns' smallest
        least = keys[: tall * width].reshape(tall, width).min(axis=0)
        rows = np.flatnonzero(keys <= np.partition(least, end - 1)[end - 1])
    else:
        rows = np.arange(len(keys))
    few = keys[rows]
    found: Rows = rows[few <= np.partition(few, end - 1)[end - 1]]
    return found


def _scores(
    snapshot: Snapshot, query: Query, node: Node | None, rows: Sequence[Rows]
) -> FloatArray:
    if node is None:
        return np.zeros(sum(map(len, rows)), np.float32)
    return np.concatenate(score_parts(snapshot, query, node, rows))


def _number_key(number: str) -> str:
    return re.sub(r"\d+", lambda match: match.group().zfill(12), number)


def _hits(
    snapshot: Snapshot,
    marker: Marker,
    order: Sequence[_Placed],
    request: SearchRequest,
    load_texts: LoadTexts,
) -> tuple[tuple[Hit, ...], int]:
    """The page of hits, and how many of them the database no longer shows to this reader."""
    rows = order[max(0, request.offset) :]
    ids = [snapshot.parts[owner].view.id_of(doc) for owner, doc, _ in rows]
    texts = load_texts(ids) if ids else {}
    found = [
        (entry_id, texts[entry_id], score)
        for entry_id, (_, _, score) in zip(ids, rows, strict=True)
        if entry_id in texts and texts[entry_id].readers & request.readers
    ]
    shown = [text for _, text, _ in found]
    titles, bodies = readable([one.title for one in shown], [one.body for one in shown])
    hits: list[Hit] = []
    for (entry_id, text, score), title, body in zip(found, titles, bodies, strict=True):
        hide = None if text.readers & request.unveiled else request.hide
        marked = mark_whole(title, marker, hide), mark_passage(body, marker, hide)
        hits.append(Hit(entry_id, score, *marked, is_veiled=hide is not None))
    return tuple(hits), len(ids) - len(hits)

"""How well a document fits: BM25 over words, more for titles and customers, and for nearness.

Not here: which documents fit at all (matching). The numbers of documents and lengths are taken
over the whole snapshot, so that a record scores the same in whatever segment it lies.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from indexer.amounts import amount_shape
from indexer.analysis import STOP_WORDS, cut_text, run_terms, wide_words
from indexer.folding import bare_number
from indexer.joined import JoinedView
from indexer.matching import match_pinyin, pair_keys
from indexer.nodes import (
    Amount,
    Beginning,
    Han,
    InField,
    Leaf,
    Node,
    Phrase,
    Query,
    Run,
    When,
    positive_leaves,
)
from indexer.postings import FloatArray, Postings
from indexer.segment import Mask
from indexer.snapshot import Snapshot

Rows = npt.NDArray[np.intp]

_K1 = 1.2
_B = 0.75
_FIELD_WEIGHTS = (("words", 1.0), ("title", 1.2), ("customer_words", 1.5))
_NEARNESS = 0.35
_NUMBER_BONUS = 8.0
_PINYIN_BONUS = 1.5
_FEW = 8
"""So many times more documents must a term have for those found to be looked up one by one."""
_FLOOR = 0.05
"""Everything found scores something, also what is found by its places only."""


@dataclass(frozen=True)
class _Wanted:
    name: str
    term: str | int
    weight: float


def score_parts(
    snapshot: Snapshot, query: Query, node: Node, found: Sequence[Rows]
) -> list[FloatArray]:
    """The scores of the documents `found` in each part of the snapshot, in their order."""
    leaves = positive_leaves(node)
    views = [part.view for part in snapshot.parts]
    sums = [_Sum(view.size, docs) for view, docs in zip(views, found, strict=True)]
    documents = sum(view.size for view in views)
    averages = {name: snapshot.average_length(name) for name, _ in _FIELD_WEIGHTS}
    averages["pairs"] = averages["words"]
    for want in _wanted_terms(leaves, query.chunks):
        having = sum(len(_postings(view, want).docs) for view in views)
        if not having:
            continue
        idf = float(np.log(1 + (documents - having + 0.5) / (having + 0.5))) * want.weight
        for view, own in zip(views, sums, strict=True):
            own.add(_impacts(view, want, averages[want.name]), idf)
    for view, own in zip(views, sums, strict=True):
        _add_bonuses(own, view, leaves)
    return [own.total() for own in sums]


def _postings(view: JoinedView, want: _Wanted) -> Postings:
    if isinstance(want.term, int):
        return view.pair_postings(want.term)
    return view.postings(want.name, want.term)


def _impacts(view: JoinedView, want: _Wanted, average: float) -> Postings:
    """What a term adds to each of its documents before its weight; kept like its postings."""

    def count() -> Postings:
        postings = _postings(view, want)
        lengths = view.lengths("words" if want.name == "pairs" else want.name)
        counts = postings.counts
        own = np.float32(_K1 * (1 - _B)) + np.float32(_K1 * _B / average) * lengths[postings.docs]
        impacts = (counts * np.float32(_K1 + 1) / (counts + own)).astype(np.float32)
        return Postings(postings.docs, impacts, shares_docs=True)

    return view.kept((want.name, want.term, average), count)


class _Sum:
    """Adds up the scores of some documents of a part."""

    def __init__(self, size: int, docs: Rows) -> None:
        self._size = size
        self._docs = docs
        self._scores = np.full(len(docs), _FLOOR, np.float32)
        self._all: FloatArray | None = None

    def add(self, impacts: Postings, weight: float) -> None:
        """Add to the documents found that have the term."""
        if not len(impacts.docs) or not len(self._docs):
            return
        if len(self._docs) * _FEW < len(impacts.docs):
            at = np.searchsorted(impacts.docs, self._docs)
            at[at == len(impacts.docs)] = 0
            has = impacts.docs[at] == self._docs
            self._scores[has] += np.float32(weight) * impacts.counts[at[has]]
            return
        if self._all is None:
            self._all = np.zeros(self._size, np.float32)
        self._all[impacts.docs] += np.float32(weight) * impacts.counts

    def add_where(self, mask: Mask, weight: float) -> None:
        """Add to the documents found that lie in a mask."""
        self._scores[mask[self._docs]] += np.float32(weight)

    def total(self) -> FloatArray:
        """The scores by document found."""
        return self._scores if self._all is None else self._scores + self._all[self._docs]


def _wanted_terms(leaves: list[Leaf], chunks: Iterable[str]) -> list[_Wanted]:
    words: dict[str, None] = {}
    for leaf in leaves:
        words |= dict.fromkeys(_words_of(leaf))
    lasting = [word for word in words if word not in STOP_WORDS] or list(words)
    wanted = [_Wanted(name, word, weight) for word in lasting for name, weight in _FIELD_WEIGHTS]
    pairs = {pair: None for chunk in chunks for pair in pair_keys(chunk)}
    return wanted + [_Wanted("pairs", pair, _NEARNESS) for pair in pairs]


def _words_of(leaf: Leaf) -> list[str]:
    if isinstance(leaf, Han):
        return [leaf.text, *wide_words(leaf.text)]
    if isinstance(leaf, Phrase | When):
        return cut_text(leaf.text).words
    if isinstance(leaf, Amount):
        return [*cut_text(leaf.text).words, amount_shape(leaf.cents)]
    if isinstance(leaf, Run | Beginning):
        return run_terms(leaf.text)
    if isinstance(leaf, InField) and leaf.name in {"customer", "title"}:
        return cut_text(leaf.text).words
    return []


def _add_bonuses(scores: _Sum, view: JoinedView, leaves: list[Leaf]) -> None:
    for leaf in leaves:
        if isinstance(leaf, Run):
            bare = bare_number(leaf.text)
            if any(char.isdigit() for char in bare):
                scores.add_where(view.mask("tails", bare), _NUMBER_BONUS)
            elif len(bare) > 1 and bare.isascii():
                scores.add_where(match_pinyin(bare, view), _PINYIN_BONUS)

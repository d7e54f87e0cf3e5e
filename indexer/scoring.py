"""How well a document fits: BM25 over words, more for titles and customers, and for nearness.

Not here: which documents fit at all (matching). The numbers of documents and lengths are taken
over the whole snapshot, so that a record scores the same in whatever segment it lies.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
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
from indexer.postings import Counts, FloatArray, Postings
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
class _Word:
    """A term of a field."""

    name: str
    term: str
    weight: float


def score_parts(
    snapshot: Snapshot, query: Query, node: Node, found: Sequence[Rows]
) -> list[FloatArray]:
    """The scores of the documents `found` in each part of the snapshot, in their order."""
    leaves = positive_leaves(node)
    words, pairs = _words_of_leaves(leaves), _pairs_of(query.chunks)
    views = [part.view for part in snapshot.parts]
    numbers = [_documents(view, words, pairs) for view in views]
    every = sum(view.size for view in views)
    usual = [*(word.weight for word in words), *(_NEARNESS for _ in pairs)]
    weights = [
        weight * _rareness(every, sum(own)) for weight, *own in zip(usual, *numbers, strict=True)
    ]
    averages = {name: snapshot.average_length(name) for name, _ in _FIELD_WEIGHTS}
    scores = []
    for view, docs, own in zip(views, found, numbers, strict=True):
        total = _Sum(view, docs, averages)
        weighed = list(zip(own, weights, strict=True))
        total.add_words(words, weighed[: len(words)])
        total.add_pairs(pairs, weighed[len(words) :])
        total.add_bonuses(leaves)
        scores.append(total.scores())
    return scores


def _documents(view: JoinedView, words: Iterable[_Word], pairs: Sequence[int]) -> list[int]:
    """How many documents of a part have each word, and then each pair."""
    own = [len(view.postings(word.name, word.term).docs) for word in words]
    return own + (view.pair_documents(pairs) if pairs else [])


def _rareness(documents: int, having: int) -> float:
    """BM25's weight of a term that so many documents have."""
    return math.log(1 + (documents - having + 0.5) / (having + 0.5))


class _Sum:
    """Adds up the scores of some documents of a part.

    Terms come each with the number of the part's documents that have it, and with its weight.
    """

    def __init__(self, view: JoinedView, docs: Rows, averages: Mapping[str, float]) -> None:
        self._view = view
        self._docs = docs
        self._averages = averages
        self._scores = np.full(len(docs), _FLOOR, np.float32)
        self._long: dict[str, FloatArray] = {}

    def add_words(self, words: Sequence[_Word], weighed: Sequence[tuple[int, float]]) -> None:
        """Add to the documents found that have a word."""
        for word, (number, weight) in zip(words, weighed, strict=True):
            if number and len(self._docs):
                self._add(self._view.postings(word.name, word.term), word.name, weight)

    def add_pairs(self, pairs: Sequence[int], weighed: Sequence[tuple[int, float]]) -> None:
        """Add to the documents found in which a pair of neighbours stands."""
        if not len(self._docs):
            return
        looked_up: dict[int, float] = {}
        for pair, (number, weight) in zip(pairs, weighed, strict=True):
            if len(self._docs) * _FEW < number:
                looked_up[pair] = weight
            elif number:
                self._add(self._view.pair_postings(pair), "words", weight)
        if looked_up:
            every = self._view.pair_counts(tuple(looked_up), self._docs)
            for counts, weight in zip(every, looked_up.values(), strict=True):
                self._add_counts(counts, "words", weight)

    def _add(self, postings: Postings, name: str, weight: float) -> None:
        self._add_counts(postings.counts_in(self._docs, self._view.size), name, weight)

    def _add_counts(self, counts: Counts, name: str, weight: float) -> None:
        """Add to the documents found, in each of which a term of a field stands so often."""
        impacts: FloatArray = counts * np.float32((_K1 + 1) * weight)
        impacts /= self._lengths(name) + counts
        self._scores += impacts

    def _lengths(self, name: str) -> FloatArray:
        """What the length of a field weighs in each of the documents found."""
        if name not in self._long:
            average = self._averages[name]

            def long() -> FloatArray:
                own = np.float32(_K1 * _B / average) * self._view.lengths(name)
                own += np.float32(_K1 * (1 - _B))
                return own

            self._long[name] = self._view.kept(("as long", name, average), long)[self._docs]
        return self._long[name]

    def add_bonuses(self, leaves: Iterable[Leaf]) -> None:
        """Add for a number that ends so, and for a name that sounds so."""
        for leaf in leaves:
            if isinstance(leaf, Run):
                bare = bare_number(leaf.text)
                if any(char.isdigit() for char in bare):
                    self._add_where(self._view.mask("tails", bare), _NUMBER_BONUS)
                elif len(bare) > 1 and bare.isascii():
                    self._add_where(match_pinyin(bare, self._view), _PINYIN_BONUS)

    def _add_where(self, mask: Mask, weight: float) -> None:
        """Add to the documents found that lie in a mask."""
        self._scores[mask[self._docs]] += np.float32(weight)

    def scores(self) -> FloatArray:
        """The scores by document found."""
        return self._scores


def _words_of_leaves(leaves: Iterable[Leaf]) -> list[_Word]:
    words: dict[str, None] = {}
    for leaf in leaves:
        words |= dict.fromkeys(_words_of(leaf))
    lasting = [word for word in words if word not in STOP_WORDS] or list(words)
    return [_Word(name, word, weight) for word in lasting for name, weight in _FIELD_WEIGHTS]


def _pairs_of(chunks: Iterable[str]) -> list[int]:
    return list(dict.fromkeys(pair for chunk in chunks for pair in pair_keys(chunk)))


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

"""How well a document fits: BM25 over words, more for titles and customers, and for nearness.

Not here: which documents fit at all (matching). The numbers of documents and lengths are taken
over the whole snapshot, so that a record scores the same in whatever segment it lies.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np

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
from indexer.postings import Counts, FloatArray, Postings, Rows
from indexer.segment import Mask
from indexer.snapshot import Snapshot

_K1 = 1.2
_B = 0.75
_FIELD_WEIGHTS = (("words", 1.0), ("title", 1.2), ("customer_words", 1.5))
_NEARNESS = 0.35
_NUMBER_BONUS = 8.0
_PINYIN_BONUS = 1.5
_FEW = 300
"""So many times more documents must a term have for those found to be looked up one by one."""
_AT_ONCE, _STEPS = 16_384, 16_384
_FEW_FOUND = 1000
_FLOOR = 0.05
"""Everything found scores something, also what is found by its places only."""


def score_parts(
    snapshot: Snapshot, query: Query, node: Node, found: Sequence[Rows]
) -> list[FloatArray]:
    """The scores of the documents `found` in each part of the snapshot, in their order."""
    leaves = positive_leaves(node)
    words, pairs = _words_of_leaves(leaves), _pairs_of(query.chunks)
    sums = [_Sum(part.view, docs) for part, docs in zip(snapshot.parts, found, strict=True)]
    every = sum(part.view.size for part in snapshot.parts)
    averages = {name: snapshot.average_length(name) for name, _ in _FIELD_WEIGHTS}
    for name, usual in _FIELD_WEIGHTS:
        postings = [[one.view.postings(name, word) for word in words] for one in sums]
        numbers = [[len(one.docs) for one in terms] for terms in postings]
        weights = _weights(usual, every, numbers)
        for one, terms in zip(sums, postings, strict=True):
            one.add(name, terms, weights, averages[name])
    if pairs:
        numbers = [one.view.pair_documents(pairs) for one in sums]
        weights = _weights(_NEARNESS, every, numbers)
        for one, own in zip(sums, numbers, strict=True):
            one.add_pairs(pairs, own, weights, averages["words"])
    for one in sums:
        one.add_bonuses(leaves)
    return [one.scores() for one in sums]


def _weights(usual: float, documents: int, numbers: Sequence[Sequence[int]]) -> list[float]:
    """BM25's weights of terms, of which the parts have so many documents each."""
    having = map(sum, zip(*numbers, strict=True))
    return [
        (_K1 + 1) * usual * math.log(1 + (documents - own + 0.5) / (own + 0.5)) for own in having
    ]


class _Sum:
    """Adds up the scores of some documents of a part, ascending."""

    def __init__(self, view: JoinedView, docs: Rows) -> None:
        self.view = view
        self._docs = docs
        self._scores: FloatArray = np.full(len(docs), _FLOOR, np.float32)
        self._everywhere: FloatArray | None = None

    def scores(self) -> FloatArray:
        """The scores by document, in steps: what is alike is equal, in whatever part it lies."""
        if self._everywhere is not None:
            self._scores += self._everywhere[self._docs]
        found: FloatArray = np.rint(self._scores * np.float32(_STEPS))
        return found * np.float32(1 / _STEPS)

    def add(
        self, name: str, terms: Iterable[Postings], weights: Iterable[float], average: float
    ) -> None:
        """Add for terms of a field: to those found, or to all that have one if they are fewer."""
        if not len(self._docs):
            return
        counts: list[Counts] = []
        beside: list[float] = []
        for postings, weight in zip(terms, weights, strict=True):
            having = len(postings.docs)
            if having and len(self._docs) < max(having, _FEW_FOUND):
                counts.append(postings.counts_in(self._docs, self.view.size))
                beside.append(weight)
            elif having:
                self._add_everywhere(name, postings, weight, average)
        if counts:
            self._add_found(name, counts, beside, average)

    def add_pairs(
        self, pairs: Sequence[int], numbers: Iterable[int], weights: Iterable[float], average: float
    ) -> None:
        """Add to the documents in which pairs of neighbours stand, of which so many have each."""
        whole: dict[int, float] = {}
        looked_up: dict[int, float] = {}
        for pair, number, weight in zip(pairs, numbers, weights, strict=True):
            if number:
                is_whole = number <= len(self._docs) * _FEW
                (whole if is_whole else looked_up)[pair] = weight
        self.add("words", map(self.view.pair_postings, whole), whole.values(), average)
        if looked_up and len(self._docs):
            counts = self.view.pair_counts(tuple(looked_up), self._docs)
            self._add_found("words", counts, list(looked_up.values()), average)

    def _add_everywhere(self, name: str, postings: Postings, weight: float, average: float) -> None:
        if self._everywhere is None:
            self._everywhere = np.zeros(self.view.size, np.float32)
        docs = postings.docs.astype(np.intp)  # wide: numpy is slow with other places
        often = postings.counts.astype(np.float32)
        impacts = often / (self._lengths(name, average)[docs] + often)
        self._everywhere[docs] += impacts * np.float32(weight)

    def _add_found(
        self, name: str, counts: Sequence[Counts], weights: Sequence[float], average: float
    ) -> None:
        """Add for terms that stand so often in each of the documents found.

        Of few documents many terms are counted at once, for each step has its price.
        """
        lengths = self._lengths(name, average)[self._docs]
        step = max(1, _AT_ONCE // len(self._docs))
        for first in range(0, len(counts), step):
            often = np.array(counts[first : first + step], np.float32)
            impacts = often / (lengths + often)
            impacts *= np.array(weights[first : first + step], np.float32)[:, None]
            self._scores += impacts.sum(axis=0)

    def _lengths(self, name: str, average: float) -> FloatArray:
        """What the length of a field weighs in each document of the part."""

        def long() -> FloatArray:
            own = np.float32(_K1 * _B / average) * self.view.lengths(name)
            own += np.float32(_K1 * (1 - _B))
            return own

        return self.view.kept(("as long", name, average), long)

    def add_bonuses(self, leaves: Iterable[Leaf]) -> None:
        """Add for a number that ends so, and for a name that sounds so."""
        for leaf in leaves:
            if isinstance(leaf, Run):
                bare = bare_number(leaf.text)
                if any(char.isdigit() for char in bare):
                    self._add_where(self.view.mask("tails", bare), _NUMBER_BONUS)
                elif len(bare) > 1 and bare.isascii():
                    self._add_where(match_pinyin(bare, self.view), _PINYIN_BONUS)

    def _add_where(self, mask: Mask, weight: float) -> None:
        """Add to the documents that lie in a mask."""
        self._scores[mask[self._docs]] += np.float32(weight)


def _words_of_leaves(leaves: Iterable[Leaf]) -> list[str]:
    words: dict[str, None] = {}
    for leaf in leaves:
        words |= dict.fromkeys(_words_of(leaf))
    return [word for word in words if word not in STOP_WORDS] or list(words)


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

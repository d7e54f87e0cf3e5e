"""How well a document fits: BM25 over words, more for titles and customers, and for nearness.

Not here: which documents fit at all (matching). The numbers of documents and lengths are taken
over the whole snapshot, so that a record scores the same in whatever segment it lies.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from indexer.amounts import amount_shape
from indexer.analysis import STOP_WORDS, cut_text, run_terms, wide_words
from indexer.folding import bare_number
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
from indexer.segment import SegmentView
from indexer.snapshot import Snapshot

_K1 = 1.2
_B = 0.75
_FIELD_WEIGHTS = (("words", 1.0), ("title", 1.2), ("customer_words", 1.5))
_NEARNESS = 0.35
_NUMBER_BONUS = 8.0
_PINYIN_BONUS = 1.5
_FLOOR = 0.05
"""Everything found scores something, also what is found by its places only."""


@dataclass(frozen=True)
class _Wanted:
    name: str
    term: str | int
    weight: float


def score_parts(snapshot: Snapshot, query: Query, node: Node) -> list[FloatArray]:
    """A score for every document of every part of the snapshot."""
    leaves = positive_leaves(node)
    wanted = _wanted_terms(leaves, query.chunks)
    views = [part.view for part in snapshot.parts]
    scores = [np.full(view.size, _FLOOR, np.float32) for view in views]
    norms = {name: snapshot.norms(name) for name, _ in _FIELD_WEIGHTS}
    documents = sum(view.size for view in views)
    for want in wanted:
        _add_term(scores, views, want, norms, documents)
    for view, own in zip(views, scores, strict=True):
        _add_bonuses(own, view, leaves)
    return scores


def _add_term(
    scores: list[FloatArray],
    views: list[SegmentView],
    want: _Wanted,
    norms: dict[str, list[FloatArray]],
    documents: int,
) -> None:
    if isinstance(want.term, int):
        found = [view.pair_postings(want.term) for view in views]
    else:
        found = [view.postings(want.name, want.term) for view in views]
    having = sum(len(postings.docs) for postings in found)
    if not having:
        return
    idf = float(np.log(1 + (documents - having + 0.5) / (having + 0.5))) * want.weight
    own_norms = norms["words" if want.name == "pairs" else want.name]
    for own, postings, norm in zip(scores, found, own_norms, strict=True):
        own[postings.docs] += idf * _saturated(postings, norm)


def _saturated(postings: Postings, norm: FloatArray) -> FloatArray:
    counts = postings.counts
    own = _K1 * (1 - _B + _B * norm[postings.docs])
    return np.asarray(counts * (_K1 + 1) / (counts + own), np.float32)


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


def _add_bonuses(scores: FloatArray, view: SegmentView, leaves: list[Leaf]) -> None:
    for leaf in leaves:
        if isinstance(leaf, Run):
            bare = bare_number(leaf.text)
            if any(char.isdigit() for char in bare):
                scores[view.postings("tails", bare).docs] += _NUMBER_BONUS
            elif len(bare) > 1 and bare.isascii():
                scores[match_pinyin(bare, view)] += _PINYIN_BONUS

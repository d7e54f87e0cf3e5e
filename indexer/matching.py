"""Which documents of a segment a query finds: masks over arrays, no scores.

Every mask is cut with the reader's visible documents by the caller before anything is counted.
Not here: ranking (scoring), typing (query).
"""

from collections.abc import Callable, Iterable
from functools import reduce
from itertools import pairwise

import numpy as np

from indexer.analysis import Unit, each_unit, pair_of, run_shape
from indexer.folding import bare_number, fold
from indexer.pinyin import sounds_like, spell
from indexer.postings import IntArray
from indexer.query import AllOf, AnyOf, Beginning, Han, InField, Mixed, Node, Not, Phrase, Run
from indexer.segment import Column, Mask, SegmentView

_MOST_TERMS = 2000
_LONG_PART = 5
_SHORTEST_PINYIN = 2


def match(node: Node, view: SegmentView) -> Mask:
    """The documents that fit, deleted and invisible ones included."""
    if isinstance(node, AllOf):
        return _cut((match(part, view) for part in node.parts), view)
    if isinstance(node, AnyOf):
        return _join((match(part, view) for part in node.parts), view)
    if isinstance(node, Not):
        return ~match(node.part, view)
    return _match_leaf(node, view)


def _match_leaf(node: Node, view: SegmentView) -> Mask:
    if isinstance(node, Han):
        return match_units(list(each_unit(node.text)), view, node.text)
    if isinstance(node, Phrase):
        return match_units(list(each_unit(node.text)), view)
    if isinstance(node, Run):
        return match_run(node.text, view)
    if isinstance(node, Mixed):
        return _match_mixed(node.text, view)
    if isinstance(node, Beginning):
        return _match_beginning(node.text, view)
    if isinstance(node, InField):
        return _match_field(node, view)
    raise TypeError(f"no such part of a query: {node!r}")


def _nothing(view: SegmentView) -> Mask:
    return np.zeros(view.size, np.bool_)


def _cut(masks: Iterable[Mask], view: SegmentView) -> Mask:
    return reduce(np.logical_and, masks, np.ones(view.size, np.bool_))


def _join(masks: Iterable[Mask], view: SegmentView) -> Mask:
    return reduce(np.logical_or, masks, _nothing(view))


def match_units(units: list[Unit], view: SegmentView, word: str = "") -> Mask:
    """Documents in which these units stand next to each other just so.

    `word` names an indexed word that proves the same without looking at places.
    """
    if not units:
        return _nothing(view)
    pairs = _pairs(units)
    paired = {unit.place for _, at in pairs for unit in units if unit.place in (at, at + 1)}
    alone = [unit for unit in units if unit.place not in paired]
    found = _cut((view.mask("units", unit.shape) for unit in alone), view)
    for pair, _ in pairs:
        found &= view.mask("pairs", pair)
    if len(pairs) < 2:
        return found
    sure = view.mask("words", word) if word else _nothing(view)
    doubtful = np.flatnonzero(found & ~sure).astype(np.int32)
    found[doubtful[~_stand_together(pairs, doubtful, view)]] = False
    return found


def _pairs(units: list[Unit]) -> list[tuple[str, int]]:
    return [
        (pair_of(first, second), first.place)
        for first, second in pairwise(units)
        if first.place + 1 == second.place
    ]


def _stand_together(pairs: list[tuple[str, int]], docs: IntArray, view: SegmentView) -> Mask:
    """For each of `docs`, which all have every pair, whether they stand in this order."""
    if not len(docs):
        return np.zeros(0, np.bool_)
    first, base = pairs[0]
    starts = [set(places.tolist()) for places in view.places(first, docs)]
    for pair, at in pairs[1:]:
        for own, places in zip(starts, view.places(pair, docs), strict=True):
            own.intersection_update((places - (at - base)).tolist())
    return np.array([bool(own) for own in starts], np.bool_)


def match_run(run: str, view: SegmentView) -> Mask:
    """A number in any spelling, whole or in part; a word; or the pinyin of a name."""
    found = view.mask("units", run_shape(run)) | match_number(run, view)
    if run.isascii() and run.isalpha() and len(run) >= _SHORTEST_PINYIN:
        found |= match_pinyin(run, view)
    return found


def match_number(text: str, view: SegmentView) -> Mask:
    """Records one of whose numbers ends with, or if it is long enough contains, this."""
    bare = bare_number(text)
    if not bare:
        return _nothing(view)
    found = view.mask("tails", bare)
    if len(bare) >= _LONG_PART or not (bare.isdigit() or bare.isalpha()):
        for term in view.terms_from("tails", bare, _MOST_TERMS):
            found[view.postings("tails", term).docs] = True
    return found


def match_pinyin(letters: str, view: SegmentView) -> Mask:
    """Titles, customers and people that sound so, in full or by initials."""
    found = _nothing(view)
    for name in ("pinyin", "initials"):
        for term in view.terms_from(name, letters, _MOST_TERMS):
            found[view.postings(name, term).docs] = True
    return found


def _match_mixed(text: str, view: SegmentView) -> Mask:
    found = _nothing(view)
    for term in view.terms_from("pinyin", spell(text), _MOST_TERMS):
        found[view.postings("pinyin", term).docs] = True
    for unit in each_unit(text):
        if not unit.is_run:
            found &= view.mask("units", unit.shape)
    return found


def _match_beginning(text: str, view: SegmentView) -> Mask:
    shape = run_shape(text)
    found = match_number(text, view)
    for term in view.terms_from("units", shape, _MOST_TERMS):
        found[view.postings("units", term).docs] = True
    return found


def _match_field(node: InField, view: SegmentView) -> Mask:
    if node.name == "number":
        return match_number(node.text, view)
    if node.name == "title":
        return _match_title(node.text, view)
    if node.name == "year":
        return _match_year(node.text, view)
    if node.name == "date":
        wanted = node.text.replace("/", "-").replace(".", "-")
        return _by_value(view.column("date"), lambda value: value.startswith(wanted))
    if node.name == "form":
        return _match_several("form", node.text, view) | _match_several(
            "form_title", node.text, view
        )
    found = _match_several(node.name, node.text, view)
    if node.name in {"customer", "person"} and node.text.isascii():
        found |= _sounds(node, view)
    return found


def _match_several(name: str, text: str, view: SegmentView) -> Mask:
    found = _nothing(view)
    for term in view.values(name):
        if text in fold(term):
            found[view.postings(name, term).docs] = True
    return found


def _sounds(node: InField, view: SegmentView) -> Mask:
    found = _nothing(view)
    for term in view.values(node.name):
        if sounds_like(fold(term), node.text):
            found[view.postings(node.name, term).docs] = True
    return found


def _match_title(text: str, view: SegmentView) -> Mask:
    units = list(each_unit(text))
    if not units:
        return _nothing(view)
    wanted = [pair for pair, _ in _pairs(units)] or [unit.shape for unit in units]
    found = _cut((view.mask("title", term) for term in wanted), view)
    if text.isascii() and text.isalpha():
        found |= match_pinyin(text, view)
    return found


def _match_year(text: str, view: SegmentView) -> Mask:
    first, _, last = text.removesuffix("年").replace("..", "~").replace("-", "~").partition("~")
    first, last = first.removesuffix("年"), last.removesuffix("年") or first
    return _by_value(view.column("year"), lambda value: first <= value <= last)


def _by_value(column: Column, fits: Callable[[str], bool]) -> Mask:
    good = np.array([*(fits(value) for value in column.values), False], np.bool_)
    return good[column.codes]

"""Which documents of a segment a query finds: masks over arrays, no scores.

Every mask is cut with the reader's visible documents by the caller before anything is counted.
Not here: ranking (scoring), typing (query).
"""

from collections.abc import Iterable
from functools import reduce
from itertools import pairwise

import numpy as np

from indexer.amounts import amount_shape
from indexer.analysis import Unit, each_unit, pair_of, run_shape
from indexer.folding import bare_number, fold
from indexer.joined import JoinedView
from indexer.nodes import (
    AllOf,
    Amount,
    AnyOf,
    Beginning,
    Han,
    InField,
    InRange,
    Leaf,
    Mixed,
    Node,
    Not,
    Phrase,
    Run,
    When,
    asked_fields,
)
from indexer.pair_table import pair_key
from indexer.pinyin import sounds_like, spell
from indexer.segment import Mask

_MOST_TERMS = 2000
_LONG_PART = 5
_SHORTEST_PINYIN = 2
_WHOLE_YEAR = 9999


def match(node: Node, view: JoinedView) -> Mask:
    """The documents that fit, deleted and invisible ones included."""
    if isinstance(node, AllOf):
        return _cut((match(part, view) for part in node.parts), view)
    if isinstance(node, AnyOf):
        return _join((match(part, view) for part in node.parts), view)
    if isinstance(node, Not):  # what an older schema does not know is not known to be absent
        return ~match(node.part, view) & view.knows(asked_fields(node.part))
    return _match_leaf(node, view)


def _match_leaf(node: Leaf, view: JoinedView) -> Mask:
    match node:
        case Han(text) | Phrase(text):
            return match_units(list(each_unit(text)), view)
        case Run(text):
            return match_run(text, view)
        case Mixed(text):
            return _match_mixed(text, view)
        case Beginning(text):
            return _match_beginning(text, view)
        case Amount(text, cents):
            return view.mask("units", amount_shape(cents)) | _match_words(text, view)
        case When():
            return _match_when(node, view)
        case InRange():
            return _match_range(node, view)
        case InField():
            return _match_field(node, view)


def _nothing(view: JoinedView) -> Mask:
    return np.zeros(view.size, np.bool_)


def _cut(masks: Iterable[Mask], view: JoinedView) -> Mask:
    return reduce(np.logical_and, masks, np.ones(view.size, np.bool_))


def _join(masks: Iterable[Mask], view: JoinedView) -> Mask:
    return reduce(np.logical_or, masks, _nothing(view))


def match_units(units: list[Unit], view: JoinedView) -> Mask:
    """Documents in which these units stand next to each other just so."""
    if not units:
        return _nothing(view)
    pairs = _pairs(units)
    paired = {place for _, at in pairs for place in (at, at + 1)}
    alone = (unit for unit in units if unit.place not in paired)
    found = _adjoining(pairs, view)
    for unit in alone:
        found &= view.mask("units", unit.shape)
    return found


def _adjoining(pairs: list[tuple[int, int]], view: JoinedView) -> Mask:
    if not pairs:
        return np.ones(view.size, np.bool_)
    if len(pairs) == 1:
        return view.pair_mask(pairs[0][0])
    base = pairs[0][1]
    return view.adjoining_mask([(key, at - base) for key, at in pairs])


def pair_keys(folded: str) -> list[int]:
    """The pairs of a text, as the index keeps them."""
    return [key for key, _ in _pairs(list(each_unit(folded)))]


def _pairs(units: list[Unit]) -> list[tuple[int, int]]:
    return [
        (pair_key(first.code, second.code), first.place)
        for first, second in pairwise(units)
        if first.place + 1 == second.place
    ]


def match_run(run: str, view: JoinedView) -> Mask:
    """A number in any spelling, whole or in part; a word; a form; or the pinyin of a name."""
    found = view.mask("units", run_shape(run)) | match_number(run, view)
    found |= view.mask("form", run.upper())  # forms are numbered in capitals
    if run.isascii() and run.isalpha() and len(run) >= _SHORTEST_PINYIN:
        found |= match_pinyin(run, view)
    return found


def match_number(text: str, view: JoinedView) -> Mask:
    """Records one of whose numbers ends with, or if it is long enough contains, this."""
    bare = bare_number(text)
    if not bare:
        return _nothing(view)
    if len(bare) >= _LONG_PART or not (bare.isdigit() or bare.isalpha()):
        return view.mask_from("tails", bare, _MOST_TERMS)  # the first of these is the end itself
    return view.mask("tails", bare)


def match_pinyin(letters: str, view: JoinedView) -> Mask:
    """Titles, customers and people that sound so, in full or by initials."""
    found = _nothing(view)
    for name in ("pinyin", "initials"):
        found |= view.mask_from(name, letters, _MOST_TERMS)
    return found


def _match_mixed(text: str, view: JoinedView) -> Mask:
    found = view.mask_from("pinyin", spell(text), _MOST_TERMS)
    for unit in each_unit(text):
        if not unit.is_run:
            found &= view.mask("units", unit.shape)
    return found


def _match_beginning(text: str, view: JoinedView) -> Mask:
    shape = run_shape(text)
    return match_number(text, view) | view.mask_from("units", shape, _MOST_TERMS)


def _match_field(node: InField, view: JoinedView) -> Mask:
    if node.name == "number":
        return match_number(node.text, view)
    if node.name == "title":
        return _match_title(node.text, view)
    if node.name == "form":
        return _match_several("form", node.text, view) | _match_several(
            "form_title", node.text, view
        )
    found = _match_several(node.name, node.text, view)
    if node.name in {"customer", "person"} and node.text.isascii():
        found |= _sounds(node, view)
    return found


def _match_several(name: str, text: str, view: JoinedView) -> Mask:
    found = _nothing(view)
    for term in view.values(name):
        if text in fold(term):
            found[view.postings(name, term).docs] = True
    return found


def _sounds(node: InField, view: JoinedView) -> Mask:
    found = _nothing(view)
    for term in view.values(node.name):
        if sounds_like(fold(term), node.text):
            found[view.postings(node.name, term).docs] = True
    return found


def _match_title(text: str, view: JoinedView) -> Mask:
    units = list(each_unit(text))
    if not units:
        return _nothing(view)
    pairs = [
        pair_of(first, second)
        for first, second in pairwise(units)
        if first.place + 1 == second.place
    ]
    wanted = pairs or [unit.shape for unit in units]
    found = _cut((view.mask("title", term) for term in wanted), view)
    if text.isascii() and text.isalpha():
        found |= match_pinyin(text, view)
    return found


def _match_words(text: str, view: JoinedView) -> Mask:
    return match_units(list(each_unit(text)), view)


def _match_when(node: When, view: JoinedView) -> Mask:
    """Papers of these days; of a month or day named in full, also those that name it."""
    span = node.span
    found = (view.dates >= span.first) & (view.dates <= span.last)
    if span.is_relative:
        return found | _match_title(node.text, view)
    if span.mention:
        found |= view.mask_from("days", span.mention, _MOST_TERMS)
        if node.text.isascii():
            found |= match_run(node.text, view)  # it may be a number that looks like a date
        return found
    if span.last - span.first == _WHOLE_YEAR:
        found |= _years(span.first // 10000, span.first // 10000, view)
    return found | _match_words(node.text, view)


def _match_range(node: InRange, view: JoinedView) -> Mask:
    if node.name == "date":
        return (view.dates >= max(1, node.first)) & (view.dates <= node.last)
    if node.name == "year":
        return _years(node.first, node.last, view)
    values, docs = view.amounts
    first, last = np.searchsorted(values, [node.first, node.last + 1])
    found = _nothing(view)
    found[docs[first:last]] = True
    return found


def _years(first: int, last: int, view: JoinedView) -> Mask:
    column = view.column("year")
    good = [value.isdigit() and first <= int(value) <= last for value in column.values]
    return np.array([*good, False], np.bool_)[column.codes]

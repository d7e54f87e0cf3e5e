"""Marks what was found in the text as typed, and picks the passage to show.

Works on the text the database gave back, folded the same way as the index, so that 電子 is
marked for 电子. Gives pieces; the page escapes and draws them. Not here: finding (matching).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from indexer.amounts import amount_shape
from indexer.analysis import GAP, STOP_WORDS, cut_words, each_unit, run_terms
from indexer.folding import Folded, fold_together
from indexer.nodes import (
    Amount,
    Beginning,
    Han,
    InField,
    Leaf,
    Mixed,
    Phrase,
    Query,
    Run,
    When,
    positive_leaves,
)
from indexer.pinyin import sounds_like, spell
from indexer.results import Hidden, Hide, Marked

SNIPPET_LENGTH = 120
_LEAD = 24
_SEARCHED = 100_000
_MOST_SPANS = 400
_LONGEST_HIDDEN = 64
_TO_LAST_STOP = re.compile("(?s:.*)[。；！？，、\n ]")


@dataclass(frozen=True)
class Marker:
    """What to mark for one query; `names` are letters that may spell a name."""

    pattern: re.Pattern[str] | None
    names: tuple[str, ...]


def make_marker(query: Query) -> Marker:
    """Prepare marking for a query."""
    leaves = positive_leaves(query.node) if query.node else []
    mixed = [leaf.text for leaf in leaves if isinstance(leaf, Mixed)]
    texts: dict[str, None] = {}
    names = dict.fromkeys(spell(text) for text in mixed)
    for leaf in leaves:
        if any(text in whole for text in _texts_of(leaf) for whole in mixed):
            continue  # of 海xin, 海 alone is not what was meant
        texts |= dict.fromkeys(_texts_of(leaf))
        if isinstance(leaf, Run) and leaf.text.isalpha() and len(leaf.text) > 1:
            names[leaf.text] = None
    lasting = [text for text in texts if text not in STOP_WORDS] or list(texts)
    if not lasting:
        return Marker(None, tuple(names))
    parts = (_loose_pattern(text) for text in sorted(lasting, key=len, reverse=True))
    return Marker(re.compile("|".join(part for part in parts if part) or "(?!)"), tuple(names))


def _texts_of(leaf: Leaf) -> list[str]:
    if isinstance(leaf, Han):
        return [leaf.text, *(word for word in cut_words(leaf.text) if len(word) > 1)]
    if isinstance(leaf, Phrase):
        return [leaf.text.strip()]
    if isinstance(leaf, Beginning | When):
        return [leaf.text]
    if isinstance(leaf, Amount):
        return [leaf.text, amount_shape(leaf.cents)]
    if isinstance(leaf, Run):
        return [leaf.text, run_terms(leaf.text)[0]]
    if isinstance(leaf, InField) and leaf.name in {"customer", "title", "number", "person"}:
        return [leaf.text]
    return []


def _loose_pattern(text: str) -> str:
    """The text with what the index overlooks between its characters: blanks, number joints."""
    units = list(each_unit(text))
    if not units:
        return ""
    shapes = []
    for unit in units:
        between = r"[-_/.·,&+@' ]?" if unit.is_run else ""
        letters = re.sub(r"[^\w]", "", unit.typed)
        shapes.append(between.join(re.escape(char) for char in letters or unit.typed))
    joined = shapes[0]
    for before, unit, shape in zip(units, units[1:], shapes[1:], strict=False):
        joined += (r"[ \t·]*" if before.place + 1 == unit.place else GAP) + shape
    return joined if not units[0].is_run else rf"(?<![a-z0-9])(?:{joined})|{joined}"


def readable(titles: Sequence[str], bodies: Sequence[str]) -> tuple[list[Folded], list[Folded]]:
    """Texts as marks are looked for in them; of very long bodies the beginning."""
    read = fold_together([*titles, *(body[:_SEARCHED] for body in bodies)])
    return read[: len(titles)], read[len(titles) :]


def mark_whole(read: Folded, marker: Marker, hide: Hide | None = None) -> Marked:
    """The whole of a short text (a title) with marks; what is hidden is marked whole."""
    whole = len(read.text)
    text, spans = _hidden(read.text, _spans(read, marker, with_names=True), hide, 0, whole)
    return _pieces(text, spans, 0, len(text))


def mark_passage(read: Folded, marker: Marker, hide: Hide | None = None) -> Marked:
    """The passage of a long text in which most different things were found, with marks."""
    spans = _spans(read, marker, with_names=False)
    start = _best_start(read.text, spans)
    end = min(len(read.text), start + SNIPPET_LENGTH)
    text, spans = _hidden(read.text, spans, hide, start, end)
    pieces = _pieces(text, spans, start, end)
    before = (("…", False),) if start > 0 else ()
    after = (("…", False),) if end < len(text) else ()
    return (*before, *pieces, *after)


def best_page(pages: Sequence[str], marker: Marker) -> int:
    """The first page, from 1, with most different things found on it; 0 where there is none."""
    best, most = 0, 0
    for number, read in enumerate(readable((), pages)[1], 1):
        spans = _spans(read, marker, with_names=False)
        different = len({read.text[first:last] for first, last in spans})
        if different > most:
            best, most = number, different
    return best


def _hidden(
    text: str, spans: list[tuple[int, int]], hide: Hide | None, start: int, end: int
) -> tuple[str, list[tuple[int, int]]]:
    """Cover what is hidden in [start, end), also where the edge cuts it; widen marks over it.

    A mark on a part of a number would tell which part was asked for rightly.
    """
    if hide is None:
        return text, spans
    low = max(0, start - _LONGEST_HIDDEN)
    hidden = [
        Hidden(*(at + low for at in (one.start, one.end, one.first, one.last)))
        for one in hide(text[low : end + _LONGEST_HIDDEN])
    ]
    widened = []
    for first, last in spans:
        for one in hidden:
            if first < one.end and last > one.start:
                first, last = min(first, one.start), max(last, one.end)
        widened.append((first, last))
    for one in hidden:
        text = one.covered(text)
    return text, sorted(widened)


def _spans(read: Folded, marker: Marker, *, with_names: bool) -> list[tuple[int, int]]:
    _, folded, places = read
    spans: list[tuple[int, int]] = []
    for match in marker.pattern.finditer(folded) if marker.pattern else ():
        spans.append((places[match.start()], places[match.end() - 1] + 1))
        if len(spans) >= _MOST_SPANS:
            break
    if not spans and with_names and marker.names:
        spans = _sounding_spans(folded, places, marker.names)
    return spans


def _sounding_spans(
    folded: str, places: Sequence[int], names: tuple[str, ...]
) -> list[tuple[int, int]]:
    """The shortest stretch that is spelled or initialled as typed."""
    for length in range(1, 9):
        for start in range(len(folded) - length + 1):
            stretch = folded[start : start + length]
            if _is_whole_name(stretch, names):
                return [(places[start], places[start + length - 1] + 1)]
    return []


def _is_whole_name(stretch: str, names: tuple[str, ...]) -> bool:
    if not all(char >= "\u3400" for char in stretch):
        return False
    return any(len(name) >= len(stretch) and sounds_like(stretch, name) for name in names)


def _best_start(text: str, spans: list[tuple[int, int]]) -> int:
    """Where to begin the passage: a little before the densest window."""
    best, best_value, last = 0, -1.0, 0
    inside: dict[str, int] = {}
    for number, (start, end) in enumerate(spans):
        while last < len(spans) and spans[last][1] <= start + SNIPPET_LENGTH - _LEAD:
            found = text[slice(*spans[last])]
            inside[found] = inside.get(found, 0) + 1
            last += 1
        value = len(inside) + (last - number) / 1000
        if value > best_value:
            best, best_value = start, value
        if number < last:
            _take_out(inside, text[start:end])
        else:
            last = number + 1
    if not spans:
        return 0
    first = max(0, best - _LEAD)
    sentence = _TO_LAST_STOP.match(text, first, best)
    return sentence.end() if sentence else first


def _take_out(inside: dict[str, int], found: str) -> None:
    inside[found] -= 1
    if not inside[found]:
        del inside[found]


def _pieces(text: str, spans: list[tuple[int, int]], start: int, end: int) -> Marked:
    pieces: list[tuple[str, bool]] = []
    at = start
    for first, last in spans:
        first, last = max(first, at), min(last, end)
        if first >= last:
            continue
        if first > at:
            pieces.append((text[at:first], False))
        if first == at and pieces and pieces[-1][1]:
            pieces[-1] = (pieces[-1][0] + text[first:last], True)
        else:
            pieces.append((text[first:last], True))
        at = last
    if at < end:
        pieces.append((text[at:end], False))
    return tuple(pieces)

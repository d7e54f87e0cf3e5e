"""Reads something typed without blanks: words, numbers, times and amounts, glued as people do.

    2024年3月海信合同 → the time, 海信, 合同        总价1.25万元 → 总价, the amount

Not here: operators, fields and brackets (query).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from indexer.amounts import amounts_in
from indexer.analysis import STOP_WORDS, cut_words, each_unit, each_word_end
from indexer.days import read_span, spans_in
from indexer.folding import fold
from indexer.nodes import (
    AllOf,
    Amount,
    AnyOf,
    Beginning,
    Han,
    Mixed,
    Node,
    Phrase,
    Run,
    When,
    all_of,
)
from indexer.synonyms import Synonyms


@dataclass(frozen=True)
class Reading:
    """What a query is read with: the day from which 上月 counts (None: never), the synonyms."""

    today: date | None = None
    synonyms: Synonyms = field(default_factory=Synonyms)


_MOST_MIXED = 12
_BARE_YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True)
class _Piece:
    """A stretch of what was typed that means something as a whole."""

    start: int
    end: int
    node: Node


def read_words(text: str, reading: Reading) -> Node | None:
    """All parts of a text typed without blanks are wanted, but for stop words."""
    folded = fold(text)
    leaves: list[Node] = []
    at = 0
    for piece in _pieces(folded, reading):
        leaves += _leaves(folded[at : piece.start])
        leaves.append(piece.node)
        at = piece.end
    node = all_of(leaves + _leaves(folded[at:]))
    if node is not None and _is_mixed(folded):
        return AnyOf((node, Mixed(folded)))
    return node


def read_phrase(text: str) -> Node | None:
    """What stood in quotes: these units, adjoining; a single number stays a number."""
    folded = fold(text)
    units = list(each_unit(folded))
    if not units:
        return None
    if len(units) == 1 and units[0].is_run:
        return Run(units[0].typed)
    return Phrase(folded)


def read_beginning(text: str, reading: Reading) -> Node | None:
    """What stood before a star; Han is found inside words anyway."""
    folded = fold(text)
    units = list(each_unit(folded))
    if not units:
        return None
    if not units[-1].is_run:
        return read_words(folded, reading)
    before = read_words(folded[: units[-1].start], reading)
    last = Beginning(units[-1].typed)
    return last if before is None else AllOf((before, last))


def _pieces(folded: str, reading: Reading) -> list[_Piece]:
    """Times, amounts and words with synonyms in the text, in order, none within another."""
    found: list[_Piece] = []
    for one in (*_times(folded, reading), *_amounts(folded), *_known_words(folded, reading)):
        if not any(one.start < other.end and other.start < one.end for other in found):
            found.append(one)
    return sorted(found, key=lambda one: one.start)


def _times(folded: str, reading: Reading) -> Iterator[_Piece]:
    spans = spans_in(folded, reading.today)
    ends = each_word_end(folded) if any(span.is_relative for span in spans) else frozenset()
    for span in spans:
        if not span.is_relative or {span.start, span.end} <= ends:
            yield _Piece(span.start, span.end, When(folded[span.start : span.end], span))


def _known_words(folded: str, reading: Reading) -> Iterator[_Piece]:
    """Words with synonyms, where they stand as words of their own."""
    matches = list(reading.synonyms.found_in(folded))
    ends = each_word_end(folded) if matches else frozenset()
    for match in matches:
        word = match.group()
        own = all_of(_leaves(word))
        if own is None or not {match.start(), match.end()} <= ends:
            continue
        others = (read_phrase(one) for one in reading.synonyms.others[word])
        parts = (own, *(one for one in others if one is not None))
        yield _Piece(match.start(), match.end(), AnyOf(parts))


def _amounts(folded: str) -> Iterator[_Piece]:
    """Amounts that are more than plain digits, which are found as numbers anyway."""
    for one in amounts_in(folded):
        text = folded[one.start : one.end]
        is_whole = len(text) == len(folded)
        if one.is_plain and text[0].isdigit() and text[-1].isdigit():
            continue
        if one.is_money or is_whole or text[0].isdigit():
            yield _Piece(one.start, one.end, Amount(text, one.cents))


def _leaves(folded: str) -> list[Node]:
    leaves: list[Node] = []
    chunk = ""
    end = -1
    for unit in each_unit(folded):
        if unit.is_run or (chunk and unit.place != end):
            leaves += _han_leaves(chunk)
            chunk = ""
        if unit.is_run:
            leaves.append(_run(unit.typed))
        else:
            chunk += unit.shape
        end = unit.place + 1
    return leaves + _han_leaves(chunk)


def _run(typed: str) -> Node:
    """A run; a bare year is also the year of a paper that does not name it."""
    if _BARE_YEAR.fullmatch(typed):
        span = read_span(typed, None)
        if span is not None:
            return AnyOf((Run(typed), When(typed, span)))
    return Run(typed)


def _han_leaves(chunk: str) -> list[Node]:
    """Words of a chunk; single characters in a row stay together, or 行银 would find 银行."""
    leaves: list[Node] = []
    single = ""
    for word in [*(cut_words(chunk) or chunk), ""] if chunk else []:
        if len(word) == 1 and word not in STOP_WORDS:
            single += word
            continue
        if single:
            leaves.append(Han(single))
            single = ""
        if word:
            leaves.append(Han(word))
    return leaves


def _is_mixed(folded: str) -> bool:
    units = list(each_unit(folded))
    runs = [unit for unit in units if unit.is_run]
    return 0 < len(runs) < len(units) <= _MOST_MIXED and all(
        run.typed.isascii() and run.typed.isalpha() for run in runs
    )

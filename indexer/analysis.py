"""Cuts folded text into what is indexed: words, single characters, runs, neighbours.

A *unit* is one Han (kana, hangul) character, one symbol such as an emoji, or one whole run of
letters and digits (HT-2024-0017), also when it stands glued to Han. Neighbouring units make a
*pair*; pairs carry places, and by them phrases are found exactly, however the words were cut.
Blanks do not separate units (甲 方 = 甲方), punctuation and new lines do.

Not here: fields (schema), queries. Called by schema for records and by query for what is typed.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from operator import add

import rjieba

from indexer.pair_table import unit_code

ANALYSIS_VERSION = f"units-1 rjieba-{version('rjieba')}"
"""Part of SCHEMA_VERSION: index and query must be cut by the same knife."""

LONGEST_TERM = 64
_MOST_PARTS = 6

_WIDE = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = rf"[^\W_{_WIDE}]"
_SYMBOL = "\u2190-\u2bff\U0001f000-\U0001faff"
_UNIT = re.compile(rf"(?P<run>{_RUN}+(?:[-_/.·,&+@']{_RUN}+)*)|[{_WIDE}{_SYMBOL}]")
_STRETCH = re.compile(_UNIT.pattern + "+")
BLANKS = " \t·"
JOINTS = "-_/.·,&+@'"
GAP = rf"(?:_|[^\w{_WIDE}{_SYMBOL}])+"  # what may stand between two units
IS_RUN = re.compile(_RUN).fullmatch
IS_UNIT = re.compile(rf"[{_WIDE}{_SYMBOL}]").fullmatch
_GAP = re.compile(r"[^ \t·]")
_JOINTS = re.compile(r"[-_/.·,&+@']")
_AMOUNT = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_LONG_NUMBER = re.compile(r"\d{10,}[\dx]")
_WIDE_START = re.compile(rf"[{_WIDE}]")

_STOPS = """
的 了 是 在 和 与 有 哪 什么 哪些 谁 多少 几 为 于 被 由 何 哪个 怎么 如何 吗 呢 个 哪里 哪一 因为
这 那 何时 何种 时候 请问 以及 之 而 对 从 到 中 上 下 我 你 他 她 它 们 我们 关于 请 把 给 也 都 就
吧 啊 及 或 所 the of and a an to in is for
"""
STOP_WORDS = frozenset(_STOPS.split())
"""Words that are not asked for when the query has others; alone they are searched as they are."""


class _Wideness(dict[str, bool]):
    """Whether a character is Han, kana or hangul; learns each once."""

    def __missing__(self, sign: str) -> bool:
        self[sign] = found = _WIDE_START.match(sign) is not None
        return found


_is_wide = _Wideness()


@dataclass(frozen=True)
class Unit:
    """One unit of text: `shape` as indexed, `is_run` for letters and digits, its place."""

    shape: str
    is_run: bool
    place: int
    start: int
    end: int
    typed: str

    @property
    def code(self) -> int:
        """Its number in the table of pairs."""
        return unit_code(self.shape, self.is_run)


@dataclass
class Cut:
    """Everything one text gives to the index."""

    words: list[str] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    pairs: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    next_place: int = 0


def each_unit(folded: str, place: int = 0) -> Iterator[Unit]:
    """Yield the units of folded text with their places; a gap leaves one place empty."""
    end = 0
    for match in _UNIT.finditer(folded):
        if end and end < match.start() and _GAP.search(folded, end, match.start()):
            place += 1
        typed = match.group()
        is_run = match.lastgroup is not None
        shape = run_shape(typed) if is_run else typed
        yield Unit(shape, is_run, place, match.start(), match.end(), typed)
        place += 1
        end = match.end()


def run_shape(run: str) -> str:
    """The one spelling of a run: amounts without commas and idle zeros, numbers without joints."""
    if run.isalnum():
        return run[:LONGEST_TERM]
    if _AMOUNT.fullmatch(run):
        run = run.replace(",", "")
        return (run.rstrip("0").rstrip(".") if "." in run else run)[:LONGEST_TERM]
    return _JOINTS.sub("", run)[:LONGEST_TERM]


def run_terms(run: str) -> list[str]:
    """All by which a run is found: its shape, its parts, the tails of a long number."""
    shape = run_shape(run)
    terms = [shape]
    if not run.isalnum() and not _AMOUNT.fullmatch(run):
        terms += _joined_parts(_JOINTS.split(run))
    for part in list(terms):
        if _LONG_NUMBER.fullmatch(part):
            terms += [part[-6:], part[-4:]]
    return list(dict.fromkeys(terms))


def _joined_parts(parts: list[str]) -> list[str]:
    """Neighbouring parts of a number run together: 2024-0017 finds HT-2024-0017."""
    if len(parts) > _MOST_PARTS:
        return [part[:LONGEST_TERM] for part in parts]
    ranges = ((a, b) for a in range(len(parts)) for b in range(a + 1, len(parts) + 1))
    return ["".join(parts[a:b])[:LONGEST_TERM] for a, b in ranges]


def pair_of(first: Unit, second: Unit) -> str:
    """The term of two neighbours."""
    joint = " " if first.is_run and second.is_run else ""
    return f"{first.shape}{joint}{second.shape}"


def cut_text(folded: str, place: int = 0) -> Cut:
    """Cut folded text for the index, counting places from `place`.

    The same units, places and pairs as each_unit gives, but a stretch of Han at a time.
    """
    cut = Cut(words=wide_words(folded))
    pairs = cut.pairs
    end, before, before_is_run = 0, "", False
    for match in _STRETCH.finditer(folded):
        if before and end < match.start() and _GAP.search(folded, end, match.start()):
            place += 1
            before = ""
        is_run = match.lastgroup is not None
        stretch = match.group()
        shape = run_shape(stretch) if is_run else stretch
        first = shape if is_run else stretch[0]
        if before:
            joint = " " if is_run and before_is_run else ""
            if joint and before.isalpha() and shape[0].isdigit():
                cut.units.append(f"{before}{shape}"[:LONGEST_TERM])  # GB/T 19001 = GB/T19001
            pairs[f"{before}{joint}{first}"].append(place - 1)
        if is_run:
            terms = run_terms(stretch)
            cut.words += terms
            cut.units += terms
            place += 1
        else:
            cut.units += stretch
            for at, pair in enumerate(map(add, stretch, stretch[1:]), place):
                pairs[pair].append(at)
            place += len(stretch)
        end, before, before_is_run = match.end(), shape if is_run else stretch[-1], is_run
    cut.next_place = place + 1
    return cut


def every_word(folded: str) -> list[str]:
    """All that rjieba cuts, signs and runs too; `is_word` tells those that are indexed."""
    return rjieba.cut_for_search(folded, True)


def is_word(cut: str) -> bool:
    """True for a Han word."""
    return _is_wide[cut[0]]


def wide_words(folded: str) -> list[str]:
    """Han words, the long ones also in their parts; letters and digits are left to the runs."""
    return [word for word in rjieba.cut_for_search(folded, True) if _is_wide[word[0]]]


def cut_words(folded: str) -> list[str]:
    """Han words without overlaps, in order, as a query asks for them."""
    return [word for word in rjieba.cut(folded, True) if _is_wide[word[0]]]


def each_word_end(folded: str) -> frozenset[int]:
    """Where words begin and end in a text, letters and digits included."""
    ends, at = {0}, 0
    for word in rjieba.cut(folded, True):
        at += len(word)
        ends.add(at)
    return frozenset(ends)

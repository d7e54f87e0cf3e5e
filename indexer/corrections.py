"""Did you mean: what was typed with one sign put right, when it found nothing as it stands.

Every correction is proved before it is told: the corrected text must stand in something this
reader may see, and the whole query must then find something under the same filters. What the
reader may not see leaves no trace. Not here: wrong syntax (query), finding (matching).
"""

import re
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import pypinyin

from indexer.analysis import cut_words, each_unit, run_shape
from indexer.folding import bare_number, fold
from indexer.matching import match_units
from indexer.segment import Mask
from indexer.snapshot import Part, Snapshot

MOST_CORRECTIONS = 3
_LONGEST_HAN, _LONGEST_RUN, _SHORTEST_RUN = 12, 24, 4
_MOST_TRIED = 60
_MOST_PAIRS = 4000
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]{2,}")
_RUN = re.compile(r"[a-z0-9]+(?:[-_/.·][a-z0-9]+)*")
_CLASSES = (string.digits, string.ascii_lowercase)


@dataclass(frozen=True)
class _Sight:
    """What one reader may see of a snapshot."""

    snapshot: Snapshot
    readers: frozenset[str]

    def count(self, find: Callable[[Part], Mask]) -> int:
        """How many visible documents a test finds."""
        return sum(
            int((find(part) & part.visible(self.readers)).sum()) for part in self.snapshot.parts
        )

    def says(self, text: str) -> int:
        """How many visible documents say these signs, adjoining."""
        units = list(each_unit(text))
        return self.count(lambda part: match_units(units, part.view))

    def following(self, sign: str) -> set[str]:
        """The signs that follow this one somewhere."""
        return {
            pair[1]
            for part in self.snapshot.parts
            for pair in part.view.terms_from("pairs", sign, _MOST_PAIRS)
            if len(pair) == 2
        }


def correct(
    snapshot: Snapshot, text: str, readers: frozenset[str], total_of: Callable[[str], int]
) -> tuple[str, ...]:
    """Return up to three texts that find something where `text` found nothing, best first.

    `total_of` says how much a whole query finds for this reader.
    """
    folded = fold(text)
    sight = _Sight(snapshot, readers)
    found: dict[str, None] = {}
    for wrong, right in _pairs(folded, sight):
        corrected = folded.replace(wrong, right, 1)
        if corrected not in found and total_of(corrected):
            found[corrected] = None
        if len(found) == MOST_CORRECTIONS:
            break
    return tuple(found)


def _pairs(folded: str, sight: _Sight) -> Iterator[tuple[str, str]]:
    """What is wrong and what would be right, the likeliest first."""
    for match in _HAN.finditer(folded):
        stretch = match.group()
        if len(stretch) > _LONGEST_HAN or sight.says(stretch):
            continue
        parts = [stretch, *_unknown_parts(stretch, sight)]
        for part in dict.fromkeys(parts):
            for right in _right_han(part, sight):
                yield part, right
    for match in _RUN.finditer(folded):
        if _SHORTEST_RUN <= len(match.group()) <= _LONGEST_RUN:
            for right in _right_runs(match.group(), sight):
                yield match.group(), right


def _unknown_parts(stretch: str, sight: _Sight) -> Iterator[str]:
    """Parts of a stretch that nothing says: beside a part that is said, and single words."""
    for size in range(2, len(stretch) - 1):
        head, tail = stretch[:size], stretch[size:]
        if sight.says(tail) and not sight.says(head):
            yield head
        if sight.says(head) and not sight.says(tail):
            yield tail
    for word in cut_words(stretch):
        if len(word) > 1 and not sight.says(word):
            yield word


def _right_han(wrong: str, sight: _Sight) -> list[str]:
    """Texts one sign away that something says; those that sound the same before all others."""
    steps: tuple[dict[str, None], ...] = ({}, {}, {})
    for place in range(len(wrong)):
        rest = wrong[place + 1 :]
        if rest:
            steps[0][wrong[:place] + rest[0] + wrong[place] + rest[1:]] = None
        for sign in sorted(_candidates(wrong, place, sight)):
            step = steps[0 if _sound(sign) == _sound(wrong[place]) else 1]
            step[wrong[:place] + sign + rest] = None
        if len(wrong) > 2:
            steps[2][wrong[:place] + rest] = None
    for step in steps:
        step.pop(wrong, None)
        counts = {text: sight.says(text) for text in list(step)[:_MOST_TRIED]}
        good = sorted((-count, text) for text, count in counts.items() if count)
        if good:
            return [text for _, text in good[:MOST_CORRECTIONS]]
    return []


def _candidates(wrong: str, place: int, sight: _Sight) -> set[str]:
    """Signs that may stand in this place: they follow the one before, or sound the same."""
    alike = set(_homophones(_sound(wrong[place])))
    if place == 0:
        return alike
    known = sight.following(wrong[place - 1])
    if place + 1 == len(wrong):
        return known if len(wrong) > 2 else known & alike
    after = wrong[place + 1]
    views = [part.view for part in sight.snapshot.parts]
    return {
        sign
        for sign in known
        if any(len(view.postings("pairs", sign + after).docs) for view in views)
    }


@lru_cache(maxsize=10_000)
def _sound(sign: str) -> str:
    return str(pypinyin.lazy_pinyin(sign)[0])


@cache
def _by_sound() -> dict[str, tuple[str, ...]]:
    """The 6,763 characters of GB 2312 by their sound, read once."""
    found: dict[str, list[str]] = {}
    for row in range(0xB0, 0xF8):
        for cell in range(0xA1, 0xFF):
            sign = bytes((row, cell)).decode("gb2312", "ignore")
            if sign:
                found.setdefault(_sound(sign), []).append(sign)
    return {sound: tuple(signs) for sound, signs in found.items()}


def _homophones(sound: str) -> tuple[str, ...]:
    return _by_sound().get(sound, ())


def _right_runs(wrong: str, sight: _Sight) -> list[str]:
    """Numbers of records, words and names one letter or digit away."""
    if _is_known(wrong, sight):
        return []
    found: list[str] = []
    for text in _edits(wrong):
        if _is_known(text, sight):
            found.append(text)
            if len(found) == MOST_CORRECTIONS:
                break
    return found


def _edits(wrong: str) -> Iterator[str]:
    """The same with two signs swapped, one changed for its like, one taken away, one put in."""
    yield from (
        wrong[:at] + wrong[at + 1] + wrong[at] + wrong[at + 2 :]
        for at in range(len(wrong) - 1)
        if wrong[at].isalnum() and wrong[at + 1].isalnum() and wrong[at] != wrong[at + 1]
    )
    for at, old in enumerate(wrong):
        likes = next((signs for signs in _CLASSES if old in signs), "")
        yield from (wrong[:at] + new + wrong[at + 1 :] for new in likes if new != old)
    yield from (wrong[:at] + wrong[at + 1 :] for at in range(len(wrong)) if wrong[at].isalnum())
    if wrong.isalpha():
        for at in range(len(wrong) + 1):
            yield from (wrong[:at] + new + wrong[at:] for new in string.ascii_lowercase)


def _is_known(run: str, sight: _Sight) -> bool:
    """Say whether something visible has this number, word or spelled name.

    Digits in the text of papers (telephones, identity cards) are never offered.
    """
    if not run.isalpha():
        bare = bare_number(run)
        return bool(bare) and _has(sight, "tails", bare)
    if _has(sight, "units", run_shape(run)):
        return True
    return any(
        _has(sight, "pinyin", term)
        for part in sight.snapshot.parts
        for term in part.view.terms_from("pinyin", run, 1)
    )


def _has(sight: _Sight, name: str, term: str) -> bool:
    views = [part.view for part in sight.snapshot.parts]
    if not any(len(view.postings(name, term).docs) for view in views):
        return False
    return sight.count(lambda part: part.view.mask(name, term)) > 0

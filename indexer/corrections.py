"""Did you mean: what was typed with one sign put right, when it found nothing as it stands.

Every correction is proved before it is told: the corrected text must stand in something this
reader may see, and the whole query must then find something under the same filters. What the
reader may not see leaves no trace. Not here: wrong syntax (query), finding (matching).
"""

import re
import string
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache

import pypinyin

from indexer.analysis import cut_words, each_unit, run_shape
from indexer.folding import bare_number, fold
from indexer.matching import match_units, pair_keys
from indexer.pair_table import is_sign
from indexer.segment import Mask
from indexer.snapshot import Part, Snapshot

MOST_CORRECTIONS = 3
_LONGEST_HAN, _LONGEST_RUN, _SHORTEST_RUN = 12, 24, 4
_MOST_TRIED = 20
_MOST_PAIRS = 1000
_MOST_LOOKS, _DEAR_LOOK = 2500, 20
"""How much one correction may cost, in looks at the dictionary: some hundredths of a second."""
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff]{2,}")
_RUN = re.compile(r"[a-z0-9]+(?:[-_/.·][a-z0-9]+)*")
_CLASSES = (string.digits, string.ascii_lowercase)


@dataclass
class _Sight:
    """What one reader may see of a snapshot; looks are counted, and when too many nothing is."""

    snapshot: Snapshot
    readers: frozenset[str]
    looks_left: int = _MOST_LOOKS

    def count(self, find: Callable[[Part], Mask]) -> int:
        """How many visible documents a test finds."""
        self.looks_left -= _DEAR_LOOK
        if self.looks_left < 0:
            return 0
        return sum(
            int((find(part) & part.visible(self.readers)).sum()) for part in self.snapshot.parts
        )

    def says(self, text: str) -> int:
        """How many visible documents say these signs, adjoining."""
        units = list(each_unit(text))
        return self.count(lambda part: match_units(units, part.view))

    def strength(self, pair: str) -> int:
        """In how many documents two signs stand together; what is offered is proved by `says`."""
        self.looks_left -= 1
        if self.looks_left < 0:
            return 0
        keys = pair_keys(pair)[:1]
        return sum(sum(part.view.pair_documents(keys)) for part in self.snapshot.parts)

    def following(self, sign: str) -> set[str]:
        """Signs that follow this one somewhere."""
        most = min(_MOST_PAIRS, self.looks_left)
        if most <= 0:
            return set()
        found: set[str] = set()
        for part in self.snapshot.parts:
            codes = part.view.following(ord(sign), most)
            self.looks_left -= len(codes)
            found.update(map(chr, filter(is_sign, codes)))
        return found


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
    broken = [at for at in range(len(wrong) - 1) if not sight.strength(wrong[at : at + 2])]
    places = [
        place
        for place in range(len(wrong))
        if all(place - 1 <= at <= place for at in broken)  # else what is wrong is elsewhere
    ]
    for step in (_sounding_alike, _following, _shortened):
        tried = step(wrong, places, sight)
        tried.pop(wrong, None)
        likely = sorted(tried, key=lambda text: (-tried[text], text))[:_MOST_TRIED]
        counts = {text: sight.says(text) for text in likely}
        good = sorted((-count, text) for text, count in counts.items() if count)
        if good:
            return [text for _, text in good[:MOST_CORRECTIONS]]
    return []


def _sounding_alike(wrong: str, places: list[int], sight: _Sight) -> dict[str, int]:
    """One sign changed for another of the same sound, or two neighbours swapped."""
    tried = {
        wrong[:at] + wrong[at + 1] + wrong[at] + wrong[at + 2 :]: 1 for at in range(len(wrong) - 1)
    }
    for place in places:
        tried |= _changed(wrong, place, _homophones(_sound(wrong[place])), sight)
    return tried


def _following(wrong: str, places: list[int], sight: _Sight) -> dict[str, int]:
    """One sign changed for any that follows the one before; not in words of two."""
    tried: dict[str, int] = {}
    for place in places if len(wrong) > 2 else ():
        if place:
            tried |= _changed(wrong, place, sight.following(wrong[place - 1]), sight)
    return tried


def _shortened(wrong: str, places: list[int], _: _Sight) -> dict[str, int]:
    """One sign taken away."""
    if len(wrong) < 3:
        return {}
    return {wrong[:place] + wrong[place + 1 :]: 1 for place in places}


def _changed(wrong: str, place: int, signs: Iterable[str], sight: _Sight) -> dict[str, int]:
    """The text with each sign in this place, and in how many documents it stands so at least."""
    before, after = wrong[max(0, place - 1) : place], wrong[place + 1 : place + 2]
    found: dict[str, int] = {}
    for sign in signs:
        pairs = [pair for pair in (sign + after, before + sign) if len(pair) > 1]
        strength = min((sight.strength(pair) for pair in pairs), default=0)
        if strength:
            found[wrong[:place] + sign + wrong[place + 1 :]] = strength
    return found


def warm_up() -> None:
    """Make the table of sounds, which takes the first correction a tenth of a second."""
    _by_sound()


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

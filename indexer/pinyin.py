"""Pinyin of short texts (customers, people, titles), so that `haixin`, `hx` and `海xin` find 海信.

Not here: pinyin of whole documents, which would find everything. Works on folded text.
"""

import re
from functools import lru_cache

import pypinyin
import rjieba
from pypinyin.constants import PHRASES_DICT

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]+")
_LONGEST = 8
_MOST_CHARACTERS = 80


def _han_runs(folded: str) -> list[str]:
    """Han without a break; the dot within a foreign name (阿里木·买买提) is none."""
    return _HAN.findall(folded[:_MOST_CHARACTERS].replace("·", ""))


@lru_cache(maxsize=20_000)
def syllables(folded: str) -> tuple[tuple[str, ...], ...]:
    """The readings of each Han run, one syllable a character; characters unknown stay as typed."""
    runs = _han_runs(folded)
    return tuple(
        tuple(sound for word in rjieba.cut(run, True) for sound in _word_readings(word))
        for run in runs
    )


@lru_cache(maxsize=50_000)
def _word_readings(word: str) -> tuple[str, ...]:
    """A word that holds none of those with readings of their own is read sign by sign."""
    ends = range(2, len(word) + 1)
    if any(word[start:end] in PHRASES_DICT for end in ends for start in range(end - 1)):
        return tuple(pypinyin.lazy_pinyin(word, v_to_u=False))
    return tuple(map(_reading, word))


@lru_cache(maxsize=20_000)
def _plain_syllables(folded: str) -> tuple[tuple[str, ...], ...]:
    runs = _han_runs(folded)
    return tuple(tuple(map(_reading, run)) for run in runs)


@lru_cache(maxsize=20_000)
def _reading(char: str) -> str:
    return str(pypinyin.lazy_pinyin(char)[0])


@lru_cache(maxsize=20_000)
def pinyin_terms(folded: str) -> tuple[frozenset[str], frozenset[str]]:
    """(full spellings, initials) from every character on, for look-up by their beginning.

    A word read in context (重庆 chongqing) is found by the plain readings of its characters too.
    """
    full: set[str] = set()
    initials: set[str] = set()
    for reading in {*syllables(folded), *_plain_syllables(folded)}:
        for start in range(len(reading)):
            tail = reading[start : start + _LONGEST]
            full.add("".join(tail))
            if len(tail) > 1:
                initials.add("".join(syllable[0] for syllable in tail))
    return frozenset(full), frozenset(initials)


@lru_cache(maxsize=50_000)
def pinyin_key(text: str) -> str:
    """A key that sorts Chinese names the way a register does: by sound, then as written."""
    return " ".join(pypinyin.lazy_pinyin(text, v_to_u=False)).casefold() + "\0" + text


def spell(mixed: str) -> str:
    """`海xin` → `haixin`: Han spelled out, letters left."""
    return "".join(pypinyin.lazy_pinyin(mixed, v_to_u=False)).casefold()


def sounds_like(folded_name: str, letters: str) -> bool:
    """True when the name, from some character on, is spelled or initialled so."""
    return any(term.startswith(letters) for terms in pinyin_terms(folded_name) for term in terms)

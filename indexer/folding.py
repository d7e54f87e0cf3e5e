"""One shape for all spellings of the same text: width, script, case, invisible characters.

Folding is done character by character, so that a place in the folded text always leads back to
a place in the text as typed (the marks need that). Not here: cutting into words (analysis).
"""

import re
import unicodedata
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
import opencc

_HYPHENS = "‐‑‒–—―−－﹣﹘"
_DOTS = "・•‧∙⋅･．"
_QUOTES = "“”„‟＂「」『』〝〞"
_to_simplified = opencc.OpenCC("t2s").convert


_uneven: set[str] = set()
"""Characters met so far that do not fold to exactly one character."""


class _FoldTable(dict[int, str]):
    """Learns each character once; `str.translate` does the rest."""

    def __missing__(self, code: int) -> str:
        folded, again = chr(code), _fold_character(chr(code))
        while again != folded:  # some characters fold to one that folds further (Lao, Thai)
            folded, again = again, "".join(map(_fold_character, again))
        if len(folded) != 1:
            _uneven.add(chr(code))
        self[code] = folded
        return folded


def _fold_character(char: str) -> str:
    for family, shape in ((_HYPHENS, "-"), (_DOTS, "·"), (_QUOTES, '"')):
        if char in family:
            return "." if char == "．" else shape
    if char in "\n\r\v\f\x85\u2028\u2029":
        return "\n"
    if char.isspace():
        return " "
    if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Mn", "Me"}:
        return ""
    plain = "".join(c for c in unicodedata.normalize("NFKD", char) if not unicodedata.combining(c))
    plain = unicodedata.normalize("NFC", plain).casefold()
    return _to_simplified(plain) if not plain.isascii() else plain


_TABLE = _FoldTable()
_LONG = 40
_UNKNOWN, _UNEVEN = 0xFFFF, 0xFFFE
_codes = np.full(0x10000, _UNKNOWN, np.uint16)
"""The same table as an array, for whole texts at once; filled as characters are met."""


def _fold_at_once(text: str) -> str | None:
    """Fold a text of plain characters that all fold to one each; None when one does not."""
    codes = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16)
    if len(codes) != len(text) or not len(codes):  # characters beyond the first plane
        return None
    places = codes.astype(np.intp)  # wide: numpy is slow with other places
    folded = _codes[places]
    if folded.max() >= _UNEVEN:
        for code in np.unique(codes[folded == _UNKNOWN]).tolist():
            shape = chr(code).translate(_TABLE)
            is_even = len(shape) == 1 and ord(shape) < _UNEVEN
            _codes[code] = ord(shape) if is_even else _UNEVEN
        folded = _codes[places]
        if folded.max() >= _UNEVEN:
            return None
    return folded.tobytes().decode("utf-16-le", "surrogatepass")


def fold(text: str) -> str:
    """Bring text to the form in which it is indexed and compared; never fails.

    Full width to half width, traditional to simplified, upper to lower case, accents off,
    zero-width, direction and control characters away, every dash `-`, every middle dot `·`.
    """
    if len(text) >= _LONG:
        folded = _fold_at_once(text)
        if folded is not None:
            return folded
    return text.translate(_TABLE)


def fold_with_places(text: str) -> tuple[str, Sequence[int]]:
    """Fold, and say for each folded character which character of `text` it came from."""
    if len(text) >= _LONG:
        folded = _fold_at_once(text)
        if folded is not None:
            return folded, range(len(text))
    folded_whole = text.translate(_TABLE)
    if _uneven.isdisjoint(text):
        return folded_whole, range(len(text))
    places: list[int] = []
    for place, char in enumerate(text):
        places.extend([place] * len(_TABLE[ord(char)]))
    return folded_whole, places


class Folded(NamedTuple):
    """A text as typed, folded, and for each folded character which one it came from."""

    text: str
    shape: str
    places: Sequence[int]


def fold_together(texts: Sequence[str]) -> list[Folded]:
    """Fold several texts at one go, which is quicker."""
    whole = _fold_at_once("".join(texts))
    if whole is None:
        return [Folded(text, *fold_with_places(text)) for text in texts]
    ends = list(accumulate(map(len, texts)))
    starts = [0, *ends[:-1]]
    return [
        Folded(text, whole[start:end], range(len(text)))
        for text, start, end in zip(texts, starts, ends, strict=True)
    ]


_SEPARATORS = re.compile(r"[\s\-_/.·,:#()\[\]]+")


def bare_number(text: str) -> str:
    """A number without case, width or separators: `Ｚ109—WS・2011` → `z109ws2011`."""
    return _SEPARATORS.sub("", fold(text))

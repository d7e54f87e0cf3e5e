"""Finds personal numbers in a text and covers their middle: phones, ID cards, bank cards.

Who may see them whole is decided in people.rights (``personal.read``). In doubt a number is
covered: one shown whole by mistake cannot be taken back. Plain values only.

Shapes: GB 11643 (ID, 18 and the older 15 digits, by its date of birth), the numbering plan of
mainland telephones, ISO/IEC 7812 (cards, by their check digit, or by the word before them).
"""

import re
from collections.abc import Iterator

from indexer import Hidden

_D = "[0-9０-９]"
_GAP = r"[ \-－\u00a0\u3000]?"
_START = r"(?<![0-9０-９A-Za-z])"
_END = r"(?![0-9０-９A-Za-z])(?!\.[0-9]{2}(?![0-9]))"
_AFTER_WORD = r"(?<=tel)|(?<=phone)|(?<=mobile)|(?<=mob)"
_NUMBER = re.compile(
    rf"(?:{_START}|{_AFTER_WORD})(?P<digits>(?:[+＋(（]{{1,2}})?{_D}(?:(?:{_GAP}|[)）])[ ]?{_D})"
    rf"{{6,22}}(?:{_GAP}[XxＸｘ])?){_END}",
    re.IGNORECASE,
)
_PLAIN = str.maketrans("０１２３４５６７８９ＸｘX", "0123456789xxx")
_DAY = r"(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_ID = re.compile(rf"[1-8]\d{{5}}(?:(?:18|19|20)\d\d{_DAY}\d{{3}}[\dx]|\d\d{_DAY}\d{{3}})")
_MOBILE = re.compile(r"(?:0086|86)?(1[3-9]\d{9})")
_FIXED = re.compile(r"(?:0086|86)?0?(?:10|2\d|[3-9]\d\d)[1-9]\d{6,7}")
_SPACED_FIXED = re.compile(rf"(?:[+＋]86[ \-]?)?[(（]?0{_D}{{2,3}}[)）\-－ ]{{1,2}}{_D}")
_PHONE_WORD = re.compile(r"(?:电话|手机|座机|固话|传真|联系方式|tel|phone|mobile)\D{0,4}$", re.I)
_CARD_WORD = re.compile(r"(?:卡号|银行卡|账号|帐号|账户|帐户)\D{0,6}$")
_LEAD = 12


def personal_numbers(text: str) -> tuple[Hidden, ...]:
    """Return where personal numbers stand in a text, and which part of each is to be covered."""
    return tuple(_found(text))


def mask(text: str) -> str:
    """Return the text with the middle of every personal number as ``*``; no longer, no shorter."""
    for one in personal_numbers(text):
        text = one.covered(text)
    return text


def _found(text: str) -> Iterator[Hidden]:
    for match in _NUMBER.finditer(text):
        places = [at for at in range(match.start(), match.end()) if _is_sign(text[at])]
        for first, last in _parts(text, match, places):
            own = places[first:last]
            digits = "".join(text[at] for at in own).translate(_PLAIN)
            before = text[max(0, own[0] - _LEAD) : own[0]]
            keep = _kept(digits, before, text[match.start() : match.end()])
            if keep is not None:
                yield Hidden(own[0], own[-1] + 1, own[keep[0]], own[-keep[1] - 1] + 1)


def _parts(text: str, match: re.Match[str], places: list[int]) -> Iterator[tuple[int, int]]:
    """The whole run as one number if it is one; else its groups between gaps, joined from left."""
    whole = "".join(text[at] for at in places).translate(_PLAIN)
    before = text[max(0, match.start() - _LEAD) : match.start()]
    if _kept(whole, before, match.group()) is not None:
        yield 0, len(places)
        return
    starts = [0, *(n for n in range(1, len(places)) if places[n] != places[n - 1] + 1)]
    ends = [*starts[1:], len(places)]
    at = 0
    while at < len(starts):
        for to in range(len(ends) - 1, at - 1, -1):
            part = text[places[starts[at]] : places[ends[to] - 1] + 1]
            if _kept(whole[starts[at] : ends[to]], before, part) is not None:
                yield starts[at], ends[to]
                at = to
                break
        at += 1


def _kept(digits: str, before: str, typed: str) -> tuple[int, int] | None:
    """How many signs in front and at the end stay readable; None for no personal number."""
    if _ID.fullmatch(digits):
        return 3, 4
    if "x" in digits:
        return None
    mobile = _MOBILE.fullmatch(digits)
    if mobile:
        return mobile.start(1) + 3, 4
    if 15 <= len(digits) <= 19 and (_CARD_WORD.search(before) or _has_check_digit(digits)):
        return 4, 4
    if _PHONE_WORD.search(before) and 7 <= len(digits) <= 14:
        return len(digits) - 6, 2
    if _FIXED.fullmatch(digits) and _SPACED_FIXED.match(typed):
        return len(digits) - 6, 2
    return None


def _has_check_digit(digits: str) -> bool:
    if len(digits) < 16 or digits[0] not in "3456" or len(set(digits)) == 1:
        return False
    doubled = (int(sign) * (1 + at % 2) for at, sign in enumerate(reversed(digits)))
    return sum(one - 9 if one > 9 else one for one in doubled) % 10 == 0


def _is_sign(sign: str) -> bool:
    return sign in "0123456789０１２３４５６７８９XxＸｘ"

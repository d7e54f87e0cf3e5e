"""Amounts of money in text, in any writing: 12,500.00 · ￥12500 · 1.25万元 · 壹万贰仟伍佰元整.

Works on folded text. An amount is a whole number of cents. Called by schema (what a paper says)
and by query (what is asked for). Not here: numbers that are no amounts, which are runs (analysis).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

MOST_AMOUNTS = 200
"""Amounts of one paper that are indexed."""
_MOST_CENTS = 10**15

_DIGITS = {sign: number for number, sign in enumerate("零一二三四五六七八九")}
_DIGITS |= {sign: number for number, sign in enumerate("零壹贰叁肆伍陆柒捌玖")}
_DIGITS |= {"〇": 0, "两": 2, "参": 3, "弍": 2}
_SMALL = {"十": 10, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000}
_LARGE = {"万": 10**4, "亿": 10**8}
_TIMES = {
    "百": 100,
    "千": 1000,
    "万": 10**4,
    "十万": 10**5,
    "百万": 10**6,
    "千万": 10**7,
    "亿": 10**8,
}

_CAPITAL = "壹贰弍叁参肆伍陆柒捌玖拾佰仟"
_ONES = "壹贰叁肆伍陆柒捌玖一二三四五六七八九"
_PLAIN = "一二三四五六七八九十百千两"
_NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_MARK = r"(?:人民币|rmb|cny|[¥￥])[ :]*"
_END = r"[ ]?(?:元|圆)[整正]?"
_CENTS = r"(?:零?(?P<{tens}>[{d}])角)?(?:零?(?P<{ones}>[{d}])分)?"
_HAN = (
    rf"(?P<han>[{_CAPITAL}{_PLAIN}][{_CAPITAL}{_PLAIN}万亿零〇]*)"
    rf"(?P<unit>[元圆]?){_CENTS.format(tens='jiao', ones='fen', d=_ONES)}[整正]?"
)
_WRITTEN = re.compile(
    rf"(?P<mark>{_MARK})?(?:"
    rf"(?:(?<=rmb)|(?<=cny)|(?<![a-z0-9_.,/-]))(?P<number>{_NUMBER})"
    r"[ ]?(?P<times>[十百千]?万|亿|[百千](?=元|圆))?"
    rf"(?P<end>{_END})?(?!\d|[,/-]\d)|{_HAN})"
)
_START = re.compile(
    rf"[人rc¥￥\d{_CAPITAL}{_PLAIN}](?:(?<=人)(?=民币)|(?<=r)(?=mb)|(?<=c)(?=ny)"
    rf"|(?<=[{_PLAIN}])(?=[{_CAPITAL}{_PLAIN}万亿零〇元圆])|(?<=[¥￥{_CAPITAL}])|(?<=\d)\d*)"
)
"""Where an amount may begin: looking for this first is many times faster than trying everywhere."""
_LABEL = re.compile(
    r"(?:金额|总额|合计|总计|总价|单价|价款|货款|款额|余额|欠款|额度|限额|费用?)"
    r"(?:\([^()\n]{0,6}\))?[ :为是计共]{0,3}$"
)
_LIKE_MONEY = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d{2}")
_LIKE_A_DATE = re.compile(r"(?:19|20)\d\d\.(?:0[1-9]|1[0-2])")


@dataclass(frozen=True)
class Amount:
    """One amount in a text: its cents, its place, whether it is written beyond doubt as money."""

    cents: int
    start: int
    end: int
    is_money: bool
    is_plain: bool


def amounts_in(folded: str) -> Iterator[Amount]:
    """Yield what stands in the text as amounts; numbers without any sign of money are no money."""
    for match in _written(folded):
        cents = _cents_of(match)
        if cents is None or cents >= _MOST_CENTS:
            continue
        yield Amount(
            cents,
            match.start(),
            match.end(),
            _is_money(match, folded),
            bool(match["number"]) and not match["times"],
        )


def money_in(folded: str) -> list[int]:
    """Return the first amounts of a paper that are money, in cents, for the index."""
    found: list[int] = []
    for match in _written(folded):
        if not _is_money(match, folded):
            continue
        cents = _cents_of(match)
        if cents is not None and cents < _MOST_CENTS:
            found.append(cents)
            if len(found) == MOST_AMOUNTS:
                break
    return found


def _written(folded: str) -> Iterator[re.Match[str]]:
    """What `_WRITTEN.finditer` would find, but for single signs that are no amounts."""
    at = 0
    while start := _START.search(folded, at):
        first = start.start()
        match = _WRITTEN.match(folded, first)
        if match:
            yield match
            at = match.end()
        else:
            at = start.end() if folded[first].isdigit() else first + 1


def read_amount(folded: str) -> int | None:
    """Return the cents of a text that is an amount and nothing else, or None."""
    text = folded.strip()
    match = _WRITTEN.fullmatch(text)
    return _cents_of(match) if match else None


def amount_shape(cents: int) -> str:
    """Return the spelling by which the index knows an amount: 12500, 12500.5."""
    whole, rest = divmod(cents, 100)
    return f"{whole}.{rest:02d}".rstrip("0") if rest else str(whole)


def amount_term(cents: int) -> str:
    """Return the term of the index, which sorts as the amounts do."""
    return f"{cents:015d}"


def _is_money(match: re.Match[str], folded: str) -> bool:
    if match["mark"] or match["end"]:
        return True
    if match["han"]:
        return bool(match["unit"]) or _is_capital(match["han"])
    number = match["number"]
    if match["times"]:
        return False
    if _LIKE_MONEY.fullmatch(number):
        return not _LIKE_A_DATE.fullmatch(number)
    return _LABEL.search(folded, max(0, match.start() - 16), match.start()) is not None


def _is_capital(text: str) -> bool:
    """Say whether it can only be an amount: a capital digit and a unit (壹仟)."""
    return any(sign in "壹贰弍叁肆伍陆柒捌玖" for sign in text) and any(
        sign in "拾佰仟万亿" for sign in text
    )


def _cents_of(match: re.Match[str]) -> int | None:
    if match["number"]:
        return _cents_of_digits(match["number"].replace(",", ""), match["times"] or "")
    han = match["han"]
    if not match["unit"] and not (_is_capital(han) or _has_unit(han)):
        return None
    whole = _han_number(han)
    if whole is None:
        return None
    tens, ones = match["jiao"], match["fen"]
    return whole * 100 + 10 * _DIGITS.get(tens or "零", 0) + _DIGITS.get(ones or "零", 0)


def _has_unit(han: str) -> bool:
    return (
        len(han) > 1
        and any(sign in _DIGITS for sign in han)
        and any(sign in "十百千万亿" for sign in han)
    )


def _cents_of_digits(number: str, times: str) -> int | None:
    whole, _, rest = number.partition(".")
    if len(whole) > 15 or len(rest) > 8:
        return None
    value = int(whole + rest) * 100 * _TIMES.get(times, 1)
    cents, left = divmod(value, 10 ** len(rest))
    return cents if not left else None


def _han_number(text: str) -> int | None:
    """Read 壹万贰仟伍佰 or 一万二千五; None where the signs do not make a number."""
    if len(text) > 30:
        return None
    total = section = digit = 0
    last = 1
    for sign in text:
        if sign in _DIGITS:
            if digit:
                return None
            digit = _DIGITS[sign]
            last = 1 if sign in "零〇" else last
        elif sign in _SMALL:
            section += (digit or 1) * _SMALL[sign]
            digit, last = 0, _SMALL[sign]
        else:
            total = (
                (total + section + digit) * _LARGE[sign]
                if sign == "亿"
                else (total + (section + digit) * _LARGE[sign])
            )
            section = digit = 0
            last = _LARGE[sign]
    return total + section + digit * (last // 10 if last > 10 and digit else 1)

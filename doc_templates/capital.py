"""Chinese capital amounts (大写金额): in one line, and place by place for the printed grid.

Pure arithmetic on Decimal; no form is known here. Called by values.py, and by the money kind
and search, which read such amounts back (`amount_of`).
Source of the rules: the central bank's notes on filling in bills (正确填写票据和结算凭证).
"""

import re
from collections.abc import Mapping
from decimal import Decimal

DIGITS = "零壹贰叁肆伍陆柒捌玖"
PLACES = ("", "拾", "佰", "仟")
SECTIONS = ("", "万", "亿", "兆")
LIMIT = Decimal("1e16")
GRID_PLACES = ("千万", "百万", "十万", "万", "千", "百", "十", "元", "角", "分")
GRID_UNITS = ("仟", "佰", "拾", "万", "仟", "佰", "拾", "元", "角", "分")
UNUSED = "⊗"
LONGEST = 60
MISSPELT = "大写金额写得不对，应如 壹仟肆佰零玖元伍角"

_SPELLINGS = str.maketrans("圆正〇貳參陸萬億貮兩弍叄拾負〸", "元整零贰叁陆万亿贰贰贰叁拾负拾")
_CAPITAL = re.compile(
    r"(?:人民币)?(负)?(?:([零壹贰叁肆伍陆柒捌玖拾佰仟万亿兆]+)元)?"
    r"(?:零?([壹贰叁肆伍陆柒捌玖])角|零角)?(?:零?([壹贰叁肆伍陆柒捌玖])分|零分)?整?"
)
_SECTION = re.compile(
    "零?" + "零?".join(rf"(?:([{DIGITS[1:]}]){place})?" for place in ("仟", "佰", "拾", "")) + "零?"
)


class UnspeakableAmount(ValueError):
    """Not an amount in capitals: too many decimals, ten quadrillion and up, or misspelt."""


def capital_amount(amount: Decimal) -> str:
    """Return the amount in capitals, e.g. 1409.50 → 壹仟肆佰零玖元伍角.

    Ends at 元 with 整, at 角 and 分 with nothing. Raises UnspeakableAmount.
    """
    cents = _cents(amount)
    sign = "负" if cents < 0 else ""
    yuan, rest = divmod(abs(cents), 100)
    jiao, fen = divmod(rest, 10)
    words = _integer(yuan) + "元" if yuan or not rest else ""
    if not rest:
        return sign + words + "整"
    if jiao:
        words += DIGITS[jiao] + "角"
    elif yuan:
        words += "零"
    return sign + words + (DIGITS[fen] + "分" if fen else "")


def is_capital(text: str) -> bool:
    """Whether the text looks like an amount in capitals, well written or not."""
    spelt = text.translate(_SPELLINGS).removeprefix("人民币").removeprefix("负")
    return len(spelt) > 1 and spelt[0] in DIGITS


def amount_of(capital: str) -> Decimal:
    """Return the amount that a line in capitals means: 壹仟肆佰零玖元伍角 → 1409.50.

    Reads 圆 for 元, 正 for 整, a leading 人民币, and the traditional 貳參陸萬億. Raises
    UnspeakableAmount when the line is not a well-formed amount.
    """
    text = "".join(capital.split()).translate(_SPELLINGS)
    match = _CAPITAL.fullmatch(text) if 0 < len(text) <= LONGEST else None
    if match is None or not (match[2] or match[3] or match[4]):
        raise UnspeakableAmount(MISSPELT)
    cents = 100 * _yuan_of(match[2] or "零")
    cents += 10 * DIGITS.index(match[3] or "零") + DIGITS.index(match[4] or "零")
    return Decimal(-cents if match[1] else cents).scaleb(-2)


def _yuan_of(words: str) -> int:
    """Read the whole yuan, section by section from 兆 down; each section at most once."""
    total, rest = 0, words
    for index in range(len(SECTIONS) - 1, -1, -1):
        if index and SECTIONS[index] not in rest:
            continue
        section, unit, rest = rest.partition(SECTIONS[index]) if index else (rest, "", "")
        amount = _section_of(section)
        if unit and not amount:
            raise UnspeakableAmount(MISSPELT)
        total += amount * 10_000**index
    return total


def _section_of(words: str) -> int:
    match = _SECTION.fullmatch(words)
    if match is None:
        raise UnspeakableAmount(MISSPELT)
    digits = [DIGITS.index(digit or "零") for digit in match.groups()]
    return int("".join(map(str, digits)))


def capital_grid(amount: Decimal) -> Mapping[str, str]:
    """Return the digit for each printed place 仟佰拾万仟佰拾元角分; empty if it does not fit.

    Places before the first digit are crossed with ⊗, so that nothing can be put before them.
    """
    cents = _cents(amount)
    if cents < 0 or cents >= 10 ** len(GRID_PLACES):
        return {}
    digits = f"{cents:03d}"
    written = [DIGITS[int(digit)] for digit in digits]
    padded = [UNUSED] * (len(GRID_PLACES) - len(written)) + written
    return dict(zip(GRID_PLACES, padded, strict=True))


def _cents(amount: Decimal) -> int:
    if not amount.is_finite() or amount.copy_abs() >= LIMIT:
        raise UnspeakableAmount("金额过大，最多到千兆位")
    cents = amount * 100
    if cents != cents.to_integral_value():
        raise UnspeakableAmount("金额最多两位小数")
    return int(cents)


def _integer(number: int) -> str:
    if number == 0:
        return DIGITS[0]
    words = ""
    for index in range(len(SECTIONS) - 1, -1, -1):
        section = number // 10_000**index % 10_000
        if section == 0:
            continue
        gap = words != "" and (section < 1000 or _skipped(number, index))
        words += (DIGITS[0] if gap else "") + _section(section) + SECTIONS[index]
    return words


def _skipped(number: int, index: int) -> bool:
    """Whether the section just above this one is empty, so that a 零 must be read."""
    above: int = number // 10_000 ** (index + 1) % 10_000
    return above == 0


def _section(section: int) -> str:
    words, gap = "", False
    for place in range(3, -1, -1):
        digit = section // 10**place % 10
        if digit == 0:
            gap = words != ""
            continue
        words += (DIGITS[0] if gap else "") + DIGITS[digit] + PLACES[place]
        gap = False
    return words

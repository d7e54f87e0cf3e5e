"""Which new passwords are good enough: by length and by what is left without what all people type.

No rules about kinds of characters (NIST SP 800-63B 5.1.1.2): they lead to ``Gongsi@2026``.
Instead everything easy is taken out (common words, the company, runs of keys, years and dates),
and enough must be left. One's own name, user name and staff number are never in it.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pypinyin import Style, lazy_pinyin

from archive.core.errors import Invalid

SHORTEST, LONGEST = 10, 200
LEAST_LEFT = 5
LEAST_KINDS = 4
SHORTEST_RUN = 3
_LIST = Path(__file__).with_name("common_passwords.txt")
_ROWS = (
    "`1234567890-=",
    "qwertyuiop[]",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "abcdefghijklmnopqrstuvwxyz",
    "01234567890",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
    "741852963",
    "159357",
    "一二三四五六七八九十",
)
_SHIFTED = str.maketrans('~!@#$%^&*()_+{}:"<>?', "`1234567890-=[];',./")
_SWAPS = (
    str.maketrans("", ""),
    str.maketrans("@4013$57", "aaoiesst"),
    str.maketrans("@40!13$57", "aaoilesst"),
)
_DATES = re.compile(
    r"(?:19|20)\d\d(?:(?:0?[1-9]|1[0-2])(?:0?[1-9]|[12]\d|3[01])?)?|\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
)
_COMPANY_TAILS = ("股份", "控股", "集团", "责任", "有限", "公司", "分公司", "厂", "中心")
_PLACE = re.compile(r"^.{2,8}?[省市县区]")
_TRADES = (
    *("科技", "技术", "信息", "网络", "电子", "实业", "贸易", "商贸"),
    *("机械", "制造", "工业", "工程", "建设", "服务", "咨询"),
)


@dataclass(frozen=True)
class OwnWords:
    """What is known of whoever chooses: never part of their password."""

    username: str = ""
    staff_no: str = ""
    name: str = ""
    email: str = ""
    company: str = ""


def check_choice(password: str, own: OwnWords) -> None:
    """Raise Invalid, with the reason under ``password``, for a password that is easily guessed."""
    reason = weakness(password, own)
    if reason:
        raise Invalid(f"这个密码不能用：{reason}。", {"password": reason})


def weakness(password: str, own: OwnWords) -> str:
    """Return why a password is too easily guessed; "" when it is good."""
    if len(password) < SHORTEST:
        return f"至少 {SHORTEST} 个字符"
    if len(password) > LONGEST:
        return f"至多 {LONGEST} 个字符"
    if any(unicodedata.category(char) in ("Cc", "Cs") for char in password):
        return "里面有不能显示的字符，请换一个"
    folded = _fold(password)
    if len(set(folded)) < LEAST_KINDS:
        return f"请至少用 {LEAST_KINDS} 种不同的字符"
    if any(word in _bare(folded) for word in _personal(own)):
        return "不要包含自己的姓名、用户名、工号或邮箱名"
    if _left(_unit(folded), _company(own.company)) < LEAST_LEFT:
        return "由常见的词、连着的键、年份或公司名拼成，太容易猜；请换成几个不相干的词"
    return ""


def _left(text: str, company: Iterable[str]) -> int:
    """Return how much is left of a password without what is easy, in the reading that leaves least.

    A Han character counts twice; ``0`` may stand for ``o``, but also for itself in a year.
    """
    for word in company:
        text = text.replace(word, " ")
    readings = (text, _DATES.sub(" ", _without_runs(text)))
    return min(_weight(reading.translate(swap)) for reading in readings for swap in _SWAPS)


def _weight(text: str) -> int:
    text = _without_runs(_common().sub(" ", _DATES.sub(" ", _without_runs(text))))
    return sum((2 if char > "⺀" else 1) for char in text if char.isalnum())


def _unit(text: str) -> str:
    """Return what a password repeats (``ab`` of ``ababab``), or all of it."""
    return text[: (text + text).find(text, 1)]


def _without_runs(text: str) -> str:
    """Take out what lies side by side on a keyboard or is one key again and again."""
    plain, out, place = text.translate(_SHIFTED), [], 0
    while place < len(text):
        length = max(_run(plain, place), _repeat(plain, place))
        if length >= SHORTEST_RUN:
            out.append(" ")
            place += length
        else:
            out.append(text[place])
            place += 1
    return "".join(out)


def _run(text: str, start: int) -> int:
    longest = 1
    for row in _ROWS:
        for line in (row, row[::-1]):
            length = 1
            while text[start : start + length + 1] in line and start + length < len(text):
                length += 1
            longest = max(longest, length)
    return longest


def _repeat(text: str, start: int) -> int:
    end = start
    while end < len(text) and text[end] == text[start]:
        end += 1
    return end - start


def _personal(own: OwnWords) -> set[str]:
    """Return the words that are never in one's password, without what is too short to mean it."""
    words = {(_fold(own.username), 3), (_fold(own.staff_no), 4), (_fold(own.name), 2)}
    words |= {(_fold(own.email).partition("@")[0], 4), (_pinyin(own.name), 4)}
    return {_bare(word) for word, least in words if len(_bare(word)) >= least}


def _company(name: str) -> list[str]:
    """Return a company's name as people type it: whole and short, Han, pinyin and initials."""
    short = _without_tails(name.strip(), _COMPANY_TAILS)
    here = _PLACE.sub("", short)
    names = {name.strip(), short, here, _without_tails(here, _TRADES)}
    words = {_fold(one) for one in names} | {_pinyin(one) for one in names}
    words |= {"".join(lazy_pinyin(one, style=Style.FIRST_LETTER)).casefold() for one in names}
    return sorted((word for word in words if len(word) >= 2), key=len, reverse=True)


def _without_tails(name: str, tails: tuple[str, ...]) -> str:
    while tail := max(filter(name.endswith, tails), key=len, default=""):
        name = name.removesuffix(tail)
    return name


def _pinyin(text: str) -> str:
    return "".join(lazy_pinyin(text, v_to_u=False)).casefold()


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _bare(text: str) -> str:
    return "".join(char for char in text if char.isalnum())


@lru_cache(maxsize=1)
def _common() -> re.Pattern[str]:
    lines = _LIST.read_text(encoding="utf-8").splitlines()
    words = {word for line in lines if not line.startswith("#") for word in line.split()}
    return re.compile("|".join(re.escape(word) for word in sorted(words, key=len, reverse=True)))

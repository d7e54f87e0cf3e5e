"""Days, months and years in text and in questions: 2024年3月 · 2024-03 · 上月 · 最近7天.

Works on folded text. A span is two numbers yyyymmdd; a month without a day ends in 00, so that
20240300 lies in March and in no day of it. Called by schema (what a paper says) and by query.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

MOST_DAYS = 200
"""Dates of one paper that are indexed."""

_HAN_DIGITS = {sign: str(number) for number, sign in enumerate("〇一二三四五六七八九")} | {
    "零": "0",
    "○": "0",
}
_YEAR = r"(?:19|20)\d\d"
_HAN_YEAR = "[一二][〇零○一二三四五六七八九]{3}"
_SMALL = r"\d{1,2}|[一二三四五六七八九十]{1,3}"
_HAN_DATE = (
    rf"(?:(?P<year>(?<!\d){_YEAR})|(?P<han>{_HAN_YEAR}))[ ]?年度?"
    rf"(?:[ ]?(?P<month>{_SMALL})[ ]?月份?(?:[ ]?(?P<day>{_SMALL})[ ]?[日号])?"
    r"|第?(?P<quarter>[一二三四1-4])季度|(?P<half>[上下])半年)?"
)
_DIGIT_DATE = (
    rf"(?<![a-z0-9_/.·-])(?P<y>{_YEAR})(?P<sep>[-/.])(?P<m>0?[1-9]|1[0-2])"
    r"(?:(?P=sep)(?P<d>0?[1-9]|[12]\d|3[01]))?(?![a-z0-9_/·-]|\.\d)"
    rf"|(?<![a-z0-9_/.·-])(?P<packed>{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))(?![a-z0-9_/·-]|\.\d)"
)
_WRITTEN = re.compile(f"{_HAN_DATE}|{_DIGIT_DATE}")

_START = re.compile("[12一二](?:(?<=1)9|(?<=2)0|[〇零○一二三四五六七八九])")
"""How every year begins: looking for this first is much faster than trying everywhere."""

_COUNT = r"(?P<count>\d{1,4}|[一二两三四五六七八九十半]{1,3})"
_RELATIVE = re.compile(
    r"(?P<named>今天|今日|昨天|昨日|前天|本周|这周|这个星期|本星期|上周|上个?星期|本月|这个月|上个?月"
    r"|今年|本年度?|去年|上年度?|前年|本季度?|这个季度|上个?季度?|上半年|下半年)"
    rf"|(?:最近|近|过去|前)的?{_COUNT}[ ]?个?(?P<unit>天|日|周|星期|礼拜|月|季度|年)"
)


@dataclass(frozen=True)
class Span:
    """From day to day, both within, as yyyymmdd; `mention` is the term of the index, if any.

    A year, a quarter or a half is told by the day of the paper; a month or day also by its words.
    """

    first: int
    last: int
    mention: str
    start: int
    end: int
    is_relative: bool = False


def days_in(folded: str) -> list[str]:
    """Return the months and days a text names, as terms of the index: 202403, 20240305."""
    found: dict[str, None] = {}
    for span in _written(folded):
        if span.mention:
            found[span.mention] = None
            if len(found) == MOST_DAYS:
                break
    return list(found)


def spans_in(folded: str, today: date | None) -> list[Span]:
    """Return the times named in a question, in order; relative ones only with a `today`."""
    found = list(_written(folded))
    if today is not None:
        taken = [(one.start, one.end) for one in found]
        for match in _RELATIVE.finditer(folded):
            span = _relative_span(match, today)
            if span and not any(
                match.start() < end and start < match.end() for start, end in taken
            ):
                found.append(span)
    return sorted(found, key=lambda one: one.start)


def read_span(folded: str, today: date | None) -> Span | None:
    """Return the time a text names, if it is nothing else; a bare year is one."""
    text = folded.strip()
    if re.fullmatch(_YEAR, text):
        text += "年"
    spans = spans_in(text, today)
    whole = len(spans) == 1 and (spans[0].start, spans[0].end) == (0, len(text))
    return spans[0] if whole else None


def show_span(span: Span) -> str:
    """Return a span in words for the note on the page."""
    first, last = span.first, span.last
    if first % 10000 <= 101 and last % 10000 >= 1231 and first // 10000 == last // 10000:
        return f"{first // 10000}年"
    return f"{_day(first)}至{_day(last)}" if first != last else _day(first)


def _day(number: int) -> str:
    year, month, day = number // 10000, number // 100 % 100, number % 100
    return f"{year}年{month}月{day}日"


def _written(folded: str) -> Iterator[Span]:
    at = 0
    while start := _START.search(folded, at):
        match = _WRITTEN.match(folded, start.start())
        at = match.end() if match else start.start() + 1
        span = _written_span(match) if match else None
        if span is not None:
            yield span


def _written_span(match: re.Match[str]) -> Span | None:
    at = (match.start(), match.end())
    if match["packed"]:
        text = match["packed"]
        return _month_or_day(int(text[:4]), int(text[4:6]), int(text[6:]), at)
    if match["y"]:
        return _month_or_day(int(match["y"]), int(match["m"]), int(match["d"] or 0), at)
    year = int(match["year"] or "".join(_HAN_DIGITS[sign] for sign in match["han"]))
    if match["month"]:
        day = _small_number(match["day"]) if match["day"] else 0
        return _month_or_day(year, _small_number(match["month"]), day, at)
    if match["quarter"]:
        last = 3 * ("一二三四".find(match["quarter"]) + 1 or int(match["quarter"]))
        return Span(year * 10000 + (last - 2) * 100, year * 10000 + last * 100 + 99, "", *at)
    if match["half"]:
        first = 1 if match["half"] == "上" else 7
        return Span(year * 10000 + first * 100, year * 10000 + (first + 5) * 100 + 99, "", *at)
    return Span(year * 10000, year * 10000 + 9999, "", *at)


def _month_or_day(year: int, month: int, day: int, at: tuple[int, int]) -> Span | None:
    if not 1 <= month <= 12 or not 0 <= day <= 31:
        return None
    number = year * 10000 + month * 100 + day
    if day:
        return Span(number, number, str(number), *at)
    return Span(number, number + 99, str(number // 100), *at)


def _small_number(text: str) -> int:
    """Read 3, 03, 三, 十二 or 三十一; 0 for what is no such number."""
    if text.isdigit():
        return int(text)
    text = text.replace("两", "二")
    tens, ten, ones = text.rpartition("十") if "十" in text else ("", "", text)
    values = {sign: number for number, sign in enumerate("一二三四五六七八九", 1)}
    if len(tens) > 1 or len(ones) > 1:
        return 0
    return (values.get(tens, 1) * 10 if ten else 0) + values.get(ones, 0)


def _relative_span(match: re.Match[str], today: date) -> Span | None:
    if match["named"]:
        first, last = _named(match["named"], today)
    else:
        count = 0.5 if match["count"] == "半" else float(_small_number(match["count"]))
        if not count:
            return None
        first, last = _back(count, match["unit"], today), today
    return Span(_number(first), _number(last), "", match.start(), match.end(), is_relative=True)


def _number(day: date) -> int:
    return day.year * 10000 + day.month * 100 + day.day


def _named(name: str, today: date) -> tuple[date, date]:
    for beginnings, spell in _NAMES:
        if name.startswith(beginnings):
            return spell(today)
    raise AssertionError(name)


def _days_back(count: int) -> Callable[[date], tuple[date, date]]:
    return lambda today: (today - timedelta(count), today - timedelta(count))


def _weeks_back(count: int) -> Callable[[date], tuple[date, date]]:
    def week(today: date) -> tuple[date, date]:
        monday = today - timedelta(today.weekday() + 7 * count)
        return monday, monday + timedelta(6)

    return week


def _months(first: int, length: int) -> Callable[[date], tuple[date, date]]:
    """Months from the `first` relative to the current one."""
    return lambda today: _whole_months(today.year, today.month + first, length)


def _years_back(count: int) -> Callable[[date], tuple[date, date]]:
    return lambda today: _whole_months(today.year - count, 1, 12)


def _quarters_back(count: int) -> Callable[[date], tuple[date, date]]:
    def quarter(today: date) -> tuple[date, date]:
        return _whole_months(today.year, (today.month - 1) // 3 * 3 + 1 - 3 * count, 3)

    return quarter


def _half(first: int) -> Callable[[date], tuple[date, date]]:
    return lambda today: _whole_months(today.year, first, 6)


def _whole_months(year: int, month: int, length: int) -> tuple[date, date]:
    return _first_of(year, month), _first_of(year, month + length) - timedelta(1)


def _first_of(year: int, month: int) -> date:
    years, months = divmod(month - 1, 12)
    return date(year + years, months + 1, 1)


_NAMES: tuple[tuple[tuple[str, ...], Callable[[date], tuple[date, date]]], ...] = (
    (("今天", "今日"), _days_back(0)),
    (("昨",), _days_back(1)),
    (("前天",), _days_back(2)),
    (("本周", "这周", "这个星期", "本星期"), _weeks_back(0)),
    (("上周", "上星期", "上个星期"), _weeks_back(1)),
    (("本月", "这个月"), _months(0, 1)),
    (("上月", "上个月"), _months(-1, 1)),
    (("今年", "本年"), _years_back(0)),
    (("去年", "上年"), _years_back(1)),
    (("前年",), _years_back(2)),
    (("本季", "这个季"), _quarters_back(0)),
    (("上季", "上个季"), _quarters_back(1)),
    (("上半年",), _half(1)),
    (("下半年",), _half(7)),
)


def _back(count: float, unit: str, today: date) -> date:
    """Return the first day of the last so many days, weeks, months or years, today included."""
    days = {"天": 1, "日": 1, "周": 7, "星期": 7, "礼拜": 7}.get(unit)
    if days is not None:
        return today - timedelta(max(0, min(int(count * days), 40_000) - 1))
    if count < 1 and unit == "月":
        return today - timedelta(14)
    months = int(count * {"月": 1, "季度": 3, "年": 12}[unit])
    first = _first_of(max(1, today.year - months // 12), today.month)
    back = months % 12
    month = _first_of(first.year, first.month - back) if first.year > 1 else first
    length = (_first_of(month.year, month.month + 1) - month).days
    return month.replace(day=min(today.day, length)) + timedelta(1)

"""Reads the text of a year's notice of holidays (国务院办公厅放假通知) into days. Pure.

Item by item, sentence by sentence, word by word: what is not understood in a numbered item is
told with its sentence, for a guess would move due days. Time grows with the text's length only.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from archive.core.clock import each_day
from archive.core.holidays import Holiday

MAX_TEXT = 20_000
MAX_ITEMS = 20
MAX_NAME = 30
LONGEST_HOLIDAY = 15
MOST_CLOSED, MOST_WORKED = 4, 8  # what one row of the profile holds
MUST_NAME = ("元旦", "春节", "清明", "劳动", "端午", "中秋", "国庆")
_WEEKDAYS = "一二三四五六日"
_QUOTED = 80

_ITEM = re.compile(
    r"^[ \t\u3000]*(?:[一二三四五六七八九十]{1,3}、|\d{1,2}[.、．](?!\d))", re.MULTILINE
)
_YEAR = re.compile(r"(\d{4})年")
_DATE = re.compile(r"(?:(\d{4})年)?(?:(\d{1,2})月)?(\d{1,2})日(?:\(([^()]{0,40})\))?")
_WEEKDAY = re.compile(r"(?:星期|周|礼拜)([一二三四五六日天])")
_RANGE = re.compile(r"[至到~\-—–―]{1,2}")
_TOTAL = re.compile(r"(?:一)?共(?:计)?(\d{1,2})天|(\d{1,2})天")
_CLOSED = re.compile(r"放假调休|调休放假|放假|公休|补休|休息|调休")
_OPENED = re.compile(r"(?:正常|照常|调休)?(?:上班|补班)")
_FILLER = re.compile(r"[,、和及]|与周末(?:连休|相连|连接)|起|均")


class Unclear(ValueError):
    """What in the text was not understood, in words with the sentence."""


@dataclass
class _Item:
    """What one item of the notice has said so far."""

    name: str
    year: int
    closed: list[tuple[date, date]] = field(default_factory=list)
    worked: list[date] = field(default_factory=list)


def read_notice(text: str, year: int) -> tuple[Holiday, ...]:
    """Return the holidays of a year's notice; raise Unclear in words."""
    if len(text) > MAX_TEXT:
        raise Unclear(f"最多 {MAX_TEXT} 个字，现在有 {len(text)} 个字；请只粘贴通知的正文")
    starts = list(_ITEM.finditer(text))
    if not starts:
        raise Unclear("没有找到分条的放假安排，各条应另起一行，写成“一、元旦：1月1日至3日放假……”")
    if len(starts) > MAX_ITEMS:
        raise Unclear(f"找到 {len(starts)} 条，最多 {MAX_ITEMS} 条；请只粘贴放假安排的各条")
    _check_year(text[: starts[0].start()], year)
    ends = [one.start() for one in starts[1:]] + [len(text)]
    items = zip(starts, ends, strict=True)
    found = tuple(_read_item(text[start.end() : end], year) for start, end in items)
    _check_whole(found, year)
    return found


def _check_year(opening: str, year: int) -> None:
    named = {int(one) for one in _YEAR.findall(unicodedata.normalize("NFKC", opening))}
    if named and year not in named:
        told = "、".join(str(one) for one in sorted(named))
        raise Unclear(f"通知写的是 {told} 年，要录入的是 {year} 年；请核对年份")


def _read_item(body: str, year: int) -> Holiday:
    item: _Item | None = None
    for raw in _sentences(body):
        plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", raw))
        if item is None:
            name, colon, plain = plain.partition(":")
            if not colon or not 1 <= len(name) <= MAX_NAME or re.search(r"[\d;|]", name):
                raise Unclear(f"这一条没有写节日的名称和冒号：“{_quote(raw)}”")
            item = _Item(name, year)
        _read_sentence(item, plain, raw)
    if item is None or not item.closed:
        raise Unclear(f"这一条没有写放假的日子：“{_quote(body)}”")
    if len(item.closed) > MOST_CLOSED or len(item.worked) > MOST_WORKED:
        raise Unclear(f"这一条写了太多日子：“{_quote(body)}”")
    return Holiday(item.name, tuple(item.closed), tuple(item.worked))


def _sentences(body: str) -> Iterator[str]:
    """Yield the item's own sentences; what follows in paragraphs of its own only with days off."""
    paragraphs = re.split(r"(?<=[。；;])[ \t\u3000]*\r?\n", body)
    for n, paragraph in enumerate(paragraphs):
        for sentence in re.split(r"[。；;](?![^（(]{0,40}[）)])", paragraph):
            says = n == 0 or re.search(r"放假|上班|补班|休息|补休", sentence)
            if sentence.strip() and says and (n == 0 or re.search(r"\d\s*日", sentence)):
                yield sentence.strip()


def _read_sentence(item: _Item, plain: str, raw: str) -> None:
    """Read one sentence word by word into the item."""
    pending: list[tuple[date, date]] = []
    at, joins, off = 0, False, 0
    while at < len(plain):
        if match := _DATE.match(plain, at):
            day = _date(item, match, pending, raw)
            if joins:
                pending[-1] = _range(pending[-1][0], day, raw)
            else:
                pending.append((day, day))
            joins = False
        elif pending and (match := _RANGE.match(plain, at)):
            joins = True
        elif match := _OPENED.match(plain, at):
            _open(item, pending, raw)
        elif match := _CLOSED.match(plain, at):
            off += _close(item, pending)
        elif off and (match := _TOTAL.match(plain, at)):
            _check_total(int(match[1] or match[2]), off, raw)
        elif not (match := _FILLER.match(plain, at)):
            raise Unclear(f"看不懂“{_quote(plain[at : at + 12])}”，在这一句：“{_quote(raw)}”")
        at = match.end()
    if pending or joins or not (off or item.worked):
        raise Unclear(f"这一句的日子没有写放假还是上班：“{_quote(raw)}”")


def _date(item: _Item, match: re.Match[str], pending: list[tuple[date, date]], raw: str) -> date:
    """Return the day a date means: its year and month may be told by the one before."""
    before = pending[-1][1] if pending else None
    if match[2] is None and before is None:
        raise Unclear(f"“{_quote(match[0])}”没有写月份，在这一句：“{_quote(raw)}”")
    month = int(match[2] or (before.month if before else 0))
    year = int(match[1] or _year_of(item, before, month))
    try:
        day = date(year, month, int(match[3]))
    except ValueError:
        raise Unclear(f"没有“{_quote(match[0])}”这一天，在这一句：“{_quote(raw)}”") from None
    told = _WEEKDAY.search(match[4] or "")
    if told and _WEEKDAYS.index(told[1].replace("天", "日")) != day.weekday():
        right = f"{day.year} 年的这一天是星期{_WEEKDAYS[day.weekday()]}"
        raise Unclear(f"“{_quote(match[0])}”星期不对，{right}；请核对年份：“{_quote(raw)}”")
    return day


def _year_of(item: _Item, before: date | None, month: int) -> int:
    """The year of a date without one: December belongs to the year before in New Year's item."""
    if before is not None:
        return before.year + (before.month == 12 and month == 1)
    return item.year - (month == 12 and MUST_NAME[0] in item.name)


def _range(first: date, last: date, raw: str) -> tuple[date, date]:
    if last <= first:
        raise Unclear(f"结束的日子不在开始的日子以后：“{_quote(raw)}”")
    if (last - first).days >= LONGEST_HOLIDAY:
        raise Unclear(f"一次放假超过 {LONGEST_HOLIDAY} 天：“{_quote(raw)}”")
    return first, last


def _close(item: _Item, pending: list[tuple[date, date]]) -> int:
    """Note the days as off; return how many."""
    item.closed += pending
    off = sum((last - first).days + 1 for first, last in pending)
    pending.clear()
    return off


def _open(item: _Item, pending: list[tuple[date, date]], raw: str) -> None:
    """Note the days as worked; they are weekends, or the year is wrong."""
    for first, last in pending:
        for day in each_day(first, last):
            if day.weekday() < 5:
                told = f"{day.isoformat()} 是星期{_WEEKDAYS[day.weekday()]}"
                raise Unclear(f"{told}，本来就上班；请核对年份：“{_quote(raw)}”")
            item.worked.append(day)
    if not pending:
        raise Unclear(f"这一句没有写哪一天上班：“{_quote(raw)}”")
    pending.clear()


def _check_total(told: int, off: int, raw: str) -> None:
    if told != off:
        raise Unclear(f"写的是 {told} 天，从日子算是 {off} 天：“{_quote(raw)}”")


def _check_whole(found: tuple[Holiday, ...], year: int) -> None:
    """Refuse a notice of another year, one that contradicts itself, and one that is not whole."""
    seen: dict[date, str] = {}
    for holiday in found:
        for day, _ in holiday.days:
            if not date(year - 1, 12, 1) <= day <= date(year + 1, 1, 31):
                raise Unclear(f"{holiday.name}的 {day.isoformat()} 不在 {year} 年")
            if day in seen:
                raise Unclear(f"{day.isoformat()} 写了两次：{seen[day]}、{holiday.name}")
            seen[day] = holiday.name
    names = "".join(holiday.name for holiday in found)
    missing = [one for one in MUST_NAME if one not in names]
    if missing:
        raise Unclear(f"没有写到：{'、'.join(missing)}；请粘贴通知的全部各条")


def _quote(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _QUOTED else plain[:_QUOTED] + "……"

"""What may be said of papers from outside, on plain values: common values, a file's own, guesses.

No rows and no rights here. Source: archive.md 2 (file the original; a copy says why, and where
the original is), archive.md 3 (core description).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from pathlib import PurePosixPath

from archive.core.errors import Invalid
from archive.filing.rules import YEARS, line_fault
from archive.people.rights import INTERNAL, SECRECY
from doc_templates.fields import forbidden_mark

CARRIERS = {"paper": "有纸质原件", "electronic": "只有电子件", "copy": "以复印件归档"}
MOST_FILES = 5000  # of one batch
LARGEST_FILE = 200 << 20
MOST_NAME = 200
MAX_TITLE = 300
WORDS = {
    "title": "题名",
    "number": "文号",
    "date": "日期",
    "customer": "客户",
    "item_class": "类目",
    "form": "表单",
    "year": "年度",
    "carrier": "载体",
    "copy_reason": "复印件归档的原因",
    "original_place": "原件存放处",
    "secrecy": "密级",
    "again": "仍要收的理由",
}
_LIMITS = {
    "title": MAX_TITLE,
    "number": 80,
    "customer": 120,
    "form": 40,
    "copy_reason": 200,
    "original_place": 100,
    "again": 200,
}
_DAY = re.compile(
    r"(?<!\d)((?:19|20)\d{2})(?:年|[-._/])?(0?[1-9]|1[0-2])(?:月|[-._/])?(0?[1-9]|[12]\d|3[01])(?!\d)"
)
_NUMBER = re.compile(
    r"[A-Za-z]{1,6}[-_]?(?:19|20)\d{2}[-_]\d{1,6}|[\u4e00-\u9fff]{1,8}〔(?:19|20)\d{2}〕\d{1,5}号"
)
_LEGAL = re.compile(r"(股份)?有限(责任)?公司$|集团$|公司$|医院$|药房$")


@dataclass(frozen=True)
class Common:
    """What all papers of a batch have in common; ``year`` 0 means that of each paper's date."""

    item_class: str = ""
    form: str = ""
    customer: str = ""
    date: str = ""
    year: int = 0
    secrecy: int = INTERNAL
    carrier: str = "electronic"
    copy_reason: str = ""
    original_place: str = ""

    def as_json(self) -> dict[str, object]:
        """Return it as plain JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Own:
    """What a paper says of itself; empty customer and date mean the batch's."""

    title: str = ""
    number: str = ""
    date: str = ""
    customer: str = ""
    item_class: str = ""

    def as_json(self) -> dict[str, str]:
        """Return it as plain JSON."""
        return asdict(self)


def read_common(raw: Mapping[str, object], classes: Iterable[str], forms: Iterable[str]) -> Common:
    """Check the common values; raise Invalid naming every wrong one."""
    wrong: dict[str, str] = {}
    words = {
        key: _line(raw, key, wrong) for key in ("form", "customer", "copy_reason", "original_place")
    }
    found = Common(
        item_class=_one_of(raw, "item_class", set(classes) | {""}, wrong, "请从列表里选类目"),
        date=_day(raw, wrong),
        year=_year(raw, wrong),
        secrecy=_secrecy(raw, wrong),
        carrier=_one_of(raw, "carrier", set(CARRIERS), wrong, "请选载体", "electronic"),
        **words,
    )
    if found.form and found.form not in set(forms):
        wrong["form"] = "没有这种表单，请从列表里选"
    if found.carrier == "copy":
        for key, why in (("copy_reason", "请写明为什么"), ("original_place", "请写明原件在哪里")):
            if not getattr(found, key) and key not in wrong:
                wrong[key] = why
    _refuse(wrong)
    return found


def read_own(raw: Mapping[str, object], classes: Iterable[str]) -> Own:
    """Check a paper's own values; raise Invalid naming every wrong one."""
    wrong: dict[str, str] = {}
    found = Own(
        title=_line(raw, "title", wrong),
        number=_line(raw, "number", wrong),
        date=_day(raw, wrong),
        customer=_line(raw, "customer", wrong),
        item_class=_one_of(raw, "item_class", set(classes) | {""}, wrong, "请从列表里选类目"),
    )
    if not found.title and "title" not in wrong:
        wrong["title"] = "请填写题名"
    _refuse(wrong)
    return found


def read_again(raw: object) -> str:
    """Check why a known file is kept once more; empty when it is not."""
    wrong: dict[str, str] = {}
    found = _line({"again": raw}, "again", wrong)
    _refuse(wrong)
    return found


def stored_common(told: Mapping[str, object]) -> Common:
    """Return common values as they were stored; keys of another time are left out."""
    known = {entry.name for entry in fields(Common)}
    return Common(**{key: value for key, value in told.items() if key in known})  # type: ignore[arg-type]


def stored_own(told: Mapping[str, object]) -> Own:
    """Return a paper's own values as they were stored."""
    known = {entry.name for entry in fields(Own)}
    return Own(**{key: str(value) for key, value in told.items() if key in known})


def clean_name(raw: str) -> tuple[str, bool]:
    """Return a file's name fit to be kept, and whether anything of it had to be changed.

    The folder part goes, so do marks that cannot be shown or turn the reading direction; a name
    that is too long loses its middle, never its suffix.
    """
    whole = raw.replace("\\", "/")
    name = whole.rstrip("/").rpartition("/")[2] or "无名文件"
    name = "".join(
        char for char in name if not forbidden_mark(char) and not "\ud800" <= char <= "\udfff"
    )
    name = " ".join(name.split()) or "无名文件"
    if name in (".", ".."):
        name = "无名文件"
    if len(name) > MOST_NAME:
        suffix = PurePosixPath(name).suffix[:10]
        name = name[: MOST_NAME - len(suffix)] + suffix
    return name, name != raw


def guess_own(name: str, separator: Mapping[str, str] | None = None) -> Own:
    """Read title, number and date out of a file's name; what a separator sheet says comes first."""
    stem = PurePosixPath(name).stem.strip() or name
    own = Own(title=stem[:MAX_TITLE], number=_number_in(stem), date=_day_in(stem))
    if not separator:
        return own
    given = {key: value for key, value in separator.items() if value}
    return replace(own, **given)


def guess_customer(names: Iterable[str], text: str) -> str:
    """Return the customer a text names: the longest whole name, else the longest short one."""
    folded = text.replace(" ", "")
    best, best_short = "", ""
    for name in names:
        plain = name.replace(" ", "")
        if len(plain) >= 3 and plain in folded:
            best = max(best, name, key=len)
            continue
        short = _LEGAL.sub("", plain)
        if len(short) >= 4 and short in folded:
            best_short = max(best_short, name, key=len)
    return best or best_short


def check_batch_title(raw: object) -> str:
    """Return a batch's name; raise Invalid for one that is empty, too long or cannot be shown."""
    text = " ".join(raw.split()) if isinstance(raw, str) else ""
    fault = "请写批次名称" if not text else line_fault(text, 100)
    if fault:
        raise Invalid(f"批次名称有误：{fault}。", {"title": fault})
    return text


def year_of(common: Common, own: Own, today: date) -> int:
    """Return the year a paper belongs to: the batch's, else its date's, else this year."""
    if common.year:
        return common.year
    written = own.date or common.date
    return date.fromisoformat(written).year if written else today.year


def _number_in(stem: str) -> str:
    found = _NUMBER.search(stem)
    return found[0] if found else ""


def _day_in(stem: str) -> str:
    for year, month, day in _DAY.findall(stem):
        try:
            return date(int(year), int(month), int(day)).isoformat()
        except ValueError:
            continue
    return ""


def _line(raw: Mapping[str, object], key: str, wrong: dict[str, str]) -> str:
    value = raw.get(key) or ""
    if not isinstance(value, str):
        wrong[key] = "应为文字"
        return ""
    if any("\ud800" <= char <= "\udfff" for char in value):
        wrong[key] = "含有不能保存的字符"
        return ""
    text = " ".join(value.split())
    fault = line_fault(text, _LIMITS[key])
    if fault:
        wrong[key] = fault
    return text


def _one_of(
    raw: Mapping[str, object],
    key: str,
    known: set[str],
    wrong: dict[str, str],
    why: str,
    default: str = "",
) -> str:
    value = raw.get(key) or default
    if not isinstance(value, str) or value not in known:
        wrong[key] = why
        return default
    return value


def _day(raw: Mapping[str, object], wrong: dict[str, str]) -> str:
    value = raw.get("date") or ""
    if not value:
        return ""
    try:
        found = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or found.year not in YEARS:
        wrong["date"] = "应为日期，例如 2026-03-15"
        return ""
    return found.isoformat()


def _year(raw: Mapping[str, object], wrong: dict[str, str]) -> int:
    value = raw.get("year") or 0
    text = str(value).strip() if isinstance(value, str | int) else ""
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) <= 4):
        wrong["year"] = "应为四位年份，或者留空"
        return 0
    if int(text) and int(text) not in YEARS:
        wrong["year"] = f"应在 {YEARS[0]} 到 {YEARS[-1]} 之间"
        return 0
    return int(text)


def _secrecy(raw: Mapping[str, object], wrong: dict[str, str]) -> int:
    value = raw.get("secrecy")
    if value is None or value == "":
        return INTERNAL
    if value not in SECRECY:
        wrong["secrecy"] = "应为" + "、".join(SECRECY)
        return INTERNAL
    return SECRECY.index(str(value))


def _refuse(wrong: Mapping[str, str]) -> None:
    if wrong:
        told = "；".join(f"{WORDS[key]}：{why}" for key, why in wrong.items())
        raise Invalid(f"填写有误：{told}。", wrong)

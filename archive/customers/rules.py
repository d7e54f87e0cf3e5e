"""What names, codes and phones of customers amount to; pure functions on plain values.

Rows and rights are in ``service``. A credit code that does not add up is a warning, never a
refusal: codes in use exist that fail the check (conventions: 统一社会信用代码).
"""

import re
import unicodedata
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from datetime import date
from typing import Any

from pypinyin import Style, lazy_pinyin

from archive.customers.views import COOPERATIONS, STATUSES, CustomerFields
from doc_templates.fields import forbidden_mark
from indexer.folding import fold

LABELS = {
    "name": "客户名称",
    "number": "编号",
    "short_name": "简称",
    "initials": "拼音首字母",
    "credit_code": "统一社会信用代码",
    "legal_person": "法定代表人",
    "address": "公司地址",
    "factory_address": "工厂地址",
    "phone": "公司电话",
    "factory_phone": "工厂电话",
    "region": "区域",
    "status": "状态",
    "cooperation": "合作关系",
    "owner_id": "负责人",
    "department_id": "部门",
    "first_contact": "首次接触日期",
    "remark": "备注",
}
LIMITS = {
    "name": 120,
    "number": 20,
    "short_name": 60,
    "initials": 60,
    "credit_code": 18,
    "legal_person": 60,
    "address": 200,
    "factory_address": 200,
    "phone": 60,
    "factory_phone": 60,
    "region": 60,
    "remark": 5000,
}
KEY_LENGTH = 120
CODE_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
CODE_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
FIRST_YEAR = 1900
LONGEST_SEARCH = 100
# The legal shape of a company, longest first: 海信有限公司 and 海信股份有限公司 are likely one.
_SHAPES = (
    "股份有限责任公司",
    "集团有限责任公司",
    "集团股份有限公司",
    "有限责任公司",
    "股份有限公司",
    "集团有限公司",
    "有限公司",
    "集团公司",
    "股份公司",
    "总公司",
    "公司",
    "集团",
    "incorporated",
    "corporation",
    "limited",
    "company",
    "coltd",
    "corp",
    "llc",
    "ltd",
    "inc",
    "co",
)
_NOT_IN_KEYS = re.compile(r"[\W_]+")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
_SHORTEST_PHONE = 7


def clean_fields(entered: CustomerFields) -> tuple[CustomerFields, dict[str, str]]:
    """Return the fields trimmed and in one shape, and a Chinese sentence for each that is wrong."""
    trimmed: dict[str, Any] = {key: _trimmed(getattr(entered, key)) for key in LIMITS}
    shaped = replace(entered, **trimmed)
    shaped = replace(
        shaped,
        credit_code=normal_code(shaped.credit_code),
        initials=_plain(shaped.initials).upper(),
        number=_plain(shaped.number).upper(),
    )
    wrong = {key: fault for key in LIMITS if (fault := _text_fault(key, getattr(shaped, key)))}
    if not match_key(shaped.name) and "name" not in wrong:
        wrong["name"] = "请填写客户名称" if not shaped.name else "客户名称里要有文字或数字"
    if shaped.initials and not re.fullmatch(r"[A-Z0-9]+", shaped.initials):
        wrong["initials"] = "拼音首字母只能用英文字母和数字，如 HX；留空则自动生成"
    if shaped.status not in STATUSES:
        wrong["status"] = f"状态只能是{'、'.join(STATUSES)}"
    if shaped.cooperation not in COOPERATIONS:
        wrong["cooperation"] = f"合作关系只能是{'、'.join(COOPERATIONS)}"
    if shaped.first_contact is not None and shaped.first_contact.year < FIRST_YEAR:
        wrong["first_contact"] = "日期太早，请核对年份"
    return shaped, wrong


def fitting(fields: CustomerFields) -> CustomerFields:
    """Return the fields with every entry but the name made to fit: cut, or left out if wrong."""
    cut: dict[str, Any] = {
        key: getattr(fields, key)[:limit] for key, limit in LIMITS.items() if key != "name"
    }
    _, wrong = clean_fields(replace(fields, **cut))
    blank = {key: "" for key in wrong if key in cut}
    return replace(fields, **{**cut, **blank})


def name_key(name: str) -> str:
    """Return the name folded for telling whether two are written the same.

    Width, case, script, blanks and invisible characters do not count.
    """
    return "".join(fold(name).split())[:KEY_LENGTH]


def match_key(name: str) -> str:
    """Return the folded name without punctuation and the company's legal shape, to find doubles."""
    key = whole = _NOT_IN_KEYS.sub("", name_key(name))
    while True:
        shape = next((one for one in _SHAPES if key.endswith(one) and key != one), "")
        if not shape:
            return key or whole
        key = key.removesuffix(shape)


def name_initials(name: str) -> str:
    """Return the initials of a name without its legal shape: 海信有限公司 → HX, TCL科技 → TCLKJ.

    Characters without a reading (emoji, very rare ones) are left out; "" if nothing is left.
    """
    letters = lazy_pinyin(match_key(name), style=Style.FIRST_LETTER, errors=_letters_only)
    return "".join(letters).upper()[: LIMITS["initials"]]


def derived_initials(fields: CustomerFields) -> str:
    """Return the initials of the short name, else of the name."""
    return name_initials(fields.short_name) or name_initials(fields.name)


def refreshed_initials(before: CustomerFields, after: CustomerFields) -> CustomerFields:
    """Return ``after`` with initials to be made anew if nobody corrected them and the name changed.

    Initials typed by hand stay.
    """
    was_derived = before.initials == derived_initials(before)
    if was_derived and after.initials == before.initials:
        return replace(after, initials="")
    return after


def normal_code(code: str) -> str:
    """Return a credit code in half width and upper case, without blanks and hyphens."""
    return re.sub(r"[\s\-]+", "", _plain(code)).upper()


def credit_code_warning(code: str) -> str:
    """Return what looks wrong with a credit code, or ""; it may be saved all the same."""
    if not code:
        return ""
    if len(code) != len(CODE_WEIGHTS) + 1:
        return f"统一社会信用代码应为 18 位，现在是 {len(code)} 位，请核对营业执照。"
    strange = [char for char in code if char not in CODE_ALPHABET]
    if strange:
        return f"统一社会信用代码里不会有“{strange[0]}”，请核对营业执照。"
    total = sum(CODE_ALPHABET.index(char) * w for char, w in zip(code, CODE_WEIGHTS, strict=False))
    if CODE_ALPHABET[-total % 31] != code[-1]:
        return "统一社会信用代码的校验位对不上，请核对营业执照；确认无误也可以照此保存。"
    return ""


def phone_keys(*phones: str) -> tuple[str, ...]:
    """Return each phone number among the texts as bare digits, country code and zero off."""
    found = []
    for text in phones:
        for number in re.split(r"[/;,，；、]|\s{2,}|转", _plain(text)):
            digits = re.sub(r"\D", "", number)
            digits = digits.removeprefix("0086") if digits.startswith("0086") else digits
            digits = digits.removeprefix("86") if len(digits) > 11 else digits
            if len(digits) >= _SHORTEST_PHONE:
                found.append(digits)
    return tuple(dict.fromkeys(found))


def search_text(fields: CustomerFields) -> str:
    """Return what a customer is found by in lists: names folded, number, initials."""
    parts = (
        name_key(fields.name),
        name_key(fields.short_name),
        fold(fields.number),
        fields.initials.casefold(),
        name_initials(fields.name).casefold(),
        name_initials(fields.short_name).casefold(),
        fields.credit_code.casefold(),
        *phone_keys(fields.phone, fields.factory_phone),
    )
    return "\n".join(dict.fromkeys(part for part in parts if part))


def search_key(typed: str) -> str:
    """Return what is typed into a list's box in the shape of ``search_text``; "" for nothing.

    A phone number is looked for by its digits, however it is grouped.
    """
    key = name_key(typed[:LONGEST_SEARCH])
    return re.sub(r"\D", "", key) if re.fullmatch(r"[\d+()\-/]+", key) else key


def parse_day(typed: str) -> date | None:
    """Return the day typed as 2026-11-23, 2026.11.23, 2026/11/23, 20261123 or 2026年11月23日.

    None for an empty text; ValueError for anything unclear.
    """
    text = _plain(typed).strip()
    if not text:
        return None
    parts = re.fullmatch(r"(\d{4})[-./年](\d{1,2})[-./月](\d{1,2})日?", text)
    parts = parts or re.fullmatch(r"(\d{4})(\d{2})(\d{2})", text)
    if parts is None:
        raise ValueError(text)
    return date(int(parts[1]), int(parts[2]), int(parts[3]))


def changed_fields(before: CustomerFields, after: CustomerFields) -> tuple[str, ...]:
    """Return the names of the entries that differ."""
    names = (entry.name for entry in dataclass_fields(CustomerFields))
    return tuple(name for name in names if getattr(before, name) != getattr(after, name))


def _trimmed(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.strip("".join({" ", "\t", "\n", "\u3000", "\u200b", "\ufeff"}))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)


def _text_fault(key: str, text: str) -> str:
    if fault := forbidden_mark(text):
        return fault
    if "\n" in text and key != "remark":
        return "这一栏只能写一行，请去掉换行"
    if len(text) > LIMITS[key]:
        return f"最多 {LIMITS[key]} 个字，现在有 {len(text)} 个字"
    return ""


def _letters_only(text: str) -> str:
    return "".join(char for char in text if char.isascii() and char.isalnum())

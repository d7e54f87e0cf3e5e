"""Links and codes for the other party, and what may be typed there: plain values only."""

import hashlib
import re
import secrets
from dataclasses import dataclass

from archive.core.errors import Invalid
from archive.people.postman import ADDRESS
from doc_templates.kinds.base import forbidden_mark, is_blank

CODE_DIGITS = 6
MOST_WRONG = 5
DEFAULT_DAYS, MOST_DAYS = 7, 30
NAME_LIMIT = 20
CONTACT_LIMIT, MAIL_LIMIT = 120, 60
REASON_LIMIT = 500
_PHONE = re.compile(r"\+?[0-9][0-9 -]{5,24}[0-9]")


@dataclass(frozen=True)
class Link:
    """The secret halves of an invitation: they are shown once and never kept."""

    token: str
    code: str

    @property
    def token_digest(self) -> str:
        """What is kept of the link."""
        return digest_of(self.token)

    @property
    def code_digest(self) -> str:
        """What is kept of the code; without the link it cannot be tried out."""
        return code_digest(self.token, self.code)


@dataclass(frozen=True)
class Stranger:
    """Who signs on the other side, as they say, and from where they came."""

    name: str
    phone: str
    address: str
    browser: str


def new_link() -> Link:
    """Return a fresh link and its six-digit code."""
    return Link(secrets.token_urlsafe(32), f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}d}")


def digest_of(text: str) -> str:
    """Return SHA-256 in hexadecimal."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def code_digest(token: str, code: str) -> str:
    """Return what is kept of a code."""
    return digest_of(f"{token}|{code.strip()}")


def clean_days(days: int | None) -> int:
    """Return for how many days the link is good; raise Invalid."""
    if days is None:
        return DEFAULT_DAYS
    if not 1 <= days <= MOST_DAYS:
        raise Invalid("有效天数不对。", {"days": f"应在 1 到 {MOST_DAYS} 天之间"})
    return days


def how_sent(contact: str, mailed_to: str) -> str:
    """Return how link and code reached the other party, as the evidence sheet says it."""
    if not mailed_to:
        return contact.strip()[:CONTACT_LIMIT]
    mailed = f"验证码寄往 {mailed_to}"
    room = CONTACT_LIMIT - len(mailed) - 1
    return "；".join(filter(None, (contact.strip()[:room], mailed)))


def clean_code_mail(address: str, *, may_mail: bool) -> str:
    """Return where the code is mailed to, empty for nowhere; raise Invalid."""
    text = address.strip()
    if not text:
        return ""
    if not may_mail:
        raise Invalid("没有设邮件服务器，验证码只能当面或电话告诉。", {"code_mail": "请留空"})
    if len(text) > MAIL_LIMIT or not ADDRESS.fullmatch(text) or not text.isprintable():
        raise Invalid("邮箱地址不对。", {"code_mail": "应如 name@example.com"})
    return text


def clean_stranger(name: str, phone: str, address: str, browser: str) -> Stranger:
    """Return who signs, trimmed; raise Invalid naming every entry that is wrong."""
    name, phone = " ".join(name.split()), " ".join(phone.split())
    wrong = {}
    if is_blank(name):
        wrong["name"] = "请填写您的姓名"
    elif len(name) > NAME_LIMIT:
        wrong["name"] = f"姓名最多 {NAME_LIMIT} 个字"
    elif forbidden_mark(name):
        wrong["name"] = forbidden_mark(name)
    if not _PHONE.fullmatch(phone):
        wrong["phone"] = "请填写电话号码，例如 13800138000 或 020-83331234"
    if wrong:
        raise Invalid("请改正下面标出的地方。", wrong)
    plain = "".join(char if char.isprintable() else " " for char in browser)[:300]
    return Stranger(name, phone, address[:60], plain)


def clean_reason(reason: str) -> str:
    """Return why the other party will not sign; raise Invalid when it is empty or too long."""
    text = reason.strip()
    if is_blank(text):
        raise Invalid("请写明不签的原因，方便对方修改。", {"reason": "不能为空"})
    if len(text) > REASON_LIMIT:
        raise Invalid("原因太长。", {"reason": f"最多 {REASON_LIMIT} 个字"})
    fault = forbidden_mark(text.replace("\r", "").replace("\n", " "))
    if fault:
        raise Invalid("原因里有不能打印的字符。", {"reason": fault})
    return text

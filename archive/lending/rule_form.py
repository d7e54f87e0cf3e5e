"""Reads a rule of the matrix from the page it was typed on; judging it is ``lending.matching``."""

from collections.abc import Callable
from datetime import date
from typing import Protocol, TypeVar

from archive.core.errors import Invalid
from archive.lending.matching import Rule

T = TypeVar("T")


class Posted(Protocol):
    """What a posted form must offer here."""

    def get(self, key: str, /) -> str | None:
        """Return the first value of an entry, or None."""

    def getlist(self, key: str, /) -> list[str]:
        """Return every value of an entry."""


def read_rule(code: str, posted: Posted) -> Rule:
    """Return the rule as typed; ``version`` is the one it was made from (0 for a new rule).

    Raises Invalid naming every entry that is no number or no date.
    """
    wrong: dict[str, str] = {}

    def entry(name: str, parse: Callable[[str], T], why: str, empty: T) -> T:
        text = (posted.get(name) or "").strip()
        try:
            return parse(text) if text else empty
        except ValueError:
            wrong[name] = why
            return empty

    def whole(name: str) -> int:
        return entry(name, _whole, "应为整数", 0)

    def day(name: str) -> date | None:
        return entry(name, date.fromisoformat, "应写成 2026-11-23 这样", None)

    valid_from = day("valid_from")
    if valid_from is None:
        wrong.setdefault("valid_from", "请填写生效日")
    rule = Rule(
        code=code.strip(),
        version=whole("version"),
        valid_from=valid_from or date.max,
        valid_until=day("valid_until"),
        allowed=posted.get("allowed") == "yes",
        basis=(posted.get("basis") or "").strip(),
        borrower_class=_joined(posted.getlist("borrower_class")),
        category=_joined((posted.get("category") or "").split("/")),
        secrecy=_joined(posted.getlist("secrecy")),
        mode=_joined(posted.getlist("mode")),
        place=_joined((posted.get("place") or "").split("/")),
        days=whole("days"),
        working_days=posted.get("working_days") != "no",
        renewals=whole("renewals"),
        renewal_days=whole("renewal_days"),
        limit=entry("limit", _whole, "应为整数，不限就留空", None),
        approvals=tuple(one for one in posted.getlist("approvals") if one),
        conditions=(posted.get("conditions") or "").strip(),
        prints=whole("prints"),
        download=posted.get("download") == "yes",
    )
    if wrong:
        raise Invalid("规则有误，请看标出的栏目。", wrong)
    return rule


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 6):
        raise ValueError
    return int(text)


def _joined(labels: list[str]) -> str:
    return "/".join(filter(None, (label.strip() for label in labels)))

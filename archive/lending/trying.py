"""Reading the matrix for people: its lines, a rule's versions, and trying a question on it."""

from dataclasses import dataclass
from datetime import date

from archive.core.errors import Invalid, NotFound
from archive.filing import service as filing
from archive.lending import matrix
from archive.lending.beforehand import preview
from archive.lending.matching import Rule, in_force, specificity
from archive.lending.views import Preview
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class MatrixLine:
    """The newest version of a rule and how it stands on a day."""

    rule: Rule
    current: Rule | None

    @property
    def state(self) -> str:
        """In force, not yet, or over."""
        if self.current is None:
            return "未生效" if self.rule.valid_until is None else "已停用"
        return "有效" if self.current == self.rule else f"第 {self.rule.version} 版待生效"


def matrix_lines(uow: UnitOfWork, on: date) -> tuple[MatrixLine, ...]:
    """Return every rule once, most specific first: the order in which they win."""
    rules = matrix.all_rules(uow)
    current = {rule.code: rule for rule in in_force(rules, on)}
    newest = {rule.code: rule for rule in rules}
    lines = (MatrixLine(rule, current.get(code)) for code, rule in newest.items())
    return tuple(sorted(lines, key=lambda line: (_order(line.rule), line.rule.code)))


def versions_of(uow: UnitOfWork, code: str) -> tuple[Rule, ...]:
    """Return the versions of a rule, newest first; raise NotFound when there is none."""
    found = [rule for rule in matrix.all_rules(uow) if rule.code == code]
    if not found:
        raise NotFound("没有这条借阅规则，请回到规则表查看。")
    return tuple(reversed(found))


def try_rules(
    uow: UnitOfWork, actor: Actor, *, username: str, item: str, mode: str, on: date
) -> Preview:
    """Answer "this person, this item, this way, on this day?"; writes nothing, logs no refusal.

    ``item`` is a barcode, a 档号 or its end, or the item's number in its address. For whoever
    keeps the register.
    Raises Invalid for an empty name or an unknown mode, NotFound for person or item.
    """
    require(actor, "loan.register")
    if not username.strip():
        raise Invalid("请填写借阅人的用户名。", {"username": "请填写"})
    item_id = _item_id(uow, actor, item.strip())
    return preview(uow, actor, item_id, mode, on, username=username)


def _item_id(uow: UnitOfWork, actor: Actor, typed: str) -> int:
    found = filing.find_named(uow, actor, typed, "item") if typed else None
    if found is not None:
        return found.id
    if typed.isascii() and typed.isdigit() and 0 < int(typed[:20]) <= LARGEST_ID:
        return int(typed[:20])
    raise NotFound(
        "没有这件档案：请填条码、档号（可以只写末尾，如 XSB-0012），或档案页网址里的号码。"
    )


def _order(rule: Rule) -> tuple[int, ...]:
    return tuple(-part for part in specificity(rule))

"""Reading the smaller tables of form.toml: number, filing, effects, owed, signers, layout.

Called by reading.py; what they say about fields is cross-checked there.
"""

import re
import string

from doc_templates.condition import parse_condition
from doc_templates.definition import (
    SEAL_ROLE,
    Block,
    Effects,
    FilingDefaults,
    NumberRule,
    Owed,
    SealPlace,
    Signer,
)
from doc_templates.errors import BadFormula
from doc_templates.field_reading import check_key
from doc_templates.toml_table import TomlTable, near

RETENTIONS = ("Y", "D30", "D10")
SECRECIES = ("公开", "内部", "秘密", "机密")
RESTARTS = ("year", "month", "never")
NUMBER_TOKENS = ("年", "年末两位", "月", "日", "首字母", "序号", "轮次")
YEAR_TOKENS = frozenset({"年", "年末两位"})
MAX_SIGNERS, WIDEST = 30, 12
LONGEST_NAME = 60
SIGN_MODE = re.compile(r"one|all|any|ratio:[1-9][0-9]?/[1-9][0-9]?")
CANDIDATE = re.compile(
    r"submitter|chosen|external|head(:[1-9])?|(role:)?[a-z_]+|(person|dept|field|position):\S+"
)
SEAL_KINDS = ("公章", "合同专用章", "财务专用章", "法定代表人名章", "其他")
EMPTY_POLICIES = ("stop", "head", "skip", "admin")
OWN_POLICIES = ("superior", "skip")
SAME_POLICIES = ("each", "once", "consecutive")
LATE_POLICIES = ("remind", "hand_on", "return", "agree")
MAX_DAYS = 365
_DUE = re.compile(r"([0-9]{1,3})d|(?:month|quarter)\+([0-9]{1,2})")


def placeholders(table: TomlTable, name: str, text: str) -> list[str]:
    """Return the names in braces of a pattern; refuse anything but plain names."""
    try:
        pieces = list(string.Formatter().parse(text))
    except ValueError as error:
        raise table.fault(name, f"{name} 的花括号不成对，应如 {{客户名称}}") from error
    names = []
    for _, key, shape, conversion in pieces:
        if key is None:
            continue
        if shape or conversion or not key.isidentifier():
            raise table.fault(name, f"{name} 的花括号里只能写一个名字，不能是“{key[:40]}”")
        names.append(key)
    return names


def read_number(table: TomlTable, code: str) -> NumberRule:
    """Return how papers are numbered; a rule that could give a number twice is refused."""
    pattern = table.text("pattern", limit=LONGEST_NAME) or code + "-{年}-{序号}"
    tokens = placeholders(table, "pattern", pattern)
    strange = next((token for token in tokens if token not in NUMBER_TOKENS), None)
    if strange is not None or tokens.count("序号") != 1:
        allowed = "、".join(NUMBER_TOKENS)
        hint = near(strange, NUMBER_TOKENS) if strange else ""
        what = f"不认识“{strange}”{hint}；" if strange else ""
        raise table.fault(
            "pattern", f"编号式“{pattern}”：{what}要有 {{序号}}，而且只能用：{allowed}"
        )
    rule = NumberRule(
        pattern,
        table.integer("width", 4, WIDEST),
        table.choice("restarts", RESTARTS, "year"),
        table.text("label", limit=LONGEST_NAME) or "No.",
        table.text("series", limit=LONGEST_NAME),
        table.text("round", limit=LONGEST_NAME) or ("轮次" if "轮次" in tokens else ""),
        table.text("internal_initials", limit=LONGEST_NAME),
    )
    table.expect_nothing_else()
    _check_number(table, rule, frozenset(tokens))
    return rule


def _check_number(table: TomlTable, rule: NumberRule, tokens: frozenset[str]) -> None:
    if rule.series and (rule.series not in tokens or rule.series in ("序号", "轮次")):
        raise table.fault("series", f"series “{rule.series}”应是编号式里用到的一项，例如 首字母")
    if rule.round and "轮次" not in tokens:
        raise table.fault("round", "写了 round，编号式里却没有 {轮次}")
    if rule.restarts != "never" and not tokens & YEAR_TOKENS:
        raise table.fault("pattern", "编号式里没有 {年}，序号重新开始后会重号")
    if rule.restarts == "month" and "月" not in tokens:
        raise table.fault("pattern", "序号每月重新开始，编号式里却没有 {月}，会重号")


def read_filing(table: TomlTable) -> FilingDefaults:
    """Return where the paper belongs."""
    filing = FilingDefaults(
        category=table.text("category", limit=LONGEST_NAME) or "KH",
        item_class=table.text("item_class", required=True, limit=LONGEST_NAME),
        retention=table.choice("retention", RETENTIONS, "D30"),
        secrecy=table.choice("secrecy", SECRECIES, "内部"),
    )
    table.expect_nothing_else()
    return filing


def read_effects(table: TomlTable) -> Effects:
    """Return what filing does to the customer register."""
    facts = table.table("customer_facts").plain_texts()
    effects = Effects(table.text("creates_customer"), facts, table.text("sets_status"))
    table.expect_nothing_else()
    return effects


def read_owed(table: TomlTable) -> Owed | None:
    """Return who owes the paper by when; None if the table is not there."""
    if not table.words:
        return None
    owed = Owed(table.text("by", required=True, limit=LONGEST_NAME), table.text("within"))
    match = _DUE.fullmatch(owed.due)
    if match is None or int(match[1] or 0) > 366 or not 1 <= int(match[2] or 1) <= 28:
        raise table.fault(
            "within", "within 应如 5d（五天内）、month+10（次月 10 日前）、quarter+15"
        )
    table.expect_nothing_else()
    return owed


def read_seal(table: TomlTable) -> SealPlace | None:
    """Return which seals the paper takes; None if the table is not there."""
    if not table.words:
        return None
    kinds = table.texts("kinds")
    strange = next((kind for kind in kinds if kind not in SEAL_KINDS), None)
    if strange is not None or not kinds:
        what = f"不认识“{strange[:40]}”{near(strange, SEAL_KINDS)}；" if strange else ""
        raise table.fault("kinds", f"{what}kinds 应列出印章的种类，可写：{'、'.join(SEAL_KINDS)}")
    seal = SealPlace(kinds, table.flag("cross_page"))
    table.expect_nothing_else()
    return seal


def read_signers(tables: list[TomlTable]) -> tuple[Signer, ...]:
    """Return the chain of signers, in order."""
    signers: list[Signer] = []
    for table in tables:
        role = table.text("role", required=True)
        check_key(table, "role", role)
        if role == SEAL_ROLE:
            raise table.fault("role", f"“{SEAL_ROLE}”是盖章的一步，不能作签字人；要盖章请写 [seal]")
        if any(signer.role == role for signer in signers):
            raise table.fault("role", f"同一签字人“{role}”写了不止一次")
        signers.append(_read_signer(table, role))
        table.expect_nothing_else()
    return tuple(signers)


def _read_signer(table: TomlTable, role: str) -> Signer:
    candidate = table.text("candidate", required=True, limit=LONGEST_NAME)
    if not CANDIDATE.fullmatch(candidate):
        raise table.fault(
            "candidate",
            f"candidate “{candidate}”看不懂，可写 submitter、head、head:2、leader、role:角色、"
            "position:岗位、person:用户名、dept:部门、field:栏目、chosen、external",
        )
    mode = table.text("mode", limit=LONGEST_NAME) or "one"
    share = mode.removeprefix("ratio:").split("/")
    if not SIGN_MODE.fullmatch(mode) or (len(share) == 2 and int(share[0]) > int(share[1])):
        raise table.fault("mode", f"mode “{mode}”看不懂，可写 one、all、any、ratio:2/3")
    when = table.text("when")
    try:
        parse_condition(when) if when else ()
    except BadFormula as error:
        raise table.fault("when", error.message) from error
    days = table.integer("days", 0, MAX_DAYS)
    late = table.choice("late", LATE_POLICIES, "remind")
    if late != "remind" and not days:
        raise table.fault("late", f'late = "{late}" 要同时写 days（几个工作日内办）')
    issues = table.flag("issues")
    if late == "agree" and issues:
        raise table.fault("late", "签发的一步不能逾期视为同意")
    same = table.choice("same", SAME_POLICIES, "each")
    allow_same = table.flag("allow_same")
    if same != "each" and not allow_same:
        raise table.fault("same", f'same = "{same}" 要同时写 allow_same = true（同一人可签两步）')
    return Signer(
        role,
        candidate,
        table.flag("optional"),
        mode,
        when,
        allow_same,
        table.choice("empty", EMPTY_POLICIES, "stop"),
        issues,
        days,
        late,
        same,
        table.choice("own", OWN_POLICIES, "superior"),
    )


def read_block(table: TomlTable) -> Block:
    """Return one block of the printed layout."""
    block = Block(
        grid=table.text("grid"),
        head=table.text("head"),
        rows=table.text("rows"),
        line=table.text("line"),
        text=table.text("text"),
        signatures=table.texts("signatures"),
        border=table.choice("border", ("full", "none"), "full"),
        columns=table.integer("columns", 24, 200),
        row_height=table.decimal("row_height", 0.9, 30),
        page_break=table.flag("page_break"),
        keep=table.flag("keep"),
        gap=table.decimal("gap", 0.0, 30),
    )
    table.expect_nothing_else()
    return block

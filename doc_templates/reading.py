"""Reading form.toml: the text in, a frozen `Form` out, or BadDefinition naming the line.

Nothing half-read is ever handed out, and nothing here trusts the text: its size, the number
of its fields and rows, and every word in it are bounded. Called by catalogue.py.
"""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from doc_templates.condition import parse_condition, unknown_names
from doc_templates.definition import Field, Form
from doc_templates.errors import BadDefinition
from doc_templates.field_reading import FieldPlaces, read_fields
from doc_templates.rule_reading import read_rules
from doc_templates.section_reading import (
    MAX_SIGNERS,
    placeholders,
    read_block,
    read_effects,
    read_filing,
    read_number,
    read_owed,
    read_seal,
    read_signers,
)
from doc_templates.toml_lines import Path as TomlPath
from doc_templates.toml_lines import TomlLines
from doc_templates.toml_table import TomlTable, near

MAX_SIZE = 400_000
MAX_BLOCKS = 200
LONGEST_TITLE = 100
PAPERS = ("A4", "A3", "A5")
ORIENTATIONS = ("portrait", "landscape")
CODE = re.compile(r"[A-Z0-9]{1,4}[0-9]{1,5}")
PACK = re.compile(r"[a-z][a-z0-9_]{0,39}")


def read_text(text: str, folder: Path) -> Form:
    """Return the form that a form.toml defines; raise BadDefinition naming file and line."""
    if len(text) > MAX_SIZE:
        raise BadDefinition(f"{folder.name}/form.toml 太大（最多 {MAX_SIZE // 1000} 千字）")
    try:
        table = tomllib.loads(text)
    except RecursionError as error:
        raise BadDefinition(f"{folder.name}/form.toml 格式不对：括号套得太深") from error
    except ValueError as error:
        told = _syntax_fault(error, text)
        raise BadDefinition(f"{folder.name}/form.toml 格式不对：{told}") from error
    return read_definition(table, folder, text)


def read_definition(table: Mapping[str, object], folder: Path, text: str = "") -> Form:
    """Build a form from parsed TOML; the text is only used to tell lines in errors."""

    def fault(path: TomlPath, place: str, message: str) -> BadDefinition:
        line = TomlLines(text).find(path)
        where = f" 第 {line} 行" if line else ""
        return BadDefinition(f"{folder.name}/form.toml{where}，{place}：{message}")

    return _read_form(TomlTable(fault, "开头", (), table), folder)


def _syntax_fault(error: ValueError, text: str) -> str:
    """Say in Chinese where the TOML reader stopped; its own words stand behind."""
    words = str(error)
    at = re.search(r"\(at line (\d+), column (\d+)\)", words)
    end = f"第 {text.count(chr(10)) + 1} 行（末尾）；" if "end of document" in words else ""
    where = f"第 {at[1]} 行第 {at[2]} 个字附近；" if at else end
    return f"{where}请检查引号、括号和等号是否成对（{words[:120]}）"


def _read_form(top: TomlTable, folder: Path) -> Form:
    code = top.text("code", required=True)
    if not CODE.fullmatch(code):
        raise top.fault("code", f"“{code[:40]}”不是表单代号，应为大写字母加数字，例如 E01")
    pack = top.text("pack", required=True)
    if not PACK.fullmatch(pack):
        raise top.fault("pack", f"“{pack[:40]}”不是表单包名，应为小写字母，例如 sales")
    page = top.table("page")
    places = FieldPlaces()
    form = Form(
        code=code,
        title=top.text("title", required=True, limit=LONGEST_TITLE),
        pack=pack,
        version=top.integer("version", 1),
        paper=top.choice("paper", PAPERS, "A4"),
        orientation=top.choice("orientation", ORIENTATIONS, "portrait"),
        description=top.text("description"),
        by_hand=top.flag("by_hand", default=True),
        fields=(fields := read_fields(top, places)),
        checks=read_rules(top, "check", fields),
        signers=read_signers(top.tables("signer", MAX_SIGNERS)),
        number=read_number(top.table("number"), code),
        filing=read_filing(top.table("filing")),
        effects=read_effects(top.table("effects")),
        owed=read_owed(top.table("owed")),
        seal=read_seal(top.table("seal")),
        title_rule=top.text("title_rule", required=True, limit=LONGEST_TITLE),
        facets=top.texts("facets"),
        layout=tuple(read_block(one) for one in top.tables("layout", MAX_BLOCKS)),
        stamp=page.flag("stamp", default=True),
        folder=folder,
    )
    page.expect_nothing_else()
    top.expect_nothing_else()
    _cross_check(form, top, places)
    return form


def _cross_check(form: Form, top: TomlTable, places: FieldPlaces) -> None:
    kinds = {entry.key: entry.kind for entry in form.fields}
    named = {
        "facets": form.facets,
        "title_rule": placeholders(top, "title_rule", form.title_rule),
        "effects": [*form.effects.customer_facts.values(), form.effects.creates_customer],
        "number": [form.number.round],
    }
    for word, names in named.items():
        for name in names:
            if name and name not in kinds:
                raise top.fault(word, f"{word}：没有“{name[:40]}”这一栏{near(name, kinds)}")
    counted = form.find_field(form.number.round)
    if counted is not None and not counted.required:
        raise top.fault("number", f"编号里有“{counted.key}”，这一栏要写 required = true")
    if kinds.get(form.effects.creates_customer, "customer") != "customer":
        raise top.fault("effects", 'creates_customer 应是客户栏（kind = "customer"）')
    if any(kinds[name] in ("rows", "image", "longtext") for name in form.facets):
        raise top.fault("facets", "facets 不能用表格、图片和长文字的栏")
    for nth, block in enumerate(form.layout):
        if block.rows and kinds.get(block.rows) != "rows":
            raise top.fault_at(("layout", nth), f"layout 的 rows：“{block.rows[:40]}”不是表格栏")
    _check_derived_names(form.fields, places, "")
    _check_signed_fields(form, places)
    _check_chain(form, top)
    _check_last_year(form, places)


def _check_derived_names(entries: tuple[Field, ...], places: FieldPlaces, prefix: str) -> None:
    """Refuse a field whose name another one's places or ticks take (`总价大写格`)."""
    keys = {entry.key for entry in entries}
    for entry in entries:
        if (entry.result == "capital" or entry.tick) and f"{entry.key}格" in keys:
            message = f"“{entry.key}格”是“{entry.key}”印成格子时用的名字，请换一个"
            raise places.fault(f"{prefix}{entry.key}格", message)
        _check_derived_names(entry.columns, places, f"{entry.key}.")


def _check_signed_fields(form: Form, places: FieldPlaces) -> None:
    roles = [signer.role for signer in form.signers]
    for entry in form.fields:
        for one in (entry, *entry.columns):
            if one.signer and one.signer not in roles:
                key = entry.key if one is entry else f"{entry.key}.{one.key}"
                message = f"没有“{one.signer}”这个签字人{near(one.signer, roles)}"
                raise places.fault(key, message, "signer")


def _check_chain(form: Form, top: TomlTable) -> None:
    """Refuse a step whose condition or candidate names an entry that the form does not have."""
    keys = [entry.key for entry in form.fields]
    for signer in form.signers:
        unknown = unknown_names(parse_condition(signer.when), _paths(form)) if signer.when else ()
        field = signer.candidate.removeprefix("field:")
        if field != signer.candidate and field not in keys:
            unknown = (field,)
        for name in unknown:
            message = f"“{signer.role}”：没有“{name[:40]}”这一栏{near(name, keys)}"
            raise top.fault("signer", message)
    if form.chain and form.chain[-1].late == "agree":
        message = f"“{form.chain[-1].role}”是最后一步，不能逾期视为同意；可写 hand_on 或 return"
        raise top.fault("signer", message)


def _paths(form: Form) -> frozenset[str]:
    columns = {f"{one.key}.{column.key}" for one in form.fields for column in one.columns}
    return frozenset({entry.key for entry in form.fields} | columns)


def _check_last_year(form: Form, places: FieldPlaces) -> None:
    has_month = any(entry.kind == "month" for entry in form.fields)
    for entry in form.fields:
        for column in entry.columns:
            if column.last_year and not has_month:
                message = '用了 last_year，表单要有一个年月栏（kind = "month"）'
                raise places.fault(f"{entry.key}.{column.key}", message, "last_year")

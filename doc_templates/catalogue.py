"""The catalogue of forms: folders with a form.toml, read into frozen `Form` objects.

A mistake in a definition raises BadDefinition naming file and place in Chinese; nothing
half-read is ever handed out. Where a formula stands among the others (its rank) is worked
out here once.
Called by everybody who wants a form; opens no Word file.
"""

import functools
import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from doc_templates.definition import (
    Block,
    Effects,
    Field,
    FilingDefaults,
    Form,
    NumberRule,
    Signer,
)
from doc_templates.errors import BadDefinition, BadFormula, FormNotFound
from doc_templates.fields import RESULT_KINDS, TYPED_KINDS
from doc_templates.formula import names_in, parse_formula
from doc_templates.toml_table import TomlTable

SHIPPED = Path(__file__).parent / "forms"
PAPERS = ("A4", "A3", "A5")
RETENTIONS = ("Y", "D30", "D10")
SECRECIES = ("公开", "内部", "秘密", "机密")
RESTARTS = ("year", "month", "never")
RESERVED = frozenset({"编号", "档号", "版本", "核验码", "签名", "签名人", "签日", "行"})
CODE = re.compile(r"[A-Z0-9]{1,4}[0-9]{1,5}")
NUMBER_TOKENS = frozenset({"年", "年末两位", "月", "日", "首字母", "序号", "轮次"})


def load_form(code: str, version: int | None = None) -> Form:
    """Return the form with this code (the newest version unless one is asked for).

    Raises FormNotFound; BadDefinition if its form.toml is wrong.
    """
    for form in list_forms():
        if form.code == code and version in (None, form.version):
            return form
    which = f"第 {version} 版" if version is not None else ""
    raise FormNotFound(f"没有代号为“{code}”的表单{which}，可用 archive form list 查看全部表单")


def list_forms() -> tuple[Form, ...]:
    """Return the newest version of every shipped form, ordered by pack and code."""
    forms = [load_folder(path.parent) for path in sorted(SHIPPED.glob("*/*/form.toml"))]
    codes = [form.code for form in forms]
    for form in forms:
        if codes.count(form.code) > 1:
            raise BadDefinition(f"表单代号 {form.code} 用了不止一次")
    return tuple(sorted(forms, key=lambda form: (form.pack, form.code)))


def load_folder(folder: Path) -> Form:
    """Return the form defined in a folder; read again only when the file changed."""
    path = folder / "form.toml"
    try:
        stamp = path.stat()
    except OSError as error:
        raise FormNotFound(f"文件夹 {folder.name} 里没有 form.toml") from error
    return _read(path, stamp.st_mtime_ns, stamp.st_size)


@functools.lru_cache(maxsize=512)
def _read(path: Path, _changed: int, _size: int) -> Form:
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadDefinition(f"{path.name}（{path.parent.name}）格式不对：{error}") from error
    return read_definition(table, path.parent)


def read_definition(table: Mapping[str, object], folder: Path) -> Form:
    """Build a form from the parsed TOML; raise BadDefinition naming file and place."""
    return _Definition(folder).form(table)


class _Definition:
    """Reads one form.toml; every fault names the file and the place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fault(self, place: str, message: str) -> BadDefinition:
        return BadDefinition(f"{self.folder.name}/form.toml，{place}：{message}")

    def form(self, table: Mapping[str, object]) -> Form:
        top = TomlTable(self.fault, "开头", table)
        code = top.text("code", required=True)
        if not CODE.fullmatch(code):
            raise self.fault("code", f"“{code}”不是表单代号，应为大写字母加数字，例如 E01")
        fields = self.fields(top.tables("field"), "field")
        if not fields:
            raise self.fault("field", "至少要有一个栏目")
        form = Form(
            code=code,
            title=top.text("title", required=True),
            pack=top.text("pack", required=True),
            version=top.integer("version", 1),
            paper=top.choice("paper", PAPERS, "A4"),
            orientation=top.choice("orientation", ("portrait", "landscape"), "portrait"),
            description=top.text("description"),
            fields=_ranked(self, fields),
            signers=self.signers(top.tables("signer")),
            number=self.number(top.table("number"), code),
            filing=self.filing(top.table("filing")),
            effects=self.effects(top.table("effects")),
            title_rule=top.text("title_rule", required=True),
            facets=top.texts("facets"),
            layout=tuple(self.block(one) for one in top.tables("layout")),
            folder=self.folder,
        )
        top.expect_nothing_else()
        self.cross_check(form)
        return form

    def fields(self, tables: list[TomlTable], place: str) -> tuple[Field, ...]:
        entries = tuple(self.field(table) for table in tables)
        keys = [entry.key for entry in entries]
        for key in keys:
            if keys.count(key) > 1:
                raise self.fault(place, f"栏目“{key}”写了不止一次")
        return entries

    def field(self, table: TomlTable) -> Field:
        key = table.text("key", required=True)
        table.place = f"{table.place}“{key}”"
        self.check_key(key, table.place)
        kind = table.choice("kind", tuple(sorted(TYPED_KINDS)), "text")
        result = table.choice("result", tuple(sorted(RESULT_KINDS)), "decimal")
        entry = Field(
            key=key,
            label=table.text("label") or key,
            kind=kind,
            required=table.flag("required"),
            default=table.text("default"),
            help=table.text("help"),
            choices=table.texts("choices"),
            columns=self.fields(table.tables("column"), table.place),
            formula=table.text("formula"),
            result=result if kind == "computed" else "",
            min_rows=table.integer("min_rows", 0),
            max_rows=table.integer("max_rows", 0),
            preset_rows=table.presets("preset_rows"),
            group=table.text("group"),
            wide=table.flag("wide") or kind in ("longtext", "rows"),
            signer=table.text("signer"),
            max_length=table.integer("max_length", 0),
            decimals=table.integer("decimals", 4 if kind == "number" else 2),
            minimum=table.text("minimum"),
            maximum=table.text("maximum"),
            readonly=table.flag("readonly") or kind == "computed",
            printed=table.flag("printed", default=True),
            unit=table.text("unit"),
        )
        table.expect_nothing_else()
        self.check_field(entry, table.place)
        return entry

    def check_key(self, key: str, place: str) -> None:
        if not key.isidentifier() or unicodedata.normalize("NFKC", key) != key:
            raise self.fault(place, "栏目名只能用汉字、字母、数字和下划线，不能以数字开头")
        if key in RESERVED or key.startswith("_") or hasattr(dict, key):
            raise self.fault(place, f"“{key}”是系统用的名字，请换一个")

    def check_field(self, entry: Field, place: str) -> None:
        if entry.kind in ("choice", "multi") and not entry.choices:
            raise self.fault(place, "要写明可选的项 choices")
        if (entry.kind == "rows") != bool(entry.columns):
            raise self.fault(place, "表格栏（rows）要有 column，别的栏不能有")
        if any(column.kind == "rows" for column in entry.columns):
            raise self.fault(place, "表格里不能再有表格")
        if entry.is_computed != bool(entry.formula):
            raise self.fault(place, "计算栏（computed）要写 formula，别的栏不能写")
        for bound in (entry.minimum, entry.maximum):
            if bound and not re.fullmatch(r"-?\d+(\.\d+)?", bound):
                raise self.fault(place, f"“{bound}”不是数字")
        columns = {column.key for column in entry.columns}
        if any(set(preset) - columns for preset in entry.preset_rows):
            raise self.fault(place, "preset_rows 用了没有的栏")

    def signers(self, tables: list[TomlTable]) -> tuple[Signer, ...]:
        signers = []
        for table in tables:
            role = table.text("role", required=True)
            self.check_key(role, table.place)
            candidate = table.text("candidate", required=True)
            signers.append(Signer(role, candidate, table.flag("optional")))
            table.expect_nothing_else()
        roles = [signer.role for signer in signers]
        if len(set(roles)) != len(roles):
            raise self.fault("signer", "同一签字人写了不止一次")
        return tuple(signers)

    def number(self, table: TomlTable, code: str) -> NumberRule:
        pattern = table.text("pattern") or code + "-{年}-{序号}"
        if set(re.findall(r"\{([^}]*)\}", pattern)) - NUMBER_TOKENS or "{序号}" not in pattern:
            allowed = "、".join(sorted(NUMBER_TOKENS))
            raise self.fault("number", f"编号式“{pattern}”要有 {{序号}}，只能用：{allowed}")
        restarts = table.choice("restarts", RESTARTS, "year")
        label = table.text("label") or "No."
        rule = NumberRule(pattern, table.integer("width", 4), restarts, label)
        table.expect_nothing_else()
        return rule

    def filing(self, table: TomlTable) -> FilingDefaults:
        filing = FilingDefaults(
            category=table.text("category") or "KH",
            item_class=table.text("item_class", required=True),
            retention=table.choice("retention", RETENTIONS, "D30"),
            secrecy=table.choice("secrecy", SECRECIES, "内部"),
        )
        table.expect_nothing_else()
        return filing

    def effects(self, table: TomlTable) -> Effects:
        facts = table.table("customer_facts").plain_texts()
        effects = Effects(table.text("creates_customer"), facts, table.text("sets_status"))
        table.expect_nothing_else()
        return effects

    def block(self, table: TomlTable) -> Block:
        block = Block(
            grid=table.text("grid"),
            head=table.text("head"),
            rows=table.text("rows"),
            line=table.text("line"),
            text=table.text("text"),
            signatures=table.texts("signatures"),
            border=table.choice("border", ("full", "none"), "full"),
            columns=table.integer("columns", 24),
            row_height=table.decimal("row_height", 0.9),
            page_break=table.flag("page_break"),
            gap=table.decimal("gap", 0.0),
        )
        table.expect_nothing_else()
        return block

    def cross_check(self, form: Form) -> None:
        keys = {entry.key for entry in form.fields}
        roles = {signer.role for signer in form.signers}
        named = {
            "facets": form.facets,
            "title_rule": re.findall(r"\{([^}]*)\}", form.title_rule),
            "effects": [*form.effects.customer_facts.values(), form.effects.creates_customer],
        }
        for place, names in named.items():
            for name in names:
                if name and name not in keys:
                    raise self.fault(place, f"没有“{name}”这一栏")
        for entry in form.fields:
            if entry.signer and entry.signer not in roles:
                raise self.fault(f"栏目“{entry.key}”", f"没有“{entry.signer}”这个签字人")


def _ranked(definition: _Definition, entries: tuple[Field, ...]) -> tuple[Field, ...]:
    """Return the entries with each formula checked and marked with its place in the order."""
    ranked = tuple(_with_columns_ranked(definition, entry) for entry in entries)
    columns = {f"{e.key}.{c.key}" for e in ranked for c in e.columns}
    return _rank_scope(definition, ranked, columns)


def _with_columns_ranked(definition: _Definition, entry: Field) -> Field:
    if not entry.columns:
        return entry
    return replace(entry, columns=_rank_scope(definition, entry.columns, set()))


def _rank_scope(
    definition: _Definition, entries: tuple[Field, ...], outside: set[str]
) -> tuple[Field, ...]:
    reads: dict[str, frozenset[str]] = {}
    known = {entry.key for entry in entries} | outside
    for entry in entries:
        if not entry.is_computed:
            continue
        try:
            reads[entry.key] = names_in(parse_formula(entry.formula))
        except BadFormula as error:
            raise definition.fault(f"栏目“{entry.key}”", error.message) from error
        for name in sorted(reads[entry.key] - known):
            raise definition.fault(f"栏目“{entry.key}”", f"算式里的“{name}”没有这一栏")
    ranks = _ranks(definition, reads)
    return tuple(
        replace(entry, rank=ranks[entry.key]) if entry.is_computed else entry for entry in entries
    )


def _ranks(definition: _Definition, reads: Mapping[str, frozenset[str]]) -> dict[str, int]:
    ranks: dict[str, int] = {}
    while len(ranks) < len(reads):
        ready = [
            key
            for key, names in reads.items()
            if key not in ranks and all(name in ranks or name not in reads for name in names)
        ]
        if not ready:
            circle = "、".join(key for key in reads if key not in ranks)
            raise definition.fault("field", f"这些计算栏互相依赖，算不出来：{circle}")
        level = max(ranks.values(), default=-1) + 1
        ranks.update(dict.fromkeys(ready, level))
    return ranks

"""The tags of a template: which may stand there, and which values they read.

A template may show values, choose (if) and walk the rows of a table (for); anything else,
calls, filters, arithmetic, is refused before it is ever run. Called by word.py.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jinja2 import StrictUndefined, Template, TemplateError, TemplateSyntaxError, nodes
from jinja2.runtime import LoopContext
from jinja2.sandbox import ImmutableSandboxedEnvironment

from doc_templates.errors import BadTemplate

ALLOWED_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.For,
    nodes.If, nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.Operand, nodes.Const,
)  # fmt: skip
REFUSED = {
    nodes.Call: "调用函数",
    nodes.Filter: "用竖线“|”加工",
    nodes.Test: "用 is 判断",
    nodes.Getitem: "用方括号取值",
    nodes.CondExpr: "在一个标签里判断",
    nodes.BinExpr: "计算（请在 form.toml 里写公式）",
    nodes.UnaryExpr: "计算（请在 form.toml 里写公式）",
    nodes.Assign: "用 set 赋值",
    nodes.AssignBlock: "用 set 赋值",
    nodes.Include: "用 include 引入别的文件",
    nodes.Import: "用 import 引入别的文件",
    nodes.FromImport: "用 import 引入别的文件",
    nodes.Extends: "用 extends 套用别的文件",
    nodes.Macro: "用 macro 写程序",
    nodes.CallBlock: "用 call 写程序",
    nodes.FilterBlock: "用 filter 加工",
    nodes.Block: "用 block 分块",
    nodes.With: "用 with 赋值",
}
LOOP = "loop"
LOOP_WORDS = frozenset({"first", "last", "index", "index0", "length"})
MOST_COLUMNS = 63
MAX_DEPTH = 1
MAX_NESTING = 40
SHOWN_TEXT = 24


class TagEnvironment(ImmutableSandboxedEnvironment):
    """Jinja with everything taken out that a form does not need."""

    def __init__(self) -> None:
        super().__init__(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
        self.globals.clear()
        self.filters.clear()
        self.tests.clear()

    def getattr(self, obj: object, attribute: str) -> object:
        """Return a value by its key; attributes of objects cannot be reached at all."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        if isinstance(obj, LoopContext) and attribute in LOOP_WORDS:
            return getattr(obj, attribute)
        return self.undefined(obj=obj, name=attribute)


ENVIRONMENT = TagEnvironment()


@dataclass(frozen=True, slots=True)
class ReadTags:
    """What stands in one part: every name read, in order, and those that are walked in a loop."""

    fill: Template
    names: tuple[str, ...]
    tables: tuple[str, ...]


def read_tags(patched: str, place: str = "正文") -> ReadTags:
    """Return the compiled template and every name it reads (columns as `表.栏`).

    Raises BadTemplate, naming part and paragraph, for a tag that is written wrongly or does
    more than it may.
    """
    by_paragraph = re.sub(r"<w:p([ >])", r"\n<w:p\1", patched)
    try:
        tree = ENVIRONMENT.parse(by_paragraph)
        for node in _walk(tree, 0, 0):
            _judge(node)
        names = tuple(dict.fromkeys(_read_names(tree, {})))
        tables = tuple(dict.fromkeys(_looped(tree)))
        return ReadTags(ENVIRONMENT.from_string(patched), names, tables)
    except _Refused as refused:
        where = _paragraph(by_paragraph, refused.line)
        raise BadTemplate(f"模板{place}{where}：{refused}") from refused
    except TemplateSyntaxError as error:
        where = _paragraph(by_paragraph, error.lineno)
        raise BadTemplate(f"模板{place}的标签写错了，{where}：{_what_is_wrong(error)}") from error
    except TemplateError as error:
        raise BadTemplate(f"模板{place}的标签写错了，请检查花括号和百分号") from error
    except RecursionError as error:
        raise BadTemplate(f"模板{place}里的判断和循环套得太深") from error


class _Refused(Exception):
    """A construct that is not allowed, at a line of the source."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(why)
        self.line = line


def _walk(node: nodes.Node, loops: int, depth: int) -> Iterator[nodes.Node]:
    loops += isinstance(node, nodes.For)
    if loops > MAX_DEPTH:
        raise _Refused(node.lineno, "循环里不能再有循环")
    if depth > MAX_NESTING:
        raise _Refused(node.lineno, "判断套得太深")
    yield node
    if _is_span(node):
        return
    for child in node.iter_child_nodes():
        yield from _walk(child, loops, depth + 1)


def _judge(node: nodes.Node) -> None:
    """Raise for anything but plain showing, choosing and walking a table."""
    if _is_span(node):
        return
    if not isinstance(node, ALLOWED_NODES):
        found = (words for kind, words in REFUSED.items() if isinstance(node, kind))
        what = next(found, type(node).__name__)
        raise _Refused(node.lineno, f"不能{what}，只能填值、判断和逐行循环")
    if isinstance(node, nodes.For):
        is_plain = isinstance(node.iter, nodes.Name) and isinstance(node.target, nodes.Name)
        if not is_plain or node.recursive:
            raise _Refused(node.lineno, "循环只能逐行走一张表，例如 {%tr for 行 in 货品 %}")
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        raise _Refused(node.lineno, f"“{node.attr}”不能用")
    if isinstance(node, nodes.Name) and node.name.startswith("_"):
        raise _Refused(node.lineno, f"“{node.name}”不能用")


def _is_span(node: nodes.Node) -> bool:
    """Whether this is `2 * loop.length`: how docxtpl widens a merged cell."""
    if not isinstance(node, nodes.Mul):
        return False
    left, right = node.left, node.right
    return (
        isinstance(left, nodes.Const)
        and isinstance(left.value, int)
        and 0 < left.value <= MOST_COLUMNS
        and isinstance(right, nodes.Getattr)
        and _is_loop_word(right)
    )


def _is_loop_word(node: nodes.Getattr) -> bool:
    inner = node.node
    return isinstance(inner, nodes.Name) and inner.name == LOOP and node.attr in LOOP_WORDS


def _looped(tree: nodes.Template) -> Iterator[str]:
    for loop in tree.find_all(nodes.For):
        if isinstance(loop.iter, nodes.Name):
            yield loop.iter.name


def _read_names(node: nodes.Node, aliases: Mapping[str, str]) -> Iterator[str]:
    if isinstance(node, nodes.For) and isinstance(node.iter, nodes.Name):
        target = node.target.name if isinstance(node.target, nodes.Name) else ""
        yield node.iter.name
        inner = {**aliases, target: node.iter.name, LOOP: LOOP}
        for child in [*node.body, *node.else_, *([node.test] if node.test else [])]:
            yield from _read_names(child, inner)
        return
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        if not (LOOP in aliases and _is_loop_word(node)):
            yield f"{aliases.get(node.node.name, node.node.name)}.{node.attr}"
        return
    if isinstance(node, nodes.Name) and node.name not in aliases:
        yield node.name
    for child in node.iter_child_nodes():
        yield from _read_names(child, aliases)


def _paragraph(by_paragraph: str, line: int) -> str:
    """Say which paragraph of the part a line is, and how it reads."""
    lines = by_paragraph.split("\n")
    text = re.sub(r"<[^<>]*>", "", lines[min(line, len(lines)) - 1]).strip()
    shown = text if len(text) <= SHOWN_TEXT else f"{text[:SHOWN_TEXT]}…"
    return f"第 {max(1, line - 1)} 段“{shown}”"


def _what_is_wrong(error: TemplateSyntaxError) -> str:
    told = error.message or ""
    if "Unexpected end of template" in told or "looking for the following tags" in told:
        return "有一处 {% if %} 或 {% for %} 没有结尾，请补上 {% endif %} 或 {% endfor %}"
    unknown = re.search(r"unknown tag '([^']+)'", told)
    if unknown:
        return f"“{unknown[1]}”不是能用的标签，或者它前面没有对应的开头"
    return "标签没有写完整，或者写了不允许的符号；标签应像 {{ 客户名称 }}"

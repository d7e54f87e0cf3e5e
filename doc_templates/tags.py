"""The tags of a template: which may stand there, and which values they read.

A template may show values, choose (if) and walk the rows of a table (for); anything else,
calls, filters, arithmetic, is refused before it is ever run. Called by word.py.
"""

import re
from collections.abc import Iterator, Mapping

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from doc_templates.errors import BadTemplate

ALLOWED_NODES = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.For,
    nodes.If, nodes.Not, nodes.And, nodes.Or, nodes.Compare, nodes.Operand, nodes.Const,
)  # fmt: skip
MAX_DEPTH = 1


class TagEnvironment(ImmutableSandboxedEnvironment):
    """Jinja with everything taken out that a form does not need."""

    def __init__(self) -> None:
        super().__init__(autoescape=True, undefined=StrictUndefined, keep_trailing_newline=True)
        self.globals.clear()
        self.filters.clear()
        self.tests.clear()


ENVIRONMENT = TagEnvironment()


def read_tags(patched: str) -> tuple[Template, frozenset[str]]:
    """Return the compiled template and every name it reads (columns as `表.栏`).

    Raises BadTemplate for a tag that is written wrongly or does more than it may.
    """
    try:
        tree = ENVIRONMENT.parse(patched)
        names = frozenset(_names(tree))
        return ENVIRONMENT.from_string(patched), names
    except TemplateSyntaxError as error:
        raise BadTemplate(f"模板的标签写错了：{_tag_fault(patched, error)}") from error
    except RecursionError as error:
        raise BadTemplate("模板里的判断和循环套得太深") from error


def _names(tree: nodes.Template) -> Iterator[str]:
    """Yield every name the template reads; raise BadTemplate for anything but plain showing."""
    for node in _walk(tree, 0):
        if isinstance(node, nodes.For) and not isinstance(node.iter, nodes.Name):
            raise BadTemplate("模板里的循环只能逐行走一张表，例如 {%tr for 行 in 货品 %}")
    yield from _read_names(tree, {})


def _walk(node: nodes.Node, loops: int) -> Iterator[nodes.Node]:
    if not isinstance(node, ALLOWED_NODES):
        kind = type(node).__name__
        raise BadTemplate(
            f"模板第 {node.lineno} 行用了不允许的写法（{kind}），只能填值、判断和逐行循环"
        )
    if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
        raise BadTemplate(f"模板里的“{node.attr}”不能用")
    loops += isinstance(node, nodes.For)
    if loops > MAX_DEPTH:
        raise BadTemplate("模板里的循环里不能再有循环")
    yield node
    for child in node.iter_child_nodes():
        yield from _walk(child, loops)


def _read_names(node: nodes.Node, aliases: Mapping[str, str]) -> Iterator[str]:
    if isinstance(node, nodes.For) and isinstance(node.iter, nodes.Name):
        target = node.target.name if isinstance(node.target, nodes.Name) else ""
        yield node.iter.name
        inner = {**aliases, target: node.iter.name}
        for child in [*node.body, *node.else_, *([node.test] if node.test else [])]:
            yield from _read_names(child, inner)
        return
    if isinstance(node, nodes.Getattr) and isinstance(node.node, nodes.Name):
        yield f"{aliases.get(node.node.name, node.node.name)}.{node.attr}"
        return
    if isinstance(node, nodes.Name) and node.name not in aliases:
        yield node.name
    for child in node.iter_child_nodes():
        yield from _read_names(child, aliases)


def _tag_fault(patched: str, error: TemplateSyntaxError) -> str:
    lines = patched.split("\n")
    line = lines[min(error.lineno, len(lines)) - 1]
    found = re.findall(r"\{[{%][^{}]{0,60}(?:[%}]\}|$)", re.sub(r"<[^>]+>", "", line))
    near = f"，附近的标签：{'、'.join(found[:3])}" if found else ""
    return f"{error.message}{near}"

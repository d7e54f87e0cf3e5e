"""Filling a part by splicing: its fixed stretches lie ready as bytes, values go in between.

The quick half of word.py: no text of a whole document is built, searched for line breaks, or
encoded. It knows what nearly every template is made of (values, choices, rows of a table);
`spliced` returns None for a part with anything else, and `Splice.fill` for values it cannot
take (tabs, page breaks, a tag without a value): Jinja then does both. Called by word.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from jinja2 import nodes
from markupsafe import Markup, escape

from doc_templates.errors import BadTemplate
from doc_templates.tags import ENVIRONMENT, LOOP

LINE_BREAK = '</w:t><w:br/><w:t xml:space="preserve">'
OTHER_BREAKS = "\t\a\f"
TOO_LARGE = "按这个模板填好的文件太大，请减少内容或修改模板"
PIECES_AT_ONCE = 50

Scope = dict[str, Any]
InText = bool | None  # whether the last mark before a value opens <w:t>; None: cannot be told
_Value = tuple[bytes, str, tuple[str, ...], InText]


class _Unspliceable(Exception):
    """What only Jinja can do."""


def spliced(patched: str) -> "Splice | None":
    """Return the part ready to be filled, from docxtpl's reading of it; None if it is beyond this.

    The source must have been judged by tags.py.
    """
    if _breaks_by_itself(patched):
        return None
    try:
        steps, _ = _Reader().block(ENVIRONMENT.parse(patched).body, False, in_loop=False)
    except _Unspliceable:
        return None
    return Splice(steps)


@dataclass(frozen=True, slots=True)
class Splice:
    """One part of a template as a row of steps; any number of threads may fill it."""

    steps: tuple["_Step", ...]

    def fill(self, context: Mapping[str, object], limit: int) -> bytes | None:
        """Return the filled part in UTF-8; None where Jinja has to do it.

        Raises BadTemplate as soon as the part grows beyond the limit, in bytes.
        """
        made = _Made(limit)
        try:
            _put(self.steps, dict(context), made)
        except (_Unspliceable, LookupError, TypeError):
            return None
        return b"".join(made.pieces)


@dataclass(slots=True)
class _Made:
    """The pieces so far; their size is counted every few dozen of them."""

    limit: int
    pieces: list[bytes] = field(default_factory=list)
    counted: int = 0
    size: int = 0

    def count(self) -> None:
        """Stop what never stops."""
        self.size += sum(map(len, self.pieces[self.counted :]))
        self.counted = len(self.pieces)
        if self.size > self.limit:
            raise BadTemplate(TOO_LARGE)


@dataclass(frozen=True, slots=True)
class _Values:
    """Some values, each with what stands before it: (before, name, keys in it, in text)."""

    values: tuple[_Value, ...]

    def put(self, scope: Scope, made: _Made) -> None:
        pieces = made.pieces
        for before, name, keys, in_text in self.values:
            value = scope[name]
            for key in keys:
                value = value[key]
            if type(value) is not str:
                shown = _unusual(value, in_text)
            elif value.isalnum():
                shown = value.encode()
            elif value.isprintable():
                shown = _escaped(value).encode()
            else:
                shown = _unusual(value, in_text)
            pieces += (before, shown)


@dataclass(frozen=True, slots=True)
class _Fixed:
    """A stretch without values."""

    content: bytes

    def put(self, _scope: Scope, made: _Made) -> None:
        made.pieces.append(self.content)


@dataclass(frozen=True, slots=True)
class _Choice:
    """The first branch whose test holds is put, else the last."""

    branches: tuple[tuple[nodes.Node, tuple["_Step", ...]], ...]
    otherwise: tuple["_Step", ...]

    def put(self, scope: Scope, made: _Made) -> None:
        for test, steps in self.branches:
            if _holds(test, scope):
                return _put(steps, scope, made)
        return _put(self.otherwise, scope, made)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Steps done once for every row of a table."""

    table: str
    row: str
    steps: tuple["_Step", ...]

    def put(self, scope: Scope, made: _Made) -> None:
        inner = dict(scope)
        for row in scope[self.table]:
            inner[self.row] = row
            _put(self.steps, inner, made)


_Step = _Values | _Fixed | _Choice | _Rows


def _put(steps: Sequence[_Step], scope: Scope, made: _Made) -> None:
    for step in steps:
        step.put(scope, made)
        if len(made.pieces) - made.counted > PIECES_AT_ONCE:
            made.count()


def _escaped(text: str) -> str:
    """Escape as markupsafe does; for short texts without such letters this is much quicker."""
    return (
        text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("'", "&#39;")
        .replace('"', "&#34;")
    )


def _unusual(value: object, in_text: InText) -> bytes:
    """Return a picture, a number, or a text with line breaks or blanks of its own kind."""
    text = str(value) if isinstance(value, Markup) else str(escape(value))
    if "\t" in text or "\a" in text or "\f" in text:
        raise _Unspliceable
    if "\n" in text:
        if in_text is None or isinstance(value, Markup):
            raise _Unspliceable
        text = text.replace("\n", LINE_BREAK) if in_text else text
    return text.encode()


def _holds(test: nodes.Node, scope: Scope) -> bool:
    """Whether the test of a choice holds; only what `_Reader.test` let through comes here."""
    match test:
        case nodes.Not():
            return not _holds(test.node, scope)
        case nodes.And():
            return _holds(test.left, scope) and _holds(test.right, scope)
        case nodes.Or():
            return _holds(test.left, scope) or _holds(test.right, scope)
    name, keys = _named(test, in_loop=False)
    value = scope[name]
    for key in keys:
        value = value[key]
    return bool(value)


class _Reader:
    """Turns Jinja's reading of a part into steps, remembering where values stand."""

    def block(
        self, body: Sequence[nodes.Node], in_text: InText, *, in_loop: bool
    ) -> tuple[tuple[_Step, ...], InText]:
        """Return the steps of a block, and whether its end is inside <w:t>."""
        steps: list[_Step] = []
        for node in body:
            if isinstance(node, nodes.Output):
                made, in_text = self._output(node, in_text, in_loop)
                steps += made
            elif isinstance(node, nodes.If):
                choice, in_text = self._choice(node, in_text, in_loop)
                steps.append(choice)
            elif isinstance(node, nodes.For):
                rows, in_text = self._rows(node, in_text)
                steps.append(rows)
            else:
                raise _Unspliceable
        return tuple(steps), in_text

    def _output(
        self, node: nodes.Output, in_text: InText, in_loop: bool
    ) -> tuple[Iterator[_Step], InText]:
        values: list[_Value] = []
        before = ""
        for inner in node.nodes:
            if isinstance(inner, nodes.TemplateData):
                before += inner.data
                in_text = _is_in_text(inner.data, in_text)
                continue
            values.append((before.encode(), *_named(inner, in_loop), in_text))
            before = ""
        return _steps_of(values, before), in_text

    def _choice(self, node: nodes.If, in_text: InText, in_loop: bool) -> tuple[_Choice, InText]:
        branches: list[tuple[nodes.Node, tuple[_Step, ...]]] = []
        ends: set[InText] = set()
        for one in (node, *node.elif_):
            self.test(one.test, in_loop)
            steps, end = self.block(one.body, in_text, in_loop=in_loop)
            branches.append((one.test, steps))
            ends.add(end)
        otherwise, end = self.block(node.else_, in_text, in_loop=in_loop)
        ends.add(end)
        return _Choice(tuple(branches), otherwise), ends.pop() if len(ends) == 1 else None

    def _rows(self, node: nodes.For, in_text: InText) -> tuple[_Rows, InText]:
        table, row = node.iter, node.target
        if not isinstance(table, nodes.Name) or not isinstance(row, nodes.Name):
            raise _Unspliceable
        if node.test or node.else_ or node.recursive or row.name == LOOP:
            raise _Unspliceable
        steps, end = self.block(node.body, in_text, in_loop=True)
        if end != in_text:
            in_text = None
            steps, _ = self.block(node.body, None, in_loop=True)
        return _Rows(table.name, row.name, steps), in_text

    def test(self, test: nodes.Node, in_loop: bool) -> None:
        """Refuse a test that `_holds` does not know."""
        if isinstance(test, nodes.Not):
            self.test(test.node, in_loop)
        elif isinstance(test, nodes.And | nodes.Or):
            self.test(test.left, in_loop)
            self.test(test.right, in_loop)
        else:
            _named(test, in_loop)


def _steps_of(values: list[_Value], after: str) -> Iterator[_Step]:
    """Yield values by the dozen, so that their size is counted in time, and what follows them."""
    most = PIECES_AT_ONCE // 2
    for start in range(0, len(values), most):
        yield _Values(tuple(values[start : start + most]))
    if after:
        yield _Fixed(after.encode())


def _named(node: nodes.Node, in_loop: bool) -> tuple[str, tuple[str, ...]]:
    """Return the name a tag reads and the keys in it; the counting words of a loop are Jinja's."""
    place, keys = node, list[str]()
    while isinstance(place, nodes.Getattr):
        keys.insert(0, place.attr)
        place = place.node
    if not isinstance(place, nodes.Name) or (in_loop and place.name == LOOP):
        raise _Unspliceable
    return place.name, tuple(keys)


def _is_in_text(data: str, before: InText) -> InText:
    """Whether the end of a stretch is inside <w:t>: what its last mark opens tells."""
    at = data.rfind("<")
    if at < 0:
        return before
    if len(data) - at < len("<w:t>") and ">" not in data[at:]:
        return None
    return data.startswith(("<w:t>", "<w:t "), at)


def _breaks_by_itself(patched: str) -> bool:
    """Whether the fixed text has line breaks or tabs, which docxtpl turns into Word's."""
    body = patched[max(0, patched.find("<w:p")) :]
    return any(mark in body for mark in ("\n", "\r", *OTHER_BREAKS))

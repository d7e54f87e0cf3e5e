"""Puts the parts of a query together: brackets, OR, AND, NOT; what does not fit is left out.

Not here: cutting what was typed into tokens (query).
"""

from dataclasses import dataclass

from indexer.nodes import AnyOf, Node, Not, all_of

_DEEPEST = 20


@dataclass(frozen=True)
class Token:
    """`kind` is open, close, or, and, not, leaf; `text` what was typed, for nearness."""

    kind: str
    node: Node | None = None
    text: str = ""


AS_WORDS = "已按普通词语查找。"
_UNPAIRED = f"括号没有成对，{AS_WORDS}"
_EMPTY = f"括号里没有要找的词，{AS_WORDS}"
_TOO_DEEP = f"括号套得太深，{AS_WORDS}"


class Reader:
    """Recursive descent over the tokens; what does not fit is left out, and said in `notes`."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens if any(one.kind == "leaf" for one in tokens) else _as_words(tokens)
        self._at = 0
        self.notes: list[str] = [_lonely(one) for one in tokens if self._tokens is not tokens]

    @property
    def chunks(self) -> tuple[str, ...]:
        """The texts typed, for nearness."""
        return tuple(dict.fromkeys(t.text for t in self._tokens if t.kind == "leaf" and t.text))

    def read_all(self) -> Node | None:
        """The whole query; None when nothing is left of it."""
        parts: list[Node] = []
        while self._at < len(self._tokens):
            node = self._any(0)
            if node is not None:
                parts.append(node)
            if self._at < len(self._tokens):  # a bracket closed that was never opened
                self.notes.append(_UNPAIRED)
                self._at += 1
        return all_of(parts)

    def _peek(self) -> str:
        return self._tokens[self._at].kind if self._at < len(self._tokens) else ""

    def _any(self, depth: int) -> Node | None:
        parts = [self._all(depth)]
        while self._peek() == "or":
            sign = self._tokens[self._at]
            self._at += 1
            parts.append(self._all(depth))
            if parts[-1] is None or parts[-2] is None:
                self.notes.append(_lonely(sign))
        found = [part for part in parts if part is not None]
        if not found:
            return None
        return found[0] if len(found) == 1 else AnyOf(tuple(found))

    def _all(self, depth: int) -> Node | None:
        parts: list[Node] = []
        while self._peek() in {"leaf", "open", "not", "and"}:
            if self._peek() == "and":
                sign = self._tokens[self._at]
                self._at += 1
                if not parts or self._peek() not in {"leaf", "open", "not"}:
                    self.notes.append(_lonely(sign))
                continue
            part = self._one(depth)
            if part is not None:
                parts.append(part)
        return all_of(parts)

    def _one(self, depth: int) -> Node | None:
        token = self._tokens[self._at]
        self._at += 1
        if token.kind == "leaf":
            return token.node
        if token.kind == "not":
            return self._negation(token, depth)
        if depth >= _DEEPEST:
            self.notes.append(_TOO_DEEP)
            return None
        inner = self._any(depth + 1)
        if self._peek() == "close":
            self._at += 1
        else:
            self.notes.append(_UNPAIRED)
        if inner is None:
            self.notes.append(_EMPTY)
        return inner

    def _negation(self, sign: Token, depth: int) -> Node | None:
        if self._peek() not in {"leaf", "open"}:
            self.notes.append(_lonely(sign))
            return None
        part = self._one(depth)
        return None if part is None else Not(part)


def _as_words(tokens: list[Token]) -> list[Token]:
    """Where nothing but signs was typed, the words among them are what is looked for."""
    return [Token("leaf", one.node, one.text) for one in tokens if one.node is not None]


def _lonely(sign: Token) -> str:
    """What is wrong with a sign that stands without what it belongs to."""
    if sign.kind in {"open", "close"}:
        return _EMPTY
    if sign.kind == "not":
        return f"“{sign.text or '-'}”后面没有写不要什么（如 合同 -作废），{AS_WORDS}"
    return f"“{sign.text}”前后都要有词（如 海信 OR 长虹），{AS_WORDS}"

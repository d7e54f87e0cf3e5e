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


class Reader:
    """Recursive descent over the tokens; what does not fit is left out and remembered."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self.is_wrong = False

    def read_all(self) -> Node | None:
        """The whole query; None when nothing is left of it."""
        parts: list[Node] = []
        while self._at < len(self._tokens):
            node = self._any(0)
            if node is not None:
                parts.append(node)
            if self._at < len(self._tokens):  # a bracket closed that was never opened
                self.is_wrong = True
                self._at += 1
        return all_of(parts)

    def _peek(self) -> str:
        return self._tokens[self._at].kind if self._at < len(self._tokens) else ""

    def _any(self, depth: int) -> Node | None:
        parts = [self._all(depth)]
        while self._peek() == "or":
            self._at += 1
            parts.append(self._all(depth))
        found = [part for part in parts if part is not None]
        self.is_wrong |= len(parts) > 1 and len(found) < len(parts)
        if not found:
            return None
        return found[0] if len(found) == 1 else AnyOf(tuple(found))

    def _all(self, depth: int) -> Node | None:
        parts: list[Node] = []
        while self._peek() in {"leaf", "open", "not", "and"}:
            if self._peek() == "and":
                self._at += 1
                self.is_wrong |= not parts or self._peek() not in {"leaf", "open", "not"}
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
            return self._negation(depth)
        if depth >= _DEEPEST:
            self.is_wrong = True
            return None
        inner = self._any(depth + 1)
        if self._peek() == "close":
            self._at += 1
        else:
            self.is_wrong = True
        self.is_wrong |= inner is None
        return inner

    def _negation(self, depth: int) -> Node | None:
        if self._peek() not in {"leaf", "open"}:
            self.is_wrong = True
            return None
        part = self._one(depth)
        return None if part is None else Not(part)

"""What people type → a query of plain values. Typing errors never fail: they become remarks.

    海信 合同            all words          "买卖合同"        these characters, adjoining
    海信 OR 长虹         either             -作废  NOT 作废    without
    (海信 OR 长虹) 合同   brackets           客户:海信          in a field
    HT-2024*            beginning          haixin hx 海xin   pinyin

Not here: finding (matching), ranking (scoring).
"""

import re
import unicodedata
from dataclasses import dataclass

from indexer.analysis import STOP_WORDS, cut_words, each_unit
from indexer.folding import fold

LONGEST_QUERY = 500
_DEEPEST = 20


@dataclass(frozen=True)
class Han:
    """Characters that must stand together as typed; `text` is folded."""

    text: str


@dataclass(frozen=True)
class Run:
    """Letters and digits: a number in any spelling, a word, or pinyin."""

    text: str


@dataclass(frozen=True)
class Phrase:
    """What stood in quotes; `text` is folded."""

    text: str


@dataclass(frozen=True)
class Mixed:
    """Han and letters glued (海xin)."""

    text: str


@dataclass(frozen=True)
class Beginning:
    """Words or numbers that begin so."""

    text: str


@dataclass(frozen=True)
class InField:
    """A value of one field; `text` is folded."""

    name: str
    text: str


@dataclass(frozen=True)
class AllOf:
    """Every part."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one part."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Not:
    """Everything but the part."""

    part: "Node"


Node = Han | Run | Phrase | Mixed | Beginning | InField | AllOf | AnyOf | Not


@dataclass(frozen=True)
class Query:
    """What was understood of a text.

    `node` is None when nothing was asked for. `has_words` is False when what was typed holds
    nothing to search by. `chunks` are the texts typed, for nearness.
    """

    node: Node | None
    chunks: tuple[str, ...]
    notes: tuple[str, ...]
    has_words: bool


FIELD_NAMES = {
    "客户": "customer",
    "客户名称": "customer",
    "customer": "customer",
    "表单": "form",
    "form": "form",
    "年度": "year",
    "年份": "year",
    "year": "year",
    "状态": "status",
    "status": "status",
    "部门": "department",
    "department": "department",
    "档号": "number",
    "编号": "number",
    "条码": "number",
    "number": "number",
    "题名": "title",
    "标题": "title",
    "title": "title",
    "日期": "date",
    "date": "date",
    "姓名": "person",
    "人员": "person",
    "person": "person",
    "密级": "secrecy",
}

_LEXEME = re.compile(
    r'"(?P<quoted>[^"]*)"'
    r"|(?P<bracket>[()])"
    r'|(?P<field>[^\W\d_]{2,10}):(?:"(?P<field_quoted>[^"]*)"|(?P<field_value>[^\s()"]+))'
    r'|(?P<word>[^\s()"]+|")'
)
_OR = {"OR", "|", "||", "或", "或者"}
_AND = {"AND", "&&", "且", "并且"}
_NOT = {"NOT", "!", "非", "不含"}


@dataclass(frozen=True)
class _Token:
    kind: str  # open, close, or, and, not, leaf
    node: Node | None = None
    text: str = ""


def parse(text: str) -> Query:
    """Read a query; every text gives one, wrong syntax is searched as words with a remark."""
    notes: list[str] = []
    if len(text) > LONGEST_QUERY:
        text = text[:LONGEST_QUERY]
        notes.append(f"查询太长，只用了前 {LONGEST_QUERY} 个字。")
    tokens = _lex(_plain_signs(text), notes)
    chunks = tuple(dict.fromkeys(t.text for t in tokens if t.kind == "leaf" and t.text))
    reader = _Reader(tokens)
    node = reader.read_all()
    if reader.is_wrong:
        notes.append("查询的写法有误（引号、括号或运算词），已按普通词语查找。")
    return Query(node, chunks, tuple(dict.fromkeys(notes)), bool(chunks) or not text.strip())


def _plain_signs(text: str) -> str:
    """Half width, straight quotes; letters keep their case, so that OR is not or."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub("[“”„‟「」『』〝〞]", '"', text)
    return re.sub("[－–—―−]", "-", text)


def _lex(text: str, notes: list[str]) -> list[_Token]:
    tokens: list[_Token] = []
    for match in _LEXEME.finditer(text):
        tokens += _tokens_of(match, notes)
    return tokens


def _tokens_of(match: re.Match[str], notes: list[str]) -> list[_Token]:
    if match["bracket"]:
        return [_Token("open" if match["bracket"] == "(" else "close")]
    if match["quoted"] is not None:
        return _leaf(_phrase(match["quoted"]), match["quoted"])
    if match["field"]:
        return _field(match)
    word = match["word"]
    if word == '"':
        notes.append("引号没有成对，已按普通词语查找。")
        return []
    if word == "-" and match.string[match.end() : match.end() + 1] in {'"', "("}:
        return [_Token("not")]
    for kind, signs in (("or", _OR), ("and", _AND), ("not", _NOT)):
        if word in signs:
            return [_Token(kind, _words(word), word)]
    return _word(word)


def _word(word: str) -> list[_Token]:
    if word.startswith(("-", "!")) and len(word) > 1:
        negated = _LEXEME.fullmatch(word[1:])
        inner = _tokens_of(negated, []) if negated else _word(word[1:])
        return [_Token("not"), *inner] if inner else []
    if word.endswith("*") and word.strip("*"):
        return _leaf(_beginning(fold(word.strip("*"))), word.strip("*"))
    return _leaf(_words(word), word)


def _leaf(node: Node | None, text: str) -> list[_Token]:
    return [_Token("leaf", node, fold(text))] if node is not None else []


def _field(match: re.Match[str]) -> list[_Token]:
    name = FIELD_NAMES.get(fold(match["field"]))
    value = match["field_quoted"]
    value = match["field_value"] if value is None else value
    if name is None:
        return _leaf(_words(match.group()), match.group())
    folded = fold(value).strip().rstrip("*")
    if not folded:
        return []
    shown = folded if name in {"customer", "number", "title", "person"} else ""
    return [_Token("leaf", InField(name, folded), shown or " ")]


def _phrase(text: str) -> Node | None:
    folded = fold(text)
    units = list(each_unit(folded))
    if not units:
        return None
    if len(units) == 1 and units[0].is_run:
        return Run(units[0].typed)
    return Phrase(folded)


def _beginning(folded: str) -> Node | None:
    units = list(each_unit(folded))
    if not units:
        return None
    if not units[-1].is_run:
        return _words(folded)  # Han is found inside words anyway
    before = _words(folded[: units[-1].start])
    last = Beginning(units[-1].typed)
    return last if before is None else AllOf((before, last))


def _words(text: str) -> Node | None:
    """The parts of something typed without blanks, all of them wanted but for stop words."""
    folded = fold(text)
    leaves = _leaves(folded)
    wanted = [leaf for leaf in leaves if not _is_stop(leaf)] or leaves
    if not wanted:
        return None
    node = wanted[0] if len(wanted) == 1 else AllOf(tuple(dict.fromkeys(wanted)))
    if _is_mixed(folded):
        return AnyOf((node, Mixed(folded)))
    return node


def _leaves(folded: str) -> list[Node]:
    leaves: list[Node] = []
    chunk = ""
    end = -1
    for unit in each_unit(folded):
        if unit.is_run or (chunk and unit.place != end):
            leaves += _han_leaves(chunk)
            chunk = ""
        if unit.is_run:
            leaves.append(Run(unit.typed))
        else:
            chunk += unit.shape
        end = unit.place + 1
    return leaves + _han_leaves(chunk)


def _han_leaves(chunk: str) -> list[Node]:
    """Words of a chunk; single characters in a row stay together, or 行银 would find 银行."""
    leaves: list[Node] = []
    single = ""
    for word in [*(cut_words(chunk) or chunk), ""] if chunk else []:
        if len(word) == 1 and word not in STOP_WORDS:
            single += word
            continue
        if single:
            leaves.append(Han(single))
            single = ""
        if word:
            leaves.append(Han(word))
    return leaves


def _is_stop(node: Node) -> bool:
    return isinstance(node, Han | Run) and node.text in STOP_WORDS


def _is_mixed(folded: str) -> bool:
    units = list(each_unit(folded))
    runs = [unit for unit in units if unit.is_run]
    return 0 < len(runs) < len(units) <= 12 and all(
        run.typed.isascii() and run.typed.isalpha() for run in runs
    )


class _Reader:
    """Recursive descent over the tokens; what does not fit is left out and remembered."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self.is_wrong = False

    def read_all(self) -> Node | None:
        parts: list[Node] = []
        while self._at < len(self._tokens):
            node = self._any(0)
            if node is not None:
                parts.append(node)
            if self._at < len(self._tokens):  # a bracket closed that was never opened
                self.is_wrong = True
                self._at += 1
        return _all_of(parts)

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
        return _all_of(parts)

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
        return inner

    def _negation(self, depth: int) -> Node | None:
        if self._peek() not in {"leaf", "open"}:
            self.is_wrong = True
            return None
        part = self._one(depth)
        return None if part is None else Not(part)


def _all_of(parts: list[Node]) -> Node | None:
    if not parts:
        return None
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, AllOf) else (part,)
    wanted = [part for part in flat if not _is_stop(part)] or flat
    unique = tuple(dict.fromkeys(wanted))
    return unique[0] if len(unique) == 1 else AllOf(unique)


def loosen(node: Node) -> Node | None:
    """The same query with any of its words instead of all; None where that makes no sense."""
    if not isinstance(node, AllOf):
        return None
    words = tuple(part for part in node.parts if isinstance(part, Han | Run | Mixed | AnyOf))
    rest = tuple(part for part in node.parts if part not in words)
    if len(words) < 2:
        return None
    return AllOf((AnyOf(words), *rest)) if rest else AnyOf(words)


def positive_leaves(node: Node) -> list[Node]:
    """The leaves that are asked for, not those excluded."""
    if isinstance(node, AllOf | AnyOf):
        return [leaf for part in node.parts for leaf in positive_leaves(part)]
    return [] if isinstance(node, Not) else [node]

"""What people type → a query of plain values. Typing errors never fail: they become remarks.

    海信 合同            all words          "买卖合同"        these characters, adjoining
    海信 OR 长虹         either             -作废  NOT 作废    without
    (海信 OR 长虹) 合同   brackets           客户:海信          in a field
    HT-2024*            beginning          haixin hx 海xin   pinyin
    金额>10000           compared           上月  2024年3月     a time

Not here: words, numbers and times (typed_words), finding (matching), ranking (scoring).
"""

import re
import unicodedata
from datetime import date

from indexer.days import show_span
from indexer.folding import fold
from indexer.nodes import AllOf, AnyOf, Node, Not, Query, When
from indexer.query_reader import AS_WORDS, Reader, Token
from indexer.synonyms import Groups, prepare
from indexer.typed_fields import FIELD_NAMES, SIGNS, compared, field_value
from indexer.typed_words import Reading, read_beginning, read_phrase, read_words

LONGEST_QUERY = 500

_NAMES = "|".join(sorted(FIELD_NAMES, key=len, reverse=True))
_SIGNS = "|".join(sorted(SIGNS, key=len, reverse=True))
_COMPARED = rf"(?:{_NAMES})[ ]*(?:{_SIGNS})"
_LEXEME = re.compile(
    r'"(?P<quoted>[^"]*)"'
    r"|(?P<bracket>[()])"
    rf"|(?P<compared>{_NAMES})[ ]*(?P<sign>{_SIGNS})[ ]*"
    r'(?:"(?P<compared_quoted>[^"]*)"|(?P<compared_value>[^\s()"]*))'
    rf"|(?:(?P<field>[^\W\d_]{{2,10}}):|(?P<known>{_NAMES}):[ \t]+(?!{_COMPARED}|(?:{_NAMES}):))"
    r'(?:"(?P<field_quoted>[^"]*)"|(?P<field_value>[^\s()"]+))'
    rf'|(?P<word>(?:(?!{_COMPARED})[^\s()"])+|")',
    re.IGNORECASE,
)
_OR = {"OR", "|", "||", "或", "或者"}
_AND = {"AND", "&&", "且", "并且"}
_NOT = {"NOT", "!", "非", "不含"}
_QUIET_FIELDS = {"http", "https", "mailto", "ftp"}
_SPACED_TIME = re.compile(r"(?<=\d) *(年|月) *(?=\d)|(?<=\d) +(?=[年月日号](?:\W|$))")


def parse(text: str, today: date | None = None, synonyms: Groups = ()) -> Query:
    """Read a query; every text gives one, wrong syntax is searched as words with a remark.

    `today` is the local day from which 上月 or 最近7天 count; without it they are plain words.
    """
    lexer = _Lexer(Reading(today, prepare(synonyms)))
    if len(text) > LONGEST_QUERY:
        text = text[:LONGEST_QUERY]
        lexer.notes.append(f"查询太长，只用了前 {LONGEST_QUERY} 个字。")
    reader = Reader(lexer.read(_plain_signs(text)))
    chunks = reader.chunks
    node = reader.read_all()
    notes = [*lexer.notes, *reader.notes, *_notes_on_times(node)]
    return Query(node, chunks, tuple(dict.fromkeys(notes)), bool(chunks) or not text.strip())


def _plain_signs(text: str) -> str:
    """Half width, straight quotes; letters keep their case, so that OR is not or."""
    text = unicodedata.normalize("NFKC", text)
    text = re.sub("[“”„‟「」『』〝〞]", '"', text)
    text = re.sub("[－–—―−]", "-", text)
    return _SPACED_TIME.sub(lambda match: match.group().strip(), text)


def _notes_on_times(node: Node | None) -> list[str]:
    """Say how a time was understood that counts from today."""
    if isinstance(node, AllOf | AnyOf):
        return [note for part in node.parts for note in _notes_on_times(part)]
    if isinstance(node, Not):
        return _notes_on_times(node.part)
    if isinstance(node, When) and node.span.is_relative:
        shown = show_span(node.span)
        return [f"“{node.text}”按{shown}的文件查找；要找这几个字，请加引号。"]
    return []


class _Lexer:
    """Cuts what was typed into tokens and remembers what to say about it."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self.notes: list[str] = []

    def read(self, text: str) -> list[Token]:
        tokens: list[Token] = []
        for match in _LEXEME.finditer(text):
            tokens += self._tokens_of(match)
        return tokens

    def _tokens_of(self, match: re.Match[str]) -> list[Token]:
        if match["bracket"]:
            return [Token("open" if match["bracket"] == "(" else "close")]
        if match["quoted"] is not None:
            return self._phrase(match["quoted"])
        if match["compared"]:
            return self._compared(match)
        if match["field"] or match["known"]:
            return self._field(match)
        word = match["word"]
        if word == '"':
            self.notes.append(f"引号没有成对，{AS_WORDS}")
            return []
        if word == "-" and match.string[match.end() : match.end() + 1].strip():
            return [Token("not")]
        for kind, signs in (("or", _OR), ("and", _AND), ("not", _NOT)):
            if word in signs:
                return [Token(kind, self._words(word), word)]
        return self._word(word)

    def _phrase(self, quoted: str) -> list[Token]:
        found = _leaf(read_phrase(quoted), quoted)
        if not found:
            self.notes.append("引号里没有要找的字，已略去。")
        return found

    def _word(self, word: str) -> list[Token]:
        if word[-1] in ":：" and fold(word[:-1]) in FIELD_NAMES:
            self.notes.append(_no_value(word[:-1]))
        elif not word.strip("*"):
            self.notes.append(f"“{word[:10]}”前面没有写开头的字（如 HT-2024*），已略去。")
        if word.startswith(("-", "!")) and len(word) > 1:
            negated = _LEXEME.fullmatch(word[1:])
            inner = self._tokens_of(negated) if negated else self._word(word[1:])
            return [Token("not"), *inner] if inner else []
        if word.endswith("*") and word.strip("*"):
            return _leaf(read_beginning(word.strip("*"), self._reading), word.strip("*"))
        return _leaf(self._words(word), word)

    def _words(self, text: str) -> Node | None:
        return read_words(text, self._reading)

    def _compared(self, match: re.Match[str]) -> list[Token]:
        value = match["compared_quoted"]
        value = match["compared_value"] if value is None else value
        name = FIELD_NAMES[fold(match["compared"])]
        node = compared(name, match["sign"].lower(), fold(value), self._reading.today)
        if node is not None:
            return [Token("leaf", node, " ")]
        self.notes.append(
            f"“{match.group()[:40]}”看不懂，{AS_WORDS}"
            "比较只用于金额、年度、日期，如 金额>10000、日期>=2024-03。"
        )
        return _leaf(self._words(match.group()), match.group())

    def _field(self, match: re.Match[str]) -> list[Token]:
        typed = match["field"] or match["known"]
        value = match["field_quoted"]
        value = match["field_value"] if value is None else value
        name = FIELD_NAMES.get(fold(typed))
        if name is None:
            if fold(typed) not in _QUIET_FIELDS:
                self.notes.append(
                    f"没有“{typed}”这个字段，{AS_WORDS}"
                    "可用：客户、表单、年度、状态、部门、档号、题名、日期、姓名、密级、金额。"
                )
            return _leaf(self._words(match.group()), match.group())
        folded = fold(value).strip().rstrip("*")
        if not folded:
            self.notes.append(_no_value(typed))
            return _leaf(self._words(typed), typed)
        node = field_value(name, folded, self._reading.today)
        if node is not None:
            shown = folded if name in {"customer", "number", "title", "person"} else ""
            return [Token("leaf", node, shown or " ")]
        self.notes.append(
            f"“{match.group()[:40]}”看不懂，{AS_WORDS}"
            "可以写 年度:2024、年度:2022-2024、日期:2024-03、日期:上月、金额:10000-20000。"
        )
        return _leaf(self._words(match.group()), match.group())


def _no_value(typed: str) -> str:
    return f"“{typed}:”后面没有写要找的内容（如 客户:海信），“{typed}”{AS_WORDS}"


def _leaf(node: Node | None, text: str) -> list[Token]:
    return [Token("leaf", node, fold(text))] if node is not None else []

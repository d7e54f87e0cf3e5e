"""What a query is made of: plain frozen values, which matching, scoring and marks read.

Not here: reading what was typed (query, typed_words).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from indexer.analysis import STOP_WORDS
from indexer.days import Span


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
class Amount:
    """An amount of money written otherwise than in plain digits (1.25万元, 壹万贰仟伍佰元整)."""

    text: str
    cents: int


@dataclass(frozen=True)
class When:
    """A time: papers of these days, and papers that name it; `text` is folded."""

    text: str
    span: Span


@dataclass(frozen=True)
class InRange:
    """Papers with a value of a field from `first` to `last`: yyyymmdd, year, or cents."""

    name: str
    first: int
    last: int


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


Leaf = Han | Run | Phrase | Mixed | Beginning | InField | Amount | When | InRange
Node = Leaf | AllOf | AnyOf | Not


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


def positive_leaves(node: Node) -> list[Leaf]:
    """The leaves that are asked for, not those excluded."""
    if isinstance(node, AllOf | AnyOf):
        return [leaf for part in node.parts for leaf in positive_leaves(part)]
    return [] if isinstance(node, Not) else [node]


_ASKED: dict[type[Node], tuple[str, ...]] = {
    Han: ("units",),
    Phrase: ("units",),
    Run: ("units", "tails", "form", "pinyin", "initials"),
    Mixed: ("units", "pinyin"),
    Beginning: ("units", "tails"),
    Amount: ("units",),
    When: ("date", "year", "days", "title", "units", "tails", "form", "pinyin", "initials"),
}
_ASKED_IN = {
    "number": ("tails",),
    "title": ("title", "pinyin", "initials"),
    "form": ("form", "form_title"),
    "amount": ("amounts",),
}


def asked_fields(node: Node) -> frozenset[str]:
    """The fields of the index that are looked into for a node (see matching)."""
    if isinstance(node, AllOf | AnyOf):
        return frozenset().union(*map(asked_fields, node.parts))
    if isinstance(node, Not):
        return asked_fields(node.part)
    if isinstance(node, InField | InRange):
        return frozenset(_ASKED_IN.get(node.name, (node.name,)))
    return frozenset(_ASKED[type(node)])


def all_of(parts: Iterable[Node]) -> Node | None:
    """Every part, without doubles and without stop words where there are others."""
    flat: list[Node] = []
    for part in parts:
        flat += part.parts if isinstance(part, AllOf) else (part,)
    if not flat:
        return None
    wanted = [part for part in flat if not is_stop(part)] or flat
    unique = tuple(dict.fromkeys(wanted))
    return unique[0] if len(unique) == 1 else AllOf(unique)


def is_stop(node: Node) -> bool:
    """True for a word that is not asked for when there are others."""
    return isinstance(node, Han | Run) and node.text in STOP_WORDS

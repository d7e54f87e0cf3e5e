"""What a record gives to the index, and the fields of the index itself.

A plain Whoosh schema: the text is cut before it gets there, so no object of ours is pickled into
the table of contents. Only the id is stored; text comes back from the database.

Not here: the cutting (analysis), the files (writer, generations). A change of anything that
alters terms must change SCHEMA_VERSION: a mismatch rebuilds the index.
"""

import hashlib
import marshal
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from indexer.amounts import amount_shape, amount_term, money_in
from indexer.analysis import ANALYSIS_VERSION, LONGEST_TERM, cut_text
from indexer.days import days_in
from indexer.folding import bare_number, fold
from indexer.pinyin import pinyin_terms
from indexer.whoosh_parts import ID, TEXT, Existence, IDAnalyzer, Schema

SCHEMA_VERSION = f"6 {ANALYSIS_VERSION}"
OLDER_SCHEMAS = frozenset({"4", "5"})
"""Those of which segments can still be read, so that they serve while the new index is built.

What may change from one to the next: which fields there are and their numbers (each segment
says its own), and how words are cut (they rank only). A change of the layout of postings or
pairs, or of what stands in a field, leaves this set empty.
"""

LONGEST_TEXT = 400_000
"""Characters of one body that are indexed; the rest is found by its metadata only."""

SCORED = ("words", "title", "customer_words")
VALUE_FIELDS = ("id", "form", "year", "customer", "department", "status", "date", "number")
SEVERAL_VALUES = ("reader", "person", "secrecy", "maker", "form_title", "class")
DERIVED = ("units", "days", "amounts", "tails", "pinyin", "initials", "stamp")
FIELD_KEYS = {
    name: number.to_bytes(2, "big")
    for number, name in enumerate(sorted((*SCORED, *VALUE_FIELDS, *SEVERAL_VALUES, *DERIVED)))
}
"""What the dictionary of a new segment has before the terms of each field; ascending."""
_SHORTEST_TAIL = 3
_MOST_NUMBERS = 40


@dataclass(frozen=True)
class Entry:
    """One thing to be found. `readers` are the access tokens, one of which a reader must hold."""

    id: str
    title: str
    body: str = ""
    customer: str = ""
    form: str = ""
    form_title: str = ""
    numbers: tuple[str, ...] = ()
    year: int | None = None
    department: str = ""
    date: str = ""
    status: str = ""
    secrecy: str = ""
    maker: str = ""
    people: tuple[str, ...] = ()
    readers: frozenset[str] = frozenset()
    class_code: str = ""


def entry_stamp(entry: Entry) -> str:
    """A short digest of all an entry says; the index keeps it, to tell a stale entry by."""
    said = {**vars(entry), "readers": sorted(entry.readers)}
    return hashlib.sha256(marshal.dumps(tuple(said.values()), 2)).hexdigest()[:16]


def serves_meanwhile(version: str) -> bool:
    """True for another version than ours whose index gives right answers until ours is built."""
    schema, _, knife = version.partition(" ")
    known = OLDER_SCHEMAS | {SCHEMA_VERSION.partition(" ")[0]}
    return schema in known and knife.partition(" ")[0] == ANALYSIS_VERSION.partition(" ")[0]


@dataclass(frozen=True)
class Terms:
    """The terms of several entries: the folded texts, and the terms of each field by entry.

    A term of a scored field may stand several times, and counts so often.
    """

    texts: list[str]
    fields: dict[str, list[Collection[str]]]


def whoosh_schema() -> Any:
    """The fields as Whoosh knows them, made of stock parts only."""
    plain = IDAnalyzer()
    schema = Schema(id=ID(stored=True, unique=True))
    for name in SCORED:
        spec = TEXT(analyzer=plain, phrase=False)
        spec.format = Existence()  # counts lie with the weights; no need to keep them twice
        schema.add(name, spec)
    for name in (*DERIVED, *VALUE_FIELDS[1:], *SEVERAL_VALUES):
        schema.add(name, ID())
    return schema


def entries_terms(entries: Sequence[Entry]) -> Terms:
    """Cut entries into the terms by which they will be found, but for words, units and pairs.

    One kind of work after the other: each then stays in the processor's cache.
    """
    titles = [fold(entry.title) for entry in entries]
    customers = [_fold_short(entry.customer) for entry in entries]
    names = list(zip(entries, titles, customers, strict=True))
    texts = ["\n".join(_texts(*one)) for one in names]
    money = [set(money_in(text)) for text in texts]
    spellings = [_spellings(*one) for one in names]
    return Terms(
        texts,
        {
            "units": [list(map(amount_shape, cents)) for cents in money],
            "days": list(map(days_in, texts)),
            "amounts": [list(map(amount_term, cents)) for cents in money],
            "title": list(map(_short_terms, titles)),
            "customer_words": list(map(_short_terms, customers)),
            "pinyin": [full for full, _ in spellings],
            "initials": [initials for _, initials in spellings],
            "tails": list(map(_tails, entries)),
            "stamp": [(entry_stamp(entry),) for entry in entries],
            **_values(entries),
        },
    )


def _texts(entry: Entry, title: str, customer: str) -> list[str]:
    rest = (*entry.numbers[:_MOST_NUMBERS], entry.form_title, entry.department, entry.maker)
    short = [title, customer, *map(_fold_short, (*rest, *entry.people))]
    return [text for text in (*short, fold(entry.body[:LONGEST_TEXT])) if text]


_fold_short = lru_cache(maxsize=20_000)(fold)


@lru_cache(maxsize=20_000)
def _short_terms(folded: str) -> tuple[str, ...]:
    cut = cut_text(folded)
    return (*cut.words, *(set(cut.units) - set(cut.words)), *(set(cut.pairs) - set(cut.words)))


def _spellings(entry: Entry, title: str, customer: str) -> tuple[set[str], set[str]]:
    """What a record's title, customer and people sound like: in full, and by initials."""
    names = (_fold_short(name) for name in (entry.maker, *entry.people) if name)
    found = [pinyin_terms(title), pinyin_terms(customer), *map(pinyin_terms, names)]
    full: set[str] = set()
    initials: set[str] = set()
    for one in found:
        full |= one[0]
        initials |= one[1]
    return full, initials


def _tails(entry: Entry) -> set[str]:
    """The ends of a record's numbers, three signs or longer."""
    tails: set[str] = set()
    for number in entry.numbers[:_MOST_NUMBERS]:
        bare = bare_number(number)[:LONGEST_TERM]
        tails.update(bare[start:] for start in range(max(1, len(bare) - _SHORTEST_TAIL + 1)))
    return tails - {""}


def _values(entries: Sequence[Entry]) -> dict[str, list[Collection[str]]]:
    """The fields that hold values as they are, not words."""
    single = {
        "id": [entry.id for entry in entries],
        "form": [entry.form for entry in entries],
        "year": ["" if entry.year is None else str(entry.year) for entry in entries],
        "customer": [entry.customer for entry in entries],
        "department": [entry.department for entry in entries],
        "status": [entry.status for entry in entries],
        "date": [entry.date for entry in entries],
        "number": [entry.numbers[0] if entry.numbers else "" for entry in entries],
        "secrecy": [entry.secrecy for entry in entries],
        "maker": [entry.maker for entry in entries],
        "form_title": [entry.form_title for entry in entries],
        "class": [entry.class_code for entry in entries],
    }
    fields: dict[str, list[Collection[str]]] = {
        name: [(value,) if value else () for value in values] for name, values in single.items()
    }
    fields["person"] = [{*entry.people, entry.maker} - {""} for entry in entries]
    fields["reader"] = [entry.readers - {""} for entry in entries]
    return fields

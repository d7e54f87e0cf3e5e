"""What a record gives to the index, and the fields of the index itself.

A plain Whoosh schema: the text is cut before it gets there, so no object of ours is pickled into
the table of contents. Only the id is stored; text comes back from the database.

Not here: the cutting (analysis), the files (writer, generations). A change of anything that
alters terms must change SCHEMA_VERSION: a mismatch rebuilds the index.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from indexer.amounts import amount_shape, amount_term, money_in
from indexer.analysis import ANALYSIS_VERSION, LONGEST_TERM, cut_text, every_word
from indexer.days import days_in
from indexer.folding import bare_number, fold
from indexer.pinyin import pinyin_terms
from indexer.whoosh_parts import ID, TEXT, Existence, IDAnalyzer, Schema

SCHEMA_VERSION = f"4 {ANALYSIS_VERSION}"

LONGEST_TEXT = 400_000
"""Characters of one body that are indexed; the rest is found by its metadata only."""

SCORED = ("words", "title", "customer_words")
VALUE_FIELDS = ("id", "form", "year", "customer", "department", "status", "date", "number")
SEVERAL_VALUES = ("reader", "person", "secrecy", "maker", "form_title", "class")
DERIVED = ("units", "days", "amounts", "tails", "pinyin", "initials", "stamp")
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
    return hashlib.sha256(repr(sorted(said.items())).encode("utf-8", "replace")).hexdigest()[:16]


@dataclass
class Terms:
    """The terms of one entry by field, and the folded text from which all else is cut.

    A term of a scored field may stand several times, and counts so often.
    """

    whole: str
    words: list[str]
    fields: dict[str, Iterable[str]] = field(default_factory=dict)


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


def entry_terms(entry: Entry) -> Terms:
    """Cut an entry into the terms by which it will be found, but for units and pairs."""
    title, customer = fold(entry.title), fold(entry.customer)
    whole = "\n".join(_texts(entry, title, customer))
    money = set(money_in(whole))
    terms = Terms(whole, every_word(whole))
    terms.fields = {
        "units": map(amount_shape, money),
        "days": days_in(whole),
        "amounts": map(amount_term, money),
        "title": _short_terms(title),
        "customer_words": _short_terms(customer),
        "stamp": (entry_stamp(entry),),
    }
    _add_spellings(terms, entry, title, customer)
    _add_values(terms, entry)
    return terms


def _texts(entry: Entry, title: str, customer: str) -> list[str]:
    rest = (*entry.numbers[:_MOST_NUMBERS], entry.form_title, entry.department, entry.maker)
    short = [title, customer, *(fold(text) for text in (*rest, *entry.people))]
    return [text for text in (*short, fold(entry.body[:LONGEST_TEXT])) if text]


@lru_cache(maxsize=20_000)
def _short_terms(folded: str) -> tuple[str, ...]:
    cut = cut_text(folded)
    return (*cut.words, *(set(cut.units) - set(cut.words)), *(set(cut.pairs) - set(cut.words)))


def _add_spellings(terms: Terms, entry: Entry, title: str, customer: str) -> None:
    spellings = [pinyin_terms(title), pinyin_terms(customer)]
    spellings += [pinyin_terms(fold(name)) for name in (entry.maker, *entry.people) if name]
    terms.fields["pinyin"] = set().union(*(full for full, _ in spellings))
    terms.fields["initials"] = set().union(*(initials for _, initials in spellings))
    tails: set[str] = set()
    for number in entry.numbers[:_MOST_NUMBERS]:
        bare = bare_number(number)[:LONGEST_TERM]
        tails.update(bare[start:] for start in range(max(1, len(bare) - _SHORTEST_TAIL + 1)))
    terms.fields["tails"] = tails - {""}


def _add_values(terms: Terms, entry: Entry) -> None:
    single = {
        "id": entry.id,
        "form": entry.form,
        "year": "" if entry.year is None else str(entry.year),
        "customer": entry.customer,
        "department": entry.department,
        "status": entry.status,
        "date": entry.date,
        "number": entry.numbers[0] if entry.numbers else "",
        "secrecy": entry.secrecy,
        "maker": entry.maker,
        "form_title": entry.form_title,
        "class": entry.class_code,
    }
    terms.fields.update((name, (value,)) for name, value in single.items() if value)
    terms.fields["person"] = filter(None, {*entry.people, entry.maker})
    terms.fields["reader"] = filter(None, entry.readers)

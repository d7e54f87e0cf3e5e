"""The peers of the search: SQLite FTS5 and, where it is installed, tantivy (see search_postgres).

Both get the words of the same rjieba, a rights filter, and read and mark ten bodies as ours does;
where `counts` is set they also count all that fits, its facets and its months, as ours always does.
tantivy is no dependency of the product or its tests: `pip install tantivy` into the environment
of the bench. Called by bench/search.py.
"""

import importlib
import importlib.util
import re
import sqlite3
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench.search_data import STOP, Row, words

Found = tuple[int, list[str]]
Search = Callable[[Any], Found]
FACETS = ("form", "year", "customer", "department", "status")
FILTERED = ("customer", "year", "form")


def counting(found: str) -> str:
    """SQL for what ours counts for each search: all that was found, its facets, its months.

    `found` selects the facets and the month of all that fits.
    """
    counts = (
        f"select '{one}', cast({one} as text), count(*) from h group by 2"
        for one in (*FACETS, "month")
    )
    return f"with h as materialized ({found}) " + " union all ".join(counts)


def without(wanted: dict[str, Any], name: str) -> dict[str, Any]:
    """The filters but one: a field that is filtered by is counted without its own filter."""
    return {one: value for one, value in wanted.items() if one != name}


def conditions(table: str, wanted: dict[str, Any], sign: str) -> tuple[str, tuple[Any, ...]]:
    """SQL for filters, and its values."""
    return "".join(f" and {table}.{one} = {sign}" for one in wanted), tuple(wanted.values())


class Bodies:
    """Reads the ten bodies shown and marks the words in them."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def show(self, ids: list[str], text: str) -> None:
        """Read the bodies and mark the words."""
        marks = ",".join("?" * len(ids))
        pattern = re.compile("|".join(map(re.escape, words(text))) or "(?!)", re.IGNORECASE)
        for _, body in self._db.execute(f"select id, body from r where id in ({marks})", ids):
            first = pattern.search(body)
            at = max(0, first.start() - 20) if first else 0
            pattern.sub(lambda m: f"[{m.group()}]", body[at : at + 120])


class Fts5:
    """SQLite FTS5 beside a table of metadata."""

    name = "SQLite FTS5"
    clock = staticmethod(time.process_time)
    _FROM = "from t join m on m.n = t.rowid where t match ? and m.reader = 'all'"
    _RANKED = f"select m.id {_FROM} {{more}} order by {{order}} limit 10"

    def __init__(self, place: Path, bodies: sqlite3.Connection) -> None:
        self.folder = place / "fts"
        self.folder.mkdir()
        self._db = sqlite3.connect(self.folder / "fts.db")
        self._bodies = Bodies(bodies)
        self._count = 0
        self.counts = False

    def build(self, rows: Iterable[Row]) -> None:
        """Put all records in."""
        db = self._db
        db.execute("pragma journal_mode=wal")
        db.execute(
            "create table m(n integer primary key, id, customer, form, year integer, department,"
            " status, date, reader)"
        )
        db.execute("create virtual table t using fts5(body, content='', tokenize='unicode61')")
        for row in rows:
            self._insert(row)
        db.execute("create index mi on m(customer, year)")
        db.execute("insert into t(t) values('optimize')")
        db.commit()

    def add(self, row: Row) -> None:
        """Put one record in, to be found at once."""
        self._insert(row)
        self._db.commit()

    def _insert(self, row: Row) -> None:
        n = self._count = self._count + 1
        values = [row[k] for k in ("id", *_FTS_VALUES)]
        self._db.execute("insert into m values(?,?,?,?,?,?,?,?,'all')", (n, *values))
        text = " ".join(words(row["title"] + "\n" + row["body"]))
        self._db.execute("insert into t(rowid, body) values(?, ?)", (n, text))

    def size(self) -> int:
        """What it takes on the disk, in bytes."""
        return folder_size(self.folder)

    def searches(self) -> dict[str, Search]:
        """How each class of queries is asked; the empty name is for all others."""
        return {
            "phrase": lambda text: self._ask('"' + " ".join(words(text)) + '"', text),
            "four ORed": lambda several: self._ask(" OR ".join(map(_quoted, several)), several[0]),
            "customer+year+form": self._filtered,
            "sort by date": lambda text: self._ask(_quoted(text), text, order="m.date desc"),
            "facet": lambda text: self._ask(_quoted(text), text, counts=True),
            "": lambda text: self._ask(_quoted(text), text),
        }

    def question(self, text: str) -> Found:
        """Ask for any of the words, or however questions are asked."""
        wanted = [w for w in dict.fromkeys(words(text)) if w not in STOP]
        return self._ask(" OR ".join(f'"{w}"' for w in wanted), text)

    def _ask(
        self, match: str, text: str, more: str = "", values: tuple[Any, ...] = (),
        order: str = "rank", counts: bool = False,
    ) -> Found:  # fmt: skip
        if counts or self.counts:
            found = f"select {', '.join(FACETS)}, substr(date, 1, 7) month {self._FROM} {more}"
            self._db.execute(counting(found), (match, *values)).fetchall()
        query = self._RANKED.format(more=more, order=order)
        ids = [i for (i,) in self._db.execute(query, (match, *values))]
        self._bodies.show(ids, text)
        return len(ids), ids

    def _filtered(self, query: tuple[str, str, int, str]) -> Found:
        text, *values = query
        wanted = dict(zip(FILTERED, values, strict=True))
        for name in FILTERED if self.counts else ():
            more, rest = conditions("m", without(wanted, name), "?")
            count = f"{self._FROM} {more} group by 1"
            self._db.execute(
                f"select m.{name}, count(*) {count}", (_quoted(text), *rest)
            ).fetchall()
        more, rest = conditions("m", wanted, "?")
        return self._ask(_quoted(text), text, more, rest)

    def close(self) -> None:
        """Let go of the files."""
        self._db.close()


_FTS_VALUES = ("customer", "form", "year", "department", "status", "date")


def _quoted(text: str) -> str:
    return " ".join(f'"{w}"' for w in words(text))


def folder_size(folder: Path) -> int:
    """What the files of a folder take, in bytes."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def has_tantivy() -> bool:
    return importlib.util.find_spec("tantivy") is not None


class Tantivy:
    """tantivy with one writing thread."""

    name = "tantivy"
    clock = staticmethod(time.process_time)

    def __init__(self, place: Path, bodies: sqlite3.Connection) -> None:
        self._t: Any = importlib.import_module("tantivy")
        self.folder = place / "tantivy"
        self.folder.mkdir()
        self._bodies = Bodies(bodies)
        builder = self._t.SchemaBuilder()
        builder.add_text_field("id", stored=True, tokenizer_name="raw")
        builder.add_text_field("body", tokenizer_name="whitespace", index_option="position")
        for name in ("customer", "form", "department", "status", "reader"):
            builder.add_text_field(name, tokenizer_name="raw", fast=True, index_option="basic")
        for name in ("year", "day", "month"):
            builder.add_integer_field(name, indexed=True, fast=True)
        self._schema = builder.build()
        self._index = self._t.Index(self._schema, path=str(self.folder))
        self._writer: Any = None
        self._searcher: Any = None
        self.counts = False

    def build(self, rows: Iterable[Row]) -> None:
        """Put all records in."""
        self._writer = self._index.writer(heap_size=256_000_000, num_threads=1)
        for row in rows:
            self._insert(row)
        self._commit()

    def add(self, row: Row) -> None:
        """Put one record in, to be found at once."""
        self._insert(row)
        self._commit()

    def _insert(self, row: Row) -> None:
        values = {name: row[name] for name in ("id", "customer", "form", "department", "status")}
        body = " ".join(words(row["title"] + "\n" + row["body"]))
        day = int(row["date"].replace("-", ""))
        self._writer.add_document(
            self._t.Document(
                **values, body=body, reader="all", year=row["year"], day=day, month=day // 100
            )
        )

    def _commit(self) -> None:
        self._writer.commit()
        self._index.reload()
        self._searcher = self._index.searcher()

    def size(self) -> int:
        """What it takes on the disk, in bytes."""
        return folder_size(self.folder)

    def searches(self) -> dict[str, Search]:
        """How each class of queries is asked; the empty name is for all others."""
        return {
            "phrase": lambda text: self._ask(self._phrase(words(text)), text),
            "four ORed": lambda several: self._ask(
                self._any(self._all(words(text)) for text in several), several[0]
            ),
            "customer+year+form": self._filtered,
            "sort by date": lambda text: self._ask(
                self._all(words(text)), text, order_by_field="day"
            ),
            "facet": lambda text: self._ask(self._all(words(text)), text, counts=True),
            "": lambda text: self._ask(self._all(words(text)), text),
        }

    def question(self, text: str) -> Found:
        """Ask for any of the words, or however questions are asked."""
        wanted = [w for w in dict.fromkeys(words(text)) if w not in STOP]
        return self._ask(self._any(map(self._word, wanted)), text)

    def _word(self, word: str) -> Any:
        return self._t.Query.term_query(self._schema, "body", word, index_option="freq")

    def _value(self, name: str, value: Any) -> Any:
        return self._t.Query.term_query(self._schema, name, value, index_option="basic")

    def _all(self, several: list[str]) -> Any:
        return self._must(map(self._word, several))

    def _must(self, queries: Any) -> Any:
        return self._t.Query.boolean_query([(self._t.Occur.Must, one) for one in queries])

    def _any(self, queries: Any) -> Any:
        return self._t.Query.boolean_query([(self._t.Occur.Should, one) for one in queries])

    def _phrase(self, several: list[str]) -> Any:
        if len(several) < 2:
            return self._all(several)
        return self._t.Query.phrase_query(self._schema, "body", several)

    def _ask(self, query: Any, text: str, *, counts: bool = False, **more: Any) -> Found:
        query = self._must([query, self._value("reader", "all")])
        if counts or self.counts:
            wanted: dict[str, Any] = {
                name: {"terms": {"field": name, "size": 100}} for name in FACETS
            }
            wanted["month"] = {"histogram": {"field": "month", "interval": 1, "min_doc_count": 1}}
            self._searcher.aggregate(query, wanted)
        found = self._searcher.search(query, 10, **more)
        ids = [self._searcher.doc(address)["id"][0] for _, address in found.hits]
        self._bodies.show(ids, text)
        return found.count, ids

    def _filtered(self, query: tuple[str, str, int, str]) -> Found:
        text, *values = query
        own = {name: self._value(name, value) for name, value in zip(FILTERED, values, strict=True)}
        rest = [self._all(words(text)), self._value("reader", "all")]
        for name in FILTERED if self.counts else ():
            narrowed = self._must([*rest, *without(own, name).values()])
            self._searcher.aggregate(narrowed, {name: {"terms": {"field": name, "size": 100}}})
        return self._ask(self._must([rest[0], *own.values()]), text)

    def close(self) -> None:
        """Let go of the files."""
        self._writer.wait_merging_threads()

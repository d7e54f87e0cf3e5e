"""Search: our whole path against SQLite FTS5, PostgreSQL and tantivy, in one run, in CPU time.

Ours: query, rights filter, total, all facets, ten bodies from SQLite, marks. Peers: the same words
(cut by the same rjieba), rights, ten bodies, marks. Texts come from the folder ARCHIVE_BENCH_DATA
(default ../shared/data); skipped with a word when it is absent. ARCHIVE_BENCH_RECORDS (10000) are
as many as are wanted, also a million; ARCHIVE_BENCH_QUERIES (200) of each class are asked and
ARCHIVE_BENCH_QUESTIONS (1000); ARCHIVE_BENCH_CACHE (100) is how many MB ours keeps;
ARCHIVE_BENCH_ENGINES names those that run (ours fts5 postgresql tantivy). Called by
bench/__main__.py (`make bench`) and by hand.
"""

import multiprocessing
import os
import random
import re
import shutil
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pypinyin

from bench.search_data import QUERIES, RECORDS, Records, Row, load_questions, make_queries
from bench.search_peers import Fts5, Search, Tantivy, folder_size, has_tantivy
from bench.search_postgres import Postgres, has_postgres
from indexer import Entry, Index, SearchRequest, limit_cache
from indexer.posting_cache import USUAL_BYTES

READERS = frozenset({"all"})
COMMITS = 30
CACHE = int(os.environ.get("ARCHIVE_BENCH_CACHE", "0")) * 1_000_000 or USUAL_BYTES
SEARCHERS, SEARCHING_SECONDS, THINKING_SECONDS = 10, 10.0, 0.25
_ROOT = Path(__file__).resolve().parents[1]

_KINDS = {"counted": "warm, counted", "warm": "warm", "cold": "cold"}

Figures = dict[str, Any]


def run() -> str:
    """Measure and return a Markdown section."""
    folder = Path(os.environ.get("ARCHIVE_BENCH_DATA", _ROOT.parent / "shared" / "data"))
    if not (folder / "known_item_passages.jsonl.gz").exists():
        return f"## Search\n\nSkipped: no texts in {folder.name}/ (set ARCHIVE_BENCH_DATA).\n"
    place = Path(tempfile.mkdtemp(prefix="bench-search-"))
    try:
        records = Records(place, folder)
        queries, questions = make_queries(records), load_questions(records, folder)
        found = []
        for engine in _engines(place, records.db):
            print(f"… {engine.name}", file=sys.stderr, flush=True)
            found.append(measure(engine, records, queries, questions))
            if isinstance(engine, Ours):
                found[0] |= engine.suggestions(records.busy_customers(QUERIES))
                found[0] |= engine.under_load(queries["common"], records.first(200))
            engine.close()
        records.db.close()
    finally:
        shutil.rmtree(place)
    return report(found)


def _engines(place: Path, bodies: sqlite3.Connection) -> Iterator[Any]:
    """Ours first, then the peers that are here, each made when its turn has come."""
    wanted = os.environ.get("ARCHIVE_BENCH_ENGINES", "fts5 postgresql tantivy").split()
    yield Ours(place, bodies)
    if "fts5" in wanted:
        yield Fts5(place, bodies)
    if "postgresql" in wanted and has_postgres():
        yield Postgres(bodies)
    if "tantivy" in wanted and has_tantivy():
        yield Tantivy(place, bodies)


class Shown(NamedTuple):
    """What of a record is shown as found."""

    title: str
    body: str
    readers: frozenset[str]


class Ours:
    """The index of the product."""

    name = "ours"
    clock = staticmethod(time.process_time)

    def __init__(self, place: Path, bodies: sqlite3.Connection) -> None:
        self.folder = place / "index"
        limit_cache(CACHE)
        self._bodies = bodies
        self._index = Index.open(self.folder, self._load)
        self._added: dict[str, Entry] = {}

    def _load(self, ids: Sequence[str]) -> dict[str, Entry]:
        return {one: Entry(id=one, **own._asdict()) for one, own in self._texts(ids).items()}

    def _texts(self, ids: Sequence[str]) -> dict[str, "Shown"]:
        marks = ",".join("?" * len(ids))
        query = f"select id, title, body from r where id in ({marks})"
        found = self._bodies.execute(query, ids)
        known = {one: Shown(title, body, READERS) for one, title, body in found}
        more = ((one, self._added[one]) for one in ids if one in self._added)
        return known | {one: Shown(own.title, own.body, READERS) for one, own in more}

    def build(self, rows: Iterable[Row]) -> None:
        """Put all records in."""
        self._index.rebuild(map(entry, rows))

    def size(self) -> int:
        """What it takes on the disk, in bytes."""
        return folder_size(self.folder)

    def add(self, row: Row) -> None:
        """Put one record in, to be found at once."""
        self._added[row["id"]] = entry(row)
        self._index.apply([entry(row)])

    def searches(self) -> dict[str, Search]:
        """How each class of queries is asked; the empty name is for all others.

        What the server reads at its start is read.
        """
        self._index.warm()
        return {
            "phrase": lambda text: self._ask(f'"{text}"'),
            "four ORed": lambda several: self._ask(" OR ".join(several)),
            "customer+year+form": self._filtered,
            "sort by date": lambda text: self._ask(text, sort="date"),
            "": self._ask,
        }

    def question(self, text: str) -> tuple[int, list[str]]:
        """Ask for any of the words, or however questions are asked."""
        return self._ask(text)

    def _ask(self, text: str, **more: Any) -> tuple[int, list[str]]:
        request = SearchRequest(text, READERS, limit=10, **more)
        results = self._index.search(request, self._texts)
        return results.total, [hit.id for hit in results.hits]

    def _filtered(self, query: tuple[str, str, int, str]) -> tuple[int, list[str]]:
        text, customer, year, form = query
        filters = {"customer": (customer,), "year": (str(year),), "form": (form,)}
        return self._ask(text, filters=filters)

    def suggestions(self, customers: list[str]) -> Figures:
        """What is offered while a name is typed: two signs of it, or two letters of its sound."""
        found = {}
        signs = [name[:2] for name in customers]
        letters = [pypinyin.slug(one, separator="", style=pypinyin.FIRST_LETTER) for one in signs]
        for kind, typed in (("Han", signs), ("letters", letters)):
            taken = []
            for text in typed:
                started = self.clock()
                self._index.suggest(text, READERS)
                taken.append((self.clock() - started) * 1000)
            found[kind] = _p50_p99(taken)
        return {"suggestions": found}

    def under_load(self, asked: list[str], rows: list[Row]) -> Figures:
        """Ten people search, each a moment after the last answer, while a process writes."""
        context = multiprocessing.get_context("spawn")
        writer = context.Process(target=write_on, args=(self.folder, rows), daemon=True)
        writer.start()
        taken: list[float] = []
        ends = time.perf_counter() + SEARCHING_SECONDS + 3

        def search(number: int) -> None:
            chance = random.Random(number)
            while time.perf_counter() < ends:
                time.sleep(chance.random() * 2 * THINKING_SECONDS)
                started = time.perf_counter()
                self._ask(chance.choice(asked))
                taken.append((time.perf_counter() - started) * 1000)

        threads = [threading.Thread(target=search, args=(n,)) for n in range(SEARCHERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        writer.terminate()
        writer.join()
        return {"under load": _p50_p99(taken)}

    def close(self) -> None:
        """Let go of the files."""
        return


def write_on(folder: Path, rows: list[Row]) -> None:
    """Write one record after another until stopped; runs in a process of its own."""
    index = Index.open(folder, lambda _: {})
    while True:
        for row in rows:
            index.apply([entry({**row, "id": f"again-{row['id']}"})])
            time.sleep(0.05)


def entry(row: Row) -> Entry:
    """A row as the product would give it to the index."""
    names = ("id", "title", "body", "customer", "form", "year", "department", "date", "status")
    values = {name: row[name] for name in names}
    return Entry(**values, numbers=(row["number"],), readers=READERS)


def measure(
    engine: Any,
    records: Records,
    queries: dict[str, list[Any]],
    questions: list[tuple[str, str]],
) -> Figures:
    """Everything about one engine; times are CPU time in ms, but where it says wall."""
    before, own = _forget_peak(), _memory("RssAnon")
    started = engine.clock()
    engine.build(records)
    seconds = engine.clock() - started
    peak = _memory("VmHWM") - before
    searches = engine.searches()
    cold, warm, counted = {}, {}, {}
    for name, asked in queries.items():
        search = searches.get(name, searches[""])
        cold[name] = _times(engine, search, asked)
        _times(engine, search, asked)
        warm[name] = _times(engine, search, asked)
        counted[name] = _counted(engine, search, asked) or warm[name]
    ranks = [_rank(engine.question(text)[1], wanted) for text, wanted in questions]
    return {
        "name": engine.name,
        "build": len(records) / seconds,
        "size": engine.size() / 1e6,
        "peak": peak,
        "memory": _memory("RssAnon") - own,
        "cold": cold,
        "warm": warm,
        "counted": counted,
        "recall@1": sum(rank == 1 for rank in ranks) / len(ranks),
        "recall@10": sum(rank <= 10 for rank in ranks) / len(ranks),
        "commit": _commits(engine, records.first(COMMITS)),
    }


def _commits(engine: Any, rows: list[Row]) -> tuple[float, float]:
    """p50 in ms, CPU and wall, from handing in one record until a search has found it."""
    search = engine.searches()[""]
    cpu, wall = [], []
    for number, one in enumerate(rows):
        word = f"visible{number}x"
        row = {**one, "id": f"new-{number}", "body": one["body"] + "。" + word}
        started, spent = time.perf_counter(), engine.clock()
        engine.add(row)
        assert search(word)[0] == 1
        cpu.append((engine.clock() - spent) * 1000)
        wall.append((time.perf_counter() - started) * 1000)
    return statistics.median(cpu), statistics.median(wall)


def _times(engine: Any, search: Search, asked: list[Any]) -> tuple[float, float]:
    taken: list[float] = []
    for query in asked:
        started = engine.clock()
        search(query)
        taken.append((engine.clock() - started) * 1000)
    return _p50_p99(taken)


def _counted(engine: Any, search: Search, asked: list[Any]) -> tuple[float, float] | None:
    """The same with everything counted, of an engine that does not always count."""
    if not hasattr(engine, "counts"):
        return None
    engine.counts = True
    taken = _times(engine, search, asked)
    engine.counts = False
    return taken


def _p50_p99(taken: list[float]) -> tuple[float, float]:
    return statistics.median(taken), sorted(taken)[int(len(taken) * 0.99)]


def _rank(ids: list[str], wanted: str) -> int:
    return ids.index(wanted) + 1 if wanted in ids else 1000


def _forget_peak() -> float:
    """Let the peak of memory begin anew; return what is taken now, in MB."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _memory("VmRSS")


def _memory(name: str) -> float:
    text = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"{name}:\s+(\d+)", text)
    return int(found[1]) / 1024 if found else 0.0


def report(found: list[Figures]) -> str:
    """All side by side; p50 / p99."""
    ours = found[0]
    lines = [
        f"## Search ({RECORDS:,} records, whole path: query, rights, ten bodies, marks)",
        "",
        "Ours always has the full total, the facets (five have values here) and the histogram of "
        "dates, a filtered field counted without its own filter; the peers have all that in the "
        "row facet and where it says counted, else FTS5 and "
        "PostgreSQL count only the hits shown. Times are CPU time (of PostgreSQL with that of its "
        f"server's process), cold: the first of three rounds, warm: the third. {QUERIES} queries "
        "of each class; ours has read what the server reads at its start, and keeps up to "
        f"{CACHE // 1_000_000} MB of the rest.",
        "",
        "| | " + " | ".join(one["name"] for one in found) + " |",
        "|---" * (len(found) + 1) + "|",
        _row("build, tokenising included, records/s", found, lambda one: f"{one['build']:,.0f}"),
        _row("size, MB", found, lambda one: f"{one['size']:.0f}"),
        _row("memory over the start: peak of the build, MB", found, lambda o: f"{o['peak']:.0f}"),
        _row("own memory after the queries, MB", found, lambda o: f"{o['memory']:.0f}"),
        _row("one record until found, p50 CPU / wall ms", found, lambda o: _pair(o["commit"])),
    ]
    for kind in ("counted", "warm", "cold"):
        for name in ours[kind]:
            lines.append(_row(f"{name}, {_KINDS[kind]}", found, _cell(kind, name)))
    for name in ("recall@1", "recall@10"):
        lines.append(_row(name, found, lambda one, name=name: f"{one[name]:.3f}"))  # type: ignore[misc]
    p50, p99 = ours["under load"]
    offered = ", ".join(f"{kind} {_pair(one)}" for kind, one in ours["suggestions"].items())
    lines += [
        "",
        f"Suggestions of ours while the first two signs of a customer are typed: {offered} ms.",
        "",
        f"{SEARCHERS} searchers, each {THINKING_SECONDS} s on average after its last answer, while "
        f"a second process commits record after record: {p50:.1f} / {p99:.1f} ms wall (threads of "
        "one process).",
    ]
    return "\n".join(lines) + "\n"


def _row(title: str, found: list[Figures], cell: Callable[[Figures], str]) -> str:
    return f"| {title} | " + " | ".join(map(cell, found)) + " |"


def _cell(kind: str, name: str) -> Callable[[Figures], str]:
    return lambda one: _pair(one[kind][name])


def _pair(figures: tuple[float, float]) -> str:
    return f"{figures[0]:.2f} / {figures[1]:.2f}"


if __name__ == "__main__":
    print(run())

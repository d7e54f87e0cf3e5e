"""Search: our whole path against SQLite FTS5, in the same run, in CPU time.

10,000 records, or as many as ARCHIVE_BENCH_RECORDS says.

Ours: query, rights filter, ten bodies from SQLite, marks. FTS5: the same words (cut by the same
rjieba), joined with its table of metadata, ten bodies, marks. Texts come from the folder
ARCHIVE_BENCH_DATA (default ../shared/data); skipped with a word when it is absent.
Called by bench/__main__.py (`make bench`) and by hand.
"""

import gzip
import json
import os
import random
import re
import shutil
import sqlite3
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import rjieba

from indexer import Entry, Index, SearchRequest

RECORDS = int(os.environ.get("ARCHIVE_BENCH_RECORDS", "10000"))
QUESTIONS = 1_000
QUERIES = 200
READERS = frozenset({"all"})
_ROOT = Path(__file__).resolve().parents[1]
_WORD = re.compile(r"[\w\u3400-\u9fff]")
_FORMS = ("E01", "E05", "E10", "K05")
_DEPARTMENTS = ("销售部", "财务部", "法务部", "市场部", "行政部")
_STATUSES = ("已归档", "已归档", "已归档", "审批中", "草稿")
_STOPS = """
的 了 是 在 和 与 有 哪 什么 哪些 谁 多少 几 为 于 被 由 何 哪个 怎么 如何 吗 呢 年 个 哪里 哪一
因为 这 那 何时 何种 时候 请问 以及 之 而 对 从 到 中 上 下
"""
_STOP = set(_STOPS.split())

Row = dict[str, Any]
Search = Callable[[Any], tuple[int, list[str]]]


def run() -> str:
    """Measure and return a Markdown section."""
    folder = Path(os.environ.get("ARCHIVE_BENCH_DATA", _ROOT.parent / "shared" / "data"))
    if not (folder / "known_item_passages.jsonl.gz").exists():
        return f"## Search\n\nSkipped: no texts in {folder.name}/ (set ARCHIVE_BENCH_DATA).\n"
    rows, questions = load_rows(folder)
    queries = make_queries(rows)
    place = Path(tempfile.mkdtemp(prefix="bench-search-"))
    try:
        bodies = store_bodies(place, rows)
        ours = measure_ours(place, rows, queries, questions, bodies)
        peer = measure_fts5(place, rows, queries, questions, bodies)
        bodies.close()
    finally:
        shutil.rmtree(place)
    return report(ours, peer)


def load_rows(folder: Path) -> tuple[list[Row], list[tuple[str, str]]]:
    """Passages and statutes with made-up metadata; questions with the id that answers them."""
    chance = random.Random(7)
    customers = (folder / "customers_synthetic_full.txt").read_text("utf-8").splitlines()
    texts = [("k", one) for one in _lines(folder / "known_item_passages.jsonl.gz")]
    texts += [("l", one) for one in _lines(folder / "law_passages.jsonl.gz")]
    texts += [("m", one) for one in _mixed(texts, RECORDS - len(texts))]
    rows = []
    for number, (kind, one) in enumerate(texts[:RECORDS]):
        year, month = chance.randint(2008, 2025), chance.randint(1, 12)
        form = chance.choice(_FORMS)
        rows.append(
            {
                "id": f"{kind}{one.get('pid', one.get('id'))}",
                "title": one["title"],
                "body": one["body"],
                "customer": customers[int(len(customers) * chance.random() ** 2.2)],
                "form": form,
                "number": f"{form}-{year}-{number:05d}",
                "year": year,
                "department": chance.choice(_DEPARTMENTS),
                "date": f"{year}-{month:02d}-{chance.randint(1, 28):02d}",
                "status": chance.choice(_STATUSES),
            }
        )
    known = {row["id"] for row in rows}
    asked = list(_lines(folder / "known_item_questions_dev.jsonl.gz"))
    chance.shuffle(asked)
    questions = [(q["q"], f"k{q['pid']}") for q in asked if f"k{q['pid']}" in known]
    return rows, questions[:QUESTIONS]


def _mixed(texts: list[tuple[str, Any]], count: int) -> Iterator[dict[str, str]]:
    """More documents when there are not enough: paragraphs of the statutes put together anew."""
    chance = random.Random(13)
    laws = [one["body"] for kind, one in texts if kind == "l"]
    paragraphs = [line for body in laws for line in body.split("\n") if len(line) > 10]
    for number in range(count):
        target = max(200.0, min(2000.0, chance.lognormvariate(6.1, 0.5)))
        parts: list[str] = []
        while sum(map(len, parts)) < target:
            parts.append(chance.choice(paragraphs)[:600])
        yield {"id": str(number), "title": "综合材料", "body": "\n".join(parts)[:2000]}


def _lines(path: Path) -> list[Any]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def words(text: str) -> list[str]:
    """The peer's tokens."""
    return [w.lower() for w in rjieba.cut_for_search(text, True) if _WORD.match(w)]


def make_queries(rows: list[Row]) -> dict[str, list[Any]]:
    """Queries of each class, made from the words of the records themselves."""
    chance = random.Random(11)
    having: Counter[str] = Counter()
    samples = chance.sample(rows, min(2000, len(rows)))
    for row in samples:
        having.update({w for w in words(row["body"]) if len(w) > 1 and not w.isascii()})
    rare = [w for w, n in having.items() if n <= 3]
    common = [w for w, n in having.items() if n > len(samples) // 20]
    middle = [w for w, n in having.items() if 20 < n <= len(samples) // 20]
    phrases = [p for row in samples if (p := re.search("[\u4e00-\u9fff]{6,8}", row["body"]))]
    busy = Counter(row["customer"] for row in rows).most_common(200)
    by_customer = {name: [r for r in rows if r["customer"] == name] for name, _ in busy}
    filtered = []
    for name, own in by_customer.items():
        row = chance.choice(own)
        filtered.append((chance.choice(common), name, row["year"], row["form"]))
    return {
        "rare": chance.sample(rare, QUERIES),
        "common": [chance.choice(common) for _ in range(QUERIES)],
        "two ANDed": [f"{chance.choice(common)} {chance.choice(middle)}" for _ in range(QUERIES)],
        "phrase": [one.group() for one in chance.sample(phrases, QUERIES)],
        "customer+year+form": filtered,
        "facet": [chance.choice(common) for _ in range(QUERIES)],
    }


def store_bodies(place: Path, rows: list[Row]) -> sqlite3.Connection:
    """The records, as the product's database would hold them; both engines read ten from it."""
    db = sqlite3.connect(place / "records.db")
    db.execute("create table r(id text primary key, title text, body text)")
    db.executemany("insert into r values(:id, :title, :body)", rows)
    db.commit()
    return db


def measure_ours(
    place: Path,
    rows: list[Row],
    queries: dict[str, list[Any]],
    questions: list[tuple[str, str]],
    bodies: sqlite3.Connection,
) -> dict[str, Any]:
    def load(ids: Sequence[str]) -> dict[str, Entry]:
        marks = ",".join("?" * len(ids))
        found = bodies.execute(f"select id, title, body from r where id in ({marks})", list(ids))
        return {i: Entry(id=i, title=t, body=b, readers=READERS) for i, t, b in found}

    index = Index.open(place / "index", load)
    started = time.process_time()
    index.rebuild(_entry(row) for row in rows)
    seconds = time.process_time() - started

    def plain(text: str) -> tuple[int, list[str]]:
        results = index.search(SearchRequest(text, READERS, limit=10))
        return results.total, [hit.id for hit in results.hits]

    def filtered(query: tuple[str, str, int, str]) -> tuple[int, list[str]]:
        text, customer, year, form = query
        filters = {"customer": (customer,), "year": (str(year),), "form": (form,)}
        results = index.search(SearchRequest(text, READERS, filters, limit=10))
        return results.total, [hit.id for hit in results.hits]

    searches: dict[str, Search] = dict.fromkeys(queries, plain)
    searches["phrase"] = lambda text: plain(f'"{text}"')
    searches["customer+year+form"] = filtered
    return _measure(searches, queries, questions, plain, seconds, len(rows), place / "index")


def _entry(row: Row) -> Entry:
    return Entry(
        id=row["id"],
        title=row["title"],
        body=row["body"],
        customer=row["customer"],
        form=row["form"],
        numbers=(row["number"],),
        year=row["year"],
        department=row["department"],
        date=row["date"],
        status=row["status"],
        readers=READERS,
    )


def measure_fts5(
    place: Path,
    rows: list[Row],
    queries: dict[str, list[Any]],
    questions: list[tuple[str, str]],
    bodies: sqlite3.Connection,
) -> dict[str, Any]:
    path = place / "fts" / "fts.db"
    path.parent.mkdir()
    db = sqlite3.connect(path)
    started = time.process_time()
    _fill_fts5(db, rows)
    seconds = time.process_time() - started
    ranked = (
        "select m.id from t join m on m.n = t.rowid where t match ? and m.reader = 'all' {more}"
        " order by rank limit 10"
    )

    def show(ids: list[str], text: str) -> None:
        marks = ",".join("?" * len(ids))
        pattern = re.compile("|".join(map(re.escape, words(text))) or "(?!)", re.IGNORECASE)
        for _, body in bodies.execute(f"select id, body from r where id in ({marks})", ids):
            first = pattern.search(body)
            at = max(0, first.start() - 20) if first else 0
            pattern.sub(lambda m: f"[{m.group()}]", body[at : at + 120])

    def ask(match: str, text: str, more: str = "", values: tuple[Any, ...] = ()) -> list[str]:
        ids = [i for (i,) in db.execute(ranked.format(more=more), (match, *values))]
        show(ids, text)
        return ids

    def quoted(text: str) -> str:
        return " ".join(f'"{w}"' for w in words(text))

    def plain(text: str) -> tuple[int, list[str]]:
        ids = ask(quoted(text), text)
        return len(ids), ids

    def phrase(text: str) -> tuple[int, list[str]]:
        ids = ask('"' + " ".join(words(text)) + '"', text)
        return len(ids), ids

    def filtered(query: tuple[str, str, int, str]) -> tuple[int, list[str]]:
        more = "and m.customer = ? and m.year = ? and m.form = ?"
        ids = ask(quoted(query[0]), query[0], more, query[1:])
        return len(ids), ids

    def facet(text: str) -> tuple[int, list[str]]:
        for column in ("form", "year", "customer", "department", "status"):
            db.execute(
                f"select {column}, count(*) from t join m on m.n = t.rowid"
                f" where t match ? and m.reader = 'all' group by {column}",
                (quoted(text),),
            ).fetchall()
        return plain(text)

    def question(text: str) -> tuple[int, list[str]]:
        wanted = [w for w in dict.fromkeys(words(text)) if w not in _STOP]
        ids = ask(" OR ".join(f'"{w}"' for w in wanted), text)
        return len(ids), ids

    searches: dict[str, Search] = dict.fromkeys(queries, plain)
    searches |= {"phrase": phrase, "customer+year+form": filtered, "facet": facet}
    result = _measure(searches, queries, questions, question, seconds, len(rows), path.parent)
    db.close()
    return result


def _fill_fts5(db: sqlite3.Connection, rows: list[Row]) -> None:
    db.execute("pragma journal_mode=wal")
    db.execute(
        "create table m(n integer primary key, id, customer, form, year integer, department,"
        " status, reader)"
    )
    db.execute("create virtual table t using fts5(body, content='', tokenize='unicode61')")
    for n, row in enumerate(rows):
        values = [row[k] for k in ("id", "customer", "form", "year", "department", "status")]
        db.execute("insert into m values(?,?,?,?,?,?,?,'all')", (n, *values))
        text = " ".join(words(row["title"] + "\n" + row["body"]))
        db.execute("insert into t(rowid, body) values(?, ?)", (n, text))
    db.execute("create index mi on m(customer, year)")
    db.execute("insert into t(t) values('optimize')")
    db.commit()


def _measure(
    searches: dict[str, Search],
    queries: dict[str, list[Any]],
    questions: list[tuple[str, str]],
    ask: Search,
    seconds: float,
    count: int,
    folder: Path,
) -> dict[str, Any]:
    times = {name: _times(searches[name], asked) for name, asked in queries.items()}
    ranks = [_rank(ask(text)[1], wanted) for text, wanted in questions]
    return {
        "build": count / seconds,
        "size": sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6,
        "times": times,
        "recall@1": sum(rank == 1 for rank in ranks) / len(ranks),
        "recall@10": sum(rank <= 10 for rank in ranks) / len(ranks),
    }


def _times(search: Search, asked: list[Any]) -> tuple[float, float]:
    """(p50, p99) in ms of the second of two rounds."""
    taken: list[float] = []
    for _ in range(2):
        taken = []
        for query in asked:
            started = time.process_time()
            search(query)
            taken.append((time.process_time() - started) * 1000)
    return statistics.median(taken), sorted(taken)[int(len(taken) * 0.99)]


def _rank(ids: list[str], wanted: str) -> int:
    return ids.index(wanted) + 1 if wanted in ids else 1000


def report(ours: dict[str, Any], peer: dict[str, Any]) -> str:
    """Both side by side; a ratio above 1 means that we are ahead."""
    lines = [
        f"## Search ({RECORDS:,} records, whole path: query, rights, ten bodies, marks)",
        "",
        "FTS5 counts only the hits shown and (but for the row facet) no facets; ours always has "
        "the full total and all five facets. Times are CPU time, warm: the second of two rounds.",
        "",
        "| | ours | SQLite FTS5 + rjieba | ratio |",
        "|---|---|---|---|",
        f"| build, records/s | {ours['build']:,.0f} | {peer['build']:,.0f} "
        f"| {ours['build'] / peer['build']:.2f} |",
        f"| size, MB | {ours['size']:.0f} | {peer['size']:.0f} "
        f"| {peer['size'] / ours['size']:.2f} |",
    ]
    for name, (p50, p99) in ours["times"].items():
        other50, other99 = peer["times"][name]
        lines.append(
            f"| {name}, p50 / p99 ms | {p50:.2f} / {p99:.2f} | {other50:.2f} / {other99:.2f} "
            f"| {other50 / p50:.2f} / {other99 / p99:.2f} |"
        )
    for name in ("recall@1", "recall@10"):
        ratio = ours[name] / peer[name]
        lines.append(f"| {name} | {ours[name]:.3f} | {peer[name]:.3f} | {ratio:.2f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(run())

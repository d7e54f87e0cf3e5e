"""What the search is measured with: records, known-item questions, queries of each class.

Called by bench/search.py and its peers. The records lie in SQLite and are read one after another:
a million of them would not fit in memory. Not here: the engines, the clock.
"""

import gzip
import json
import os
import random
import re
import sqlite3
from collections import Counter
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

import rjieba

RECORDS = int(os.environ.get("ARCHIVE_BENCH_RECORDS", "10000"))
QUESTIONS = int(os.environ.get("ARCHIVE_BENCH_QUESTIONS", "1000"))
QUERIES = int(os.environ.get("ARCHIVE_BENCH_QUERIES", "200"))
_ROOT = Path(__file__).resolve().parents[1]
_WORD = re.compile(r"[\w\u3400-\u9fff]")
_FORMS = ("E01", "E05", "E10", "K05")
_DEPARTMENTS = ("销售部", "财务部", "法务部", "市场部", "行政部")
_STATUSES = ("已归档", "已归档", "已归档", "审批中", "草稿")
_STOPS = """
的 了 是 在 和 与 有 哪 什么 哪些 谁 多少 几 为 于 被 由 何 哪个 怎么 如何 吗 呢 年 个 哪里 哪一
因为 这 那 何时 何种 时候 请问 以及 之 而 对 从 到 中 上 下
"""
STOP = set(_STOPS.split())

Row = dict[str, Any]
_COLUMNS = [
    "id",
    "title",
    "body",
    "customer",
    "form",
    "number",
    "year",
    "department",
    "date",
    "status",
]


class Records:
    """The records, as the product's database would hold them; every engine reads ten from it."""

    def __init__(self, place: Path, folder: Path) -> None:
        """Write them to a file in ``place``, made of the texts in ``folder``."""
        self.db = sqlite3.connect(place / "records.db", check_same_thread=False)
        columns = ", ".join(_COLUMNS[1:])
        self.db.execute(f"create table r(id text primary key, {columns})")
        values = ", ".join(f":{name}" for name in _COLUMNS)
        self.db.executemany(f"insert into r values({values})", _rows(folder))
        self.db.execute("create index by_customer on r(customer)")
        self.db.commit()

    def __len__(self) -> int:
        return int(self.db.execute("select count(*) from r").fetchone()[0])

    def __iter__(self) -> Iterator[Row]:
        return self._read("order by rowid")

    def first(self, count: int) -> list[Row]:
        """The first so many."""
        return list(self._read("order by rowid limit ?", count))

    def sample(self, count: int, chance: random.Random) -> list[Row]:
        """So many, taken by chance."""
        places = chance.sample(range(1, len(self) + 1), min(count, len(self)))
        marks = ",".join("?" * len(places))
        return list(self._read(f"where rowid in ({marks}) order by rowid", *places))

    def busy_customers(self, count: int) -> list[str]:
        """Those with the most records."""
        query = "select customer from r group by customer order by count(*) desc, customer limit ?"
        return [name for (name,) in self.db.execute(query, (count,))]

    def of_customer(self, name: str) -> list[Row]:
        """All records of a customer."""
        return list(self._read("where customer = ? order by rowid", name))

    def has(self, entry_id: str) -> bool:
        """Say whether there is a record of this id."""
        return self.db.execute("select 1 from r where id = ?", (entry_id,)).fetchone() is not None

    def _read(self, rest: str, *values: Any) -> Iterator[Row]:
        query = f"select {', '.join(_COLUMNS)} from r {rest}"
        return (dict(zip(_COLUMNS, row, strict=True)) for row in self.db.execute(query, values))


def _rows(folder: Path) -> Iterator[Row]:
    """Passages and statutes with made-up metadata."""
    chance = random.Random(7)
    customers = (folder / "customers_synthetic_full.txt").read_text("utf-8").splitlines()
    texts = [("k", one) for one in _lines(folder / "known_item_passages.jsonl.gz")]
    texts += [("l", one) for one in _lines(folder / "law_passages.jsonl.gz")]
    more = (("m", one) for one in _mixed(texts, RECORDS - len(texts)))
    for number, (kind, one) in enumerate(chain(texts[:RECORDS], more)):
        year, month = chance.randint(2008, 2025), chance.randint(1, 12)
        form = chance.choice(_FORMS)
        yield {
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


def load_questions(records: Records, folder: Path) -> list[tuple[str, str]]:
    """Questions with the id of the record that answers them."""
    asked = list(_lines(folder / "known_item_questions_dev.jsonl.gz"))
    random.Random(17).shuffle(asked)
    known = ((q["q"], f"k{q['pid']}") for q in asked)
    return list(islice((one for one in known if records.has(one[1])), QUESTIONS))


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


def make_queries(records: Records) -> dict[str, list[Any]]:
    """Queries of each class, made from the words of the records themselves."""
    chance = random.Random(11)
    having: Counter[str] = Counter()
    samples = records.sample(2000, chance)
    for row in samples:
        having.update({w for w in words(row["body"]) if len(w) > 1 and not w.isascii()})
    rare = [w for w, n in having.items() if n <= 3]
    common = [w for w, n in having.items() if n > len(samples) // 20]
    middle = [w for w, n in having.items() if 20 < n <= len(samples) // 20]
    phrases = [p for row in samples if (p := re.search("[\u4e00-\u9fff]{6,8}", row["body"]))]
    filtered = []
    for name in records.busy_customers(QUERIES):
        row = chance.choice(records.of_customer(name))
        filtered.append((chance.choice(common), name, row["year"], row["form"]))
    return {
        "rare": chance.sample(rare, QUERIES),
        "common": [chance.choice(common) for _ in range(QUERIES)],
        "two ANDed": [f"{chance.choice(common)} {chance.choice(middle)}" for _ in range(QUERIES)],
        "four ORed": [chance.sample(middle, 4) for _ in range(QUERIES)],
        "phrase": [one.group() for one in chance.sample(phrases, QUERIES)],
        "customer+year+form": filtered,
        "sort by date": [chance.choice(common) for _ in range(QUERIES)],
        "facet": [chance.choice(common) for _ in range(QUERIES)],
    }

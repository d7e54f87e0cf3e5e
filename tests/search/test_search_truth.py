"""The truth table: what people type at an archive's counter, and exactly what must come up.

The papers are in truth/papers.toml, the queries in truth/queries.txt; a query that brings one
paper too many fails as one that brings one too few.
"""

import re
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from indexer import Entry, Index, SearchRequest

FOLDER = Path(__file__).parent / "truth"
TODAY = date(2024, 6, 18)
READERS = frozenset({"archive"})


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    kind: str
    text: str
    wanted: frozenset[str]
    note: str


def load_papers() -> dict[str, Entry]:
    papers = tomllib.loads((FOLDER / "papers.toml").read_text("utf-8"))["paper"]
    return {
        one["id"]: Entry(
            **{
                key: tuple(value) if isinstance(value, list) else value
                for key, value in one.items()
            },
            readers=READERS,
        )
        for one in papers
    }


def load_rows() -> list[Row]:
    rows: list[Row] = []
    kind = ""
    for line in (FOLDER / "queries.txt").read_text("utf-8").splitlines():
        if re.fullmatch(r"\[[^\[\]]+\]", line):
            kind = line[1:-1]
        elif " =>" in line and not line.startswith("#"):
            rows.append(read_row(kind, line))
    return rows


def read_row(kind: str, line: str) -> Row:
    text, _, rest = line.partition(" =>")
    ids, _, note = rest.partition("!!")
    text = re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), text)
    return Row(kind, text, frozenset(ids.split()), note.strip())


PAPERS = load_papers()
ROWS = load_rows()


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    def load(ids):
        return {one: PAPERS[one] for one in ids if one in PAPERS}

    index = Index.open(tmp_path_factory.mktemp("truth"), load)
    index.rebuild(PAPERS.values())
    return index


def test_table_is_whole():
    assert len(ROWS) >= 300
    assert all(row.kind and row.wanted <= set(PAPERS) for row in ROWS)
    assert len({row.text for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.kind}: {row.text}" for row in ROWS])
def test_exactly_these_papers_come_up(index, row):
    results = index.search(SearchRequest(row.text, READERS, limit=100, today=TODAY))
    assert {hit.id for hit in results.hits} == row.wanted
    assert results.total == len(row.wanted)
    assert not row.note or any(row.note in note for note in results.notes)

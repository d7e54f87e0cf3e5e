"""PostgreSQL as a peer of the search: words cut outside, GIN over a tsvector, ts_rank.

A server of the bench's own, as .ci/test-postgres starts one; skipped where none is installed.
Called by bench/search.py.
"""

import os
import shutil
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import psycopg

from bench.search_data import STOP, Row, words
from bench.search_peers import (
    FACETS,
    FILTERED,
    Bodies,
    Found,
    Search,
    conditions,
    counting,
    without,
)

_TABLE = """
create table d as select id, customer, form, year, department, status, day, 'all' as reader,
to_tsvector('simple', words) as v from staged;
drop table staged;
create index on d using gin(v);
create index on d(customer, year);
create index on d(day);
"""
_STAGED = "id text, customer text, form text, year int, department text, status text, day int"
_QUIET = "set jit = off; set max_parallel_workers_per_gather = 0; set work_mem = '64MB'"
_SERVER = "-c fsync=off -c shared_buffers=512MB -c max_parallel_maintenance_workers=0"
_FROM = "from d, to_tsquery('simple', %s) q where v @@ q and reader = 'all'"
_INSERT = "insert into d values(%s, %s, %s, %s, %s, %s, %s, 'all', to_tsvector('simple', %s))"


def has_postgres() -> bool:
    """Say whether a server can be started."""
    return _bin() is not None


def _bin() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


class Postgres:
    """A table with a tsvector of the same words."""

    name = "PostgreSQL"

    def __init__(self, bodies: sqlite3.Connection) -> None:
        self._bodies = Bodies(bodies)
        self.counts = False
        self._folder = Path(tempfile.mkdtemp(prefix="bench-pg-"))
        self._folder.chmod(0o755)
        if os.getuid() == 0:  # PostgreSQL refuses to run as root
            shutil.chown(self._folder, "postgres")
        data = self._folder / "data"
        self._run("initdb", "-D", data, "-U", "bench", "-A", "trust", "-E", "UTF8",
                  "--locale=C.UTF-8")  # fmt: skip
        options = f"{_SERVER} -c listen_addresses='' -c unix_socket_directories={self._folder}"
        self._run("pg_ctl", "-D", data, "-l", self._folder / "log", "-w", "start", "-o", options)
        self._db = psycopg.connect(
            f"host={self._folder} user=bench dbname=postgres", autocommit=True
        )
        self._db.execute(_QUIET)
        self._server = Path(f"/proc/{self._db.info.backend_pid}/schedstat")

    def _run(self, program: str, *arguments: Any) -> None:
        as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        command = [*as_user, str(_bin()) + "/" + program, *map(str, arguments)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/")

    def clock(self) -> float:
        """CPU seconds of this process and of the server's that serves it."""
        return time.process_time() + int(self._server.read_text("ascii").split()[0]) / 1e9

    def build(self, rows: Iterable[Row]) -> None:
        """Put all records in."""
        self._db.execute(f"create unlogged table staged({_STAGED}, words text)")
        with self._db.cursor() as cursor, cursor.copy("copy staged from stdin") as copy:
            for row in rows:
                copy.write_row(_values(row))
        for statement in _TABLE.strip().split(";")[:-1]:
            self._db.execute(statement.encode())
        self._db.execute("vacuum analyze d")

    def add(self, row: Row) -> None:
        """Put one record in, to be found at once."""
        self._db.execute(_INSERT, _values(row))

    def size(self) -> int:
        """What the table takes with its indexes, in bytes."""
        found = self._db.execute("select pg_total_relation_size('d')").fetchone()
        return int(found[0]) if found else 0

    def searches(self) -> dict[str, Search]:
        """How each class of queries is asked; the empty name is for all others."""
        return {
            "phrase": lambda text: self._ask(_joined(" <-> ", words(text)), text),
            "four ORed": lambda several: self._ask(
                " | ".join(f"({_all(text)})" for text in several), several[0]
            ),
            "customer+year+form": self._filtered,
            "sort by date": lambda text: self._ask(_all(text), text, order="day desc"),
            "facet": lambda text: self._ask(_all(text), text, counts=True),
            "": lambda text: self._ask(_all(text), text),
        }

    def question(self, text: str) -> Found:
        """Ask for any of the words, or however questions are asked."""
        wanted = [w for w in dict.fromkeys(words(text)) if w not in STOP]
        return self._ask(_joined(" | ", wanted), text)

    def _ask(
        self, asked: str, text: str, more: str = "", values: tuple[Any, ...] = (),
        order: str = "ts_rank(v, q, 1) desc", counts: bool = False,
    ) -> Found:  # fmt: skip
        if counts or self.counts:
            found = f"select {', '.join(FACETS)}, day / 100 as month {_FROM} {more}"
            self._db.execute(counting(found).encode(), (asked, *values)).fetchall()
        query = f"select id {_FROM} {more} order by {order} limit 10"
        ids = [one[0] for one in self._db.execute(query.encode(), (asked, *values))]
        self._bodies.show(ids, text)
        return len(ids), ids

    def _filtered(self, query: tuple[str, str, int, str]) -> Found:
        text, *values = query
        wanted = dict(zip(FILTERED, values, strict=True))
        for name in FILTERED if self.counts else ():
            more, rest = conditions("d", without(wanted, name), "%s")
            count = f"select {name}, count(*) {_FROM} {more} group by 1"
            self._db.execute(count.encode(), (_all(text), *rest)).fetchall()
        more, rest = conditions("d", wanted, "%s")
        return self._ask(_all(text), text, more, rest)

    def close(self) -> None:
        """Stop the server and remove what it kept."""
        self._db.close()
        self._run("pg_ctl", "-D", self._folder / "data", "-m", "immediate", "stop")
        shutil.rmtree(self._folder)


def _values(row: Row) -> tuple[Any, ...]:
    names = ("id", "customer", "form", "year", "department", "status")
    day = int(row["date"].replace("-", ""))
    return (*(row[name] for name in names), day, " ".join(words(row["title"] + "\n" + row["body"])))


def _all(text: str) -> str:
    return _joined(" & ", words(text))


def _joined(sign: str, several: list[str]) -> str:
    return sign.join("'" + one.replace("'", "''") + "'" for one in several)

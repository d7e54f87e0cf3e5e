"""Counts of what the server does: how many requests, how long they took.

By route and method, never by address or person. The memory is shared: the web processes forked
from one each count on a page of their own, so that none waits for another and none is lost, and
whoever is asked adds the pages up. Read by ``/metrics``.
"""

import mmap
import threading
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from flask import Flask

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
PAGES = 16  # web processes of one server at most
KINDS = 10  # first digit of a status
OTHER = ("-", "other")
_TOTAL = len(BOUNDS) + 1
_WIDTH = _TOTAL + 1 + KINDS


@dataclass(frozen=True)
class Histogram:
    """How many requests fell under each bound, and their whole time in seconds."""

    counts: list[int]
    total: float

    def cumulative(self) -> Iterator[tuple[str, int]]:
        """Yield each bound as text, and how many took no longer."""
        running = 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self.counts, strict=True):
            running += count
            yield bound, running


class Meters:
    """The counters of the series (method, route) given; safe to share between threads."""

    def __init__(self, series: list[tuple[str, str]]) -> None:
        self.page = 0
        self._rows = {one: row for row, one in enumerate([OTHER, *series])}
        shape = (PAGES, len(self._rows), _WIDTH)
        self._memory = mmap.mmap(-1, 8 * PAGES * len(self._rows) * _WIDTH)
        self._cells = np.frombuffer(self._memory, dtype=np.float64).reshape(shape)
        self._lock = threading.Lock()

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request; one of no known series counts as ``other``."""
        cells = self._cells[self.page, self._rows.get((method, route), 0)]
        with self._lock:
            cells[bisect_left(BOUNDS, seconds)] += 1
            cells[_TOTAL] += seconds
            cells[_TOTAL + 1 + status // 100] += 1

    def times(self) -> dict[tuple[str, str], Histogram]:
        """Return how long requests took, by method and route."""
        sums = self._cells.sum(axis=0)
        return {
            one: Histogram([int(n) for n in sums[row, :_TOTAL]], float(sums[row, _TOTAL]))
            for one, row in self._rows.items()
            if sums[row, :_TOTAL].any()
        }

    def answers(self) -> dict[tuple[str, str, str], int]:
        """Return how many answers there were, by method, route and kind of status."""
        sums = self._cells.sum(axis=0)[:, _TOTAL + 1 :]
        return {
            (*one, f"{kind}xx"): int(sums[row, kind])
            for one, row in self._rows.items()
            for kind in np.flatnonzero(sums[row]).tolist()
        }


def open_meters(app: Flask) -> None:
    """Give an app that has all its routes its counters."""
    known = {
        (method, rule.rule) for rule in app.url_map.iter_rules() for method in rule.methods or ()
    }
    app.extensions["meters"] = Meters(sorted(known))


def meters_of(app: Flask) -> Meters:
    """Return the counters of an app."""
    meters: Meters = app.extensions["meters"]
    return meters

"""Counts of what the server does, kept in this process: how many requests, how long they took.

By route and method, never by address or person. Read by ``/metrics``.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)  # seconds
MOST_SERIES = 2000


@dataclass
class Histogram:
    """How many requests fell under each bound, and their whole time in seconds."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    total: float = 0.0

    def cumulative(self) -> Iterator[tuple[str, int]]:
        """Yield each bound as text, and how many took no longer."""
        running = 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), self.counts, strict=True):
            running += count
            yield bound, running


class Meters:
    """The counters of one process; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._times: dict[tuple[str, str], Histogram] = {}
        self._answers: dict[tuple[str, str, str], int] = {}

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        kind = f"{status // 100}xx"
        with self._lock:
            if len(self._times) >= MOST_SERIES and (method, route) not in self._times:
                method, route = "-", "other"
            times = self._times.setdefault((method, route), Histogram())
            times.counts[bisect_left(BOUNDS, seconds)] += 1
            times.total += seconds
            key = (method, route, kind)
            self._answers[key] = self._answers.get(key, 0) + 1

    def times(self) -> dict[tuple[str, str], Histogram]:
        """Return how long requests took, by method and route."""
        with self._lock:
            return {key: Histogram(list(one.counts), one.total) for key, one in self._times.items()}

    def answers(self) -> dict[tuple[str, str, str], int]:
        """Return how many answers there were, by method, route and kind of status."""
        with self._lock:
            return dict(self._answers)


METERS = Meters()

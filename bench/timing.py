"""How the measurements take time: CPU and wall per call, both sides in turn."""

import statistics
import time
from collections.abc import Callable, Sequence

Figures = tuple[float, float]


def in_turn(
    sides: dict[str, Callable[[], object]], rounds: int, warmup: int = 2, batch: int = 1
) -> dict[str, Figures]:
    """Call the sides A B A B …; return each side's median CPU and wall, in milliseconds.

    With a batch every turn is so many calls, and its mean counts: short calls are then measured
    warm, not in the cache that the other side has left.
    """
    cpu: dict[str, list[float]] = {name: [] for name in sides}
    wall: dict[str, list[float]] = {name: [] for name in sides}
    for count in range(rounds + warmup):
        for name, call in sides.items():
            began, spent = time.perf_counter(), time.process_time()
            for _ in range(batch):
                call()
            if count >= warmup:
                cpu[name].append((time.process_time() - spent) * 1e3 / batch)
                wall[name].append((time.perf_counter() - began) * 1e3 / batch)
    return {name: (statistics.median(cpu[name]), statistics.median(wall[name])) for name in sides}


def percentile(times: Sequence[float], share: float) -> float:
    """Return the time that so large a share of them does not exceed."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))]

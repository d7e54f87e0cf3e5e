"""How often one address may ask for something that costs work."""

import threading
import time
from collections import OrderedDict, deque

from archive.core.errors import Throttled

MOST_ADDRESSES = 10_000


class Limit:
    """At most ``most`` times in ``seconds`` for each address; safe to share between threads."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most = most
        self._seconds = seconds
        self._asked: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def check(self, address: str) -> None:
        """Count one time; raise Throttled where it is one too many."""
        now = time.monotonic()
        with self._lock:
            times = self._asked.setdefault(address, deque())
            self._asked.move_to_end(address)
            while times and times[0] <= now - self._seconds:
                times.popleft()
            if len(times) >= self._most:
                raise Throttled("操作太频繁，请过一分钟再试。")
            times.append(now)
            while len(self._asked) > MOST_ADDRESSES:
                self._asked.popitem(last=False)

    def clear(self) -> None:
        """Forget who asked; for tests."""
        with self._lock:
            self._asked.clear()

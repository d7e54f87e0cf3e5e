"""Arrays that were read and scored already: one bounded store for all segments of a process.

What was not asked for longest goes first; so do those of segments that were merged away. Safe to
use from several threads. Not here: reading (segment, joined).
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from itertools import count
from typing import Any, Protocol, TypeVar

USUAL_BYTES = 100_000_000
"""What a process keeps where nothing is said (see ARCHIVE_SEARCH_CACHE)."""


class Sized(Protocol):
    """An array, or several."""

    @property
    def nbytes(self) -> int:
        """Memory taken."""


T = TypeVar("T", bound=Sized)


class PostingCache:
    """Keeps at most `limit` bytes of arrays."""

    def __init__(self, limit: int = USUAL_BYTES) -> None:
        self.limit = limit
        self._kept: OrderedDict[Hashable, Any] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def kept(self, key: Hashable, read: Callable[[], T]) -> T:
        """What `read` gives, from the cache where it was read before; not to be changed."""
        with self._lock:
            found: T | None = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
                return found
        found = read()
        self._put(key, found)
        return found

    def _put(self, key: Hashable, found: Sized) -> None:
        with self._lock:
            before = self._kept.pop(key, None)
            self._bytes += found.nbytes - (before.nbytes if before is not None else 0)
            self._kept[key] = found
            while self._bytes > self.limit and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= dropped.nbytes


CACHE = PostingCache()


def limit_cache(size: int) -> None:
    """Let this process, and those forked from it, keep at most so many bytes each."""
    CACHE.limit = size


next_number = count().__next__
"""A number for each thing that keeps arrays here: the first part of its keys."""

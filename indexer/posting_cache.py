"""Postings that were read and scored already: one bounded store for all segments of a process.

What was not asked for longest goes first; so do those of segments that were merged away. Safe to
use from several threads. Not here: reading (segment).
"""

import threading
from collections import OrderedDict
from collections.abc import Hashable

from indexer.postings import Postings

CACHE_BYTES = 400_000_000


class PostingCache:
    """Keeps at most `CACHE_BYTES` of arrays."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, Postings] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Postings | None:
        """What is kept under a key."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Hashable, found: Postings) -> None:
        """Keep something; what was kept under the key before goes."""
        with self._lock:
            before = self._kept.pop(key, None)
            self._bytes += found.size_in_bytes - (before.size_in_bytes if before else 0)
            self._kept[key] = found
            while self._bytes > CACHE_BYTES and len(self._kept) > 1:
                _, dropped = self._kept.popitem(last=False)
                self._bytes -= dropped.size_in_bytes

"""How often one caller may ask: a bucket that a request empties and time fills again.

The memory is shared: web processes forked from one know of each other's requests. Two of them at
the same instant may count one request less, which a limit against floods can bear; none ever reads
a half of what another writes, for each number is written whole, by itself. Used by every request
(``archive.web.pace``) and by the pages that anybody may ask.
"""

import hashlib
import math
import mmap
import secrets
import threading
from time import monotonic

from archive.core.errors import Throttled

CALLERS = 1 << 16  # places; who comes to the place of another begins anew, and so does the other
_WORDS = 3  # of a place: mark of the caller, requests left, at which second


class TooFast(Throttled):
    """A caller asks too fast; ``seconds`` is how long to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"操作太频繁，请过 {seconds} 秒再试。")
        self.seconds = seconds


class Pace:
    """A bucket of ``most`` requests for each caller that fills again within a minute."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, CALLERS * _WORDS * 8)
        self._marks = memoryview(self._memory).cast("Q")
        self._numbers = memoryview(self._memory).cast("d")
        self._salt = secrets.token_bytes(16)  # nobody chooses whose place they come to
        self._lock = threading.Lock()

    def check(self, caller: str, most: int) -> None:
        """Count a request; raise TooFast where it is one too many."""
        seconds = self.wait(caller, most)
        if seconds:
            raise TooFast(seconds)

    def wait(self, caller: str, most: int) -> int:
        """Count a request; return 0, or after how many seconds another is taken."""
        now, rate = monotonic(), most / 60
        place, mark = self._place(caller)
        with self._lock:
            left, at = float(most), now
            if self._marks[place] == mark:
                left, at = self._numbers[place + 1], self._numbers[place + 2]
            left = min(float(most), left + (now - at) * rate)
            is_taken = left >= 1
            self._numbers[place + 1] = left - 1 if is_taken else left
            self._numbers[place + 2] = now
            self._marks[place] = mark  # last: whose numbers these are
        return 0 if is_taken else math.ceil((1 - left) / rate)

    def forget(self) -> None:
        """Forget who asked; for tests."""
        self._memory[:] = bytes(len(self._memory))

    def _place(self, caller: str) -> tuple[int, int]:
        digest = hashlib.blake2b(
            caller.encode("utf-8", "replace"), key=self._salt, digest_size=16
        ).digest()
        mark = int.from_bytes(digest[8:]) or 1
        return int.from_bytes(digest[:8]) % CALLERS * _WORDS, mark

"""How fast one caller may ask: so many requests a minute, then 429 with the time to wait.

A caller is a session or a token; who has neither is an address, and so are all the callers of one
address together, who may be an office behind one door. A bucket is filled all the time and
emptied by a request, so that a page with its pictures is never refused. Kept in the memory of
this process. Called by the app (``register``); settings say how many (``ARCHIVE_PACE``, 0: off).
"""

import hashlib
import math
import threading
from collections import OrderedDict
from time import monotonic

from flask import Flask, current_app, request

from archive.core.errors import Throttled
from archive.core.resources import Resources
from archive.people.gate import COOKIE, client_address

MOST_CALLERS = 20_000
SHARED = 20  # people of one address who may all be busy
FREE = ("static", "bootstrap.static", "trust.healthz", "health.metrics")


class Pace:
    """A bucket of ``most`` requests for each caller that fills again within a minute."""

    def __init__(self) -> None:
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, caller: str, most: int) -> int:
        """Count a request; return 0, or after how many seconds another is taken."""
        now, rate = monotonic(), most / 60
        with self._lock:
            left, at = self._left.pop(caller, (float(most), now))
            left = min(float(most), left + (now - at) * rate)
            is_taken = left >= 1
            self._left[caller] = (left - 1 if is_taken else left, now)
            while len(self._left) > MOST_CALLERS:
                self._left.popitem(last=False)
        return 0 if is_taken else math.ceil((1 - left) / rate)


def register(app: Flask) -> None:
    """Hold every caller of the app to the pace that is set."""
    pace = Pace()

    def check() -> None:
        parts: Resources = current_app.extensions["archive"]
        most = parts.settings.pace
        if not most or request.endpoint in FREE:
            return
        seconds = pace.wait(client_address(), most * SHARED) or pace.wait(_caller(), most)
        if seconds:
            raise TooFast(seconds)

    app.before_request_funcs.setdefault(None, []).insert(0, check)


class TooFast(Throttled):
    """A caller asks too fast; ``seconds`` is how long to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"操作太频繁，请过 {seconds} 秒再试。")
        self.seconds = seconds


def _caller() -> str:
    """Return a mark of who asks; a secret is not kept, only its digest."""
    secret = request.cookies.get(COOKIE) or request.headers.get("Authorization")
    if not secret:
        return f"nobody {client_address()}"
    return hashlib.sha256(f"{client_address()} {secret}".encode("utf-8", "replace")).hexdigest()

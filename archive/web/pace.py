"""Every caller of the app is held to a pace: so many requests a minute, then 429 with the wait.

A caller is a session or a token; who has neither is an address, and so are all the callers of one
address together, who may be an office behind one door. A bucket is filled all the time and
emptied by a request, so that a page with its pictures is never refused. Called by the app
(``register``); settings say how many (``ARCHIVE_PACE``, 0: off).
"""

from flask import Flask, current_app, request

from archive.core.pace import Pace
from archive.core.resources import Resources
from archive.people.gate import COOKIE, client_address

SHARED = 20  # people of one address who may all be busy
FREE = ("static", "bootstrap.static", "trust.healthz", "health.metrics")


def register(app: Flask) -> None:
    """Hold every caller of the app to the pace that is set."""
    pace = Pace()

    def check() -> None:
        parts: Resources = current_app.extensions["archive"]
        most = parts.settings.pace
        if not most or request.endpoint in FREE:
            return
        pace.check(client_address(), most * SHARED)
        pace.check(_caller(), most)

    app.before_request_funcs.setdefault(None, []).insert(0, check)


def _caller() -> str:
    """Return a mark of who asks."""
    secret = request.cookies.get(COOKIE) or request.headers.get("Authorization")
    return f"{client_address()} {secret}" if secret else f"nobody {client_address()}"

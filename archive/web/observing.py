"""Every request gets a number, is counted and, where the log is JSON, written down.

The number comes from the proxy (``X-Request-ID``) where it is a plain one, and is sent back with
the answer, so that a person can tell it to whoever reads the log.
"""

import logging
import re
import secrets
import time

from flask import Flask, Response, current_app, g, request

from archive.core.logs import request_id
from archive.core.meters import meters_of, open_meters
from archive.core.resources import Resources

log = logging.getLogger("archive.requests")

HEADER = "X-Request-ID"
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}")


def register(app: Flask) -> None:
    """Watch every request of the app, which has all its routes by now."""
    app.before_request_funcs.setdefault(None, []).insert(0, _begin)
    app.after_request(_end)
    open_meters(app)


def _begin() -> None:
    sent = request.headers.get(HEADER, "")
    g.began = time.perf_counter()
    request_id.set(sent if _PLAIN.fullmatch(sent) else secrets.token_hex(8))


def _end(response: Response) -> Response:
    route = request.url_rule.rule if request.url_rule else "-"
    method = request.method if request.method in METHODS else "-"
    seconds = time.perf_counter() - g.get("began", time.perf_counter())
    meters_of(current_app).note(method, route, response.status_code, seconds)
    response.headers[HEADER] = request_id.get()
    parts: Resources = current_app.extensions["archive"]
    if parts.settings.log_as_json and (request.endpoint or "").rpartition(".")[2] != "static":
        told = {"method": method, "route": route, "status": response.status_code}
        log.info("request", extra=told | {"ms": round(seconds * 1000, 1)})
    return response

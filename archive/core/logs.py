"""The log: lines for people, or one JSON object a line for programs; no personal data in either.

A request is known by its number (``X-Request-ID``) and its route as written in the code, never
by the address that was asked for: addresses hold names, searched words and secrets. Of an error
the kind and the places in the code are kept, not its text, which may repeat what was typed.
"""

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

request_id: ContextVar[str] = ContextVar("request_id", default="")
EXTRA = ("method", "route", "status", "ms")


class JsonLines(logging.Formatter):
    """Formats a record as one JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line: time (UTC), level, logger, message, request, and what it is about."""
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if number := request_id.get():
            said["request_id"] = number
        said |= {name: vars(record)[name] for name in EXTRA if name in vars(record)}
        if record.exc_info and record.exc_info[0] is not None:
            said["error"] = record.exc_info[0].__name__
            frames = traceback.extract_tb(record.exc_info[2])
            said["at"] = [f"{one.filename}:{one.lineno} {one.name}" for one in frames[-12:]]
        return json.dumps(said, ensure_ascii=False, default=str)


def set_up_logging(*, as_json: bool, level: int = logging.INFO) -> None:
    """Let the log of this process be JSON lines on stderr; plain lines stay as they are."""
    if not as_json:
        return
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [out]
    root.setLevel(level)

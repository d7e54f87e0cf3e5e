"""How large a request may be, and how one is refused that is larger: always in words.

The application holds uploads, forms and the number of their fields; the web server under it, which
keeps a body on disk before anybody looks at it, holds what comes in at all. Called by the app
(``register``) and by ``archive serve`` (``open_server``).
"""

import json
import socket
from typing import Any

from flask import Flask, request
from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import ErrorTask

from archive.core.errors import TooLarge
from archive.web.errors import CODES
from archive.web.wording import SENTENCES

UPLOAD_LIMIT = 64 << 20
FORM_LIMIT = 8 << 20
MOST_FIELDS = 50_000
MOST_BODY = 2 * UPLOAD_LIMIT  # what is a little too large still gets a whole page as its answer
MOST_HEAD = 64 << 10  # the address and all headers together
_FORM = "application/x-www-form-urlencoded"


def register(app: Flask) -> None:
    """Hold the sizes in the app, before anything is done with a form."""
    app.config.update(MAX_CONTENT_LENGTH=UPLOAD_LIMIT, MAX_FORM_MEMORY_SIZE=FORM_LIMIT)
    app.before_request_funcs.setdefault(None, []).insert(0, check_form)


def check_form() -> None:
    """Raise for a form that is larger, or has more fields, than any page of ours has."""
    if request.mimetype != _FORM:
        return  # forms of parts are measured while they are read, part by part
    request.max_content_length = FORM_LIMIT
    if sum(len(values) for values in request.form.listvalues()) > MOST_FIELDS:
        raise TooLarge(f"表单里的项目太多，一次最多 {MOST_FIELDS:,} 项。请分几次提交。")


def open_server(app: Any, taken: socket.socket, **settings: Any) -> Any:
    """Return a web server at a socket that refuses what is too large before it is read."""
    server = create_server(
        app,
        sockets=[taken],
        max_request_body_size=MOST_BODY,
        max_request_header_size=MOST_HEAD,
        ident="",
        asyncore_use_poll=True,  # select knows no more than 1,024 open files
        **settings,
    )
    server.channel_class = _Channel
    return server


class _Refused(ErrorTask):
    """What the server refuses before the application sees it: a status and one sentence."""

    def execute(self) -> None:
        """Answer as the application would, without its pages."""
        task: Any = self  # waitress knows no types
        status = task.request.error.code
        message = SENTENCES.get(status, SENTENCES[400])
        kind, body = "text/plain", message
        if (getattr(task.request, "path", "") or "").startswith("/api/"):
            told = {"code": CODES.get(status, "bad_request"), "message": message, "fields": {}}
            kind, body = "application/json", json.dumps({"error": told}, ensure_ascii=False)
        content = body.encode()
        task.status = f"{status} {task.request.error.reason}"
        task.response_headers += [
            ("Content-Type", f"{kind}; charset=utf-8"),
            ("X-Content-Type-Options", "nosniff"),
            ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
            ("Cache-Control", "no-store"),
        ]
        task.set_close_on_finish()
        task.content_length = len(content)
        task.write(content)


class _Channel(HTTPChannel):
    error_task_class = _Refused

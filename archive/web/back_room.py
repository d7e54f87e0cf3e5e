"""Who only looks is answered in front; what changes something is done in the back room.

An act may compute for a tenth of a second (a signature, a submission), and Python computes in one
thread of a process at a time: pages and searches of the same process would wait for it. So
``archive serve`` keeps two kinds of web processes. Those in front take the connections and answer
all that only looks; the rest they hand on, over a socket in the folder of the running server, to
those in the back room, which give way to them. Where nobody is in the back room, acts are done in
front. Not here: the processes themselves (cli.processes).
"""

import os
import socket
from collections.abc import Iterable, Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse, InvalidURL
from pathlib import Path
from threading import BoundedSemaphore
from typing import TYPE_CHECKING

from flask import Flask

from archive.core.errors import Unavailable

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SEATS = 8  # requests a process works on at once; those it handed on only wait
PEER = "localhost"  # what the back room calls whoever comes by its socket
_ONLY_LOOK = frozenset({"GET", "HEAD", "OPTIONS"})
_ONE_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "upgrade", "date", "server"})
_BLOCK = 64 * 1024
_BROKEN_OFF = "这件事在办理中被中断，可能没有办成。请先看看是否已经办好，没有办好再办一次。"


class Place:
    """Where the back room is reached: a socket in a folder that is the server's alone.

    The folder is named by its number in this process, which forked ones share: a socket's path
    may have a hundred signs at most, and the server's folder may lie deeper.
    """

    def __init__(self, folder: Path) -> None:
        (folder / "back-room").unlink(missing_ok=True)  # of a server that was killed
        self._folder = os.open(folder, os.O_PATH | os.O_DIRECTORY)
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listening.bind(self._path)
        (folder / "back-room").chmod(0o600)
        self.listening.listen(1024)

    @property
    def _path(self) -> str:
        return f"/proc/self/fd/{self._folder}/back-room"

    def connect(self) -> socket.socket:
        """Return a connection; raises OSError where nobody listens."""
        taken = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            taken.connect(self._path)
        except OSError:
            taken.close()
            raise
        return taken


class FrontDesk:
    """The application as a process in front answers for it."""

    def __init__(self, app: Flask, place: Place) -> None:
        self._app = app
        self._place = place
        self._seats = BoundedSemaphore(SEATS)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        """Answer, or have answered."""
        if environ["REQUEST_METHOD"] in _ONLY_LOOK:
            return self._answer(environ, start_response)
        connection = HTTPConnection(PEER)
        try:
            connection.sock = self._place.connect()
        except OSError:
            return self._answer(environ, start_response)
        try:
            answer = _ask(connection, environ)
        except (ValueError, InvalidURL):  # it cannot be said again as it came: nothing was sent
            connection.close()
            return self._answer(environ, start_response)
        except (OSError, HTTPException):
            connection.close()
            return self._refuse(environ, start_response)
        headers = [one for one in answer.getheaders() if one[0].lower() not in _ONE_HOP]
        start_response(f"{answer.status} {answer.reason}", headers)
        return _Body(connection, answer)

    def _answer(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        with self._seats:
            return self._app(environ, start_response)

    def _refuse(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        with self._app.request_context(environ):
            told = self._app.handle_user_exception(Unavailable(_BROKEN_OFF))
            answer = self._app.process_response(self._app.make_response(told))
            return answer(environ, start_response)


def _ask(connection: HTTPConnection, environ: "WSGIEnvironment") -> HTTPResponse:
    """Hand a request on as it came, with the address it came from and how."""
    length = environ.get("CONTENT_LENGTH") or "0"
    headers = {
        name[5:].replace("_", "-"): value
        for name, value in environ.items()
        if name.startswith("HTTP_") and name[5:].replace("_", "-").lower() not in _ONE_HOP
    }
    headers |= {
        "Content-Length": length,
        "X-Forwarded-For": environ["REMOTE_ADDR"],
        "X-Forwarded-Proto": environ["wsgi.url_scheme"],
    }
    if environ.get("CONTENT_TYPE"):
        headers["Content-Type"] = environ["CONTENT_TYPE"]
    target = environ[
        "REQUEST_URI"
    ]  # as it was sent: what was unquoted is not quoted the same again
    connection.request(environ["REQUEST_METHOD"], target, environ["wsgi.input"], headers)
    return connection.getresponse()


class _Body:
    """What the back room answers, block by block."""

    def __init__(self, connection: HTTPConnection, answer: HTTPResponse) -> None:
        self._connection = connection
        self._answer = answer

    def __iter__(self) -> Iterator[bytes]:
        while block := self._answer.read(_BLOCK):
            yield block

    def close(self) -> None:
        """Let go of the connection."""
        self._answer.close()
        self._connection.close()

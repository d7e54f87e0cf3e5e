"""The processes of ``archive serve``: web processes in front and in the back room, and a worker.

Python computes in one thread of a process at a time, so that each core gets web processes of its
own, two where nothing is said (``ARCHIVE_WEB_PROCESSES``): one in front, at the listening socket,
and one in the back room (see web.back_room), which gives way to it, as the worker does. They are
forked from the first, which has loaded everything and then only keeps them: one that dies is
started again, and none outlives the first.
"""

import errno
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, Protocol

from flask import Flask

from archive.core.errors import Conflict, Invalid
from archive.core.meters import meters_of
from archive.core.resources import Resources
from archive.search.store import warm_index
from archive.web.back_room import PEER, SEATS, FrontDesk, Place
from archive.web.sizes import open_server
from indexer.confined import die_with_parent

WAITERS = 56  # threads more in front, for what was handed on: they only wait
GIVES_WAY = 10
CONNECTIONS = 2000  # browsers keep several open each; one above the limit waits a minute
WAITING = 1024  # connections the kernel keeps for a process that is busy
# Each statement gives the interpreter up; with Python's own 5 ms a request of fifty statements
# beside one that computes would wait a quarter of a second, mostly with the write lock in hand.
TURN_SECONDS = 0.0005
LOOK_SECONDS = 0.5
END_SECONDS = 20.0

_TERM = (signal.SIGTERM,)
_FORK = multiprocessing.get_context("fork")


class Process(Protocol):
    """What is kept running."""

    def is_alive(self) -> bool:
        """Say whether it runs."""

    def terminate(self) -> None:
        """Ask it to end."""

    def join(self, timeout: float) -> None:
        """Wait for its end, at most so many seconds."""

    def kill(self) -> None:
        """End it at once."""


class Crew:
    """The processes that are kept: each is started by a function, and again when it died.

    SIGTERM and Ctrl-C are taken down and seen to between two looks, never in the middle of a
    start: a process that nobody knew of yet would not be told to end.
    """

    def __init__(self, starts: list[Callable[[], Process]]) -> None:
        self._is_told = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._tell)
        self._starts = starts
        self._running = [start() for start in starts]

    def _tell(self, *_: object) -> None:
        self._is_told = True

    def keep(self) -> None:
        """Start again what dies, until this process is told to stop."""
        while True:
            time.sleep(LOOK_SECONDS)
            if self._is_told:
                return
            for place, start in enumerate(self._starts):
                if not self._running[place].is_alive():
                    self._running[place] = start()

    def stop(self) -> None:
        """End all and wait for them; one that does not end in time is killed."""
        for one in self._running:
            one.terminate()
        ends = time.monotonic() + END_SECONDS
        for one in self._running:
            one.join(max(0.1, ends - time.monotonic()))
            if one.is_alive():
                one.kill()
                one.join(5)


def listen(host: str, port: int) -> socket.socket:
    """Return the socket all web processes take their connections from.

    Raises Conflict where another program listens there, Invalid for an address not to be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=WAITING)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise Conflict(
                f"端口 {port} 已被占用。请停掉占用它的程序，或用 --port 换一个端口。"
            ) from error
        why = f"不能在 {host} 的端口 {port} 上监听（{error.strerror}）"
        raise Invalid(
            f"{why}。请检查 --host 是不是这台机器的地址、--port 是不是允许用。"
        ) from error


def start_web(
    app: Flask, resources: Resources, taken: socket.socket, room: Place | None, number: int
) -> Process:
    """Fork a web process in front, which hands on to the back room where there is one.

    No connection of the database may be open in this one.
    """

    def serve() -> None:
        proxy = resources.settings.sign_in.proxy
        desk = FrontDesk(app, room) if room else app
        threads = SEATS + WAITERS if room else SEATS
        _serve(app, desk, resources, number, taken, threads=threads, **_believes(proxy))

    return _forked(serve)


def start_back(app: Flask, resources: Resources, room: Place, number: int) -> Process:
    """Fork a web process of the back room; the same holds."""

    def serve() -> None:
        os.nice(GIVES_WAY)
        _serve(app, app, resources, number, room.listening, threads=SEATS, **_believes(PEER))

    return _forked(serve)


def _believes(proxy: str) -> dict[str, Any]:
    """Whose word on the caller's address and scheme a server takes: our own proxy's."""
    named = {"x-forwarded-for", "x-forwarded-proto"} if proxy else set()
    return {"trusted_proxy": proxy or None, "trusted_proxy_headers": named}


def _forked(serve: Callable[[], None]) -> Process:
    process = _FORK.Process(target=serve)
    signal.pthread_sigmask(signal.SIG_BLOCK, _TERM)  # until it has a hand for it of its own
    process.start()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _TERM)
    return process


def start_worker() -> Process:
    """Start a worker: the same program, from its beginning."""
    return _Command([sys.executable, "-m", "archive.cli", "worker"])


class _Command:
    """A program that runs, with the verbs of a forked process."""

    def __init__(self, command: list[str]) -> None:
        self._popen = subprocess.Popen(command, preexec_fn=_helps)  # noqa: PLW1509  # no threads here
        self.terminate, self.kill = self._popen.terminate, self._popen.kill

    def is_alive(self) -> bool:
        return self._popen.poll() is None

    def join(self, timeout: float) -> None:
        try:
            self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return


def _kept() -> None:
    """Make this process one of the first's: it ends with it, and Ctrl-C is for the first alone."""
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _helps() -> None:
    _kept()
    os.nice(GIVES_WAY)


def _serve(
    app: Flask,
    answers: Any,
    resources: Resources,
    number: int,
    taken: socket.socket,
    **settings: Any,
) -> None:
    """Answer requests until SIGTERM."""

    def leave(*_: object) -> None:
        raise SystemExit(0)

    _kept()
    sys.setswitchinterval(TURN_SECONDS)
    signal.signal(signal.SIGTERM, leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _TERM)
    meters_of(app).page = number
    resources.afterwards.put_off()
    warm_index(resources)  # done already, but for one that is started again
    server = open_server(
        answers,
        taken,
        connection_limit=CONNECTIONS,
        clear_untrusted_proxy_headers=True,
        **settings,
    )
    try:
        server.run()
    finally:
        server.close()
        resources.afterwards.settle()
        resources.database.dispose()

"""One office for several processes: a converter served on a socket, and its client.

Bytes only, never pickles; both sides prove the shared key. The worker process serves the
office it owns, the web process asks for conversions: `serve_converter` and
`SocketConverter`. An address is a path (Unix socket) or (host, port).
"""

import contextlib
import json
import threading
import time
from multiprocessing import AuthenticationError
from multiprocessing.connection import (
    Client,
    Connection,
    Listener,
    answer_challenge,
    deliver_challenge,
)
from pathlib import Path
from types import TracebackType
from typing import Self

from doc_templates.errors import (
    BadTemplate,
    ConversionFailed,
    ConversionTimeout,
    ConverterError,
    ConverterMissing,
    ConverterUnavailable,
    FormError,
    UnsafeDocument,
)
from doc_templates.pdf import Converter

Address = str | tuple[str, int]
MAX_DOCUMENT = 256 * 1024 * 1024
MAX_WAITING = 32
HANDSHAKE = 10.0
DONE, REFUSED = b"\x00", b"\x01"
KINDS: dict[str, type[FormError]] = {
    kind.__name__: kind
    for kind in (
        BadTemplate,
        UnsafeDocument,
        ConverterMissing,
        ConversionTimeout,
        ConversionFailed,
        ConverterError,
    )
}
BROKEN = (EOFError, OSError, AuthenticationError)


def serve_converter(converter: Converter, address: Address, authkey: bytes) -> "ConverterServer":
    """Serve a converter on an address from threads of this process; close it when done."""
    server = ConverterServer(converter, address, authkey)
    server.start()
    return server


class ConverterServer:
    """Accepts connections and answers each with the PDF of the document it sent."""

    def __init__(self, converter: Converter, address: Address, authkey: bytes) -> None:
        self.converter = converter
        self.authkey = authkey
        if isinstance(address, str):
            Path(address).unlink(missing_ok=True)
        self._listener = Listener(address)
        if isinstance(address, str):
            Path(address).chmod(0o600)
        self.address: Address = self._listener.address
        self._closed = threading.Event()
        self._places = threading.BoundedSemaphore(MAX_WAITING)
        self._thread = threading.Thread(target=self._accept, name="converter", daemon=True)

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread.start()

    def close(self) -> None:
        """Stop accepting; what is being converted is still answered."""
        self._closed.set()
        with contextlib.suppress(*BROKEN):
            Client(self.address).close()  # wakes the accepting thread
        self._thread.join(HANDSHAKE)
        self._listener.close()

    def __enter__(self) -> Self:
        """Return itself; the server is closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close the server."""
        self.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                connection = self._listener.accept()
            except BROKEN:
                continue
            if self._closed.is_set() or not self._places.acquire(blocking=False):
                connection.close()
                continue
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        try:
            with connection, contextlib.suppress(*BROKEN):
                _prove(connection, self.authkey, is_server=True)
                if connection.poll(HANDSHAKE):
                    connection.send_bytes(self._answer(connection.recv_bytes(MAX_DOCUMENT)))
        finally:
            self._places.release()

    def _answer(self, docx: bytes) -> bytes:
        try:
            return DONE + self.converter.to_pdf(docx)
        except FormError as error:
            refusal = {"kind": type(error).__name__, "message": error.message}
            return REFUSED + json.dumps(refusal).encode()


class SocketConverter:
    """Asks the process that owns the office.

    A lost connection is tried again for ``patience`` seconds: the other process may just be
    starting, or starting again.
    """

    def __init__(
        self, address: Address, authkey: bytes, deadline: float = 240.0, patience: float = 1.0
    ) -> None:
        self.address = address
        self.authkey = authkey
        self.deadline = deadline
        self.patience = patience

    def to_pdf(self, docx: bytes) -> bytes:
        """Return the PDF; raise what the converter raised, or ConverterUnavailable."""
        began = time.monotonic()
        while time.monotonic() - began < min(self.patience, self.deadline):
            try:
                return self._ask(docx, began + self.deadline)
            except ConverterUnavailable:
                time.sleep(min(0.5, self.patience))
        return self._ask(docx, began + self.deadline)

    def _ask(self, docx: bytes, ends: float) -> bytes:
        try:
            with Client(self.address) as connection:
                _prove(connection, self.authkey, is_server=False)
                connection.send_bytes(docx)
                if not connection.poll(max(0.0, ends - time.monotonic())):
                    raise ConversionTimeout(f"等了 {self.deadline:.0f} 秒没有等到 PDF，请稍后再试")
                answer = connection.recv_bytes()
        except AuthenticationError as error:
            raise ConverterUnavailable("转换服务的密钥不对，请重新启动服务") from error
        except BROKEN as error:
            raise ConverterUnavailable("转换 PDF 的服务没有运行或中途断开，请稍后再试") from error
        if answer[:1] == DONE:
            return answer[1:]
        refusal = json.loads(answer[1:])
        raise KINDS.get(refusal["kind"], ConverterError)(refusal["message"])


def _prove(connection: Connection, authkey: bytes, *, is_server: bool) -> None:
    """Both sides prove the key to each other; a silent peer is given up."""
    for step in (deliver_challenge, answer_challenge)[:: 1 if is_server else -1]:
        if step is answer_challenge and not connection.poll(HANDSHAKE):
            raise EOFError
        step(connection, authkey)

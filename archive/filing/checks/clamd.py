"""Asks a ClamAV daemon about a stream of bytes: INSTREAM, over a socket, with limits.

``ARCHIVE_CLAMD`` names it: a path of a Unix socket, or host:port. Whatever goes wrong is told as
"away", never as clean. Protocol: clamd(8), zINSTREAM: chunks of four bytes length (big endian)
and as many bytes, ended by a length of zero; the answer ends with a zero byte.
"""

import socket
import struct
from typing import BinaryIO

from archive.filing.checks.facts import Scan

PIECE = 1 << 16
SECONDS = 30.0
MOST_ANSWER = 4096
_CLEAN, _FOUND, _ERROR = "OK", "FOUND", "ERROR"


def scan_stream(address: str, stream: BinaryIO, seconds: float = SECONDS) -> Scan:
    """Return what the scanner says of the bytes; ``away`` when it cannot say."""
    try:
        with _connect(address, seconds) as line:
            answer = _ask(line, stream)
    except TimeoutError:
        return Scan(away="病毒扫描程序太久没有回答")
    except OSError as wrong:
        return Scan(away=f"病毒扫描程序连不上（{wrong.strerror or '地址不对'}）")
    return _told(answer)


def _connect(address: str, seconds: float) -> socket.socket:
    if address.startswith("/"):
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        line.settimeout(seconds)
        try:
            line.connect(address)
        except OSError:
            line.close()
            raise
        return line
    host, _, port = address.rpartition(":")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=seconds)


def _ask(line: socket.socket, stream: BinaryIO) -> bytes:
    line.sendall(b"zINSTREAM\0")
    try:
        while piece := stream.read(PIECE):
            line.sendall(struct.pack(">I", len(piece)) + piece)
        line.sendall(struct.pack(">I", 0))
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has said why (a size limit) and hung up
    answer = b""
    while not answer.endswith(b"\0") and len(answer) < MOST_ANSWER:
        piece = line.recv(MOST_ANSWER)
        if not piece:
            break
        answer += piece
    return answer


def _told(answer: bytes) -> Scan:
    text = answer.rstrip(b"\0\n").decode("utf-8", "replace").removeprefix("stream: ")
    if text == _CLEAN:
        return Scan()
    if text.endswith(_FOUND):
        return Scan(found=text.removesuffix(_FOUND).strip()[:120])
    why = text.removesuffix(_ERROR).strip()[:120]
    return Scan(away=f"病毒扫描程序没有给出结论（{why or '没有回答'}）")

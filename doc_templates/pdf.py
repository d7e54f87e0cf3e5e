"""Word to PDF: the Converter protocol and the LibreOffice that keeps it.

OfficeConverter owns one warm office in a process group of its own: throw-away profile, no
network, no macros, a deadline for every document, started again after a crash, a hang or
200 documents, or when it has grown large. A document is never lost: it is tried twice, then
refused with a word. Several offices are in pdf_pool.py, sharing them between processes is in
pdf_socket.py.
"""

import json
import os
import selectors
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self, cast

from doc_templates.errors import ConversionFailed, ConversionTimeout
from doc_templates.faces import lacking_letters
from doc_templates.office_profile import (
    environment,
    find_office,
    profile_url,
    single_office_pipe,
    write_profile,
)
from doc_templates.package import read_package
from doc_templates.rare_letters import with_rare_letters_apart
from indexer.children import as_child, end, hand_over_to_child, read_made
from indexer.confined import Bounds

WORKER = Path(__file__).with_name("office_worker.py")
FOLDER = "archive-office-"
DEADLINE = 90.0
START_DEADLINE = 120.0
RECYCLE_AFTER = 200
MOST_MEMORY = 1024 * 1024 * 1024
MAX_PDF = 500 * 1024 * 1024
SOCKETS = ("/tmp",)  # noqa: S108 - LibreOffice's own place for its pipes


class Converter(Protocol):
    """Turns a Word file into a PDF."""

    def to_pdf(self, docx: bytes) -> bytes:
        """Return the PDF; raise a ConverterError with a Chinese message."""
        ...


class OfficeConverter:
    """A warm LibreOffice; safe to call from several threads, one document at a time."""

    def __init__(
        self,
        *,
        font_folder: Path | None = None,
        deadline: float = DEADLINE,
        recycle_after: int = RECYCLE_AFTER,
        most_memory: int = MOST_MEMORY,
        soffice: str = "soffice",
        python: str = "/usr/bin/python3",
    ) -> None:
        self.font_folder = font_folder
        self.deadline = deadline
        self.recycle_after = recycle_after
        self.most_memory = most_memory
        self.soffice = soffice
        self.python = python
        self._turn = threading.Lock()
        self._office: _Office | None = None

    def to_pdf(self, docx: bytes) -> bytes:
        """Return the document as PDF/A-2b, tagged.

        Raises UnsafeDocument for what must not be opened, ConverterMissing, ConversionTimeout
        or ConversionFailed after the second try.
        """
        parts = read_package(docx)
        with self._turn:
            try:
                return self._convert_once(docx, parts)
            except (ConversionTimeout, ConversionFailed):
                return self._convert_once(docx, parts)

    def start(self) -> None:
        """Start the office ahead of the first document."""
        with self._turn:
            self._running()

    def close(self) -> None:
        """End the office and remove everything it left."""
        with self._turn:
            self._stop()

    def __enter__(self) -> Self:
        """Return itself; the office is closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close the office."""
        self.close()

    @property
    def process_group(self) -> int | None:
        """The office's process group, None while none runs."""
        return self._office.process.pid if self._office else None

    def _convert_once(self, docx: bytes, parts: Mapping[str, bytes]) -> bytes:
        office = self._running()
        try:
            apart = with_rare_letters_apart(docx, parts, office.lacking)
            pdf = office.convert(apart, self.deadline)
        except BaseException:  # whatever it was, the next try gets a fresh office
            self._stop()
            raise
        if office.converted >= self.recycle_after or office.memory > self.most_memory:
            self._stop()
        return pdf

    def _running(self) -> "_Office":
        if self._office is not None and self._office.is_dead():
            self._stop()
        if self._office is None:
            self._office = _Office(self.soffice, self.python, self.font_folder)
        return self._office

    def _stop(self) -> None:
        if self._office is not None:
            self._office.kill()
            self._office = None


class _Office:
    """One running office and its worker, in one process group and one throw-away folder."""

    def __init__(self, soffice: str, python: str, font_folder: Path | None) -> None:
        office, interpreter = find_office(soffice, python)
        _sweep_folders()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
        self.pipe = self.folder.name
        self.converted = 0
        self.memory = 0
        write_profile(self.folder, font_folder)
        worker = str(shutil.copy(WORKER, self.folder))  # where whoever it runs as can read it
        self.lacking = lacking_letters(str(self.folder / "fonts.conf"))
        bounds = Bounds(None, None, output=MAX_PDF, sockets=SOCKETS, is_lasting=True)
        self.process = subprocess.Popen(
            as_child([interpreter, "-I", worker, office, profile_url(self.folder), self.pipe]),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**environment(self.folder), **hand_over_to_child(self.folder, bounds)},
            cwd="/",  # where whoever it runs as may be; root's own folder is closed to others
            start_new_session=True,
        )
        self.requests = cast(IO[bytes], self.process.stdin)
        self.answers = cast(IO[bytes], self.process.stdout)
        self._unread = b""
        try:
            self._answer(START_DEADLINE)
        except BaseException:
            self.kill()
            raise

    def convert(self, docx: bytes, deadline: float) -> bytes:
        """Return the PDF of one document."""
        source, target = self.folder / "in.docx", self.folder / "out.pdf"
        source.write_bytes(docx)
        source.chmod(0o644)
        request = {"source": str(source), "target": str(target)}
        try:
            self.requests.write(json.dumps(request).encode() + b"\n")
            self.requests.flush()
            answer = self._answer(deadline)
            if not answer.get("ok"):
                raise ConversionFailed("LibreOffice 打不开这份 Word 文件，请检查模板后再试")
            if target.lstat().st_size >= MAX_PDF:
                raise ConversionFailed("生成的 PDF 太大，请减少内容或缩小图片")
            pdf = read_made(target, MAX_PDF)
        except OSError as error:
            raise ConversionFailed("LibreOffice 中途停了，请稍后再试一次") from error
        finally:
            source.unlink(missing_ok=True)
            target.unlink(missing_ok=True)
        self.converted += 1
        self.memory = int(str(answer.get("memory", 0)))
        return pdf

    def is_dead(self) -> bool:
        """Whether the worker has ended."""
        return self.process.poll() is not None

    def kill(self) -> None:
        """Kill the whole group, and remove folder and pipe."""
        end(self.process)
        _remove_traces(self.folder)

    def _answer(self, deadline: float) -> dict[str, object]:
        """Return the next answer; raise ConversionTimeout, or ConversionFailed on its death."""
        ends = time.monotonic() + deadline
        with selectors.DefaultSelector() as selector:
            selector.register(self.answers, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, ends - time.monotonic())):
                    raise ConversionTimeout(f"转换 PDF 超过 {deadline:.0f} 秒没有完成，已停止")
                received = os.read(self.answers.fileno(), 65536)
                if not received:
                    raise ConversionFailed("LibreOffice 意外停止，请稍后再试一次")
                self._unread += received
        line, _, self._unread = self._unread.partition(b"\n")
        return cast(dict[str, object], json.loads(line))


def _remove_traces(folder: Path) -> None:
    """Remove an office's folder and the two sockets that a killed one leaves in /tmp."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in (folder.name, single_office_pipe(folder)):
        for left in Path("/tmp").glob(f"OSL_PIPE_*_{name}"):  # noqa: S108 (LibreOffice's own place)
            left.unlink(missing_ok=True)


def _sweep_folders() -> None:
    """Remove what offices of processes that were killed have left."""
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}*-*"):
        owner = folder.name.removeprefix(FOLDER).split("-")[0]
        if owner.isdigit() and not Path(f"/proc/{owner}").exists():
            _remove_traces(folder)

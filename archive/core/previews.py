"""Pictures of PDF pages, and a small memory of what was made lately.

pdfium is not thread-safe: every call of it goes through one lock. The memory is bounded
by bytes, safe for threads, and makes the same thing once even when asked twice at a time.
"""

import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pypdfium2

from archive.core.errors import Invalid, NotFound
from archive.core.pdfium import PDFIUM

MEMORY_LIMIT = 48 * 1024 * 1024
WIDTHS = range(120, 2001)


class RecentBytes:
    """The most recently used results by key, at most so many bytes in all."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}

    @property
    def size(self) -> int:
        """How many bytes are kept."""
        return self._size

    def get_or_make(self, key: str, make: Callable[[], bytes]) -> bytes:
        """Return what is kept under the key, or make and keep it; a failure is not kept."""
        with self._turn(key):
            found = self._find(key)
            if found is None:
                found = make()
                self._keep(key, found)
            return found

    def forget_all(self) -> None:
        """Let go of everything kept: what it was made of may be gone."""
        with self._lock:
            self._kept.clear()
            self._size = 0

    @contextmanager
    def _turn(self, key: str) -> Iterator[None]:
        """Wait until nobody else makes the same thing."""
        with self._lock:
            turn = self._making.setdefault(key, threading.Lock())
        with turn:
            try:
                yield
            finally:
                with self._lock:
                    self._making.pop(key, None)

    def _find(self, key: str) -> bytes | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _keep(self, key: str, content: bytes) -> None:
        if len(content) > self._limit:
            return
        with self._lock:
            self._size += len(content) - len(self._kept.pop(key, b""))
            self._kept[key] = content
            while self._size > self._limit:
                _, oldest = self._kept.popitem(last=False)
                self._size -= len(oldest)


RECENT = RecentBytes(MEMORY_LIMIT)


def count_pages(pdf: bytes) -> int:
    """Return how many pages a PDF has; raise Invalid for bytes that are no PDF."""
    with _opened(pdf) as document:
        return len(document)


def page_png(pdf: bytes, page: int, width_px: int) -> bytes:
    """Return one page (from 1) as a PNG of about ``width_px`` pixels; raise NotFound."""
    width = min(max(width_px, WIDTHS[0]), WIDTHS[-1])
    with _opened(pdf) as document:
        if not 1 <= page <= len(document):
            raise NotFound(f"没有第 {page} 页，这份文件共 {len(document)} 页。")
        sheet = document[page - 1]
        picture = sheet.render(scale=width / sheet.get_width()).to_pil()
    out = io.BytesIO()
    picture.save(out, "PNG", compress_level=3)
    return out.getvalue()


@contextmanager
def _opened(pdf: bytes) -> Iterator[pypdfium2.PdfDocument]:
    with PDFIUM:
        try:
            document = pypdfium2.PdfDocument(pdf)
            document.init_forms()  # without it the signatures are not drawn
        except pypdfium2.PdfiumError as error:
            raise Invalid("这份文件不是能打开的 PDF。") from error
        try:
            yield document
        finally:
            document.close()

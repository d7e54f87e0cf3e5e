"""Several warm offices behind one converter: as many documents at once as there are offices.

One LibreOffice converts one document at a time; each runs in a process group of its own and is
started when it is first needed. Called by the worker; one office alone is in pdf.py.
"""

import queue
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from doc_templates.errors import ConversionTimeout, ConverterUnavailable
from doc_templates.pdf import DEADLINE, MOST_MEMORY, RECYCLE_AFTER, OfficeConverter

MOST_OFFICES = 16
PATIENCE = 200.0


class OfficePool:
    """Gives every document to an office that is free; waits when all are busy.

    A document that nobody took within ``patience`` seconds is refused with ConversionTimeout.
    """

    def __init__(
        self,
        offices: int = 1,
        *,
        font_folder: Path | None = None,
        deadline: float = DEADLINE,
        recycle_after: int = RECYCLE_AFTER,
        most_memory: int = MOST_MEMORY,
        patience: float = PATIENCE,
    ) -> None:
        if not 1 <= offices <= MOST_OFFICES:
            raise ValueError(f"offices must be 1 to {MOST_OFFICES}, not {offices}")
        self.patience = patience
        self.offices = tuple(
            OfficeConverter(
                font_folder=font_folder,
                deadline=deadline,
                recycle_after=recycle_after,
                most_memory=most_memory,
            )
            for _ in range(offices)
        )
        self._free: queue.LifoQueue[OfficeConverter] = queue.LifoQueue()  # the warmest first
        for office in reversed(self.offices):
            self._free.put(office)
        self._closed = threading.Event()

    def to_pdf(self, docx: bytes) -> bytes:
        """Return the document as PDF/A-2b; raise what OfficeConverter.to_pdf raises."""
        try:
            office = self._free.get(timeout=self.patience)
        except queue.Empty as error:
            waited = f"{self.patience:.0f} 秒"
            raise ConversionTimeout(f"转换 PDF 的人太多，排队超过 {waited}，请稍后再试") from error
        try:
            if self._closed.is_set():
                raise ConverterUnavailable("转换 PDF 的服务正在停止，请稍后再试")
            return office.to_pdf(docx)
        finally:
            self._free.put(office)

    def start(self) -> None:
        """Start every office ahead of the first document."""
        for office in self.offices:
            office.start()

    def close(self) -> None:
        """Take no more documents, let those in hand end, and end the offices."""
        self._closed.set()
        for office in self.offices:
            office.close()

    def __enter__(self) -> Self:
        """Return itself; the offices are closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close the offices."""
        self.close()

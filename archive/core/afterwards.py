"""Small notes that nobody waits for: what was searched for, that a sign-in is in use.

A reader must not stand in line for the write lock. A server collects such notes and writes them
together a moment later; a command or the worker writes each at once. On a full disk, or when the
process is killed within that moment, they stay unsaid: whatever must not be lost has no place here.
"""

import logging
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from storage.work import UnitOfWork

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.3
MOST_WAITING = 5_000

Note = Callable[[UnitOfWork], object]


class Afterwards:
    """The notes of one process; ``put_off`` makes it collect them, safe before a fork."""

    def __init__(self, work: Callable[[], UnitOfWork]) -> None:
        self._work = work
        self._is_put_off = False
        self._notes: list[Note] = []
        self._taken = self._written = 0
        self._change = threading.Condition()
        self._writer: threading.Thread | None = None

    def put_off(self) -> None:
        """Write from now on a moment later, in a thread that lives while there is something."""
        self._is_put_off = True

    def do(self, note: Note) -> None:
        """Write a note, in a unit of work of its own or with others; never raises for the rows."""
        if not self._is_put_off:
            self._write([note])
            return
        with self._change:
            if len(self._notes) >= MOST_WAITING:
                log.warning("a note was dropped: %d are waiting", MOST_WAITING)
                return
            self._notes.append(note)
            self._taken += 1
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_on, daemon=True)
                self._writer.start()

    def settle(self) -> None:
        """Return when everything noted before this call is written."""
        with self._change:
            taken = self._taken
            self._change.wait_for(lambda: self._written >= taken)

    def _write_on(self) -> None:
        while True:
            time.sleep(PAUSE_SECONDS)
            with self._change:
                notes, self._notes = self._notes, []
                if not notes:
                    self._writer = None
                    return
            try:
                self._write(notes)
            except Exception:
                log.exception("notes were lost")
            finally:
                with self._change:
                    self._written += len(notes)
                    self._change.notify_all()

    def _write(self, notes: list[Note]) -> None:
        try:
            with self._work() as uow:
                for note in notes:
                    self._write_one(uow, note, alone=len(notes) == 1)
                uow.commit()
        except SQLAlchemyError:
            log.warning("%d notes could not be written", len(notes))

    def _write_one(self, uow: UnitOfWork, note: Note, *, alone: bool) -> None:
        if alone:
            note(uow)
            return
        try:
            with uow.session.begin_nested():
                note(uow)
        except IntegrityError:  # of a person or session deleted meanwhile: the others stand
            log.warning("a note could not be written")

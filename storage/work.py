"""The unit of work: one transaction, opened by an edge (route, command, job), committed once.

Services take it first and never commit; leaving it without ``commit()`` rolls everything back.
After-commit hooks run when the rows are safe and can neither break nor undo the commit.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from sqlalchemy.orm import Session

from storage import journal, outbox
from storage.blobs import BlobRef
from storage.database import Database
from storage.errors import NotWritable
from storage.files import keep_file

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the present instant, in UTC."""
    return datetime.now(UTC)


class UnitOfWork:
    """One transaction with its journal, outbox and hooks; use as a context manager."""

    def __init__(
        self, database: Database, clock: Clock = system_clock, *, writable: bool = True
    ) -> None:
        self._database = database
        self._clock = clock
        self._writable = writable
        self._hooks: list[Callable[[], None]] = []

    def __enter__(self) -> Self:
        bind = self._database.writer if self._writable else self._database.engine
        self.session = Session(bind, expire_on_commit=False, autoflush=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.session.rollback()
        self.session.close()

    def now(self) -> datetime:
        """Return the present instant (UTC) by this unit's clock."""
        return self._clock()

    def commit(self) -> None:
        """Make every change of this unit durable, then run the after-commit hooks."""
        if not self._writable:
            raise NotWritable("只读操作不能保存。")
        self.session.commit()
        hooks, self._hooks = self._hooks, []
        for hook in hooks:
            try:
                hook()
            except Exception:
                log.exception("after-commit hook failed")

    def after_commit(self, hook: Callable[[], None]) -> None:
        """Run ``hook`` once the rows are safe; its failure is logged and changes nothing."""
        self._hooks.append(hook)

    def journal(
        self,
        actor_id: int | None,
        action: str,
        object_type: str,
        object_id: str | int,
        detail: Mapping[str, Any] | None = None,
    ) -> int:
        """Record an act in the journal, in this transaction; return its sequence number."""
        return journal.append(
            self.session,
            at=self.now(),
            actor_id=actor_id,
            action=action,
            object_type=object_type,
            object_id=str(object_id),
            detail=detail or {},
        )

    def outbox(self, kind: str, key: str, payload: Mapping[str, Any] | None = None) -> None:
        """Leave a job for the worker, in this transaction."""
        outbox.enqueue(self.session, kind, key, payload or {}, self.now())

    def keep(self, ref: BlobRef) -> str:
        """Note that bytes already in the blob store are in use; return their digest."""
        return keep_file(self.session, ref, self.now())

"""The worker: drains the outbox, keeps the warm LibreOffice, and does the daily chores.

Any number of workers may run on the same database; each job is leased to one. A killed
worker's jobs are taken over at once by the next worker on the same host, elsewhere when the
lease runs out.
"""

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy import select

from archive.core.resources import Resources
from archive.documents.bundle import BUNDLE, bundle_work
from archive.filing.checks.sample import do_sample
from archive.filing.controlled.mail import RECALL_POSTMAN
from archive.filing.controlled.recalls import MAIL as RECALL_MAIL
from archive.filing.controlled.recalls import do_recall_chores
from archive.filing.dossier.work import DOSSIER, dossier_work
from archive.filing.incoming.cutting import SPLIT, split_work
from archive.filing.incoming.inbox import Inbox
from archive.filing.incoming.registering import REGISTER, register_work
from archive.filing.incoming.screen import FILE_MANY, many_work
from archive.filing.packages.making import PACKAGE, package_work
from archive.filing.packages.receiving import RECEIVE, receive_work
from archive.filing.retention.destroying import destroying, drain_shred
from archive.filing.retention.erasing import SHRED
from archive.filing.retention.lists import DESTROY_TASK
from archive.instance import office_key
from archive.lending.chores import do_loan_chores
from archive.lending.mail import POSTMAN
from archive.lending.notices import MAIL
from archive.lending.recalls import drain_secrecy
from archive.people.signin.mail import ACCOUNT_POSTMAN
from archive.people.signin.notices import MAIL as ACCOUNT_MAIL
from archive.records.batch import CHECK, IMPORT, check_work, import_work
from archive.search.indexing import drain_customer, drain_extract, drain_index, drain_reindex
from archive.search.news_mail import MAIL as NEWS_MAIL
from archive.search.news_mail import NEWS_POSTMAN
from archive.search.saved_news import look_for_news
from archive.search.store import drop_entries
from archive.signing.keys import renew_authority
from archive.signing.reminders import do_signing_chores
from archive.tasks.runner import drain_tasks
from archive.tasks.service import Work, forget_old
from archive.trust.backup.nightly import do_nightly
from archive.trust.checking import VERIFY, verify_work
from archive.trust.checkpoints import note_checkpoint
from archive.trust.head import note_head
from archive.trust.health.service import note_beat
from archive.trust.proving import do_proof_chores, drain_leavers, drain_proofs
from doc_templates.pdf_pool import OfficePool
from doc_templates.pdf_socket import serve_converter
from storage import outbox
from storage.files import StoredFile
from storage.outbox import Kinds, OutboxItem, OutboxRow
from storage.verify import ORPHAN_AGE

log = logging.getLogger(__name__)

Handler = Callable[[Resources, Sequence[OutboxItem]], None]

TASK_KINDS: dict[str, Work] = {
    CHECK: check_work,
    IMPORT: import_work,
    BUNDLE: bundle_work,
    PACKAGE: package_work,
    RECEIVE: receive_work,
    DESTROY_TASK: destroying(drop_entries),
    DOSSIER: dossier_work,
    VERIFY: verify_work,
    REGISTER: register_work,
    SPLIT: split_work,
    FILE_MANY: many_work,
}

HANDLERS: dict[str, Handler] = {
    "index": drain_index,
    "customer": drain_customer,
    "extract": drain_extract,
    "reindex": drain_reindex,
    "task": drain_tasks(TASK_KINDS),
    "proof": drain_proofs,
    "leaver": drain_leavers,
    MAIL: POSTMAN.deliver,
    RECALL_MAIL: RECALL_POSTMAN.deliver,
    NEWS_MAIL: NEWS_POSTMAN.deliver,
    ACCOUNT_MAIL: ACCOUNT_POSTMAN.deliver,
    "secrecy": drain_secrecy,
    SHRED: drain_shred,
}
SLOW = ("extract",)  # reading a scan takes minutes: apart, so that the index never waits for it
SLOW_KINDS, QUICK_KINDS = Kinds(only=SLOW), Kinds(but=SLOW)
AT_ONCE_SLOW = 3
POLL_SECONDS = 0.1
TOGETHER_SECONDS = 0.3
MANY_AT_ONCE = 50
HEARTBEAT_SECONDS = 30.0
CHORES_SECONDS = 600.0
SAFEKEEPING_SECONDS = 60.0
INBOX_SECONDS = 10.0


class Worker:
    """One worker; ``run`` blocks until ``stop`` (or SIGTERM through ``run_worker``)."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._stopping = threading.Event()
        self._inbox = Inbox(resources)
        self.name = f"{socket.gethostname()}:{os.getpid()}"

    def stop(self) -> None:
        """Finish the job in hand and end."""
        self._stopping.set()

    def run(self) -> None:
        """Drain jobs until told to stop."""
        self._take_over_dead()
        threading.Thread(target=self._beat, daemon=True).start()
        threading.Thread(target=self._keep_safe, daemon=True).start()
        threading.Thread(target=self._read_files, daemon=True).start()
        next_chores = next_inbox = 0.0
        while not self._stopping.is_set():
            if time.monotonic() >= next_chores:
                do_chores(self._resources)
                next_chores = time.monotonic() + CHORES_SECONDS
            if time.monotonic() >= next_inbox:
                self._guarded(self._inbox.look)
                next_inbox = time.monotonic() + INBOX_SECONDS
            began = time.monotonic()
            done = self._guarded(lambda: drain_once(self._resources, self.name, QUICK_KINDS))
            self._stopping.wait(rest_after(done, time.monotonic() - began))

    def _guarded(self, step: Callable[[], int]) -> int:
        """Run a step; a failure (a database away for a moment) is logged and waited out."""
        try:
            return step()
        except Exception:
            log.exception("worker step failed")
            self._stopping.wait(2)
            return 0

    def _beat(self) -> None:
        note_beat(self._resources)
        while not self._stopping.wait(HEARTBEAT_SECONDS):
            self._guarded(self._renew)

    def _keep_safe(self) -> None:
        """Make the nightly backup and the weekly check; apart, because they may take long."""
        while not self._stopping.wait(SAFEKEEPING_SECONDS):
            self._guarded(lambda: do_nightly(self._resources))

    def _read_files(self) -> None:
        """Read the words of attached files, a few at a time; apart, because scans take long."""
        while not self._stopping.wait(POLL_SECONDS):
            while self._guarded(self._read_some) and not self._stopping.is_set():
                continue

    def _read_some(self) -> int:
        return drain_once(self._resources, self.name, SLOW_KINDS, AT_ONCE_SLOW)

    def _renew(self) -> int:
        with self._resources.work() as uow:
            renewed = outbox.renew_leases(uow.session, self.name, uow.now())
            uow.commit()
        note_beat(self._resources)
        return renewed

    def _take_over_dead(self) -> None:
        with self._resources.work() as uow:
            owners = uow.session.scalars(select(OutboxRow.lease_owner).distinct())
            for owner in owners:
                if owner and _is_dead(owner):
                    outbox.free_leases(uow.session, owner, uow.now())
            uow.commit()


def rest_after(done: int, seconds: float) -> float:
    """Return how long to wait after a batch of so many jobs that took so many seconds.

    A job that comes alone is done at once. Where they keep coming one by one, what comes within
    a moment is done together: each batch costs three turns at the write lock, and every search
    after it a look at a new state of the index.
    """
    if not done:
        return POLL_SECONDS
    return max(0.0, TOGETHER_SECONDS - seconds) if done < MANY_AT_ONCE else 0.0


def drain_once(
    resources: Resources, owner: str, kinds: Kinds = outbox.ALL, limit: int = 500
) -> int:
    """Do one batch of due jobs of these kinds; return how many were claimed."""
    with resources.reading() as uow:
        if not outbox.has_due(uow.session, uow.now(), kinds):
            return 0
    with resources.work() as uow:
        items = outbox.claim(uow.session, owner, uow.now(), limit, kinds)
        uow.commit()
    if not items:
        return 0
    if not _do(resources, items):
        for item in items:  # one bad job must not hold up the others of its batch
            if not _do(resources, [item]):
                _give_back(resources, item)
    return len(items)


def _do(resources: Resources, items: Sequence[OutboxItem]) -> bool:
    try:
        HANDLERS[items[0].kind](resources, items)
    except Exception:
        log.exception("job failed: %s %s", items[0].kind, [item.key for item in items])
        return False
    with resources.work() as uow:
        outbox.finish(uow.session, [item.id for item in items])
        uow.commit()
    return True


def _give_back(resources: Resources, item: OutboxItem) -> None:
    with resources.work() as uow:
        outbox.release(uow.session, [item], "做这件事时出错，详见日志", uow.now())
        uow.commit()


def drain_all(resources: Resources, owner: str = "command") -> int:
    """Do every due job now; return how many. For commands and tests."""
    total = 0
    while done := drain_once(resources, owner):
        total += done
    return total


def do_chores(resources: Resources) -> None:
    """Do what comes round; what fails is logged and tried the next time, the others are done."""
    for chore in CHORES:
        try:
            chore(resources)
        except Exception:
            log.exception("chore failed: %s", chore.__name__)


def look_after_papers(resources: Resources) -> None:
    """Remind of papers that wait for a signature, and forget tasks ended long ago."""
    with resources.work() as uow:
        do_signing_chores(uow)
        forget_old(uow)
        uow.commit()


def sweep_orphans(resources: Resources) -> int:
    """Delete blobs that no row names and that are older than a day; return how many."""
    horizon = time.time() - ORPHAN_AGE.total_seconds()
    swept = 0
    for digest in resources.blobs.digests():
        if resources.blobs.modified(digest) > horizon:
            continue
        with resources.work() as uow:  # the write lock keeps a row from being made meanwhile
            if uow.session.get(StoredFile, digest) is None:
                resources.blobs.delete(digest)
                swept += 1
    return swept


CHORES: tuple[Callable[[Resources], object], ...] = (
    note_head,
    renew_authority,
    note_checkpoint,
    do_proof_chores,
    do_loan_chores,
    do_recall_chores,
    look_for_news,
    look_after_papers,
    do_sample,
    sweep_orphans,
)


def run_worker(resources: Resources) -> None:
    """Run a worker with its LibreOffices until SIGTERM or Ctrl-C."""
    worker = Worker(resources)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop())
    settings = resources.settings
    with OfficePool(settings.offices, font_folder=settings.fonts) as offices:
        address, key = str(settings.office_socket), office_key(settings)
        server = serve_converter(offices, address, key)
        try:
            worker.run()
        finally:
            server.close()


def _is_dead(owner: str) -> bool:
    host, _, pid = owner.rpartition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return int(pid) == os.getpid()

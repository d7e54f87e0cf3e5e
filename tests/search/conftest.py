"""Papers of a small company, put in through the services, and the worker's hand at the outbox."""

from collections.abc import Callable

import pytest

from archive.core.resources import Resources
from archive.documents import service as documents
from archive.filing import service as filing
from archive.people.rights import Actor
from archive.records import service as records
from archive.search import indexing
from archive.search.service import search
from archive.search.views import Found
from doc_templates import sample_values
from storage import outbox

HANDLERS = {
    "index": indexing.drain_index,
    "customer": indexing.drain_customer,
    "extract": indexing.drain_extract,
    "reindex": indexing.drain_reindex,
}


@pytest.fixture
def drain(resources: Resources) -> Callable[[], list[str]]:
    """Return the worker's hand: does every job waiting, also those that come of it."""

    def run() -> list[str]:
        done: list[str] = []
        for _ in range(20):
            with resources.work() as uow:
                items = outbox.claim(uow.session, "test", uow.now())
                uow.commit()
            if not items:
                return done
            HANDLERS[items[0].kind](resources, items)
            done += [f"{item.kind} {item.key}" for item in items]
            with resources.work() as uow:
                outbox.finish(uow.session, [item.id for item in items])
                uow.commit()
        raise AssertionError(f"the outbox never ends: {done[-5:]}")

    return run


@pytest.fixture
def take_in(resources: Resources, company) -> Callable[..., int]:
    """Return a maker of items: imported papers; gives the item's id."""

    def make(title: str, **fields: object) -> int:
        is_high = fields.get("secrecy") == "机密"
        importer = company.archive_head if is_high else company.archivist
        with resources.work() as uow:
            item, _ = filing.import_item(uow, importer, {"title": title, **fields})
            uow.commit()
        return item.id

    return make


@pytest.fixture
def draft(resources: Resources, company) -> Callable[..., int]:
    """Return a maker of drafts of a form with its sample values; gives the record's id."""

    def make(code: str = "E01", author: Actor | None = None, **values: object) -> int:
        raw = {**sample_values(code), **values}
        with resources.work() as uow:
            record = records.create_draft(uow, author or company.sales_clerk, code, raw)
            uow.commit()
        return record.id

    return make


@pytest.fixture
def sign(resources: Resources, company) -> Callable[[int], None]:
    """Return a hand that brings a draft through signing, with a PDF as its paper."""

    def make(record_id: int) -> None:
        ref = resources.blobs.put(b"%PDF-1.7 signed", "application/pdf")
        with resources.work() as uow:
            record = records.load_record(uow, record_id)
            author = next(p for p in company.everyone().values() if p.id == record.author_id)
            signers = frozenset({author.id, company.sales_head.id, company.leader.id})
            records.mark_submitted(uow, author, record_id, record.version, signers)
            records.mark_signed(uow, company.leader, record_id)
            documents.keep_document(uow, record_id, "pdf", 1, 3, ref, 1)
            uow.commit()

    return make


@pytest.fixture
def file_away(resources: Resources, company) -> Callable[[int], int]:
    """Return the archivist's hand: a signed record becomes an item on the shelf."""

    def make(record_id: int) -> int:
        with resources.work() as uow:
            item = filing.file_record(uow, company.archivist, record_id)
            uow.commit()
        return item.id

    return make


@pytest.fixture
def find(resources: Resources, company) -> Callable[..., Found]:
    """Return a search as one person (the sales clerk unless told)."""

    def run(text: str, person: Actor | None = None, **asked: object) -> Found:
        return search(resources, person or company.sales_clerk, text, **asked)

    return run

"""The server's clock goes back: it is said, nothing is lost, no signature is made in vain."""

import pytest

from archive.core.errors import Conflict
from archive.documents import service as documents
from archive.records import drafts
from archive.records import service as records
from archive.signing import edge
from archive.signing.outside import edge as outside
from archive.signing.verdicts import judge_file
from archive.trust.checking import verify_instance
from archive.trust.health.rules import notices
from archive.trust.health.service import measure
from doc_templates import sample_values
from tests.conftest import PASSWORD, one_page_pdf


def drafted(resources, company, code="E01"):
    with resources.work() as uow:
        draft = drafts.create_draft(uow, company.sales_clerk, code, sample_values(code))
        uow.commit()
    return draft


def is_warned(resources):
    return any("时钟" in one.text for one in notices(measure(resources)))


def test_a_signature_that_nobody_would_believe_is_not_made(resources, company, clock):
    draft = drafted(resources, company)
    edge.submit(resources, company.sales_clerk, draft.id, draft.version)
    edge.sign(resources, company.sales_clerk, draft.id, password=PASSWORD, drawn_png=None)
    clock.advance(hours=-2)
    with pytest.raises(Conflict, match="校准"):
        edge.sign(resources, company.sales_head, draft.id, password=PASSWORD, drawn_png=None)
    clock.advance(hours=2)
    for person in (company.sales_head, company.leader):
        edge.sign(resources, person, draft.id, password=PASSWORD, drawn_png=None)
    with resources.reading() as uow:
        found = documents.latest_document(uow, draft.id, "pdf")
    assert judge_file(resources, resources.blobs.read(found.sha256)).trusted


def test_a_scan_does_not_close_a_paper_before_it_was_signed(resources, company, clock):
    """The paper with the scan of the other party's signature would never be believed either."""
    draft = drafted(resources, company, "E05")
    edge.submit(resources, company.sales_clerk, draft.id, draft.version, with_outside=True)
    edge.sign(resources, company.leader, draft.id, password=PASSWORD, drawn_png=None)
    scan, before = one_page_pdf("对方签过的"), set(resources.blobs.digests())
    clock.advance(hours=-2)
    with pytest.raises(Conflict, match="校准"):
        outside.add_scan(resources, company.sales_clerk, draft.id, scan)
    assert set(resources.blobs.digests()) == before, "nothing is kept of what was refused"
    with resources.reading() as uow:
        assert documents.latest_document(uow, draft.id, "scan") is None
        assert records.load_record(uow, draft.id).state == "in_signing"
    clock.advance(hours=2)
    outside.add_scan(resources, company.sales_clerk, draft.id, scan)
    with resources.reading() as uow:
        found = documents.latest_document(uow, draft.id, "pdf")
    assert judge_file(resources, resources.blobs.read(found.sha256)).trusted


def test_work_goes_on_and_the_warning_stays_until_the_clock_is_right(resources, company, clock):
    drafted(resources, company)
    assert not is_warned(resources)
    clock.advance(hours=-2)
    assert is_warned(resources)
    drafted(resources, company)
    assert is_warned(resources), "the newest entry is not the latest"
    assert list(verify_instance(resources, with_index=False)) == []
    clock.advance(hours=2)
    assert not is_warned(resources)

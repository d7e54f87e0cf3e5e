"""A paper signed by all its people, and the file that is kept of it."""

from archive.documents import service as documents
from archive.records import drafts
from archive.signing import edge
from doc_templates import sample_values
from tests.conftest import PASSWORD


def signed_paper(resources, company, **values):
    """Fill in E01, submit it and sign it to its end; return the record's id."""
    filled = sample_values("E01") | values
    with resources.work() as uow:
        draft = drafts.create_draft(uow, company.sales_clerk, "E01", filled)
        uow.commit()
    edge.submit(resources, company.sales_clerk, draft.id, draft.version)
    for person in (company.sales_clerk, company.sales_head, company.leader):
        edge.sign(resources, person, draft.id, password=PASSWORD, drawn_png=None)
    return draft.id


def kept(resources, record_id, kind):
    """Return the newest Word or PDF of a record."""
    with resources.reading() as uow:
        found = documents.latest_document(uow, record_id, kind)
    return resources.blobs.read(found.sha256)

"""Controlled copies as whole acts: bytes read and stamped outside any unit of work, then the row.

Page and API call share these; they are the edge, so they commit.
"""

from archive.core.errors import Conflict
from archive.core.resources import Resources
from archive.documents.service import MEDIA_TYPES, PDF
from archive.filing.controlled import service
from archive.filing.controlled.service import Declared, NumberTaken
from archive.filing.controlled.stamping import check_source, stamp_pages
from archive.filing.controlled.views import CopyView, DocumentView, copy_label
from archive.people.rights import Actor
from archive.signing.edge import confirm

TRIES = 8


def declare(resources: Resources, actor: Actor, item_id: int, said: Declared) -> DocumentView:
    """Declare a filed paper controlled, its PDF opened and counted first."""
    with resources.reading() as uow:
        _, pdf = service.plan_declaration(uow, actor, item_id)
    check_source(resources.blobs.read(pdf.sha256))
    with resources.work() as uow:
        done = service.declare(uow, actor, item_id, said, pdf.sha256)
        uow.commit()
    return done


def issue(
    resources: Resources,
    actor: Actor,
    document_id: int,
    department_id: int,
    person_id: int,
    *,
    seen: int | None = None,
) -> CopyView:
    """Issue a copy of the valid version under the next number; two at once get two numbers.

    ``seen``: the last number known to who asks; sent again, it is refused and not issued twice.
    """
    for _ in range(TRIES):
        with resources.reading() as uow:
            plan = service.plan_issue(uow, actor, document_id, department_id, person_id, seen)
        source = resources.blobs.read(plan.source_sha256)
        stamped = stamp_pages(source, copy_label(plan.number), plan.department_name, plan.label)
        pages = check_source(stamped)
        ref = resources.blobs.put(stamped, MEDIA_TYPES[PDF])
        try:
            with resources.work() as uow:
                done = service.record_issue(uow, actor, plan, ref, pages)
                uow.commit()
        except NumberTaken:
            continue
        return done
    raise Conflict("现在有许多人在发放这份文件，请过一会再发。")


def receive(
    resources: Resources, actor: Actor, copy_id: int, *, password: str, address: str
) -> CopyView:
    """Receive a copy with one's own password."""
    with resources.reading() as uow:
        service.get_copy(uow, actor, copy_id)
    confirm(resources, actor, password, address, "没有签收")
    with resources.work() as uow:
        done = service.receive(uow, actor, copy_id)
        uow.commit()
    return done

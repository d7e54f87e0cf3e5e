"""Submit and sign as whole acts: plan, freeze, record, each with its own unit of work.

Page, API call and command share these two; they are the edge, so they commit.
"""

from archive.core.errors import Unauthenticated
from archive.core.resources import Resources
from archive.documents import service as documents
from archive.people import access
from archive.people.rights import Actor
from archive.signing import service
from archive.signing.freeze import freeze_signature, freeze_submission
from archive.signing.rules import clean_opinion
from archive.signing.views import RunView


def submit(resources: Resources, actor: Actor, record_id: int, version: int) -> RunView:
    """Freeze a record and start its signing run."""
    with resources.work() as uow:
        record, steps = service.plan_submission(uow, actor, record_id, version)
        uow.commit()
    frozen = freeze_submission(resources, record, steps)
    with resources.work() as uow:
        run = service.record_submission(uow, actor, record, steps, frozen)
        uow.commit()
    return run


def sign(
    resources: Resources,
    actor: Actor,
    record_id: int,
    *,
    password: str,
    drawn_png: bytes | None,
    opinion: str = "",
    address: str = "-",
) -> RunView:
    """Put the actor's signature on a record, after asking for their password again."""
    clean_opinion(opinion, required=False)
    with resources.reading() as uow:
        record, run, task = service.plan_signature(uow, actor, record_id)
        latest = documents.latest_document(uow, record_id, "pdf")
        images = service.signature_images(uow, record_id)
    confirm(resources, actor, password, address)
    before = "" if latest is None else latest.sha256
    signed = freeze_signature(resources, actor, record, run, task, drawn_png, before, images)
    with resources.work() as uow:
        result = service.record_signature(uow, actor, task, signed, opinion)
        uow.commit()
    return result


def confirm(resources: Resources, actor: Actor, password: str, address: str) -> None:
    """Ask for the actor's own password again; raise Unauthenticated or Throttled."""
    with resources.reading() as uow:
        check = access.confirm_password(uow, actor, password, address)
    if check.user_id is not None:
        return
    with resources.work() as uow:
        access.note_password(uow, check)
        uow.commit()
    raise Unauthenticated("密码不对，签字没有生效，请重新输入密码。", {"password": "密码不对"})

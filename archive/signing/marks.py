"""A person's own mark (名章, or a signature kept once): a picture that stands for a drawn one.

It is only the look; what signs is the person's key, and every signing asks the password. Called
by pages, calls and the signing edge.
"""

from archive.core.errors import NotFound
from archive.people.rights import Actor
from archive.signing.models import PersonMark
from storage.blobs import BlobRef
from storage.work import UnitOfWork


def keep_mark(uow: UnitOfWork, actor: Actor, image: BlobRef) -> None:
    """Keep a picture as the actor's mark, in place of an earlier one."""
    digest = uow.keep(image)
    uow.session.merge(PersonMark(user_id=actor.id, image_sha256=digest, kept_at=uow.now()))
    uow.session.flush()
    uow.journal(actor.id, "mark.keep", "user", actor.id, {"picture": digest})


def drop_mark(uow: UnitOfWork, actor: Actor) -> None:
    """Give the mark up; papers signed with it keep it. Raises NotFound where there is none."""
    row = uow.session.get(PersonMark, actor.id)
    if row is None:
        raise NotFound("您没有存名章。")
    uow.session.delete(row)
    uow.session.flush()
    uow.journal(actor.id, "mark.drop", "user", actor.id, {})


def find_mark(uow: UnitOfWork, user_id: int) -> str | None:
    """Return the digest of a person's mark, or None."""
    row = uow.session.get(PersonMark, user_id)
    return None if row is None else row.image_sha256

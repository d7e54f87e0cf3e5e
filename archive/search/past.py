"""What one person searched for before (检索记录): offered while typing, to nobody else.

Only searches that found something are kept, the newest fifty; each person may clear their own.
"""

from sqlalchemy import Select, delete, select

from archive.people.rights import Actor, require
from archive.search.models import PastSearch
from indexer import fold
from storage.work import UnitOfWork

MOST_KEPT, SHORTEST, LONGEST = 50, 2, 200


def is_news(uow: UnitOfWork, actor: Actor, text: str) -> bool:
    """Say whether a search is worth keeping: not the same as the newest, not a single sign."""
    require(actor, "search")
    text = _plain(text)
    if not _is_worth(text):
        return False
    newest = uow.session.scalars(_own(actor).limit(1)).first()
    return newest is None or newest.text != text


def remember(uow: UnitOfWork, actor: Actor, text: str) -> bool:
    """Keep a search as the person's newest; False when there was nothing to change."""
    require(actor, "search")
    text = _plain(text)
    rows = uow.session.scalars(_own(actor)).all()
    if not _is_worth(text) or (rows and rows[0].text == text):
        return False
    for place, row in enumerate(rows):
        if row.text == text or place >= MOST_KEPT - 1:
            uow.session.delete(row)
    uow.session.flush()
    uow.session.add(PastSearch(user_id=actor.id, text=text, searched_at=uow.now()))
    return True


def _is_worth(text: str) -> bool:
    return SHORTEST <= len(text) <= LONGEST and text.isprintable()


def past_searches(uow: UnitOfWork, actor: Actor, typed: str, limit: int) -> tuple[str, ...]:
    """Return the person's own searches that hold what is being typed, newest first."""
    require(actor, "search")
    wanted = fold(typed).strip()
    texts = (row.text for row in uow.session.scalars(_own(actor)))
    found = [text for text in texts if wanted in fold(text) and fold(text) != wanted]
    return tuple(found[:limit])


def forget(uow: UnitOfWork, actor: Actor) -> None:
    """Clear the person's own searches."""
    require(actor, "search")
    uow.session.execute(delete(PastSearch).where(PastSearch.user_id == actor.id))


def _plain(text: str) -> str:
    return " ".join(text.split())


def _own(actor: Actor) -> Select[PastSearch]:
    query = select(PastSearch).where(PastSearch.user_id == actor.id)
    return query.order_by(PastSearch.searched_at.desc(), PastSearch.id.desc())

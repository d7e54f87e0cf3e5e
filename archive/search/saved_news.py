"""Looks whether something new fits the searches people keep; a chore of the worker.

Each thing is told once for each search: what was told joins what is known, in one transaction.
A paper that is filed goes on as an item and is no news again.
"""

from collections.abc import Iterable

from sqlalchemy import select

from archive.core.resources import Resources
from archive.filing.models import Item
from archive.people.rights import can
from archive.people.service import find_actor
from archive.search.models import SavedSearch
from archive.search.news_mail import leave_mail
from archive.search.saved import MOST_KNOWN
from archive.search.service import matching_ids
from archive.search.store import batches, split_id
from archive.search.views import ITEM, RECORD
from storage.work import UnitOfWork

MOST_FRESH = 200


def look_for_news(resources: Resources) -> int:
    """Look through all searches kept; return how many things were found to be new."""
    with resources.reading() as uow:
        kept = list(uow.session.scalars(select(SavedSearch.id).order_by(SavedSearch.id)))
    return sum(_look(resources, saved_id) for saved_id in kept)


def _look(resources: Resources, saved_id: int) -> int:
    with resources.reading() as uow:
        row = uow.session.get(SavedSearch, saved_id)
        actor = None if row is None else find_actor(uow, row.user_id)
        if row is None or actor is None or not can(actor, "search"):
            return 0  # removed, or its owner has left
        text, filters = row.text, row.filters
    found = matching_ids(resources, actor, text, filters)
    if found is None or len(found) > MOST_KNOWN:
        return 0
    with resources.reading() as uow:  # without the write lock: mostly there is nothing to write
        row = uow.session.get(SavedSearch, saved_id)
        if row is None or (row.known is not None and not found.difference(row.known)):
            return 0
    with resources.work() as uow:
        row = uow.session.get(SavedSearch, saved_id)
        if row is None:
            return 0
        waited = len(row.fresh)
        fresh = _note(uow, row, found)
        leave_mail(uow, row, waited)
        uow.commit()
    return fresh


def _note(uow: UnitOfWork, row: SavedSearch, found: frozenset[str]) -> int:
    """Write down what is new; where nothing was known yet, all of it becomes known untold."""
    before = None if row.known is None else set(row.known)
    row.known = sorted(found | (before or set()))
    row.looked_at = uow.now()
    if before is None or len(before) > MOST_KNOWN:
        return 0
    new = found - before
    told = _filed_from(uow, new)
    fresh = sorted(one for one in new if told.get(one) not in before)
    now_item = {record: item for item, record in told.items()}
    row.fresh = [*(now_item.get(one, one) for one in row.fresh), *fresh][-MOST_FRESH:]
    return len(fresh)


def _filed_from(uow: UnitOfWork, entry_ids: Iterable[str]) -> dict[str, str]:
    """Return the record's id for each item that was filed from one."""
    split = [name for one in entry_ids if (name := split_id(one)) is not None]
    found: dict[str, str] = {}
    for chunk in batches((number for kind, number in split if kind == ITEM), 200):
        query = select(Item.id, Item.record_id).where(
            Item.id.in_(chunk), Item.record_id.is_not(None)
        )
        found |= {
            f"{ITEM}:{item}": f"{RECORD}:{record}" for item, record in uow.session.execute(query)
        }
    return found

"""Searches people keep under a name (保存的检索): their own only, with what is new in each.

What fits is looked for in ``saved_news`` by the worker; here are the rows and who may touch them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from archive.core.errors import Conflict, Invalid, NotFound
from archive.people.rights import Actor, actor_tokens, require
from archive.search.models import SavedSearch
from archive.search.rules import FIELDS, clean_filters, clean_sort
from archive.search.store import load_cards, readers_of
from archive.search.views import Card
from storage.work import UnitOfWork

MOST_SAVED, LONGEST_NAME, LONGEST_TEXT = 50, 60, 500
MOST_KNOWN = 20_000
"""Things that may fit a search of which news is told; a wider one is only kept to be run."""


@dataclass(frozen=True)
class SavedView:
    """A search kept: what it asks, and the new things in it that its owner may see now."""

    id: int
    name: str
    text: str
    filters: Mapping[str, tuple[str, ...]]
    sort: str
    fresh: tuple[Card, ...]


def list_saved(uow: UnitOfWork, actor: Actor) -> tuple[SavedView, ...]:
    """Return the person's own searches by name."""
    require(actor, "search")
    query = select(SavedSearch).where(SavedSearch.user_id == actor.id).order_by(SavedSearch.name)
    rows = uow.session.scalars(query).all()
    cards = _cards_seen(uow, actor, [one for row in rows for one in row.fresh])
    return tuple(_view(row, cards) for row in rows)


def count_fresh(uow: UnitOfWork, actor: Actor) -> int:
    """Count what is new in the person's own searches and seen by them."""
    require(actor, "search")
    query = select(SavedSearch.fresh).where(SavedSearch.user_id == actor.id)
    fresh = [one for several in uow.session.scalars(query) for one in several]
    cards = _cards_seen(uow, actor, fresh)
    return sum(one in cards for one in fresh)


def get_saved(uow: UnitOfWork, actor: Actor, saved_id: int) -> SavedView:
    """Return one of the person's own searches; another's does not exist for them."""
    row = _own(uow, actor, saved_id)
    return _view(row, _cards_seen(uow, actor, row.fresh))


def save(
    uow: UnitOfWork,
    actor: Actor,
    name: str,
    text: str,
    filters: Mapping[str, Iterable[str]],
    sort: str,
    known: frozenset[str] | None,
) -> SavedView:
    """Keep a search; ``known`` is what fits it now, of which no news will be told.

    Raises Invalid for a name, text, filter or sort that is not right, and past fifty;
    Conflict when the person has one of this name.
    """
    require(actor, "search")
    name, text = _clean_name(name), " ".join(text.split())
    if len(text) > LONGEST_TEXT or not text.isprintable():
        raise Invalid(f"检索的文字太长（最多 {LONGEST_TEXT} 个字）或含有不能显示的字符。")
    names = uow.session.scalars(select(SavedSearch.name).where(SavedSearch.user_id == actor.id))
    _refuse_double(name, taken := list(names))
    if unknown := set(filters).difference(FIELDS):
        raise Invalid(f"没有“{min(unknown)[:40]}”这种筛选。", {"filters": "、".join(FIELDS)})
    if len(taken) >= MOST_SAVED:
        raise Invalid(f"最多保存 {MOST_SAVED} 个检索，请先删去不用的。")
    row = SavedSearch(
        user_id=actor.id,
        name=name,
        text=text,
        filters={key: list(values) for key, values in clean_filters(filters).items()},
        sort=clean_sort(sort),
        known=None if known is None else sorted(known)[: MOST_KNOWN + 1],
        fresh=[],
        created_at=uow.now(),
        looked_at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()
    uow.journal(actor.id, "search.save", "saved_search", row.id, {})
    return _view(row, {})


def rename(uow: UnitOfWork, actor: Actor, saved_id: int, name: str) -> SavedView:
    """Give a search another name; raise NotFound, Invalid, Conflict."""
    row, name = _own(uow, actor, saved_id), _clean_name(name)
    others = select(SavedSearch.name).where(
        SavedSearch.user_id == actor.id, SavedSearch.id != saved_id
    )
    _refuse_double(name, list(uow.session.scalars(others)))
    if row.name != name:
        row.name = name
        uow.journal(actor.id, "search.rename", "saved_search", row.id, {})
    return _view(row, _cards_seen(uow, actor, row.fresh))


def remove(uow: UnitOfWork, actor: Actor, saved_id: int) -> None:
    """Take a search out; raise NotFound when it is gone already."""
    uow.session.delete(_own(uow, actor, saved_id))
    uow.journal(actor.id, "search.forget", "saved_search", saved_id, {})


def mark_seen(uow: UnitOfWork, actor: Actor, saved_id: int) -> bool:
    """Note that the owner has looked; False when there was nothing new."""
    row = _own(uow, actor, saved_id)
    had, row.fresh = bool(row.fresh), []
    return had


def _own(uow: UnitOfWork, actor: Actor, saved_id: int) -> SavedSearch:
    require(actor, "search")
    row = uow.session.get(SavedSearch, saved_id) if saved_id < 2**63 else None
    if row is None or row.user_id != actor.id:
        raise NotFound("没有这个保存的检索，可能刚被删去。")
    return row


def _clean_name(raw: str) -> str:
    name = " ".join(raw.split())
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        raise Invalid(
            f"请给这次检索起个名字，最多 {LONGEST_NAME} 个字。", {"name": "应为 1 到 60 个字"}
        )
    return name


def _refuse_double(name: str, taken: list[str]) -> None:
    if name in taken:
        raise Conflict(f"您已有一个检索叫“{name}”，请换个名字。")


def _cards_seen(uow: UnitOfWork, actor: Actor, entry_ids: Iterable[str]) -> dict[str, Card]:
    wanted, tokens = list(dict.fromkeys(entry_ids)), actor_tokens(actor)
    if not wanted:
        return {}
    readers = readers_of(uow, wanted)
    found = load_cards(uow, [one for one in wanted if readers[one] & tokens])
    return {entry_id: one.card for entry_id, one in found.items()}


def _view(row: SavedSearch, cards: Mapping[str, Card]) -> SavedView:
    filters = {name: tuple(values) for name, values in row.filters.items()}
    fresh = tuple(cards[one] for one in row.fresh if one in cards)
    return SavedView(row.id, row.name, row.text, filters, row.sort, fresh)

"""The list of synonyms (同义词): who changes it, what may stand in it, and what searches read.

A word stands in one group only. Nothing is indexed anew: the next search reads the list as it is.
Called by the page of the list, and by service for every search.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select

from archive.core.clock import show_instant
from archive.core.errors import Conflict, Invalid, NotFound
from archive.core.pages import Page
from archive.people.rights import Actor, require
from archive.people.service import names_of
from archive.search.models import SynonymGroup
from indexer import fold
from storage.work import UnitOfWork

LONGEST, MOST_WORDS, MOST_GROUPS = 20, 12, 1000
_BETWEEN = re.compile(r"[=＝、，,;；/\s]+")
_WORD = re.compile(r"\w[\w.&·+-]*")


@dataclass(frozen=True)
class SynonymView:
    """A group as the page shows it."""

    id: int
    words: tuple[str, ...]
    version: int
    changed_by: str
    changed_at: str

    @property
    def text(self) -> str:
        """The group as it is typed."""
        return " = ".join(self.words)


def groups(uow: UnitOfWork) -> tuple[tuple[str, ...], ...]:
    """Return every group, for a search; who searches need not be allowed to change them."""
    rows = uow.session.scalars(select(SynonymGroup.words).order_by(SynonymGroup.id))
    return tuple(tuple(words) for words in rows)


def list_groups(
    uow: UnitOfWork, actor: Actor, page: int = 1, per_page: int = 100
) -> Page[SynonymView]:
    """Return the groups, newest first; raise Forbidden for those who do not keep the list."""
    require(actor, "search.synonyms")
    rows = uow.session.scalars(select(SynonymGroup).order_by(SynonymGroup.id.desc())).all()
    names = names_of(uow, {row.changed_by for row in rows if row.changed_by})
    views = [_view(row, names) for row in rows]
    first = (page - 1) * per_page
    return Page(tuple(views[first : first + per_page]), len(views), page, per_page)


def add_group(uow: UnitOfWork, actor: Actor, text: str) -> int:
    """Add a group; raise Forbidden, or Invalid naming the word that is not right."""
    require(actor, "search.synonyms")
    words = _read_words(text)
    rows = uow.session.scalars(select(SynonymGroup)).all()
    _refuse_known(words, rows)
    if len(rows) >= MOST_GROUPS:
        raise Invalid(f"最多 {MOST_GROUPS} 组同义词，请先删去不用的。", {"words": "太多"})
    row = SynonymGroup(words=list(words), version=1, changed_by=actor.id, changed_at=uow.now())
    uow.session.add(row)
    uow.session.flush()
    uow.journal(actor.id, "synonym.add", "synonym", row.id, {"words": list(words)})
    return row.id


def change_group(uow: UnitOfWork, actor: Actor, group_id: int, version: int, text: str) -> None:
    """Write a group anew; raise NotFound, Conflict when it changed meanwhile, Invalid."""
    require(actor, "search.synonyms")
    words = _read_words(text)
    row = _get(uow, group_id)
    if row.version != version:
        raise Conflict(f"这一组刚才已被改成“{' = '.join(row.words)}”，请核对后再保存。")
    others = uow.session.scalars(select(SynonymGroup).where(SynonymGroup.id != group_id)).all()
    _refuse_known(words, others)
    before = list(row.words)
    row.words, row.version = list(words), row.version + 1
    row.changed_by, row.changed_at = actor.id, uow.now()
    detail = {"before": before, "words": list(words)}
    uow.journal(actor.id, "synonym.change", "synonym", row.id, detail)


def remove_group(uow: UnitOfWork, actor: Actor, group_id: int) -> None:
    """Take a group out; raise NotFound when it is gone already."""
    require(actor, "search.synonyms")
    row = _get(uow, group_id)
    uow.session.delete(row)
    uow.journal(actor.id, "synonym.remove", "synonym", group_id, {"words": list(row.words)})


def _view(row: SynonymGroup, names: Mapping[int, str]) -> SynonymView:
    by, at = names.get(row.changed_by or 0, ""), show_instant(row.changed_at)
    return SynonymView(row.id, tuple(row.words), row.version, by, at)


def _get(uow: UnitOfWork, group_id: int) -> SynonymGroup:
    row = uow.session.get(SynonymGroup, group_id)
    if row is None:
        raise NotFound("没有这一组同义词，可能刚被删去。")
    return row


def _read_words(text: str) -> tuple[str, ...]:
    found = {fold(word): word for word in _BETWEEN.split(text[:2000]) if word}
    words = tuple(found.values())
    if len(words) < 2:
        raise Invalid("一组至少写两个不同的词，如：合同 = 合约。", {"words": "至少两个不同的词"})
    if len(words) > MOST_WORDS:
        raise Invalid(f"一组最多 {MOST_WORDS} 个词。", {"words": f"最多 {MOST_WORDS} 个词"})
    for word in words:
        if len(word) > LONGEST or not _WORD.fullmatch(word):
            raise Invalid(
                f"“{word[:LONGEST]}”不能作同义词：只能是汉字、字母和数字，最多 {LONGEST} 个字。",
                {"words": f"“{word[:LONGEST]}”不行"},
            )
    return words


def _refuse_known(words: Iterable[str], rows: Iterable[SynonymGroup]) -> None:
    known = {fold(word): row for row in rows for word in row.words}
    for word in words:
        row = known.get(fold(word))
        if row is not None:
            raise Invalid(
                f"“{word}”已在另一组里：{' = '.join(row.words)}。请改那一组，或先从那里去掉。",
                {"words": f"“{word}”已在另一组"},
            )

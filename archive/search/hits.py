"""What results show of the things found: their cards, whether they are lent, what corrects them.

Read once for a page of results, in the same look at the rows that gives the index its texts, and
in the same few statements however many things there are. Called by service.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import bindparam, exists, select

from archive.core.masking import mask
from archive.core.resources import Resources
from archive.filing.models import CopyStatus, Item, ItemCopy, ItemFile
from archive.records import service as records
from archive.search.opening import PDF
from archive.search.store import Described, load_described
from archive.search.views import ITEM, FoundHit
from indexer import Entry, Hit
from storage.files import StoredFile
from storage.work import UnitOfWork

_OF_ITEMS = select(
    Item.id,
    Item.record_id,
    exists().where(ItemCopy.item_id == Item.id, ItemCopy.status == CopyStatus.OUT).label("is_lent"),
    exists()
    .where(
        ItemFile.item_id == Item.id,
        StoredFile.sha256 == ItemFile.sha256,
        StoredFile.media_type == PDF,
    )
    .label("has_pdf"),
).where(Item.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True)
class _Facts:
    """What the rows say of one thing at this moment."""

    is_lent: bool = False
    has_pdf: bool = False
    citation: str = ""


class HitReader:
    """Gives the index the texts of what it found, and afterwards the results to show."""

    def __init__(self, resources: Resources) -> None:
        self._resources = resources
        self._known: dict[str, Described] = {}
        self._facts: dict[str, _Facts] = {}

    def load(self, entry_ids: Sequence[str]) -> Mapping[str, Entry]:
        """Return the entries kept under these ids, and remember what else is shown of them."""
        with self._resources.reading() as uow:
            known = load_described(uow, entry_ids)
            self._facts |= _facts_of(uow, known)
        self._known |= known
        return {entry_id: one.entry for entry_id, one in known.items()}

    def shown(self, hits: Iterable[Hit]) -> tuple[FoundHit, ...]:
        """Return the hits with all that is shown of them."""
        return tuple(_as_found(hit, self._known[hit.id], self._facts[hit.id]) for hit in hits)


def _facts_of(uow: UnitOfWork, known: Mapping[str, Described]) -> dict[str, _Facts]:
    cards = {entry_id: one.card for entry_id, one in known.items()}
    ids = [card.thing_id for card in cards.values() if card.kind == ITEM]
    rows = uow.session.execute(_OF_ITEMS, {"ids": ids}) if ids else ()
    of_items = {row.id: row for row in rows}
    record_ids = {
        entry_id: of_items[card.thing_id].record_id if card.kind == ITEM else card.thing_id
        for entry_id, card in cards.items()
        if card.kind != ITEM or card.thing_id in of_items
    }
    told = records.citation_of(uow, {one for one in record_ids.values() if one is not None})
    found = {}
    for entry_id, card in cards.items():
        row = of_items.get(card.thing_id) if card.kind == ITEM else None
        citation = told.get(record_ids.get(entry_id) or 0, "")
        found[entry_id] = _Facts(
            is_lent=row is not None and bool(row.is_lent),
            has_pdf=row is not None and bool(row.has_pdf),
            citation=citation,
        )
    return found


def _as_found(hit: Hit, known: Described, facts: _Facts) -> FoundHit:
    entry, card = known.entry, known.card
    if hit.is_veiled:
        entry = replace(entry, customer=mask(entry.customer), maker=mask(entry.maker))
        card = replace(card, number=mask(card.number), code=mask(card.code))
    return FoundHit(
        card=card,
        score=round(hit.score, 4),
        title=hit.title,
        snippet=hit.snippet,
        customer=entry.customer,
        form=entry.form,
        form_title=entry.form_title,
        year=entry.year,
        department=entry.department,
        date=entry.date,
        status=entry.status,
        secrecy=entry.secrecy,
        maker=entry.maker,
        is_lent=facts.is_lent,
        has_pdf=facts.has_pdf,
        citation=facts.citation,
    )

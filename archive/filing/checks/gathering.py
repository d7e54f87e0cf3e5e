"""Gathers what is registered of papers, before any byte is read: facts from the rows.

A number of papers takes a fixed number of statements. Rights are the caller's business.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import defer

from archive.customers.models import Customer
from archive.filing.checks.facts import FileFacts, PaperFacts
from archive.filing.checks.models import Quarantine
from archive.filing.codes import ReferenceCode
from archive.filing.handover.models import HandoverLine
from archive.filing.intake import get_waiting
from archive.filing.models import FilingStep, Item, ItemFile, Volume
from archive.filing.record_files import files_of_record
from archive.people.rights import Actor
from archive.records.models import Record, RecordVersion
from storage.files import StoredFile
from storage.journal import BACKED_UP, DRILLED, last_act
from storage.work import UnitOfWork


@dataclass(frozen=True)
class Plan:
    """What is to be checked: the papers with their files as registered."""

    title: str
    papers: tuple[PaperFacts, ...]

    @property
    def digests(self) -> tuple[str, ...]:
        """Every digest that is registered, each once."""
        return tuple(
            sorted({file.registered_sha256 for paper in self.papers for file in paper.files})
        )


def papers_of(uow: UnitOfWork, item_ids: Sequence[int]) -> tuple[PaperFacts, ...]:
    """Return the facts of items, in the order given; unknown ids are left out."""
    rows = {
        row.id: row
        for row in uow.session.scalars(
            select(Item).options(defer(Item.text)).where(Item.id.in_(item_ids))
        )
    }
    items = [rows[item_id] for item_id in item_ids if item_id in rows]
    around = _Around(uow, items)
    return tuple(around.facts(item) for item in items)


def paper_of_record(uow: UnitOfWork, actor: Actor, record_id: int) -> PaperFacts:
    """Return the facts of a signed record as it would be taken in; raises as 鉴别 does."""
    record = get_waiting(uow, actor, record_id)
    files = files_of_record(uow, record)
    return PaperFacts(
        item_id=0,
        record_id=record_id,
        title=record.title,
        code="",
        lowest_class="",
        is_ours=True,
        year=record.year,
        pages=files[0].document.pages if files else 0,
        responsible=record.author_name,
        has_date=True,
        steps=(),
        files=tuple(
            FileFacts(
                role=file.role,
                name=file.name,
                media_type=file.document.media_type,
                registered_sha256=file.document.sha256,
                registered_size=file.document.size,
            )
            for file in files
        ),
        codes={},
        number=record.number or "",
        form=record.form_code,
        secrecy=record.secrecy,
        listed=_listed(uow, [record_id]).get(record_id, {}),
        record={"digests": " ".join(_digests(uow, [record_id])[record_id])},
    )


class _Around:
    """What stands beside items, looked up for all of them together."""

    def __init__(self, uow: UnitOfWork, items: Sequence[Item]) -> None:
        ids = [item.id for item in items]
        volume_ids = {item.volume_id for item in items if item.volume_id}
        record_ids = [item.record_id for item in items if item.record_id]
        self.files = _files(uow, ids)
        self.steps = _steps(uow, ids)
        self.volumes = {
            row.id: row
            for row in uow.session.scalars(select(Volume).where(Volume.id.in_(volume_ids)))
        }
        self.codes = _codes(uow, volume_ids)
        self.kept_at = _kept_at(uow, ids)
        self.backed_up = last_act(uow.session, BACKED_UP)
        drilled = last_act(uow.session, DRILLED)
        is_good = drilled is not None and not drilled[1].get("findings")
        self.drilled_at = drilled[0] if drilled and is_good else None
        self.aside = {
            row.holds: row.reason
            for row in uow.session.scalars(select(Quarantine).where(Quarantine.holds.in_(ids)))
        }
        self.listed = _listed(uow, record_ids)
        self.digests = _digests(uow, record_ids)
        self.records = {
            row.id: row
            for row in uow.session.execute(
                select(Record.id, Record.title, Record.customer_id).where(Record.id.in_(record_ids))
            )
        }
        customers = {item.customer_id for item in items}
        customers |= {row.customer_id for row in self.records.values()}
        self.customers = {
            row.id: row.name
            for row in uow.session.execute(
                select(Customer.id, Customer.name).where(Customer.id.in_(customers - {None}))
            )
        }

    def facts(self, item: Item) -> PaperFacts:
        volume = self.volumes.get(item.volume_id or 0)
        return PaperFacts(
            item_id=item.id,
            record_id=item.record_id,
            title=item.title,
            code=code_of(item),
            lowest_class=_lowest_class(volume) if volume else "",
            is_ours=item.record_id is not None,
            year=item.year,
            pages=item.pages,
            responsible=item.responsible,
            has_date=item.document_date is not None,
            steps=tuple(self.steps.get(item.id, ())),
            files=tuple(self.files.get(item.id, ())),
            codes=self.codes.get(item.volume_id or 0, {}),
            number=item.document_number,
            form=item.form_code,
            secrecy=item.secrecy,
            retention=item.retention,
            customer=self.customers.get(item.customer_id or 0, ""),
            is_final=item.reference_code is not None,
            quarantine=self.aside.get(item.id, ""),
            listed=self.listed.get(item.record_id or 0, {}),
            record=self._record(item.record_id),
            kept_at=self.kept_at.get(item.id),
            backed_up_at=self.backed_up[0] if self.backed_up else None,
            drilled_at=self.drilled_at,
        )

    def _record(self, record_id: int | None) -> Mapping[str, str]:
        row = self.records.get(record_id or 0)
        if row is None:
            return {}
        return {
            "title": row.title,
            "customer": self.customers.get(row.customer_id or 0, ""),
            "digests": " ".join(self.digests[row.id]),
        }


def code_of(item: Item) -> str:
    """Return the final code, else the provisional one, else nothing."""
    return item.reference_code or item.provisional_code or ""


def _lowest_class(volume: Volume) -> str:
    return ReferenceCode(
        volume.fonds, volume.category, volume.year, volume.retention, volume.unit, 1
    ).lowest_class


def _codes(uow: UnitOfWork, volume_ids: Collection[int]) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = defaultdict(Counter)
    query = select(Item.volume_id, Item.reference_code, Item.provisional_code)
    for row in uow.session.execute(query.where(Item.volume_id.in_(volume_ids))):
        found[row.volume_id or 0][row.reference_code or row.provisional_code or ""] += 1
    return found


def _files(uow: UnitOfWork, item_ids: Collection[int]) -> dict[int, list[FileFacts]]:
    found: dict[int, list[FileFacts]] = defaultdict(list)
    query = (
        select(ItemFile, StoredFile)
        .join(StoredFile, StoredFile.sha256 == ItemFile.sha256)
        .where(ItemFile.item_id.in_(item_ids))
        .order_by(ItemFile.id)
    )
    for file, stored in uow.session.execute(query):
        found[file.item_id].append(
            FileFacts(file.role, file.name, stored.media_type, stored.sha256, stored.size)
        )
    return found


def _kept_at(uow: UnitOfWork, item_ids: Collection[int]) -> dict[int, datetime]:
    query = select(ItemFile.item_id, func.max(ItemFile.created_at)).group_by(ItemFile.item_id)
    rows = uow.session.execute(query.where(ItemFile.item_id.in_(item_ids)))
    return {row[0]: row[1] for row in rows}


def _steps(uow: UnitOfWork, item_ids: Collection[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    query = select(FilingStep.item_id, FilingStep.step).where(FilingStep.item_id.in_(item_ids))
    for item_id, step in uow.session.execute(query):
        found[item_id].append(step)
    return found


def _listed(uow: UnitOfWork, record_ids: Collection[int]) -> dict[int, dict[str, str]]:
    """Return the digests by role on the list each record came by."""
    query = select(HandoverLine.claim, HandoverLine.files).where(HandoverLine.claim.in_(record_ids))
    return {
        row.claim: {str(file[0]): str(file[2]) for file in row.files}
        for row in uow.session.execute(query)
        if row.claim is not None
    }


def _digests(uow: UnitOfWork, record_ids: Collection[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    query = select(RecordVersion.record_id, RecordVersion.digest)
    for record_id, sha256 in uow.session.execute(
        query.where(RecordVersion.record_id.in_(record_ids))
    ):
        found[record_id].append(sha256)
    return found

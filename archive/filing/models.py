"""Rows of volumes, items, their files, copies and the four recorded steps."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, validates

from archive.filing.codes import find_reference
from archive.people.readers import keep_set
from storage.database import Base

UNCODED = "2"  # in ``code_order``: what has no code yet comes last


class ItemState(StrEnum):
    """How far an item has come through the four steps (archive.md 1.7); ``label`` is shown."""

    OFFERED = "offered"
    REFUSED = "refused"
    APPRAISED = "appraised"
    CLASSIFIED = "classified"
    CATALOGUED = "catalogued"
    SHELVED = "shelved"
    REVIEWING = "reviewing"
    TRANSFERRED = "transferred"
    DESTROYED = "destroyed"

    @property
    def label(self) -> str:
        """Return the state as shown to people."""
        return _ITEM_LABELS[self]


_ITEM_LABELS = {
    ItemState.OFFERED: "待归档",
    ItemState.REFUSED: "已退回",
    ItemState.APPRAISED: "已鉴别",
    ItemState.CLASSIFIED: "已归属",
    ItemState.CATALOGUED: "已登记目录",
    ItemState.SHELVED: "在库",
    ItemState.REVIEWING: "待鉴定",
    ItemState.TRANSFERRED: "已移交",
    ItemState.DESTROYED: "已销毁",
}
UNFINISHED = (
    ItemState.OFFERED,
    ItemState.APPRAISED,
    ItemState.CLASSIFIED,
    ItemState.CATALOGUED,
)
HELD = (ItemState.SHELVED, ItemState.REVIEWING, ItemState.TRANSFERRED)  # their bytes are here


class CopyStatus(StrEnum):
    """Where a physical copy is; ``label`` is shown."""

    IN = "in"
    OUT = "out"
    MISSING = "missing"
    LOST = "lost"
    TRANSFERRED = "transferred"
    DESTROYED = "destroyed"

    @property
    def label(self) -> str:
        """Return the status as shown to people."""
        return _COPY_LABELS[self]


_COPY_LABELS = {
    CopyStatus.IN: "在库",
    CopyStatus.OUT: "借出",
    CopyStatus.MISSING: "待查",
    CopyStatus.LOST: "遗失",
    CopyStatus.TRANSFERRED: "已移交",
    CopyStatus.DESTROYED: "已销毁",
}
GONE = (CopyStatus.TRANSFERRED, CopyStatus.DESTROYED)  # never again handed out or put back


class VolumeState(StrEnum):
    """Open, waiting for the second archivist, or sealed for ever; ``label`` is shown."""

    OPEN = "open"
    CHECKING = "checking"
    SEALED = "sealed"

    @property
    def label(self) -> str:
        """Return the state as shown to people."""
        return {"open": "整理中", "checking": "待核对", "sealed": "已封卷"}[self.value]


_VOLUME_KEY = ("fonds", "category", "year", "retention", "unit", "item_class")


class Volume(Base):
    """A yearly volume (年度案卷) of one class and unit, or of one customer in them.

    Several volumes may share one lowest class (fonds, category, year, retention, unit): their
    件号 run on from one to the next in the order they are sealed.
    """

    __tablename__ = "volume"
    __table_args__ = (
        UniqueConstraint(*_VOLUME_KEY, "customer_id", name="uq_volume_of_customer"),
        Index(
            "uq_volume_of_unit",
            *_VOLUME_KEY,
            unique=True,
            sqlite_where=text("customer_id IS NULL"),
            postgresql_where=text("customer_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    fonds: Mapped[str] = mapped_column(String(4))
    category: Mapped[str] = mapped_column(String(5))
    year: Mapped[int]
    retention: Mapped[str] = mapped_column(String(4))
    unit: Mapped[str] = mapped_column(String(3))
    item_class: Mapped[str] = mapped_column(String(40))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(12), default=VolumeState.OPEN)
    created_at: Mapped[datetime]


class VolumeSeal(Base):
    """How a volume is sealed (封卷): prepared by one archivist, confirmed by a second one.

    ``digest`` is over the catalogue the first one saw; the second confirms exactly that. One
    that was withdrawn stays with its reason; a volume has at most one that was not.
    """

    __tablename__ = "volume_seal"

    id: Mapped[int] = mapped_column(primary_key=True)
    volume_id: Mapped[int] = mapped_column(ForeignKey("volume.id"), index=True)
    prepared_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    prepared_at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text, default="")
    digest: Mapped[str] = mapped_column(String(64))
    items: Mapped[int]
    pages: Mapped[int]
    confirmed_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    confirmed_at: Mapped[datetime | None]
    first_serial: Mapped[int | None]
    last_serial: Mapped[int | None]
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    withdrawn_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")


class ItemMove(Base):
    """An item put elsewhere while its volume was open (append-only): from, to, by whom, why."""

    __tablename__ = "item_move"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    from_volume_id: Mapped[int | None] = mapped_column(ForeignKey("volume.id"))
    to_volume_id: Mapped[int | None] = mapped_column(ForeignKey("volume.id"))
    from_code: Mapped[str] = mapped_column(String(60), default="")
    to_code: Mapped[str] = mapped_column(String(60), default="")
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)


class Item(Base):
    """A filed item (件): a signed record or an imported paper, with its core description.

    ``import_key`` marks an imported paper that brought no id of its own (a digest of what came
    in), so that it is not taken twice; ``elements`` holds further description (DA/T 46) that has
    no column, such as the name of a department this company does not have. ``plan_version`` is
    the filing plan it was filed under, ``readers_id`` the set of tokens it is read under, and
    ``code_order`` what lists in order of 档号 sort by (each part of the code at one width).
    """

    __tablename__ = "item"
    __table_args__ = (
        Index("ix_item_volume_serial", "volume_id", "serial"),
        Index("ix_item_volume_readers", "volume_id", "readers_id", "pages"),
        Index("ix_item_code_order", "code_order", "id", "readers_id"),
        Index("ix_item_state_year", "state", "year", "id", "readers_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    external_id: Mapped[str | None] = mapped_column(String(120), unique=True)
    import_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    record_id: Mapped[int | None] = mapped_column(ForeignKey("record.id"), unique=True)
    title: Mapped[str] = mapped_column(String(300))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customer.id"), index=True)
    form_code: Mapped[str] = mapped_column(String(40), default="", index=True)
    document_number: Mapped[str] = mapped_column(String(80), default="")
    responsible: Mapped[str] = mapped_column(String(80), default="")
    author_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"), index=True)
    document_date: Mapped[date | None]
    year: Mapped[int] = mapped_column(index=True)
    category: Mapped[str] = mapped_column(String(5), default="")
    item_class: Mapped[str] = mapped_column(String(40), default="")
    retention: Mapped[str] = mapped_column(String(4), default="")
    unit: Mapped[str] = mapped_column(String(3), default="")
    secrecy: Mapped[int]
    pages: Mapped[int] = mapped_column(default=0)
    text: Mapped[str] = mapped_column(Text, default="")
    note: Mapped[str] = mapped_column(Text, default="")
    volume_id: Mapped[int | None] = mapped_column(ForeignKey("volume.id"), index=True)
    serial: Mapped[int | None]
    provisional_code: Mapped[str | None] = mapped_column(String(60), unique=True)
    reference_code: Mapped[str | None] = mapped_column(String(60), unique=True)
    code_order: Mapped[str] = mapped_column(String(32), default=UNCODED)
    plan_version: Mapped[int | None]
    readers_id: Mapped[int | None] = mapped_column(ForeignKey("reader_set.id"))
    state: Mapped[str] = mapped_column(String(20))
    status: Mapped[str] = mapped_column(String(40), default="")
    elements: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime]
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}

    @validates("reference_code")
    def _keep_for_ever(self, _key: str, code: str | None) -> str | None:
        """Refuse to change a 档号 once given (DA/T 22: fixed when the volume is sealed)."""
        if self.reference_code not in (None, code):
            raise ValueError(f"档号 {self.reference_code} 已定，不能改")
        self._put_in_order(code or self.provisional_code)
        return code

    @validates("provisional_code")
    def _follow_provisional(self, _key: str, code: str | None) -> str | None:
        self._put_in_order(self.reference_code or code)
        return code

    def _put_in_order(self, code: str | None) -> None:
        found = find_reference(code or "")
        self.code_order = UNCODED if found is None else found.order


keep_set("item", Item.metadata.tables["item"])


class ItemFile(Base):
    """A file of an item: its role (master, word, attachment), name and digest."""

    __tablename__ = "item_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    role: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_file.sha256"), index=True)
    created_at: Mapped[datetime]


class FilingStep(Base):
    """One of the four steps done to an item (append-only): which, by whom, when, with what note."""

    __tablename__ = "filing_step"
    __table_args__ = (UniqueConstraint("item_id", "step"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    step: Mapped[str] = mapped_column(String(12))  # 鉴别 | 归属 | 登记目录 | 上架
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
    note: Mapped[str] = mapped_column(Text, default="")


class IntakeRefusal(Base):
    """A paper the archive gave back at 鉴别 (append-only): who, when, why; one of the two ids."""

    __tablename__ = "intake_refusal"

    id: Mapped[int] = mapped_column(primary_key=True)
    record_id: Mapped[int | None] = mapped_column(ForeignKey("record.id"), index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"), index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)


class ItemCopy(Base):
    """A physical copy of an item with its own ASCII barcode and home (档案实体).

    ``place_id`` is its home in the tree of places, kept while it is out; ``location`` is the
    home as one line, or what was typed where the tree has no such place.
    """

    __tablename__ = "item_copy"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    barcode: Mapped[str] = mapped_column(String(20), unique=True)
    pages: Mapped[int] = mapped_column(default=0)
    location: Mapped[str] = mapped_column(String(80), default="")
    place_id: Mapped[int | None] = mapped_column(ForeignKey("storage_place.id"), index=True)
    status: Mapped[str] = mapped_column(String(12), default="in", index=True)
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}

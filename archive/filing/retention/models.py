"""Rows of holds, new terms, appraisals with their opinions, and destruction or transfer lists.

Nothing here is ever deleted: after destruction these rows are what is left beside the item's
description and the log.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class AppraisalState(StrEnum):
    """How far an appraisal has come; ``label`` is shown."""

    OPEN = "open"
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        """Return the state as shown to people."""
        return {"open": "鉴定中", "decided": "已定", "withdrawn": "已撤回"}[self.value]


class ListState(StrEnum):
    """How far a destruction or transfer list has come; ``label`` is shown."""

    MADE = "made"
    APPROVED = "approved"
    RUNNING = "running"
    DONE = "done"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        """Return the state as shown to people."""
        return _LIST_LABELS[self]


_LIST_LABELS = {
    ListState.MADE: "待批准",
    ListState.APPROVED: "已批准",
    ListState.RUNNING: "正在执行",
    ListState.DONE: "已办结",
    ListState.WITHDRAWN: "已撤回",
}


class LegalHold(Base):
    """A hold (冻结): while in force nothing it covers is destroyed, transferred or so decided.

    ``target`` is the id of an item, volume or customer, or the name of a class.
    """

    __tablename__ = "legal_hold"

    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[str] = mapped_column(String(10), index=True)  # item | volume | customer | class
    target: Mapped[str] = mapped_column(String(40), index=True)
    reason: Mapped[str] = mapped_column(Text)
    from_day: Mapped[date]
    until_day: Mapped[date | None]
    set_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    set_at: Mapped[datetime]
    lifted_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    lifted_at: Mapped[datetime | None]
    lift_reason: Mapped[str] = mapped_column(Text, default="")


class ItemTerm(Base):
    """The term an item has by its last appraisal: counted from the end of ``base_year``.

    The 档号 keeps the term it was sealed under; this row is what falls due.
    """

    __tablename__ = "item_term"

    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    base_year: Mapped[int]
    retention: Mapped[str] = mapped_column(String(4))
    appraisal_id: Mapped[int] = mapped_column(ForeignKey("appraisal.id"))


class Appraisal(Base):
    """A meeting of the appraisal committee (鉴定) over chosen items that are due."""

    __tablename__ = "appraisal"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    state: Mapped[str] = mapped_column(String(12), index=True)
    note: Mapped[str] = mapped_column(Text, default="")
    leader_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    opened_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    opened_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    withdrawn_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")


class AppraisalMember(Base):
    """A member of the committee; ``digest`` is over the opinions as they were signed."""

    __tablename__ = "appraisal_member"
    __table_args__ = (UniqueConstraint("appraisal_id", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    appraisal_id: Mapped[int] = mapped_column(ForeignKey("appraisal.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    signed_at: Mapped[datetime | None]
    digest: Mapped[str] = mapped_column(String(64), default="")


class AppraisalLine(Base):
    """One item before the committee, and what became of it; kept for ever.

    ``claim`` is the item while the appraisal is open, or decided and not carried out yet, so that
    no item is in two of them.
    """

    __tablename__ = "appraisal_line"
    __table_args__ = (UniqueConstraint("appraisal_id", "item_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    appraisal_id: Mapped[int] = mapped_column(ForeignKey("appraisal.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    claim: Mapped[int | None] = mapped_column(ForeignKey("item.id"), unique=True)
    place: Mapped[int]
    base_year: Mapped[int]
    retention: Mapped[str] = mapped_column(String(4))
    outcome: Mapped[str] = mapped_column(String(10), default="", index=True)
    new_term: Mapped[str] = mapped_column(String(4), default="")
    why: Mapped[str] = mapped_column(String(200), default="")


class AppraisalOpinion(Base):
    """What one member thinks of one item: extend (to which term), destroy or transfer."""

    __tablename__ = "appraisal_opinion"
    __table_args__ = (UniqueConstraint("line_id", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("appraisal_line.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    opinion: Mapped[str] = mapped_column(String(10))
    new_term: Mapped[str] = mapped_column(String(4), default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime]


class DisposalList(Base):
    """A destruction list (销毁清册) or a transfer list (移交清册), by ``kind``.

    ``digest`` is over the lines as made: the legal representative and every witness sign exactly
    that. ``cooling_until`` is the first day on which it may be carried out.
    """

    __tablename__ = "disposal_list"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    kind: Mapped[str] = mapped_column(String(10), index=True)  # destroy | transfer
    appraisal_id: Mapped[int] = mapped_column(ForeignKey("appraisal.id"), index=True)
    state: Mapped[str] = mapped_column(String(12), index=True)
    note: Mapped[str] = mapped_column(Text, default="")
    digest: Mapped[str] = mapped_column(String(64))
    made_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    made_at: Mapped[datetime]
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    approved_at: Mapped[datetime | None]
    cooling_until: Mapped[date | None]
    cooling_basis: Mapped[str] = mapped_column(Text, default="")
    receiver: Mapped[str] = mapped_column(String(120), default="")
    receiver_name: Mapped[str] = mapped_column(String(60), default="")
    carried_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    carried_at: Mapped[datetime | None]
    done_at: Mapped[datetime | None]
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    withdrawn_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(Text, default="")


class DisposalLine(Base):
    """One item on such a list, described as it was when the list was made; kept for ever.

    ``files`` are ``[role, name, sha256, size]`` each, as the item had them; ``shared`` are the
    digests among them whose bytes stay because something living has the very same.
    """

    __tablename__ = "disposal_line"
    __table_args__ = (UniqueConstraint("list_id", "item_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("disposal_list.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    place: Mapped[int]
    code: Mapped[str] = mapped_column(String(60))
    title: Mapped[str] = mapped_column(String(300))
    year: Mapped[int]
    retention: Mapped[str] = mapped_column(String(4))
    kept_years: Mapped[int]
    pages: Mapped[int]
    note: Mapped[str] = mapped_column(Text, default="")
    files: Mapped[list[Any]]
    shared: Mapped[list[Any]] = mapped_column(default=list)
    done_at: Mapped[datetime | None]


class DisposalWitness(Base):
    """A 监销人 who watched: when, how and where; ``digest`` is the list's as they saw it."""

    __tablename__ = "disposal_witness"
    __table_args__ = (UniqueConstraint("list_id", "user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("disposal_list.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime]
    method: Mapped[str] = mapped_column(String(60))
    location: Mapped[str] = mapped_column(String(120))
    digest: Mapped[str] = mapped_column(String(64))

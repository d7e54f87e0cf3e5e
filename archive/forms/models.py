"""Rows of form versions: what is published stays as it is for ever."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint, event, inspect
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from storage.database import Base


class FormState(StrEnum):
    """Where a version of a form stands; ``label`` is what people read."""

    DRAFT = "draft"
    PUBLISHED = "published"
    RETIRED = "retired"

    @property
    def label(self) -> str:
        """Return the state as shown to people."""
        return _LABELS[self]


_LABELS = {
    FormState.DRAFT: "待发布",
    FormState.PUBLISHED: "在用",
    FormState.RETIRED: "已停用",
}


class FormVersion(Base):
    """One version of a form (表单版本): its definition, Word template and sample.

    A draft has no number yet; ``based_on`` is the version it was made from (0: a new form).
    Once published, only the state may change.
    """

    __tablename__ = "form_version"
    __table_args__ = (UniqueConstraint("code", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), index=True)
    version: Mapped[int | None]
    state: Mapped[str] = mapped_column(String(20), index=True)
    origin: Mapped[str] = mapped_column(String(20))  # shipped | uploaded
    title: Mapped[str] = mapped_column(String(200))
    definition: Mapped[str] = mapped_column(Text, deferred=True)
    template: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    sample: Mapped[str] = mapped_column(Text, deferred=True)
    digest: Mapped[str] = mapped_column(String(64), index=True)
    template_digest: Mapped[str] = mapped_column(String(64))
    tags: Mapped[list[Any]] = mapped_column(default=list)  # read by the check, in paper order
    remarks: Mapped[list[Any]] = mapped_column(default=list)  # what the check remarked
    based_on: Mapped[int] = mapped_column(default=0)
    note: Mapped[str] = mapped_column(String(200), default="")
    made_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    made_at: Mapped[datetime]
    published_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    published_at: Mapped[datetime | None]
    retired_at: Mapped[datetime | None]
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}


FROZEN = (
    *("code", "version", "origin", "title", "definition", "template", "sample", "digest"),
    *("template_digest", "tags", "remarks", "based_on", "note", "made_by", "made_at"),
    *("published_by", "published_at"),
)


class PublishedIsFrozen(RuntimeError):
    """The program tried to change or remove a version that was published."""


def _was_published(row: FormVersion) -> bool:
    before = inspect(row).attrs.state.history.deleted
    return (before[0] if before else row.state) != FormState.DRAFT


def _refuse_change(_mapper: Mapper[FormVersion], _at: Connection, row: FormVersion) -> None:
    changed = [name for name in FROZEN if inspect(row).attrs[name].history.has_changes()]
    if _was_published(row) and (changed or row.state == FormState.DRAFT):
        raise PublishedIsFrozen(f"form {row.code} v{row.version} is published: {changed}")


def _refuse_delete(_mapper: Mapper[FormVersion], _at: Connection, row: FormVersion) -> None:
    if _was_published(row):
        raise PublishedIsFrozen(f"form {row.code} v{row.version} is published")


event.listen(FormVersion, "before_update", _refuse_change)
event.listen(FormVersion, "before_delete", _refuse_delete)

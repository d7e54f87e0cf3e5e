"""The rows of this station: found, counted, and seen as views. Private to the station."""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.orm import undefer

from archive.core.errors import Conflict, NotFound
from archive.forms.models import FormState, FormVersion
from archive.forms.views import VersionView
from archive.people.service import names_of
from storage.work import UnitOfWork

LARGEST_ID = 2**63 - 1
LARGEST_VERSION = 2**31 - 1


def get_draft_row(uow: UnitOfWork, draft_id: int, version: int | None = None) -> FormVersion:
    """Return a draft with all its parts; raise NotFound, or Conflict when it has changed."""
    row = None
    if 0 < draft_id <= LARGEST_ID:
        row = uow.session.get(FormVersion, draft_id, options=[undefer("*")])
    if row is None:
        raise NotFound("没有这份待发布的表单，它可能已被删除。")
    if row.state != FormState.DRAFT:
        raise Conflict(f"这份表单已经发布为第 {row.version} 版，不能再改；请新建一版。")
    if version is not None and row.row_version != version:
        raise Conflict("这份待发布的表单刚被别人改过，请刷新看过最新内容后再改。")
    return row


def get_version_row(uow: UnitOfWork, code: str, version: int) -> FormVersion:
    """Return a published or retired version with all its parts; raise NotFound."""
    row = None
    if 0 < version <= LARGEST_VERSION:
        row = uow.session.scalar(
            select(FormVersion)
            .where(FormVersion.code == code, FormVersion.version == version)
            .options(undefer("*"))
        )
    if row is None:
        raise NotFound(f"表单 {code[:20]} 没有第 {version} 版。")
    return row


def find_base_row(uow: UnitOfWork, code: str) -> FormVersion | None:
    """Return the version a new one starts from: the newest in use, else the newest of all."""
    return uow.session.scalar(
        select(FormVersion)
        .where(FormVersion.code == code, FormVersion.state != FormState.DRAFT)
        .order_by(FormVersion.state, FormVersion.version.desc())  # published before retired
        .limit(1)
        .options(undefer("*"))
    )


def last_version(uow: UnitOfWork, code: str) -> int:
    """Return the highest number given to a version of this form; 0 if there is none."""
    query = select(func.max(FormVersion.version)).where(FormVersion.code == code)
    return uow.session.scalar(query) or 0


def version_views(uow: UnitOfWork, rows: Iterable[FormVersion]) -> tuple[VersionView, ...]:
    """Return versions as pages see them, names looked up once for all."""
    found = list(rows)
    people = {one for row in found for one in (row.made_by, row.published_by) if one}
    names = names_of(uow, people)
    return tuple(_view(row, names) for row in found)


def _view(row: FormVersion, names: dict[int, str]) -> VersionView:
    return VersionView(
        id=row.id,
        code=row.code,
        title=row.title,
        version=row.version or 0,
        state=row.state,
        origin=row.origin,
        digest=row.digest,
        note=row.note,
        made_by=names.get(row.made_by or 0, "系统"),
        made_at=row.made_at,
        published_by=names.get(row.published_by or 0, "系统"),
        published_at=row.published_at,
        retired_at=row.retired_at,
        row_version=row.row_version,
    )

"""Lists of forms and of the versions of one form, for the administrator's pages."""

from collections import defaultdict

from sqlalchemy import select

from archive.core.errors import NotFound
from archive.forms.models import FormState, FormVersion
from archive.forms.rows import get_version_row, version_views
from archive.forms.shipped import Bundle
from archive.forms.store import get_form
from archive.forms.views import FormHistory, FormLine, VersionView
from archive.people.rights import Actor, require
from storage.work import UnitOfWork


def list_lines(uow: UnitOfWork, actor: Actor) -> tuple[FormLine, ...]:
    """Return every form there is or was or is being made, by code."""
    require(actor, "form.publish")
    gathered: dict[str, list[VersionView]] = defaultdict(list)
    newest_first = select(FormVersion).order_by(FormVersion.code, FormVersion.version.desc())
    for view in version_views(uow, uow.session.scalars(newest_first)):
        gathered[view.code].append(view)
    return tuple(_line(code, views) for code, views in gathered.items())


def get_history(uow: UnitOfWork, actor: Actor, code: str) -> FormHistory:
    """Return a form with all its versions and drafts; raise NotFound."""
    require(actor, "form.publish")
    query = select(FormVersion).where(FormVersion.code == code)
    rows = uow.session.scalars(query.order_by(FormVersion.version.desc(), FormVersion.id.desc()))
    views = version_views(uow, rows)
    if not views:
        raise NotFound(f"没有代号为“{code[:20]}”的表单。")
    line = _line(code, views)
    return FormHistory(
        code=code,
        title=line.title,
        drafts=tuple(view for view in views if view.state == FormState.DRAFT),
        versions=tuple(view for view in views if view.state != FormState.DRAFT),
        current=get_form(uow, code, line.current.version) if line.current else None,
    )


def get_bundle(uow: UnitOfWork, actor: Actor, code: str, version: int) -> Bundle:
    """Return the files of a version, to be downloaded; raise NotFound."""
    require(actor, "form.publish")
    row = get_version_row(uow, code, version)
    return Bundle(row.definition, row.template, row.sample, row.digest)


def _line(code: str, views: list[VersionView] | tuple[VersionView, ...]) -> FormLine:
    numbered = [view for view in views if view.state != FormState.DRAFT]
    current = next((view for view in numbered if view.state == FormState.PUBLISHED), None)
    return FormLine(
        code=code,
        title=(current or (numbered or list(views))[0]).title,
        current=current,
        versions=len(numbered),
        drafts=len(views) - len(numbered),
    )

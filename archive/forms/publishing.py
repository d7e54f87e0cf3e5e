"""Putting a version in use, taking it out, bringing it back.

What is published never changes afterwards: the rows refuse it (``models``). Called through
``forms.service``.
"""

from sqlalchemy import select

from archive.core.errors import Conflict, Invalid
from archive.forms.models import FormState, FormVersion
from archive.forms.rows import get_draft_row, get_version_row, last_version, version_views
from archive.forms.rules import bundle_digest, bytes_digest
from archive.forms.store import forget_newest
from archive.forms.views import DraftView, VersionView
from archive.people.rights import Actor, require
from archive.people.service import names_of
from doc_templates import Form
from storage.work import UnitOfWork

LONGEST_NOTE = 200


def publish_draft(
    uow: UnitOfWork, actor: Actor, judged: DraftView, row_version: int, note: str = ""
) -> VersionView:
    """Publish a draft as the form's next version, exactly as it was judged.

    Raises Invalid while something is wrong with it, Conflict when the draft or the form has
    changed since.
    """
    require(actor, "form.publish")
    row = get_draft_row(uow, judged.version.id, row_version)
    if row.digest != judged.version.digest:
        raise Conflict("这份待发布的表单刚被改过，请看过最新内容后再发布。")
    if judged.findings or judged.form is None:
        listed = "；".join(judged.findings)
        raise Invalid(f"还有 {len(judged.findings)} 处要改好才能发布：{listed}。")
    last = last_version(uow, row.code)
    if last != row.based_on:
        raise Conflict(_overtaken(uow, row.code, last))
    _require_difference(uow, row)
    row.version, row.state = last + 1, FormState.PUBLISHED
    row.published_by, row.published_at = actor.id, uow.now()
    row.note = " ".join(note.split())[:LONGEST_NOTE] or row.note
    return _settle(uow, row, actor.id, "form.publish")


def publish_form(
    uow: UnitOfWork, actor_id: int | None, form: Form, definition: str, tags: tuple[str, ...]
) -> VersionView:
    """Publish a checked form from a folder at once, for the command; nothing new is a Conflict."""
    template, sample = form.read_template(), form.read_sample()
    row = FormVersion(
        code=form.code,
        version=last_version(uow, form.code) + 1,
        state=FormState.PUBLISHED,
        origin="uploaded",
        title=form.title,
        definition=definition,
        template=template,
        sample=sample,
        digest=bundle_digest(definition, template, sample),
        template_digest=bytes_digest(template),
        tags=list(tags),
        remarks=[],
        based_on=last_version(uow, form.code),
        note="由命令发布",
        made_by=actor_id,
        made_at=uow.now(),
        published_by=actor_id,
        published_at=uow.now(),
    )
    _require_difference(uow, row)
    uow.session.add(row)
    return _settle(uow, row, actor_id, "form.publish")


def retire_version(
    uow: UnitOfWork, actor: Actor, code: str, version: int, row_version: int
) -> VersionView:
    """Take a version out of use: no new records are made with it, old ones print as before."""
    row = _row_in_state(uow, actor, code, version, row_version, FormState.PUBLISHED)
    row.state, row.retired_at = FormState.RETIRED, uow.now()
    return _settle(uow, row, actor.id, "form.retire")


def restore_version(
    uow: UnitOfWork, actor: Actor, code: str, version: int, row_version: int
) -> VersionView:
    """Bring a retired version back into use."""
    row = _row_in_state(uow, actor, code, version, row_version, FormState.RETIRED)
    row.state, row.retired_at = FormState.PUBLISHED, None
    return _settle(uow, row, actor.id, "form.restore")


def _row_in_state(
    uow: UnitOfWork, actor: Actor, code: str, version: int, row_version: int, state: FormState
) -> FormVersion:
    require(actor, "form.publish")
    row = get_version_row(uow, code, version)
    if row.state != state or row.row_version != row_version:
        now = FormState(row.state).label
        raise Conflict(f"第 {version} 版现在是“{now}”，刚被别人改过；请刷新后再试。")
    return row


def _settle(uow: UnitOfWork, row: FormVersion, actor_id: int | None, act: str) -> VersionView:
    uow.session.flush()
    forget_newest(uow)
    detail = {"version": row.version, "sha256": row.digest}
    uow.journal(actor_id, act, "form", row.code, detail)
    return version_views(uow, [row])[0]


def _require_difference(uow: UnitOfWork, row: FormVersion) -> None:
    """Refuse to publish what the newest version in use is already."""
    newest = uow.session.execute(
        select(FormVersion.version, FormVersion.digest)
        .where(FormVersion.code == row.code, FormVersion.state == FormState.PUBLISHED)
        .order_by(FormVersion.version.desc())
        .limit(1)
    ).first()
    if newest is not None and newest.digest == row.digest:
        raise Conflict(f"与在用的第 {newest.version} 版完全相同，没有要发布的改动。")


def _overtaken(uow: UnitOfWork, code: str, last: int) -> str:
    row = get_version_row(uow, code, last)
    who = names_of(uow, {row.published_by} if row.published_by else set())
    name = who.get(row.published_by or 0, "系统")
    return f"您着手之后，{name}已发布了第 {last} 版。请按“对照最新版”，看过两版的差别后再发布。"

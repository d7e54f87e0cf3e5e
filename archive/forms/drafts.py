"""Drafts of form versions: made from a Word template, corrected, thrown away.

A draft keeps what was typed even when it cannot be used yet; what is wrong with it is worked
out from it whenever it is shown (``judging``). Called through ``forms.service``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, select

from archive.core.errors import Conflict, Invalid
from archive.forms.edits import edited
from archive.forms.inspection import Inspected
from archive.forms.models import FormState, FormVersion
from archive.forms.proposals import blank_definition, propose
from archive.forms.rows import (
    find_base_row,
    get_draft_row,
    get_version_row,
    last_version,
    version_views,
)
from archive.forms.rules import bundle_digest
from archive.forms.texts import (
    LONGEST_TEXT,
    clean_code,
    clean_line,
    parse_definition,
    parse_sample,
    sample_text,
)
from archive.forms.toml_text import toml_text
from archive.forms.views import DraftEdits, VersionView
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

ACT = "form.publish"
DEFAULT_CLASS = "客户基础资料"


def draft_new_form(
    uow: UnitOfWork, actor: Actor, code: str, title: str, pack: str, inspected: Inspected
) -> VersionView:
    """Make a draft of a form that is not there yet; raise Conflict when its code is taken."""
    require(actor, ACT)
    code = clean_code(code)
    title = clean_line(title, "title", "表单名称", 60)
    pack = clean_line(pack, "pack", "分组", 40)
    if last_version(uow, code):
        raise Conflict(
            f"代号 {code} 已经有表单了；要换它的模板，请在“{code}”的页面上传。",
            {"code": "已有此代号"},
        )
    twin = _find_twin(uow, code, FormVersion.template_digest == inspected.digest)
    if twin is not None:
        return version_views(uow, [twin])[0]
    blank = blank_definition(code, title, pack, DEFAULT_CLASS)
    return _keep_proposal(uow, actor, code, blank, {}, inspected, "")


def draft_from_template(
    uow: UnitOfWork, actor: Actor, code: str, inspected: Inspected
) -> VersionView:
    """Make a draft of the form's next version from a new Word template.

    A template that is already in use is a Conflict naming the version; one uploaded twice makes
    one draft.
    """
    require(actor, ACT)
    base = _get_base(uow, code)
    _require_fresh(uow, code, inspected.digest)
    twin = _find_twin(uow, code, FormVersion.template_digest == inspected.digest)
    if twin is not None:
        return version_views(uow, [twin])[0]
    definition, sample = parse_definition(base.definition), parse_sample(base.sample)
    return _keep_proposal(
        uow, actor, code, definition, sample, inspected, base.definition, base.sample
    )


def draft_from_version(uow: UnitOfWork, actor: Actor, code: str, version: int) -> VersionView:
    """Make a draft with the template and definition of an earlier version, to be corrected.

    One that was begun so and not corrected yet is not begun a second time.
    """
    require(actor, ACT)
    base = get_version_row(uow, code, version)
    twin = _find_twin(uow, code, FormVersion.digest == base.digest)
    if twin is not None:
        return version_views(uow, [twin])[0]
    row = _new_row(actor, base.code, base.title, base.definition, base.template, base.sample)
    row.tags, row.remarks, row.template_digest = base.tags, base.remarks, base.template_digest
    return _keep(uow, actor, row)


def replace_template(
    uow: UnitOfWork, actor: Actor, draft_id: int, version: int, inspected: Inspected
) -> VersionView:
    """Put another Word template into a draft; tags without a field get one."""
    require(actor, ACT)
    row = get_draft_row(uow, draft_id, version)
    definition = parse_definition(row.definition)
    proposal = propose(definition, parse_sample(row.sample), inspected.tags, inspected.text)
    if proposal.fields or proposal.signers:
        row.definition = toml_text(proposal.definition)
        row.sample = sample_text(proposal.sample)
    _set_template(row, inspected)
    return _settle(uow, actor, row)


def rebase_draft(uow: UnitOfWork, actor: Actor, draft_id: int, version: int) -> VersionView:
    """Set a draft against the version published meanwhile: its fields, this draft's template."""
    require(actor, ACT)
    row = get_draft_row(uow, draft_id, version)
    base = _get_base(uow, row.code)
    definition, sample = parse_definition(base.definition), parse_sample(base.sample)
    proposal = propose(definition, sample, _tags(row))
    added = proposal.fields or proposal.signers
    row.definition = toml_text(proposal.definition) if added else base.definition
    row.sample = sample_text(proposal.sample) if added else base.sample
    row.based_on = last_version(uow, row.code)
    return _settle(uow, actor, row)


def edit_draft(
    uow: UnitOfWork, actor: Actor, draft_id: int, version: int, edits: DraftEdits
) -> VersionView:
    """Put what was typed on the page into the draft's definition and sample."""
    require(actor, ACT)
    row = get_draft_row(uow, draft_id, version)
    definition = parse_definition(row.definition)
    changed, sample = edited(definition, parse_sample(row.sample), edits, frozenset(_tags(row)))
    if changed != definition:
        row.definition = toml_text(changed)
    if sample != parse_sample(row.sample):
        row.sample = sample_text(sample)
    return _settle(uow, actor, row)


def write_draft(
    uow: UnitOfWork, actor: Actor, draft_id: int, version: int, definition: str, sample: str
) -> VersionView:
    """Take definition and sample as written by hand; raise Invalid when they are no TOML, JSON."""
    require(actor, ACT)
    row = get_draft_row(uow, draft_id, version)
    for name, text in (("definition", definition), ("sample", sample)):
        if len(text) > LONGEST_TEXT:
            raise Invalid(f"内容太长，最多 {LONGEST_TEXT:,} 字。", {name: "太长"})
    row.definition = definition.replace("\r\n", "\n")
    row.sample = sample.replace("\r\n", "\n")
    written = parse_definition(row.definition)
    parse_sample(row.sample)
    if written.get("code") != row.code:
        raise Invalid(f"代号 code 应仍是“{row.code}”，不能改。", {"definition": "代号不能改"})
    return _settle(uow, actor, row)


def discard_draft(uow: UnitOfWork, actor: Actor, draft_id: int, version: int) -> str:
    """Throw a draft away; return the code of its form."""
    require(actor, ACT)
    row = get_draft_row(uow, draft_id, version)
    uow.session.delete(row)
    uow.session.flush()
    uow.journal(actor.id, "form.discard", "form", row.code, {"sha256": row.digest})
    return row.code


def _get_base(uow: UnitOfWork, code: str) -> FormVersion:
    base = find_base_row(uow, code)
    if base is None:
        raise Invalid(f"没有代号为“{code[:20]}”的表单；新表单请从“上传新表单”开始。")
    return base


def _require_fresh(uow: UnitOfWork, code: str, digest: str) -> None:
    """Refuse a template that a version in use already has."""
    same = uow.session.execute(
        select(FormVersion.version)
        .where(
            FormVersion.code == code,
            FormVersion.template_digest == digest,
            FormVersion.state == FormState.PUBLISHED,
        )
        .order_by(FormVersion.version.desc())
        .limit(1)
    ).first()
    if same is not None:
        raise Conflict(
            f"这个文件和第 {same.version} 版的模板完全相同，不必再上传；"
            "只想改栏目时，请在那一版上点“改栏目”。",
            {"file": "与已有版本相同"},
        )


def _find_twin(uow: UnitOfWork, code: str, same: ColumnElement[bool]) -> FormVersion | None:
    """Return the draft that holds the same, so that a second click makes no second."""
    return uow.session.scalar(
        select(FormVersion)
        .where(
            FormVersion.code == code,
            same,
            FormVersion.state == FormState.DRAFT,
            FormVersion.based_on == last_version(uow, code),
        )
        .limit(1)
    )


def _keep_proposal(
    uow: UnitOfWork,
    actor: Actor,
    code: str,
    definition: Mapping[str, Any],
    sample: Mapping[str, Any],
    inspected: Inspected,
    text: str,
    sample_before: str = "",
) -> VersionView:
    """Keep a draft with a field for every tag; texts that need no change stay as written."""
    proposal = propose(dict(definition), dict(sample), inspected.tags, inspected.text)
    added = not text or proposal.fields or proposal.signers
    row = _new_row(
        actor,
        code,
        str(definition["title"]),
        toml_text(proposal.definition) if added else text,
        inspected.template,
        sample_text(proposal.sample) if added else sample_before,
    )
    _set_template(row, inspected)
    return _keep(uow, actor, row)


def _new_row(
    actor: Actor, code: str, title: str, definition: str, template: bytes, sample: str
) -> FormVersion:
    return FormVersion(
        code=code,
        version=None,
        state=FormState.DRAFT,
        origin="uploaded",
        title=title,
        definition=definition,
        template=template,
        sample=sample,
        tags=[],
        remarks=[],
        note="",
        made_by=actor.id,
    )


def _set_template(row: FormVersion, inspected: Inspected) -> None:
    row.template, row.template_digest = inspected.template, inspected.digest
    row.tags, row.remarks = list(inspected.tags), list(inspected.remarks)


def _keep(uow: UnitOfWork, actor: Actor, row: FormVersion) -> VersionView:
    row.made_at = uow.now()
    row.based_on = last_version(uow, row.code)
    uow.session.add(row)
    return _settle(uow, actor, row, "form.draft")


def _settle(uow: UnitOfWork, actor: Actor, row: FormVersion, act: str = "form.edit") -> VersionView:
    """Write digest and title after any change, and note who did it; nothing new, no note."""
    digest = bundle_digest(row.definition, row.template, row.sample)
    is_changed = digest != row.digest
    row.digest = digest
    title = parse_definition(row.definition).get("title")
    row.title = title[:200] if isinstance(title, str) else row.title
    uow.session.flush()
    if is_changed:
        uow.journal(actor.id, act, "form", row.code, {"draft": row.id, "sha256": digest})
    return version_views(uow, [row])[0]


def _tags(row: FormVersion) -> Sequence[str]:
    return [tag for tag in row.tags if isinstance(tag, str)]

"""A draft judged as a whole: can it be read, does the template fit it, does the sample print.

Renders the sample, so it belongs outside any unit of work: ``load_draft`` takes out of the
database what ``judge_draft`` then looks at. Called through ``forms.service``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from archive.forms.proposals import GRID, key_of
from archive.forms.rows import find_base_row, get_draft_row, last_version, version_views
from archive.forms.rules import changes_between
from archive.forms.store import get_form
from archive.forms.texts import parse_definition, parse_sample
from archive.forms.views import DraftView, FieldLine, SignerLine, VersionView
from archive.people.rights import Actor, require
from doc_templates import Form, FormError, check_form, read_form
from storage.work import UnitOfWork


@dataclass(frozen=True)
class DraftParts:
    """Everything a draft is judged by, taken out of the database."""

    version: VersionView
    definition: str
    template: bytes
    sample: str
    tags: tuple[str, ...]
    remarks: tuple[str, ...]
    based_on: int
    newest: int
    base: Form | None


def load_draft(uow: UnitOfWork, actor: Actor, draft_id: int) -> DraftParts:
    """Return what a draft is made of; raise NotFound, or Conflict once it is published."""
    require(actor, "form.publish")
    row = get_draft_row(uow, draft_id)
    base = find_base_row(uow, row.code)
    return DraftParts(
        version=version_views(uow, [row])[0],
        definition=row.definition,
        template=row.template,
        sample=row.sample,
        tags=tuple(str(tag) for tag in row.tags),
        remarks=tuple(str(one) for one in row.remarks),
        based_on=row.based_on,
        newest=last_version(uow, row.code),
        base=get_form(uow, base.code, base.version) if base else None,
    )


def judge_draft(parts: DraftParts) -> DraftView:
    """Return the draft as its page shows it, with everything that is wrong with it."""
    form, fault = _read(parts)
    findings, remarks = [fault] if fault else [], list(parts.remarks)
    for finding in check_form(form) if form else ():
        (findings if finding.serious else remarks).append(finding.message)
    table = parse_definition(parts.definition)
    return DraftView(
        version=parts.version,
        definition=parts.definition,
        sample=parts.sample,
        form=form,
        fields=tuple(_field_lines(table, parts)),
        signers=tuple(_signer_lines(table, parts)),
        settings=_settings(table),
        findings=tuple(dict.fromkeys(findings)),
        remarks=tuple(dict.fromkeys(remarks)),
        based_on=parts.based_on,
        newest=parts.newest,
        changes=changes_between(parts.base, form) if form and parts.base else (),
    )


def _read(parts: DraftParts) -> tuple[Form | None, str]:
    number = parts.newest + 1
    try:
        return read_form(parts.definition, parts.template, parts.sample, number), ""
    except FormError as error:
        return None, error.message


def _field_lines(table: Mapping[str, Any], parts: DraftParts) -> Iterator[FieldLine]:
    sample = parse_sample(parts.sample)
    before = _paths(parts.base) if parts.base else None
    for entry in table.get("field", []):
        key = key_of(entry)
        yield _field_line(entry, key, _shown(sample.get(key)), before, parts.tags)
        rows = sample.get(key)
        rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        for column in entry.get("column", []):
            name = key_of(column)
            shown = "\n".join(_shown(row.get(name)).replace("\n", " ") for row in rows)
            yield _field_line(column, f"{key}.{name}", shown, before, parts.tags)


def _field_line(
    entry: Mapping[str, Any],
    path: str,
    sample: str,
    before: frozenset[str] | None,
    tags: tuple[str, ...],
) -> FieldLine:
    choices = entry.get("choices", [])
    return FieldLine(
        path=path,
        label=str(entry.get("label") or key_of(entry)),
        kind=str(entry.get("kind", "text")),
        required=entry.get("required") is True,
        printed=entry.get("printed") is not False,
        help=str(entry.get("help", "")),
        choices=tuple(str(one) for one in choices) if isinstance(choices, list) else (),
        sample=sample,
        is_new=before is not None and path not in before,
        has_tag=path in tags or f"{path}{GRID}" in tags,
    )


def _signer_lines(table: Mapping[str, Any], parts: DraftParts) -> Iterator[SignerLine]:
    before = {one.role for one in parts.base.signers} if parts.base else None
    for one in table.get("signer", []):
        role = str(one.get("role", ""))
        yield SignerLine(
            role=role,
            candidate=str(one.get("candidate", "")),
            optional=one.get("optional") is True,
            is_new=before is not None and role not in before,
            has_tag=f"签名.{role}" in parts.tags,
        )


def _settings(table: Mapping[str, Any]) -> dict[str, str]:
    filing, number = table.get("filing", {}), table.get("number", {})
    code = table.get("code", "")
    return {
        **{key: str(table.get(key, "")) for key in ("title", "pack", "title_rule", "description")},
        "item_class": str(filing.get("item_class", "")),
        "retention": str(filing.get("retention", "D30")),
        "secrecy": str(filing.get("secrecy", "内部")),
        "number": str(number.get("pattern", f"{code}-{{年}}-{{序号}}")),
    }


def _paths(form: Form) -> frozenset[str]:
    columns = {f"{one.key}.{column.key}" for one in form.fields for column in one.columns}
    return frozenset(columns | {one.key for one in form.fields})


def _shown(value: object) -> str:
    """Return a sample value as it is typed on the page; tables have theirs by column."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join(one for one in value if isinstance(one, str))
    return "" if value is None else str(value)

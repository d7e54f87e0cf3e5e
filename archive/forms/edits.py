"""What was typed on a draft's page, put into its definition and sample. Pure.

Only what the page shows is touched: formulas, checks, layout and the rest stay as they are.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any

from archive.core.errors import Invalid
from archive.forms.proposals import GRID, Table, key_of, without_fields
from archive.forms.views import DraftEdits, FieldEdit, SignerEdit
from archive.forms.wording import KIND_LABELS

FIXED_KINDS = frozenset({"rows", "computed"})
# What means something for some kinds only, and goes when the kind is changed.
BOUND_TO_KIND = (
    "default",
    "minimum",
    "maximum",
    "decimals",
    "max_length",
    "max_lines",
    "unit",
    "tick",
)
FILING = ("item_class", "retention", "secrecy")
TOP = ("title", "pack", "title_rule", "description")


def edited(
    definition: Table, sample: Table, edits: DraftEdits, tags: frozenset[str]
) -> tuple[Table, Table]:
    """Return definition and sample with the edits; raise Invalid for what cannot be dropped."""
    for path in sorted(edits.dropped):
        if path in tags or f"{path}{GRID}" in tags:
            raise Invalid(
                f"栏目“{path}”在模板里有标签，不能去掉；请先在 Word 里删去标签再上传。",
                {path: "模板里有这个标签"},
            )
    table, values = copy.deepcopy(definition), copy.deepcopy(sample)
    if edits.dropped:
        table, values = without_fields(table, values, edits.dropped)
    entries = dict(_by_path(table))
    for edit in edits.fields:
        if edit.path in entries:
            _edit_field(entries[edit.path], edit)
            _edit_sample(values, entries[edit.path], edit)
    _edit_signers(table, edits.signers)
    _edit_settings(table, edits)
    return table, values


def _by_path(table: Table) -> Iterator[tuple[str, Table]]:
    for entry in table.get("field", []):
        yield key_of(entry), entry
        for column in entry.get("column", []):
            yield f"{key_of(entry)}.{key_of(column)}", column


def _edit_field(entry: Table, edit: FieldEdit) -> None:
    before = entry.get("kind", "text")
    if before not in FIXED_KINDS and edit.kind in KIND_LABELS and edit.kind != before:
        for name in BOUND_TO_KIND:
            entry.pop(name, None)
        entry["kind"] = edit.kind
    if entry.get("kind") in ("choice", "multi"):
        entry["choices"] = list(edit.choices)
    else:
        entry.pop("choices", None)
    if edit.label != (entry.get("label") or key_of(entry)):
        _set(entry, "label", edit.label)
    _set(entry, "help", edit.help)
    _set(entry, "required", edit.required and before != "computed")
    if edit.printed:
        entry.pop("printed", None)
    else:
        entry["printed"] = False


def _set(entry: Table, name: str, value: object) -> None:
    """Write a setting, or take it out where it says nothing."""
    if value:
        entry[name] = value
    else:
        entry.pop(name, None)


def _edit_sample(values: Table, entry: Table, edit: FieldEdit) -> None:
    if edit.sample is None or entry.get("kind") in FIXED_KINDS:
        return
    table, _, column = edit.path.partition(".")
    if not column:
        _put(values, table, _typed(entry, edit.sample))
        return
    typed = edit.sample.replace("\r\n", "\n").split("\n")
    while typed and not typed[-1].strip():
        typed.pop()
    rows = values.get(table)
    rows = rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else []
    rows += [{} for _ in range(len(typed) - len(rows))]
    for at, row in enumerate(rows):
        _put(row, column, _typed(entry, typed[at] if at < len(typed) else ""))
    while rows and not any(str(value).strip() for value in rows[-1].values()):
        rows.pop()
    values[table] = rows


def _put(values: Table, key: str, value: object) -> None:
    """Write a sample value; nothing typed where nothing was stays nothing."""
    if value or key in values:
        values[key] = value


def _typed(entry: Table, text: str) -> object:
    kind = entry.get("kind", "text")
    if kind == "check":
        return text.strip() in ("是", "true", "1", "√", "✓", "☑")
    if kind == "multi":
        return [one for one in re.split(r"[、，,;；\n]\s*", text.strip()) if one]
    return text.replace("\r\n", "\n") if kind == "longtext" else text.strip()


def _edit_signers(table: Table, edits: tuple[SignerEdit, ...]) -> None:
    known: dict[str, Any] = {str(one.get("role", "")): one for one in table.get("signer", [])}
    typed = {edit.role: edit for edit in edits}
    for role, one in known.items():
        if role in typed:
            one["candidate"] = typed[role].candidate or one.get("candidate", "")
            _set(one, "optional", typed[role].optional)
    order = {role: at for at, role in enumerate(known, 1)}
    order |= {role: edit.place for role, edit in typed.items()}
    if known:
        table["signer"] = sorted(known.values(), key=lambda one: order[str(one.get("role", ""))])


def _edit_settings(table: Table, edits: DraftEdits) -> None:
    for name in TOP:
        if name in edits.settings:
            _set(table, name, edits.settings[name].strip())
    filing = table.setdefault("filing", {})
    for name in FILING:
        if name in edits.settings:
            _set(filing, name, edits.settings[name].strip())
    pattern = edits.settings.get("number", "").strip()
    if pattern:
        table.setdefault("number", {})["pattern"] = pattern

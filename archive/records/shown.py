"""How the pages of this station tell what stands in a record: names, differences, JSON.

Pure presentation: no right is decided and nothing is read or written here. Called by
``routes`` and ``entry_routes``.
"""

import itertools
import json
from collections.abc import Mapping
from typing import Any

from flask import Response

from archive.core.clock import local
from archive.core.errors import ArchiveError
from archive.records.service import Entries, VersionView
from doc_templates import Form, describe_path, shown_text
from doc_templates.values import printed_text

Difference = tuple[str, str, str]


def entries_body(entries: Entries) -> dict[str, Any]:
    """Return a draft as the entry page's scripts know it."""
    record = entries.record
    return {
        "version": record.version,
        "values": dict(record.content),
        "shown": dict(entries.computed),
        "errors": dict(entries.errors),
        "warnings": dict(entries.warnings),
        "missing": dict(entries.missing),
        "title": record.title,
        "saved_at": local(record.updated_at).strftime("%H:%M:%S"),
    }


def refusal_body(refusal: ArchiveError) -> dict[str, Any]:
    """Return a refusal as the scripts know it."""
    return {"code": refusal.code, "message": refusal.message, "fields": refusal.fields}


def json_answer(body: Mapping[str, Any], status: int = 200) -> Response:
    """Answer with JSON that carries half a character too, as a draft may hold one."""
    return Response(json.dumps(body, ensure_ascii=True), status, mimetype="application/json")


def whole_letters(page: str) -> str:
    """Return a page with half characters made visible; no answer could carry them."""
    if page.isascii():
        return page
    return page.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def labels_of(form: Form) -> dict[str, str]:
    """Return the name of every entry and column, by its path without row numbers."""
    columns = {
        f"{entry.key}.{column.key}": column.label
        for entry in form.fields
        for column in entry.columns
    }
    return {entry.key: entry.label for entry in form.fields} | columns


def named_faults(form: Form, errors: Mapping[str, str]) -> list[Difference]:
    """Return path, name as a reader says it, and message of every error, in paper order."""
    order = {entry.key: at for at, entry in enumerate(form.fields)}
    paths = sorted(errors, key=lambda path: order.get(path.partition("[")[0], len(order)))
    return [(path, describe_path(form, path), errors[path]) for path in paths]


def differences(
    form: Form, one: Mapping[str, object], other: Mapping[str, object]
) -> list[Difference]:
    """Return label and both contents wherever two fillings of a form differ."""
    found = []
    for entry in form.fields:
        left, right = one.get(entry.key), other.get(entry.key)
        if left != right and not entry.is_computed:
            told = (_brief(form, entry.key, left), _brief(form, entry.key, right))
            found.append((entry.label, *told))
    return found


def changes_by_version(
    form: Form, versions: tuple[VersionView, ...]
) -> dict[int, list[Difference]]:
    """Return what each submitted version changed against the one before it."""
    pairs = itertools.pairwise(versions)
    return {new.n: differences(form, old.content, new.content) for new, old in pairs}


def _brief(form: Form, key: str, value: object) -> str:
    entry = form.find_field(key)
    if entry is None or not isinstance(value, list) or entry.kind != "rows":
        return shown_text(form, key, value)
    lines = [
        "，".join(
            text for column in entry.columns if (text := printed_text(column, row.get(column.key)))
        )
        for row in value
    ]
    return "\n".join(f"第{at}行：{line}" for at, line in enumerate(lines, 1))

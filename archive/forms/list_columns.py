"""The columns of the lists of forms, versions and fields when they are given out as Excel files."""

from collections.abc import Iterator
from dataclasses import dataclass

from archive.core.list_sheets import ListColumn
from archive.forms.views import FormLine, VersionView
from archive.forms.wording import kind_label
from doc_templates import Form


@dataclass(frozen=True)
class EntryLine:
    """A field of a form, or a column of one of its tables (``path`` then names both)."""

    path: str
    label: str
    kind: str
    required: bool
    help: str


def entry_lines(form: Form) -> Iterator[EntryLine]:
    """Yield the fields of a form in its order, each table followed by its columns."""
    for entry in form.fields:
        yield EntryLine(entry.key, entry.label, entry.kind, entry.required, entry.help)
        for column in entry.columns:
            path = f"{entry.key}.{column.key}"
            yield EntryLine(path, column.label, column.kind, column.required, column.help)


FORMS: tuple[ListColumn[FormLine], ...] = (
    ListColumn("代号", lambda line: line.code, 10),
    ListColumn("名称", lambda line: line.title, 30),
    ListColumn("在用版本", lambda line: line.current and line.current.version, 10),
    ListColumn("来源", lambda line: line.current and line.current.origin_label, 14),
    ListColumn("发布人", lambda line: line.current and line.current.published_by, 12),
    ListColumn("发布时间", lambda line: line.current and line.current.published_at, 18),
    ListColumn("共几版", lambda line: line.versions, 8),
    ListColumn("待发布", lambda line: line.drafts, 8),
)
VERSIONS: tuple[ListColumn[VersionView], ...] = (
    ListColumn("版本", lambda one: one.version, 8),
    ListColumn("名称", lambda one: one.title, 30),
    ListColumn("状态", lambda one: one.state_label, 10),
    ListColumn("来源", lambda one: one.origin_label, 14),
    ListColumn("发布人", lambda one: one.published_by, 12),
    ListColumn("发布时间", lambda one: one.published_at, 18),
    ListColumn("停用时间", lambda one: one.retired_at, 18),
    ListColumn("说明", lambda one: one.note, 40),
)
ENTRIES: tuple[ListColumn[EntryLine], ...] = (
    ListColumn("栏目", lambda one: one.path, 24),
    ListColumn("印的名称", lambda one: one.label, 24),
    ListColumn("种类", lambda one: kind_label(one.kind), 14),
    ListColumn("必填", lambda one: "必填" if one.required else "", 8),
    ListColumn("说明", lambda one: one.help, 40),
)

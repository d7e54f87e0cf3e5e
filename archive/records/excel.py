"""A form as an Excel file: the sheet to fill in, records given out, bad rows given back.

The form's own entries stand in one sheet, a paper a row; each table of the form has a sheet of
its own whose 序号 says which paper a line belongs to. Reading one back is in ``excel_read``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from archive.core.sheets import Cell, Column, Sheet, head_of, sheet_title, write_workbook
from doc_templates import Field, Form
from doc_templates.fields import get_kind

LINK, LINK_TAKEN = "序号", "第几份"
NUMBER = "编号"
REASON = "错误说明"
GUIDE = "填写说明"
NUMBER_NOTE = "留空是新填一份；要修改已有的草稿，填它的编号（没有编号的填 # 加文件号，如 #12）"
LINK_NOTE = "给每一份编个号（1、2、3…），明细表用它来对应"
_USUAL = {
    "@today": "留空就是导入那天",
    "@month": "留空就是导入那月",
    "@user": "留空就是导入的人",
    "@company": "留空就是本公司",
}
LINE_NOTE = "这一行属于哪一份，填主表里的序号"


@dataclass(frozen=True)
class Paper:
    """A paper to be written into the sheets: its number and values, what is wrong and where.

    ``faults`` is by path as a check names it (``货品[2].单价``); ``reason`` is all of it.
    """

    number: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""
    faults: Mapping[str, str] = field(default_factory=dict)


def is_asked(entry: Field) -> bool:
    """Whether an entry is filled in through a sheet: not what is computed, signed, or a picture."""
    return not (entry.is_computed or entry.signer or entry.kind in ("rows", "image"))


def is_needed(entry: Field) -> bool:
    """Whether an entry must be in the sheet: required, and nothing fills it in by itself."""
    return entry.required and not entry.default and is_asked(entry)


def asked_entries(form: Form) -> tuple[Field, ...]:
    """Return the entries of the form's own sheet, in order."""
    return tuple(entry for entry in form.fields if is_asked(entry))


def asked_columns(table: Field) -> tuple[Field, ...]:
    """Return the columns of a table's sheet, in order."""
    return tuple(column for column in table.columns if is_asked(column))


def tables_of(form: Form) -> tuple[Field, ...]:
    """Return the tables of a form that have a sheet of their own."""
    return tuple(entry for entry in form.fields if entry.kind == "rows" and not entry.signer)


def link_title(entries: Iterable[Field]) -> str:
    """Return the head of the column that ties lines to papers; another when it is taken."""
    return LINK_TAKEN if any(entry.key == LINK for entry in entries) else LINK


def number_title(form: Form) -> str:
    """Return the head of the column that names an existing draft."""
    return f"文件{NUMBER}" if any(entry.key == NUMBER for entry in form.fields) else NUMBER


def main_title(form: Form) -> str:
    """Return the title of the form's own sheet."""
    return sheet_title(form.code, form.title)


def blank_workbook(form: Form) -> bytes:
    """Return the sheet to fill in."""
    return write_workbook([*_form_sheets(form, ()), _guide(form)])


def papers_workbook(form: Form, papers: Sequence[Paper]) -> bytes:
    """Return papers in the same sheets, with what is computed or signed for reading."""
    return write_workbook([*_form_sheets(form, papers, with_info=True), _guide(form)])


def returned_workbook(form: Form, papers: Sequence[Paper]) -> bytes:
    """Return papers that could not be taken, each with the reason, to be corrected."""
    return write_workbook([*_form_sheets(form, papers, with_reason=True), _guide(form)])


def _form_sheets(
    form: Form, papers: Sequence[Paper], *, with_info: bool = False, with_reason: bool = False
) -> Iterator[Sheet]:
    entries = asked_entries(form)
    if with_info:
        entries = tuple(e for e in form.fields if e.kind not in ("rows", "image"))
    lead = [
        Column(link_title(form.fields), 6, "General", note=LINK_NOTE),
        Column(number_title(form), 16, note=NUMBER_NOTE),
    ]
    reason = [Column(REASON, 40, note="改好后可以直接再上传，这一栏不用删")] if with_reason else []
    columns = (*reason, *lead, *(column_of(entry) for entry in entries))
    first = len(reason) + len(lead)
    rows = [
        [*([paper.reason] if reason else []), at, paper.number, *_row(entries, paper.values)]
        for at, paper in enumerate(papers, 1)
    ]
    faults = {
        (at, first + place): paper.faults[entry.key]
        for at, paper in enumerate(papers)
        for place, entry in enumerate(entries)
        if entry.key in paper.faults
    }
    yield Sheet(main_title(form), columns, rows, faults)
    for table in tables_of(form):
        yield _table_sheet(table, papers, with_info)


def _table_sheet(table: Field, papers: Sequence[Paper], with_info: bool) -> Sheet:
    entries = asked_columns(table)
    if with_info:
        entries = tuple(column for column in table.columns if column.kind != "image")
    link = Column(link_title(table.columns), 8, "General", is_required=True, note=LINE_NOTE)
    rows: list[list[Cell]] = []
    faults: dict[tuple[int, int], str] = {}
    for serial, paper in enumerate(papers, 1):
        lines = paper.values.get(table.key)
        for index, line in enumerate(lines if isinstance(lines, list) else ()):
            for place, column in enumerate(entries, 1):
                why = paper.faults.get(f"{table.key}[{index}].{column.key}")
                if why:
                    faults[len(rows), place] = why
            rows.append([serial, *_row(entries, line)])
    return Sheet(table.key, (link, *(column_of(column) for column in entries)), rows, faults)


def column_of(entry: Field) -> Column:
    """Return how the column of an entry is set up."""
    look = get_kind(entry).excel(entry)
    is_info = not is_asked(entry)
    usual = _USUAL.get(entry.default, f"留空就是“{entry.default}”") if entry.default else ""
    note = "这一栏不用填" if is_info else "；".join(part for part in (look.note, usual) if part)
    return Column(
        entry.key,
        max(look.width, 2 * len(entry.key) + 3),
        look.number_format,
        () if is_info else look.choices,
        note,
        is_required=is_needed(entry) and not is_info,
        is_info=is_info,
    )


def _row(entries: Sequence[Field], values: Mapping[str, Any]) -> list[Cell]:
    return [_cell(entry, values.get(entry.key)) for entry in entries]


def _cell(entry: Field, value: Any) -> Cell:
    """Return a canonical value for its column; what was typed wrong stands as it was typed."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return get_kind(entry).to_excel(entry, value)


def _guide(form: Form) -> Sheet:
    columns = (Column("表单", 18), Column(f"{form.code} {form.title}", 8), Column("说明", 60))
    rows: list[list[Cell]] = [
        ["版本", f"第 {form.version} 版", "这张空表由系统生成，栏目名称请不要改；列的次序可以变"],
        ["怎么填", "", "一行一份；标 * 的必填；空行不算；可以从别的表里整列粘贴"],
        [number_title(form), "", NUMBER_NOTE],
    ]
    tables = tables_of(form)
    if tables:
        names = "、".join(f"“{sheet_title(table.key)}”" for table in tables)
        rows.append([link_title(form.fields), "", f"{LINK_NOTE}；明细填在工作表{names}里"])
    for entry in (*asked_entries(form), *(c for table in tables for c in asked_columns(table))):
        column = column_of(entry)
        choices = f"可填：{'、'.join(entry.choices)}" if entry.choices else ""
        text = "；".join(part for part in (column.note, choices) if part)
        rows.append([head_of(column), "必填" if column.is_required else "", text])
    for table in tables:
        for preset in table.preset_rows:
            fixed = "，".join(f"{key}：{value}" for key, value in preset.items())
            rows.append([table.key, "固定行", fixed])
    return Sheet(GUIDE, columns, rows)

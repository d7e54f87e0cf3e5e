"""A choice of records across the pages of the list, and the list given out as an Excel file.

Only what the actor may read is ever chosen: everything goes through ``list_records``. Called
by the pages and calls that do something with many records at once.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from archive.core.clock import local
from archive.core.errors import Invalid, TooLarge
from archive.core.pages import MAX_PER_PAGE
from archive.core.sheets import Cell, Column, Sheet, write_workbook
from archive.forms.service import get_form
from archive.people.rights import Actor
from archive.records.excel import Paper, papers_workbook
from archive.records.models import RecordState
from archive.records.rules import LARGEST_ID
from archive.records.service import list_records
from archive.records.views import RecordView
from storage.work import UnitOfWork

MOST_EXPORTED = 10_000
FACET = "f."
_COLUMNS = (
    Column("文件号", 8, "General"),
    Column("编号", 18),
    Column("题名", 40),
    Column("表单", 8),
    Column("表单名称", 22),
    Column("客户", 28),
    Column("填报人", 10),
    Column("部门", 14),
    Column("密级", 8),
    Column("状态", 14),
    Column("年度", 8, "0"),
    Column("新建时间", 18),
    Column("最近改动", 18),
    Column("提交时间", 18),
    Column("签完时间", 18),
)


@dataclass(frozen=True)
class Filters:
    """What narrows the list of records."""

    state: str = ""
    form: str = ""
    customer_id: int | None = None
    mine: bool = False
    text: str = ""
    entries: Mapping[str, str] = field(default_factory=dict)


def read_filters(posted: Mapping[str, str]) -> Filters:
    """Read filters as the list's address carries them; what is not understood narrows nothing."""
    state, customer = posted.get("state", ""), posted.get("customer", "")
    is_number = customer.isascii() and customer.isdigit() and 0 < int(customer[:19]) <= LARGEST_ID
    return Filters(
        state=state if state in set(RecordState) else "",
        form=posted.get("form", "")[:40],
        customer_id=int(customer[:19]) if is_number else None,
        mine=posted.get("mine") == "1",
        text=posted.get("q", ""),
        entries=read_entries(posted),
    )


def read_entries(posted: Mapping[str, str]) -> dict[str, str]:
    """Read what the form's facets are narrowed to: ``f.主办人员=陈晓东``."""
    return {
        name.removeprefix(FACET)[:60]: value[:200]
        for name, value in posted.items()
        if name.startswith(FACET) and value and name.removeprefix(FACET).isidentifier()
    }


def read_ids(typed: Sequence[str]) -> tuple[int, ...]:
    """Read record ids as a page posts them (one a value, or many with commas); raise Invalid."""
    words = [word.strip() for text in typed for word in text.split(",") if word.strip()]
    if not all(word.isascii() and word.isdigit() and len(word) < 19 for word in words):
        raise Invalid("所选的文件不对，请返回列表重新勾选。", {"ids": "应为文件号"})
    return tuple(dict.fromkeys(int(word) for word in words))


def matching(uow: UnitOfWork, actor: Actor, filters: Filters, most: int) -> list[RecordView]:
    """Return every record the actor may read that fits, newest change first.

    Raises TooLarge when there are more than ``most``.
    """
    found: list[RecordView] = []
    for page in _pages(uow, actor, filters):
        if page[0] > most:
            raise TooLarge(f"一次最多 {most:,} 份，符合条件的有 {page[0]:,} 份；请再加条件。")
        found.extend(page[1])
    return found


def _pages(
    uow: UnitOfWork, actor: Actor, filters: Filters
) -> Iterator[tuple[int, tuple[RecordView, ...]]]:
    number = 1
    while True:
        page = list_records(
            uow,
            actor,
            state=filters.state,
            form=filters.form,
            customer_id=filters.customer_id,
            mine=filters.mine,
            text=filters.text,
            entries=filters.entries,
            page=number,
            per_page=MAX_PER_PAGE,
        )
        yield page.total, page.items
        if number >= page.pages:
            return
        number += 1


def list_workbook(records: Sequence[RecordView]) -> bytes:
    """Return the list of records as an Excel file."""
    return write_workbook([Sheet("文件清单", _COLUMNS, [_line(record) for record in records])])


def form_workbook(uow: UnitOfWork, form_code: str, records: Sequence[RecordView]) -> bytes:
    """Return records of one form with all their entries; it can be changed and imported again."""
    papers = [Paper(one.number or f"#{one.id}", one.content) for one in records]
    return papers_workbook(get_form(uow, form_code), papers)


def _line(record: RecordView) -> list[Cell]:
    instants = (record.created_at, record.updated_at, record.submitted_at, record.signed_at)
    return [
        record.id,
        record.number,
        record.title,
        record.form_code,
        record.form_title,
        record.customer_name,
        record.author_name,
        record.department_name,
        record.secrecy_label,
        record.state_label,
        record.year,
        *(local(at).strftime("%Y-%m-%d %H:%M") if at else "" for at in instants),
    ]

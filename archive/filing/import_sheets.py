"""The filled Excel sheet of a form, read as papers to be filed: one row, one paper.

Reading and judging are those of importing drafts (``records``); here the good rows become items
and the bad ones are told with their place. Called by the command.
"""

import hashlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from archive.core.errors import Invalid
from archive.core.sheet_reader import ReadBook, read_book
from archive.documents.service import plain_text
from archive.filing.import_rows import BATCH, Batch, Fault, ImportRow
from archive.forms.service import get_form, list_forms
from archive.people.rights import Actor
from archive.records.batch_check import Judge, Judged
from archive.records.excel_read import find_form_code, read_papers
from doc_templates import Form
from storage.work import UnitOfWork

LARGEST = 20 << 20


def read_sheet(uow: UnitOfWork, actor: Actor, path: Path, batch: int = BATCH) -> Iterator[Batch]:
    """Yield the rows of a form's sheet in batches; each batch is one transaction of the caller.

    Raises Invalid for a file that is no sheet of a form in use, and for one over 20 MB.
    """
    if path.stat().st_size > LARGEST:
        raise Invalid(f"{path.name} 超过 {LARGEST >> 20} MB，请分成几个文件再导入。")
    book = read_book(path.read_bytes())
    form = _form_of(uow, book, path)
    judge = Judge(uow, actor, form)
    papers = read_papers(form, book).papers
    for chunk in (papers[at : at + batch] for at in range(0, len(papers), batch)):
        rows: list[ImportRow] = []
        faults: list[Fault] = []
        for paper in chunk:
            number, paper.number = paper.number, ""  # here it is the paper's own, no draft's
            judged = judge.judge(paper)
            if judged.faults:
                faults += [Fault(paper.where(place), why) for place, why in judged.faults]
            else:
                rows.append(_row(form, judged, number))
        yield Batch(tuple(rows), tuple(faults), len(chunk))


def _form_of(uow: UnitOfWork, book: ReadBook, path: Path) -> Form:
    """Return the form whose sheet this is: its guide says so, or the name of its first sheet."""
    code = find_form_code(book)
    if not code:
        titles = {sheet.title.split(" ")[0] for sheet in book.sheets}
        code = next((form.code for form in list_forms(uow) if form.code in titles), "")
    if not code:
        raise Invalid(
            f"看不出 {path.name} 是哪张表单的表格；请用“批量导入”页或接口下载的空表填写。"
        )
    return get_form(uow, code)


def _row(form: Form, judged: Judged, number: str) -> ImportRow:
    values = judged.values
    day = _day_of(values.get(form.date_field))
    return ImportRow(
        where=judged.paper.where(""),
        title=form.title_of(values)[:300],
        key=hashlib.sha256(f"{form.code}|{judged.paper.mark}".encode()).hexdigest(),
        text=plain_text(values, form),
        customer=str(values.get(form.customer_field) or "")[:120],
        form=form.code,
        year=day.year if day else None,
        document_date=day,
        number=number[:60],
    )


def _day_of(value: object) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) and value else None

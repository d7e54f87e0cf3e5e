"""Pages for many records at once: the sheet to fill in, its upload, the report, the list as Excel.

Files made of many records (ZIP, one PDF) belong to ``documents``.
"""

from apiflask import APIBlueprint
from flask import Response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from archive.core.answers import sheet_answer
from archive.core.errors import Invalid, TooLarge
from archive.core.sheet_reader import MAX_BYTES, MAX_ROWS
from archive.core.web import reading, resources, work
from archive.forms.service import get_form, list_forms
from archive.people.gate import actor, guard
from archive.records import batch
from archive.records.excel import blank_workbook
from archive.records.selection import (
    MOST_EXPORTED,
    form_workbook,
    list_workbook,
    matching,
    read_filters,
    read_ids,
)
from archive.records.service import get_record

pages = APIBlueprint(
    "records_batch",
    __name__,
    url_prefix="/records",
    template_folder="templates",
    static_folder="static",
    enable_openapi=False,
)
THEN = {"": "只建草稿", "word": "再生成 Word（ZIP）", "both": "再生成 Word 和 PDF（ZIP）"}
THEN |= {"merged": "再合并成一个 PDF"}


@pages.get("/import")
@guard("record.create")
def choose() -> str:
    """Show how an import goes; choose the form, download its sheet, upload it filled."""
    with reading() as uow:
        forms = list_forms(uow)
    return render_template(
        "records/import.html",
        forms=forms,
        chosen=request.args.get("form", ""),
        most_rows=MAX_ROWS,
        most_bytes=MAX_BYTES,
    )


@pages.get("/import/sheet")
@guard("record.create")
def sheet() -> Response:
    """Give out a form's sheet to fill in."""
    with reading() as uow:
        form = get_form(uow, request.args.get("form", ""))
    return sheet_answer(blank_workbook(form), f"{form.code} {form.title}-导入表.xlsx")


@pages.post("/import")
@guard("record.create")
def upload() -> AnyResponse:
    """Take a filled sheet and have it checked."""
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid("请选择填好的表格。", {"file": "没有选文件"})
    content = file.stream.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise TooLarge(f"表格太大，最多 {MAX_BYTES >> 20} MB；请分成几个文件上传。")
    if not content:
        raise Invalid("这个文件是空的，请选择填好的表格。", {"file": "空文件"})
    with reading() as uow:
        get_form(uow, request.form.get("form", ""))
    ref = resources().blobs.put(content, "application/octet-stream")
    with work() as uow:
        task = batch.start_check(uow, actor(), request.form.get("form", ""), file.filename, ref)
        uow.commit()
    return redirect(url_for("tasks.show", task_id=task.id))


@pages.get("/import/<int:check_id>")
@guard("record.create")
def report(check_id: int) -> str:
    """Show what a check found, row by row, and ask what to do."""
    with reading() as uow:
        check = batch.get_check(uow, actor(), check_id)
        form = get_form(uow, check.params["form"])
        done = batch.find_import(uow, actor(), check)
    return render_template(
        "records/import_report.html",
        check=check,
        found=check.result,
        form=form,
        done=done,
        returned=check.of_role("result"),
        then=THEN,
    )


@pages.post("/import/<int:check_id>")
@guard("record.create")
def start(check_id: int) -> AnyResponse:
    """Import what the check found, as the person chose."""
    posted = request.form
    then = posted.get("then", "")
    if then not in THEN:
        raise Invalid("请选择导入后要不要生成文件。", {"then": "请从列表中选"})
    choice = batch.Choice(
        only_good=posted.get("only_good") == "1",
        again=posted.get("again") == "1",
        skip_hidden=posted.get("skip_hidden") == "1",
        then=(then,) if then else (),
    )
    with work() as uow:
        task = batch.start_import(uow, actor(), check_id, choice)
        uow.commit()
    return redirect(url_for("tasks.show", task_id=task.id))


@pages.route("/export.xlsx", methods=["GET", "POST"])
@guard("record.list")
def export() -> Response:
    """Give out the list (or what was ticked in it) as Excel; of one form, with all entries."""
    filters = read_filters(request.values)
    with reading() as uow:
        ids = read_ids(request.form.getlist("ids")) if request.form.get("all") != "1" else ()
        if ids:
            found = [get_record(uow, actor(), record_id) for record_id in ids[:MOST_EXPORTED]]
        else:
            found = matching(uow, actor(), filters, MOST_EXPORTED)
        codes = {record.form_code for record in found}
        if filters.form and codes <= {filters.form} and request.values.get("plain") != "1":
            content = form_workbook(uow, filters.form, found)
            return sheet_answer(content, f"{filters.form}-文件.xlsx")
    return sheet_answer(list_workbook(found), "文件清单.xlsx")

"""Pages of versions: changes of an item, its description edited, a thing as of a day."""

from collections.abc import Mapping
from datetime import datetime

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import Conflict, Forbidden, Invalid
from archive.core.list_sheets import ListColumn, wants_sheet, whole_list_sheet
from archive.core.web import reading, work
from archive.filing import service as filing
from archive.filing.posted import read_version
from archive.filing.versions import service
from archive.filing.versions.posted import read_description, read_instant
from archive.filing.versions.views import FieldChange, ItemVersionView
from archive.forms.service import get_form
from archive.people.gate import actor, guard
from archive.people.rights import SECRECY, can
from archive.records import service as records
from doc_templates.values import printed_text

pages = APIBlueprint(
    "item_versions", __name__, template_folder="../templates", enable_openapi=False
)
Page = str | tuple[str, int] | Response
REFUSALS = (Conflict, Forbidden, Invalid)
_Line = tuple[ItemVersionView, FieldChange]
CHANGES: tuple[ListColumn[_Line], ...] = (
    ListColumn("次序", lambda one: one[0].n, 8),
    ListColumn("时间", lambda one: one[0].at, 18),
    ListColumn("办理人", lambda one: one[0].by_name, 12),
    ListColumn("事项", lambda one: one[0].act, 12),
    ListColumn("原因", lambda one: one[0].reason, 30),
    ListColumn("栏目", lambda one: one[1].label, 14),
    ListColumn("原来", lambda one: one[1].old, 30),
    ListColumn("改为", lambda one: one[1].new, 30),
)


@pages.get("/items/<int:item_id>/versions")
@guard("item.read")
def changes(item_id: int) -> str | Response:
    """Show every change of an item's description, old → new."""
    with reading() as uow:
        item = filing.get_item(uow, actor(), item_id)
        versions = service.item_versions(uow, actor(), item_id)
    if wants_sheet():
        lines = [(one, change) for one in versions for change in one.changes]
        return whole_list_sheet("著录改动", CHANGES, lines)
    return render_template("versions/changes.html", item=item, versions=versions)


@pages.get("/items/<int:item_id>/describe")
@guard("item.file")
def describe(item_id: int) -> str:
    """Show the description of an item to be edited."""
    return _describe_page(item_id, {}, {})


@pages.post("/items/<int:item_id>/describe")
@guard("item.file")
def describe_post(item_id: int) -> Page:
    """Change the description; what was typed stays on the page when it is refused."""
    try:
        version = read_version(request.form)
        wanted = read_description(request.form)
        reason = request.form.get("reason", "")
        with work() as uow:
            service.describe_item(uow, actor(), item_id, wanted, reason, version=version or 0)
            uow.commit()
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        page = _describe_page(item_id, refusal.fields, request.form)
        return page, {Conflict: 409, Forbidden: 403}.get(type(refusal), 422)
    flash("著录已修改，原来的内容和原因留在“著录版本”里。", "success")
    return redirect(url_for("filing.item", item_id=item_id))


@pages.get("/items/<int:item_id>/then")
@guard("item.read")
def item_then(item_id: int) -> Page:
    """Show an item as it was on a day."""
    at, wrong = _instant()
    with reading() as uow:
        item = filing.get_item(uow, actor(), item_id)
        found = service.item_as_of(uow, actor(), item_id, at) if at else None
        record = None
        if at and item.record_id is not None:
            record = records.as_of(uow, actor(), item.record_id, at)
    page = render_template(
        "versions/item_then.html", item=item, found=found, record=record, wrong=wrong
    )
    return (page, 422) if wrong else page


@pages.get("/records/<int:record_id>/then")
@guard("record.read")
def record_then(record_id: int) -> Page:
    """Show a record as it was on a day."""
    at, wrong = _instant()
    with reading() as uow:
        record = records.get_record(uow, actor(), record_id)
        form = get_form(uow, record.form_code, record.form_version)
        found = records.as_of(uow, actor(), record_id, at) if at else None
    page = render_template(
        "versions/record_then.html",
        record=record,
        form=form,
        found=found,
        wrong=wrong,
        paper_text=printed_text,
    )
    return (page, 422) if wrong else page


def _instant() -> tuple[datetime | None, str]:
    text = request.args.get("at", "")
    if not text.strip():
        return None, ""
    try:
        return read_instant(text), ""
    except Invalid as refusal:
        return None, refusal.message


def _describe_page(item_id: int, errors: Mapping[str, str], typed: Mapping[str, str]) -> str:
    with reading() as uow:
        item = filing.get_for_filing(uow, actor(), item_id)
    return render_template(
        "versions/describe.html",
        item=item,
        elements="\n".join(f"{name}：{value}" for name, value in item.elements.items()),
        secrecy=SECRECY,
        may_lower=can(actor(), "item.lower"),
        errors=errors,
        typed=typed,
    )

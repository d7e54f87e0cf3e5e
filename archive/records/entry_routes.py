"""The entry page: shown, saved by hand and by itself, filled from earlier records, pictures.

Hung on the blueprint of ``routes``, which imports this module. What is said of a draft is put
into words in ``shown``; nothing is decided here.
"""

from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response as AnyResponse

from archive.core.answers import named_answer
from archive.core.errors import Conflict, Invalid
from archive.core.web import reading, resources, work
from archive.forms.service import get_form
from archive.people.gate import actor, guard
from archive.people.service import departments, staff
from archive.records import service
from archive.records.blueprint import pages
from archive.records.forms import change_rows, read_entries, read_save, read_version
from archive.records.pictures import MOST_BYTES, clean_picture
from archive.records.rules import with_taken
from archive.records.sheet import known_facts, row_facts, sheet_of
from archive.records.shown import (
    differences,
    entries_body,
    json_answer,
    labels_of,
    named_faults,
    refusal_body,
    whole_letters,
)
from doc_templates import render_word
from doc_templates.values import printed_text
from storage.work import UnitOfWork

STAFF_SHOWN = 60
MEDIA_TYPES = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "pdf": "application/pdf",
}


@pages.get("/<int:record_id>/edit")
@guard("record.edit")
def edit(record_id: int) -> str | AnyResponse:
    """Show the entry page of a draft; someone who may only read is shown the paper."""
    with reading() as uow:
        record = service.get_record(uow, actor(), record_id)
        if record.author_id != actor().id or not record.is_editable:
            return redirect(url_for("records.show", record_id=record_id))
        entries = service.get_entries(uow, actor(), record_id)
        return _page(uow, entries)


@pages.post("/<int:record_id>/edit")
@guard("record.edit")
def edit_post(record_id: int) -> str | AnyResponse | tuple[str, int]:
    """Save the whole page at once: the way that works without scripts."""
    version = read_version(request.form)
    with work() as uow:
        before = service.get_entries(uow, actor(), record_id)
        typed = read_entries(before.form, request.form.to_dict(flat=False))
        table = change_rows(before.form, typed, request.form.get("action", ""))
        try:
            service.save_draft(uow, actor(), record_id, typed, version, keep=not table)
        except Conflict:
            mine = service.unsaved_entries(before, typed)
            return _page(uow, mine, theirs=before), 409
        uow.commit()
    if request.form.get("action") == "submit":
        return redirect(url_for("records.show", record_id=record_id, _anchor="submit"))
    anchor = f"f-{table}" if table else None
    return redirect(url_for(".edit", record_id=record_id, _anchor=anchor))


@pages.post("/<int:record_id>/autosave")
@guard("record.edit")
def autosave(record_id: int) -> Response:
    """Save what is on the page; a conflict answers with the other version (409)."""
    save = read_save(request.get_json(silent=True))
    with work() as uow:
        try:
            service.save_draft(uow, actor(), record_id, save.values, save.version)
        except Conflict as refusal:
            theirs = entries_body(service.get_entries(uow, actor(), record_id))
            return json_answer({"error": refusal_body(refusal), "theirs": theirs}, 409)
        entries = service.get_entries(uow, actor(), record_id)
        notes = service.last_year_notes(uow, actor(), entries.form, entries.record)
        uow.commit()
    brought = service.brought_figures(entries.form, save.values, entries.record.content)
    return json_answer(entries_body(entries) | {"brought": brought, "notes": notes})


@pages.get("/<int:record_id>/entries.json")
@guard("record.edit")
def entries_json(record_id: int) -> Response:
    """Return the draft as it stands on the server, and a fresh token to save with."""
    with reading() as uow:
        entries = service.get_entries(uow, actor(), record_id)
    return json_answer(entries_body(entries) | {"csrf": generate_csrf()})


@pages.get("/<int:record_id>/earlier")
@guard("record.edit")
def earlier(record_id: int) -> str:
    """List the earlier records of the same form to take entries from."""
    text = request.args.get("q", "")
    with reading() as uow:
        entries = service.get_entries(uow, actor(), record_id)
        page = service.list_earlier(
            uow, actor(), record_id, text, request.args.get("page", 1, type=int)
        )
    return render_template(
        "records/earlier.html", record=entries.record, form=entries.form, page=page, text=text
    )


@pages.post("/<int:record_id>/earlier")
@guard("record.edit")
def take_earlier(record_id: int) -> AnyResponse:
    """Fill the draft from an earlier record: only blank entries unless asked for all."""
    source = request.form.get("source", "")
    if not (source.isascii() and source.isdigit() and len(source) < 19):
        raise Invalid("没有选定从哪一份照抄，请返回重选。", {"source": "请选一份"})
    with work() as uow:
        entries = service.get_entries(uow, actor(), record_id)
        taken = service.earlier_values(uow, actor(), record_id, int(source))
        values = with_taken(
            entries.form, entries.record.content, taken, overwrite=request.form.get("all") == "1"
        )
        service.save_draft(uow, actor(), record_id, values, read_version(request.form))
        uow.commit()
    flash("已照以前的填好，请核对。", "success")
    return redirect(url_for(".edit", record_id=record_id))


@pages.get("/<int:record_id>/earlier.json")
@guard("record.edit")
def earlier_json(record_id: int) -> Response:
    """Return the earlier records that a search finds, for the dialog of the entry page."""
    with reading() as uow:
        page = service.list_earlier(
            uow,
            actor(),
            record_id,
            request.args.get("q", ""),
            request.args.get("page", 1, type=int),
        )
    items = [
        {
            "id": one.id,
            "title": one.title,
            "number": one.number,
            "customer": one.customer_name,
            "author": one.author_name,
            "year": one.year,
            "state": one.state_label,
        }
        for one in page.items
    ]
    return json_answer({"items": items, "total": page.total, "pages": page.pages})


@pages.get("/<int:record_id>/earlier/<int:source_id>.json")
@guard("record.edit")
def earlier_values(record_id: int, source_id: int) -> Response:
    """Return what the draft may take over from one earlier record."""
    with reading() as uow:
        values = service.earlier_values(uow, actor(), record_id, source_id)
    return json_answer({"values": values})


@pages.post("/<int:record_id>/pictures")
@guard("record.edit")
def add_picture(record_id: int) -> Response:
    """Keep an uploaded picture for an entry; answer with its digest."""
    sent = request.files.get("picture")
    content = sent.read(MOST_BYTES + 1) if sent else b""
    with reading() as uow:
        service.get_entries(uow, actor(), record_id)
    picture, media_type = clean_picture(content)
    ref = resources().blobs.put(picture, media_type)
    with work() as uow:
        digest = service.keep_picture(uow, actor(), record_id, ref)
        uow.commit()
    return json_answer({"sha256": digest, "media_type": media_type, "size": len(picture)})


@pages.get("/<int:record_id>/pictures/<sha256>")
@guard("record.read")
def picture(record_id: int, sha256: str) -> Response:
    """Show a picture of a record."""
    with reading() as uow:
        media_type = service.find_picture(uow, actor(), record_id, sha256)
    return Response(resources().blobs.read(sha256), mimetype=media_type)


@pages.get("/new/<code>/blank.<any(docx, pdf):suffix>")
@guard("record.create")
def blank(code: str, suffix: str) -> Response:
    """Give out the empty form, to print and fill in by hand."""
    with reading() as uow:
        form = get_form(uow, code)
    content = render_word(form, {}, draft=True)
    if suffix == "pdf":
        content = resources().converter.to_pdf(content)
    name = f"{form.code} {form.title}（空白）.{suffix}"
    return named_answer(content, MEDIA_TYPES[suffix], name, inline=suffix == "pdf")


def _page(uow: UnitOfWork, entries: service.Entries, theirs: service.Entries | None = None) -> str:
    form, record = entries.form, (theirs or entries).record
    told: dict[str, Any] = {
        "record": record,
        "entries": entries,
        "form": form,
        "sheet": sheet_of(form),
        "facts": known_facts(form),
        "row_facts": row_facts(form),
        "theirs": differences(form, entries.record.content, theirs.record.content)
        if theirs
        else [],
        "problems": named_faults(form, entries.errors),
        "people": [person.name for person in staff(uow, "", STAFF_SHOWN)],
        "units": [unit.name for unit in departments(uow)],
        "notes": service.last_year_notes(uow, actor(), form, record),
        "state": entries_body(entries) | {"version": record.version},
        "labels": labels_of(form),
        "user_id": actor().id,
        "paper_text": printed_text,
    }
    return whole_letters(render_template("records/edit.html", **told))

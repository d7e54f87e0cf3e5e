"""Pages of records: choose a form, fill it in, look at it, list what one may read.

The picture of the printed page and the downloads belong to ``documents``, submitting and
signing to ``signing``.
"""

import itertools
import secrets
from typing import Any

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.clock import local
from archive.core.errors import Conflict
from archive.core.web import reading, work
from archive.people.gate import actor, guard
from archive.people.service import staff
from archive.records import service
from archive.records.forms import change_rows, read_entries, read_save, read_version
from archive.records.models import RecordState
from archive.records.sheet import known_facts, sheet_of
from archive.records.views import PACK_TITLES
from doc_templates import Form, describe_path, list_forms, load_form, shown_text
from doc_templates.values import printed_text

pages = APIBlueprint(
    "records",
    __name__,
    url_prefix="/records",
    template_folder="templates",
    static_folder="static",
    enable_openapi=False,
)
STAFF_SHOWN = 60


@pages.get("/new")
@guard("record.create")
def choose() -> str:
    """Show every form as a tile, by pack."""
    packs: dict[str, list[tuple[Form, str]]] = {}
    for form in list_forms():
        title = PACK_TITLES.get(form.pack, form.pack)
        packs.setdefault(title, []).append((form, secrets.token_urlsafe(18)))
    return render_template("records/choose.html", packs=packs)


@pages.post("/new")
@guard("record.create")
def create() -> Response:
    """Make the draft and open it; the tile's key makes a second click open the same draft."""
    code, key = request.form.get("form", ""), request.form.get("draft_key", "")
    with work() as uow:
        start = service.new_values(uow, actor(), load_form(code))
        record = service.create_draft(uow, actor(), code, start, key or None)
        uow.commit()
    return redirect(url_for(".edit", record_id=record.id))


@pages.post("/<int:record_id>/copy")
@guard("record.read")
def copy(record_id: int) -> Response:
    """Make a draft from an earlier record and open it."""
    with work() as uow:
        record = service.copy_record(
            uow, actor(), record_id, request.form.get("draft_key", "") or None
        )
        uow.commit()
    flash("已照原件填好，请核对后再提交。", "success")
    return redirect(url_for(".edit", record_id=record.id))


@pages.get("/<int:record_id>/edit")
@guard("record.edit")
def edit(record_id: int) -> str | Response:
    """Show the entry page of a draft; someone who may only read is shown the paper."""
    with reading() as uow:
        record = service.get_record(uow, actor(), record_id)
        if record.author_id != actor().id or not record.is_editable:
            return redirect(url_for(".show", record_id=record_id))
        entries = service.get_entries(uow, actor(), record_id)
        people = [person.name for person in staff(uow, "", STAFF_SHOWN)]
    return _edit_page(entries, people)


@pages.post("/<int:record_id>/edit")
@guard("record.edit")
def edit_post(record_id: int) -> str | Response | tuple[str, int]:
    """Save the whole page at once: the way that works without scripts."""
    version = read_version(request.form)
    with work() as uow:
        before = service.get_entries(uow, actor(), record_id)
        typed = read_entries(before.form, request.form.to_dict(flat=False))
        table = change_rows(before.form, typed, request.form.get("action", ""))
        try:
            service.save_draft(uow, actor(), record_id, typed, version)
        except Conflict:
            people = [person.name for person in staff(uow, "", STAFF_SHOWN)]
            mine = service.unsaved_entries(before, typed)
            return _edit_page(mine, people, theirs=before), 409
        uow.commit()
    if request.form.get("action") == "submit":
        return redirect(url_for(".show", record_id=record_id, _anchor="submit"))
    anchor = f"f-{table}" if table else None
    return redirect(url_for(".edit", record_id=record_id, _anchor=anchor))


@pages.post("/<int:record_id>/autosave")
@guard("record.edit")
def autosave(record_id: int) -> dict[str, Any] | tuple[dict[str, Any], int]:
    """Save what is on the page; a conflict answers with the other version (409)."""
    save = read_save(request.get_json(silent=True))
    with work() as uow:
        try:
            service.save_draft(uow, actor(), record_id, save.values, save.version)
        except Conflict as refusal:
            return _refused(refusal, service.get_entries(uow, actor(), record_id)), 409
        entries = service.get_entries(uow, actor(), record_id)
        uow.commit()
    return _as_json(entries)


@pages.get("/<int:record_id>/entries.json")
@guard("record.edit")
def entries_json(record_id: int) -> dict[str, Any]:
    """Return the draft as it stands on the server."""
    with reading() as uow:
        return _as_json(service.get_entries(uow, actor(), record_id))


@pages.get("")
@guard("record.list")
def listing() -> str:
    """List the records one may read, with filters."""
    args = request.args
    state, text, mine = args.get("state", ""), args.get("q", ""), args.get("mine") == "1"
    customer = args.get("customer", "")
    with reading() as uow:
        page = service.list_records(
            uow,
            actor(),
            state=state if state in set(RecordState) else "",
            form=args.get("form", ""),
            customer_id=int(customer) if customer.isascii() and customer.isdigit() else None,
            mine=mine,
            text=text,
            page=args.get("page", 1, type=int),
        )
    return render_template(
        "records/list.html",
        page=page,
        forms=list_forms(),
        states=list(RecordState),
        filters={
            "state": state,
            "form": args.get("form", ""),
            "q": text,
            "mine": mine,
            "customer": customer,
        },
    )


@pages.get("/<int:record_id>")
@guard("record.read")
def show(record_id: int) -> str:
    """Show a record as on paper, where it stands, its files and its versions."""
    with reading() as uow:
        record = service.get_record(uow, actor(), record_id)
        versions = service.list_versions(uow, actor(), record_id)
    form = load_form(record.form_code, record.form_version)
    entries = service.entries_of(form, record)
    is_mine = record.author_id == actor().id
    gaps = {**entries.errors, **entries.missing}
    return render_template(
        "records/show.html",
        record=record,
        entries=entries,
        form=form,
        sheet=sheet_of(form),
        paper_text=printed_text,
        versions=versions,
        changes=_changes(form, versions),
        is_mine=is_mine,
        gaps=_named(form, gaps) if is_mine and record.is_editable else [],
        copy_key=secrets.token_urlsafe(18),
    )


def _edit_page(
    entries: service.Entries, people: list[str], theirs: service.Entries | None = None
) -> str:
    record = (theirs or entries).record
    return render_template(
        "records/edit.html",
        record=record,
        entries=entries,
        theirs=_differences(entries, theirs) if theirs else [],
        form=entries.form,
        sheet=sheet_of(entries.form),
        facts=known_facts(entries.form),
        paper_text=printed_text,
        problems=_named(entries.form, entries.errors),
        people=people,
        state=_as_json(entries) | {"version": record.version},
        labels=_labels(entries.form),
        user_id=actor().id,
    )


def _labels(form: Form) -> dict[str, str]:
    columns = {
        f"{entry.key}.{column.key}": column.label
        for entry in form.fields
        for column in entry.columns
    }
    return {entry.key: entry.label for entry in form.fields} | columns


def _as_json(entries: service.Entries) -> dict[str, Any]:
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


def _refused(refusal: Conflict, theirs: service.Entries) -> dict[str, Any]:
    error = {"code": refusal.code, "message": refusal.message, "fields": refusal.fields}
    return {"error": error, "theirs": _as_json(theirs)}


def _named(form: Form, errors: dict[str, str] | Any) -> list[tuple[str, str, str]]:
    """Return path, name as a reader says it, and message of every error, in paper order."""
    order = {entry.key: at for at, entry in enumerate(form.fields)}
    paths = sorted(errors, key=lambda path: order.get(path.partition("[")[0], len(order)))
    return [(path, describe_path(form, path), errors[path]) for path in paths]


def _differences(mine: service.Entries, theirs: service.Entries) -> list[tuple[str, str, str]]:
    """Return label, my entry and theirs wherever the two differ."""
    return _differing(mine.form, mine.record.content, theirs.record.content)


def _changes(
    form: Form, versions: tuple[service.VersionView, ...]
) -> dict[int, list[tuple[str, str, str]]]:
    """Return what each submitted version changed against the one before it."""
    pairs = itertools.pairwise(versions)
    return {new.n: _differing(form, old.content, new.content) for new, old in pairs}


def _differing(form: Form, one: Any, other: Any) -> list[tuple[str, str, str]]:
    found = []
    for entry in form.fields:
        left, right = one.get(entry.key), other.get(entry.key)
        if left != right and not entry.is_computed:
            found.append(
                (entry.label, _brief(form, entry.key, left), _brief(form, entry.key, right))
            )
    return found


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

"""Pages of records: choose a form, start it, look at it, list what one may read.

The entry page itself is in ``entry_routes``. The picture of the printed page and the downloads
belong to ``documents``, submitting and signing to ``signing``.
"""

import secrets
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import ArchiveError, Conflict, Invalid
from archive.core.list_sheets import wants_sheet
from archive.core.web import reading, work
from archive.forms.service import get_form, list_forms
from archive.people.gate import actor, guard
from archive.records import entry_routes, service
from archive.records.blueprint import pages
from archive.records.forms import read_version
from archive.records.models import RecordState
from archive.records.selection import read_entries
from archive.records.sheet import sheet_of
from archive.records.shown import changes_by_version, named_faults, whole_letters
from archive.records.views import PACK_TITLES, RecordView
from doc_templates import Form
from doc_templates.values import printed_text

__all__ = ["entry_routes", "pages"]


@pages.get("/new")
@guard("record.create")
def choose() -> str:
    """Show every form as a tile, by pack; a customer or an earlier record is carried along."""
    packs: dict[str, list[tuple[Form, str]]] = {}
    source = _asked_source(request.args.get("from", ""))
    with reading() as uow:
        forms = list_forms(uow)
        about = service.start_name(uow, actor(), request.args.get("customer", ""))
    for form in forms:
        title = PACK_TITLES.get(form.pack, form.pack)
        packs.setdefault(title, []).append((form, secrets.token_urlsafe(18)))
    return render_template(
        "records/choose.html",
        packs=packs,
        source=source,
        customer=request.args.get("customer", "") if about else "",
        customer_name=about,
        wanted=request.args.get("form", ""),
    )


@pages.post("/new")
@guard("record.create")
def create() -> Response:
    """Make the draft and open it; the tile's key makes a second click open the same draft."""
    asked = request.form
    source = asked.get("from", "")
    with work() as uow:
        record = service.start_draft(
            uow,
            actor(),
            asked.get("form", ""),
            customer=asked.get("customer", ""),
            source_id=int(source) if _is_id(source) else 0,
            draft_key=asked.get("draft_key", "") or None,
        )
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


@pages.get("")
@guard("record.list")
def listing() -> str | Response:
    """List the records one may read, with filters."""
    args = request.args
    if wants_sheet():
        asked = urlencode([(name, args[name]) for name in args if name not in ("as", "page")])
        return redirect(f"{url_for('records_batch.export')}?{asked}")
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
            entries=read_entries(args),
            page=args.get("page", 1, type=int),
        )
        forms = list_forms(uow, with_retired=True)
        chosen = next((one for one in forms if one.code == args.get("form")), None)
        facets = service.facet_counts(uow, actor(), get_form(uow, chosen.code)) if chosen else ()
    return render_template(
        "records/list.html",
        page=page,
        forms=forms,
        facets=facets,
        entries=read_entries(args),
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
        form = get_form(uow, record.form_code, record.form_version)
        old_paper = service.corrects(uow, actor(), record_id)
        new_paper = service.corrected_by(uow, actor(), record_id)
    entries = service.entries_of(form, record)
    is_mine = record.author_id == actor().id
    gaps = {**entries.errors, **entries.missing}
    page = render_template(
        "records/show.html",
        record=record,
        entries=entries,
        form=form,
        sheet=sheet_of(form),
        paper_text=printed_text,
        versions=versions,
        changes=changes_by_version(form, versions),
        is_mine=is_mine,
        old_paper=old_paper,
        new_paper=new_paper,
        gaps=named_faults(form, gaps) if is_mine and record.is_editable else [],
        copy_key=secrets.token_urlsafe(18),
    )
    return whole_letters(page)


@pages.post("/<int:record_id>/versions")
@guard("record.edit")
def keep_version(record_id: int) -> Response:
    """Keep what a draft holds now as a version, with the reason."""
    try:
        with work() as uow:
            service.keep_as_version(
                uow,
                actor(),
                record_id,
                request.form.get("reason", ""),
                read_version(request.form),
            )
            uow.commit()
    except (Invalid, Conflict) as refusal:
        flash(refusal.message, "danger")
    else:
        flash("已留为一个版本。", "success")
    return redirect(url_for(".show", record_id=record_id))


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def _asked_source(text: str) -> RecordView | None:
    """Return the record to begin from; None when the actor may not read it."""
    if not _is_id(text):
        return None
    try:
        with reading() as uow:
            return service.get_record(uow, actor(), int(text))
    except ArchiveError:
        return None

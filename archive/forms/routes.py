"""Pages of forms: every version, a new Word template looked at, corrected, and put in use.

For administrators only. The looking and the printing of the sample happen outside any unit of
work; what is printed here is made-up sample data, never a record.
"""

from contextlib import closing

from apiflask import APIBlueprint
from flask import Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from archive.core.answers import named_answer
from archive.core.errors import Invalid, Unavailable
from archive.core.list_sheets import ListPart, list_book, wants_sheet, whole_list_sheet
from archive.core.previews import RECENT, count_pages, page_png
from archive.core.web import reading, resources, work
from archive.forms import service
from archive.forms.inspection import MOST_BYTES, Inspected, inspect_upload
from archive.forms.list_columns import ENTRIES, FORMS, VERSIONS, entry_lines
from archive.forms.posted import read_edits, read_version
from archive.forms.rules import bytes_digest
from archive.forms.texts import parse_sample
from archive.forms.views import DraftView
from archive.forms.wording import (
    CANDIDATE_LABELS,
    KIND_LABELS,
    OTHER_KINDS,
    RETENTION_LABELS,
    kind_label,
)
from archive.people.gate import actor, guard
from archive.people.rights import SECRECY
from doc_templates import FormError, PrintContext, render_word
from doc_templates.errors import ConverterError

pages = APIBlueprint(
    "forms", __name__, url_prefix="/forms", template_folder="templates", enable_openapi=False
)
ACT = "form.publish"
PREVIEW_WIDTH = 900
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MEDIA_TYPES = {
    "docx": WORD,
    "toml": "text/plain; charset=utf-8",
    "json": "application/json",
}


@pages.get("")
@guard(ACT)
def listing() -> str | AnyResponse:
    """List every form with the version in use."""
    with reading() as uow:
        lines = service.list_lines(uow, actor())
        if wants_sheet():
            return whole_list_sheet("表单", FORMS, lines)
        packs = sorted({form.pack for form in service.list_forms(uow, with_retired=True)})
    return render_template("forms/list.html", lines=lines, packs=packs)


@pages.post("")
@guard(ACT)
def upload_new() -> AnyResponse:
    """Take the template of a form that is not there yet."""
    inspected = _inspect()
    with work() as uow:
        sent = request.form
        draft = service.draft_new_form(
            uow,
            actor(),
            sent.get("code", ""),
            sent.get("title", ""),
            sent.get("pack", ""),
            inspected,
        )
        uow.commit()
    return redirect(url_for(".draft", draft_id=draft.id))


@pages.get("/<code>")
@guard(ACT)
def history(code: str) -> str | AnyResponse:
    """Show a form's versions and drafts."""
    with reading() as uow:
        form = service.get_history(uow, actor(), code)
    if wants_sheet():
        entries = entry_lines(form.current) if form.current else ()
        return list_book(
            f"{form.code} {form.title}",
            ListPart.whole("版本", VERSIONS, (*form.drafts, *form.versions)),
            ListPart.whole("栏目", ENTRIES, entries),
        )
    return render_template("forms/history.html", form=form, kind_label=kind_label)


@pages.post("/<code>/upload")
@guard(ACT)
def upload(code: str) -> AnyResponse:
    """Take a new template of a form."""
    inspected = _inspect()
    with work() as uow:
        draft = service.draft_from_template(uow, actor(), code, inspected)
        uow.commit()
    return redirect(url_for(".draft", draft_id=draft.id))


@pages.post("/<code>/versions/<int:version>/edit")
@guard(ACT)
def edit_version(code: str, version: int) -> AnyResponse:
    """Begin a new version with the template of an earlier one."""
    with work() as uow:
        draft = service.draft_from_version(uow, actor(), code, version)
        uow.commit()
    return redirect(url_for(".draft", draft_id=draft.id))


@pages.post("/<code>/versions/<int:version>/<any(retire, restore):step>")
@guard(ACT)
def switch(code: str, version: int, step: str) -> AnyResponse:
    """Take a version out of use, or bring it back."""
    act = service.retire_version if step == "retire" else service.restore_version
    with work() as uow:
        view = act(uow, actor(), code, version, _version())
        uow.commit()
    done = "已停用：不再用它填新表，旧文件照常打印" if step == "retire" else "已恢复使用"
    flash(f"第 {view.version} 版{done}。", "success")
    return redirect(url_for(".history", code=code))


@pages.get("/<code>/versions/<int:version>/<any(docx, toml, json):part>")
@guard(ACT)
def part(code: str, version: int, part: str) -> Response:
    """Give out template, definition or sample of a version."""
    with reading() as uow:
        bundle = service.get_bundle(uow, actor(), code, version)
    content = {
        "docx": bundle.template,
        "toml": bundle.definition.encode(),
        "json": bundle.sample.encode(),
    }[part]
    return named_answer(content, MEDIA_TYPES[part], f"{code}-v{version}.{part}")


@pages.get("/drafts/<int:draft_id>")
@guard(ACT)
def draft(draft_id: int) -> str:
    """Show a draft: its fields to be corrected, what is wrong, and how it prints."""
    return _draft_page(_judged(draft_id))


@pages.post("/drafts/<int:draft_id>")
@guard(ACT)
def edit(draft_id: int) -> AnyResponse:
    """Save what was typed in the tables of a draft."""
    edits = read_edits(request.form)
    with work() as uow:
        service.edit_draft(uow, actor(), draft_id, _version(), edits)
        uow.commit()
    if request.form.get("action") == "publish":
        return redirect(url_for(".confirm", draft_id=draft_id))
    flash("已保存。", "success")
    return redirect(url_for(".draft", draft_id=draft_id))


@pages.post("/drafts/<int:draft_id>/text")
@guard(ACT)
def write(draft_id: int) -> AnyResponse:
    """Save definition and sample as written by hand."""
    sent = request.form
    with work() as uow:
        service.write_draft(
            uow,
            actor(),
            draft_id,
            _version(),
            sent.get("definition", ""),
            sent.get("sample", ""),
        )
        uow.commit()
    flash("定义已保存。", "success")
    return redirect(url_for(".draft", draft_id=draft_id))


@pages.post("/drafts/<int:draft_id>/template")
@guard(ACT)
def change_template(draft_id: int) -> AnyResponse:
    """Put another template into a draft."""
    inspected = _inspect()
    with work() as uow:
        service.replace_template(uow, actor(), draft_id, _version(), inspected)
        uow.commit()
    flash("模板已换。", "success")
    return redirect(url_for(".draft", draft_id=draft_id))


@pages.post("/drafts/<int:draft_id>/rebase")
@guard(ACT)
def rebase(draft_id: int) -> AnyResponse:
    """Set a draft against the version published meanwhile."""
    with work() as uow:
        service.rebase_draft(uow, actor(), draft_id, _version())
        uow.commit()
    flash("已换成最新版的栏目，请重新核对。", "success")
    return redirect(url_for(".draft", draft_id=draft_id))


@pages.post("/drafts/<int:draft_id>/discard")
@guard(ACT)
def discard(draft_id: int) -> AnyResponse:
    """Throw a draft away."""
    with work() as uow:
        service.discard_draft(uow, actor(), draft_id, _version())
        uow.commit()
    flash("已删除，在用的版本没有变化。", "success")
    return redirect(url_for(".listing"))


@pages.get("/drafts/<int:draft_id>/publish")
@guard(ACT)
def confirm(draft_id: int) -> str:
    """Show what publishing would change, to be confirmed."""
    return render_template("forms/publish.html", draft=_judged(draft_id))


@pages.post("/drafts/<int:draft_id>/publish")
@guard(ACT)
def publish(draft_id: int) -> AnyResponse:
    """Put the draft in use as the next version."""
    judged = _judged(draft_id)
    with work() as uow:
        view = service.publish_draft(uow, actor(), judged, _version(), request.form.get("note", ""))
        uow.commit()
    flash(f"《{view.title}》第 {view.version} 版已发布，新填的表都用这一版。", "success")
    return redirect(url_for(".history", code=view.code))


@pages.get("/drafts/<int:draft_id>/preview.png")
@guard(ACT)
def preview(draft_id: int) -> Response:
    """Show a page of the sample as it prints; say in plain words why it cannot be shown."""
    page = request.args.get("page", 1, type=int)
    try:
        pdf = _sample_pdf(_judged(draft_id))
    except (Unavailable, ConverterError) as refusal:
        return Response(refusal.message, 503, mimetype="text/plain")
    except (Invalid, FormError) as refusal:
        return Response(refusal.message, 422, mimetype="text/plain")
    picture = Response(page_png(pdf, page, PREVIEW_WIDTH), mimetype="image/png")
    picture.headers["X-Page-Count"] = str(count_pages(pdf))
    return picture


@pages.get("/drafts/<int:draft_id>/sample.<any(docx, pdf):kind>")
@guard(ACT)
def sample(draft_id: int, kind: str) -> Response:
    """Give out the printed sample as Word or PDF."""
    judged = _judged(draft_id)
    content = _sample_word(judged) if kind == "docx" else _sample_pdf(judged)
    media_type = WORD if kind == "docx" else "application/pdf"
    return named_answer(content, media_type, f"{judged.version.code}-sample.{kind}", inline=True)


def _judged(draft_id: int) -> DraftView:
    with reading() as uow:
        parts = service.load_draft(uow, actor(), draft_id)
    return service.judge_draft(parts)


def _sample_word(judged: DraftView) -> bytes:
    """Print the sample, as far as it is right: an entry that is wrong stays blank."""
    if judged.form is None:
        raise Invalid(judged.findings[0])
    number = f"{judged.version.code}-样例"
    values = parse_sample(judged.sample)
    return render_word(judged.form, values, PrintContext(number=number), draft=True)


def _sample_pdf(judged: DraftView) -> bytes:
    word = _sample_word(judged)
    converter = resources().converter
    return RECENT.get_or_make(f"sample:{judged.version.digest}", lambda: converter.to_pdf(word))


def _inspect() -> Inspected:
    sent = request.files.get("file")
    if sent is None:
        return inspect_upload(b"")
    with closing(sent):
        return inspect_upload(sent.read(MOST_BYTES + 1))


def _version() -> int:
    return read_version(request.form.get("row_version", ""))


def _draft_page(judged: DraftView) -> str:
    return render_template(
        "forms/draft.html",
        draft=judged,
        kinds=KIND_LABELS,
        fixed_kinds=OTHER_KINDS,
        candidates=CANDIDATE_LABELS,
        retentions=RETENTION_LABELS,
        secrecy=SECRECY,
        picture_key=bytes_digest(judged.version.digest.encode())[:12],
    )

"""Pages of the person's desk: lists, many papers at once, delegations, phrases, stuck tasks.

Hung on the blueprint of ``routes``, which imports this module.
"""

from functools import partial

from flask import Response as JsonResponse
from flask import flash, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.clock import local_day
from archive.core.errors import ArchiveError, Invalid
from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet, whole_list_sheet
from archive.core.pages import clean_paging
from archive.core.web import reading, resources, work
from archive.forms.service import form_titles
from archive.people.gate import actor, client_address, guard
from archive.signing import audience, delegation, detours, edge, inbox, opinions, reminders
from archive.signing.blueprint import pages
from archive.signing.desk_api import day_of
from archive.signing.views import DelegationView, InboxEntry

_COLUMNS: tuple[ListColumn[InboxEntry], ...] = (
    ListColumn("编号", lambda entry: entry.number, 18),
    ListColumn("题名", lambda entry: entry.title, 40),
    ListColumn("表单", lambda entry: entry.form_title, 20),
    ListColumn("步骤", lambda entry: entry.role, 12),
    ListColumn("提交人", lambda entry: entry.author_name, 12),
    ListColumn("正等谁", lambda entry: entry.waits_for, 16),
    ListColumn("轮到时间", lambda entry: entry.opened_at, 18),
    ListColumn("办理时间", lambda entry: entry.done_at, 18),
    ListColumn("期限", lambda entry: entry.due_at, 18),
    ListColumn("催办次数", lambda entry: entry.reminders, 10),
    ListColumn("文件状态", lambda entry: entry.record_state, 14),
)
_STUCK: tuple[ListColumn[InboxEntry], ...] = (
    ListColumn("编号", lambda entry: entry.number, 18),
    ListColumn("表单", lambda entry: entry.form_title, 20),
    ListColumn("步骤", lambda entry: entry.role, 12),
    ListColumn("压在谁处", lambda entry: entry.owner_name, 12),
    ListColumn("已离职", lambda entry: "是" if entry.outcome == "left" else "", 8),
    ListColumn("超时", lambda entry: "是" if entry.is_late else "", 8),
    ListColumn("提交人", lambda entry: entry.author_name, 12),
    ListColumn("轮到时间", lambda entry: entry.opened_at, 18),
    ListColumn("期限", lambda entry: entry.due_at, 18),
)
_DELEGATIONS: tuple[ListColumn[DelegationView], ...] = (
    ListColumn("委托人", lambda one: one.owner_name, 12),
    ListColumn("委托给", lambda one: one.agent_name, 12),
    ListColumn("表单", lambda one: one.form_title, 20),
    ListColumn("从", lambda one: one.from_day, 12),
    ListColumn("到", lambda one: one.until_day, 12),
    ListColumn("事由", lambda one: one.reason, 30),
    ListColumn("状态", lambda one: one.state_label, 10),
)


@pages.get("/signing", endpoint="inbox")
@guard("self")
def lists() -> str | Response:
    """Show one of my lists: what waits for me, what I did, what I submitted, what I may read."""
    view = request.args.get("view", "todo")
    view = view if view in inbox.VIEWS else "todo"
    page, per_page = clean_paging(request.args.get("page", 1, int), 20)
    with reading() as uow:
        if wants_sheet():
            read_page = partial(inbox.list_view, uow, actor(), view)
            return list_sheet(inbox.VIEWS[view], _COLUMNS, read_page)
        found = inbox.list_view(uow, actor(), view, page, per_page)
        counts = inbox.counts(uow, actor())
    return render_template(
        "signing/inbox.html", page=found, view=view, views=inbox.VIEWS, counts=counts
    )


@pages.post("/signing/many")
@guard("self")
def sign_many() -> Response:
    """Sign the papers ticked in the list; each by its own rules."""
    form = request.form
    chosen = [int(text) for text in form.getlist("record") if text.isascii() and text.isdigit()]
    if not chosen:
        raise Invalid("请先勾选要签的文件。")
    outcomes = edge.sign_many(
        resources(),
        actor(),
        chosen[:100],
        password=form.get("password", ""),
        opinion=form.get("opinion", ""),
        address=client_address(),
    )
    done = sum(one.done for one in outcomes)
    if done:
        flash(f"已签 {done} 件。", "success")
    for one in outcomes:
        if not one.done:
            flash(f"第 {one.record_id} 号没有签成：{one.why}", "warning")
    return redirect(url_for("signing.inbox"))


@pages.get("/signing/people")
@guard("self")
def people() -> JsonResponse:
    """Suggest people for a field that wants one; what is typed goes to the server."""
    with reading() as uow:
        found = audience.suggestions(uow, request.args.get("q", "")[:60])
    return jsonify([{"value": value, "label": label} for value, label in found])


@pages.get("/signing/settings")
@guard("self")
def settings() -> str | Response:
    """Show my delegations and my phrases."""
    if wants_sheet():
        with reading() as uow:
            found = delegation.delegations_of(uow, actor())
        return whole_list_sheet("委托", _DELEGATIONS, found)
    return _settings()


@pages.post("/signing/delegations")
@guard("self")
def delegate_tasks() -> Response | tuple[str, int]:
    """Hand my coming tasks to another for some days."""
    form = request.form
    try:
        with work() as uow:
            delegation.delegate_tasks(
                uow,
                actor(),
                audience.person_named(uow, form.get("people", "")),
                day_of(form.get("from_day", ""), "from_day"),
                day_of(form.get("until_day", ""), "until_day"),
                form.get("form_code", ""),
                form.get("reason", ""),
            )
            uow.commit()
    except Invalid as refusal:
        return _settings(refusal), 422
    flash("委托已设好；期间轮到您的文件会直接到他那里，印作“代”您签。", "success")
    return redirect(url_for("signing.settings"))


@pages.post("/signing/delegations/<int:delegation_id>/end")
@guard("self")
def end_delegation(delegation_id: int) -> Response:
    """End a delegation now."""
    with work() as uow:
        delegation.end_delegation(uow, actor(), delegation_id)
        uow.commit()
    flash("委托已结束，他还没签的文件已回到您这里。", "success")
    return redirect(url_for("signing.settings"))


@pages.post("/signing/phrases")
@guard("self")
def change_phrases() -> Response | tuple[str, int]:
    """Add or take out a ready phrase."""
    form = request.form
    change = opinions.remove_phrase if form.get("remove") else opinions.add_phrase
    try:
        with work() as uow:
            change(
                uow,
                actor(),
                form.get("text", ""),
                for_everybody=form.get("for_everybody") == "1",
            )
            uow.commit()
    except Invalid as refusal:
        return _settings(refusal), 422
    return redirect(url_for("signing.settings"))


@pages.get("/signing/stuck")
@guard("task.reassign")
def stuck() -> str | Response:
    """Show the administrator what lies with people who left, or is late."""
    if wants_sheet():
        with reading() as uow:
            return whole_list_sheet("滞留待办", _STUCK, reminders.stuck_tasks(uow, actor()))
    return _stuck()


@pages.post("/signing/stuck/<int:task_id>")
@guard("self")
def reassign(task_id: int) -> Response | tuple[str, int]:
    """Give a task to somebody else."""
    try:
        with work() as uow:
            person = audience.person_named(uow, request.form.get("people", ""))
            detours.reassign(uow, actor(), task_id, person, request.form.get("opinion", ""))
            uow.commit()
    except Invalid as refusal:
        return _stuck(refusal), 422
    flash(f"已改派给{person.name}。", "success")
    return redirect(url_for("signing.stuck"))


def _settings(refusal: ArchiveError | None = None) -> str:
    with reading() as uow:
        return render_template(
            "signing/settings.html",
            delegations=delegation.delegations_of(uow, actor()),
            phrases=opinions.phrases_for(uow, actor()),
            forms=form_titles(uow),
            today=local_day(uow.now()).isoformat(),
            refusal=refusal,
            typed=request.form,
        )


def _stuck(refusal: ArchiveError | None = None) -> str:
    with reading() as uow:
        found = reminders.stuck_tasks(uow, actor())
    return render_template("signing/stuck.html", tasks=found, refusal=refusal)

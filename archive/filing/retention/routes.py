"""Pages of the keeping's end: what is due, appraisals, lists, holds, and who may approve."""

from collections.abc import Callable, Mapping

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.clock import local_day
from archive.core.errors import (
    ArchiveError,
    Conflict,
    Forbidden,
    Invalid,
    Throttled,
    Unauthenticated,
)
from archive.core.list_sheets import list_sheet, wants_sheet
from archive.core.pages import Page as Lines
from archive.core.web import reading, resources, work
from archive.documents.service import MEDIA_TYPES
from archive.filing.classes.kept import plan_in_force
from archive.filing.list_columns import DUE
from archive.filing.packages.making import BAG, start_package
from archive.filing.paper_files import paper_response
from archive.filing.retention import appraisal, due, edge, holds, lists
from archive.filing.retention import reading as found
from archive.filing.retention.due import DueView
from archive.filing.retention.papers import appraisal_paper, list_paper
from archive.filing.retention.posted import (
    read_day,
    read_filter,
    read_id,
    read_ids,
    read_opinions,
    read_target,
)
from archive.filing.retention.rules import OUTCOMES, SCOPES, load_policy
from archive.filing.retention.settings import load_settings, save_settings
from archive.people.gate import actor, client_address, guard
from archive.people.rights import can
from archive.people.service import departments, staff

pages = APIBlueprint(
    "retention",
    __name__,
    url_prefix="/retention",
    template_folder="templates",
    enable_openapi=False,
)

Page = str | tuple[str, int] | Response
REFUSALS = (Conflict, Forbidden, Invalid, Throttled, Unauthenticated)


@pages.get("")
@guard("retention.read")
def home() -> Page:
    """Show what is due, the appraisals and the lists one may see."""
    if wants_sheet() and can(actor(), "retention.list"):
        return _due_sheet()
    return _home()


@pages.post("/appraisals")
@guard("retention.appraise")
def open_appraisal() -> Page:
    """Put the chosen items before a committee."""
    posted = request.form
    try:
        with work() as uow:
            made = appraisal.open_appraisal(
                uow,
                actor(),
                read_ids(posted, "item"),
                read_ids(posted, "member"),
                read_id(posted, "leader"),
                posted.get("note", ""),
            )
            uow.commit()
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return _home(refusal.fields), _status(refusal)
    flash("已提交鉴定，所选档案在结果定下以前不能借阅。", "success")
    return redirect(url_for(".show_appraisal", appraisal_id=made))


@pages.get("/appraisals/<int:appraisal_id>")
@guard("retention.read")
def show_appraisal(appraisal_id: int) -> str:
    """Show an appraisal: its items, everyone's opinions, what came of it."""
    return _appraisal_page(appraisal_id)


@pages.post("/appraisals/<int:appraisal_id>/<any(opinions, sign, withdraw, list):act>")
@guard("retention.read")
def act_on_appraisal(appraisal_id: int, act: str) -> Page:
    """Write one's opinions, sign them, withdraw the appraisal, or make a list of the outcome."""
    does: dict[str, Callable[[int], Response]] = {
        "opinions": _give_opinions,
        "sign": _sign,
        "withdraw": _withdraw_appraisal,
        "list": _make_list,
    }
    try:
        return does[act](appraisal_id)
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return _appraisal_page(appraisal_id), _status(refusal)


@pages.get("/appraisals/<int:appraisal_id>/A15.<any(docx, pdf):kind>")
@guard("retention.read")
def appraisal_file(appraisal_id: int, kind: str) -> Response:
    """Hand out the 鉴定意见书 as Word or PDF (A15)."""
    with reading() as uow:
        paper = appraisal_paper(uow, actor(), appraisal_id)
    return paper_response(resources(), paper, kind, MEDIA_TYPES[kind])


@pages.get("/lists/<int:list_id>")
@guard("retention.read")
def show_list(list_id: int) -> str:
    """Show a destruction or transfer list and what can be done with it now."""
    return _list_page(list_id)


@pages.post(
    "/lists/<int:list_id>/<any(approve, witness, execute, transfer, withdraw, package):act>"
)
@guard("retention.read")
def act_on_list(list_id: int, act: str) -> Page:
    """Approve, witness, carry out, sign over, withdraw, or make the package to hand over."""
    does: dict[str, Callable[[int], Response]] = {
        "approve": _approve,
        "witness": _witness,
        "execute": _execute,
        "transfer": _transfer,
        "withdraw": _withdraw_list,
        "package": _package,
    }
    try:
        return does[act](list_id)
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return _list_page(list_id), _status(refusal)


@pages.get("/lists/<int:list_id>/paper.<any(docx, pdf):kind>")
@guard("retention.read")
def list_file(list_id: int, kind: str) -> Response:
    """Hand out the list as Word or PDF (A08 or A14)."""
    with reading() as uow:
        paper = list_paper(uow, actor(), list_id)
    return paper_response(resources(), paper, kind, MEDIA_TYPES[kind])


@pages.get("/holds")
@guard("retention.list")
def all_holds() -> str:
    """Show the holds in force, and with ``all`` those that were lifted."""
    return _holds_page()


@pages.post("/holds")
@guard("retention.hold")
def set_hold() -> Page:
    """Put a hold over an item, a volume, a customer or a class."""
    posted = request.form
    try:
        with work() as uow:
            held = holds.set_hold(
                uow,
                actor(),
                posted.get("scope", ""),
                read_target(posted),
                posted.get("reason", ""),
                read_day(posted, "from_day"),
                read_day(posted, "until_day"),
            )
            uow.commit()
    except ArchiveError as refusal:
        flash(refusal.message, "danger")
        return _holds_page(refusal.fields), _status(refusal)
    flash(f"已冻结{held.scope_label}：{held.target_title}；解除以前不能销毁、移交。", "success")
    return redirect(url_for(".all_holds"))


@pages.post("/holds/<int:hold_id>/lift")
@guard("retention.hold")
def lift_hold(hold_id: int) -> Page:
    """Lift a hold with a reason."""
    try:
        with work() as uow:
            done = holds.lift_hold(uow, actor(), hold_id, request.form.get("reason", ""))
            uow.commit()
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return _holds_page(refusal.fields, lifting=hold_id), _status(refusal)
    flash(f"已解除冻结：{done.target_title}。", "success")
    return redirect(url_for(".all_holds"))


@pages.post("/settings")
@guard("retention.settings")
def settings() -> Page:
    """Say who the legal representative is and how long a destruction cools."""
    try:
        with work() as uow:
            who, months = read_id(request.form, "representative"), read_id(request.form, "months")
            save_settings(uow, actor(), who, months)
            uow.commit()
    except REFUSALS as refusal:
        flash(refusal.message, "danger")
        return _home(), _status(refusal)
    flash("已保存；已经批准的清册仍按批准时的冷静期。", "success")
    return redirect(url_for(".home"))


def _give_opinions(appraisal_id: int) -> Response:
    with work() as uow:
        shown = found.get_appraisal(uow, actor(), appraisal_id)
        said = read_opinions(request.form, shown, actor().id)
        count = appraisal.give_opinions(uow, actor(), appraisal_id, said)
        uow.commit()
    flash(f"已记下 {count} 件的意见，写全以后请签字。", "success")
    return _back(appraisal_id)


def _sign(appraisal_id: int) -> Response:
    decided = edge.sign_appraisal(resources(), actor(), appraisal_id, **_signature())
    flash("已签字，鉴定结果已定。" if decided else "已签字，等其他成员。", "success")
    return _back(appraisal_id)


def _withdraw_appraisal(appraisal_id: int) -> Response:
    with work() as uow:
        reason = request.form.get("reason", "")
        appraisal.withdraw_appraisal(uow, actor(), appraisal_id, reason)
        uow.commit()
    flash("鉴定已撤回，档案恢复在库。", "success")
    return _back(appraisal_id)


def _make_list(appraisal_id: int) -> Response:
    with work() as uow:
        posted = request.form
        made = lists.make_list(
            uow, actor(), appraisal_id, posted.get("kind", ""), posted.get("note", "")
        )
        uow.commit()
    flash(f"清册 {made.number} 已做好。", "success")
    return redirect(url_for(".show_list", list_id=made.id))


def _approve(list_id: int) -> Response:
    edge.approve(resources(), actor(), list_id, _digest(), **_signature())
    flash("已批准，冷静期开始。", "success")
    return redirect(url_for(".show_list", list_id=list_id))


def _witness(list_id: int) -> Response:
    told = (request.form.get("method", ""), request.form.get("location", ""))
    edge.witness(resources(), actor(), list_id, _digest(), *told, **_signature())
    flash("监销已签字。", "success")
    return redirect(url_for(".show_list", list_id=list_id))


def _execute(list_id: int) -> Response:
    task = edge.execute(resources(), actor(), list_id, _digest(), **_signature())
    return redirect(url_for("tasks.show", task_id=task.id))


def _transfer(list_id: int) -> Response:
    told = (request.form.get("receiver", ""), request.form.get("receiver_name", ""))
    edge.transfer(resources(), actor(), list_id, _digest(), *told, **_signature())
    flash("已移交；本单位留存电子副本。", "success")
    return redirect(url_for(".show_list", list_id=list_id))


def _withdraw_list(list_id: int) -> Response:
    with work() as uow:
        lists.withdraw_list(uow, actor(), list_id, request.form.get("reason", ""))
        uow.commit()
    flash("清册已撤回，档案恢复在库，要处置须重新鉴定。", "success")
    return redirect(url_for(".show_list", list_id=list_id))


def _package(list_id: int) -> Response:
    with work() as uow:
        task = start_package(uow, actor(), "disposal", list_id, request.form.get("make", BAG))
        uow.commit()
    return redirect(url_for("tasks.show", task_id=task.id))


def _back(appraisal_id: int) -> Response:
    return redirect(url_for(".show_appraisal", appraisal_id=appraisal_id))


def _digest() -> str:
    return request.form.get("digest", "")


def _signature() -> dict[str, str]:
    return {"password": request.form.get("password", ""), "address": client_address()}


def _status(refusal: ArchiveError) -> int:
    return {Conflict: 409, Forbidden: 403, Throttled: 429}.get(type(refusal), 422)


def _due_sheet() -> Response:
    narrow = read_filter(request.args)

    def read_page(page: int, size: int) -> Lines[DueView]:
        with reading() as uow:
            return due.list_due(uow, actor(), narrow, page=page, per_page=size)

    return list_sheet("到期档案", DUE, read_page)


def _home(errors: Mapping[str, str] | None = None) -> str:
    is_office = can(actor(), "retention.list")
    narrow = read_filter(request.args)
    number = request.args.get("page", 1, type=int)
    with reading() as uow:
        shown = due.list_due(uow, actor(), narrow, page=number) if is_office else None
        return render_template(
            "retention/home.html",
            due=shown,
            counts=due.due_counts(uow, actor(), narrow) if is_office else {},
            asked=narrow,
            appraisals=found.list_appraisals(uow, actor(), per_page=50),
            lists=found.list_disposals(uow, actor(), per_page=50),
            settings=load_settings(uow),
            policy=load_policy(),
            units=departments(uow),
            classes=plan_in_force(uow).classes,
            people=staff(uow, limit=300),
            typed=request.form,
            errors=errors or {},
        )


def _appraisal_page(appraisal_id: int) -> str:
    with reading() as uow:
        shown = found.get_appraisal(uow, actor(), appraisal_id)
        terms = plan_in_force(uow).terms
    me = shown.member(actor().id)
    return render_template(
        "retention/appraisal.html",
        appraisal=shown,
        me_member=me,
        may_speak=shown.state == "open" and me is not None and me.signed_at is None,
        terms=terms,
        outcomes=OUTCOMES,
        typed=request.form,
    )


def _list_page(list_id: int) -> str:
    with reading() as uow:
        shown = found.get_list(uow, actor(), list_id)
        settings = load_settings(uow)
        may_see_appraisal = appraisal.may_see(uow, actor(), shown.appraisal_id)
    return render_template(
        "retention/list.html",
        list=shown,
        may_see_appraisal=may_see_appraisal,
        settings=settings,
        policy=load_policy(),
        is_representative=settings.representative_id == actor().id,
        today=local_day(resources().clock()),
        typed=request.form,
    )


def _holds_page(errors: Mapping[str, str] | None = None, lifting: int = 0) -> str:
    """Show the holds; after a refusal with what was typed, for a new one or for ``lifting``."""
    with reading() as uow:
        shown = holds.list_holds(uow, actor(), with_lifted=request.args.get("all") == "1")
        classes = plan_in_force(uow).classes
    return render_template(
        "retention/holds.html",
        holds=shown,
        scopes=SCOPES,
        classes=classes,
        typed=request.form or request.args,
        errors=errors or {},
        lifting=lifting,
    )

"""我的账户: one's sign-ins, second factor, tokens, and what happened to the account."""

from functools import partial

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from archive.core.errors import Conflict, Forbidden, Invalid
from archive.core.list_sheets import ListColumn, list_sheet, wants_sheet
from archive.core.pages import clean_paging
from archive.core.profile import load_profile
from archive.core.qr import qr_svg
from archive.core.web import reading, resources, work
from archive.people.gate import actor, client_address, guard, owes_second_factor, signed_in
from archive.people.rights import ROLES
from archive.people.signin import edge, entries, factors, notices, outside, sessions, tokens
from archive.people.signin.doorway import this_caller
from archive.people.signin.entries import EntryView
from archive.people.signin.rules import SCOPES, WRITE
from archive.people.signin.sealing import Sealer

pages = APIBlueprint(
    "sign_in",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/account",
    enable_openapi=False,
)
Answer = str | tuple[str, int] | Response

LOG_COLUMNS: tuple[ListColumn[EntryView], ...] = (
    ListColumn("时间", lambda one: one.at, 18),
    ListColumn("结果", lambda one: one.outcome, 22),
    ListColumn("方式", lambda one: one.method, 18),
    ListColumn("地址", lambda one: one.address, 20),
    ListColumn("设备", lambda one: one.device, 22),
)


@pages.get("/account")
@guard("self")
def account() -> str:
    """Show one's account; new notices count as read from now on."""
    page = _account_page()
    with work() as uow:
        if notices.unread_count(uow, actor().id):
            notices.mark_read(uow, actor())
            uow.commit()
    return page


@pages.get("/account/sign-ins")
@guard("self")
def mine() -> Answer:
    """Show one's own sign-ins, newest first."""
    page, per_page = clean_paging(request.args.get("page", 1, int), 50)
    with reading() as uow:
        read_page = partial(entries.list_own, uow, actor())
        if wants_sheet():
            return list_sheet("我的登录记录", LOG_COLUMNS, read_page)
        lines = read_page(page, per_page)
    return render_template("signin/mine.html", page=lines)


@pages.post("/account/sessions/<int:session_id>/end")
@guard("self")
def end_session(session_id: int) -> Response:
    """End one sign-in; one's own is signed out."""
    with work() as uow:
        sessions.end_session(uow, actor().id, session_id, actor().id)
        uow.commit()
    if session_id == signed_in().key_id:
        return redirect(url_for("people.login"))
    flash("那台设备已退出。", "success")
    return redirect(url_for("sign_in.account"))


@pages.post("/account/sessions/end")
@guard("self")
def end_others() -> Response:
    """End every sign-in but this one."""
    with work() as uow:
        ended = sessions.end_sessions(uow, actor().id, actor().id, keep=signed_in().key_id)
        uow.commit()
    flash(f"其他 {ended} 处登录已退出。" if ended else "没有其他登录。", "success")
    return redirect(url_for("sign_in.account"))


@pages.post("/account/tokens")
@guard("self")
def make_token() -> Answer:
    """Give oneself a token, shown once; a refused one comes back with what was typed."""
    form = request.form
    name, scope = form.get("name", ""), form.get("scope", "")
    try:
        edge.check_own(resources(), signed_in(), form.get("password", ""), client_address())
        with work() as uow:
            token = tokens.make_token(uow, actor(), name, scope, form.get("days", type=int))
            uow.commit()
    except (Invalid, Conflict) as refusal:
        return _account_page(wrong=refusal.fields, message=refusal.message), 422
    return render_template("signin/token.html", token=token, scope=SCOPES[scope], name=name)


@pages.post("/account/tokens/<int:token_id>/end")
@guard("self")
def end_token(token_id: int) -> Response:
    """End one of one's tokens."""
    with work() as uow:
        tokens.end_token(uow, actor(), token_id)
        uow.commit()
    flash("令牌已结束，用它的程序马上不能再用。", "success")
    return redirect(url_for("sign_in.account"))


@pages.get("/account/second-factor")
@guard("self")
def factor() -> str:
    """Show the second factor: how to set it up, or how it stands."""
    return _factor_page()


@pages.post("/account/second-factor/start")
@guard("self")
def start_factor() -> Answer:
    """Make a new secret to set the generator up with; it is not in force yet."""
    try:
        _check_own()
        with work() as uow:
            factors.start(uow, actor(), Sealer.of(resources().settings))
            uow.commit()
    except Invalid as refusal:
        return _factor_page(refusal), 422
    return redirect(url_for("sign_in.factor"))


@pages.post("/account/second-factor/confirm")
@guard("self")
def confirm_factor() -> Answer:
    """Put the second factor in force with a first code; show the recovery codes once."""
    sealer, typed = Sealer.of(resources().settings), request.form.get("code", "")[:100]
    try:
        with work() as uow:
            codes = factors.confirm(uow, actor(), sealer, typed)
            sessions.make_strong(uow, signed_in().key_id)
            uow.commit()
    except Invalid as refusal:
        return _factor_page(refusal), 422
    return render_template("signin/recovery.html", codes=codes, is_new=True)


@pages.post("/account/second-factor/code")
@guard("self")
def give_code() -> Answer:
    """Take the code in a session that came in without one."""
    try:
        edge.step_up(resources(), signed_in(), request.form.get("code", "")[:100], this_caller())
    except Invalid as refusal:
        return _factor_page(refusal), 422
    return redirect("/")


@pages.post("/account/second-factor/codes")
@guard("self")
def renew_codes() -> Answer:
    """Give new recovery codes, shown once."""
    try:
        _check_own()
        with work() as uow:
            codes = factors.renew_codes(uow, actor(), Sealer.of(resources().settings))
            uow.commit()
    except Invalid as refusal:
        return _factor_page(refusal), 422
    return render_template("signin/recovery.html", codes=codes, is_new=False)


@pages.post("/account/second-factor/drop")
@guard("self")
def drop_factor() -> Answer:
    """Take the second factor out of force, where no role asks for it."""
    if _is_required():
        raise Forbidden("您的角色必须用两步验证；换手机时，请系统管理员停用后重新设置。")
    try:
        _check_own()
        with work() as uow:
            factors.drop(uow, actor())
            uow.commit()
    except Invalid as refusal:
        return _factor_page(refusal), 422
    flash("两步验证已停用。", "success")
    return redirect(url_for("sign_in.account"))


def _check_own() -> None:
    typed = request.form.get("password", "")
    edge.check_own(resources(), signed_in(), typed, client_address())


def _is_required() -> bool:
    return bool(resources().settings.sign_in.second_factor_roles & actor().roles)


def _account_page(wrong: dict[str, str] | None = None, message: str = "") -> str:
    here, idle = signed_in(), resources().settings.sign_in.idle
    with reading() as uow:
        return render_template(
            "signin/account.html",
            person=actor(),
            roles=[ROLES.get(role, role) for role in sorted(actor().roles)],
            notices=notices.list_notices(uow, actor()),
            sessions=sessions.list_sessions(uow, actor().id, idle, here.key_id),
            factor=factors.view_factor(uow, actor().id),
            tokens=tokens.list_tokens(uow, actor().id),
            identities=outside.identities_of(uow, actor().id),
            needs_password=outside.has_own_password(uow, actor().id),
            entries=entries.list_own(uow, actor(), 1, 10).items,
            scopes=SCOPES,
            chosen=request.form.get("scope", WRITE),
            most_days=tokens.MOST_DAYS,
            wrong=wrong or {},
            message=message,
        )


def _factor_page(refusal: Invalid | None = None) -> str:
    with reading() as uow:
        sealer, company = Sealer.of(resources().settings), load_profile(uow).company
        view = factors.view_factor(uow, actor().id)
        setup = factors.setup_of(uow, actor(), sealer, company) if view.is_pending else None
        needs_password = outside.has_own_password(uow, actor().id)
    return render_template(
        "signin/factor.html",
        factor=view,
        setup=setup,
        qr=Markup(qr_svg(setup.uri)) if setup else "",  # noqa: S704
        wrong=refusal.fields if refusal else {},
        is_required=_is_required(),
        owes_code=owes_second_factor() and view.is_on,
        needs_password=needs_password,
    )

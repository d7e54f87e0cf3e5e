"""The door (sign in, sign out, own password) and user administration."""

from typing import Any

from apiflask import APIBlueprint
from flask import abort, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from archive.core.errors import Invalid, Throttled, Unavailable
from archive.core.list_sheets import ListColumn, wants_sheet, whole_list_sheet
from archive.core.web import reading, resources, work
from archive.people import access, offices, separation, service
from archive.people.forms import LoginForm, PasswordForm, UserForm
from archive.people.gate import (
    COOKIE,
    actor,
    client_address,
    find_current_actor,
    guard,
    signed_in,
)
from archive.people.rights import INTERNAL, ROLES, SECRECY, can
from archive.people.signin.doorway import let_in, refusal_in_words, set_session_cookie, this_caller
from archive.people.signin.edge import check_own, own_words, sign_in
from archive.people.signin.outside import has_own_password, providers_of_id
from archive.people.signin.passwords import check_choice
from archive.people.wording import RoleLine, role_lines

pages = APIBlueprint("people", __name__, template_folder="templates", enable_openapi=False)

_COLUMNS: tuple[ListColumn[service.UserView], ...] = (
    ListColumn("工号", lambda user: user.staff_no, 10),
    ListColumn("用户名", lambda user: user.username, 16),
    ListColumn("姓名", lambda user: user.name, 12),
    ListColumn("部门", lambda user: user.department_name, 16),
    ListColumn("岗位", lambda user: user.position, 14),
    ListColumn("角色", lambda user: "、".join(user.role_labels), 30),
    ListColumn("可看到", lambda user: SECRECY[user.clearance], 10),
    ListColumn("电子邮件", lambda user: user.email, 24),
    ListColumn("离职日期", lambda user: user.left_on, 12),
)
_ROLES: tuple[ListColumn[RoleLine], ...] = (
    ListColumn("角色", lambda line: line.label, 14),
    ListColumn("做什么", lambda line: line.words, 60),
    ListColumn("谁有", lambda line: "、".join(line.holders), 30),
    ListColumn("可以办的事", lambda line: "、".join(line.acts), 80),
)
_ENTRIES = (
    "username",
    "staff_no",
    "name",
    "email",
    "position",
    "department_id",
    "roles",
    "clearance",
)


@pages.get("/login")
@guard("public")
def login() -> str | Response:
    """Show the sign-in page."""
    if find_current_actor() is not None:
        return redirect("/")
    return _login_page(LoginForm())


@pages.post("/login")
@guard("public")
def login_post() -> tuple[str, int] | Response:
    """Check name and password and sign the browser in, or ask for the code."""
    form = LoginForm()
    if not form.validate():
        return _login_page(form), 422
    try:
        entry = sign_in(
            resources(), form.username.data or "", form.password.data or "", this_caller()
        )
    except (Throttled, Unavailable) as refusal:
        form.password.errors = (refusal.message,)
        return _login_page(form), 429 if isinstance(refusal, Throttled) else 503
    if entry.refusal:
        form.password.errors = (refusal_in_words(entry.refusal),)
        return _login_page(form), 401
    return let_in(entry, request.args.get("next", ""))


@pages.post("/logout")
@guard("self")
def logout() -> Response:
    """Sign this browser out."""
    with work() as uow:
        access.close_session(uow, request.cookies.get(COOKIE, ""))
        uow.commit()
    session.clear()
    answer = redirect(url_for("people.login"))
    secure = resources().settings.behind_tls
    answer.delete_cookie(COOKIE, httponly=True, samesite="Lax", secure=secure)
    return answer


@pages.get("/account/password")
@guard("self")
def password() -> str:
    """Show the page to change one's own password."""
    return _password_page(_password_form(PasswordForm()))


@pages.post("/account/password")
@guard("self")
def password_post() -> str | tuple[str, int] | Response:
    """Change one's own password and sign in afresh; every other sign-in ends."""
    here, form = signed_in(), _password_form(PasswordForm())
    if not form.validate():
        return _password_page(form), 422
    current = form.current.data or "" if "current" in form else ""
    if form.new.data == current:
        form.new.errors = ("新密码不能和现在的一样",)
        return _password_page(form), 422
    try:
        check_choice(form.new.data or "", own_words(resources(), here.actor))
        new_hash = access.hash_password(form.new.data or "")
    except Invalid as refusal:
        form.new.errors = (refusal.fields.get("password", refusal.message),)
        return _password_page(form), 422
    try:
        check_own(resources(), here, current, client_address())
    except Invalid as refusal:
        field = form.current if "current" in form else form.new
        field.errors = (refusal.fields.get("password", refusal.message),)
        return _password_page(form), 422
    return _with_new_password(here, new_hash)


def _with_new_password(here: access.SignedIn, new_hash: str) -> Response:
    agent = request.headers.get("User-Agent", "")
    with work() as uow:
        access.change_password(uow, here.actor.id, new_hash)
        token = access.open_session(
            uow,
            here.actor.id,
            client_address(),
            agent,
            method=here.method,
            is_strong=here.is_strong,
            life=resources().settings.sign_in.life,
        )
        uow.commit()
    flash("密码已修改，其他地方的登录已全部退出。", "success")
    answer = redirect("/")
    set_session_cookie(answer, token)
    return answer


@pages.get("/admin/users")
@guard("people.list")
def users() -> str | Response:
    """List every user."""
    with reading() as uow:
        people = service.list_users(uow, actor())
        told = offices.advice(service.office_holders(uow))
    if wants_sheet():
        return whole_list_sheet("用户", _COLUMNS, people)
    return render_template("people/users.html", users=people, secrecy=SECRECY, advice=told)


@pages.get("/admin/roles")
@guard("people.list")
def roles() -> str | Response:
    """Show what every role is for and may do, who holds it, and whether offices are separated."""
    with reading() as uow:
        holders = service.office_holders(uow)
    lines = role_lines(holders)
    if wants_sheet():
        return whole_list_sheet("角色", _ROLES, lines)
    return render_template("people/roles.html", roles=lines, advice=offices.advice(holders))


@pages.route("/admin/users/new", methods=["GET", "POST"])
@guard("people.edit")
def new_user() -> str | tuple[str, int] | Response:
    """Add a user with a first password, shown once."""
    form = _user_form(None)
    if request.method == "GET":
        return _user_page(form, None)
    first = access.new_password()
    try:
        _check(form)
        password_hash = access.hash_password(first)
        with work() as uow:
            service.add_user(uow, actor(), _fields(form, None), password_hash)
            uow.commit()
    except Invalid as refusal:
        return _user_page(_with_errors(form, refusal), None), 422
    return _show_once(str(form.username.data), first)


@pages.route("/admin/users/<int:user_id>", methods=["GET", "POST"])
@guard("people.list")
def user(user_id: int) -> str | tuple[str, int] | Response:
    """Show and change one user."""
    with reading() as uow:
        view = service.get_user(uow, actor(), user_id)
    form = _user_form(view)
    if request.method == "GET":
        form.process(obj=view)
        return _user_page(form, view)
    try:
        _check(form)
        with work() as uow:
            version = request.form.get("version", type=int) or 0
            service.edit_user(uow, actor(), user_id, _fields(form, view), version)
            uow.commit()
    except Invalid as refusal:
        return _user_page(_with_errors(form, refusal), view), 422
    flash("用户资料已保存。", "success")
    return redirect(url_for("people.users"))


@pages.post("/admin/users/<int:user_id>/reset")
@guard("people.edit")
def reset(user_id: int) -> str | Response:
    """Give a user a new first password, shown once."""
    first = access.new_password()
    password_hash = access.hash_password(first)
    with work() as uow:
        view = service.get_user(uow, actor(), user_id)
        access.reset_password(uow, actor(), user_id, password_hash)
        uow.commit()
    return _show_once(view.username, first)


@pages.post("/admin/users/<int:user_id>/release")
@guard("people.rights")
def release(user_id: int) -> Response:
    """Let a person's roles count again after a password from the system administrator."""
    with work() as uow:
        name = separation.release(uow, actor(), user_id)
        uow.commit()
    flash(f"{name}的权限已恢复。", "success")
    return redirect(url_for("people.user", user_id=user_id))


@pages.post("/admin/users/<int:user_id>/left")
@guard("people.edit")
def left(user_id: int) -> Response:
    """Note that a user left; their sign-ins end at once."""
    with work() as uow:
        access.mark_left(uow, actor(), user_id)
        uow.commit()
    flash("已登记离职，其登录和令牌已全部失效。", "success")
    return redirect(url_for("people.users"))


def _login_page(form: LoginForm) -> str:
    oidc = resources().settings.sign_in.oidc
    return render_template("people/login.html", form=form, outside_label=oidc and oidc.label)


def _password_form(form: PasswordForm) -> PasswordForm:
    """Leave out the present password for whoever has none, and comes in by the provider."""
    with reading() as uow:
        if not has_own_password(uow, actor().id):
            del form.current
    return form


def _password_page(form: PasswordForm) -> str:
    with reading() as uow:
        in_directory = "ldap" in providers_of_id(uow, actor().id)
    return render_template("people/password.html", form=form, in_directory=in_directory)


def _user_form(view: service.UserView | None) -> UserForm:
    form, person = UserForm(), actor()
    account, rights = can(person, "people.edit"), can(person, "people.rights")
    placeless = account and not (view and view.roles)
    form.keep_only(account=account, place=rights or placeless, rights=rights)
    if "department_id" not in form:
        return form
    with reading() as uow:
        form.department_id.choices = [
            SelectChoice(str(unit.id), unit.name) for unit in service.departments(uow)
        ]
    return form


def _check(form: UserForm) -> None:
    if not form.validate():
        raise Invalid("用户资料有误，请按提示改正。")


def _user_page(form: UserForm, view: service.UserView | None) -> str:
    return render_template(
        "people/user.html", form=form, user=view, words=offices.ROLE_WORDS, secrecy=SECRECY
    )


def _fields(form: UserForm, view: service.UserView | None) -> service.UserFields:
    """Return what was entered; what is another administrator's stays as it is."""
    kept: dict[str, Any] = {"roles": frozenset(), "clearance": INTERNAL}
    if view is not None:
        kept = {key: getattr(view, key) for key in _ENTRIES}
    typed = {key: form[key].data for key in _ENTRIES if key in form}
    entered: dict[str, Any] = kept | {key: value or "" for key, value in typed.items()}
    if "clearance" in typed:
        entered["clearance"] = typed["clearance"]
    return service.UserFields(**entered | {"roles": frozenset(entered["roles"]) & ROLES.keys()})


def _with_errors(form: UserForm, refusal: Invalid) -> UserForm:
    for key, message in refusal.fields.items():
        if key not in form:
            abort(422)
        form[key].errors = (message,)
    return form


def _show_once(username: str, first: str) -> str:
    return render_template("people/first_password.html", username=username, password=first)

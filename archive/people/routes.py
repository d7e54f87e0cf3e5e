"""The door (sign in, sign out, own password) and user administration."""

from apiflask import APIBlueprint
from flask import abort, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response
from wtforms.fields.choices import SelectChoice

from archive.core.errors import Invalid, Throttled
from archive.core.list_sheets import ListColumn, wants_sheet, whole_list_sheet
from archive.core.web import reading, resources, work
from archive.people import access, service
from archive.people.forms import LoginForm, PasswordForm, UserForm
from archive.people.gate import COOKIE, actor, client_address, find_current_actor, guard
from archive.people.rights import ROLES, SECRECY

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


@pages.get("/login")
@guard("public")
def login() -> str | Response:
    """Show the sign-in page."""
    if find_current_actor() is not None:
        return redirect("/")
    return render_template("people/login.html", form=LoginForm())


@pages.post("/login")
@guard("public")
def login_post() -> tuple[str, int] | Response:
    """Check name and password and sign the browser in."""
    form = LoginForm()
    if not form.validate():
        return render_template("people/login.html", form=form), 422
    try:
        with reading() as uow:
            check = access.check_password(
                uow, form.username.data or "", form.password.data or "", client_address()
            )
    except Throttled as refusal:
        form.password.errors = (refusal.message,)
        return render_template("people/login.html", form=form), 429
    with work() as uow:
        user_id = access.note_password(uow, check)
        agent = request.headers.get("User-Agent", "")
        token = access.open_session(uow, user_id, client_address(), agent) if user_id else None
        uow.commit()
    if token is None:
        form.password.errors = ("用户名或密码不对，请重新输入。",)
        return render_template("people/login.html", form=form), 401
    session.clear()
    answer = redirect(_inside(request.args.get("next", "")))
    _set_cookie(answer, token)
    return answer


@pages.post("/logout")
@guard("self")
def logout() -> Response:
    """Sign this browser out."""
    with work() as uow:
        access.close_session(uow, request.cookies.get(COOKIE, ""))
        uow.commit()
    session.clear()
    answer = redirect(url_for("people.login"))
    answer.delete_cookie(COOKIE)
    return answer


@pages.get("/account/password")
@guard("self")
def password() -> str:
    """Show the page to change one's own password."""
    return render_template("people/password.html", form=PasswordForm())


@pages.post("/account/password")
@guard("self")
def password_post() -> str | tuple[str, int] | Response:
    """Change one's own password and sign in afresh."""
    form, person = PasswordForm(), actor()
    if not form.validate():
        return render_template("people/password.html", form=form), 422
    if form.new.data == form.current.data:
        form.new.errors = ("新密码不能和现在的一样",)
        return render_template("people/password.html", form=form), 422
    with reading() as uow:
        check = access.confirm_password(uow, person, form.current.data or "", client_address())
    try:
        new_hash = access.hash_password(form.new.data or "")
    except Invalid as refusal:
        form.new.errors = (refusal.fields.get("password", refusal.message),)
        return render_template("people/password.html", form=form), 422
    with work() as uow:
        if access.note_password(uow, check) is None:
            uow.commit()
            form.current.errors = ("现在的密码不对",)
            return render_template("people/password.html", form=form), 422
        access.change_password(uow, person.id, new_hash)
        agent = request.headers.get("User-Agent", "")
        token = access.open_session(uow, person.id, client_address(), agent)
        uow.commit()
    flash("密码已修改，其他地方的登录已全部退出。", "success")
    answer = redirect("/")
    _set_cookie(answer, token)
    return answer


@pages.get("/admin/users")
@guard("people.list")
def users() -> str | Response:
    """List every user."""
    with reading() as uow:
        people = service.list_users(uow, actor())
    if wants_sheet():
        return whole_list_sheet("用户", _COLUMNS, people)
    return render_template("people/users.html", users=people, secrecy=SECRECY)


@pages.route("/admin/users/new", methods=["GET", "POST"])
@guard("people.edit")
def new_user() -> str | tuple[str, int] | Response:
    """Add a user with a first password, shown once."""
    form = _user_form()
    if request.method == "GET":
        return render_template("people/user.html", form=form, user=None)
    first = access.new_password()
    try:
        _check(form)
        password_hash = access.hash_password(first)
        with work() as uow:
            service.add_user(uow, actor(), _fields(form), password_hash)
            uow.commit()
    except Invalid as refusal:
        return render_template("people/user.html", form=_with_errors(form, refusal), user=None), 422
    return _show_once(str(form.username.data), first)


@pages.route("/admin/users/<int:user_id>", methods=["GET", "POST"])
@guard("people.edit")
def user(user_id: int) -> str | tuple[str, int] | Response:
    """Show and change one user."""
    with reading() as uow:
        view = service.get_user(uow, actor(), user_id)
    form = _user_form()
    if request.method == "GET":
        form.process(obj=view)
        return render_template("people/user.html", form=form, user=view)
    try:
        _check(form)
        with work() as uow:
            version = request.form.get("version", type=int) or 0
            service.edit_user(uow, actor(), user_id, _fields(form), version)
            uow.commit()
    except Invalid as refusal:
        return render_template("people/user.html", form=_with_errors(form, refusal), user=view), 422
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


@pages.post("/admin/users/<int:user_id>/left")
@guard("people.edit")
def left(user_id: int) -> Response:
    """Note that a user left; their sign-ins end at once."""
    with work() as uow:
        access.mark_left(uow, actor(), user_id)
        uow.commit()
    flash("已登记离职，其登录和令牌已全部失效。", "success")
    return redirect(url_for("people.users"))


def _set_cookie(answer: Response, token: str) -> None:
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(access.SESSION_LIFE.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=resources().settings.behind_tls,
    )


def _inside(target: str) -> str:
    """Return the target if it is a path of this server, else the home page."""
    is_path = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if is_path and target.isprintable() and "\\" not in target else "/"


def _user_form() -> UserForm:
    form = UserForm()
    with reading() as uow:
        form.department_id.choices = [
            SelectChoice(str(unit.id), unit.name) for unit in service.departments(uow)
        ]
    return form


def _check(form: UserForm) -> None:
    if not form.validate():
        raise Invalid("用户资料有误，请按提示改正。")


def _fields(form: UserForm) -> service.UserFields:
    return service.UserFields(
        username=form.username.data or "",
        staff_no=form.staff_no.data or "",
        name=form.name.data or "",
        email=form.email.data or "",
        position=form.position.data or "",
        department_id=form.department_id.data,
        roles=frozenset(form.roles.data or ()) & ROLES.keys(),
        clearance=form.clearance.data,
    )


def _with_errors(form: UserForm, refusal: Invalid) -> UserForm:
    for key, message in refusal.fields.items():
        if key not in form:
            abort(422)
        form[key].errors = (message,)
    return form


def _show_once(username: str, first: str) -> str:
    return render_template("people/first_password.html", username=username, password=first)

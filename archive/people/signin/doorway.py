"""How a browser is let in: its cookies, and where it goes next. Shared by the pages at the door."""

from flask import flash, redirect, request, session, url_for
from werkzeug.wrappers import Response

from archive.core.web import resources
from archive.people.gate import COOKIE, client_address
from archive.people.signin.edge import Caller, Entry
from archive.people.signin.rules import STEP_LIFE, inside

STEP_COOKIE = "archive_step"
STEP_PATH = "/login"
_WORDS = {
    "use_outside": "这个账号请用下面的“{label}”登录。",
    "no_account": "您在这里还没有账号，请联系系统管理员。",
    "other_identity": "这个账号已对应另一个身份，请联系系统管理员。",
    "left": "这个账号已停用，请联系系统管理员。",
}


def this_caller() -> Caller:
    """Return where this request comes from."""
    return Caller(client_address(), request.headers.get("User-Agent", ""))


def refusal_in_words(refusal: str) -> str:
    """Say why somebody is not let in; whose name or password it was is not told apart."""
    if refusal in ("use_outside", "no_account", "other_identity"):
        oidc = resources().settings.sign_in.oidc
        return _WORDS[refusal].format(label=oidc.label if oidc else "")
    return "用户名或密码不对，请重新输入。"


def outside_refusal(refusal: str) -> str:
    """Say why somebody whom the provider knows is not let in."""
    return _WORDS.get(refusal, "没有登录成功，请重试。")


def let_in(entry: Entry, target: str) -> Response:
    """Give the browser its session and send it on, or to the page of the code."""
    if entry.step:
        answer = redirect(url_for("sign_in_door.code", next=inside(target)))
        set_door_cookie(answer, STEP_COOKIE, entry.step, int(STEP_LIFE.total_seconds()))
        return answer
    session.clear()
    if entry.news:
        where = "点右上角姓名，打开“我的账户”查看"
        flash(f"您的账号有 {entry.news} 条新的安全提醒，{where}。", "warning")
    answer = redirect(inside(target))
    set_session_cookie(answer, entry.session)
    drop_door_cookie(answer, STEP_COOKIE)
    return answer


def set_session_cookie(answer: Response, token: str) -> None:
    """Give the browser its session; over TLS only where people reach us over TLS."""
    settings = resources().settings
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(settings.sign_in.life.total_seconds()),
        httponly=True,
        samesite="Lax",
        secure=settings.behind_tls,
    )


def set_door_cookie(answer: Response, name: str, value: str, seconds: int) -> None:
    """Give the browser what it needs between two steps at the door, and only there."""
    answer.set_cookie(
        name,
        value,
        max_age=seconds,
        path=STEP_PATH,
        httponly=True,
        samesite="Lax",
        secure=resources().settings.behind_tls,
    )


def drop_door_cookie(answer: Response, name: str) -> None:
    """Take from the browser what it needed at the door, as it was given."""
    secure = resources().settings.behind_tls
    answer.delete_cookie(name, path=STEP_PATH, httponly=True, samesite="Lax", secure=secure)

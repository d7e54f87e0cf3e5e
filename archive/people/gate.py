"""The gate of every page and call: who is there, and the mark that says what a view needs.

Pages know people by the session cookie, the API by its bearer token, never the other way.
"""

from collections.abc import Callable
from functools import wraps
from ipaddress import ip_address
from typing import Any, TypeVar, cast

from flask import current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import Forbidden, Unauthenticated
from archive.core.web import reading, resources
from archive.people.access import SignedIn, find_session, find_token
from archive.people.rights import Actor, acts, needs_thing, require
from archive.people.signin.rules import READ
from archive.people.signin.seen import note_seen_session, note_seen_token

COOKIE = "archive_session"
PUBLIC = "public"
# Where somebody may be who still owes a second factor, or a password of their own.
_ON_THE_WAY = {
    "people.logout",
    "people.password",
    "people.password_post",
    "sign_in.factor",
    "sign_in.start_factor",
    "sign_in.confirm_factor",
    "sign_in.give_code",
}

View = TypeVar("View", bound=Callable[..., Any])


def find_current_actor() -> Actor | None:
    """Return who sent this request, or None."""
    if "actor" not in g:
        g.actor = _find_by_token() if is_api() else _find_by_cookie()
    return cast(Actor | None, g.actor)


def signed_in() -> SignedIn:
    """Return by which session or token this request came; raise Unauthenticated."""
    actor()
    return cast(SignedIn, g.signed_in)


def owes_second_factor() -> bool:
    """Say whether a role of the person signed in asks for a second factor not given yet."""
    here = signed_in()
    wanted = resources().settings.sign_in.second_factor_roles
    return bool(wanted & here.actor.roles) and not here.is_strong


def actor() -> Actor:
    """Return who sent this request; raise Unauthenticated."""
    person = find_current_actor()
    if person is None:
        raise Unauthenticated(
            "请先登录。" if not is_api() else "令牌缺失或已失效，请用 archive token 重新取得。"
        )
    return person


def is_api() -> bool:
    """Say whether this request is a call of the API."""
    return request.path.startswith("/api/")


def guard(act: str) -> Callable[[View], View]:
    """Mark a view with the act it needs and check it; ``public`` needs nobody.

    Acts on a thing are checked again by the service, with the thing.
    """
    if act != PUBLIC and act not in acts():
        raise KeyError(act)

    def mark(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if act == PUBLIC:
                return view(*args, **kwargs)
            person = actor()
            if not is_api() and request.endpoint not in _ON_THE_WAY:
                if person.must_change_password:
                    return _to_password_page()
                if owes_second_factor():
                    return redirect(url_for("sign_in.factor"))
            if not needs_thing(act):
                require(person, act)
            return view(*args, **kwargs)

        guarded.__guard__ = act  # type: ignore[attr-defined]
        return cast(View, guarded)

    return mark


def check_caller() -> None:
    """Ask a program who it is before anything it sent is read; run before every request."""
    view = current_app.view_functions.get(request.endpoint or "")
    act = getattr(view, "__guard__", PUBLIC)
    if not is_api() or act == PUBLIC:
        return
    person = actor()
    if signed_in().scope == READ and request.method not in ("GET", "HEAD"):
        raise Forbidden("这个令牌只能读，不能办事；请换一个“读写”的令牌。")
    if not needs_thing(act):
        require(person, act)


def client_address() -> str:
    """Return the address the request came from; what our own proxy says of it is believed."""
    direct = request.remote_addr or "-"
    proxy = resources().settings.sign_in.proxy
    if not proxy or direct != proxy:
        return direct
    told = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    try:
        return str(ip_address(told))
    except ValueError:
        return direct


def _to_password_page() -> Response:
    return redirect(url_for("people.password"))


def _find_by_cookie() -> Actor | None:
    token = request.cookies.get(COOKIE, "")
    if not token:
        return None
    with reading() as uow:
        here = find_session(uow, token, resources().settings.sign_in.idle)
    if here is not None and here.is_due(resources().clock()):
        note_seen_session(resources(), here.key_id)
    return _kept(here)


def _find_by_token() -> Actor | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return None
    with reading() as uow:
        here = find_token(uow, token.strip())
    if here is not None and here.is_due(resources().clock()):
        note_seen_token(resources(), here.key_id)
    return _kept(here)


def _kept(here: SignedIn | None) -> Actor | None:
    g.signed_in = here
    return None if here is None else here.actor

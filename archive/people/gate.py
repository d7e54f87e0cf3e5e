"""The gate of every page and call: who is there, and the mark that says what a view needs.

Pages know people by the session cookie, the API by its bearer token, never the other way.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import current_app, g, redirect, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import Unauthenticated
from archive.core.web import reading
from archive.people.access import find_session_actor, find_token_actor
from archive.people.rights import Actor, acts, needs_thing, require

COOKIE = "archive_session"
PUBLIC = "public"

View = TypeVar("View", bound=Callable[..., Any])


def find_current_actor() -> Actor | None:
    """Return who sent this request, or None."""
    if "actor" not in g:
        g.actor = _find_by_token() if is_api() else _find_by_cookie()
    return cast(Actor | None, g.actor)


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
            if person.must_change_password and not is_api() and act != "self":
                return _to_password_page()
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
    if not needs_thing(act):
        require(person, act)


def client_address() -> str:
    """Return the address the request came from."""
    return request.remote_addr or "-"


def _to_password_page() -> Response:
    return redirect(url_for("people.password"))


def _find_by_cookie() -> Actor | None:
    token = request.cookies.get(COOKIE, "")
    if not token:
        return None
    with reading() as uow:
        return find_session_actor(uow, token)


def _find_by_token() -> Actor | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return None
    with reading() as uow:
        return find_token_actor(uow, token.strip())

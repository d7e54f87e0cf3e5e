"""The door's other pages: the code after the password, and the way through the provider."""

import base64
import importlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from apiflask import APIBlueprint
from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.config_signin import OidcSettings
from archive.core.errors import ArchiveError, NotFound, Throttled, Unauthenticated, Unavailable
from archive.core.web import resources
from archive.people.gate import guard
from archive.people.signin import edge
from archive.people.signin.doorway import (
    STEP_COOKIE,
    drop_door_cookie,
    let_in,
    outside_refusal,
    set_door_cookie,
    this_caller,
)
from archive.people.signin.rules import inside
from archive.people.signin.sealing import Sealer

pages = APIBlueprint("sign_in_door", __name__, template_folder="templates", enable_openapi=False)

ASKED_COOKIE = "archive_door"
ASKED_SECONDS = 600
_PURPOSE = "question to the provider"


@pages.get("/login/code")
@guard("public")
def code() -> str | Response:
    """Show the page to type the code in."""
    if not request.cookies.get(STEP_COOKIE):
        return redirect(url_for("people.login", next=inside(request.args.get("next", ""))))
    return render_template("signin/code.html", message="")


@pages.post("/login/code")
@guard("public")
def code_post() -> tuple[str, int] | Response:
    """Take the code and sign the browser in."""
    step, typed = request.cookies.get(STEP_COOKIE, ""), request.form.get("code", "")
    try:
        entry = edge.give_code(resources(), step, typed[:100], this_caller())
    except Unauthenticated:
        answer = redirect(url_for("people.login", next=inside(request.args.get("next", ""))))
        drop_door_cookie(answer, STEP_COOKIE)
        return answer
    except (Throttled, Unavailable) as refusal:
        status = 429 if isinstance(refusal, Throttled) else 503
        return render_template("signin/code.html", message=refusal.message), status
    if entry.refusal:
        message = edge.CODE_WORDS[entry.refusal]
        return render_template("signin/code.html", message=message), 401
    return let_in(entry, request.args.get("next", ""))


@pages.get("/login/outside")
@guard("public")
def outside() -> tuple[str, int] | Response:
    """Send the browser to the provider."""
    oidc = _oidc()
    try:
        asked, address = _provider().ask(oidc, _redirect_uri())
    except Unavailable as refusal:
        return render_template("signin/refused.html", message=refusal.message), 503
    kept = asdict(asked) | {
        "next": inside(request.args.get("next", "")),
        "until": resources().clock().timestamp() + ASKED_SECONDS,
    }
    sealed = Sealer.of(resources().settings).seal(json.dumps(kept).encode(), _PURPOSE)
    answer = redirect(address)
    value = base64.urlsafe_b64encode(sealed).decode()
    set_door_cookie(answer, ASKED_COOKIE, value, ASKED_SECONDS)
    return answer


@pages.get("/login/outside/back")
@guard("public")
def outside_back() -> tuple[str, int] | Response:
    """Take the provider's answer and sign the browser in; a question is answered once."""
    oidc, kept, caller = _oidc(), _kept_question(), this_caller()
    try:
        if kept is None:
            raise Unauthenticated("登录请求已过期，或者用过了，请重新登录。")
        asked = _provider().Asked(kept["state"], kept["nonce"], kept["verifier"])
        known = _provider().read_answer(
            oidc, asked, request.args, _redirect_uri(), resources().clock()
        )
        entry = edge.sign_in_known(resources(), known, caller)
    except (Unauthenticated, Unavailable) as refusal:
        edge.note_provider_refused(resources(), caller)
        return _refused(refusal)
    if entry.refusal:
        return _refused(Unauthenticated(outside_refusal(entry.refusal)))
    answer = let_in(entry, str(kept["next"]))
    drop_door_cookie(answer, ASKED_COOKIE)
    return answer


def _refused(refusal: ArchiveError) -> Response:
    status = 503 if isinstance(refusal, Unavailable) else 401
    page = render_template("signin/refused.html", message=refusal.message)
    answer = Response(page, status, mimetype="text/html")
    drop_door_cookie(answer, ASKED_COOKIE)
    return answer


def _oidc() -> OidcSettings:
    oidc = resources().settings.sign_in.oidc
    if oidc is None:
        raise NotFound("没有设统一登录，请用密码登录。")
    return oidc


def _provider() -> Any:
    """Return the module that speaks with the provider; it is slow to load, and few need it."""
    return importlib.import_module("archive.people.signin.provider")


def _redirect_uri() -> str:
    return f"{resources().settings.public_url}/login/outside/back"


def _kept_question() -> Mapping[str, Any] | None:
    try:
        sealed = base64.urlsafe_b64decode(request.cookies.get(ASKED_COOKIE, "").encode())
    except ValueError:
        return None
    content = Sealer.of(resources().settings).open(sealed, _PURPOSE)
    kept: dict[str, Any] | None = json.loads(content) if content else None
    return kept if kept and kept["until"] > resources().clock().timestamp() else None

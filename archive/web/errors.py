"""The one table from errors to HTTP: JSON under /api/, a page in plain Chinese elsewhere.

No service knows a status; no route catches an error only to choose one. Whatever the table does
not know is a fault of ours: it is logged whole and shown without details.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from apiflask.exceptions import HTTPError
from flask import Flask, current_app, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from archive.core import errors as office
from archive.web.wording import NEXT_STEPS, SENTENCES, TITLES, in_chinese
from doc_templates import errors as forms
from indexer import errors as index
from storage import errors as storage
from storage.trouble import storage_trouble

log = logging.getLogger(__name__)

# The nearest class in an error's ancestry decides.
STATUS: dict[type[Exception], tuple[int, str]] = {
    office.Unauthenticated: (401, "unauthenticated"),
    office.Forbidden: (403, "forbidden"),
    office.NotFound: (404, "not_found"),
    office.Conflict: (409, "conflict"),
    office.TooLarge: (413, "too_large"),
    office.Invalid: (422, "invalid"),
    office.Throttled: (429, "throttled"),
    office.Unavailable: (503, "unavailable"),
    office.ArchiveError: (400, "error"),
    forms.FormNotFound: (404, "not_found"),
    forms.InvalidValues: (422, "invalid"),
    forms.BadTemplate: (422, "invalid"),
    forms.ConverterError: (503, "unavailable"),
    index.IndexBusy: (503, "unavailable"),
    index.IndexDamaged: (503, "unavailable"),
    index.ExtractError: (422, "invalid"),
    storage.BlobMissing: (503, "unavailable"),
    storage.BlobDamaged: (503, "unavailable"),
    storage.NoRoom: (507, "no_room"),
    storage.RowsDamaged: (503, "unavailable"),
    storage.PlaceTaken: (409, "conflict"),
    storage.BackupDamaged: (422, "invalid"),
    storage.WrongPassphrase: (422, "invalid"),
    OverflowError: (422, "invalid"),  # a number no column can hold
    UnicodeEncodeError: (422, "invalid"),  # half a character
    RecursionError: (400, "bad_request"),  # brackets without end
}
# Two people saved at once: the row changed, or the same number or name was taken meanwhile.
# Known by name, because this layer does not know the database.
WRITE_RACES = {"StaleDataError", "IntegrityError"}
UNKEEPABLE = {"DataError"}  # what PostgreSQL has no room for: a sign of number 0, a huge number
CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
    429: "throttled",
    503: "unavailable",
    507: "no_room",
}


@dataclass(frozen=True)
class Refusal:
    """What the client is told: status, a stable code, one Chinese sentence, the entries."""

    status: int
    code: str
    message: str
    fields: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)


def register(app: Flask) -> None:
    """Answer every error of the app through the table."""
    for kind in (HTTPException, HTTPError, Exception):
        app.register_error_handler(kind, answer_error)


def answer_error(error: Exception) -> ResponseReturnValue:
    """Turn any error into the answer for this request."""
    refusal = refusal_for(error)
    rule = request.url_rule.rule if request.url_rule else "-"  # an address may hold a secret
    if refusal.status >= 500 and refusal.code == "internal":
        log.error("unexpected error on %s %s", request.method, rule, exc_info=error)
    elif refusal.status == 507 or isinstance(error, storage.StorageError):
        log.error("storage trouble on %s %s: %s", request.method, rule, type(error).__name__)
    if request.path.startswith("/api/"):
        return json_answer(refusal)
    if refusal.status == 401 and "people.login" in current_app.view_functions:
        return redirect(url_for("people.login", next=_return_path()))
    return page_answer(refusal)


def refusal_for(error: Exception) -> Refusal:
    """Look the error up in the table."""
    if isinstance(error, HTTPError):
        return _from_api(error)
    if isinstance(error, HTTPException):
        return _from_http(error)
    for kind in type(error).__mro__:
        if kind in STATUS:
            return _from_table(error, *STATUS[kind])
        if kind.__name__ in WRITE_RACES:
            return Refusal(409, "conflict", SENTENCES[409])
        if kind.__name__ in UNKEEPABLE:
            return Refusal(422, "invalid", SENTENCES[422])
    trouble = storage_trouble(error)
    if trouble is not None:
        return refusal_for(trouble)
    return Refusal(500, "internal", SENTENCES[500])


def json_answer(refusal: Refusal) -> ResponseReturnValue:
    """Return the refusal as the API writes it."""
    body = {"code": refusal.code, "message": refusal.message, "fields": refusal.fields}
    return jsonify(error=body), refusal.status, refusal.headers


def page_answer(refusal: Refusal) -> ResponseReturnValue:
    """Return the refusal as a page: what happened, what to do next, a way back.

    When it is our fault the page is shown without menu, so that it needs no database.
    """
    if refusal.status >= 500:
        g.actor = None
    page = render_template(
        "error.html",
        status=refusal.status,
        title=TITLES.get(refusal.status, TITLES[500]),
        message=refusal.message,
        fields=refusal.fields,
        next_step=NEXT_STEPS.get(refusal.status, ""),
        back=_way_back(),
        paper=_paper() if refusal.status == 409 else "",
    )
    return page, refusal.status, refusal.headers


def _from_table(error: Exception, status: int, code: str) -> Refusal:
    message = str(getattr(error, "message", "")) or SENTENCES.get(status, SENTENCES[500])
    fields = getattr(error, "fields", None) or getattr(error, "errors", None) or {}
    seconds = getattr(error, "seconds", None)
    headers = {"Retry-After": str(seconds)} if seconds else {}
    return Refusal(status, code, message, dict(fields), headers)


def _from_api(error: HTTPError) -> Refusal:
    """A refusal of APIFlask: mostly input that does not fit the schema."""
    status = error.status_code
    fields = _flat(error.detail) if isinstance(error.detail, Mapping) else {}
    message = SENTENCES.get(status, SENTENCES[400])
    return Refusal(status, CODES.get(status, "error"), message, fields)


def _from_http(error: HTTPException) -> Refusal:
    """A refusal of the web layer itself: no such page, wrong method, too large, forged form."""
    status = error.code or 500
    if isinstance(error, CSRFError):
        return Refusal(400, "csrf", SENTENCES["csrf"])
    if status >= 500:
        return Refusal(status, CODES.get(status, "internal"), SENTENCES.get(status, SENTENCES[500]))
    allowed = getattr(error, "valid_methods", None)
    headers = {"Allow": ", ".join(sorted(allowed))} if allowed else {}
    message = SENTENCES.get(status, SENTENCES[400])
    return Refusal(status, CODES.get(status, HTTPStatus(status).name.lower()), message, {}, headers)


def _flat(detail: Mapping[str, object]) -> dict[str, str]:
    """Turn {"json": {"name": ["..."]}} into {"name": "中文"}."""
    fields: dict[str, str] = {}
    for place, inner in detail.items():
        if isinstance(inner, Mapping):
            fields.update(_flat(inner))
        elif isinstance(inner, list | tuple):
            fields[str(place)] = "；".join(in_chinese(str(one)) for one in inner)
        else:
            fields[str(place)] = in_chinese(str(inner))
    return fields


def _return_path() -> str | None:
    """Where to go after signing in: this page, if it can be asked for again."""
    return request.full_path.rstrip("?") if request.method == "GET" else None


def _paper() -> str:
    """Return the page of the paper an act was refused on, which tells how it stands now."""
    number = (request.view_args or {}).get("record_id")
    return url_for("records.show", record_id=number) if number else ""


def _way_back() -> str:
    """Return the page the person came from, if it is one of ours and not this one."""
    came_from = request.referrer or ""
    here = request.host_url
    if not came_from.startswith(here) or came_from == request.url:
        return ""
    return "/" + came_from[len(here) :]

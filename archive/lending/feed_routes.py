"""The calendar of one's due days: its secret address, and what a calendar program fetches there."""

from apiflask import APIBlueprint
from flask import Response as FlaskResponse
from flask import flash, make_response, redirect, render_template, url_for
from werkzeug.wrappers import Response

from archive.core.web import reading, resources, work
from archive.lending import service
from archive.people.gate import actor, guard

pages = APIBlueprint("lending_feed", __name__, url_prefix="/loans/calendar", enable_openapi=False)


@pages.post("/new")
@guard("loan.list")
def open_feed() -> FlaskResponse:
    """Make a new address and show it, this once."""
    with work() as uow:
        token = service.open_feed(uow, actor())
        uow.commit()
    path = url_for("lending_feed.calendar", token=token)
    page = render_template("lending/feed.html", address=resources().settings.public_url + path)
    answer = make_response(page)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.post("/stop")
@guard("loan.list")
def close_feed() -> Response:
    """End one's calendar."""
    with work() as uow:
        service.close_feed(uow, actor())
        uow.commit()
    flash("日历订阅已停用，原来的地址不再有效。", "success")
    return redirect(url_for("lending.mine"))


@pages.get("/<token>.ics")
@guard("public")
def calendar(token: str) -> FlaskResponse:
    """Hand the calendar to whoever knows its address."""
    with reading() as uow:
        content = service.read_feed(uow, token)
    answer = make_response(content)
    answer.headers["Content-Type"] = "text/calendar; charset=utf-8"
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer

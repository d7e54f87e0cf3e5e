"""The first page: cards of what waits, tiles to start a form."""

import secrets
from dataclasses import dataclass
from typing import Any

from apiflask import APIBlueprint
from flask import current_app, redirect, render_template, url_for
from werkzeug.wrappers import Response

from archive.core.clock import show_day
from archive.core.web import reading
from archive.forms.service import list_forms
from archive.people.gate import actor, guard
from archive.people.rights import Actor, can
from archive.workbench import service
from archive.workbench.service import Card

pages = APIBlueprint("workbench", __name__, template_folder="templates", enable_openapi=False)

WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True)
class Way:
    """Where a card's lines lead (endpoint and its id's name), and where the whole list is."""

    line: str
    id_name: str
    whole: str
    query: tuple[tuple[str, Any], ...] = ()


WAYS = {
    "to_sign": Way("signing.paper", "record_id", "signing.inbox"),
    "to_approve": Way("lending.show", "request_id", "lending.approvals"),
    "returned": Way(
        "records.edit", "record_id", "records.listing", (("state", "returned"), ("mine", 1))
    ),
    "drafts": Way(
        "records.edit", "record_id", "records.listing", (("state", "draft"), ("mine", 1))
    ),
    "in_signing": Way(
        "records.show", "record_id", "records.listing", (("state", "in_signing"), ("mine", 1))
    ),
    "to_file": Way("filing.record", "record_id", "filing.desk"),
    "quarantine": Way("checks.hold", "item_id", "checks.holds"),
    "overdue": Way("filing.item", "item_id", "lending.register"),
    "saved_searches": Way("saved_searches.listing", "", "saved_searches.listing"),
    "borrowed": Way("filing.item", "item_id", "lending.mine"),
}


@pages.get("/")
@guard("self")
def home() -> str:
    """Show what waits for the person signed in."""
    person = actor()
    with reading() as uow:
        cards = service.cards_for(uow, person)
        day = service.today(uow)
        forms = list_forms(uow) if can(person, "record.create") else ()
    return render_template(
        "workbench/home.html",
        cards=cards,
        inbox_count=service.count_waiting(cards),
        day=f"{show_day(day)}　星期{WEEKDAYS[day.weekday()]}",
        tiles=[(form, secrets.token_urlsafe(18)) for form in forms],
        line_url=line_url,
        whole_url=whole_url,
        idle_words=idle_words,
    )


def idle_words(person: Actor) -> tuple[str, str]:
    """Return what to tell somebody who handles no papers, and what to do about it."""
    if person.awaits_release:
        return (
            "您的登录方式刚由系统管理员改过，权限停用中",
            "请联系安全管理员，核实是您本人以后放行。",
        )
    if not person.roles:
        return "您还没有角色", "请联系安全管理员给您角色，之后就能填表、签字、查档。"
    return "您的账号只用于系统管理", "填表、签字、查档请用业务账号登录。"


def line_url(card: Card, line_id: int) -> str:
    """Return where a line of the card leads; "" if that page is not there."""
    way = WAYS[card.key]
    return _url(way.line, **({way.id_name: line_id} if way.id_name else {}))


def whole_url(card: Card) -> str:
    """Return where the card's whole list is; "" if that page is not there."""
    way = WAYS[card.key]
    return _url(way.whole, **dict(way.query))


def _url(endpoint: str, **values: Any) -> str:
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else ""


@pages.get("/favicon.ico")
@guard("public")
def icon() -> Response:
    """Send browsers that ask for the old name to the icon."""
    return redirect(url_for("static", filename="icon.svg"), 301)

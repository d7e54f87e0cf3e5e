"""The menu and the small template functions the shared macros stand on.

A link whose page is not there, or whose act the person may not do, is left out. Called by the
app (``register``) and, through Jinja, by the layout. Pages themselves live with their stations.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Flask, current_app, request, url_for

from archive.people.gate import find_current_actor
from archive.people.rights import Thing, can


@dataclass(frozen=True)
class Place:
    """A place in the menu: its page, what one must be able to do to see it, how it looks."""

    endpoint: str
    label: str
    icon: str
    act: str = "self"
    heading: str = ""
    on_phone: bool = False
    counts_inbox: bool = False


@dataclass(frozen=True)
class MenuEntry:
    """A place as the layout shows it to this person on this page."""

    url: str
    label: str
    icon: str
    heading: str
    is_current: bool
    on_phone: bool
    counts_inbox: bool


PLACES = (
    Place("workbench.home", "工作台", "house", on_phone=True),
    Place("records.choose", "填表", "pencil-square", "record.create", on_phone=True),
    Place("records.listing", "文件", "file-earmark-text", "record.list"),
    Place("signing.inbox", "待办", "pen", "record.list", on_phone=True, counts_inbox=True),
    Place("seals.listing", "印章", "patch-check", "seal.list"),
    Place("customers.listing", "客户", "people", "customer.list", on_phone=True),
    Place("filing.desk", "归档", "archive", "filing.list", heading="档案"),
    Place("handover.mine", "归档移交", "box-arrow-in-down", "handover.list", heading="档案"),
    Place("filing.items", "档案目录", "journal-text", "item.list"),
    Place("controlled.listing", "受控文件", "files", "controlled.list"),
    Place("places.rooms", "库房", "grid-3x3-gap", "place.list", heading="档案"),
    Place("retention.home", "到期处置", "hourglass-bottom", "retention.read"),
    Place("lending.mine", "借阅", "book", "loan.list", on_phone=True),
    Place("loan_notes.show_basket", "借阅车", "basket", "loan.request"),
    Place("lending.desk", "借阅台", "upc-scan", "loan.desk"),
    Place("search.page", "检索", "search", "search"),
    Place("people.users", "用户管理", "person-gear", "people.list", heading="管理", on_phone=True),
    Place("access.grants", "授权", "key", "grant.list", heading="管理"),
    Place("forms.listing", "表单", "ui-checks", "form.publish", heading="管理", on_phone=True),
    Place("synonyms.listing", "同义词", "translate", "search.synonyms", heading="管理"),
    Place("trust.journal", "日志", "clock-history", "journal.read", heading="管理"),
    Place("sign_in_admin.log", "登录记录", "door-open", "journal.read", heading="管理"),
    Place("trust.verify", "完整性检查", "shield-check", "verify.run", heading="管理"),
    Place("health.page", "系统状况", "activity", "health.read", heading="管理"),
)


def register(app: Flask) -> None:
    """Give every template ``me``, ``may``, ``link_to``, ``navigation`` and the pager's needs."""
    app.context_processor(lambda: {"me": find_current_actor(), "may": may})
    app.jinja_env.globals.update(
        link_to=link_to,
        navigation=navigation,
        page_window=page_window,
        same_page_with=same_page_with,
    )


def may(act: str, thing: Thing | None = None) -> bool:
    """Say whether the person signed in may do the act; for showing or hiding a button."""
    return can(find_current_actor(), act, thing)


def link_to(endpoint: str, act: str = "self") -> str:
    """Return the address of a page, or "" if it is not there or not for this person."""
    if endpoint not in current_app.view_functions or not can(find_current_actor(), act):
        return ""
    return url_for(endpoint)


def navigation() -> list[MenuEntry]:
    """Return the menu of the person signed in; a heading stands on its group's first entry."""
    seen = [(place, link_to(place.endpoint, place.act)) for place in PLACES]
    entries = []
    heading = shown = ""
    for place, url in seen:
        heading = place.heading or heading
        if not url:
            continue
        entries.append(_entry(place, url, heading if heading != shown else ""))
        shown = heading
    return entries


def page_window(page: int, pages: int) -> Iterator[int]:
    """Yield the page numbers worth a link: first, last, the neighbours; 0 stands for a gap."""
    near = {1, pages, *range(page - 2, page + 3)}
    previous = 0
    for number in sorted(n for n in near if 1 <= n <= pages):
        if number - previous > 1:
            yield 0
        yield number
        previous = number


def same_page_with(kept: Mapping[str, Sequence[str]], **changes: object) -> str:
    """Return this page's address with the present query, some of its keys replaced."""
    pairs = [(key, value) for key, values in kept.items() if key not in changes for value in values]
    pairs += [(key, str(value)) for key, value in changes.items()]
    return f"{request.path}?{urlencode(pairs)}"


def _entry(place: Place, url: str, heading: str) -> MenuEntry:
    return MenuEntry(
        url=url,
        label=place.label,
        icon=place.icon,
        heading=heading,
        is_current=_is_current(place.endpoint),
        on_phone=place.on_phone,
        counts_inbox=place.counts_inbox,
    )


def _is_current(endpoint: str) -> bool:
    """Say whether this page belongs to the place: the page itself, or its station's only place."""
    if request.endpoint == endpoint:
        return True
    station = endpoint.partition(".")[0]
    if request.blueprint != station or request.endpoint in {p.endpoint for p in PLACES}:
        return False
    home = _STATION_HOME.get(station, "")
    return endpoint == home if home else True


_STATION_HOME = {
    "records": "records.listing",
    "filing": "filing.items",
    "lending": "lending.mine",
}

"""The health page for administrators, the banner on their pages, and ``/metrics`` for programs."""

import hmac
import time

from apiflask import APIBlueprint
from flask import Blueprint, Response, current_app, render_template, request
from flask.blueprints import BlueprintSetupState

from archive.core.errors import Forbidden
from archive.core.meters import meters_of
from archive.core.web import resources
from archive.people.gate import actor, find_current_actor, guard
from archive.people.rights import can, require
from archive.trust.health.guards import guards
from archive.trust.health.metrics import MEDIA_TYPE, exposition
from archive.trust.health.rules import Notice, notices
from archive.trust.health.service import measure

pages = APIBlueprint("health", __name__, template_folder="templates", enable_openapi=False)

FRESH_SECONDS = 60.0
_KEPT = "archive_health_notices"
_HOME = "workbench.home"


@pages.get("/admin/health")
@guard("health.read")
def page() -> str:
    """Show how the server is."""
    seen = measure(resources())
    shown = {"seen": seen, "notices": notices(seen), "guards": guards()}
    return render_template("health/page.html", **shown)


@pages.get("/metrics")
@guard("public")
def metrics() -> Response:
    """Serve the measures to Prometheus by its token, or to an administrator signed in."""
    if not _has_token():
        require(actor(), "health.read")
    return Response(
        exposition(measure(resources()), meters_of(current_app)), content_type=MEDIA_TYPE
    )


def upkeep_notices() -> tuple[Notice, ...]:
    """Return what an administrator's pages are to warn of; measured once a minute."""
    if request.endpoint == "health.page" or not can(find_current_actor(), "health.read"):
        return ()
    known = current_app.extensions.get(_KEPT)
    if known is None or time.monotonic() - known[0] > FRESH_SECONDS:
        known = (time.monotonic(), notices(measure(resources())))
        current_app.extensions[_KEPT] = known
    found: tuple[Notice, ...] = known[1]
    return tuple(one for one in found if one.on_every_page or request.endpoint == _HOME)


def _has_token() -> bool:
    """Say whether the request carries the token; a wrong one is refused, whoever is signed in."""
    if "Authorization" not in request.headers:
        return False
    scheme, _, sent = request.headers["Authorization"].partition(" ")
    token = resources().settings.metrics_token
    is_right = bool(token) and hmac.compare_digest(sent.strip().encode(), token.encode())
    if scheme.lower() != "bearer" or not is_right:
        raise Forbidden("监控令牌不对：请核对 ARCHIVE_METRICS_TOKEN。")
    return True


def _into_templates(state: BlueprintSetupState) -> None:
    state.app.jinja_env.globals["upkeep_notices"] = upkeep_notices


Blueprint.record(pages, _into_templates)

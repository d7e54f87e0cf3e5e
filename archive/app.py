"""Wires the stations to one Flask application; nothing else happens here."""

import hashlib
from typing import Any

from apiflask import APIFlask
from flask import g
from flask.json.provider import DefaultJSONProvider
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

from archive.config import instance_secret
from archive.core.clock import local_day, show_instant
from archive.core.resources import Resources
from archive.core.web import reading
from archive.customers import api as customers_api
from archive.customers import routes as customers
from archive.documents import api as documents_api
from archive.documents import bundle_api, bundle_routes, compare_routes
from archive.documents import routes as documents
from archive.filing import api as filing_api
from archive.filing import routes as filing
from archive.filing import sealing_api, sealing_routes
from archive.filing.checks import routes as checks
from archive.filing.classes import api as classes_api
from archive.filing.classes import routes as classes
from archive.filing.controlled import api as controlled_api
from archive.filing.controlled import routes as controlled
from archive.filing.dossier import routes as dossier
from archive.filing.handover import api as handover_api
from archive.filing.handover import routes as handover
from archive.filing.incoming import api as incoming_api
from archive.filing.incoming import routes as incoming
from archive.filing.incoming import screen_routes as filing_screen
from archive.filing.packages import routes as packages
from archive.filing.places import api as places_api
from archive.filing.places import routes as places
from archive.filing.retention import api as retention_api
from archive.filing.retention import routes as retention
from archive.filing.stocktake import api as stocktake_api
from archive.filing.stocktake import routes as stocktake
from archive.filing.versions import api as item_versions_api
from archive.filing.versions import correction_routes
from archive.filing.versions import routes as item_versions
from archive.forms import routes as forms
from archive.lending import api as lending_api
from archive.lending import circulation_api as lending_circulation_api
from archive.lending import circulation_routes as lending_circulation
from archive.lending import feed_routes as lending_feed
from archive.lending import paper_routes as lending_papers
from archive.lending import routes as lending
from archive.lending import rule_api as lending_rules_api
from archive.lending import rule_routes as lending_rules
from archive.lending.confirming import routes as confirming
from archive.lending.figures import routes as loan_figures
from archive.lending.groups import api as loan_notes_api
from archive.lending.groups import routes as loan_notes
from archive.lending.incidents import api as incidents_api
from archive.lending.incidents import routes as incidents
from archive.lending.offline import routes as offline_desk
from archive.lending.service import waiting_count as loans_waiting
from archive.lending.viewing import api as viewing_api
from archive.lending.viewing import routes as viewing
from archive.lending.visits import api as visits_api
from archive.lending.visits import routes as visits
from archive.lending.workdays import api as workdays_api
from archive.lending.workdays import routes as workdays
from archive.lending.year_end import routes as year_end
from archive.people import routes as people
from archive.people.gate import check_caller, find_current_actor
from archive.people.signin import admin_routes as sign_in_admin
from archive.people.signin import api as sign_in_api
from archive.people.signin import door_routes as sign_in_door
from archive.people.signin import routes as sign_in
from archive.records import api as records_api
from archive.records import batch_api, batch_routes
from archive.records import routes as records
from archive.search import api as search_api
from archive.search import routes as search
from archive.search import saved_api, saved_routes, synonym_routes, unread_routes
from archive.signing import api as signing_api
from archive.signing import own_routes as own_certificate
from archive.signing import routes as signing
from archive.signing.outside import api as outside_api
from archive.signing.outside import routes as outside
from archive.signing.seals import api as seals_api
from archive.signing.seals import routes as seals
from archive.signing.service import waiting_count as papers_waiting
from archive.tasks import api as tasks_api
from archive.tasks import routes as tasks
from archive.trust import api as trust_api
from archive.trust import public_routes as verdict
from archive.trust import routes as trust
from archive.trust.access import api as access_api
from archive.trust.access import routes as access
from archive.trust.health import routes as health
from archive.web import contract, errors, headers, navigation, observing, pace, sizes
from archive.workbench import routes as workbench

PAGES = (
    people,
    sign_in,
    sign_in_door,
    sign_in_admin,
    tasks,
    forms,
    customers,
    records,
    batch_routes,
    documents,
    bundle_routes,
    signing,
    own_certificate,
    outside,
    seals,
    filing,
    sealing_routes,
    classes,
    handover,
    checks,
    incoming,
    filing_screen,
    packages,
    retention,
    dossier,
    compare_routes,
    item_versions,
    correction_routes,
    controlled,
    places,
    stocktake,
    lending,
    lending_rules,
    lending_circulation,
    lending_papers,
    lending_feed,
    loan_notes,
    visits,
    year_end,
    workdays,
    offline_desk,
    viewing,
    incidents,
    confirming,
    loan_figures,
    search,
    synonym_routes,
    unread_routes,
    saved_routes,
    trust,
    access,
    health,
    verdict,
    workbench,
)
CALLS = (
    tasks_api,
    sign_in_api,
    customers_api,
    records_api,
    batch_api,
    documents_api,
    bundle_api,
    signing_api,
    outside_api,
    seals_api,
    filing_api,
    classes_api,
    sealing_api,
    handover_api,
    incoming_api,
    packages,
    retention_api,
    dossier,
    compare_routes,
    item_versions_api,
    controlled_api,
    places_api,
    stocktake_api,
    lending_api,
    lending_rules_api,
    lending_circulation_api,
    loan_notes_api,
    visits_api,
    workdays_api,
    viewing_api,
    incidents_api,
    search_api,
    saved_api,
    trust_api,
    access_api,
)


class _PlainJson(DefaultJSONProvider):
    """JSON in UTF-8: Chinese stays readable in every answer and a third as long."""

    ensure_ascii = False

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        text = super().dumps(obj, **kwargs)
        try:
            text.encode()
        except UnicodeEncodeError:  # half a character, as a client sent it
            return super().dumps(obj, **kwargs | {"ensure_ascii": True})
        return text


def create_app(resources: Resources) -> APIFlask:
    """Return the web application over the given resources."""
    app = APIFlask(
        "archive",
        title="档案台",
        version="1",
        docs_path=None,
        spec_path="/api/v1/openapi.json",
        template_folder="web/templates",
        static_folder="web/static",
    )
    app.json = _PlainJson(app)
    configure(app, resources)
    Bootstrap5(app)
    csrf = CSRFProtect(app)
    for station in PAGES:
        app.register_blueprint(station.pages)
    for station in CALLS:
        app.register_blueprint(station.api)
        csrf.exempt(station.api)
    app.before_request(check_caller)
    for part in (contract, errors, headers, sizes, pace, navigation, observing):
        part.register(app)
    app.jinja_env.filters["instant"] = lambda at: show_instant(at) if at else ""
    app.jinja_env.filters["local_day"] = lambda at: local_day(at).isoformat() if at else ""
    app.jinja_env.globals["inbox_count"] = _inbox_count
    return app


def load_templates(app: APIFlask) -> None:
    """Compile every page now: processes forked from this one share them."""
    for name in app.jinja_env.list_templates(extensions=["html"]):
        app.jinja_env.get_template(name)


def configure(app: APIFlask, resources: Resources) -> None:
    """Put the application over the given resources; it keeps nothing else of them."""
    app.extensions["archive"] = resources
    secret = instance_secret(resources.settings)
    app.config.update(
        SECRET_KEY=hashlib.sha256(b"session" + secret).hexdigest(),
        BOOTSTRAP_SERVE_LOCAL=True,
        SESSION_COOKIE_NAME="archive_form",
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=resources.settings.behind_tls,
        WTF_CSRF_TIME_LIMIT=None,
        SERVERS=[{"url": resources.settings.public_url}],
        LOCAL_SPEC_PATH=None,
    )


def _inbox_count() -> int:
    """Return how many papers and loan requests wait for the person signed in."""
    person = find_current_actor()
    if person is None:
        return 0
    if "inbox_count" not in g:
        with reading() as uow:
            g.inbox_count = papers_waiting(uow, person) + loans_waiting(uow, person)
    return int(g.inbox_count)

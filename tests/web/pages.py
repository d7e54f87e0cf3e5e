"""Which addresses show a page, and of what kind an address is: for tests that walk them."""

from datetime import UTC, datetime
from urllib.parse import urlsplit

from werkzeug.exceptions import HTTPException

from archive.config import Settings
from archive.core.resources import open_resources
from archive.demo import make_demo
from archive.models import metadata
from tests.conftest import QuickConverter

# Addresses that answer with a file, with figures for a script, or by sending on to a page.
NO_PAGE = {
    "/access/find",
    "/customers/suggest",
    "/filing/incoming/<int:batch_id>/files/<int:file_id>",
    "/healthz",
    "/items/<int:item_id>/files/<int:file_id>",
    "/loans/desk/offline",
    "/login/outside",
    "/login/outside/back",
    "/forms/<code>/versions/<int:version>/<any(docx,toml,json):part>",
    "/loans/visits/<int:visit_id>/letter",
    "/metrics",
    "/records/<int:record_id>/pictures/<sha256>",
    "/records/import/sheet",
    "/search/at/<int:item_id>",
    "/search/suggest",
    "/signing/<int:record_id>/files/<any(scan,evidence,stamped):kind>",
    "/signing/people",
    "/tasks/<int:task_id>/files/<int:file_id>",
}


def open_demo(folder):
    """Make the demo company in a folder and return what works on it."""
    settings = Settings(data=folder, database_url=f"sqlite:///{folder / 'archive.db'}")
    resources = open_resources(settings, QuickConverter(), lambda: datetime.now(UTC))
    settings.run.mkdir(exist_ok=True)
    metadata.create_all(resources.database.engine)
    make_demo(resources, lambda *_: None)
    return resources


def is_page(method, rule):
    """Say whether an address shows a page."""
    place, last = rule.rule, rule.rule.rpartition("/")[2]
    is_file = "." in last or place.startswith("/api/") or place.replace(" ", "") in NO_PAGE
    return method == "GET" and not is_file


def kind_of(app, path):
    """Return what kind of page an address is: its rule; None for files and other things."""
    parts = urlsplit(path)
    try:
        endpoint, _ = app.url_map.bind("localhost").match(parts.path)
    except HTTPException:
        return None
    last = parts.path.rpartition("/")[2]
    if endpoint.endswith("static") or "." in last or parts.path.startswith("/api/"):
        return None
    if "sheet" in parts.query or "format=" in parts.query:
        return None
    return endpoint

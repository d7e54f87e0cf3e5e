"""Wires the stations to one Flask application; nothing else happens here."""

import hashlib
import importlib
import importlib.util

from apiflask import APIFlask
from flask_bootstrap import Bootstrap5
from flask_wtf import CSRFProtect

from archive.config import instance_secret
from archive.core.resources import Resources

STATIONS = (
    "people",
    "customers",
    "records",
    "documents",
    "signing",
    "filing",
    "lending",
    "search",
    "workbench",
)


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
    app.extensions["archive"] = resources
    app.config["SECRET_KEY"] = hashlib.sha256(
        b"session" + instance_secret(resources.settings)
    ).hexdigest()
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    app.config["MAX_CONTENT_LENGTH"] = 32 << 20
    app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
    app.config["SESSION_COOKIE_SECURE"] = resources.settings.behind_tls
    Bootstrap5(app)
    csrf = CSRFProtect(app)
    for station in STATIONS:
        for part in ("routes", "api"):
            name = f"archive.{station}.{part}"
            if importlib.util.find_spec(name):
                module = importlib.import_module(name)
                blueprint = module.pages if part == "routes" else module.api
                app.register_blueprint(blueprint)
                if part == "api":
                    csrf.exempt(blueprint)
    if importlib.util.find_spec("archive.web.errors"):
        importlib.import_module("archive.web.errors").register(app)
    return app

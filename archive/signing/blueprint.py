"""The two blueprints of signing; the modules with the views hang theirs on them."""

from apiflask import APIBlueprint

pages = APIBlueprint(
    "signing",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/signing",
    enable_openapi=False,
)
api = APIBlueprint("signing_api", __name__, url_prefix="/api/v1", tag="signing")

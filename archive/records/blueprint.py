"""The blueprint of the pages of records; ``routes`` and ``entry_routes`` hang their views on it."""

from apiflask import APIBlueprint

pages = APIBlueprint(
    "records",
    __name__,
    url_prefix="/records",
    template_folder="templates",
    static_folder="static",
    enable_openapi=False,
)

"""A page that opens again without a network: the service worker that keeps it, and nothing else.

The worker's scope is the page's own address; of what is asked for there it answers only the page
and the files the page needs, from the server first and from what it kept when that is out of
reach. Called by the offline pages of the lending desk and of the stocktake.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

from flask import Response, current_app, render_template, url_for

PACKAGE = "archive-desk"
Asset = tuple[str, str]  # the endpoint of static files, the file's name

SHELL_ASSETS: tuple[Asset, ...] = (
    ("bootstrap.static", "css/bootstrap.min.css"),
    ("static", "css/app.css"),
    ("static", "icon.svg"),
    ("static", "js/app.js"),
    ("static", "js/kept-page.js"),
)


def worker_script(page: str, shell: str, assets: Sequence[Asset], owner_id: int) -> Response:
    """Return the worker that shows ``shell`` for ``page`` while the server is out of reach.

    It is another one, and keeps everything anew, for another person and after every change of
    the files.
    """
    wanted = (*SHELL_ASSETS, *assets)
    script = render_template(
        "kept-page-worker.js",
        page=page,
        shell=shell,
        assets=[url_for(endpoint, filename=name) for endpoint, name in wanted],
        version=f"{owner_id}-{version(PACKAGE)}-{_digest(tuple(_path(*one) for one in wanted))}",
    )
    return Response(script, mimetype="text/javascript")


def _path(endpoint: str, name: str) -> Path:
    blueprint = endpoint.rpartition(".")[0]
    holder = current_app.blueprints[blueprint] if blueprint else current_app
    return Path(holder.static_folder or "") / name


@lru_cache
def _digest(paths: tuple[Path, ...]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]

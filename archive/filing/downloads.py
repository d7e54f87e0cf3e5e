"""Hands out a file of an item: its bytes checked, its headers safe. For pages and API alike."""

from flask import Response, make_response

from archive.core.file_names import content_disposition
from archive.core.web import resources
from archive.filing.views import FileView

SHOWN_INLINE = frozenset({"application/pdf", "image/png", "image/jpeg", "text/plain"})


def file_response(found: FileView, *, inline: bool = False) -> Response:
    """Return a file's bytes with headers that keep a browser from running what is in it."""
    shown = inline and found.media_type in SHOWN_INLINE
    response = make_response(resources().blobs.read(found.sha256))
    response.headers["Content-Type"] = found.media_type
    response.headers["Content-Disposition"] = content_disposition(found.name, inline=shown)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response

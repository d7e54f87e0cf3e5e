"""Hands out a file of an item: its bytes checked, its headers safe. For pages and API alike."""

from flask import Response

from archive.core.answers import named_answer
from archive.core.web import resources
from archive.filing.views import FileView

SHOWN_INLINE = frozenset({"application/pdf", "image/png", "image/jpeg", "text/plain"})


def file_response(found: FileView, *, inline: bool = False) -> Response:
    """Return a file's bytes with headers that keep a browser from running what is in it."""
    shown = inline and found.media_type in SHOWN_INLINE
    content = resources().blobs.read(found.sha256)
    response = named_answer(content, found.media_type, found.name, inline=shown)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response

"""Hands out the stamped PDF of a copy: its bytes checked, its headers safe."""

from flask import Response

from archive.core.answers import named_answer
from archive.core.errors import NotFound
from archive.core.web import resources
from archive.documents.service import MEDIA_TYPES, PDF, file_name
from archive.filing.controlled.views import CopyView


def copy_response(copy: CopyView) -> Response:
    """Return the stamped PDF, as it was made when the copy was issued."""
    if copy.sha256 is None:
        raise NotFound("这份受控副本的档案已经销毁，文件不在了。")
    name = file_name(PDF, copy.document_number, copy.version_label, f"受控{copy.number_label}")
    content = resources().blobs.read(copy.sha256)
    response = named_answer(content, MEDIA_TYPES[PDF], name, inline=True)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response

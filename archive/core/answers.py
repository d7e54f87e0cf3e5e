"""Files as answers, under their Chinese names. For routes and calls that give files out."""

from flask import Response

from archive.core.file_names import content_disposition
from archive.core.sheets import MEDIA_TYPE


def sheet_answer(content: bytes, name: str) -> Response:
    """Return an Excel file as a download."""
    answer = Response(content, mimetype=MEDIA_TYPE)
    answer.headers["Content-Disposition"] = content_disposition(name)
    return answer

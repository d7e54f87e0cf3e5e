"""Files as answers, under their Chinese names. For routes and calls that give files out."""

from flask import Response

from archive.core.file_names import content_disposition
from archive.core.sheets import MEDIA_TYPE


def named_answer(content: bytes, media_type: str, name: str, *, inline: bool = False) -> Response:
    """Return bytes as a download of this name, or shown in the browser; the type just as given."""
    answer = Response(content, content_type=media_type)
    answer.headers["Content-Disposition"] = content_disposition(name, inline=inline)
    return answer


def sheet_answer(content: bytes, name: str) -> Response:
    """Return an Excel file as a download."""
    return named_answer(content, MEDIA_TYPE, name)

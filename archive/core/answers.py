"""Files as answers, under their Chinese names. For routes and calls that give files out."""

from urllib.parse import quote

from flask import Response

from archive.core.sheets import MEDIA_TYPE


def attachment(name: str) -> str:
    """Return the header value that gives a download its name, after RFC 6266."""
    ending = "".join(c for c in name.rpartition(".")[2] if c.isascii() and c.isalnum())
    return (
        f'attachment; filename="file.{ending or "bin"}"; '
        f"filename*=UTF-8''{quote(name, safe='', errors='replace')}"
    )


def sheet_answer(content: bytes, name: str) -> Response:
    """Return an Excel file as a download."""
    answer = Response(content, mimetype=MEDIA_TYPE)
    answer.headers["Content-Disposition"] = attachment(name)
    return answer

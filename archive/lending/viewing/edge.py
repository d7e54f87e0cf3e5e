"""What the pages and the calls of viewing share: drawing between two short transactions.

The first checks the right, then the page is drawn, the second checks again and logs what is about
to be shown. A right that is over is logged as refused.
"""

import time
from typing import NoReturn

from flask import Response, current_app, make_response

from archive.core.errors import Forbidden
from archive.core.file_names import content_disposition
from archive.core.web import reading, resources, work
from archive.filing.views import FileView
from archive.lending.rules import Reason
from archive.lending.viewing import pages as drawing
from archive.lending.viewing import service, sheets
from archive.lending.viewing.rules import parse_pages
from archive.lending.viewing.service import Sight
from archive.lending.viewing.sheets import Draft
from archive.people.gate import actor, client_address

SCREEN_WIDTH = 1240
CHECKED_FOR = 600.0  # seconds
MOST_CHECKED = 1000


def sight_of(request_id: int, file_id: int) -> Sight:
    """Return what the caller may see drawn; a right that is over is logged and refused."""
    with reading() as uow:
        sight = service.look(uow, actor(), request_id, file_id)
    if isinstance(sight, Reason):
        refuse(request_id, sight)
    return sight


def draw_page(request_id: int, file_id: int, page: int, width: int) -> bytes:
    """Draw one page for the caller and log it; the right is looked at before and after."""
    sight = sight_of(request_id, file_id)
    content = bytes_of(sight.file.sha256)
    picture = drawing.page_jpeg(content, sight.file.media_type, page, width, sight.mark)
    with work() as uow:
        again = service.look(uow, actor(), request_id, file_id)
        if isinstance(again, Sight):
            service.note_page(uow, actor(), again, page, client_address())
            uow.commit()
    if isinstance(again, Reason):
        refuse(request_id, again)
    return picture


def bytes_of(sha256: str) -> bytes:
    """Return the bytes of a file to be shown, held against their digest once in ten minutes.

    Leafing through a scan asks for the same thirty megabytes at every page, and the digest takes
    as long as the drawing. Nothing is kept: what is gone is gone at once. What leaves the archive
    (prints, downloads) is checked each time.
    """
    blobs, now = resources().blobs, time.monotonic()
    checked: dict[str, float] = current_app.extensions.setdefault("viewing", {})
    if now - checked.get(sha256, -CHECKED_FOR) < CHECKED_FOR:
        with blobs.open(sha256) as stream:
            return stream.read()
    content = blobs.read(sha256)
    if len(checked) >= MOST_CHECKED:
        checked.clear()
    checked[sha256] = now
    return content


def refuse(request_id: int, why: Reason) -> NoReturn:
    """Log a refused look and raise Forbidden."""
    with work() as uow:
        service.note_refused(uow, actor(), request_id, why)
        uow.commit()
    raise Forbidden(why.text, {why.code: why.text})


def hand_out(draft: Draft, *, inline: bool = False) -> Response:
    """Draw a stamped PDF, note its digest, and return it."""
    content = resources().blobs.read(draft.file.sha256)
    count = drawing.page_count(content, draft.file.media_type)
    wanted = parse_pages(draft.pages, count)
    pdf = drawing.stamped_pdf(content, draft.file.media_type, wanted, draft.mark, draft.info)
    with work() as uow:
        sheets.made(uow, actor(), draft, pdf)
        uow.commit()
    response = private(pdf, "application/pdf")
    name = f"{draft.number}.pdf"
    response.headers["Content-Disposition"] = content_disposition(name, inline=inline)
    return response


def private(content: bytes, media_type: str) -> Response:
    """Return bytes with headers that keep them out of every cache."""
    response = make_response(content)
    response.headers["Content-Type"] = media_type
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def wanted_pages(file: FileView, typed: str) -> tuple[int, ...]:
    """Return the pages typed for a file; raise Invalid for what it does not have."""
    count = drawing.page_count(bytes_of(file.sha256), file.media_type)
    return parse_pages(typed, count)

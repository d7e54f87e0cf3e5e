"""Pages of what happens while a paper is out or waited for: notices read."""

from apiflask import APIBlueprint
from flask import redirect, request, url_for
from werkzeug.wrappers import Response

from archive.core.web import work
from archive.lending import service
from archive.people.gate import actor, guard

pages = APIBlueprint("circulation", __name__, url_prefix="/loans", enable_openapi=False)

LARGEST_ID = 2**63 - 1


@pages.post("/notices/read")
@guard("loan.list")
def read_notices() -> Response:
    """Note that one has read one's notices up to the one shown first."""
    up_to = request.form.get("up_to", 0, int)
    with work() as uow:
        service.mark_read(uow, actor(), min(max(up_to, 0), LARGEST_ID))
        uow.commit()
    return redirect(url_for("lending.mine"))

"""What the desk's page asks for while it works, and sends when the network is back."""

from typing import Literal

from apiflask import APIBlueprint
from flask import jsonify, render_template, request, url_for
from flask_wtf.csrf import generate_csrf
from pydantic import Field, ValidationError
from werkzeug.wrappers import Response

from archive.core.calls import Strict, ZonedMoment
from archive.core.errors import Invalid
from archive.core.kept_pages import worker_script
from archive.core.web import reading, resources
from archive.lending.offline import edge, service
from archive.lending.offline.rules import Act
from archive.lending.schema import LARGEST_ID
from archive.people.gate import actor, guard
from archive.people.rights import require
from archive.signing.routes import DRAWING_LIMIT, drawing

pages = APIBlueprint(
    "offline_desk",
    __name__,
    url_prefix="/loans",
    template_folder="templates",
    enable_openapi=False,
)
MOST_AT_ONCE = 200
ASSETS = (
    ("static", "js/signature-pad.js"),
    ("lending.static", "lending.css"),
    ("lending.static", "desk.js"),
    ("lending.static", "offline-desk.js"),
)


class ActIn(Strict):
    """One act of the page's queue; ``at`` with its zone, ``client_id`` the page's own."""

    client_id: str = Field(min_length=8, max_length=64, pattern=r"^[\x21-\x7e]+$")
    kind: Literal["out", "back"]
    barcode: str = Field(min_length=1, max_length=40)
    at: ZonedMoment
    request_id: int | None = Field(default=None, ge=1, le=LARGEST_ID)
    pages: int | None = Field(default=None, ge=0, le=1_000_000)
    condition: str = Field(default="", max_length=400)
    staff_no: str = Field(default="", max_length=20)
    signature_png: str = Field(default="", max_length=DRAWING_LIMIT)


class ActsIn(Strict):
    """The queue, or a part of it."""

    acts: list[ActIn] = Field(min_length=1, max_length=MOST_AT_ONCE)


@pages.get("/desk-worker.js")
@guard("loan.desk")
def worker() -> Response:
    """Give the script that keeps the desk's page in the browser."""
    page, shell = url_for("lending.desk"), url_for("offline_desk.shell")
    return worker_script(page, shell, ASSETS, actor().id)


@pages.get("/desk/shell")
@guard("loan.desk")
def shell() -> str:
    """Show the desk as it opens without a network: no one's particulars are on it."""
    return render_template("offline_desk/shell.html")


@pages.get("/desk/offline")
@guard("loan.desk")
def snapshot() -> Response:
    """Give what the desk goes on with when the network drops."""
    with reading() as uow:
        found = service.snapshot(uow, actor())
    answer = jsonify(
        taken_at=found.taken_at.isoformat(),
        takes_paper=found.takes_paper,
        takes_drawn=found.takes_drawn,
        csrf_token=generate_csrf(),
        ready=[
            {
                "request_id": one.request_id,
                "number": one.number,
                "borrower": one.borrower,
                "staff_no": one.staff_no,
                "mode": one.mode_label,
                "code": one.code,
                "barcodes": one.barcodes,
                "pages": one.pages,
                "until": one.until.isoformat(),
            }
            for one in found.ready
        ],
        out=[
            {
                "barcode": one.barcode,
                "borrower": one.borrower,
                "code": one.code,
                "pages": one.pages,
                "due": one.due.isoformat(),
            }
            for one in found.out
        ],
    )
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


@pages.post("/desk/offline")
@guard("loan.desk")
def replay() -> Response:
    """Take the queue in; what was sent before changes nothing and is answered as before."""
    require(actor(), "loan.desk")
    try:
        sent = ActsIn.model_validate(request.get_json(silent=True))
    except ValidationError as wrong:
        raise Invalid("送来的断网记录看不懂，一条也没有收；记录还在这台机器上。") from wrong
    taken = edge.replay(resources(), actor(), [_act(one) for one in sent.acts])
    return jsonify(
        taken=[
            {
                "client_id": one.client_id,
                "outcome": one.outcome,
                "message": one.message,
                "again": one.again,
            }
            for one in taken
        ]
    )


def _act(sent: ActIn) -> Act:
    told = sent.model_dump(exclude={"signature_png"})
    try:
        drawn = drawing(sent.signature_png)
    except Invalid:
        drawn = b""  # no picture: told as a conflict of this act alone
    return Act(**told, drawn_png=drawn)

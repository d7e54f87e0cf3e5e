"""Pages of the seals: the register of seals, one seal with its outings, 用印登记, and the act."""

from apiflask import APIBlueprint
from flask import Response as FileResponse
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import ArchiveError, Conflict, Invalid, Throttled, Unauthenticated
from archive.core.list_sheets import MOST_LINES, list_sheet, wants_sheet, whole_list_sheet
from archive.core.web import reading, resources, work
from archive.documents import service as documents
from archive.people.gate import actor, client_address, guard
from archive.signing.outside.edge import LARGEST_SCAN
from archive.signing.routes import paper_page
from archive.signing.seals import columns, edge, outings, register, service
from archive.signing.seals.pictures import MOST_BYTES
from archive.signing.seals.posted import entered, number, paper_entry
from archive.signing.seals.views import SealView
from doc_templates.section_reading import SEAL_KINDS

pages = APIBlueprint("seals", __name__, template_folder="../templates", enable_openapi=False)

Answer = str | tuple[str, int] | Response
REFUSALS = (Conflict, Invalid, Throttled, Unauthenticated)
PER_PAGE = 30


@pages.get("/seals")
@guard("seal.list")
def listing() -> str | FileResponse:
    """Show every seal: who keeps it, and whether it is in."""
    with reading() as uow:
        found = service.list_seals(uow, actor())
    if wants_sheet():
        return whole_list_sheet("印章", columns.SEALS, found)
    return render_template("signing/seals/listing.html", seals=found)


@pages.get("/seals/register")
@guard("seal.register")
def uses() -> str | FileResponse:
    """Show the 用印登记, as far as one may read it."""
    seal_id = request.args.get("seal", 0, type=int)
    text = request.args.get("q", "")
    with reading() as uow:
        if wants_sheet():
            return list_sheet(
                "用印登记",
                columns.USES,
                lambda at, size: register.list_uses(uow, actor(), seal_id, text, at, size),
            )
        at = request.args.get("page", 1, type=int)
        found = register.list_uses(uow, actor(), seal_id, text, at, PER_PAGE)
        every = service.list_seals(uow, actor())
        papers = register.readable_papers(uow, actor(), found.items)
    return render_template("signing/seals/register.html", page=found, seals=every, papers=papers)


@pages.get("/seals/new")
@guard("seal.edit")
def blank() -> str:
    """Show an empty form for a new seal."""
    return _form(None)


@pages.post("/seals/new")
@guard("seal.edit")
def add() -> Answer:
    """Enter a new seal; what was typed stays when it is refused."""
    try:
        edge.add_seal(resources(), actor(), entered(request.form), _picture())
    except REFUSALS as refusal:
        return _form(None, refusal), 422
    flash("印章已登记。", "success")
    return redirect(url_for("seals.listing"))


@pages.get("/seals/<int:seal_id>")
@guard("seal.list")
def show(seal_id: int) -> str | FileResponse:
    """Show one seal with its outings; to its keeper, what to write down."""
    if wants_sheet():
        with reading() as uow:
            seal = service.get_seal(uow, actor(), seal_id)
            found = outings.list_outings(uow, actor(), seal_id, limit=MOST_LINES)
            return whole_list_sheet(f"{seal.name}外带记录", columns.OUTINGS, found)
    return _show(seal_id)


@pages.get("/seals/<int:seal_id>/edit")
@guard("seal.edit")
def edit(seal_id: int) -> str:
    """Show a seal's entries for changing."""
    with reading() as uow:
        return _form(service.get_seal(uow, actor(), seal_id))


@pages.post("/seals/<int:seal_id>/edit")
@guard("seal.edit")
def change(seal_id: int) -> Answer:
    """Change a seal; what was typed stays when it is refused."""
    version = number(request.form, "version")
    try:
        edge.change_seal(resources(), actor(), seal_id, version, entered(request.form), _picture())
    except REFUSALS as refusal:
        with reading() as uow:
            return _form(service.get_seal(uow, actor(), seal_id), refusal), 422
    flash("印章的资料已改。", "success")
    return redirect(url_for("seals.show", seal_id=seal_id))


@pages.get("/seals/<int:seal_id>/picture.png")
@guard("seal.list")
def picture(seal_id: int) -> FileResponse:
    """Give the picture of a seal to its keeper and the administrator."""
    with reading() as uow:
        digest = service.picture_of(uow, actor(), seal_id)
    answer = FileResponse(resources().blobs.read(digest), mimetype="image/png")
    answer.headers["Cache-Control"] = "no-store"
    return answer


@pages.post("/seals/<int:seal_id>/uses")
@guard("seal.list")
def enter_use(seal_id: int) -> Answer:
    """Enter a use on a paper that was not made here."""
    try:
        with work() as uow:
            register.enter_use(uow, actor(), seal_id, paper_entry(request.form))
            uow.commit()
    except REFUSALS as refusal:
        return _show(seal_id, refusal), 422
    flash("已登记。", "success")
    return redirect(url_for("seals.uses", seal=seal_id))


@pages.post("/seals/<int:seal_id>/out")
@guard("seal.list")
def out(seal_id: int) -> Answer:
    """Hand a seal to who takes it out; they give their own password."""
    form = request.form
    try:
        edge.take_out(
            resources(),
            actor(),
            seal_id,
            taker=form.get("taker", ""),
            taker_password=form.get("taker_password", ""),
            approver=form.get("approver", ""),
            where_to=form.get("where_to", ""),
            why=form.get("out_why", ""),
            address=client_address(),
        )
    except REFUSALS as refusal:
        return _show(seal_id, refusal), 422
    flash("已登记外带，请当天归还。", "success")
    return redirect(url_for("seals.show", seal_id=seal_id))


@pages.post("/seals/<int:seal_id>/back")
@guard("seal.list")
def back(seal_id: int) -> Answer:
    """Take a seal back."""
    try:
        edge.bring_back(resources(), actor(), seal_id, request.form.get("back_note", ""))
    except REFUSALS as refusal:
        return _show(seal_id, refusal), 422
    flash("已登记归还。", "success")
    return redirect(url_for("seals.show", seal_id=seal_id))


@pages.post("/signing/<int:record_id>/seal")
@guard("record.sign")
def apply(record_id: int) -> Answer:
    """Put the company's seal on a paper, as its keeper."""
    form = request.form
    try:
        edge.apply_seal(
            resources(),
            actor(),
            record_id,
            password=form.get("password", ""),
            copies=number(form, "copies"),
            is_compared=form.get("compared") == "1",
            note=form.get("opinion", ""),
            address=client_address(),
        )
    except (Invalid, Unauthenticated) as refusal:
        return paper_page(record_id, refusal), 422
    flash("已用印，并记入用印登记。", "success")
    return redirect(url_for("signing.paper", record_id=record_id))


@pages.post("/signing/<int:record_id>/stamped")
@guard("record.read")
def add_stamped_scan(record_id: int) -> Answer:
    """Take the scan of a paper stamped by hand."""
    sent = request.files.get("file")
    content = sent.stream.read(LARGEST_SCAN + 1) if sent else b""
    edge.add_stamped_scan(resources(), actor(), record_id, content)
    flash("盖章后的扫描件已存在文件旁边，归档时一起归。", "success")
    return redirect(url_for("signing.paper", record_id=record_id))


@pages.app_context_processor
def panel() -> dict[str, object]:
    """Give the paper's page whether a scan of the stamped copy is kept."""

    def has_stamped_scan(record_id: int) -> bool:
        with reading() as uow:
            return documents.latest_document(uow, record_id, register.STAMPED) is not None

    return {"has_stamped_scan": has_stamped_scan}


def _picture() -> bytes:
    sent = request.files.get("image")
    return sent.stream.read(MOST_BYTES + 1) if sent else b""


def _form(seal: SealView | None, refusal: ArchiveError | None = None) -> str:
    return render_template(
        "signing/seals/edit.html",
        seal=seal,
        kinds=SEAL_KINDS,
        refusal=refusal,
        typed=request.form,
    )


def _show(seal_id: int, refusal: ArchiveError | None = None) -> str:
    with reading() as uow:
        seal = service.get_seal(uow, actor(), seal_id)
        return render_template(
            "signing/seals/seal.html",
            seal=seal,
            outings=outings.list_outings(uow, actor(), seal_id),
            refusal=refusal,
            typed=request.form,
        )

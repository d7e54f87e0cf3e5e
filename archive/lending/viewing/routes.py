"""The pages of electronic viewing: the viewer, its page pictures, prints, copies, the trace.

How a page is drawn and logged is in ``viewing.edge``.
"""

from collections.abc import Callable

from apiflask import APIBlueprint
from flask import Response, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from archive.core.errors import ArchiveError, Conflict, Forbidden, Invalid
from archive.core.web import reading, work
from archive.lending.rules import Reason
from archive.lending.viewing import pages as drawing
from archive.lending.viewing import service, sheets
from archive.lending.viewing.edge import (
    SCREEN_WIDTH,
    bytes_of,
    draw_page,
    hand_out,
    private,
    refuse,
    sight_of,
    wanted_pages,
)
from archive.lending.viewing.service import GrantView
from archive.lending.viewing.sheet_views import ENDS, SheetView
from archive.lending.viewing.sheets import CopyOrder, Draft
from archive.lending.views import RequestView
from archive.people.gate import actor, guard

pages = APIBlueprint(
    "viewing",
    __name__,
    url_prefix="/loans",
    template_folder="templates",
    static_folder="static",
    static_url_path="/viewing-static",
    enable_openapi=False,
)

MOST_STRAY = 64 << 20
Answer = str | tuple[str, int] | AnyResponse


@pages.get("/<int:request_id>/view")
@guard("loan.request")
def show(request_id: int) -> Answer:
    """Show the pages of an item one may view on the screen, one under the other."""
    with reading() as uow:
        view = service.get_grant(uow, actor(), request_id)
        mine = view.borrower_id == actor().id
    if not mine:
        raise Forbidden("只有借阅人本人可以打开这次电子阅览。")
    if view.closed:
        refuse(request_id, view.closed)
    viewable = [file for file in view.files if drawing.is_viewable(file.media_type)]
    chosen = request.args.get("file", type=int)
    file = next((one for one in viewable if one.id == chosen), viewable[0] if viewable else None)
    count, fault = 0, ""
    if file is not None:
        try:
            count = drawing.page_count(bytes_of(file.sha256), file.media_type)
        except Invalid as wrong:
            fault = wrong.message
    return render_template(
        "viewing/show.html", view=view, files=viewable, file=file, count=count, fault=fault
    )


@pages.get("/<int:request_id>/view/<int:file_id>/<int:page>.jpg")
@guard("loan.request")
def page_picture(request_id: int, file_id: int, page: int) -> Response:
    """Return one page as a picture with borrower, time and loan burnt in; every one is logged."""
    width = request.args.get("w", SCREEN_WIDTH, int)
    content = draw_page(request_id, file_id, page, width)
    return private(content, "image/jpeg")


@pages.post("/<int:request_id>/view/print")
@guard("loan.request")
def ask_print(request_id: int) -> AnyResponse:
    """Ask for pages to be printed at the desk."""
    file_id = request.form.get("file", 0, int)
    try:
        sight = sight_of(request_id, file_id)
        wanted = wanted_pages(sight.file, request.form.get("pages", ""))
        with work() as uow:
            asked = sheets.ask_print(uow, actor(), request_id, file_id, wanted)
            if isinstance(asked, SheetView):
                uow.commit()
    except (Conflict, Invalid, Forbidden) as refusal:
        flash(refusal.message, "danger")
        return redirect(url_for("viewing.show", request_id=request_id, file=file_id))
    if isinstance(asked, Reason):
        refuse(request_id, asked)
    flash(f"已提出打印 {asked.number}（第 {asked.pages} 页），请到借阅台领取。", "success")
    return redirect(url_for("viewing.show", request_id=request_id, file=file_id))


@pages.post("/<int:request_id>/view/download")
@guard("loan.request")
def download(request_id: int) -> AnyResponse:
    """Hand out the pages as a PDF with the loan burnt in, where the rule allows it."""
    file_id = request.form.get("file", 0, int)
    try:
        sight = sight_of(request_id, file_id)
        wanted = wanted_pages(sight.file, request.form.get("pages", ""))
        with work() as uow:
            draft = sheets.start_download(uow, actor(), request_id, file_id, wanted)
            if isinstance(draft, Draft):
                uow.commit()
    except (Conflict, Invalid, Forbidden) as refusal:
        flash(refusal.message, "danger")
        return redirect(url_for("viewing.show", request_id=request_id, file=file_id))
    if isinstance(draft, Reason):
        refuse(request_id, draft)
    return hand_out(draft)


@pages.post("/<int:request_id>/view/finish")
@guard("loan.request")
def finish(request_id: int) -> AnyResponse:
    """End one's own view early."""
    with work() as uow:
        service.finish(uow, actor(), request_id)
        uow.commit()
    flash("已结束阅览。", "success")
    return redirect(url_for("lending.mine"))


@pages.post("/<int:request_id>/view/revoke")
@guard("loan.desk")
def revoke(request_id: int) -> AnyResponse:
    """Take a view back at once, with the reason."""
    return _acted(
        lambda: _revoke(request_id, request.form.get("reason", "")),
        "已收回，借阅人马上看不到了。",
        url_for("lending.show", request_id=request_id),
    )


@pages.get("/sheets")
@guard("loan.desk")
def at_desk() -> str:
    """Show the prints that wait, the copies to make and those that are out."""
    return _desk()


@pages.post("/<int:request_id>/copy")
@guard("loan.desk")
def copy_paper(request_id: int) -> Answer:
    """Register a photocopy on an approved request."""
    form = request.form
    order = CopyOrder(
        file_id=form.get("file", type=int),
        pages=form.get("pages", ""),
        copies=form.get("copies", 0, int),
        recipient=form.get("recipient", ""),
    )
    try:
        with work() as uow:
            made = sheets.copy_paper(uow, actor(), request_id, order)
            uow.commit()
    except (Conflict, Invalid) as refusal:
        return _desk(refusal, request_id), 422
    flash(f"已登记复印件 {made.number}：{made.stamp}。", "success")
    return redirect(url_for("viewing.at_desk"))


@pages.post("/sheets/<int:sheet_id>/file")
@guard("loan.desk")
def sheet_file(sheet_id: int) -> Response:
    """Draw a waiting print, or a registered copy, as a stamped PDF to be printed here."""
    start = sheets.start_copy if request.form.get("kind") == "copy" else sheets.start_print
    with reading() as uow:
        draft = start(uow, actor(), sheet_id)
    return hand_out(draft, inline=True)


@pages.post("/sheets/<int:sheet_id>/end")
@guard("loan.desk")
def end_sheet(sheet_id: int) -> AnyResponse:
    """Note that a copy came back, was shredded, or stays with the case."""
    form = request.form
    return _acted(
        lambda: _end_sheet(sheet_id, form.get("how", ""), form.get("version", 0, int)),
        "已登记。",
        url_for("viewing.at_desk"),
    )


@pages.route("/trace", methods=["GET", "POST"])
@guard("loan.register")
def trace() -> Answer:
    """Say which loan a stray file comes from."""
    if request.method == "GET":
        return render_template("viewing/trace.html", asked=False, found=None)
    upload = request.files.get("file")
    content = upload.stream.read(MOST_STRAY + 1) if upload else b""
    if not content or len(content) > MOST_STRAY:
        refusal = Invalid("请选择要追查的文件（不超过 64 MB）。", {"file": "请选择文件"})
        page = render_template("viewing/trace.html", asked=False, found=None, refusal=refusal)
        return page, 422
    with reading() as uow:
        found = sheets.trace(uow, actor(), content)
    return render_template("viewing/trace.html", asked=True, found=found)


@pages.app_template_global("view_of")
def view_of(view: RequestView) -> GrantView | None:
    """Return the electronic view of a request for its page, or None."""
    if view.mode != "electronic":
        return None
    with reading() as uow:
        return service.find_grant(uow, actor(), view.id)


@pages.app_template_global("sheets_of")
def sheets_of(view: RequestView) -> tuple[SheetView, ...]:
    """Return what left the archive on a request, for its page."""
    if view.mode not in ("electronic", "copy"):
        return ()
    with reading() as uow:
        return sheets.sheets_of(uow, actor(), view.id)


def _revoke(request_id: int, reason: str) -> None:
    with work() as uow:
        service.revoke(uow, actor(), request_id, reason)
        uow.commit()


def _end_sheet(sheet_id: int, how: str, version: int) -> None:
    with work() as uow:
        sheets.end_sheet(uow, actor(), sheet_id, how, version)
        uow.commit()


def _acted(act: Callable[[], None], done: str, back: str) -> AnyResponse:
    """Do an act of one button, say what came of it, and go back to where it was pressed."""
    try:
        act()
    except (Conflict, Invalid) as refusal:
        flash(refusal.message, "danger")
    else:
        flash(done, "success")
    return redirect(back)


def _desk(refusal: ArchiveError | None = None, request_id: int = 0) -> str:
    with reading() as uow:
        waiting = sheets.sheets_at_desk(uow, actor())
        to_copy = sheets.copies_to_make(uow, actor())
        files = {one.id: sheets.files_to_copy(uow, actor(), one.item_id) for one in to_copy}
    return render_template(
        "viewing/desk.html",
        waiting=[one for one in waiting if one.state == "waiting"],
        out=[one for one in waiting if one.state == "made"],
        to_copy=to_copy,
        files=files,
        ends=ENDS,
        refusal=refusal,
        refused_id=request_id,
        typed=request.form,
    )

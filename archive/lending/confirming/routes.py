"""The page of one's own desk PIN, and the drawn signatures on a loan."""

from apiflask import APIBlueprint
from flask import Response as FileResponse
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import Invalid, Throttled, Unauthenticated
from archive.core.web import reading, resources, work
from archive.lending.confirming import service
from archive.people.gate import actor, client_address, guard
from archive.signing.edge import confirm

pages = APIBlueprint("confirming", __name__, template_folder="templates", enable_openapi=False)


@pages.get("/me/desk-pin")
@guard("self")
def show() -> str:
    """Show whether I have a PIN for the lending desk."""
    return _page()


@pages.post("/me/desk-pin")
@guard("self")
def keep() -> Response | tuple[str, int]:
    """Set my PIN; asks for my sign-in password."""
    form = request.form
    try:
        pin, again = form.get("pin", "").strip(), form.get("again", "").strip()
        if pin != again:
            raise Invalid("两次输入的口令不一样，请重新输入。")
        pin_hash = service.hash_pin(pin)
        _confirm()
    except (Invalid, Unauthenticated, Throttled) as refusal:
        return _page(refusal.message), 422
    with work() as uow:
        service.set_pin(uow, actor(), pin_hash)
        uow.commit()
    flash("借阅口令已设好，借还档案时在借阅台输入。", "success")
    return redirect(url_for("confirming.show"))


@pages.post("/me/desk-pin/drop")
@guard("self")
def drop() -> Response:
    """Give my PIN up."""
    with work() as uow:
        service.drop_pin(uow, actor())
        uow.commit()
    flash("借阅口令已删去，借还档案时可以输登录密码或手写签名。", "success")
    return redirect(url_for("confirming.show"))


@pages.get("/loans/<int:request_id>/signatures/<any(out, back):side>.png")
@guard("loan.list")
def picture(request_id: int, side: str) -> FileResponse:
    """Show the borrower's drawn signature on a loan."""
    with reading() as uow:
        digest = service.signature_picture(uow, actor(), request_id, side)
    answer = FileResponse(resources().blobs.read(digest), mimetype="image/png")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _confirm() -> None:
    password = request.form.get("password", "")
    confirm(resources(), actor(), password, client_address(), "口令没有改动")


def _page(refusal: str = "") -> str:
    with reading() as uow:
        is_set = service.has_pin(uow, actor().id)
    return render_template("confirming/pin.html", is_set=is_set, refusal=refusal)

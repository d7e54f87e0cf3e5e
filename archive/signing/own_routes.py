"""The page of one's own means of signing: a certificate of one's own, and one's name seal."""

from apiflask import APIBlueprint
from flask import Response as FileResponse
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import Invalid, NotFound, Unauthenticated
from archive.core.web import reading, resources, work
from archive.people.gate import actor, client_address, guard
from archive.signing import marks, own_keys
from archive.signing.edge import confirm
from archive.signing.proofs import ProofView, find_proof
from archive.signing.seals.pictures import MOST_BYTES, prepare_mark

pages = APIBlueprint("own_certificate", __name__, enable_openapi=False)


@pages.app_context_processor
def proof_words() -> dict[str, object]:
    """Give pages the proof of a paper and whether I sign with a certificate of my own."""

    def signs_with_own() -> bool:
        with reading() as uow:
            return own_keys.find_own(uow, actor().id) is not None

    def paper_proof(record_id: int) -> ProofView | None:
        with reading() as uow:
            return find_proof(uow, record_id)

    def has_mark() -> bool:
        with reading() as uow:
            return marks.find_mark(uow, actor().id) is not None

    return {"signs_with_own": signs_with_own, "paper_proof": paper_proof, "has_mark": has_mark}


@pages.get("/me/certificate")
@guard("self")
def show() -> str:
    """Show with which certificate I sign."""
    return _page()


@pages.post("/me/certificate")
@guard("self")
def register() -> Response | tuple[str, int]:
    """Register my own PKCS#12; asks for my sign-in password too."""
    sent = request.files.get("file")
    content = sent.stream.read(own_keys.LARGEST_FILE + 1) if sent else b""
    try:
        _confirm()
        with work() as uow:
            own_keys.register_own(uow, actor(), content, request.form.get("own_password", ""))
            uow.commit()
    except (Invalid, Unauthenticated) as refusal:
        return _page(refusal.message), 422
    flash("已登记。以后签字时要输入这份证书的密码。", "success")
    return redirect(url_for("own_certificate.show"))


@pages.post("/me/certificate/drop")
@guard("self")
def drop() -> Response | tuple[str, int]:
    """Give my own certificate up; the company's is used again."""
    try:
        _confirm()
    except (Invalid, Unauthenticated) as refusal:
        return _page(refusal.message), 422
    with work() as uow:
        own_keys.drop_own(uow, actor())
        uow.commit()
    flash("已停用自己的证书，以后用单位发给您的证书签字。", "success")
    return redirect(url_for("own_certificate.show"))


@pages.post("/me/mark")
@guard("self")
def keep_mark() -> Response | tuple[str, int]:
    """Keep a picture as my name seal."""
    sent = request.files.get("image")
    content = sent.stream.read(MOST_BYTES + 1) if sent else b""
    try:
        _confirm()
        image = resources().blobs.put(prepare_mark(content), "image/png")
    except (Invalid, Unauthenticated) as refusal:
        return _page("；".join((refusal.message, *refusal.fields.values()))), 422
    with work() as uow:
        marks.keep_mark(uow, actor(), image)
        uow.commit()
    flash("名章已存好，签字时可以用它。", "success")
    return redirect(url_for("own_certificate.show"))


@pages.post("/me/mark/drop")
@guard("self")
def drop_mark() -> Response:
    """Give my name seal up."""
    with work() as uow:
        marks.drop_mark(uow, actor())
        uow.commit()
    flash("名章已删去；以前签的文件不变。", "success")
    return redirect(url_for("own_certificate.show"))


@pages.get("/me/mark.png")
@guard("self")
def mark_picture() -> FileResponse:
    """Show my own name seal to me."""
    with reading() as uow:
        digest = marks.find_mark(uow, actor().id)
    if digest is None:
        raise NotFound("您没有存名章。")
    answer = FileResponse(resources().blobs.read(digest), mimetype="image/png")
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _confirm() -> None:
    password = request.form.get("password", "")
    confirm(resources(), actor(), password, client_address(), "没有改动")


def _page(refusal: str = "") -> str:
    with reading() as uow:
        own = own_keys.find_own(uow, actor().id)
    return render_template("signing/own_certificate.html", own=own, refusal=refusal)

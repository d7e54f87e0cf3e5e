"""Pages of asking for several papers: the basket, the note, its approval, its hand-out."""

from collections.abc import Mapping
from typing import Any

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from archive.core.clock import local_day
from archive.core.errors import ArchiveError, Conflict, Invalid
from archive.core.web import reading, resources, work
from archive.documents.service import MEDIA_TYPES
from archive.filing.paper_files import paper_response
from archive.lending.confirming.edge import Given, confirm
from archive.lending.groups import acts, basket, service
from archive.lending.groups.acts import Back, Out
from archive.lending.groups.papers import group_paper
from archive.lending.groups.service import Wish
from archive.lending.groups.views import Outcome
from archive.lending.matching import Mode
from archive.lending.routes import CONDITIONS, OPINIONS
from archive.lending.typed import day_typed, pages_typed
from archive.people.gate import actor, client_address, guard
from archive.signing.routes import drawing

pages = APIBlueprint(
    "loan_notes", __name__, url_prefix="/loans", template_folder="templates", enable_openapi=False
)
LARGEST_ID = 2**63 - 1
Answer = str | tuple[str, int] | Response


@pages.get("/basket")
@guard("loan.request")
def show_basket() -> str:
    """Show what is in one's basket, each with its decision for the way chosen."""
    return _basket(request.args, None, None)


@pages.post("/basket/add")
@guard("loan.request")
def add() -> Response:
    """Put papers, or a whole volume, into the basket, and go back to where one was."""
    form = request.form
    volume_id = form.get("volume", type=int)
    with work() as uow:
        try:
            if volume_id is not None:
                new = basket.put_volume_in(uow, actor(), volume_id)
            else:
                new = basket.put_in(uow, actor(), form.getlist("item", type=int))
            uow.commit()
        except Invalid as refusal:
            flash(refusal.message, "danger")
            return redirect(_back(form.get("back", "")))
        size = basket.basket_size(uow, actor())
    done = f"已放入 {new} 件" if new else "已经在借阅车里"
    flash(f"{done}，借阅车里共 {size} 件。", "success")
    return redirect(url_for("loan_notes.show_basket") if volume_id else _back(form.get("back", "")))


@pages.post("/basket/drop")
@guard("loan.request")
def drop() -> Response:
    """Empty the basket."""
    with work() as uow:
        basket.take_out(uow, actor())
        uow.commit()
    return redirect(url_for("loan_notes.show_basket"))


@pages.post("/basket/drop/<int:item_id>")
@guard("loan.request")
def drop_one(item_id: int) -> str:
    """Take one paper out of the basket; what was typed stays."""
    with work() as uow:
        basket.take_out(uow, actor(), [item_id] if item_id <= LARGEST_ID else [])
        uow.commit()
    return _basket(request.form, None, None)


@pages.post("/basket")
@guard("loan.request")
def ask() -> Answer:
    """Send one note for the papers chosen (``act`` queue: also places in line), or only look."""
    form = request.form
    if form.get("act") == "check":
        return _basket(form, None, None)
    try:
        wish = _wish(form)
        chosen = set(form.getlist("item", type=int))
        with work() as uow:
            lines = [one for one in basket.in_basket(uow, actor()) if one.item_id in chosen]
            if len(lines) != len(chosen):
                raise Conflict("借阅车里的东西刚有变化，请看过再提交。")
            queues = form.get("act") == "queue"
            outcome = service.ask_for_all(uow, actor(), wish, lines, queues=queues)
            uow.commit()
    except (Invalid, Conflict) as refusal:
        return _basket(form, None, refusal), 422
    if outcome.group is None:
        return _basket(form, outcome, None), 403
    stays = len(outcome.refused) + len(outcome.left)
    rest = f"；另有 {stays} 件没有提交，还在借阅车里" if stays else ""
    count = len(outcome.group.requests)
    flash(f"借阅单 {outcome.group.number} 已提交，共 {count} 份{rest}。", "success")
    return redirect(url_for("loan_notes.show", group_id=outcome.group.id))


@pages.get("/notes/<int:group_id>")
@guard("loan.list")
def show(group_id: int) -> str:
    """Show a note with all its requests."""
    return _show(group_id)


@pages.post("/notes/<int:group_id>/decide")
@guard("loan.approve")
def decide(group_id: int) -> Answer:
    """Approve or refuse the chosen requests of a note in one act."""
    form = request.form
    refuses = form.get("act") == "refuse"
    try:
        picks = _picks(form)
        opinion = form.get("opinion", "")
        with work() as uow:
            group = acts.decide_many(uow, actor(), group_id, picks, opinion, refuses=refuses)
            uow.commit()
    except (Invalid, Conflict) as refusal:
        return _show(group_id, refusal), 422
    done = "已拒绝" if refuses else "已同意"
    flash(f"{done}借阅单 {group.number} 中的 {len(picks)} 件。", "success")
    return redirect(url_for("lending.approvals"))


@pages.post("/notes/<int:group_id>/withdraw")
@guard("loan.request")
def withdraw(group_id: int) -> Response:
    """Take back all of one's own note that is not handed out."""
    with work() as uow:
        group = service.withdraw_all(uow, actor(), group_id)
        uow.commit()
    flash(f"借阅单 {group.number} 没有借出的部分已撤回。", "success")
    return redirect(url_for("loan_notes.show", group_id=group_id))


@pages.get("/notes/<int:group_id>/desk")
@guard("loan.desk")
def at_desk(group_id: int) -> str:
    """Show what of a note may be handed out now and what is out, to scan one after another."""
    return _desk(group_id, {}, None)


@pages.post("/notes/<int:group_id>/desk")
@guard("loan.desk")
def hand_out(group_id: int) -> Answer:
    """Hand out what was scanned, all at once; the borrower signs once."""
    form = request.form
    badge = form.get("staff_no", "")
    try:
        outs = _outs(form)
        given = Given.typed(form.get("secret", ""), drawing(form.get("signature_png", "")))
        confirmed = confirm(
            resources(),
            given,
            lambda uow: acts.who_borrows_all(uow, actor(), group_id, outs, badge),
            client_address(),
        )
        with work() as uow:
            group = acts.hand_out_many(
                uow, actor(), group_id, outs, staff_no=badge, confirmed=confirmed
            )
            uow.commit()
    except ArchiveError as refusal:
        return _desk(group_id, form, refusal), 422
    flash(f"借阅单 {group.number}：已借给{group.borrower_name} {len(outs)} 份。", "success")
    if group.ready:
        return redirect(url_for("loan_notes.at_desk", group_id=group_id))
    return redirect(url_for("lending.desk"))


@pages.post("/notes/<int:group_id>/return")
@guard("loan.desk")
def take_back(group_id: int) -> Answer:
    """Take back what was scanned, all at once; what did not come stays out."""
    form = request.form
    try:
        backs = _backs(form)
        given = Given.typed(form.get("secret", ""), drawing(form.get("signature_png", "")))
        confirmed = confirm(
            resources(),
            given,
            lambda uow: acts.who_returns_all(uow, actor(), group_id, backs),
            client_address(),
        )
        with work() as uow:
            done = acts.take_back_many(uow, actor(), group_id, backs, confirmed=confirmed)
            group = service.get_group(uow, actor(), group_id)
            uow.commit()
    except ArchiveError as refusal:
        return _desk(group_id, form, refusal), 422
    rest = f"还有 {len(group.out)} 份在外。" if group.out else "全部还清。"
    flash(f"借阅单 {group.number}：已收回 {len(done)} 份，{rest}", "success")
    for one in done:
        if one.loan is not None and not one.loan.intact:
            flash(f"条码 {one.loan.barcode} 有异常：{one.loan.condition}，请查明。", "warning")
        if one.loan is not None and one.next_in_line:
            flash(f"条码 {one.loan.barcode}：{one.next_in_line}", "warning")
    if group.out or group.ready:
        return redirect(url_for("loan_notes.at_desk", group_id=group_id))
    return redirect(url_for("lending.desk"))


@pages.get("/notes/<int:group_id>/A01.<any(docx, pdf):kind>")
@guard("loan.list")
def paper(group_id: int, kind: str) -> Response:
    """Hand out the application of a whole note (A01)."""
    with reading() as uow:
        found = group_paper(uow, actor(), group_id)
    return paper_response(resources(), found, kind, MEDIA_TYPES[kind])


@pages.app_template_global("basket_size")
def basket_size() -> int:
    """Return how many papers are in the basket of whoever is signed in."""
    with reading() as uow:
        return basket.basket_size(uow, actor())


def _basket(
    typed: Mapping[str, str] | MultiDict[str, str],
    outcome: Outcome | None,
    refusal: ArchiveError | None,
) -> str:
    mode = typed.get("mode") or Mode.ORIGINAL
    mode = mode if mode in set(Mode) else Mode.ORIGINAL
    has_asked = request.method == "POST"
    try:
        until = day_typed(typed.get("until", ""))
    except Invalid as wrong:
        until, refusal = None, refusal or wrong
    purpose = typed.get("purpose", "") if has_asked else None
    wish = Wish(mode, purpose, typed.get("reference", ""), until)
    with reading() as uow:
        lines = basket.in_basket(uow, actor())
        found = service.consider(uow, actor(), wish, lines)
        today = local_day(uow.now())
    chosen = set(request.form.getlist("item")) if has_asked else None
    return render_template(
        "groups/basket.html",
        lines=found,
        typed=typed,
        mode=mode,
        modes=tuple(Mode),
        outcome=outcome,
        refusal=refusal,
        has_asked=has_asked,
        chosen=chosen,
        today=today,
    )


def _show(group_id: int, refusal: ArchiveError | None = None) -> str:
    with reading() as uow:
        group = service.get_group(uow, actor(), group_id)
    return render_template(
        "groups/show.html",
        group=group,
        is_mine=group.borrower_id == actor().id,
        opinions=OPINIONS,
        refusal=refusal,
        typed=request.form,
    )


def _desk(group_id: int, typed: Mapping[str, str], refusal: ArchiveError | None) -> str:
    with reading() as uow:
        group = service.get_group(uow, actor(), group_id)
        lines = acts.desk_lines(uow, actor(), group_id)
    scanned = request.form.getlist("barcode") if request.method == "POST" else []
    return render_template(
        "groups/desk.html",
        group=group,
        lines=lines,
        typed=typed,
        refusal=refusal,
        scanned=scanned,
        conditions=CONDITIONS,
    )


def _wish(form: Mapping[str, str]) -> Wish:
    return Wish(
        form.get("mode", ""),
        form.get("purpose", ""),
        form.get("reference", ""),
        day_typed(form.get("until", "")),
    )


def _picks(form: MultiDict[str, str]) -> list[acts.Pick]:
    """Read the chosen requests; each carries the version it was shown with (``3.7``)."""
    picks = []
    for text in form.getlist("request"):
        first, _, second = text.partition(".")
        if not (first.isascii() and first.isdigit() and second.isascii() and second.isdigit()):
            raise Invalid("请重新选择要审批的档案。", {"request": "请选择"})
        if len(first) > 18 or len(second) > 18:
            raise Invalid("请重新选择要审批的档案。", {"request": "请选择"})
        picks.append((int(first), int(second)))
    return picks


def _outs(form: MultiDict[str, Any]) -> list[Out]:
    return [
        Out(code, pages_typed(form.get(f"pages-{code}", "")))
        for code in map(str.strip, form.getlist("barcode"))
        if code
    ]


def _backs(form: MultiDict[str, Any]) -> list[Back]:
    found = []
    for code in filter(None, map(str.strip, form.getlist("barcode"))):
        counted = pages_typed(form.get(f"pages-{code}", ""))
        if counted is None:
            raise Invalid(
                f"条码 {code[:40]} 没有填页数，请清点后再归还；没有还来的请不要勾。",
                {f"pages-{code}": "请填写清点的页数"},
            )
        words = (form.get(f"condition-{code}", ""), form.get(f"note-{code}", ""))
        found.append(Back(code, counted, "；".join(filter(None, map(str.strip, words)))))
    return found


def _back(text: str) -> str:
    """Return a page of this server to go back to; anything else leads to the basket."""
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\"))
    if is_ours and text.isprintable() and len(text) < 2000:
        return text
    return url_for("loan_notes.show_basket")

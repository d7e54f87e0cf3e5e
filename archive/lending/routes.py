"""The pages of lending: mine, asking, approving, the desk, the register.

A request the rules refuse is committed (the log keeps it) and shown with every reason on the
page it was typed on, where nothing typed is lost.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import partial
from typing import Any

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.clock import local_day, show_day
from archive.core.errors import ArchiveError, Conflict, Invalid
from archive.core.list_sheets import (
    MOST_LINES,
    ListColumn,
    ListPart,
    list_book,
    list_sheet,
    wants_sheet,
    whole_list_sheet,
)
from archive.core.pages import Page
from archive.core.web import reading, resources, work
from archive.lending import service
from archive.lending.confirming.edge import FindSigner, Given, confirm
from archive.lending.confirming.rules import Confirmed
from archive.lending.groups.service import find_group
from archive.lending.list_columns import ASKED, LOANS, LOG, REFUSALS, REQUESTS
from archive.lending.matching import Mode
from archive.lending.typed import day_typed, pages_typed
from archive.lending.views import ItemPanel, Preview, Refused, RequestView, Scan
from archive.people.gate import actor, client_address, guard
from archive.signing.routes import drawing

pages = APIBlueprint(
    "lending",
    __name__,
    url_prefix="/loans",
    template_folder="templates",
    static_folder="static",
    static_url_path="/static",
    enable_openapi=False,
)

OPINIONS = ("同意。", "业务需要，同意。", "请按期归还。")
NOTICES = 8
CONDITIONS = ("完好", "有破损", "有污渍", "装订松散")
Answer = str | tuple[str, int] | Response
REGISTER: Mapping[str, tuple[str, tuple[ListColumn[Any], ...]]] = {
    "open": ("借出未还", LOANS),
    "lent": ("借阅登记", LOANS),
    "refused": ("拒绝的借阅", REFUSALS),
}


@pages.get("")
@guard("loan.list")
def mine() -> Answer:
    """Show what I have out, and my requests."""
    with reading() as uow:
        loans = service.my_loans(uow, actor())
        if wants_sheet():
            read = partial(service.list_requests, uow, actor(), mine=True)
            return list_book(
                "我的借阅",
                ListPart("借阅申请", REQUESTS, lambda n, size: read(page=n, per_page=size)),
                ListPart.whole("手上的档案", LOANS, loans),
            )
        page = service.list_requests(uow, actor(), mine=True, page=_page())
        waiting = service.waiting_count(uow, actor())
        notices = service.notices_for(uow, actor(), NOTICES)
        has_feed = service.has_feed(uow, actor())
    return render_template(
        "lending/mine.html",
        loans=loans,
        page=page,
        waiting=waiting,
        notices=notices,
        has_feed=has_feed,
    )


@pages.get("/new")
@guard("loan.request")
def new() -> str:
    """Show the form to ask for an item, with what each way of borrowing would need."""
    return _new(request.args.get("item", 0, int), request.args, None)


@pages.post("/new")
@guard("loan.request")
def ask() -> Answer:
    """Send the request (``act`` is queue: for a place in line), or (check) show the decision."""
    form = request.form
    item_id = form.get("item", 0, int)
    typed = (form.get("mode", ""), form.get("purpose", ""), form.get("business_reference", ""))
    if form.get("act") == "check":
        mode, purpose, reference = typed
        try:
            with reading() as uow:
                checked = service.preview(
                    uow,
                    actor(),
                    item_id,
                    mode,
                    None,
                    purpose,
                    reference,
                    wanted_until=day_typed(form.get("until", "")),
                )
        except Invalid as refusal:
            return _new(item_id, form, None, refusal), 422
        return _new(item_id, form, checked)
    try:
        with work() as uow:
            queues = form.get("act") == "queue"
            outcome = service.request_loan(
                uow,
                actor(),
                item_id,
                *typed,
                joins_queue=queues,
                wanted_until=day_typed(form.get("until", "")),
            )
            uow.commit()
    except (Invalid, Conflict) as refusal:
        return _new(item_id, form, None, refusal), 422
    if isinstance(outcome, Refused):
        return _new(item_id, form, outcome), 403
    place = f"排队第 {outcome.place} 位，轮到时通知您。" if outcome.place else ""
    flash(f"申请已提交，编号 {outcome.number}。{place}", "success")
    return redirect(url_for("lending.show", request_id=outcome.id))


@pages.get("/<int:request_id>")
@guard("loan.list")
def show(request_id: int) -> str:
    """Show one request: who is asked, how it stands, when it is due."""
    return _show(request_id)


@pages.post("/<int:request_id>/withdraw")
@guard("loan.request")
def withdraw(request_id: int) -> Response:
    """Take one's own request back."""
    with work() as uow:
        view = service.withdraw(uow, actor(), request_id)
        uow.commit()
    flash(f"申请 {view.number} 已撤回。", "success")
    return redirect(url_for("lending.mine"))


@pages.get("/approvals")
@guard("loan.list")
def approvals() -> Answer:
    """Show the requests I am to decide, and those I decided last."""
    with reading() as uow:
        waiting = service.waiting_for(uow, actor())
        if wants_sheet():
            decided = service.decided_by(uow, actor(), limit=MOST_LINES)
            return list_book(
                "借阅审批",
                ListPart.whole("待我审批", ASKED, waiting),
                ListPart.whole("审批过的", ASKED, decided),
            )
        decided = service.decided_by(uow, actor())
    notes: dict[int, list[RequestView]] = {}
    for one in waiting:
        if one.group_id is not None:
            notes.setdefault(one.group_id, []).append(one)
    return render_template(
        "lending/approvals.html",
        waiting=waiting,
        notes={key: held for key, held in notes.items() if len(held) > 1},
        decided=decided,
        opinions=OPINIONS,
    )


@pages.post("/<int:request_id>/decide")
@guard("loan.approve")
def decide(request_id: int) -> Answer:
    """Approve or refuse one's own step."""
    form = request.form
    act = service.refuse if form.get("act") == "refuse" else service.approve
    try:
        with work() as uow:
            view = act(
                uow, actor(), request_id, form.get("opinion", ""), form.get("version", type=int)
            )
            uow.commit()
    except Invalid as refusal:
        return _show(request_id, refusal), 422
    done = "已拒绝" if act is service.refuse else "已同意"
    flash(f"{done}{view.borrower_name}的借阅申请 {view.number}。", "success")
    return redirect(url_for("lending.approvals"))


@pages.get("/desk")
@guard("loan.desk")
def desk() -> Answer:
    """The desk: one box to scan into; below it what the barcode calls for."""
    barcode = request.args.get("barcode", "")
    if not barcode.strip():
        return _desk()
    with reading() as uow:
        note = find_group(uow, actor(), barcode)
    if note is not None:
        return redirect(url_for("loan_notes.at_desk", group_id=note))
    try:
        with reading() as uow:
            found = service.scan(uow, actor(), barcode)
    except ArchiveError as refusal:
        return _desk(refusal), 422
    return _desk_page(found, None, {})


@pages.post("/desk/hand-out")
@guard("loan.desk")
def hand_out() -> Answer:
    """Hand the scanned copy out."""
    form = request.form
    who = (form.get("barcode", ""), form.get("request_id", type=int))
    try:
        pages = pages_typed(form.get("pages", ""))
        badge = form.get("staff_no", "")
        confirmed = _signed(lambda uow: service.who_borrows(uow, actor(), *who, badge))
        with work() as uow:
            view = service.hand_out(
                uow, actor(), *who, pages=pages, staff_no=badge, confirmed=confirmed
            )
            uow.commit()
    except ArchiveError as refusal:
        return _desk(refusal), 422
    due = show_day(view.due) if view.due else ""
    flash(f"已借给{view.borrower_name}，应于{due}归还。", "success")
    return redirect(url_for("lending.desk"))


@pages.post("/desk/return")
@guard("loan.desk")
def take_back() -> Answer:
    """Take the scanned copy back."""
    form = request.form
    try:
        pages = pages_typed(form.get("pages", ""))
        if pages is None:
            raise Invalid("请清点页数后再归还。", {"pages": "请填写清点的页数"})
        condition = "；".join(filter(None, (form.get("condition", ""), form.get("note", ""))))
        barcode = form.get("barcode", "")
        confirmed = _signed(lambda uow: service.who_returns(uow, actor(), barcode))
        with work() as uow:
            view = service.take_back(uow, actor(), barcode, pages, condition, confirmed=confirmed)
            uow.commit()
    except ArchiveError as refusal:
        return _desk(refusal), 422
    loan = view.loan
    where = view.next_in_line or f"请放回 {loan.location if loan and loan.location else '原位'}。"
    if loan and loan.intact:
        flash(f"已收回，{where}", "success")
    elif loan:
        flash(f"已收回，但有异常：{loan.condition}。请查明。{view.next_in_line}", "warning")
    return redirect(url_for("lending.desk"))


@pages.get("/register")
@guard("loan.register")
def register() -> Answer:
    """The lending log: who has what now, what was lent and refused in a period."""
    with reading() as uow:
        today = local_day(uow.now())
        start = _day("from", today - timedelta(days=30))
        end = _day("to", today)
        view = request.args.get("view", "open")
        view = view if view in REGISTER else "open"
        title, columns = REGISTER[view]
        readers: dict[str, Callable[..., Page[Any]]] = {
            "lent": partial(service.register, uow, actor(), start, end),
            "refused": partial(service.refusals, uow, actor(), start, end),
            "open": partial(service.open_loans, uow, actor()),
        }
        read_page = readers[view]
        if wants_sheet():
            return list_sheet(title, columns, lambda n, size: read_page(page=n, per_page=size))
        page = read_page(page=_page())
        overdue = service.overdue_count(uow, actor())
    return render_template(
        "lending/register.html", page=page, view=view, start=start, end=end, overdue=overdue
    )


@pages.get("/items/<int:item_id>/log")
@guard("loan.register")
def item_log(item_id: int) -> Answer:
    """All that happened in lending to one item."""
    with reading() as uow:
        shown = service.preview(uow, actor(), item_id, Mode.ORIGINAL)
        lines = service.log_of_item(uow, actor(), item_id)
    if wants_sheet():
        return whole_list_sheet("借阅历史", LOG, lines)
    title = f"{shown.title} {shown.code}".strip()
    return render_template("lending/log.html", lines=lines, title=title, item_id=item_id)


@pages.app_template_global("lending_panel")
def lending_panel(item_id: int) -> ItemPanel | None:
    """Return what the item's page shows of lending, for whoever is signed in."""
    with reading() as uow:
        return service.item_panel(uow, actor(), item_id)


def _new(
    item_id: int,
    typed: object,
    outcome: Preview | Refused | None,
    refusal: ArchiveError | None = None,
) -> str:
    with reading() as uow:
        ways = service.previews(uow, actor(), item_id)
    return render_template(
        "lending/new.html",
        item_id=item_id,
        ways=ways,
        typed=typed,
        checked=outcome if isinstance(outcome, Preview) else None,
        refused=outcome if isinstance(outcome, Refused) else None,
        refusal=refusal,
    )


def _show(request_id: int, refusal: ArchiveError | None = None) -> str:
    with reading() as uow:
        view = service.get_request(uow, actor(), request_id)
        renewal = service.renewal_decision(uow, actor(), request_id)
    step = view.waits_for
    return render_template(
        "lending/show.html",
        loan_request=view,
        my_step=step if view.is_my_turn else None,
        is_mine=view.borrower_id == actor().id,
        opinions=OPINIONS,
        refusal=refusal,
        typed=request.form,
        renewal=renewal,
    )


def _signed(find_signer: FindSigner) -> Confirmed:
    """Return how the borrower signed on the form sent: one box for password and PIN, or drawn."""
    drawn = drawing(request.form.get("signature_png", ""))
    given = Given.typed(request.form.get("secret", ""), drawn)
    return confirm(resources(), given, find_signer, client_address())


def _desk(refusal: ArchiveError | None = None) -> str:
    """Show the desk; after a refused act, with the copy scanned afresh and what was typed."""
    found, barcode = None, request.form.get("barcode", "")
    if barcode:
        try:
            with reading() as uow:
                found = service.scan(uow, actor(), barcode)
        except ArchiveError:
            found = None  # the refusal says that the barcode is unknown
    return _desk_page(found, refusal, request.form)


def _desk_page(found: Scan | None, refusal: ArchiveError | None, typed: Mapping[str, str]) -> str:
    with reading() as uow:
        held = service.held_at_desk(uow, actor())
    return render_template(
        "lending/desk.html",
        scan=found,
        refusal=refusal,
        conditions=CONDITIONS,
        typed=typed,
        held=held,
    )


def _page() -> int:
    return request.args.get("page", 1, int)


def _day(name: str, default: date) -> date:
    text = request.args.get(name, "").strip()
    if not text:
        return default
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("日期不对，请写成 2026-11-23 这样。", {name: "应为 年-月-日"}) from None

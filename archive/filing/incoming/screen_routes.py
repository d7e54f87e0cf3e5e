"""The page of the four steps: one paper after another, by the keyboard alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from apiflask import APIBlueprint
from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import Conflict, Invalid, NotFound
from archive.core.web import reading, resources, work
from archive.filing import service
from archive.filing.checks.edge import check_offered, check_record
from archive.filing.classes.kept import plan_in_force
from archive.filing.incoming import screen
from archive.filing.incoming.routes import picture_response
from archive.filing.incoming.screen import Waiting, read_key
from archive.filing.posted import do_step, read_place_of_the_day
from archive.filing.rules import STEPS, parse_place
from archive.filing.views import ItemView
from archive.people.gate import actor, guard
from archive.people.rights import SECRECY
from storage.work import UnitOfWork

pages = APIBlueprint("screen", __name__, template_folder="../templates", enable_openapi=False)

Page = str | tuple[str, int] | Response
DRAWN = ("application/pdf", "image/png", "image/jpeg", "image/tiff")


@pages.get("/filing/screen")
@guard("filing.list")
def show() -> Page:
    """Show what waits, and one paper with its next step ready for Enter."""
    return _page(request.args.get("at", ""), {}, {})


@pages.post("/filing/screen/<any(accept, classify, catalogue, shelve, rest, back):step>")
@guard("filing.list")
def act(step: str) -> Page:
    """Do a step of the paper, then show its next step, or the next paper."""
    key = request.form.get("at", "")
    try:
        after = _do(key, step)
    except Invalid as refusal:
        flash(refusal.message, "danger")
        return _page(key, refusal.fields, request.form), 422
    except Conflict as refusal:
        flash(refusal.message, "warning")
        return redirect(url_for("screen.show", at=key))
    return redirect(url_for("screen.show", at=after or request.form.get("next", "")))


@pages.post("/filing/screen/many")
@guard("filing.list")
def many() -> Response:
    """Do all four steps of the chosen papers, which must be alike; hundreds as a task."""
    posted = request.form
    place = posted.get("place", "")
    try:
        with work() as uow:
            group = posted.get("group", "")
            keys = screen.alike(uow, actor(), group) if group else posted.getlist("paper")
            chosen = screen.check_alike(uow, actor(), keys)
            if len(chosen) > screen.AT_ONCE_DIRECTLY:
                task = screen.start_many(uow, actor(), chosen, place)
                uow.commit()
                return redirect(url_for("tasks.show", task_id=task.id))
    except (Invalid, Conflict, NotFound) as refusal:
        flash(refusal.message, "danger")
        return redirect(url_for("screen.show"))
    done, refused = screen.file_many_now(resources(), actor(), chosen, place)
    if done:
        flash(f"已归档 {done} 份文件。", "success")
    for message in refused[:5]:
        flash(message, "danger")
    return redirect(url_for("screen.show"))


@pages.get("/filing/screen/<key>/page/<int:number>.png")
@guard("filing.list")
def picture(key: str, number: int) -> FlaskResponse:
    """Show a page of the paper."""
    with reading() as uow:
        sheet = screen.sheet_of(uow, actor(), key)
    if sheet is None:
        raise NotFound("这份文件没有电子件。")
    return picture_response(sheet.sha256, number)


def _do(key: str, step: str) -> str:
    """Do a step; return the key to stay at, or empty when the paper is through."""
    kind, number = read_key(key)
    if step in ("accept", "rest"):
        (check_record if kind == "r" else check_offered)(resources(), actor(), number)
    with work() as uow:
        if kind == "r":
            done = _record_step(uow, number, step)
        else:
            done = do_step(uow, actor(), number, step, request.form)
        uow.commit()
    if done is None:
        whom = "填表人" if kind == "r" else "交来的人"
        flash(f"已退回给{whom}，原因已记录。", "success")
        return ""
    if done.next_step:
        return f"i{done.id}"
    flash(f"已归档：{done.title}，{done.code}。", "success")
    return ""


def _record_step(uow: UnitOfWork, number: int, step: str) -> ItemView | None:
    """Take a record in, give it back (None), or do all its steps."""
    if step == "back":
        service.send_back(uow, actor(), number, request.form.get("reason", ""))
        return None
    if step == "rest":
        return service.file_record(uow, actor(), number, place=read_place_of_the_day(request.form))
    if step == "accept":
        return service.appraise(uow, actor(), number)
    raise Conflict("这份文件还没有鉴别，请从第一步办起。")


def _page(key: str, errors: Mapping[str, str], typed: Mapping[str, str]) -> str:
    with reading() as uow:
        waiting, total = screen.queue(uow, actor())
        here = _place_in(waiting, key)
        paper = _paper(uow, waiting[here].key) if waiting else None
        place, plan = service.last_place(uow, actor()), plan_in_force(uow)
    return render_template(
        "incoming/screen.html",
        waiting=waiting,
        total=total,
        here=here,
        paper=paper,
        following=waiting[(here + 1) % len(waiting)].key if len(waiting) > 1 else "",
        previous=waiting[here - 1].key if len(waiting) > 1 else "",
        place=parse_place(place or plan.default_room),
        plan=plan,
        secrecy=SECRECY,
        steps=STEPS,
        errors=errors,
        typed=typed,
    )


def _place_in(waiting: Sequence[Waiting], key: str) -> int:
    """Return where the key stands in the list; a record just taken in stands as its item."""
    return next((place for place, one in enumerate(waiting) if one.key == key), 0)


def _paper(uow: UnitOfWork, key: str) -> dict[str, Any]:
    """Return what the right side shows of a paper."""
    kind, number = read_key(key)
    sheet = screen.sheet_of(uow, actor(), key)
    shown: dict[str, Any] = {"key": key, "sheet": sheet}
    shown["is_drawn"] = sheet is not None and sheet.media_type in DRAWN
    if kind == "r":
        record = service.get_waiting(uow, actor(), number)
        proposed = service.proposed_for_record(uow, record)
        refusals = service.refusals_of(uow, actor(), number)
        return shown | {"record": record, "proposed": proposed, "refusals": refusals}
    item = service.get_for_filing(uow, actor(), number)
    proposed = service.proposed_for_item(uow, item)
    refusals = service.refusals_of_item(uow, actor(), number)
    return shown | {"item": item, "proposed": proposed, "refusals": refusals}

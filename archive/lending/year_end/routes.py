"""The page on which the head of the archive sets the day for the end of the year."""

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.calendar import load_calendar
from archive.core.clock import local_day
from archive.core.errors import ArchiveError, Conflict, Invalid
from archive.core.web import reading, work
from archive.lending.year_end import service
from archive.lending.year_end.rules import MAX_BASIS
from archive.lending.year_end.setting import last_day, load_year_end
from archive.people.gate import actor, guard

pages = APIBlueprint(
    "year_end", __name__, url_prefix="/loans", template_folder="templates", enable_openapi=False
)


@pages.get("/year-end")
@guard("loan.register")
def show() -> str:
    """Show the day set, and what it is this year."""
    return _page(None)


@pages.post("/year-end")
@guard("loan.rules")
def save() -> Response | tuple[str, int]:
    """Set the day, or none."""
    form = request.form
    try:
        with work() as uow:
            recalled = service.save_year_end(
                uow,
                actor(),
                form.get("day", ""),
                form.get("basis", ""),
                form.get("before", ""),
            )
            uow.commit()
    except (Conflict, Invalid) as refusal:
        return _page(refusal), 409 if isinstance(refusal, Conflict) else 422
    told = f"，催回在外的原件 {recalled} 份，已通知借阅人" if recalled else ""
    flash(f"已保存{told}。", "success")
    return redirect(url_for("year_end.show"))


def _page(refusal: ArchiveError | None) -> str:
    with reading() as uow:
        today, calendar = local_day(uow.now()), load_calendar(uow)
        year_end, last = load_year_end(uow), last_day(uow, today, calendar)
    return render_template(
        "year_end/year_end.html",
        year_end=year_end,
        last=last,
        is_provisional=last is not None and not calendar.is_known(last),
        typed=request.form if refusal else {"day": year_end.day, "basis": year_end.basis},
        refusal=refusal,
        longest=MAX_BASIS,
    )

"""The page of the calendar of working days: a year of it, days changed, a notice entered."""

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.calendar import MAX_NOTE
from archive.core.clock import local_day
from archive.core.errors import ArchiveError, Conflict, Invalid
from archive.core.web import reading, work
from archive.lending.workdays import service
from archive.lending.workdays.notice import MAX_TEXT
from archive.lending.workdays.service import DaysChange, NoticeDraft, NoticeEntry
from archive.lending.workdays.views import stretches, year_view
from archive.people.gate import actor, guard

pages = APIBlueprint(
    "workdays", __name__, url_prefix="/loans", template_folder="templates", enable_openapi=False
)

_CHANGED = "通知的年份、正文或文号在预览以后改过，请再看一遍，然后保存。"


@pages.get("/workdays")
@guard("loan.register")
def show() -> str:
    """Show a year, by default this one."""
    return _page(_number(request.args.get("year", "")))


@pages.post("/workdays/days")
@guard("loan.rules")
def change_days() -> Response | tuple[str, int]:
    """Set days by hand, or take what was set away."""
    form = request.form
    change = DaysChange(
        form.get("first", ""), form.get("last", ""), form.get("what", ""), form.get("note", "")
    )
    try:
        with work() as uow:
            moved = service.change_days(uow, actor(), change, form.get("before", ""))
            uow.commit()
    except (Conflict, Invalid) as refusal:
        return _refused("days", refusal)
    flash(f"已保存，{told(moved)}。", "success")
    return redirect(url_for("workdays.show", year=change.first.strip()[:4]))


@pages.post("/workdays/notice")
@guard("loan.rules")
def enter_notice() -> Response | str | tuple[str, int]:
    """Show what a year's notice says; saved once it was shown and is still the same."""
    form = request.form
    entry = NoticeEntry(_number(form.get("year", "")), form.get("text", ""), form.get("basis", ""))
    try:
        if form.get("act") != "save":
            return _preview(entry)
        if form.get("seen", "") != service.digest(entry):
            return _preview(entry, Conflict(_CHANGED)), 409
        with work() as uow:
            moved = service.save_notice(uow, actor(), entry, form.get("before", ""))
            uow.commit()
    except (Conflict, Invalid) as refusal:
        return _refused("notice", refusal)
    flash(f"{entry.year} 年的放假安排已保存，{told(moved)}。", "success")
    return redirect(url_for("workdays.show", year=entry.year))


def told(moved: int) -> str:
    """Say how many days moved."""
    return f"{moved} 笔借阅的日子跟着改了，已通知借阅人" if moved else "没有借阅的日子要改"


def _preview(entry: NoticeEntry, refusal: ArchiveError | None = None) -> str:
    with reading() as uow:
        draft = service.preview_notice(uow, actor(), entry)
    return _page(entry.year, "notice", refusal, draft, service.digest(entry))


def _refused(part: str, refusal: ArchiveError) -> tuple[str, int]:
    year = _number(request.form.get("year", "") or request.form.get("shown", ""))
    return _page(year, part, refusal), 409 if isinstance(refusal, Conflict) else 422


def _page(
    year: int,
    part: str = "",
    refusal: ArchiveError | None = None,
    draft: NoticeDraft | None = None,
    seen: str = "",
) -> str:
    with reading() as uow:
        years = service.years_open(local_day(uow.now()))
        shown = year_view(uow, actor(), year if year in years else years[1])
    return render_template(
        "workdays/workdays.html",
        shown=shown,
        years=years,
        part=part,
        refusal=refusal,
        wrong=refusal.fields if refusal else {},
        typed=request.form,
        draft=draft,
        seen=seen,
        stretches=stretches,
        whats=service.WHATS,
        longest={"note": MAX_NOTE, "text": MAX_TEXT, "basis": service.MAX_BASIS},
    )


def _number(typed: str) -> int:
    text = typed.strip()
    return int(text) if len(text) == 4 and text.isascii() and text.isdigit() else 0

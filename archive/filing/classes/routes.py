"""The filing plan's pages: the tree with its counts, a new version of it, and what is late."""

from collections.abc import Mapping

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.errors import Conflict, Invalid
from archive.core.list_sheets import MOST_LINES, ListPart, list_book, wants_sheet
from archive.core.pages import MAX_PER_PAGE
from archive.core.web import reading, work
from archive.filing.classes import service
from archive.filing.classes.posted import SPARE, read_plan_form
from archive.filing.list_columns import CLASS_YEARS, LATE_VOLUMES, UNFINISHED, plan_columns
from archive.filing.plan import VOLUMES_BY, Plan
from archive.people.gate import actor, guard

pages = APIBlueprint("classes", __name__, template_folder="../templates", enable_openapi=False)

Page = str | tuple[str, int] | Response


@pages.get("/filing/plan")
@guard("filing.list")
def tree() -> str | Response:
    """Show the filing plan as a tree: terms and why, items and volumes (归档范围和保管期限表)."""
    with reading() as uow:
        plan = service.plan_in_force(uow)
        branches = service.class_tree(uow, actor())
        versions = service.plan_versions(uow, actor())
    if wants_sheet():
        years = [(one.row, year) for one in branches for year in one.years]
        return list_book(
            "归档范围和保管期限",
            ListPart.whole("归档范围和保管期限", plan_columns(plan), branches),
            ListPart.whole("各年度", CLASS_YEARS, years),
        )
    return render_template(
        "filing/plan.html",
        plan=plan,
        branches=branches,
        versions=versions,
        volumes_by=VOLUMES_BY,
    )


@pages.get("/filing/plan/edit")
@guard("plan.edit")
def edit() -> str:
    """Show the latest version, every line of it open to change."""
    with reading() as uow:
        plan = service.latest_plan(uow)
    return _edit_page(plan, {}, "")


@pages.post("/filing/plan/edit")
@guard("plan.edit")
def edit_post() -> Page:
    """Keep a new version; a wrong or stale one comes back as it was typed, with all reasons."""
    with reading() as uow:
        shown = latest = service.latest_plan(uow)
    try:
        shown, twice = read_plan_form(request.form, latest)
        if twice:
            raise Invalid(twice)
        with work() as uow:
            reason, valid_from = request.form.get("reason", ""), request.form.get("valid_from", "")
            made = service.save_plan(uow, actor(), shown, reason, valid_from)
            uow.commit()
    except (Invalid, Conflict) as refusal:
        page = _edit_page(shown, request.form, refusal.message, latest)
        return page, 409 if isinstance(refusal, Conflict) else 422
    flash(f"已保存为第 {made.version} 版；已归档的文件仍按当时的那一版。", "success")
    return redirect(url_for("classes.tree"))


@pages.get("/filing/late")
@guard("filing.list")
def late() -> str | Response:
    """Show what should have been filed by the end of last June and is not."""
    with reading() as uow:
        if wants_sheet():
            found = service.late_papers(uow, actor(), per_page=MAX_PER_PAGE)
            if found.items.total > MOST_LINES:
                raise Invalid("太多了，请先办掉一部分再导出。")
            return list_book(
                "逾期未归档",
                ListPart(
                    "没有办完四步",
                    UNFINISHED,
                    lambda n, size: service.late_papers(uow, actor(), page=n, per_page=size).items,
                ),
                ListPart.whole("没有封卷", LATE_VOLUMES, found.volumes),
            )
        found = service.late_papers(uow, actor(), page=request.args.get("page", 1, type=int))
        plan = service.plan_in_force(uow)
    return render_template("filing/late.html", late=found, page=found.items, plan=plan)


def _edit_page(
    plan: Plan, typed: Mapping[str, str], message: str, latest: Plan | None = None
) -> str:
    return render_template(
        "filing/plan_edit.html",
        plan=plan,
        rows=[*(row for row, _ in plan.tree()), *_unplaced(plan)],
        known=(latest or plan).classes,
        spare=SPARE,
        typed=typed,
        message=message,
        volumes_by=VOLUMES_BY,
    )


def _unplaced(plan: Plan) -> list[object]:
    """Return lines the tree cannot hold (a wrong category or parent), so that none is lost."""
    shown = {row.name for row, _ in plan.tree()}
    return [row for row in plan.classes.values() if row.name not in shown]

"""The pages of the lending matrix: every rule in force, its versions, a new version, trying it.

Whoever keeps the register reads and tries the rules; the head of the archive changes them.
"""

from datetime import date

from apiflask import APIBlueprint
from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from archive.core.clock import local_day
from archive.core.errors import ArchiveError, Conflict, Invalid, NotFound
from archive.core.list_sheets import wants_sheet, whole_list_sheet
from archive.core.web import reading, work
from archive.lending import service
from archive.lending.list_columns import MATRIX, RULES
from archive.lending.matching import BORROWER_CLASSES, CANDIDATES, Mode, Rule
from archive.lending.rule_form import read_rule
from archive.people.gate import actor, guard
from archive.people.rights import SECRECY

pages = APIBlueprint("lending_rules", __name__, url_prefix="/loans/rules", enable_openapi=False)

WORDS = {
    "classes": BORROWER_CLASSES,
    "candidates": CANDIDATES,
    "modes": {str(mode): mode.label for mode in Mode},
    "secrecies": {name: name for name in SECRECY},
}


@pages.get("")
@guard("loan.register")
def matrix() -> str | tuple[str, int] | Response:
    """Show the matrix, and the answer to what was tried."""
    tried, refusal = None, None
    with reading() as uow:
        today = local_day(uow.now())
        lines = service.matrix_lines(uow, today)
        if wants_sheet():
            return whole_list_sheet("借阅规则", MATRIX, lines)
        if request.args.get("username") or request.args.get("item"):
            try:
                tried = service.try_rules(
                    uow,
                    actor(),
                    username=request.args.get("username", ""),
                    item=request.args.get("item", ""),
                    mode=request.args.get("mode", ""),
                    on=_day(request.args.get("on", ""), today),
                )
            except (Invalid, NotFound) as fault:
                refusal = fault
    page = render_template(
        "lending/rules.html", lines=lines, today=today, tried=tried, refusal=refusal, **WORDS
    )
    return (page, 422) if refusal else page


@pages.get("/new")
@guard("loan.rules")
def new() -> str:
    """Show the empty page for a new rule."""
    return _show("", None)


@pages.post("/new")
@guard("loan.rules")
def add() -> Response | tuple[str, int]:
    """Save a new rule."""
    return _save(request.form.get("code", ""), "")


@pages.get("/<code>")
@guard("loan.register")
def rule(code: str) -> str | Response:
    """Show a rule with all its versions, to be changed by whoever may."""
    if wants_sheet():
        with reading() as uow:
            return whole_list_sheet("借阅规则的各版", RULES, service.versions_of(uow, code))
    return _show(code, None)


@pages.post("/<code>")
@guard("loan.rules")
def change(code: str) -> Response | tuple[str, int]:
    """Save the next version of a rule there is."""
    with reading() as uow:
        service.versions_of(uow, code)
    return _save(code, code)


def _save(code: str, shown: str) -> Response | tuple[str, int]:
    try:
        with work() as uow:
            saved = service.save_rule(uow, actor(), read_rule(code, request.form))
            uow.commit()
    except (Invalid, Conflict) as refusal:
        return _show(shown, refusal), 409 if isinstance(refusal, Conflict) else 422
    flash(f"已保存规则 {saved.code} 第 {saved.version} 版，{saved.valid_from} 起生效。", "success")
    return redirect(url_for("lending_rules.rule", code=saved.code))


def _show(code: str, refusal: ArchiveError | None) -> str:
    with reading() as uow:
        today = local_day(uow.now())
        versions = service.versions_of(uow, code) if code else ()
    start = versions[0] if versions else Rule("", 0, today, True, "")
    return render_template(
        "lending/rule.html",
        code=code,
        versions=versions,
        rule=start,
        today=max(today, start.valid_from),
        typed=request.form if refusal else None,
        refusal=refusal,
        **WORDS,
    )


def _day(text: str, default: date) -> date:
    try:
        return date.fromisoformat(text.strip()) if text.strip() else default
    except ValueError:
        raise Invalid("日期不对，请写成 2026-11-23 这样。", {"on": "应为 年-月-日"}) from None

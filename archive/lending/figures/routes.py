"""The page of figures: a period's tables with their bars, and the same as an Excel file."""

from datetime import date

from apiflask import APIBlueprint
from flask import render_template, request
from werkzeug.wrappers import Response

from archive.core.clock import local_day
from archive.core.errors import Invalid
from archive.core.list_sheets import ListColumn, ListPart, list_book, wants_sheet
from archive.core.web import reading
from archive.lending.figures.rules import Line
from archive.lending.figures.service import MODES, Asked, Figures, figures
from archive.people.gate import actor, guard

pages = APIBlueprint(
    "loan_figures",
    __name__,
    url_prefix="/loans",
    template_folder="templates",
    enable_openapi=False,
)

ASKED: tuple[ListColumn[Asked], ...] = (
    ListColumn("档号", lambda one: one.code, 30),
    ListColumn("题名", lambda one: one.title, 40),
    ListColumn("申请次数", lambda one: one.count, 10),
)
COUNTED: tuple[ListColumn[tuple[str, object]], ...] = (
    ListColumn("项目", lambda pair: pair[0], 30),
    ListColumn("数", lambda pair: pair[1], 12),
)


@pages.get("/figures")
@guard("loan.register")
def show() -> str | Response | tuple[str, int]:
    """Show the figures of a period; by default this year up to today."""
    with reading() as uow:
        today = local_day(uow.now())
        try:
            start, end = _day("from", today.replace(month=1, day=1)), _day("to", today)
            found = figures(uow, actor(), start, end)
        except Invalid as refusal:
            return _page(None, refusal), 422
    return _book(found) if wants_sheet() else _page(found, None)


def _page(found: Figures | None, refusal: Invalid | None) -> str:
    dates = request.args if found is None else {"from": found.start, "to": found.end}
    return render_template(
        "figures/figures.html", found=found, refusal=refusal, dates=dates, modes=MODES
    )


def _book(found: Figures) -> Response:
    stay = found.stay
    whole: list[tuple[str, object]] = [
        ("开始日期", found.start),
        ("结束日期", found.end),
        *zip(MODES, found.total.counts, strict=True),
        ("还没有还", stay.still_out),
        ("逾期过", stay.late),
        ("逾期率（%）", _rounded(stay.late_share)),
        ("借出天数，中位数", _rounded(stay.median_days)),
        ("借出天数，最长", _rounded(stay.longest_days)),
        ("被拒绝的申请", found.refused),
    ]
    return list_book(
        "借阅统计",
        ListPart.whole("概况", COUNTED, whole),
        *(
            ListPart.whole(table.title, _columns(table.title), table.lines)
            for table in found.tables
        ),
        ListPart.whole("申请最多", ASKED, found.asked),
        ListPart.whole("拒绝的理由", COUNTED, found.refusals),
        ListPart.whole("遗失损坏", COUNTED, found.incidents),
    )


def _columns(title: str) -> tuple[ListColumn[Line], ...]:
    return (
        ListColumn(title.removeprefix("按"), lambda line: line.label, 30),
        *(_of_mode(place, mode) for place, mode in enumerate(MODES)),
        ListColumn("合计", lambda line: line.total, 10),
    )


def _of_mode(place: int, mode: str) -> ListColumn[Line]:
    return ListColumn(mode, lambda line: line.counts[place], 10)


def _rounded(value: float | None) -> float | str:
    return "" if value is None else round(value, 1)


def _day(name: str, default: date) -> date:
    text = request.args.get(name, "").strip()
    try:
        return date.fromisoformat(text) if text else default
    except ValueError:
        raise Invalid("日期不对，请写成 2026-11-23 这样。", {name: "应为 年-月-日"}) from None

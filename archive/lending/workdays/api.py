"""The calendar of working days over the API: a year, a count, days changed, a notice entered."""

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from archive.core.calendar import load_book, load_calendar
from archive.core.calls import Closed, Strict
from archive.core.clock import local_day
from archive.core.errors import Invalid
from archive.core.web import reading, work
from archive.lending.typed import day_sent
from archive.lending.workdays import service
from archive.lending.workdays.notice import MAX_TEXT
from archive.lending.workdays.service import DaysChange, NoticeEntry
from archive.lending.workdays.views import DayView, year_view
from archive.people.gate import actor, guard

api = APIBlueprint("workdays_api", __name__, url_prefix="/api/v1/calendar", tag="loans")

MOST_COUNTED = 366


class DayOut(BaseModel):
    """A day that is not as Monday to Friday would have it, or that has a name or a note.

    ``by_hand``: it was corrected by hand, and ``note`` says why.
    """

    day: str
    is_open: bool
    name: str
    note: str
    by_hand: bool


class YearOut(BaseModel):
    """A year: all days not in ``days`` are open from Monday to Friday.

    Unpublished it is provisional. ``version`` is what a change is made from.
    """

    year: int
    published: bool
    basis: str
    version: str
    days: list[DayOut]


class CountQuery(Closed):
    """After which day (ISO), and the how manyth working day."""

    after: str
    count: int = Field(ge=1, le=MOST_COUNTED)


class CountOut(BaseModel):
    """The working day found, and whether its year is provisional."""

    day: str
    provisional: bool


class DaysIn(Strict):
    """Days to change: ``what`` is closed, open or restore; ``last`` empty means that day only."""

    first: str = Field(max_length=20)
    last: str = Field(default="", max_length=20)
    what: str = Field(max_length=20)
    note: str = Field(default="", max_length=400)
    version: str = Field(max_length=64)


class ChangedOut(BaseModel):
    """How many loans moved, and the calendar's version now."""

    moved: int
    version: str


class NoticeIn(Strict):
    """A year's notice: its text and its basis; with ``dry_run`` it is only read."""

    year: int
    text: str = Field(max_length=2 * MAX_TEXT)
    basis: str = Field(max_length=400)
    version: str = Field(default="", max_length=64)
    dry_run: bool = False


class HolidayOut(BaseModel):
    """A holiday: its days off, and the days worked in return."""

    name: str
    closed: list[str]
    worked: list[str]


class NoticeOut(ChangedOut):
    """What the notice says; ``moved`` are the loans that moved, or would."""

    year: int
    saved: bool
    holidays: list[HolidayOut]


@api.get("/<int:year>")
@api.output(YearOut)
@guard("loan.register")
def one_year(year: int) -> dict[str, object]:
    """Return a year, from last year to two years on."""
    with reading() as uow:
        found = year_view(uow, actor(), year)
    return {
        "year": found.year,
        "published": found.is_published,
        "basis": found.basis,
        "version": found.version,
        "days": [_told_day(one) for one in found.days if not one.is_usual],
    }


@api.get("/working-day")
@api.input(CountQuery, location="query")
@api.output(CountOut)
@guard("loan.register")
def working_day(query_data: CountQuery) -> dict[str, object]:
    """Return the n-th working day after a day."""
    with reading() as uow:
        years = service.years_open(local_day(uow.now()))
        after = day_sent(query_data.after.strip(), "after")
        if after.year not in years:
            told = f"应在 {years[0]} 年到 {years[-1]} 年之间"
            raise Invalid(f"日期不对：{told}。", {"after": told})
        calendar = load_calendar(uow)
    found = calendar.add_working_days(after, query_data.count)
    return {"day": found.isoformat(), "provisional": not calendar.is_known(found)}


@api.put("/days")
@api.input(DaysIn, location="json")
@api.output(ChangedOut)
@guard("loan.rules")
def change_days(json_data: DaysIn) -> dict[str, object]:
    """Set days by hand, or take what was set away; due days move along."""
    change = DaysChange(json_data.first, json_data.last, json_data.what, json_data.note)
    with work() as uow:
        moved = service.change_days(uow, actor(), change, json_data.version)
        version = load_book(uow).version
        uow.commit()
    return {"moved": moved, "version": version}


@api.post("/notices")
@api.input(NoticeIn, location="json")
@api.output(NoticeOut)
@guard("loan.rules")
def enter_notice(json_data: NoticeIn) -> dict[str, object]:
    """Read a year's notice and, unless it is a dry run, save it; due days move along."""
    entry = NoticeEntry(json_data.year, json_data.text, json_data.basis)
    with reading() as uow:
        draft = service.preview_notice(uow, actor(), entry)
        moved, version = draft.moved, load_book(uow).version
    if not json_data.dry_run:
        with work() as uow:
            moved = service.save_notice(uow, actor(), entry, json_data.version)
            version = load_book(uow).version
            uow.commit()
    return {
        "year": entry.year,
        "saved": not json_data.dry_run,
        "moved": moved,
        "version": version,
        "holidays": [
            {
                "name": one.name,
                "closed": [day.isoformat() for day in one.closed_days],
                "worked": [day.isoformat() for day in one.worked],
            }
            for one in draft.holidays
        ],
    }


def _told_day(one: DayView) -> dict[str, object]:
    return {**{name: getattr(one, name) for name in DayOut.model_fields}, "day": str(one.day)}

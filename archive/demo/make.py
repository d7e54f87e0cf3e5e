"""Tells the demo company's story from its first day to today; broken off, it is taken up again."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, select

from archive.core.calendar import WorkCalendar
from archive.core.clock import SHANGHAI, local_day
from archive.core.errors import Conflict
from archive.core.profile import ProfileEntry, load_profile, save_profile
from archive.core.resources import Resources
from archive.customers import service as customers
from archive.customers.views import CustomerFields
from archive.demo.firms import REGISTERED, Firm
from archive.demo.loans import loan_acts
from archive.demo.papers import paper_acts, story_papers
from archive.demo.staff import COMPANY, FONDS, Account, accounts, add_staff, hash_passwords
from archive.demo.stage import Act, Stage, meet_people, standing_at
from archive.lending.service import seed_rules
from archive.people import service as people
from archive.people.models import User
from archive.people.rights import Actor
from archive.signing.keys import company_key
from storage.work import UnitOfWork

MARK = "demo"
LONGEST_AGO = 320  # working days
OnProgress = Callable[[int, int | None], None]


@dataclass(frozen=True)
class _Dated:
    """An act and the instant it happens at."""

    at: datetime
    act: Act


def make_demo(resources: Resources, on_progress: OnProgress) -> tuple[Account, ...]:
    """Make the company, or finish making it; return its accounts.

    A second run changes nothing. Raises Conflict where other people's data is.
    """
    if _mark(resources) == "done":
        return accounts()
    acts = _in_order(local_day(resources.clock()))
    stage_at = _found_company(resources, acts[0].at - timedelta(days=1))
    for number, dated in enumerate(acts, start=1):
        dated.act.do(stage_at(dated.at))
        on_progress(number, len(acts))
    with resources.work() as uow:
        _set_mark(uow, "done")
        uow.commit()
    return accounts()


def _mark(resources: Resources) -> str:
    """Return how far the demo is; raise Conflict where there is data of others."""
    with resources.reading() as uow:
        row = uow.session.get(ProfileEntry, MARK)
        if row is not None:
            return row.value
        if uow.session.scalar(select(func.count()).select_from(User)):
            raise Conflict(
                f"{resources.settings.data} 里已经有数据，不能再放示例公司。"
                "请用 ARCHIVE_DATA 指定一个空的数据目录后再运行 archive demo。"
            )
    return ""


def _set_mark(uow: UnitOfWork, value: str) -> None:
    uow.session.merge(ProfileEntry(key=MARK, value=value))
    uow.session.flush()


def _found_company(resources: Resources, first_day: datetime) -> Callable[[datetime], Stage]:
    """Add staff, rules and customers once; return how to set the stage at any instant."""
    then = replace(resources, clock=standing_at(first_day))
    hashes = hash_passwords()
    with then.work() as uow:
        if uow.session.get(ProfileEntry, MARK) is None:
            save_profile(uow, replace(load_profile(uow), company=COMPANY, fonds=FONDS))
            add_staff(uow, hashes)
            seed_rules(uow)
            _set_mark(uow, "begun")
            uow.commit()
    company_key(then)
    actors = meet_people(resources)
    with then.work() as uow:
        for firm in REGISTERED:
            if customers.find_by_name(uow, firm.name) is None:
                _register(uow, actors, firm)
        uow.commit()
    records: dict[str, int] = {}
    return lambda at: Stage(replace(resources, clock=standing_at(at)), actors, records)


def _register(uow: UnitOfWork, actors: dict[str, Actor], firm: Firm) -> None:
    keeper = actors.get(firm.keeper)
    units = {unit.code: unit.id for unit in people.departments(uow)}
    fields = CustomerFields(
        name=firm.name,
        short_name=firm.short,
        credit_code=firm.credit_code,
        legal_person=firm.contact,
        address=firm.address,
        factory_address=firm.factory_address,
        phone=firm.phone,
        factory_phone=firm.factory_phone,
        region=firm.region,
        status=firm.status,
        owner_id=keeper.id if keeper else None,
        department_id=units["XSB"] if keeper else None,
        first_contact=local_day(uow.now()),
    )
    customers.create_customer(uow, actors["fangjiaming"], fields)


def _in_order(today: date) -> list[_Dated]:
    """Return every act of the story with its instant, earliest first."""
    days = _working_days_before(today)
    told: list[Act] = [*loan_acts()]
    for place, paper in enumerate(story_papers()):
        told.extend(paper_acts(paper, place))
    dated = [_Dated(_instant(days[act.day], act.minute), act) for act in told if act.day >= 1]
    return sorted(dated, key=lambda one: one.at)


def _working_days_before(today: date) -> list[date]:
    """Return today and the working days before it: index 0 is today, 1 the last one before."""
    calendar, days, day = WorkCalendar(), [today], today
    while len(days) <= LONGEST_AGO:
        day -= timedelta(days=1)
        if calendar.is_open(day):
            days.append(day)
    return days


def _instant(day: date, minute: int) -> datetime:
    local = datetime.combine(day, time(), SHANGHAI) + timedelta(minutes=minute)
    return local.astimezone(UTC)

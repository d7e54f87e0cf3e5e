"""The nightly rolling sample: a part of the holdings every night, the longest unchecked first.

Once a local day. At least a 365th of what is filed, so that everything is seen in a year; the
setting ``ARCHIVE_SAMPLE`` may ask for more. Done in small steps, each one transaction that
counts itself: a killed worker's night is taken up where it was, and nothing is counted twice.
Source: archive.md 4; ISO 14721 (fixity), DA/T 70 长期保存环节.
"""

import math
import time

from sqlalchemy import func, select

from archive.core.clock import local_day
from archive.core.resources import Resources
from archive.filing.checks import gathering, runs
from archive.filing.checks.judging import judge
from archive.filing.checks.models import CheckRun, ItemFixity
from archive.filing.checks.reading import see
from archive.filing.checks.scheme import load_scheme
from archive.filing.models import HELD, Item
from storage.work import UnitOfWork

SAMPLE = "sample"
A_YEAR = 365
STEP = 20
SECONDS_A_TURN = 20.0


def do_sample(resources: Resources, seconds: float = SECONDS_A_TURN) -> int:
    """Go on with tonight's sample for about so many seconds; return how many were checked.

    What is left is done at the next turn of the chores.
    """
    day = local_day(resources.clock()).isoformat()
    began, checked = time.monotonic(), 0
    while time.monotonic() - began < seconds:
        step = _step(resources, day)
        if step == 0:
            break
        checked += step
    return checked


def sample_size(holdings: int, least: int) -> int:
    """Return how many of the holdings are checked in a night."""
    return min(holdings, max(least, math.ceil(holdings / A_YEAR)))


def _step(resources: Resources, day: str) -> int:
    """Check the next few papers of the night; 0 when it is done or another worker was quicker."""
    with resources.work() as uow:
        night = _night(uow, day, resources.settings.sample)
        if night is None or night.ended_at is not None:
            return 0
        run_id, done = night.id, night.papers
        ids = _next(uow, night, min(STEP, night.wanted - done))
        if not ids:
            _end(uow, night)
        uow.commit()
    if not ids:
        return 0
    with resources.reading() as uow:
        papers = gathering.papers_of(uow, ids)
        confirmed = runs.confirmed_of(uow, ids)
    report = judge(see(resources, papers, anew=True), SAMPLE, confirmed)
    with resources.work() as uow:
        row = uow.session.get(CheckRun, run_id, with_for_update=True)
        if row is None or row.papers != done:
            return 0  # another worker did these
        runs.add_to_run(uow, row, report)
        for item_id in ids:
            fixity = uow.session.get(ItemFixity, item_id) or ItemFixity(item_id=item_id)
            fixity.checked_at, fixity.run_id = uow.now(), run_id
            uow.session.add(fixity)
        if row.papers >= row.wanted:
            _end(uow, row)
        uow.commit()
    return len(ids)


def _night(uow: UnitOfWork, day: str, least: int) -> CheckRun | None:
    """Return the day's run, begun if there is none yet; None while nothing is filed."""
    row = uow.session.scalar(select(CheckRun).where(CheckRun.day == day))
    if row is not None:
        return row
    query = select(func.count()).select_from(Item).where(Item.state.in_(HELD))
    holdings = uow.session.scalar(query) or 0
    if not holdings:
        return None
    row = CheckRun(
        stage=SAMPLE,
        why=f"{day} 抽检",
        scheme=load_scheme().version,
        started_at=uow.now(),
        day=day,
        wanted=sample_size(holdings, least),
        papers=0,
        failed=0,
        stops=False,
        summary={},
    )
    uow.session.add(row)
    uow.session.flush()
    return row


def _next(uow: UnitOfWork, night: CheckRun, most: int) -> list[int]:
    """Return the filed items not seen tonight, those never or longest ago checked first."""
    query = (
        select(Item.id)
        .outerjoin(ItemFixity, ItemFixity.item_id == Item.id)
        .where(
            Item.state.in_(HELD),
            func.coalesce(ItemFixity.run_id, 0) != night.id,
        )
        .order_by(ItemFixity.checked_at.is_not(None), ItemFixity.checked_at, Item.id)
        .limit(max(most, 0))
    )
    return list(uow.session.scalars(query))


def _end(uow: UnitOfWork, night: CheckRun) -> None:
    night.ended_at = uow.now()
    uow.session.flush()

"""When people are reminded of a loan, and who (archive.md 6, Notices). Pure.

Two working days before, on the day, and when one, three, seven and fifteen working days late.
"""

from dataclasses import dataclass
from datetime import date

from archive.core.calendar import WorkCalendar

BORROWER, HEAD, LEADER, ARCHIVE = "borrower", "head", "leader", "archive"


@dataclass(frozen=True)
class Step:
    """One step of the schedule: from how many working days late on (before: negative), to whom."""

    kind: str
    days_late: int
    to: tuple[str, ...]


SCHEDULE = (
    Step("before", -2, (BORROWER,)),
    Step("due", 0, (BORROWER,)),
    Step("late1", 1, (BORROWER,)),
    Step("late3", 3, (BORROWER, HEAD)),
    Step("late7", 7, (BORROWER, HEAD, LEADER)),
    Step("late15", 15, (BORROWER, HEAD, LEADER, ARCHIVE)),
)


def step_reached(due_on: date, on: date, calendar: WorkCalendar) -> Step | None:
    """Return the latest step reached, or None while it is too early.

    Only the latest: after days without a worker nobody gets a heap of outdated reminders, and
    each step goes to everybody the steps before went to.
    """
    if on < due_on:
        late = -calendar.working_days_between(on, due_on)
    else:
        late = calendar.working_days_between(due_on, on)
    if on < due_on and late == 0:
        late = -1  # only closed days lie between: due, but not yet
    reached = [step for step in SCHEDULE if step.days_late <= late]
    return reached[-1] if reached else None

"""What the lending desk does by itself, from the worker's chores: lapsing, reminding, forgetting.

Everything here may run twice, late, or on several workers: it looks at the rows afresh.
"""

from archive.core.resources import Resources
from archive.lending.approval_reminders import remind_approvers
from archive.lending.queue import let_lapse
from archive.lending.reminders import remind
from archive.lending.viewing.service import close_run_out
from archive.lending.visits.keeping import forget_outsiders
from archive.lending.workdays.service import catch_up
from archive.lending.year_end.service import recall_by_year_end


def do_loan_chores(resources: Resources) -> int:
    """Void, close, remind and forget what its day has come for; return the number of acts."""
    with resources.work() as uow:
        done = catch_up(uow) + recall_by_year_end(uow)  # first: reminders go by the new due day
        done += let_lapse(uow) + close_run_out(uow) + remind(uow) + remind_approvers(uow)
        done += forget_outsiders(uow)
        uow.commit()
    return done

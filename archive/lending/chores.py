"""What the lending desk does by itself, from the worker's chores: lets requests lapse, reminds.

Everything here may run twice, late, or on several workers: it looks at the rows afresh.
"""

from archive.core.resources import Resources
from archive.lending.approval_reminders import remind_approvers
from archive.lending.queue import let_lapse
from archive.lending.reminders import remind
from archive.lending.viewing.service import close_run_out


def do_loan_chores(resources: Resources) -> int:
    """Void what nobody picked up, close views run out, remind of what is due; count the acts."""
    with resources.work() as uow:
        done = let_lapse(uow) + close_run_out(uow) + remind(uow) + remind_approvers(uow)
        uow.commit()
    return done

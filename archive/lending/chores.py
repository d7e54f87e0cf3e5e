"""What the lending desk does by itself, from the worker's chores: lets requests lapse.

Everything here may run twice, late, or on several workers: it looks at the rows afresh.
"""

from archive.core.resources import Resources
from archive.lending.queue import let_lapse


def do_loan_chores(resources: Resources) -> int:
    """Void what nobody picked up in time; return how many."""
    with resources.work() as uow:
        void = let_lapse(uow)
        uow.commit()
    return void

"""Whether a paper's kept files may be handed out; a later station may have put them aside.

This station knows no archive item; the one that does says so here when it is loaded
(``before_handing_out``), and is asked each time (``require_free``).
"""

from collections.abc import Callable

from storage.work import UnitOfWork

Check = Callable[[UnitOfWork, int], None]
_CHECKS: list[Check] = []


def before_handing_out(check: Check) -> Check:
    """Have `check` asked with a record's id; it raises where the files are withheld."""
    _CHECKS.append(check)
    return check


def require_free(uow: UnitOfWork, record_id: int) -> None:
    """Raise what a check raises when the kept files of a record are withheld."""
    for check in _CHECKS:
        check(uow, record_id)

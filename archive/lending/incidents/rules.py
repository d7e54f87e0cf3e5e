"""Which outcomes an incident may have, and what then becomes of the copy. Pure."""

from archive.filing.models import CopyStatus
from archive.lending.incidents.models import IncidentKind, Outcome

_OPEN_LOAN = (IncidentKind.OVERDUE, IncidentKind.LOSS)


def outcomes(kind: str, loan_is_open: bool) -> tuple[Outcome, ...]:
    """Return what may be decided: while the copy is out only its loss; returning closes by itself.

    Of a copy that is back, that it was mended, is kept as it is, or is lost after all.
    """
    if loan_is_open:
        return (Outcome.LOST,)
    if kind in _OPEN_LOAN:
        return (Outcome.RETURNED, Outcome.LOST)
    return (Outcome.MENDED, Outcome.ACCEPTED, Outcome.LOST)


def closes_with_return(kind: str) -> bool:
    """Say whether bringing the copy back settles the incident."""
    return kind in _OPEN_LOAN


def status_after(outcome: Outcome, others_open: bool) -> CopyStatus:
    """Return where the copy is once this incident is closed; others of it may still be open."""
    if outcome is Outcome.LOST:
        return CopyStatus.LOST
    return CopyStatus.MISSING if others_open else CopyStatus.IN

"""Deletes what is personal of an outsider once its term has run out; the visit itself stays.

The term and its ground are ``outsider_id_years`` of the policy (rules.toml). Called by the
worker's chores.
"""

from datetime import date

from sqlalchemy import Select, or_, select

from archive.core.clock import local_day
from archive.lending import matrix
from archive.lending.visits.models import LoanVisit
from archive.lending.visits.rules import kept_until
from archive.tasks.service import forget_digests
from storage.work import UnitOfWork


def last_day(row: LoanVisit) -> date:
    """Return until when document number and letter's scan of a visit are kept, that day included.

    The term runs from the end of the visit, of one whose end was never noted from its beginning.
    """
    return kept_until(local_day(row.ended_at or row.began_at), matrix.policy().outsider_id_years)


def forget_outsiders(uow: UnitOfWork) -> int:
    """Delete the numbers and scans whose term has run out; return of how many visits.

    The journal keeps that it was done, never what the number was.
    """
    today, done = local_day(uow.now()), 0
    for row in uow.session.scalars(_kept()).all():
        until = last_day(row)
        if until >= today:
            continue
        scans = {row.letter_sha256} if row.letter_sha256 else set()
        row.id_number, row.letter_sha256, row.letter_type = "", None, ""
        uow.session.flush()
        forget_digests(uow, scans)
        detail = {"kept_until": until.isoformat(), "letter": bool(scans)}
        uow.journal(None, "visit.forget", "loan_visit", row.id, detail)
        done += 1
    return done


def _kept() -> Select[LoanVisit]:
    """The visits of which something personal is still kept, the oldest first."""
    return (
        select(LoanVisit)
        .where(or_(LoanVisit.id_number != "", LoanVisit.letter_sha256.is_not(None)))
        .order_by(LoanVisit.id)
    )

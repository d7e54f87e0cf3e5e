"""Who decides on loans for whom today (委托): the delegations set for signing hold here too.

One that names a form counts here when that form is the application (A01). The approver asked
stays who they are; whoever decides for them is noted beside and printed as 代.
"""

from collections.abc import Iterable

from archive.lending.models import LoanApproval, LoanRequest
from archive.people.rights import Actor
from archive.signing.delegation import agents_today, owners_today
from storage.work import UnitOfWork

FORM = "A01"


def deputies(uow: UnitOfWork, approver_ids: Iterable[int]) -> dict[int, int]:
    """Return, of those approvers who are away today, who decides for them."""
    return agents_today(uow, approver_ids, FORM)


def stands_in_for(uow: UnitOfWork, actor: Actor) -> frozenset[int]:
    """Return the approvers for whom this person decides today."""
    return owners_today(uow, actor.id, FORM)


def may_decide(actor: Actor, row: LoanRequest, step: LoanApproval, away: frozenset[int]) -> bool:
    """Say whether a step is this person's: as the approver, or for one of ``away``.

    For another only what is neither one's own request nor above one's clearance.
    """
    if step.approver_id == actor.id:
        return True
    secrecy: int = row.decision["secrecy"]
    return step.approver_id in away and row.borrower_id != actor.id and secrecy <= actor.clearance

"""Requests and loans in the words of the API (plain JSON)."""

from archive.core.errors import Forbidden
from archive.lending.views import Refused, RequestView, Signed


def told_outcome(outcome: RequestView | Refused) -> dict[str, object]:
    """Return what came of asking; raise Forbidden with every reason where it was refused."""
    if isinstance(outcome, Refused):
        raise Forbidden(outcome.message, {reason.code: reason.text for reason in outcome.reasons})
    return told_request(outcome)


def told_request(view: RequestView) -> dict[str, object]:
    """Return the request with its approvals and its loan."""
    return {
        "id": view.id,
        "number": view.number,
        "item_id": view.item_id,
        "item_title": view.item_title,
        "item_code": view.item_code,
        "borrower": view.borrower_name,
        "department": view.borrower_department,
        "mode": view.mode,
        "purpose": view.purpose,
        "business_reference": view.business_reference,
        "state": view.state,
        "state_label": view.state_label,
        "rule": view.rule,
        "due": view.due.isoformat() if view.due else None,
        "created_at": view.created_at,
        "version": view.version,
        "queued": view.queued,
        "place": view.place or None,
        "pick_up_by": view.pick_up_by.isoformat() if view.pick_up_by else None,
        "note": view.closing_note or view.next_in_line,
        "approvals": [
            {
                "seq": step.seq,
                "candidate": step.candidate,
                "label": step.label,
                "approver": step.approver_name,
                "deputy": step.deputy,
                "state": step.state,
                "opinion": step.opinion,
                "decided_at": step.decided_at,
            }
            for step in view.approvals
        ],
        "loan": _told_loan(view),
    }


def _told_loan(view: RequestView) -> dict[str, object] | None:
    loan = view.loan
    if loan is None:
        return None
    return {
        "id": loan.id,
        "barcode": loan.barcode,
        "handed_at": loan.handed_at,
        "handed_by": loan.handed_by_name,
        "due": loan.due_on.isoformat(),
        "pages_out": loan.pages_out,
        "returned_at": loan.returned_at,
        "pages_in": loan.pages_in,
        "intact": loan.intact,
        "condition": loan.condition,
        "overdue": loan.is_overdue,
        "state_label": loan.state_label,
        "renewals": loan.renewals,
        "recalled_at": loan.recalled_at,
        "recall_reason": loan.recall_reason,
        "signed_out": _told_signed(loan.signed_out),
        "signed_back": _told_signed(loan.signed_back),
    }


def _told_signed(signed: Signed | None) -> dict[str, str] | None:
    return {"way": str(signed.way), "digest": signed.digest} if signed else None

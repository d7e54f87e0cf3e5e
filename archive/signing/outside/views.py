"""Invitations as pages and calls see them: no secrets in them."""

from dataclasses import dataclass
from datetime import datetime

STATES = {
    "open": "等对方签",
    "expired": "已过期",
    "signed": "对方已签",
    "declined": "对方不签",
    "revoked": "已收回",
    "locked": "验证码错太多次，已停用",
}


@dataclass(frozen=True)
class InvitationView:
    """An invitation to the other party, and what came of it."""

    id: int
    record_id: int
    run_id: int
    seq: int
    slot: int
    role: str
    party: str
    contact: str
    made_by_id: int
    made_by_name: str
    made_at: datetime
    expires_at: datetime
    state: str
    pdf_sha256: str
    opened_at: datetime | None
    ended_at: datetime | None
    name: str
    phone: str
    reason: str

    @property
    def state_label(self) -> str:
        """The state as shown to people."""
        return STATES[self.state]


@dataclass(frozen=True)
class Invited:
    """A fresh invitation with its link and code, which are shown this once.

    The code is empty where it was mailed to ``mailed_to``.
    """

    invitation: InvitationView
    url: str
    code: str
    mailed_to: str = ""


@dataclass(frozen=True)
class OutsidePaper:
    """What the other party may see: the one paper, and who asks for the signature."""

    invitation: InvitationView
    company: str
    title: str
    number: str
    form_title: str
    pages: int


@dataclass(frozen=True)
class OutsideOutcome:
    """How an invitation ended, for the other party's last page."""

    state: str
    title: str
    company: str

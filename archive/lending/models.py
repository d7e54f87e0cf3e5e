"""Rows of lending rules, requests, approvals, loans, renewals, notices and refusals."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.database import Base


class RequestState(StrEnum):
    """Where a loan request stands; ``label`` is shown."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    HANDED_OUT = "handed_out"
    CLOSED = "closed"
    VOID = "void"

    @property
    def label(self) -> str:
        """Return the state as shown to people."""
        return {
            "waiting": "待审批",
            "approved": "已批准，待取件",
            "refused": "已拒绝",
            "withdrawn": "已撤回",
            "handed_out": "借出",
            "closed": "已归还",
            "void": "已作废",
        }[self.value]


class LoanRule(Base):
    """One line of the lending matrix (借阅规则): whom it fits, what it allows, on what basis.

    An empty condition fits everything, several values stand with ``/`` between them.
    ``approvals`` lists the approver candidates in order. A change is a new version of the code.
    """

    __tablename__ = "loan_rule"
    __table_args__ = (UniqueConstraint("code", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    version: Mapped[int]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]
    borrower_class: Mapped[str] = mapped_column(
        String(60), default=""
    )  # own | other | audit | outside
    category: Mapped[str] = mapped_column(String(200), default="")
    secrecy: Mapped[str] = mapped_column(String(60), default="")
    mode: Mapped[str] = mapped_column(String(60), default="")
    place: Mapped[str] = mapped_column(String(80), default="")
    allowed: Mapped[bool]
    days: Mapped[int] = mapped_column(default=0)
    working_days: Mapped[bool] = mapped_column(default=True)
    renewals: Mapped[int] = mapped_column(default=0)
    renewal_days: Mapped[int] = mapped_column(default=0)
    limit: Mapped[int | None]
    approvals: Mapped[list[Any]]
    conditions: Mapped[str] = mapped_column(Text, default="")
    prints: Mapped[int] = mapped_column(default=0)
    download: Mapped[bool] = mapped_column(default=False)
    basis: Mapped[str] = mapped_column(Text)


class LoanRequest(Base):
    """A request to borrow (借阅申请): who, what, how, why, until when.

    ``queued`` marks a reservation (预约), made while no copy was free. ``pick_up_by`` is the last
    day for which a copy is held for an approved request; without it the request stands in line.
    ``closing_note`` says why a request became void, or how a view or copy ended. ``group_id`` is
    the loan note (借阅单) it was asked on with others, ``volume_id`` the whole volume it was asked
    as part of, ``wanted_until`` the day the asker gave, ``visit_id`` the outsider who reads.
    """

    __tablename__ = "loan_request"
    __table_args__ = (
        Index("ix_loan_request_borrower_state", "borrower_id", "state"),
        Index("ix_loan_request_item_state", "item_id", "state"),
        Index("ix_loan_request_borrower_item", "borrower_id", "item_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(20), unique=True)
    borrower_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    mode: Mapped[str] = mapped_column(String(12))  # original | onsite | electronic | copy
    purpose: Mapped[str] = mapped_column(Text)
    business_reference: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(20), index=True)
    decision: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]
    queued: Mapped[bool] = mapped_column(default=False)
    pick_up_by: Mapped[date | None] = mapped_column(index=True)
    closing_note: Mapped[str] = mapped_column(Text, default="")
    group_id: Mapped[int | None] = mapped_column(ForeignKey("loan_group.id"), index=True)
    volume_id: Mapped[int | None] = mapped_column(ForeignKey("volume.id"))
    wanted_until: Mapped[date | None]
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("loan_visit.id"), index=True)
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}


class LoanApproval(Base):
    """One approval a request needs, in order; ``approver_id`` is who must decide.

    ``renewal_id`` is set where the approval is for a renewal of the loan; ``decided_by`` who
    decided in the approver's name (代) by a delegation of that day.
    """

    __tablename__ = "loan_approval"
    __table_args__ = (
        UniqueConstraint("request_id", "seq"),
        Index("ix_loan_approval_state_approver", "state", "approver_id"),
        Index("ix_loan_approval_approver_decided", "approver_id", "decided_at"),
        Index("ix_loan_approval_deputy_decided", "decided_by", "decided_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("loan_request.id"), index=True)
    seq: Mapped[int]
    candidate: Mapped[str] = mapped_column(String(40))
    approver_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    state: Mapped[str] = mapped_column(
        String(12)
    )  # waiting | open | approved | refused | cancelled
    opinion: Mapped[str] = mapped_column(Text, default="")
    decided_at: Mapped[datetime | None]
    renewal_id: Mapped[int | None] = mapped_column(ForeignKey("loan_renewal.id"))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))


class Loan(Base):
    """A copy handed out (借阅): due when, back when, in what condition; one open loan a copy.

    ``renewals`` counts the granted ones; a recall (催回) leaves its time and reason. ``out_`` and
    ``back_``: how the borrower signed, the digest of what was signed, the picture if drawn.
    """

    __tablename__ = "loan"
    __table_args__ = (
        Index(
            "ix_loan_open_copy",
            "copy_id",
            unique=True,
            sqlite_where=text("returned_at IS NULL"),
            postgresql_where=text("returned_at IS NULL"),
        ),
        Index(
            "ix_loan_open_borrower",
            "borrower_id",
            sqlite_where=text("returned_at IS NULL"),
            postgresql_where=text("returned_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    request_id: Mapped[int] = mapped_column(ForeignKey("loan_request.id"), index=True)
    copy_id: Mapped[int] = mapped_column(ForeignKey("item_copy.id"), index=True)
    borrower_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    rule: Mapped[dict[str, Any]]
    handed_at: Mapped[datetime] = mapped_column(index=True)
    handed_by: Mapped[int] = mapped_column(ForeignKey("user.id"))
    due_on: Mapped[date] = mapped_column(index=True)
    pages_out: Mapped[int]
    returned_at: Mapped[datetime | None] = mapped_column(index=True)
    received_by: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    pages_in: Mapped[int | None]
    intact: Mapped[bool | None]
    condition: Mapped[str] = mapped_column(Text, default="")
    out_way: Mapped[str] = mapped_column(String(12), default="")
    out_digest: Mapped[str] = mapped_column(String(64), default="")
    out_picture: Mapped[str | None] = mapped_column(ForeignKey("stored_file.sha256"))
    back_way: Mapped[str] = mapped_column(String(12), default="")
    back_digest: Mapped[str] = mapped_column(String(64), default="")
    back_picture: Mapped[str | None] = mapped_column(ForeignKey("stored_file.sha256"))
    renewals: Mapped[int] = mapped_column(default=0)
    recalled_at: Mapped[datetime | None]
    recall_reason: Mapped[str] = mapped_column(Text, default="")
    row_version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": row_version}


class LoanRefusal(Base):
    """A refused request (append-only): who asked for what, how, and every reason.

    ``request_id`` is set when an approver refused; what the rules refuse never became a request.
    """

    __tablename__ = "loan_refusal"

    id: Mapped[int] = mapped_column(primary_key=True)
    borrower_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    mode: Mapped[str] = mapped_column(String(12))
    purpose: Mapped[str] = mapped_column(Text)
    business_reference: Mapped[str] = mapped_column(String(200), default="")
    reasons: Mapped[list[Any]]
    request_id: Mapped[int | None] = mapped_column(ForeignKey("loan_request.id"))
    at: Mapped[datetime] = mapped_column(index=True)


class LoanRenewal(Base):
    """A renewal asked for (续借): waiting for approvals, granted, refused or cancelled."""

    __tablename__ = "loan_renewal"

    id: Mapped[int] = mapped_column(primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loan.id"), index=True)
    state: Mapped[str] = mapped_column(String(12))  # waiting | granted | refused | cancelled
    due_before: Mapped[date]
    due_after: Mapped[date]
    asked_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]


class LoanNotice(Base):
    """Something a person is told about lending (通知), in the app and by e-mail.

    ``key`` says what it is about and is told once; ``mailed_at`` is set when the mail left.
    """

    __tablename__ = "loan_notice"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("loan_request.id"))
    kind: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(80), unique=True)
    text: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]
    mailed_at: Mapped[datetime | None]


class LoanFeed(Base):
    """The calendar of one's due days (日历订阅): the digest of its secret address."""

    __tablename__ = "loan_feed"

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]

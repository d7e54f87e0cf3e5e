"""What the lending API takes and gives, for its checks and its contract (openapi.json)."""

from pydantic import BaseModel, Field

from archive.core.calls import Closed, Strict
from archive.core.described import Instant
from archive.lending.confirming.rules import LONGEST_PIN
from archive.lending.rules import MAX_PURPOSE, MAX_REFERENCE
from archive.people.access import MAX_PASSWORD

LARGEST_ID = 2**63 - 1


class DecideIn(Strict):
    """What to decide; without ``purpose`` purpose and reference are left aside.

    ``borrower`` is a user name, for those who keep the register; by default oneself.
    """

    item_id: int = Field(ge=1, le=LARGEST_ID)
    mode: str
    on: str | None = None
    purpose: str | None = Field(default=None, max_length=MAX_PURPOSE)
    business_reference: str = Field(default="", max_length=MAX_REFERENCE)
    borrower: str = Field(default="", max_length=80)


class DecisionQuery(Closed):
    """The same question as a query."""

    item: int = Field(ge=1, le=LARGEST_ID)
    mode: str
    on: str | None = None
    purpose: str | None = Field(default=None, max_length=MAX_PURPOSE)
    business_reference: str = Field(default="", max_length=MAX_REFERENCE)
    borrower: str = Field(default="", max_length=80)


class ReasonOut(BaseModel):
    """Why not: a stable code and a sentence."""

    code: str
    text: str


class ApproverOut(BaseModel):
    """Who would approve, and as what."""

    candidate: str
    label: str
    name: str


class DecisionOut(BaseModel):
    """The decision; ``approvals`` are the rule's candidates in order.

    ``due_note`` says why it is due before the rule's term.
    """

    allowed: bool
    reasons: list[ReasonOut]
    rule: str | None
    approvals: list[str]
    due: str | None
    provisional: bool
    due_note: str
    may_reserve: bool
    approvers: list[ApproverOut]


class RequestIn(Strict):
    """A request to borrow; ``mode`` is original, onsite, electronic or copy.

    ``until`` (ISO day) is when the asker will be done, if before the rule's term.
    """

    item_id: int = Field(ge=1, le=LARGEST_ID)
    mode: str
    purpose: str
    business_reference: str = ""
    until: str | None = None


class OpinionIn(Strict):
    """An approver's opinion; a refusal needs one."""

    opinion: str = ""
    version: int | None = None


class HandOutIn(Strict):
    """A scanned barcode; ``request_id`` where several wait, ``staff_no`` the badge shown.

    The borrower signs with ``password``, ``pin`` or ``signature_png`` (a PNG as data URL); with
    none of them the signature is noted as given on paper.
    """

    barcode: str
    request_id: int | None = None
    pages: int | None = None
    staff_no: str = ""
    password: str = Field(default="", max_length=MAX_PASSWORD)
    pin: str = Field(default="", max_length=LONGEST_PIN)
    signature_png: str = ""


class ReturnIn(Strict):
    """A scanned barcode, the pages counted, the condition (完好 by default), the signature."""

    barcode: str
    pages: int
    condition: str = ""
    password: str = Field(default="", max_length=MAX_PASSWORD)
    pin: str = Field(default="", max_length=LONGEST_PIN)
    signature_png: str = ""


class RecallIn(Strict):
    """Why a lent copy is asked back."""

    reason: str


class ListQuery(Closed):
    """Which requests: a state (or ``overdue``), of one item, only one's own."""

    state: str = ""
    item: int | None = Field(default=None, ge=1, le=LARGEST_ID)
    mine: bool = False
    page: int = 1
    per_page: int = 20


class ApprovalOut(BaseModel):
    """One approval; ``deputy`` decided, or would decide today, in the approver's name."""

    seq: int
    candidate: str
    label: str
    approver: str
    deputy: str
    state: str
    opinion: str
    decided_at: Instant | None


class SignedOut(BaseModel):
    """How the borrower signed: ``way`` is password, pin, drawn or paper; SHA-256 of what."""

    way: str
    digest: str


class LoanOut(BaseModel):
    """The paper out, and how it came back."""

    id: int
    barcode: str
    handed_at: Instant
    handed_by: str
    due: str
    pages_out: int
    returned_at: Instant | None
    pages_in: int | None
    intact: bool | None
    condition: str
    overdue: bool
    state_label: str
    renewals: int
    recalled_at: Instant | None
    recall_reason: str
    signed_out: SignedOut | None
    signed_back: SignedOut | None


class RequestOut(BaseModel):
    """A request with its approvals and its loan.

    ``place`` is the place in line, ``pick_up_by`` the last day a copy is held; ``note`` says why
    a request is void, or after a return who is next.
    """

    id: int
    number: str
    item_id: int
    item_title: str
    item_code: str
    borrower: str
    department: str
    mode: str
    purpose: str
    business_reference: str
    state: str
    state_label: str
    rule: str
    due: str | None
    created_at: Instant
    version: int
    queued: bool
    place: int | None
    pick_up_by: str | None
    note: str
    approvals: list[ApprovalOut]
    loan: LoanOut | None


class RequestsOut(BaseModel):
    """A page of requests."""

    items: list[RequestOut]
    total: int
    page: int
    pages: int

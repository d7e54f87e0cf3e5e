"""What the items of the check look at: one paper, its files as registered and as they are now.

Plain frozen values, gathered by ``gathering`` and ``reading``, decided by ``rules``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class Content:
    """What is inside a file; ``fault`` says why it does not open, "" when it does.

    ``data`` is what a PDF made here says of itself: form, number and the digest of its record.
    """

    fault: str = ""
    pages: int = 0
    encrypted: str = ""
    active: tuple[str, ...] = ()
    data: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class SignatureFacts:
    """What a signed master's signatures are worth; ``why`` tells what is wrong."""

    ours: bool
    intact: bool
    trusted: bool
    why: str
    signers: int = 0


@dataclass(frozen=True)
class Scan:
    """What the virus scanner said: ``found`` names a virus, ``away`` says why it said nothing."""

    found: str = ""
    away: str = ""


@dataclass(frozen=True)
class FileFacts:
    """A file as it is registered, and as its bytes are now (``sha256`` "" when they are gone).

    ``content``, ``signature`` and ``scan`` are None where nobody looked; nobody looks into bytes
    that are not the registered ones.
    """

    role: str
    name: str
    media_type: str
    registered_sha256: str
    registered_size: int
    sha256: str = ""
    size: int = 0
    head: bytes = b""
    marks: frozenset[str] = frozenset()
    content: Content | None = None
    signature: SignatureFacts | None = None
    scan: Scan | None = None

    @property
    def is_whole(self) -> bool:
        """Whether the bytes are the registered ones."""
        return bool(self.sha256) and self.sha256 == self.registered_sha256


@dataclass(frozen=True)
class PaperFacts:
    """One paper with everything the items look at; ``codes`` counts its volume's codes.

    ``listed`` are the digests of its files by role on the hand-over list it came by; ``record``
    is what its record says: title, customer, and the digests its content has had. ``kept_at`` is
    when its last file came, the two behind it when all was last backed up and a drill went well.
    """

    item_id: int
    title: str
    code: str
    lowest_class: str
    is_ours: bool
    year: int
    pages: int
    responsible: str
    has_date: bool
    steps: tuple[str, ...]
    files: tuple[FileFacts, ...]
    codes: Mapping[str, int]
    record_id: int | None = None
    number: str = ""
    form: str = ""
    secrecy: int = 0
    retention: str = ""
    customer: str = ""
    is_final: bool = False
    quarantine: str = ""
    listed: Mapping[str, str] = field(default_factory=dict)
    record: Mapping[str, str] = field(default_factory=dict)
    kept_at: datetime | None = None
    backed_up_at: datetime | None = None
    drilled_at: datetime | None = None


@dataclass(frozen=True)
class Seen:
    """What the bytes under a digest are now; an empty ``sha256`` means they are gone."""

    sha256: str
    size: int
    head: bytes
    marks: frozenset[str]
    content: Content | None = None
    signature: SignatureFacts | None = None
    scan: Scan | None = None

"""What a signed PDF, and each signature in it, was found to be worth: plain values.

Made by ``pades.verify``; read by the verdicts of the signing station.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class SignatureVerdict:
    """What one signature is worth.

    ``intact``: nothing it covers was changed and nothing forbidden was added; ``valid``: intact,
    and made with a certificate of ours (or one registered here) that was good at the time.
    ``stamped_at``: by when, as an outside authority says, it was there; ``is_seal``: not a person's
    but that of one of the company's seals.
    """

    field: str
    role: str
    signer_name: str
    staff_no: str
    signed_at: datetime | None
    intact: bool
    valid: bool
    why: str
    is_company: bool
    serial_hex: str = ""
    reason: str = ""
    issuer: str = ""
    stamped_at: datetime | None = None
    is_seal: bool = False


@dataclass(frozen=True)
class StampVerdict:
    """What one document time-stamp is worth: by when the file was there, as whom says."""

    stamped_at: datetime | None
    authority: str
    intact: bool
    trusted: bool
    why: str


@dataclass(frozen=True)
class Verdict:
    """What a PDF is worth.

    ``intact``: signed, and unchanged since; ``trusted``: intact, certified by the company, and
    every signature valid. ``waiting``: roles that have not signed yet. ``level``: what the file
    proves by itself (B-B … B-LTA); empty where it is not signed.
    """

    intact: bool
    trusted: bool
    why: str
    signatures: tuple[SignatureVerdict, ...] = ()
    waiting: tuple[str, ...] = ()
    stamps: tuple[StampVerdict, ...] = ()
    level: str = ""

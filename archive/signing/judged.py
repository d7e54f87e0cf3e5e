"""What a signed PDF, and each signature in it, was found to be worth: plain values.

Made by ``pades.verify``; read by the verdicts of the signing station.
"""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class SignatureVerdict:
    """What one signature is worth.

    ``intact``: nothing it covers was changed and nothing forbidden was added; ``valid``: intact,
    and made with a certificate of ours that was good at the time.
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


@dataclass(frozen=True)
class Verdict:
    """What a PDF is worth.

    ``intact``: signed, and unchanged since; ``trusted``: intact, certified by the company, and
    every signature valid. ``waiting``: roles that have not signed yet.
    """

    intact: bool
    trusted: bool
    why: str
    signatures: tuple[SignatureVerdict, ...] = ()
    waiting: tuple[str, ...] = ()

"""Signatures in PDF files (PAdES): the only place that knows pyHanko.

A paper's life: ``prepare`` makes every signature field and certifies the paper for the company;
each ``approve`` adds one person's signature as an incremental update in its own field; the last
one locks the paper; ``verify`` says in plain Chinese what a file is worth. Bytes in, bytes out:
no database, no web. Not here: where the boxes are (``boxes``), what a signature looks like
(``appearance``), whose keys they are (``authority``), who may sign when (the station's rules).
Called by the signing service and by ``archive verify-file``.

PDF/A: fields get an appearance and the print flag, nothing is hidden, no scripts, and XMP and
document information stay as they were, so a PDF/A-2 or -3 file remains one.
"""

from archive.signing.pades.acts import LARGEST_IMAGE, approve, prepare
from archive.signing.pades.attach import DATA, SOURCE, Attachment, attach, attachments_of
from archive.signing.pades.belief import CLOCK_SKEW
from archive.signing.pades.closing import close_paper
from archive.signing.pades.faults import SigningRefused
from archive.signing.pades.filling import add_text_fields, fill_text_fields
from archive.signing.pades.judge import LARGEST_PDF, verify
from archive.signing.pades.levels import Evidence, Proof, proof_of, raise_level
from archive.signing.pades.places import COMPANY_FIELD, COMPANY_TOOLTIP
from archive.signing.pades.stamper import stamp_token

__all__ = [
    "CLOCK_SKEW",
    "COMPANY_FIELD",
    "COMPANY_TOOLTIP",
    "DATA",
    "LARGEST_IMAGE",
    "LARGEST_PDF",
    "SOURCE",
    "Attachment",
    "Evidence",
    "Proof",
    "SigningRefused",
    "add_text_fields",
    "approve",
    "attach",
    "attachments_of",
    "close_paper",
    "fill_text_fields",
    "prepare",
    "proof_of",
    "raise_level",
    "stamp_token",
    "verify",
]

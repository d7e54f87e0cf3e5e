"""What may go wrong with a PDF to be signed or judged: one error, and what the parsers raise."""

import struct
import zlib

from cryptography.exceptions import InvalidSignature
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.general import SigningError
from pyhanko_certvalidator.errors import ValidationError

from archive.core.errors import Conflict

# What pyHanko raises where the structure forbids what is asked.
MALFORMED = (PdfError, SigningError, LookupError)
# What a parser may raise on a hostile or damaged file.
UNREADABLE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    InvalidSignature,
    LookupError,
    OSError,
    PdfError,
    RuntimeError,
    TypeError,
    ValidationError,
    ValueError,
    struct.error,
    zlib.error,
)


class SigningRefused(Conflict):
    """The PDF cannot be signed like this; the message says why and what to do."""

    code = "signing_refused"

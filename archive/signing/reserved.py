"""Names of the signature fields that are no step of the chain.

Those kept for people added on the way, and the company's own that closes the paper: plain words,
known to the rules and to the PDF alike.
"""

CLOSING_FIELD = "closing"
CLOSING_TOOLTIP = "签核完毕"
ADDED_PREFIX = "added"
ADDED_TOOLTIP = "加签"


def is_reserved(field_name: str) -> bool:
    """Say whether an empty field of this name means that nobody is waited for."""
    return field_name == CLOSING_FIELD or field_name.startswith(ADDED_PREFIX)

"""The last act on a paper: the company closes it, and nothing may be added any more.

A chain's last signature cannot lock the paper itself: in a 会签 nobody knows beforehand whose is
the last, and fields kept for people added on the way stay empty. So the last field of every paper
is the company's own, invisible, and is signed together with the last approval.
"""

import asyncio
from datetime import datetime

from archive.signing.authority import SigningKey
from archive.signing.pades.faults import MALFORMED, SigningRefused
from archive.signing.pades.identity import signer_name
from archive.signing.pades.pen import metadata_for, open_update, sign_field
from archive.signing.reserved import CLOSING_FIELD
from archive.signing.timestamps import TimeAuthority


def close_paper(
    pdf: bytes,
    company: SigningKey,
    reason: str,
    now: datetime,
    *,
    authority: TimeAuthority | None = None,
) -> bytes:
    """Sign the closing field with the company's key and lock everything, empty fields too.

    Raises SigningRefused for a paper without the field, or closed already.
    """
    writer = open_update(pdf)
    metadata = metadata_for(CLOSING_FIELD, signer_name(company.certificate), reason, locks=True)
    try:
        return asyncio.run(sign_field(writer, metadata, company, None, now, authority))
    except MALFORMED as wrong:
        raise SigningRefused("这份 PDF 不能再签名：它已锁定，或没有留出结束的签名栏。") from wrong

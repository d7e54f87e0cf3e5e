"""Asks the time-stamp authority for pyHanko, and lets no answer in that cannot be believed."""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from asn1crypto import cms, tsp
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko.sign.validation.generic_cms import validate_tst_signed_data
from pyhanko.sign.validation.status import TimestampSignatureStatus
from pyhanko_certvalidator import ValidationContext

from archive.core.clock import show_instant
from archive.signing.pades.faults import UNREADABLE
from archive.signing.pades.identity import load_roots
from archive.signing.timestamps import TimeAuthority, TimeStampAway, ask

MOST_DRIFT = timedelta(minutes=10)
TOKEN_ROOM = 12_000  # bytes kept free for a token with the authority's certificates

_READ: Callable[..., Any] = tsp.TimeStampResp.load  # the library carries no types
_UNUSABLE = (*UNREADABLE, TimestampRequestError)


def stamp_token(authority: TimeAuthority, content: bytes, now: datetime) -> bytes:
    """Return an authority's token (RFC 3161, DER) over any bytes; raise TimeStampAway."""
    digest = hashlib.sha256(content).digest()
    token: Any = asyncio.run(Stamper(authority, now).async_timestamp(digest, "sha256"))
    stamp: bytes = token.dump()
    return stamp


class Stamper(TimeStamper):
    """One authority at one moment; every token is judged before it is used."""

    def __init__(self, authority: TimeAuthority, now: datetime) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._authority = authority
        self._now = now
        self._roots = load_roots(authority.roots)

    async def async_request_tsa_response(self, req: Any) -> Any:
        """Called by pyHanko with the request to be sent."""
        return _READ(ask(self._authority, req.dump()), strict=True)

    async def async_timestamp(self, message_digest: bytes, md_algorithm: str) -> cms.ContentInfo:
        """Return a token over the digest; raise TimeStampAway where none is to be had."""
        try:
            token = await super().async_timestamp(message_digest, md_algorithm)
            fault = await self._fault(token, message_digest)
        except _UNUSABLE as wrong:
            raise TimeStampAway(
                "时间戳机构的应答不能用。签名已保留，系统会自动补上时间戳。"
            ) from wrong
        if fault:
            raise TimeStampAway(fault)
        return token

    async def _fault(self, token: Any, digest: bytes) -> str:
        """Why a token cannot be used; empty if it can."""
        if len(token.dump()) > TOKEN_ROOM:
            return "时间戳机构的应答过长，不能采用。请管理员检查它的网址。"
        content: Any = token["content"]
        when: datetime = content["encap_content_info"]["content"].parsed["gen_time"].native
        if abs(when - self._now) > MOST_DRIFT:
            return (
                f"时间戳机构的时间（{show_instant(when)}）与本机的时间"
                f"（{show_instant(self._now)}）相差太多。请管理员核对本机时间。"
            )
        context = ValidationContext(
            trust_roots=list(self._roots), moment=when, allow_fetching=False
        )
        status = TimestampSignatureStatus(
            **await validate_tst_signed_data(content, context, lambda _: digest)
        )
        if not (status.intact and status.valid and status.trusted):
            return (
                "时间戳机构的证书不在信任之列，它的时间戳没有采用。请管理员检查 ARCHIVE_TSA_CERTS。"
            )
        return ""

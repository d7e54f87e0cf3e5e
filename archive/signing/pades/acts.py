"""The two acts of signing: prepare a paper (fields, certification) and approve in one field."""

import asyncio
import io
from collections.abc import Mapping
from datetime import datetime

from PIL import Image
from pyhanko.pdf_utils import layout
from pyhanko.pdf_utils.images import PdfImage
from pyhanko.sign import fields as sig_fields
from pyhanko.stamp import StaticStampStyle

from archive.core.clock import show_instant
from archive.signing.authority import SigningKey
from archive.signing.boxes import Box
from archive.signing.pades.faults import MALFORMED, UNREADABLE, SigningRefused
from archive.signing.pades.identity import signer_name
from archive.signing.pades.pen import metadata_for, open_update, sign_field
from archive.signing.pades.places import (
    COMPANY_FIELD,
    COMPANY_TOOLTIP,
    check_fields,
    check_turn,
    check_unprepared,
    field_spec,
)
from archive.signing.timestamps import TimeAuthority

LARGEST_IMAGE = 4_000_000

_FILL = layout.SimpleBoxLayoutRule(
    layout.AxisAlignment.ALIGN_MID, layout.AxisAlignment.ALIGN_MID, layout.Margins(0, 0, 0, 0)
)


def prepare(
    pdf: bytes,
    boxes: Mapping[str, Box],
    company: SigningKey,
    reason: str,
    now: datetime,
    *,
    last_locks: bool = True,
    authority: TimeAuthority | None = None,
) -> bytes:
    """Make all signature fields, in signing order, then certify: from here on only signing.

    ``boxes`` maps field names (ASCII, such as ``step1``) to their places; the role goes into the
    tooltip. Each signature locks its own field; the last field's one locks the paper, so it can
    be signed only after all others (``last_locks=False`` where the last step has several people
    in any order). Raises SigningRefused, and TimeStampAway where an ``authority`` is given.
    """
    check_fields(boxes)
    _check_key(company, now)
    writer = open_update(pdf)
    last = list(boxes)[-1] if last_locks else ""
    try:
        check_unprepared(writer.prev)
        for name, box in boxes.items():
            sig_fields.append_signature_field(writer, field_spec(name, box, locks=name == last))
        company_field = sig_fields.SigFieldSpec(COMPANY_FIELD, readable_field_name=COMPANY_TOOLTIP)
        sig_fields.append_signature_field(writer, company_field)
        name = signer_name(company.certificate)
        metadata = metadata_for(COMPANY_FIELD, name, reason, certify=True)
        return asyncio.run(sign_field(writer, metadata, company, None, now, authority))
    except MALFORMED as wrong:
        raise SigningRefused("PDF 的结构不允许放置签名栏。请重新生成 PDF 后再试。") from wrong


def approve(
    pdf: bytes,
    field_name: str,
    key: SigningKey,
    image_png: bytes,
    name: str,
    reason: str,
    now: datetime,
    *,
    authority: TimeAuthority | None = None,
) -> bytes:
    """Sign in one prepared field; everything before stays byte for byte as it was.

    Raises SigningRefused: no such field, signed already, the locking field before its turn, an
    expired certificate, a file that is not ours to sign. With an ``authority`` the signature is
    time-stamped; raises TimeStampAway where no stamp is to be had.
    """
    _check_key(key, now)
    writer = open_update(pdf)
    style = StaticStampStyle(
        border_width=0,
        background=PdfImage(_picture(image_png), name="signature"),
        background_layout=_FILL,
        background_opacity=1.0,
    )
    try:
        locks = check_turn(writer.prev, field_name)
        metadata = metadata_for(field_name, name, reason, locks=locks)
        return asyncio.run(sign_field(writer, metadata, key, style, now, authority))
    except MALFORMED as wrong:
        raise SigningRefused("这份 PDF 不能再签名：它已锁定，或结构已被改动。") from wrong


def _check_key(key: SigningKey, now: datetime) -> None:
    certificate = key.certificate
    if now > certificate.not_valid_after_utc:
        until = show_instant(certificate.not_valid_after_utc)
        raise SigningRefused(f"签名证书已于 {until} 到期，不能再签名。请管理员换发证书。")
    if now < certificate.not_valid_before_utc:
        raise SigningRefused("签名证书还没有生效，不能签名。请检查服务器的时间。")


def _picture(png: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            if picture.width * picture.height > LARGEST_IMAGE:
                raise SigningRefused("签名图片太大，不能签名。请重新签一次。")
            return picture.convert("RGBA")
    except (*UNREADABLE, SyntaxError, Image.DecompressionBombError) as wrong:
        raise SigningRefused("签名图片已损坏，不能签名。请重新签一次。") from wrong

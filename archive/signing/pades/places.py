"""The signature fields of a paper: made in signing order, each with its lock; whose turn it is."""

import re
from collections.abc import Mapping
from typing import Any

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields as sig_fields

from archive.signing.boxes import Box
from archive.signing.pades.faults import SigningRefused
from archive.signing.pades.identity import entry, resolved
from archive.signing.reserved import CLOSING_FIELD, is_reserved

COMPANY_FIELD = "company"
COMPANY_TOOLTIP = "单位认证"

_FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}\Z")


def field_spec(name: str, box: Box, *, locks: bool) -> sig_fields.SigFieldSpec:
    """A visible empty field; it locks itself, or with the last signature the whole paper."""
    lock = sig_fields.FieldMDPSpec(sig_fields.FieldMDPAction.INCLUDE, [name])
    if locks:
        lock = sig_fields.FieldMDPSpec(sig_fields.FieldMDPAction.ALL)
    place: Any = (box.x0, box.y0, box.x1, box.y1)  # typed as whole numbers, takes any
    return sig_fields.SigFieldSpec(
        name,
        on_page=box.page,
        box=place,
        field_mdp_spec=lock,
        doc_mdp_update_value=sig_fields.MDPPerm.NO_CHANGES if locks else None,
        readable_field_name=box.role,
    )


def check_fields(boxes: Mapping[str, Box]) -> None:
    """Refuse no fields at all, and names that cannot be used."""
    if not boxes:
        raise SigningRefused("没有任何签名栏，不能送签。请检查表单的签核设置。")
    for name in boxes:
        if not _FIELD_NAME.match(name) or name == COMPANY_FIELD:
            raise SigningRefused(f"签名栏的内部名称“{name[:40]}”不能用。请检查表单的签核设置。")


def check_unprepared(reader: PdfFileReader) -> None:
    """Refuse a paper that has signature fields already."""
    if any(True for _ in sig_fields.enumerate_sig_fields(reader)):
        raise SigningRefused("这份 PDF 里已经有签名栏，不能再次准备。请用未签名的原件重新生成。")


def check_turn(reader: PdfFileReader, field_name: str) -> bool:
    """Whether the field locks the paper; it must be empty, and if it locks, the last empty one."""
    empty: dict[str, Any] = {}
    filled = set()
    for name, value, reference in sig_fields.enumerate_sig_fields(reader):
        if value is None:
            empty[name] = reference.get_object()
        else:
            filled.add(name)
    if field_name in filled:
        raise SigningRefused("这一栏已经签过名，不能再签一次。请刷新页面看最新的进度。")
    if CLOSING_FIELD in filled:
        raise SigningRefused("这份文件已经签核完毕并锁定，不能再签名。")
    if field_name not in empty:
        raise SigningRefused("文件里没有这一步的签名栏，不能签名。请退回后重新提交。")
    others = [entry(field, "/TU", name) for name, field in empty.items() if name != field_name]
    locks_all = entry(resolved(empty[field_name], "/Lock"), "/Action") == "/All"
    if others and locks_all:
        raise SigningRefused(f"还没有轮到这一步：请等 {'、'.join(others)} 先签。")
    return locks_all


def waiting_roles(reader: PdfFileReader) -> tuple[str, ...]:
    """Return the roles whose fields are still empty; none once the paper is closed."""
    empty: dict[str, str] = {}
    for name, value, reference in sig_fields.enumerate_sig_fields(reader):
        if value is None:
            empty[name] = entry(reference.get_object(), "/TU", name)
        elif name == CLOSING_FIELD:
            return ()
    return tuple(role for name, role in empty.items() if not is_reserved(name))

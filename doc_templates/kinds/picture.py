"""The kind image: the value is the SHA-256 of a stored picture; the bytes lie elsewhere."""

import re

from doc_templates.definition import Field
from doc_templates.kinds.base import BadValue, ExcelColumn, Kind, Schema, pattern_schema, show_text

_DIGEST = re.compile(r"[0-9a-f]{64}")
SHOWN = "（图片）"


def is_digest(value: object) -> bool:
    """Whether the value names a stored picture."""
    return isinstance(value, str) and _DIGEST.fullmatch(value) is not None


def _parse_image(_entry: Field, raw: object) -> str:
    text = raw.strip().lower() if isinstance(raw, str) and len(raw) < 100 else ""
    if not is_digest(text):
        raise BadValue("请上传一张图片（PNG 或 JPEG）")
    return text


def _show_image(entry: Field, value: object) -> str:
    return SHOWN if is_digest(value) else show_text(entry, value)


def _schema(entry: Field) -> Schema:
    return pattern_schema(entry, "[0-9a-f]{64}") | {
        "description": "SHA-256 of a picture that was uploaded before"
    }


def _column(entry: Field) -> ExcelColumn:
    return ExcelColumn(width=20, note="图片请在网页上添加")


PICTURE_KINDS = (Kind("image", _parse_image, _show_image, json_schema=_schema, excel=_column),)

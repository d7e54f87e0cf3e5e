"""An uploaded Word template, looked at before anything else is done with it.

The look happens in a child process with limits (``doc_templates.inspection``); what comes back
is plain words. Called by the pages, outside any unit of work.
"""

from dataclasses import dataclass

from archive.core.errors import Invalid, TooLarge
from archive.forms.rules import bytes_digest
from doc_templates import document_text
from doc_templates.errors import BadTemplate
from doc_templates.inspection import inspect_apart

MOST_BYTES = 10 << 20


@dataclass(frozen=True)
class Inspected:
    """A template that may be used: its bytes, its tags in paper order, what was remarked."""

    template: bytes
    digest: str
    tags: tuple[str, ...]
    remarks: tuple[str, ...]
    text: str


def inspect_upload(content: bytes) -> Inspected:
    """Return what stands in an uploaded template; raise Invalid or TooLarge with the reason."""
    if not content:
        raise Invalid("没有收到文件，请选择一份 Word 文件（.docx）。", {"file": "请选择文件"})
    if len(content) > MOST_BYTES:
        raise TooLarge(f"文件太大，Word 模板最多 {MOST_BYTES >> 20} MB；请缩小里面的图片。")
    try:
        report = inspect_apart(content)
        text = document_text(content)
    except BadTemplate as refusal:
        raise Invalid(
            f"这个文件不能用作模板：{refusal.message.rstrip('。')}。", {"file": "请改好后再上传"}
        ) from refusal
    remarks = list(report.findings)
    if report.fallback:
        remarks.append(f"模板用了“{report.fallback}”，每份文件要多花约三十倍的时间生成")
    if not report.tags:
        raise Invalid(
            "这个文件里没有标签。请在 Word 里要填写的地方写上 {{栏目名}}，例如 {{客户名称}}。",
            {"file": "没有标签"},
        )
    digest = bytes_digest(content)
    return Inspected(content, digest, report.tags, tuple(remarks), text)

"""The evidence sheet (存证单) of a signature by the other party, made as a PDF."""

import functools
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from archive.core.clock import show_instant
from archive.core.resources import Resources
from archive.documents import service as documents
from archive.records.views import RecordView
from archive.signing import pades
from archive.signing.boxes import Box
from archive.signing.keys import company_key
from archive.signing.outside.rules import Stranger
from archive.signing.outside.views import InvitationView
from archive.signing.reserved import CLOSING_FIELD, CLOSING_TOOLTIP
from doc_templates import Form, PrintContext, render_word
from doc_templates.catalogue import read_form
from doc_templates.scaffold import scaffold
from storage.blobs import BlobRef

DEFINITION = Path(__file__).with_name("evidence.toml")
HOW = "一次性链接，加上另行告知的六位验证码；链接只对这一份文件有效。"
TOLD = (
    "签字人在自己的设备上看过文件、画出签名并确认。证书为这一次签字专门签发，"
    "签后密钥即销毁。用两个摘要可以核对文件在签字前后是哪一份。"
)


@dataclass(frozen=True)
class Proof:
    """What a signature by the other party is shown by."""

    invitation: InvitationView
    stranger: Stranger
    signed_at: datetime
    before_sha256: str
    after_sha256: str
    certificate_serial: str


def evidence_sheet(resources: Resources, record: RecordView, proof: Proof) -> tuple[BlobRef, int]:
    """Make the sheet, certified by the company; return its PDF and how many pages it has."""
    word = render_word(_form(), _values(record, proof), PrintContext(number=record.number or ""))
    plain = documents.make_pdf(resources.converter, word)
    reason = f"{record.number} 对方签字存证"
    company, now = company_key(resources), resources.clock()
    nobody = {CLOSING_FIELD: Box(CLOSING_TOOLTIP, 0, 0, 0, 0, 0)}
    certified = pades.prepare(plain, nobody, company, reason, now)
    pdf = pades.close_paper(certified, company, reason, now)
    return resources.blobs.put(pdf, "application/pdf"), documents.count_pages(pdf)


def _values(record: RecordView, proof: Proof) -> dict[str, object]:
    told, stranger = proof.invitation, proof.stranger
    return {
        "文件名称": record.title,
        "文件编号": record.number or "",
        "签字步骤": told.role,
        "邀请人": told.made_by_name,
        "邀请时间": show_instant(told.made_at),
        "送达方式": told.contact or "当面或电话告知",
        "链接有效至": show_instant(told.expires_at),
        "打开时间": show_instant(told.opened_at) if told.opened_at else "",
        "对方单位": told.party,
        "签字人": stranger.name,
        "电话": stranger.phone,
        "签字时间": show_instant(proof.signed_at),
        "网络地址": stranger.address,
        "核实方式": HOW,
        "浏览器": stranger.browser,
        "签前摘要": proof.before_sha256,
        "签后摘要": proof.after_sha256,
        "证书序号": proof.certificate_serial,
        "说明": TOLD,
    }


@functools.cache
def _form() -> Form:
    form = read_form(DEFINITION.read_text("utf-8"), b"", "")
    return replace(form, template=scaffold(form))

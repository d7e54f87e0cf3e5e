"""Acts of and about the other party as wholes: plan, make bytes, record; each commits."""

import io
from dataclasses import replace
from tempfile import NamedTemporaryFile

from PIL import Image, UnidentifiedImageError

from archive.core.clock import show_instant
from archive.core.errors import Invalid, TooLarge
from archive.core.profile import load_profile
from archive.core.resources import Resources
from archive.people.postman import send_at_once
from archive.people.rights import Actor
from archive.signing import chain
from archive.signing.freeze import close_for_scan, freeze_outside
from archive.signing.keys import open_authority
from archive.signing.outside import service
from archive.signing.outside.evidence import Proof, evidence_sheet
from archive.signing.outside.rules import clean_code_mail, clean_stranger, new_link
from archive.signing.outside.views import Invited
from archive.signing.service import signature_images
from archive.signing.views import RunView, TaskView
from indexer import ExtractError, extract

LARGEST_SCAN = 20 << 20
MOST_PIXELS = 60_000_000
OVERSIZED = "图片太大，请把扫描分辨率调到 300 dpi 以下再传。"
PICTURES = {"JPEG": "image/jpeg", "PNG": "image/png", "TIFF": "image/tiff"}


def invite(
    resources: Resources,
    actor: Actor,
    record_id: int,
    days: int | None,
    contact: str = "",
    code_mail: str = "",
) -> Invited:
    """Make the link for the other party; raise what ``service.invite`` raises.

    The code is mailed to ``code_mail`` where one is given (raises Unavailable), else it is told to
    the inviter, to pass on another way than the link.
    """
    settings, link = resources.settings, new_link()
    to = clean_code_mail(code_mail, may_mail=bool(settings.smtp_url))
    if to:
        _mail_code(resources, actor, record_id, days, link.code, to)
    with resources.work() as uow:
        made = service.invite(uow, actor, record_id, link, days, contact, to)
        uow.commit()
    url = f"{settings.public_url}/sign/{link.token}"
    return Invited(made, url, "" if to else link.code, to)


def _mail_code(
    resources: Resources, actor: Actor, record_id: int, days: int | None, code: str, to: str
) -> None:
    """Mail a code that is kept nowhere; the link goes another way."""
    with resources.reading() as uow:
        record, title, until = service.plan_invitation(uow, actor, record_id, days)
        company = load_profile(uow).company
    text = (
        f"您好：\n\n{company} 请您签署“{title}”（{record.number}）。"
        f"打开签署链接要用的验证码是：\n\n    {code}\n\n链接由 {actor.name} 另行发给您，"
        f"有效至 {show_instant(until)}。"
        f"验证码请不要转给别人。\n\n{company}\n"
    )
    send_at_once(resources.settings, to, f"【{company}】签署验证码", text, resources.clock())


def revoke(resources: Resources, actor: Actor, record_id: int, invitation_id: int) -> None:
    """Take a link back."""
    with resources.work() as uow:
        service.revoke(uow, actor, record_id, invitation_id)
        uow.commit()


def try_code(resources: Resources, token: str, code: str) -> None:
    """Check the code; raise Invalid with the tries left, NotFound for a dead link."""
    with resources.work() as uow:
        left = service.try_code(uow, token, code)
        uow.commit()
    if left < 0:
        raise Invalid(service.LOCKED, {"code": "链接已停用"})
    if left:
        raise Invalid(
            f"验证码不对，还可以试 {left} 次。验证码由对方另行告诉您，不在链接里。",
            {"code": "验证码不对"},
        )


def sign_outside(
    resources: Resources,
    token: str,
    *,
    name: str,
    phone: str,
    drawn_png: bytes | None,
    address: str,
    browser: str,
) -> None:
    """Put the other party's signature on the paper, with a certificate made for this act."""
    stranger = clean_stranger(name, phone, address, browser)
    if drawn_png is None:
        raise Invalid("请先画上您的签名。", {"signature_png": "还没有签名"})
    with resources.reading() as uow:
        shown, record = service.paper_for(uow, token)
        run = chain.find_run(uow, record.id)
        images = signature_images(uow, record.id)
    if run is None:
        raise Invalid(service.GONE)
    told = shown.invitation
    now = resources.clock()
    key = open_authority(resources).issue_outside(stranger.name, told.party, now)
    task = _task_of(run, told.seq, told.role, told.slot, stranger.name)
    signed = freeze_outside(resources, record, run, task, drawn_png, told.pdf_sha256, images, key)
    proof = Proof(
        told, stranger, now, signed.before_sha256, signed.pdf.sha256, signed.certificate_serial
    )
    sheet = evidence_sheet(resources, record, proof)
    with resources.work() as uow:
        service.record_outside(uow, token, stranger, signed, sheet)
        uow.commit()


def decline(resources: Resources, token: str, reason: str) -> None:
    """Tell our side that the other party will not sign, and why."""
    with resources.work() as uow:
        service.record_decline(uow, token, reason)
        uow.commit()


def add_scan(resources: Resources, actor: Actor, record_id: int, content: bytes) -> None:
    """Set the scan of a paper signed by hand beside it; the paper is complete with it.

    Raises Conflict while the server's clock stands before the paper's last act.
    """
    media_type, pages = judge_scan(content)
    with resources.reading() as uow:
        record, digest = service.plan_scan(uow, actor, record_id)
        run = chain.get_run(uow, record_id)
    closed = close_for_scan(resources, record, run, digest)
    scan = (resources.blobs.put(content, media_type), pages)
    with resources.work() as uow:
        service.record_scan(uow, actor, record_id, scan, closed, digest)
        uow.commit()


def judge_scan(content: bytes) -> tuple[str, int]:
    """Return media type and pages of a scan, by what it is and not by its name; raise Invalid.

    The whole file is read: a PDF in a process of its own with limits, a picture to its last row.
    """
    if not content:
        raise Invalid("请选择扫描件。", {"file": "请选文件"})
    if len(content) > LARGEST_SCAN:
        raise TooLarge(f"扫描件超过 {LARGEST_SCAN >> 20} MB，请压缩后再传。")
    if content.startswith(b"%PDF"):
        return "application/pdf", _pdf_pages(content)
    try:
        with Image.open(io.BytesIO(content), formats=list(PICTURES)) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise TooLarge(OVERSIZED)
            picture.load()
            return PICTURES[str(picture.format)], 1
    except Image.DecompressionBombError as bomb:
        raise TooLarge(OVERSIZED) from bomb
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as wrong:
        raise Invalid(
            "扫描件应是 PDF、JPEG、PNG 或 TIFF，这个文件不是，或已损坏。", {"file": "文件不对"}
        ) from wrong


def _pdf_pages(content: bytes) -> int:
    with NamedTemporaryFile(suffix=".pdf") as file:
        file.write(content)
        file.flush()
        try:
            pages = extract(file.name, ocr=False).pages
        except ExtractError as wrong:
            raise Invalid(f"这份 PDF 不能用：{wrong.message}", {"file": "打不开"}) from wrong
    if not pages:
        raise Invalid("这份 PDF 没有页面。", {"file": "没有页面"})
    return pages


def _task_of(run: RunView, seq: int, role: str, slot: int, name: str) -> TaskView:
    """Return the other party's part in a shape that signing knows; it ends the run."""
    blank = TaskView(0, seq, role, 0, name, "open", None, slot=slot)
    return replace(blank, ends_run=True)

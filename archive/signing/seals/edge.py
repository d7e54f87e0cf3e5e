"""Whole acts around seals, each with its own unit of work: pages, calls and commands share them."""

from archive.core.errors import Conflict, Invalid, NotFound
from archive.core.resources import Resources
from archive.documents import service as documents
from archive.people.rights import Actor
from archive.signing import service
from archive.signing.edge import TRIES, confirm
from archive.signing.freeze import PNG, Stamp, freeze_seal
from archive.signing.outside.edge import judge_scan
from archive.signing.seals import ledger, outings, register
from archive.signing.seals import service as seals
from archive.signing.seals.models import CompanySeal
from archive.signing.seals.pictures import prepare
from archive.signing.seals.rules import SealFields, check_fields, check_stamped, clean_line
from archive.signing.views import RunView
from storage.blobs import BlobRef


def add_seal(resources: Resources, actor: Actor, fields: SealFields, picture: bytes) -> int:
    """Enter a new seal with its picture; return its number."""
    fields = check_fields(fields)
    image = _kept_picture(resources, picture, fields)
    with resources.work() as uow:
        seal_id = seals.add_seal(uow, actor, fields, image)
        uow.commit()
    return seal_id


def change_seal(
    resources: Resources,
    actor: Actor,
    seal_id: int,
    version: int,
    fields: SealFields,
    picture: bytes = b"",
) -> None:
    """Change a seal; without a picture the old one stays, if it fits the size."""
    fields = check_fields(fields)
    if not picture:
        with resources.reading() as uow:
            picture = resources.blobs.read(seals.picture_of(uow, actor, seal_id))
    image = _kept_picture(resources, picture, fields)
    with resources.work() as uow:
        seals.change_seal(uow, actor, seal_id, version, fields, image)
        uow.commit()


def apply_seal(
    resources: Resources,
    actor: Actor,
    record_id: int,
    *,
    password: str,
    copies: int,
    is_compared: bool,
    note: str = "",
    address: str = "-",
) -> RunView:
    """Put the company's seal on a paper, as its keeper, who has compared it with what was approved.

    ``copies``: how many printed copies were stamped, at most as many as approved. Raises Invalid,
    Conflict (out of turn, seal out of the house), Unauthenticated, Throttled.
    """
    if not is_compared:
        raise Invalid("请先核对，再勾选“已与批准的文件核对一致”。", {"compared": "请勾选"})
    faults: dict[str, str] = {}
    note = clean_line(note, 200, "note", faults)
    if faults:
        raise Invalid("用印的说明没有写对。", faults)
    with resources.reading() as uow:
        _, run, task = service.plan_signature(uow, actor, record_id)
        if not task.is_seal or run.seal is None:
            raise Conflict("这一步不是用印，请按“签字”办理。")
        _require_usable(resources, run, copies)
    confirm(resources, actor, password, address, "没有用印")
    for _ in range(TRIES - 1):
        try:
            return _apply(resources, actor, record_id, copies, note)
        except service.PaperMoved:
            continue
    return _apply(resources, actor, record_id, copies, note)


def take_out(
    resources: Resources,
    actor: Actor,
    seal_id: int,
    *,
    taker: str,
    taker_password: str,
    approver: str,
    where_to: str,
    why: str,
    address: str = "-",
) -> None:
    """Hand a seal to who takes it out; they confirm with their own password at the desk."""
    with resources.reading() as uow:
        person = outings.taker_named(uow, actor, seal_id, taker)
    confirm(resources, person, taker_password, address, "没有登记外带")
    with resources.work() as uow:
        outings.take_out(uow, actor, seal_id, person, approver, where_to, why)
        uow.commit()


def bring_back(resources: Resources, actor: Actor, seal_id: int, note: str = "") -> None:
    """Take a seal back."""
    with resources.work() as uow:
        outings.bring_back(uow, actor, seal_id, note)
        uow.commit()


def add_stamped_scan(resources: Resources, actor: Actor, record_id: int, content: bytes) -> None:
    """Keep the scan of a paper stamped by hand beside it; raise Invalid for what is no scan."""
    media_type, pages = judge_scan(content)
    with resources.reading() as uow:
        register.plan_stamped_scan(uow, actor, record_id)
    scan = resources.blobs.put(content, media_type)
    with resources.work() as uow:
        register.keep_stamped_scan(uow, actor, record_id, scan, pages)
        uow.commit()


def _apply(resources: Resources, actor: Actor, record_id: int, copies: int, note: str) -> RunView:
    with resources.reading() as uow:
        record, run, task = service.plan_signature(uow, actor, record_id)
        if run.seal is None:
            raise NotFound("这份文件没有申请用印。")
        seal = uow.session.get_one(CompanySeal, run.seal.seal_id)
        stamp = Stamp(seal.id, seal.name, resources.blobs.read(seal.image_sha256), actor.name)
        latest = documents.latest_document(uow, record_id, "pdf")
        images = service.signature_images(uow, record_id)
    before = "" if latest is None else latest.sha256
    signed = freeze_seal(resources, record, run, task, stamp, before, images)
    with resources.work() as uow:
        service.record_signature(uow, actor, task, signed, note, outcome="seal")
        files = (signed.image, signed.pdf, signed.pages)
        ledger.close_use(uow, actor, run.id, copies, note, files)
        result = service.get_run(uow, actor, record_id)
        uow.commit()
    return result


def _require_usable(resources: Resources, run: RunView, copies: int) -> None:
    if run.seal is None:
        return
    check_stamped(run.seal.copies_approved, copies)
    with resources.reading() as uow:
        seal = uow.session.get_one(CompanySeal, run.seal.seal_id)
        if copies:
            register.require_usable(uow, seal)
        elif seal.state != "in_use":
            raise Conflict(f"“{seal.name}”已停用或销毁，不能用印。")


def _kept_picture(resources: Resources, picture: bytes, fields: SealFields) -> BlobRef:
    prepared = prepare(picture, fields.width_mm, fields.height_mm)
    return resources.blobs.put(prepared, PNG)

"""The 用印登记 as people read it, and uses entered for papers that were not made here.

Leaders, auditors, lawyers and the head of the archive read all of it; a keeper the uses of their
seals; everybody what they asked for themselves. Nothing here commits.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, func, or_, select, true

from archive.core.clock import day_begins, local_day
from archive.core.errors import Conflict, Forbidden, NotFound
from archive.core.pages import Page, clean_paging
from archive.documents import service as documents
from archive.people.readers import may_read
from archive.people.rights import Actor, require
from archive.records import service as records
from archive.records.models import Record, RecordState
from archive.signing import chain, flow
from archive.signing.models import SigningRun
from archive.signing.seals import ledger
from archive.signing.seals.models import CompanySeal, SealUse
from archive.signing.seals.outings import is_out
from archive.signing.seals.rules import PaperEntry, check_entry
from archive.signing.seals.service import kept_by
from archive.signing.seals.views import SealUseView
from storage.blobs import BlobRef
from storage.work import UnitOfWork

STAMPED = "stamped"  # the kind of document that is the scan of a stamped copy
READS_ALL = frozenset({"leader", "audit", "legal", "archive_head"})


def list_uses(
    uow: UnitOfWork,
    actor: Actor,
    seal_id: int = 0,
    text: str = "",
    page: int = 1,
    per_page: int = 50,
) -> Page[SealUseView]:
    """Return the uses the actor may read, newest first; narrowed by seal, title or reason."""
    require(actor, "seal.register")
    page, per_page = clean_paging(page, per_page)
    where = [_readable(uow, actor)]
    if seal_id:
        where.append(SealUse.seal_id == seal_id)
    if text.strip():
        word = text.strip()[:100]
        where.append(
            or_(
                SealUse.title.contains(word, autoescape=True),
                SealUse.why.contains(word, autoescape=True),
            )
        )
    total = uow.session.scalar(select(func.count()).select_from(SealUse).where(*where)) or 0
    rows = uow.session.scalars(
        select(SealUse)
        .where(*where)
        .order_by(SealUse.id.desc())
        .limit(per_page)
        .offset((page - 1) * per_page)
    )
    return Page(ledger.views_of(uow, list(rows)), total, page, per_page)


def readable_papers(uow: UnitOfWork, actor: Actor, uses: Sequence[SealUseView]) -> frozenset[int]:
    """Return which of the sealed papers the actor may open; the register tells of more."""
    named = [one.record_id for one in uses if one.record_id is not None]
    query = select(Record.id).where(Record.id.in_(named), may_read(actor, "record", Record.id))
    return frozenset(uow.session.scalars(query))


def enter_use(uow: UnitOfWork, actor: Actor, seal_id: int, entry: PaperEntry) -> int:
    """Enter a use on a paper that was not made here, by the seal's keeper; return its number.

    Raises Conflict where the same was entered today: who stamped twice says so in the note.
    """
    row = uow.session.get(CompanySeal, seal_id)
    if row is None:
        raise NotFound("没有这枚印章。")
    if row.keeper_id != actor.id:
        raise NotFound("这枚印章不由您保管，不能登记。")
    require_usable(uow, row)
    checked = check_entry(entry)
    told = {
        "seal_id": seal_id,
        "record_id": None,
        "run_id": None,
        "title": checked.title,
        "why": checked.why,
        "approved_by": checked.approved_by,
        "asked_by_id": actor.id,
        "copies_approved": checked.approved,
        "copies_stamped": checked.stamped,
        "pages": checked.pages,
        "note": checked.note,
    }
    today = day_begins(local_day(uow.now()))
    same = select(SealUse.id).filter_by(**told).where(SealUse.asked_at >= today).limit(1)
    if uow.session.scalar(same) is not None:
        raise Conflict(
            "今天已经登记过同样的一次用印，不必再登记；确实又盖了一次的，请在备注里写明。"
        )
    use = SealUse(
        **told,
        asked_at=uow.now(),
        state="done",
        done_by_id=actor.id,
        done_at=uow.now(),
        image_sha256=None,
        pdf_sha256=None,
    )
    uow.session.add(use)
    uow.session.flush()
    detail = {"use": use.id, "title": use.title, "copies": checked.stamped}
    uow.journal(actor.id, "seal.use", "seal", seal_id, detail)
    return use.id


def plan_stamped_scan(uow: UnitOfWork, actor: Actor, record_id: int) -> SigningRun:
    """Return the run of a sealed paper whose stamped copy the actor may keep a scan of.

    Its keeper and its author may, until it is filed. Raises NotFound, Forbidden, Conflict.
    """
    record = records.get_record(uow, actor, record_id)
    run = chain.find_row(uow, record_id)
    use = None if run is None else ledger.use_of(uow, run.id)
    if run is None or use is None or use.state != "done":
        raise Conflict("这份文件还没有用印，没有盖章后的纸件可扫描。")
    if actor.id not in (record.author_id, use.done_by_id):
        raise Forbidden("盖章后的扫描件由提交人或盖章的人上传。")
    if record.state not in (RecordState.IN_SIGNING, RecordState.SIGNED):
        raise Conflict("这份文件已归档，不能再加扫描件；请把扫描件作为新的一件归档。")
    return run


def keep_stamped_scan(
    uow: UnitOfWork, actor: Actor, record_id: int, scan: BlobRef, pages: int
) -> None:
    """Set the scan of the stamped copy beside the paper; it is filed with it. Conflict if it is."""
    run = plan_stamped_scan(uow, actor, record_id)
    latest = documents.latest_document(uow, record_id, STAMPED)
    if latest is not None and latest.sha256 == scan.sha256:
        raise Conflict("这份扫描件已经存在文件旁边，不用再传。")
    stage = flow.next_stage(uow, run)
    documents.keep_document(uow, record_id, STAMPED, run.round, stage, scan, pages)
    detail = {"scan": scan.sha256}
    uow.journal(actor.id, "record.stamped_scan", "record", record_id, detail)


def require_usable(uow: UnitOfWork, row: CompanySeal) -> None:
    """Raise Conflict unless the seal is in use and in its keeper's hands."""
    if row.state != "in_use":
        raise Conflict(f"“{row.name}”已停用或销毁，不能用印。")
    if is_out(uow, row.id):
        raise Conflict(f"“{row.name}”外带未归还，盖不了纸件；请先登记归还。")


def _readable(uow: UnitOfWork, actor: Actor) -> ColumnElement[bool]:
    if READS_ALL & actor.roles:
        return true()
    own: list[ColumnElement[bool]] = [
        SealUse.asked_by_id == actor.id,
        SealUse.done_by_id == actor.id,
    ]
    return or_(*own, SealUse.seal_id.in_(kept_by(uow, actor.id)))

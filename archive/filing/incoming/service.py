"""Intake batches (收件批次): made, looked at, described, decided on, put away.

Who files papers from outside may see a batch, within their clearance. Bytes come in through
``edge``, items are made in ``registering``. Nothing here commits.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from archive.core.errors import Conflict, Invalid, NotFound
from archive.core.pages import Page, clean_paging
from archive.filing.classes.kept import plan_in_force
from archive.filing.incoming.models import BatchState, FileState, IntakeBatch, IntakeFile
from archive.filing.incoming.rules import (
    Common,
    check_batch_title,
    read_again,
    read_common,
    read_own,
    stored_common,
    stored_own,
)
from archive.filing.incoming.twins import find_empty_twin, twins_of, visible
from archive.filing.incoming.views import BatchView, FileView
from archive.filing.rules import check_reason
from archive.forms.service import list_forms
from archive.people import service as people
from archive.people.rights import SECRECY, Actor, require
from archive.tasks.service import forget_digests
from storage.files import StoredFile
from storage.work import UnitOfWork

LARGEST_ID = 2**63 - 1
NOT_THERE = "没有这个收件批次，或者您无权查看。"


@dataclass(frozen=True)
class FileChange:
    """What a person entered about one file, and the version they saw."""

    file_id: int
    version: int
    own: Mapping[str, object]
    again: object = ""


def make_batch(
    uow: UnitOfWork,
    actor: Actor,
    title: object,
    common: Mapping[str, object],
    department_id: int | None = None,
    source: str = "page",
) -> BatchView:
    """Make an empty batch, or find one's own that is just like it; raise Invalid by value."""
    require(actor, "filing.import")
    row = IntakeBatch(
        title=check_batch_title(title),
        source=source,
        state=BatchState.OPEN,
        made_by=actor.id,
        made_at=uow.now(),
        secrecy=0,
        common={},
    )
    _set_common(uow, actor, row, common, department_id)
    if (twin := find_empty_twin(uow, row)) is not None:
        return views_of(uow, [twin])[0]
    uow.session.add(row)
    uow.session.flush()
    uow.journal(actor.id, "intake.make", "intake_batch", row.id, {"source": source})
    return views_of(uow, [row])[0]


def list_batches(
    uow: UnitOfWork, actor: Actor, *, state: str = "", page: int = 1, per_page: int = 20
) -> Page[BatchView]:
    """Return one page of the batches the actor may see, newest first."""
    require(actor, "filing.import")
    page, per_page = clean_paging(page, per_page)
    wanted = [visible(actor)]
    if state:
        wanted.append(IntakeBatch.state == state)
    total = uow.session.scalar(select(func.count()).select_from(IntakeBatch).where(*wanted)) or 0
    rows = uow.session.scalars(
        select(IntakeBatch)
        .where(*wanted)
        .order_by(IntakeBatch.id.desc())
        .limit(per_page)
        .offset((page - 1) * per_page)
    )
    return Page(tuple(views_of(uow, list(rows))), total, page, per_page)


def get_batch(uow: UnitOfWork, actor: Actor, batch_id: int) -> BatchView:
    """Return a batch the actor may see; raise NotFound."""
    return views_of(uow, [batch_row(uow, actor, batch_id)])[0]


def list_files(
    uow: UnitOfWork,
    actor: Actor,
    batch_id: int,
    *,
    state: str = "",
    page: int = 1,
    per_page: int = 50,
) -> Page[FileView]:
    """Return one page of a batch's files in the order they came, each with its doubles."""
    batch_row(uow, actor, batch_id)
    page, per_page = clean_paging(page, per_page)
    wanted = [IntakeFile.batch_id == batch_id]
    if state:
        wanted.append(IntakeFile.state == state)
    total = uow.session.scalar(select(func.count()).select_from(IntakeFile).where(*wanted)) or 0
    rows = uow.session.scalars(
        select(IntakeFile)
        .where(*wanted)
        .order_by(IntakeFile.id)
        .limit(per_page)
        .offset((page - 1) * per_page)
    )
    return Page(tuple(_file_views(uow, actor, list(rows))), total, page, per_page)


def get_file(uow: UnitOfWork, actor: Actor, batch_id: int, file_id: int) -> FileView:
    """Return one file of a batch the actor may see; raise NotFound."""
    return _file_views(uow, actor, [_file_row(uow, actor, batch_id, file_id)])[0]


def edit_batch(
    uow: UnitOfWork,
    actor: Actor,
    batch_id: int,
    version: int,
    title: object,
    common: Mapping[str, object],
    department_id: int | None,
) -> BatchView:
    """Change a batch's name and common values; raise Conflict when someone did meanwhile."""
    row = open_batch(uow, actor, batch_id)
    if row.row_version != version:
        raise Conflict("这个批次刚被别人改过，请刷新页面，看清现在的内容再改。")
    row.title = check_batch_title(title)
    _set_common(uow, actor, row, common, department_id)
    uow.session.flush()
    uow.journal(actor.id, "intake.edit", "intake_batch", row.id, {"secrecy": row.secrecy})
    return views_of(uow, [row])[0]


def edit_files(uow: UnitOfWork, actor: Actor, batch_id: int, changes: Sequence[FileChange]) -> int:
    """Change what files say of themselves; return how many really changed.

    All or nothing: raises Invalid naming every wrong entry as ``<file id>.<key>``, Conflict when
    a file was changed by someone else or is no longer waiting.
    """
    open_batch(uow, actor, batch_id)
    classes = plan_in_force(uow).classes
    rows = _rows_of(uow, batch_id, [change.file_id for change in changes])
    wrong: dict[str, str] = {}
    changed = 0
    for change in changes:
        row = rows[change.file_id]
        try:
            own = read_own(change.own, classes).as_json()
            again = read_again(change.again)
        except Invalid as refusal:
            wrong |= {f"{row.id}.{key}": why for key, why in refusal.fields.items()}
            continue
        if (own, again) == (row.own, row.again):
            continue
        if row.state != FileState.WAITING or row.row_version != change.version:
            raise Conflict(f"“{row.name}”刚被别人改过或办过，请刷新页面，看清现在的内容再改。")
        row.own, row.again, row.note = own, again, ""
        changed += 1
    if wrong:
        raise Invalid(f"有 {len(wrong)} 处填写有误，请看标红的格子；其他内容都还在。", wrong)
    uow.session.flush()
    if changed:
        uow.journal(actor.id, "intake.describe", "intake_batch", batch_id, {"files": changed})
    return changed


def take_suggestions(uow: UnitOfWork, actor: Actor, batch_id: int) -> int:
    """Enter the suggested customer for every waiting file that names none; return how many."""
    open_batch(uow, actor, batch_id)
    rows = uow.session.scalars(
        select(IntakeFile).where(
            IntakeFile.batch_id == batch_id,
            IntakeFile.state == FileState.WAITING,
            IntakeFile.suggested != "",
        )
    )
    taken = 0
    for row in rows:
        if not row.own.get("customer"):
            row.own = {**row.own, "customer": row.suggested}
            taken += 1
    if taken:
        uow.journal(actor.id, "intake.describe", "intake_batch", batch_id, {"suggested": taken})
    return taken


def dismiss_files(
    uow: UnitOfWork, actor: Actor, batch_id: int, file_ids: Sequence[int], reason: str
) -> int:
    """Say that files are not taken in, and why; they can be taken back while the batch is open."""
    open_batch(uow, actor, batch_id)
    words = check_reason(reason, "不收的原因")
    rows = _rows_of(uow, batch_id, file_ids)
    done = [row for row in rows.values() if row.state == FileState.WAITING]
    for row in done:
        row.state, row.note = FileState.DISMISSED, words
    _tell(uow, actor, batch_id, "intake.dismiss", done)
    return len(done)


def take_back_files(uow: UnitOfWork, actor: Actor, batch_id: int, file_ids: Sequence[int]) -> int:
    """Let files wait again that were dismissed; return how many."""
    open_batch(uow, actor, batch_id)
    rows = _rows_of(uow, batch_id, file_ids)
    done = [row for row in rows.values() if row.state == FileState.DISMISSED and row.sha256]
    for row in done:
        row.state, row.note = FileState.WAITING, ""
    _tell(uow, actor, batch_id, "intake.take_back", done)
    return len(done)


def close_batch(uow: UnitOfWork, actor: Actor, batch_id: int, reason: str = "") -> BatchView:
    """Put a batch away: registered through, or given up with a reason while files wait.

    Bytes that no item and no other batch holds are let go of; names and digests stay.
    """
    row = open_batch(uow, actor, batch_id)
    counts = _counts(uow, [row.id])[row.id]
    waiting = counts.get(FileState.WAITING, 0)
    words = check_reason(reason, "作废的原因") if waiting or not counts else ""
    finish_batch(uow, row, BatchState.DISMISSED if words else BatchState.CLOSED, words)
    uow.journal(
        actor.id, "intake.close", "intake_batch", row.id, {"state": row.state, "waiting": waiting}
    )
    return views_of(uow, [row])[0]


def finish_batch(uow: UnitOfWork, row: IntakeBatch, state: BatchState, words: str = "") -> None:
    """Set a batch's last state and let go of the bytes it alone held."""
    files = uow.session.scalars(
        select(IntakeFile).where(IntakeFile.batch_id == row.id, IntakeFile.sha256.is_not(None))
    )
    held: set[str] = set()
    for file in files:
        held.add(file.sha256 or "")
        file.sha256 = None
        if file.state == FileState.WAITING:
            file.state, file.note = FileState.DISMISSED, words
    row.state = state
    uow.session.flush()
    forget_digests(uow, held)


def batch_row(uow: UnitOfWork, actor: Actor, batch_id: int) -> IntakeBatch:
    """Return the row of a batch the actor may see; raise NotFound."""
    require(actor, "filing.import")
    row = uow.session.get(IntakeBatch, batch_id) if 0 < batch_id <= LARGEST_ID else None
    if row is None or (row.secrecy > actor.clearance and row.made_by != actor.id):
        raise NotFound(NOT_THERE)
    return row


def open_batch(uow: UnitOfWork, actor: Actor, batch_id: int) -> IntakeBatch:
    """Return the row of a batch that may still be changed; raise NotFound, Conflict."""
    row = batch_row(uow, actor, batch_id)
    if row.state != BatchState.OPEN:
        raise Conflict(f"这个批次{BatchState(row.state).label}，不能再改；请另建一个批次。")
    return row


def views_of(uow: UnitOfWork, rows: Sequence[IntakeBatch]) -> list[BatchView]:
    """Return batches as views, a fixed number of statements for any number of them."""
    counts = _counts(uow, [row.id for row in rows])
    names = people.names_of(uow, {row.made_by for row in rows if row.made_by})
    units = {unit.id: unit.name for unit in people.departments(uow)}
    return [
        BatchView(
            id=row.id,
            title=row.title,
            source=row.source,
            state=row.state,
            department_id=row.department_id,
            department_name=units.get(row.department_id or 0, ""),
            common=stored_common(row.common),
            made_by=row.made_by,
            made_name=names.get(row.made_by or 0, "系统"),
            made_at=row.made_at,
            version=row.row_version,
            counts=counts[row.id],
        )
        for row in rows
    ]


def _set_common(
    uow: UnitOfWork,
    actor: Actor,
    row: IntakeBatch,
    raw: Mapping[str, object],
    department_id: int | None,
) -> None:
    forms = {form.code for form in list_forms(uow)}
    common: Common = read_common(raw, plan_in_force(uow).classes, forms)
    if common.secrecy > actor.clearance:
        label = SECRECY[common.secrecy]
        raise Invalid(
            f"您的涉密权限不到“{label}”，不能收这个密级；请交给权限足够的档案员办理。",
            {"secrecy": f"高于您的权限：{label}"},
        )
    known = {unit.id for unit in people.departments(uow)}
    if department_id is not None and department_id not in known:
        raise Invalid("没有这个部门，请从列表里选。", {"department": "没有这个部门"})
    row.common, row.secrecy, row.department_id = common.as_json(), common.secrecy, department_id


def _counts(uow: UnitOfWork, ids: Sequence[int]) -> dict[int, Counter[str]]:
    found: dict[int, Counter[str]] = defaultdict(Counter)
    query = (
        select(IntakeFile.batch_id, IntakeFile.state, func.count())
        .where(IntakeFile.batch_id.in_(ids))
        .group_by(IntakeFile.batch_id, IntakeFile.state)
    )
    for batch_id, state, count in uow.session.execute(query):
        found[batch_id][state] = count
    return found


def _file_row(uow: UnitOfWork, actor: Actor, batch_id: int, file_id: int) -> IntakeFile:
    batch_row(uow, actor, batch_id)
    row = uow.session.get(IntakeFile, file_id) if 0 < file_id <= LARGEST_ID else None
    if row is None or row.batch_id != batch_id:
        raise NotFound("这个批次里没有这个文件。")
    return row


def _rows_of(uow: UnitOfWork, batch_id: int, ids: Sequence[int]) -> dict[int, IntakeFile]:
    """Return the files of these ids; raise NotFound when one is not of the batch."""
    wanted = {one for one in ids if 0 < one <= LARGEST_ID}
    rows = uow.session.scalars(
        select(IntakeFile).where(IntakeFile.batch_id == batch_id, IntakeFile.id.in_(wanted))
    )
    found = {row.id: row for row in rows}
    if set(ids) - set(found):
        raise NotFound("这个批次里没有这个文件。")
    return found


def _tell(
    uow: UnitOfWork, actor: Actor, batch_id: int, act: str, rows: Sequence[IntakeFile]
) -> None:
    uow.session.flush()
    if rows:
        detail = {"files": [row.id for row in rows[:200]], "count": len(rows)}
        uow.journal(actor.id, act, "intake_batch", batch_id, detail)


def _file_views(uow: UnitOfWork, actor: Actor, rows: Sequence[IntakeFile]) -> list[FileView]:
    digests = {row.digest for row in rows if row.digest}
    stored = {
        found.sha256: found
        for found in uow.session.scalars(select(StoredFile).where(StoredFile.sha256.in_(digests)))
    }
    waiting = [row for row in rows if row.state == FileState.WAITING]
    twins = twins_of(uow, actor, waiting)
    return [
        FileView(
            id=row.id,
            batch_id=row.batch_id,
            parent_id=row.parent_id,
            name=row.name,
            digest=row.digest,
            size=stored[row.digest].size if row.digest in stored else 0,
            media_type=stored[row.digest].media_type if row.digest in stored else "",
            pages=row.pages,
            state=row.state,
            own=stored_own(row.own),
            suggested=row.suggested,
            again=row.again,
            note=row.note,
            item_id=row.item_id,
            received_at=row.received_at,
            version=row.row_version,
            is_held=row.sha256 is not None,
            twins=tuple(twins[row.id]),
        )
        for row in rows
    ]

"""Destruction and transfer lists: made from what was decided, approved, witnessed, carried out.

The passwords are the edge's business; the bytes go in ``destroying``. Every act looks again at
loans and holds, and at the list itself against the digest it was made with. Nobody alone can
bring it to an end (``rules``: approver, witnesses and executor exclude each other).
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, func, select

from archive.core.clock import local_day
from archive.core.errors import Conflict, Forbidden, Invalid, NotFound
from archive.core.numbering import take_number
from archive.filing.models import CopyStatus, Item, ItemCopy, ItemFile, ItemState
from archive.filing.retention.appraisal import (
    chosen_items,
    items_by_id,
    lines_of,
    release,
)
from archive.filing.retention.models import (
    Appraisal,
    AppraisalLine,
    AppraisalState,
    DisposalLine,
    DisposalList,
    DisposalWitness,
    ListState,
)
from archive.filing.retention.obstacles import obstacles, told
from archive.filing.retention.rules import (
    DESTROY,
    LARGEST_ID,
    OUTCOMES,
    TRANSFER,
    Parts,
    approver_fault,
    check_line,
    digest_of,
    executor_fault,
    load_policy,
    months_after,
    witness_fault,
)
from archive.filing.retention.settings import load_settings
from archive.filing.rules import check_note, check_reason
from archive.people.readers import may_read
from archive.people.rights import Actor, can, require
from archive.tasks import service as tasks
from archive.tasks.service import TaskView
from storage.files import StoredFile
from storage.work import UnitOfWork

DESTROY_TASK = "retention.destroy"
NOT_THERE = "没有这份清册，或者您无权查看。"
_PREFIX = {DESTROY: "XH", TRANSFER: "YJC"}


def make_list(
    uow: UnitOfWork, actor: Actor, appraisal_id: int, kind: str, note: str = ""
) -> DisposalList:
    """Put all that an appraisal decided to destroy (or transfer) on a list; raise Conflict."""
    require(actor, "retention.dispose")
    if kind not in _PREFIX:
        raise Invalid("清册只有销毁清册和移交清册。", {"kind": "应为 destroy 或 transfer"})
    appraisal = uow.session.get(Appraisal, appraisal_id) if 0 < appraisal_id <= LARGEST_ID else None
    if appraisal is None:
        raise NotFound("没有这次鉴定，或者您无权查看。")
    if appraisal.state != AppraisalState.DECIDED:
        raise Conflict("鉴定还没有定，不能做清册。")
    lines = _free_lines(uow, appraisal_id, kind)
    if not lines:
        raise Conflict(f"这次鉴定没有定为“{OUTCOMES[kind]}”而还没有列入清册的档案。")
    items = chosen_items(uow, actor, [line.item_id for line in lines])
    _refuse(obstacles(uow, items, ItemState.REVIEWING), "不能做清册")
    year = local_day(uow.now()).year
    row = DisposalList(
        number=f"{_PREFIX[kind]}-{year}-{take_number(uow, f'disposal:{kind}:{year}'):03d}",
        kind=kind,
        appraisal_id=appraisal_id,
        state=ListState.MADE,
        note=check_note(note),
        digest="",
        made_by=actor.id,
        made_at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()
    _describe(uow, row, items, {line.item_id: line for line in lines}, year)
    row.digest = list_digest(uow, row)
    uow.session.flush()
    detail = {"items": [item.id for item in items], "digest": row.digest}
    uow.journal(actor.id, f"{kind}.list", "disposal", row.id, detail)
    return row


def plan_approval(uow: UnitOfWork, actor: Actor, list_id: int, digest: str) -> DisposalList:
    """Return the list if the actor may approve it now; raise what stops it, by name."""
    require(actor, "retention.sign")
    row = _whole(uow, actor, list_id, ListState.MADE)
    if row.kind != DESTROY:
        raise Conflict("移交清册不用批准，双方签字即可。")
    parts = parts_of(uow, row)
    fault = approver_fault(parts, actor.id, load_settings(uow).representative_id)
    if fault:
        raise Forbidden(f"{fault}。")
    _check_digest(uow, row, digest)
    _refuse(_obstacles(uow, row), "不能批准")
    return row


def record_approval(uow: UnitOfWork, actor: Actor, list_id: int, digest: str) -> DisposalList:
    """Approve a destruction as the legal representative; the cooling period begins.

    Source: DA/T 42 7.7.6; the period and its basis are data (policy.toml, settings).
    """
    row = plan_approval(uow, actor, list_id, digest)
    settings, today = load_settings(uow), local_day(uow.now())
    row.state, row.approved_by, row.approved_at = ListState.APPROVED, actor.id, uow.now()
    row.cooling_until = months_after(today, settings.cooling_months)
    row.cooling_basis = f"{settings.cooling_months} 个月：{settings.cooling_basis}"
    uow.session.flush()
    detail = {"digest": row.digest, "until": row.cooling_until.isoformat()}
    uow.journal(actor.id, "destroy.approve", "disposal", row.id, detail)
    return row


def plan_witness(
    uow: UnitOfWork, actor: Actor, list_id: int, digest: str, method: str, location: str
) -> DisposalList:
    """Return the list if the actor may sign as 监销人 now; raise what stops it, by name."""
    require(actor, "retention.sign")
    row = _whole(uow, actor, list_id, ListState.APPROVED)
    fault = witness_fault(parts_of(uow, row), actor.id)
    if fault:
        raise Forbidden(f"{fault}。")
    _refuse_cooling(uow, row, "监销签字")
    check_line(method, 60, "method", "销毁方式")
    check_line(location, 120, "location", "销毁地点")
    _check_digest(uow, row, digest)
    _refuse(_obstacles(uow, row), "不能监销")
    return row


def record_witness(
    uow: UnitOfWork, actor: Actor, list_id: int, digest: str, method: str, location: str
) -> DisposalList:
    """Sign that one counts and watches the destruction: how and where."""
    row = plan_witness(uow, actor, list_id, digest, method, location)
    uow.session.add(
        DisposalWitness(
            list_id=row.id,
            user_id=actor.id,
            at=uow.now(),
            method=method.strip(),
            location=location.strip(),
            digest=row.digest,
        )
    )
    uow.session.flush()
    uow.journal(actor.id, "destroy.witness", "disposal", row.id, {"digest": row.digest})
    return row


def plan_execution(uow: UnitOfWork, actor: Actor, list_id: int, digest: str) -> DisposalList:
    """Return the list if the actor may carry it out now; raise what stops it, by name."""
    require(actor, "retention.dispose")
    row = _whole(uow, actor, list_id, ListState.APPROVED)
    today = local_day(uow.now())
    fault = executor_fault(parts_of(uow, row), actor.id, today, row.cooling_until)
    if fault:
        raise Forbidden(f"{fault}。")
    _check_digest(uow, row, digest)
    if any(one.digest != row.digest for one in witnesses_of(uow, row.id)):
        raise Conflict("监销人签字时的清册与现在不同，不能执行；请撤回后重新做。")
    _refuse(_obstacles(uow, row), "不能执行")
    return row


def record_execution(uow: UnitOfWork, actor: Actor, list_id: int, digest: str) -> TaskView:
    """Begin to carry the destruction out, as long work in the worker; from here on it is done."""
    row = plan_execution(uow, actor, list_id, digest)
    row.state, row.carried_by, row.carried_at = ListState.RUNNING, actor.id, uow.now()
    uow.session.flush()
    uow.journal(actor.id, "destroy.execute", "disposal", row.id, {"digest": row.digest})
    return tasks.start_task(
        uow, actor, DESTROY_TASK, f"执行销毁清册 {row.number}", {"list": row.id}
    )


def plan_transfer(
    uow: UnitOfWork, actor: Actor, list_id: int, digest: str, receiver: str, receiver_name: str
) -> DisposalList:
    """Return the transfer list if it may be signed over now; raise what stops it."""
    require(actor, "retention.dispose")
    row = _whole(uow, actor, list_id, ListState.MADE)
    if row.kind != TRANSFER:
        raise Conflict("这是销毁清册，不能移交。")
    check_line(receiver, 120, "receiver", "接收单位")
    check_line(receiver_name, 60, "receiver_name", "接收人")
    _check_digest(uow, row, digest)
    _refuse(_obstacles(uow, row), "不能移交")
    return row


def record_transfer(
    uow: UnitOfWork, actor: Actor, list_id: int, digest: str, receiver: str, receiver_name: str
) -> DisposalList:
    """Sign items over to another archive; ours keeps its electronic files, the paper is gone."""
    row = plan_transfer(uow, actor, list_id, digest, receiver, receiver_name)
    row.receiver, row.receiver_name = receiver.strip(), receiver_name.strip()
    row.state, row.carried_by, row.carried_at = ListState.DONE, actor.id, uow.now()
    row.done_at = uow.now()
    for line in rows_of(uow, row.id):
        item = uow.session.get_one(Item, line.item_id)
        item.state, line.done_at = ItemState.TRANSFERRED, uow.now()
        for copy in uow.session.scalars(select(ItemCopy).where(ItemCopy.item_id == item.id)):
            copy.status = CopyStatus.TRANSFERRED
        uow.journal(actor.id, "item.transferred", "item", item.id, {"list": row.id})
        uow.outbox("index", f"item:{item.id}")
    settle_claims(uow, row)
    uow.session.flush()
    uow.journal(actor.id, "transfer.sign", "disposal", row.id, {"digest": row.digest})
    return row


def withdraw_list(uow: UnitOfWork, actor: Actor, list_id: int, reason: str) -> DisposalList:
    """Withdraw a list before it is carried out; its items are in custody, to be appraised anew.

    The archive's people may, and the legal representative.
    """
    row = get_row(uow, actor, list_id)
    if not can(actor, "retention.dispose") and actor.id != load_settings(uow).representative_id:
        raise Forbidden("只有档案人员和法定代表人可以撤回清册。")
    _require_state(row, ListState.MADE, ListState.APPROVED)
    row.reason = check_reason(reason, "撤回原因")
    row.state, row.withdrawn_by, row.withdrawn_at = ListState.WITHDRAWN, actor.id, uow.now()
    release(uow, _lines_on(uow, row))
    uow.session.flush()
    uow.journal(actor.id, f"{row.kind}.withdraw", "disposal", row.id, {})
    return row


def get_row(uow: UnitOfWork, actor: Actor, list_id: int) -> DisposalList:
    """Return a list the actor may see: the offices, its representative, who may read all of it."""
    row = None
    if 0 < list_id <= LARGEST_ID:
        query = select(DisposalList).where(DisposalList.id == list_id).with_for_update()
        row = uow.session.scalar(query)
    if row is None or not may_see_list(uow, actor, row):
        raise NotFound(NOT_THERE)
    return row


def rows_of(uow: UnitOfWork, list_id: int) -> list[DisposalLine]:
    """Return a list's lines in their order."""
    query = select(DisposalLine).where(DisposalLine.list_id == list_id)
    return list(uow.session.scalars(query.order_by(DisposalLine.place)))


def witnesses_of(uow: UnitOfWork, list_id: int) -> list[DisposalWitness]:
    """Return those who signed as 监销人, the first first."""
    query = select(DisposalWitness).where(DisposalWitness.list_id == list_id)
    return list(uow.session.scalars(query.order_by(DisposalWitness.id)))


def parts_of(uow: UnitOfWork, row: DisposalList) -> Parts:
    """Return who has which part in it."""
    signed = tuple(one.user_id for one in witnesses_of(uow, row.id))
    return Parts(row.made_by, row.approved_by, row.carried_by, signed)


def is_whole(uow: UnitOfWork, actor: Actor, list_id: int) -> bool:
    """Say whether the actor may read every item on the list."""
    lines = _count(uow, DisposalLine.list_id == list_id)
    return lines == _count(
        uow, DisposalLine.list_id == list_id, may_read(actor, "item", DisposalLine.item_id)
    )


def list_digest(uow: UnitOfWork, row: DisposalList) -> str:
    """Return SHA-256 over a list as everyone signs it: every item and every file in order."""
    lines = [
        [one.item_id, one.code, one.title, one.year, one.retention, one.pages, one.files]
        for one in rows_of(uow, row.id)
    ]
    return digest_of(row.number, row.kind, lines)


def settle_claims(uow: UnitOfWork, row: DisposalList) -> None:
    """Note with the appraisal that its decision is carried out."""
    for line in _lines_on(uow, row):
        line.claim = None


def _describe(
    uow: UnitOfWork,
    row: DisposalList,
    items: Sequence[Item],
    lines: Mapping[int, AppraisalLine],
    year: int,
) -> None:
    files: dict[int, list[list[object]]] = {item.id: [] for item in items}
    query = select(ItemFile, StoredFile.size).join(StoredFile).where(ItemFile.item_id.in_(files))
    for file, size in uow.session.execute(query.order_by(ItemFile.id)):
        files[file.item_id].append([file.role, file.name, file.sha256, size])
    for place, item in enumerate(items, start=1):
        uow.session.add(
            DisposalLine(
                list_id=row.id,
                item_id=item.id,
                place=place,
                code=item.reference_code or "",
                title=item.title,
                year=item.year,
                retention=lines[item.id].retention,
                kept_years=year - item.year,
                pages=item.pages,
                note=lines[item.id].why,
                files=files[item.id],
                shared=[],
            )
        )
    uow.session.flush()


def _free_lines(uow: UnitOfWork, appraisal_id: int, kind: str) -> list[AppraisalLine]:
    """Return what was decided so and is on no list that lives."""
    listed = (
        select(DisposalLine.item_id)
        .join(DisposalList, DisposalList.id == DisposalLine.list_id)
        .where(DisposalList.appraisal_id == appraisal_id, DisposalList.state != ListState.WITHDRAWN)
    )
    taken = set(uow.session.scalars(listed))
    return [
        line
        for line in lines_of(uow, appraisal_id)
        if line.outcome == kind and line.claim is not None and line.item_id not in taken
    ]


def _lines_on(uow: UnitOfWork, row: DisposalList) -> list[AppraisalLine]:
    ids = {line.item_id for line in rows_of(uow, row.id)}
    return [line for line in lines_of(uow, row.appraisal_id) if line.item_id in ids]


def _whole(uow: UnitOfWork, actor: Actor, list_id: int, state: ListState) -> DisposalList:
    row = get_row(uow, actor, list_id)
    _require_state(row, state)
    if not is_whole(uow, actor, row.id):
        raise Forbidden("清册里有超出您涉密权限的档案，请交给权限足够的人办理。")
    return row


def _require_state(row: DisposalList, *states: ListState) -> None:
    if row.state not in states:
        raise Conflict(f"清册 {row.number} 现在是“{ListState(row.state).label}”，不能这样办。")


def _check_digest(uow: UnitOfWork, row: DisposalList, digest: str) -> None:
    if digest != row.digest:
        raise Conflict("清册与您看到的不同，请刷新页面，看清再签。")
    if list_digest(uow, row) != row.digest:
        raise Conflict("清册与做成时不同，不能继续；请撤回后重新做，并请管理员检查日志。")


def _refuse_cooling(uow: UnitOfWork, row: DisposalList, what: str) -> None:
    if row.cooling_until is not None and local_day(uow.now()) < row.cooling_until:
        last = row.cooling_until - timedelta(days=1)
        raise Conflict(f"冷静期到 {last} 为止，{row.cooling_until} 起才能{what}。")


def _obstacles(uow: UnitOfWork, row: DisposalList) -> list[str]:
    items = items_by_id(uow, [line.item_id for line in rows_of(uow, row.id)])
    return obstacles(uow, items, ItemState.REVIEWING)


def _refuse(faults: Sequence[str], what: str) -> None:
    if faults:
        raise Conflict(told(faults, what))


def may_see_list(uow: UnitOfWork, actor: Actor, row: DisposalList) -> bool:
    """Say whether the actor may see this list: the offices, its representative, readers of all."""
    if can(actor, "retention.list") or actor.id == load_settings(uow).representative_id:
        return True
    return can(actor, "retention.read") and is_whole(uow, actor, row.id)


def _count(uow: UnitOfWork, *wanted: ColumnElement[bool]) -> int:
    query = select(func.count()).select_from(DisposalLine).where(*wanted)
    return uow.session.scalar(query) or 0


def methods() -> tuple[str, ...]:
    """Return the usual ways of destroying, to be offered."""
    return load_policy().methods

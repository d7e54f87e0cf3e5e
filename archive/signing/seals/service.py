"""The register of the company's seals: which there are, who keeps them, what may be asked of them.

Reads and writes rows; nothing here commits. Called by pages, calls and the signing edge.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select

from archive.core.errors import Conflict, Invalid, NotFound
from archive.people import service as people
from archive.people.rights import Actor, require
from archive.signing import audience, chain
from archive.signing.keys import revoke_seal
from archive.signing.models import SigningRun, SigningTask, TaskState
from archive.signing.seals.models import CompanySeal, SealOuting, SealUse
from archive.signing.seals.rules import (
    SealFields,
    SealRequest,
    check_fields,
    check_request,
    is_late,
)
from archive.signing.seals.views import SealAsked, SealView
from doc_templates import SEAL_ROLE, Form
from storage.blobs import BlobRef
from storage.work import UnitOfWork


def list_seals(uow: UnitOfWork, actor: Actor) -> tuple[SealView, ...]:
    """Return every seal, those in use first."""
    require(actor, "seal.list")
    rows = uow.session.scalars(select(CompanySeal).order_by(CompanySeal.id)).all()
    ranked = sorted(rows, key=lambda row: row.state != "in_use")
    return _views(uow, actor, ranked)


def get_seal(uow: UnitOfWork, actor: Actor, seal_id: int) -> SealView:
    """Return one seal; raise NotFound."""
    require(actor, "seal.list")
    return _views(uow, actor, [_row(uow, seal_id)])[0]


def picture_of(uow: UnitOfWork, actor: Actor, seal_id: int) -> str:
    """Return the digest of a seal's picture: for its keeper and the administrator only."""
    row = _row(uow, seal_id)
    if row.keeper_id != actor.id:
        require(actor, "seal.edit")
    return row.image_sha256


def seals_for(uow: UnitOfWork, form: Form) -> tuple[SealView, ...]:
    """Return the seals in use that may be put on a form's papers, best first."""
    if form.seal is None:
        return ()
    kinds = form.seal.kinds
    rows = uow.session.scalars(
        select(CompanySeal)
        .where(CompanySeal.state == "in_use", CompanySeal.kind.in_(kinds))
        .order_by(CompanySeal.id)
    )
    return _views(uow, None, sorted(rows, key=lambda row: kinds.index(row.kind)))


def check_asked(uow: UnitOfWork, form: Form, asked: SealRequest) -> SealAsked:
    """Return a seal asked for at submission with what is needed later; raise Invalid."""
    asked = check_request(asked)
    if form.seal is None:
        raise Invalid(f"《{form.title}》没有盖章的位置，不能用印。", {"seal": "不能用印"})
    row = uow.session.get(CompanySeal, asked.seal_id)
    if row is None or row.state != "in_use" or row.kind not in form.seal.kinds:
        kinds = "、".join(form.seal.kinds)
        raise Invalid(
            "没有这枚印章，或它已停用，或这种文件不用它。", {"seal": f"请选在用的{kinds}"}
        )
    if people.find_actor(uow, row.keeper_id) is None:
        raise Invalid(
            f"“{row.name}”的保管人已离职，请安全管理员先指定新的保管人。", {"seal": "没有保管人"}
        )
    return SealAsked(
        seal_id=row.id,
        name=row.name,
        keeper_id=row.keeper_id,
        width_mm=row.width_mm,
        height_mm=row.height_mm,
        copies=asked.copies,
        why=asked.why,
        across=asked.across,
    )


def add_seal(uow: UnitOfWork, actor: Actor, fields: SealFields, image: BlobRef) -> int:
    """Enter a new seal; return its number. Raises Invalid, Conflict for a name in use."""
    require(actor, "seal.edit")
    fields = check_fields(fields)
    keeper = _keeper(uow, fields)
    _require_free_name(uow, fields.name, None)
    row = CompanySeal(
        name=fields.name,
        kind=fields.kind,
        image_sha256=uow.keep(image),
        width_mm=fields.width_mm,
        height_mm=fields.height_mm,
        keeper_id=keeper.id,
        state=fields.state,
        note=fields.note,
        made_at=uow.now(),
    )
    uow.session.add(row)
    uow.session.flush()
    detail = {"name": row.name, "keeper": keeper.id, "picture": image.sha256}
    uow.journal(actor.id, "seal.add", "seal", row.id, detail)
    return row.id


def change_seal(
    uow: UnitOfWork,
    actor: Actor,
    seal_id: int,
    version: int,
    fields: SealFields,
    image: BlobRef | None,
) -> None:
    """Change a seal; ``image`` None keeps its picture.

    Papers that wait for the seal go to a new keeper at once. A seal that is destroyed comes never
    back, and its certificate is revoked. Raises Invalid, Conflict (stale, destroyed, name in use).
    """
    require(actor, "seal.edit")
    fields = check_fields(fields)
    row, keeper = _row(uow, seal_id), _keeper(uow, fields)
    if row.row_version != version:
        raise Conflict("这枚印章的资料刚被别人改过，请刷新看过最新内容后再改。")
    if row.state == "destroyed":
        raise Conflict("已销毁的印章不能再改。")
    _require_free_name(uow, fields.name, row.id)
    waiting = _waiting(uow, row.id)
    if fields.state != "in_use" and waiting:
        raise Conflict(f"还有 {len(waiting)} 份文件在等“{row.name}”用印，请先办完或退回。")
    if keeper.id != row.keeper_id:
        _move_papers(uow, actor, row.id, keeper)
    row.name, row.kind, row.note = fields.name, fields.kind, fields.note
    row.width_mm, row.height_mm = fields.width_mm, fields.height_mm
    row.keeper_id, row.state = keeper.id, fields.state
    if image is not None:
        row.image_sha256 = uow.keep(image)
    if row.state == "destroyed":
        revoke_seal(uow, row.id)
    uow.session.flush()
    detail = {"name": row.name, "keeper": keeper.id, "state": row.state}
    uow.journal(actor.id, "seal.change", "seal", row.id, detail)


def kept_by(uow: UnitOfWork, person_id: int) -> tuple[int, ...]:
    """Return the seals a person keeps."""
    rows = uow.session.scalars(select(CompanySeal.id).where(CompanySeal.keeper_id == person_id))
    return tuple(rows)


def _row(uow: UnitOfWork, seal_id: int) -> CompanySeal:
    row = uow.session.get(CompanySeal, seal_id)
    if row is None:
        raise NotFound("没有这枚印章。")
    return row


def _keeper(uow: UnitOfWork, fields: SealFields) -> Actor:
    try:
        return audience.person_named(uow, fields.keeper)
    except Invalid as unknown:
        raise Invalid(unknown.message, {"keeper": "请写在职人员的姓名或工号"}) from unknown


def _require_free_name(uow: UnitOfWork, name: str, own_id: int | None) -> None:
    other = uow.session.scalar(select(CompanySeal.id).where(CompanySeal.name == name))
    if other is not None and other != own_id:
        raise Conflict(f"已有一枚叫“{name}”的印章，请换个名称，例如加上编号。")


def _waiting(uow: UnitOfWork, seal_id: int) -> list[int]:
    """Return the runs under way that ask for a seal and do not bear it yet."""
    return list(
        uow.session.scalars(
            select(SealUse.run_id)
            .join(SigningRun, SigningRun.id == SealUse.run_id)
            .where(
                SealUse.seal_id == seal_id,
                SealUse.state == "asked",
                SigningRun.state == "running",
            )
        )
    )


def _move_papers(uow: UnitOfWork, actor: Actor, seal_id: int, keeper: Actor) -> None:
    """Give every paper that waits for the seal to its new keeper."""
    for run_id in _waiting(uow, seal_id):
        run = uow.session.get_one(SigningRun, run_id)
        for task in chain.tasks_in(uow, run_id):
            if task.role != SEAL_ROLE or task.state not in (TaskState.WAITING, TaskState.OPEN):
                continue
            _require_no_part(uow, run_id, task, keeper)
            old = task.assignee_id
            task.assignee_id, task.owner_id, task.is_proxy = keeper.id, None, False
            chain.note_act(uow, run_id, task.id, "reassign", actor.id, other_id=old)
            audience.let_in(uow, run.record_id, [keeper.id])


def _require_no_part(uow: UnitOfWork, run_id: int, task: SigningTask, keeper: Actor) -> None:
    """Raise Conflict where the new keeper wrote or signs the waiting paper."""
    others = {
        one.assignee_id
        for one in chain.tasks_in(uow, run_id)
        if one.id != task.id and one.state in (*chain.LIVE, TaskState.DONE)
    }
    author = uow.session.scalar(select(SealUse.asked_by_id).where(SealUse.run_id == run_id))
    if keeper.id in others or keeper.id == author:
        raise Conflict(
            f"{keeper.name}在一份等着用印的文件上已有签字或就是提交人，"
            "请先办完那份文件，再交接印章。"
        )


def _views(
    uow: UnitOfWork, actor: Actor | None, rows: Collection[CompanySeal]
) -> tuple[SealView, ...]:
    outings = {
        one.seal_id: one
        for one in uow.session.scalars(select(SealOuting).where(SealOuting.back_at.is_(None)))
    }
    names = people.names_of(
        uow,
        {row.keeper_id for row in rows} | {one.taken_by_id for one in outings.values()},
    )
    own_id = actor.id if actor else 0
    left = {one for one in names if people.find_actor(uow, one) is None}
    return tuple(
        replace(
            _view(row, names, outings.get(row.id), own_id, uow.now()),
            has_no_keeper=row.keeper_id in left,
        )
        for row in rows
    )


def _view(
    row: CompanySeal,
    names: dict[int, str],
    outing: SealOuting | None,
    own_id: int,
    now: datetime,
) -> SealView:
    return SealView(
        id=row.id,
        name=row.name,
        kind=row.kind,
        width_mm=row.width_mm,
        height_mm=row.height_mm,
        keeper_id=row.keeper_id,
        keeper_name=names[row.keeper_id],
        state=row.state,
        note=row.note,
        version=row.row_version,
        image_sha256=row.image_sha256,
        is_kept=row.keeper_id == own_id,
        out_with=names[outing.taken_by_id] if outing else "",
        out_since=outing.taken_at if outing else None,
        is_late=outing is not None and is_late(outing.taken_at, now),
    )

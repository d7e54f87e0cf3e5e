"""The description of an item edited after filing: by an archivist, with a reason.

What the 档号 fixes (category, year, term, unit) is not edited here: while the volume is open the
item is moved (改归), and sealed it stays as it is. Called through ``versions.service``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date

from sqlalchemy import select

from archive.core.errors import Conflict, Forbidden, Invalid
from archive.filing.intake import settle_readers, tell_of_change
from archive.filing.items import get_row, load_item, thing_of_row
from archive.filing.models import Item, ItemState, Volume, VolumeState
from archive.filing.rules import MAX_NOTE, MAX_PAGES, check_reason, line_fault, text_fault
from archive.filing.versions.keeping import DESCRIBED, because, description_digest
from archive.filing.views import ItemView
from archive.people.rights import SECRECY, Actor, can, require
from storage.work import UnitOfWork

TEXT_LIMIT = 1_000_000
LINES = {"title": ("题名", 300), "document_number": ("文号", 80), "responsible": ("责任者", 80)}
ELEMENTS_LIMIT = 50


@dataclass(frozen=True)
class Description:
    """What of an item may be edited after filing; ``secrecy`` is a rank."""

    title: str
    document_number: str
    responsible: str
    document_date: date | None
    pages: int
    secrecy: int
    note: str
    text: str
    elements: Mapping[str, str]


def description_of(item: ItemView) -> Description:
    """Return what may be edited of an item as it is."""
    return Description(
        title=item.title,
        document_number=item.document_number,
        responsible=item.responsible,
        document_date=item.document_date,
        pages=item.pages,
        secrecy=item.secrecy,
        note=item.note,
        text=item.text,
        elements=dict(item.elements),
    )


def describe_item(
    uow: UnitOfWork,
    actor: Actor,
    item_id: int,
    wanted: Description,
    reason: str,
    *,
    version: int,
) -> ItemView:
    """Change an item's description; the old one stays as a version with the reason.

    Raises Invalid naming each wrong entry, Conflict for a stale page, nothing changed, a destroyed
    item (what is left of it is evidence), or a volume that waits to be checked, Forbidden for a
    secrecy lowered by who may not. Secrecy raised leaves a job ``secrecy``, as a move does.
    """
    row = get_row(uow, item_id)
    require(actor, "item.file", thing_of_row(uow, row))
    if version != row.row_version:
        raise Conflict("这份文件刚被别人改过，请刷新页面，看清现在的内容再改；您填的还在。")
    _check(wanted)
    why = check_reason(reason, "修改原因")
    _check_secrecy(actor, row, wanted.secrecy)
    _require_settled(uow, row)
    before = row.secrecy
    because(uow, actor, "修改著录", why)
    if not _apply(row, wanted):
        raise Conflict("著录没有变化，没有保存。")
    uow.session.flush()
    settle_readers(uow, row)
    digest = description_digest({key: getattr(row, key) for key in DESCRIBED})
    uow.journal(actor.id, "item.describe", "item", row.id, {"sha256": digest})
    tell_of_change(uow, row, before)
    return load_item(uow, row.id)


def _apply(row: Item, wanted: Description) -> bool:
    is_changed = False
    for field in fields(wanted):
        value = getattr(wanted, field.name)
        value = dict(value) if field.name == "elements" else value
        if getattr(row, field.name) != value:
            setattr(row, field.name, value)
            is_changed = True
    return is_changed


def _check(wanted: Description) -> None:
    wrong = {
        key: fault
        for key, (_, limit) in LINES.items()
        if (fault := line_fault(getattr(wanted, key), limit))
    }
    if not wanted.title.strip():
        wrong["title"] = "题名不能空着"
    for key, limit in (("note", MAX_NOTE), ("text", TEXT_LIMIT)):
        fault = text_fault(getattr(wanted, key), limit)
        if fault:
            wrong[key] = fault
    if not 0 <= wanted.pages <= MAX_PAGES:
        wrong["pages"] = f"页数应在 0 到 {MAX_PAGES} 之间"
    if wanted.secrecy not in range(len(SECRECY)):
        wrong["secrecy"] = "密级应为" + "、".join(SECRECY)
    fault = _elements_fault(wanted.elements)
    if fault:
        wrong["elements"] = fault
    if wrong:
        raise Invalid("著录有误：" + "；".join(wrong.values()) + "。", wrong)


def _elements_fault(elements: Mapping[str, str]) -> str:
    if len(elements) > ELEMENTS_LIMIT:
        return f"其他著录最多 {ELEMENTS_LIMIT} 项"
    for name, value in elements.items():
        fault = (line_fault(name, 40) if name.strip() else "每项都要有名称") or text_fault(
            value, 500
        )
        if fault:
            return f"其他著录“{name[:20]}”：{fault}"
    return ""


def _check_secrecy(actor: Actor, row: Item, wanted: int) -> None:
    if wanted == row.secrecy:
        return
    if wanted > actor.clearance:
        label = SECRECY[wanted]
        raise Invalid(
            f"您的涉密权限不到“{label}”，不能定这个密级；请交给权限足够的档案员办理。",
            {"secrecy": f"高于您的权限：{label}"},
        )
    if wanted < row.secrecy and not can(actor, "item.lower"):
        raise Forbidden("降低密级要由档案负责人或公司领导办理。")


def _require_settled(uow: UnitOfWork, row: Item) -> None:
    if row.state == ItemState.DESTROYED:
        raise Conflict("这件档案已经销毁，留下的著录是凭证，不能再改。")
    volume = uow.session.scalar(select(Volume).where(Volume.id == row.volume_id).with_for_update())
    if volume is not None and volume.state == VolumeState.CHECKING:
        raise Conflict(f"案卷“{volume.title}”正在等待核对封卷，里面的著录现在不能改。")

"""The papers of a volume: cover (A05), catalogue (A04), 备考表 (A06) and box labels (A10).

They are forms like all others, in the pack ``archives``, filled from the volume's rows instead
of by a person. A volume that is not sealed yet prints with its provisional codes and says so.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from archive.core.clock import local_day
from archive.core.errors import NotFound
from archive.core.profile import load_profile
from archive.filing.classes.kept import plan_in_force
from archive.filing.codes import ReferenceCode
from archive.filing.models import Item, ItemCopy, ItemState, Volume, VolumeState
from archive.filing.sealing import find_seal, whole_volume
from archive.filing.views import SealView
from archive.forms.service import get_form
from archive.people.models import Department
from archive.people.rights import SECRECY, Actor
from doc_templates import Form, PrintContext, render_word
from storage.work import UnitOfWork

CATALOGUE, COVER, REMARKS, LABEL = "A04", "A05", "A06", "A10"
PAPERS = {
    COVER: "封面",
    CATALOGUE: "卷内目录",
    REMARKS: "备考表",
    LABEL: "盒面签、案卷脊签（20/30/40/50 毫米）",
}
LINES = 1000
LONGEST_PLACES = 190
_TITLE = re.compile(r"(?:\d{4}年度 )(?P<words>.+?)（[^（）]*?(?:，(?P<part>分册[^（）]*))?）")


@dataclass(frozen=True)
class Paper:
    """A paper ready to be printed: its form, its values and the volume's number."""

    form: Form
    values: dict[str, object]
    number: str
    title: str

    def word(self) -> bytes:
        """Return the paper as Word; slow, so outside any unit of work."""
        context = PrintContext(number=self.number, version=f"{self.form.version}")
        return render_word(self.form, self.values, context)


def volume_paper(uow: UnitOfWork, actor: Actor, volume_id: int, code: str, part: int = 1) -> Paper:
    """Return one of a volume's papers; of the catalogue the ``part``-th thousand of lines."""
    if code not in PAPERS:
        raise NotFound("没有这种案卷用纸。")
    volume, items = whole_volume(uow, actor, volume_id)
    lines = items[(part - 1) * LINES : part * LINES] if part >= 1 else []
    if not lines or (part > 1 and code != CATALOGUE):
        raise NotFound("没有这一部分。")
    seal = find_seal(uow, actor, volume_id)
    facts = _facts(uow, volume, items, seal)
    if code == CATALOGUE:
        facts["文件"] = [
            _line(item, place) for place, item in enumerate(lines, (part - 1) * LINES + 1)
        ]
    form = get_form(uow, code)
    known = {entry.key for entry in form.fields}
    values = {key: value for key, value in facts.items() if key in known}
    return Paper(form, values, _class_code(volume), volume.title)


def _facts(
    uow: UnitOfWork, volume: Volume, items: Sequence[Item], seal: SealView | None
) -> dict[str, object]:
    """Return everything that any of the papers says of a volume."""
    plan = plan_in_force(uow)
    days = sorted(item.document_date for item in items if item.document_date)
    is_sealed = volume.state == VolumeState.SEALED
    return {
        "全宗名称": load_profile(uow).company,
        "案卷题名": volume.title,
        "脊题名": spine_title(volume.title),
        "全宗号": volume.fonds,
        "门类": f"{volume.category} {plan.category_title(volume.category)}",
        "类目": volume.item_class,
        "年度": str(volume.year),
        "机构": _unit(uow, volume.unit),
        "保管期限": plan.terms.get(volume.retention, volume.retention),
        "最高密级": SECRECY[max(item.secrecy for item in items)],
        "起始档号": _code(items[0]),
        "终止档号": _code(items[-1]),
        "起件号": _code(items[0]).rpartition("-")[2],
        "止件号": _code(items[-1]).rpartition("-")[2],
        "起始日期": days[0].isoformat() if days else "",
        "终止日期": days[-1].isoformat() if days else "",
        "件数": str(len(items)),
        "页数": str(sum(item.pages for item in items)),
        "盒号": _places(uow, volume.id),
        "封卷情况": "已封卷" if is_sealed else "未封卷，档号为暂定",
        "本卷情况说明": seal.note if seal else "",
        "目录校验码": seal.digest if seal else "",
        "立卷人": seal.prepared_name if seal else "",
        "立卷日期": _day(seal.prepared_at if seal else None),
        "检查人": seal.confirmed_name if seal else "",
        "检查日期": _day(seal.confirmed_at if seal else None),
        "封卷日期": _day(seal.confirmed_at if seal else None),
    }


def spine_title(title: str) -> str:
    """Return what of a volume's title stands on its spine: year and term have lines of their own.

    2026年度 销售部 客户开发（30年，分册02） becomes 销售部 客户开发 分册02.
    """
    found = _TITLE.fullmatch(title)
    if found is None:
        return title
    return " ".join(part for part in (found["words"], found["part"]) if part)


def _line(item: Item, place: int) -> dict[str, object]:
    return {
        "序号": str(place),
        "件号全称": _code(item),
        "文号": item.document_number,
        "责任者": item.responsible,
        "题名": item.title,
        "日期": item.document_date.isoformat() if item.document_date else "",
        "密级": SECRECY[item.secrecy],
        "页数": str(item.pages),
        "备注": " ".join([*_ended(item), *item.note.split()]),
    }


def _ended(item: Item) -> list[str]:
    """Return what a line is marked with once its paper is no longer there."""
    gone = item.state in (ItemState.TRANSFERRED, ItemState.DESTROYED)
    return [ItemState(item.state).label] if gone else []


def _code(item: Item) -> str:
    return item.reference_code or item.provisional_code or ""


def _class_code(volume: Volume) -> str:
    return ReferenceCode(
        volume.fonds, volume.category, volume.year, volume.retention, volume.unit, 1
    ).lowest_class


def _unit(uow: UnitOfWork, code: str) -> str:
    name = uow.session.scalar(select(Department.name).where(Department.code == code))
    return f"{code} {name}" if name else code


def _places(uow: UnitOfWork, volume_id: int) -> str:
    """Return where the volume's papers stand, each place once, as long as the label holds."""
    query = select(ItemCopy.location).join(Item, Item.id == ItemCopy.item_id)
    query = query.where(Item.volume_id == volume_id, ItemCopy.location != "").distinct()
    text = "；".join(uow.session.scalars(query.order_by(ItemCopy.location)))
    return text if len(text) <= LONGEST_PLACES else text[:LONGEST_PLACES] + "……"


def _day(at: datetime | None) -> str:
    return local_day(at).isoformat() if at else ""

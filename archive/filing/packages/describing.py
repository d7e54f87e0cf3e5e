"""What a package says of an item: core description, files, four steps, every act (DA/T 46).

One description, two containers: the bag carries it as JSON, the XML package as elements.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from archive.filing.items import load_item
from archive.filing.views import ItemView
from archive.people import service as people
from storage.journal import JournalEntry
from storage.work import UnitOfWork

DESCRIPTION = "元数据.json"


@dataclass(frozen=True)
class Content:
    """What a package is of: its name, and the items that go in."""

    name: str
    title: str
    item_ids: tuple[int, ...]


def code_of(item: ItemView) -> str:
    """Return what an item is called outside: its 档号, the provisional one, or its number."""
    return item.reference_code or item.provisional_code or f"{item.id:06d}"


def description_of(uow: UnitOfWork, item: ItemView) -> dict[str, Any]:
    """Return the item's description: core, files, and its process (DA/T 46)."""
    whole = load_item(uow, item.id)
    others = {key: value for key, value in whole.elements.items() if key not in ("责任者", "页数")}
    return {
        "档号": whole.reference_code or "",
        "归档号": whole.provisional_code or "",
        "题名": whole.title,
        "文号": whole.document_number,
        "责任者": whole.responsible or whole.elements.get("责任者", ""),
        "日期": whole.document_date.isoformat() if whole.document_date else "",
        "年度": whole.year,
        "门类": whole.category,
        "类目": whole.item_class,
        "保管期限": whole.retention,
        "密级": whole.secrecy_label,
        "机构": whole.unit,
        "部门": whole.department_name,
        "客户": whole.customer_name,
        "表单": whole.form_code,
        "页数": whole.pages or _number(whole.elements.get("页数", "")),
        "附注": whole.note,
        "其他": others,
        "来源编号": whole.external_id or "",
        "文件": [
            {
                "角色": file.role_label,
                "名称": file.name,
                "字节": file.size,
                "格式": file.media_type,
                "SHA-256": file.sha256,
            }
            for file in whole.files
        ],
        "归档步骤": [
            {"步骤": one.step, "办理人": one.by_name, "时间": one.at.isoformat(), "说明": one.note}
            for one in whole.steps
        ],
        "过程": _process(uow, whole),
    }


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else 0


def _process(uow: UnitOfWork, item: ItemView) -> list[dict[str, object]]:
    rows = list(
        uow.session.scalars(
            select(JournalEntry)
            .where(JournalEntry.object_type == "item", JournalEntry.object_id == str(item.id))
            .order_by(JournalEntry.seq)
        )
    )
    names = people.names_of(uow, [row.actor_id for row in rows])
    return [
        {
            "序号": row.seq,
            "时间": row.at,
            "何人": names.get(row.actor_id or 0, "系统"),
            "做了什么": row.action,
            "摘要": row.hash,
        }
        for row in rows
    ]

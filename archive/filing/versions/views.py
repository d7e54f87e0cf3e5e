"""What is shown of an item's versions: frozen values, the names of fields, values in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

FIELD_LABELS = {
    "title": "题名",
    "customer_id": "客户",
    "form_code": "表单",
    "document_number": "文号",
    "responsible": "责任者",
    "department_id": "部门",
    "document_date": "日期",
    "year": "年度",
    "category": "门类",
    "item_class": "类目",
    "retention": "保管期限",
    "unit": "机构代码",
    "secrecy": "密级",
    "pages": "页数",
    "note": "备注",
    "volume_id": "案卷",
    "provisional_code": "暂定归档号",
    "reference_code": "档号",
    "status": "状态",
    "elements": "其他著录",
    "text": "正文文字",
}


@dataclass(frozen=True)
class FieldChange:
    """One field of a change: its name and label, what was and what became, in words."""

    key: str
    label: str
    old: str
    new: str


@dataclass(frozen=True)
class ItemVersionView:
    """One change of an item's description; ``n`` counts from 1."""

    id: int
    n: int
    at: datetime
    by_name: str
    act: str
    reason: str
    digest: str
    changes: tuple[FieldChange, ...]


@dataclass(frozen=True)
class CopyThen:
    """A physical copy at an instant: where it stood, whether it was there."""

    barcode: str
    location: str
    status_label: str


@dataclass(frozen=True)
class ItemThen:
    """An item as it was at an instant: its description in words by label, state and copies.

    ``notes`` say what was not kept yet and is told as it is now.
    """

    at: datetime
    exists: bool
    state_label: str
    fields: Mapping[str, str]
    text: str
    copies: tuple[CopyThen, ...]
    files: tuple[str, ...]
    notes: tuple[str, ...]
    version_n: int = 0

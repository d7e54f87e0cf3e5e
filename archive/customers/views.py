"""A customer as other stations see it, and what is entered about one. Plain values only."""

from dataclasses import dataclass
from datetime import date

STATUSES = ("潜在", "正常", "暂停往来", "停止交易")
COOPERATIONS = ("一般往来", "长期合作")  # 客户档案管理制度 一.2


@dataclass(frozen=True)
class CustomerView:
    """A customer (客户) of the register; no owner means the public pool (公海)."""

    id: int
    number: str
    name: str
    short_name: str
    initials: str
    credit_code: str
    legal_person: str
    address: str
    factory_address: str
    phone: str
    factory_phone: str
    region: str
    status: str
    cooperation: str
    owner_id: int | None
    owner_name: str
    department_id: int | None
    department_name: str
    first_contact: date | None
    remark: str
    version: int


@dataclass(frozen=True)
class CustomerFields:
    """What is entered about a customer; an empty ``number`` or ``initials`` is worked out."""

    name: str
    number: str = ""
    short_name: str = ""
    initials: str = ""
    credit_code: str = ""
    legal_person: str = ""
    address: str = ""
    factory_address: str = ""
    phone: str = ""
    factory_phone: str = ""
    region: str = ""
    status: str = "正常"
    cooperation: str = COOPERATIONS[0]
    owner_id: int | None = None
    department_id: int | None = None
    first_contact: date | None = None
    remark: str = ""


@dataclass(frozen=True)
class Double:
    """A customer already there that is likely the same, and why."""

    customer: CustomerView
    reason: str

"""Who works at the demo company: five departments, fifteen accounts, and how they are added."""

from collections.abc import Mapping
from dataclasses import dataclass

from archive.people import access, service
from archive.people.rights import ROLES
from storage.work import UnitOfWork

COMPANY, FONDS = "示例商贸有限公司", "Z109"
TOP = "ZJB"
UNITS = {TOP: "总经办", "XSB": "销售部", "KFB": "客服部", "CWB": "财务部", "DAS": "档案室"}


@dataclass(frozen=True)
class Account:
    """An account to sign in with, as ``archive demo`` prints it."""

    username: str
    password: str
    name: str
    duty: str


@dataclass(frozen=True)
class Person:
    """Someone of the company; the passwords are for trying only and easy to read out."""

    username: str
    staff_no: str
    name: str
    unit: str
    post: str
    roles: frozenset[str]
    clearance: int

    @property
    def password(self) -> str:
        """The password every demo has for this account."""
        return f"demo-{self.username}"

    @property
    def duty(self) -> str:
        """Department, post and roles as shown to people."""
        roles = "、".join(label for role, label in ROLES.items() if role in self.roles)
        return f"{UNITS[self.unit]} {self.post}（{roles}）"


def _person(
    username: str, staff_no: str, name: str, unit: str, post: str, roles: str, clearance: int
) -> Person:
    return Person(username, staff_no, name, unit, post, frozenset(roles.split()), clearance)


# Leaders sign in the order of their staff numbers: 总经理 before 董事长.
PEOPLE = (
    _person("admin", "0001", "管理员", TOP, "系统维护", "system_admin security_admin", 0),
    _person("luhaiping", "0002", "陆海平", TOP, "总经理", "leader", 3),
    _person("shenruoyun", "0003", "沈若云", TOP, "董事长", "leader", 3),
    _person("guming", "0004", "顾明", TOP, "审计员", "audit_admin", 0),
    _person("baiwenbin", "0005", "白文彬", TOP, "法务专员", "legal", 2),
    _person("fangjiaming", "0101", "方嘉明", "XSB", "经理", "head", 2),
    _person("linxiaoyu", "0102", "林晓雨", "XSB", "业务员", "clerk", 1),
    _person("hezihan", "0103", "何子涵", "XSB", "业务员", "clerk", 1),
    _person("tangyifan", "0104", "唐一帆", "XSB", "业务员", "clerk", 1),
    _person("qiumeizhen", "0201", "邱美珍", "KFB", "主任", "head", 2),
    _person("suxiaomin", "0202", "苏小敏", "KFB", "客服专员", "clerk service", 1),
    _person("wanglifen", "0301", "汪丽芬", "CWB", "经理", "head finance", 2),
    _person("duzhiqiang", "0302", "杜志强", "CWB", "会计", "clerk finance", 1),
    _person("yanshouzheng", "0401", "严守正", "DAS", "主任", "head archive_head", 3),
    _person("xuwenjing", "0402", "许文静", "DAS", "档案员", "archivist", 2),
)


def accounts() -> tuple[Account, ...]:
    """Return every account, as printed."""
    return tuple(
        Account(person.username, person.password, person.name, person.duty) for person in PEOPLE
    )


def hash_passwords() -> dict[str, str]:
    """Return the hash of every account's password; slow, so done before a transaction opens."""
    return {person.username: access.hash_password(person.password) for person in PEOPLE}


def add_staff(uow: UnitOfWork, hashes: Mapping[str, str]) -> None:
    """Add departments and people; nobody has to change the demo password."""
    top = service.add_department(uow, TOP, UNITS[TOP])
    units = {TOP: top}
    for code, name in UNITS.items():
        if code != TOP:
            units[code] = service.add_department(uow, code, name, top)
    for person in PEOPLE:
        fields = service.UserFields(
            username=person.username,
            staff_no=person.staff_no,
            name=person.name,
            department_id=units[person.unit],
            roles=person.roles,
            clearance=person.clearance,
            email=f"{person.username}@example.com",
            position=person.post,
        )
        service.add_user(uow, None, fields, hashes[person.username], must_change_password=False)

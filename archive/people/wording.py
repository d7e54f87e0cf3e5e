"""Roles and acts in words: what each role is for, who holds it, and what it alone may do.

What a role may do is asked of ``can`` itself, so the page cannot say anything else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from archive.people.offices import ROLE_WORDS
from archive.people.rights import CONFIDENTIAL, OFFICES, ROLES, Actor, acts, can, needs_thing

ACT_WORDS: Mapping[str, str] = {
    "self": "登录、改自己的密码",
    "form.read": "看表单",
    "form.publish": "管表单和模板",
    "customer.list": "查客户",
    "customer.read": "看客户资料",
    "customer.create": "登记客户",
    "record.list": "看文件列表",
    "record.create": "填表",
    "item.list": "查档案目录",
    "item.lower": "降低密级",
    "item.package": "导出封装包",
    "check.read": "看四性检测",
    "check.confirm": "确认检测结果",
    "quarantine.release": "处理隔离的文件",
    "quarantine.accept": "认可隔离的文件",
    "filing.list": "归档",
    "plan.edit": "改归档方案",
    "filing.import": "导入档案",
    "handover.list": "归档移交",
    "handover.receive": "接收移交",
    "handover.all": "看全部移交清单",
    "controlled.list": "看受控文件",
    "controlled.register": "印受控文件收发登记",
    "controlled.manage": "管受控文件",
    "place.list": "看库房",
    "place.edit": "改库房",
    "place.move": "移动实体档案",
    "stocktake.list": "看盘点",
    "stocktake.work": "盘点",
    "volume.list": "看案卷",
    "volume.seal": "封卷",
    "seal.list": "看有哪些印章",
    "seal.edit": "登记印章、定保管人",
    "seal.register": "看用印登记",
    "loan.list": "看自己的借阅",
    "loan.request": "申请借阅",
    "loan.desk": "借阅台",
    "loan.incident": "处理遗失损坏",
    "loan.rules": "改借阅规则",
    "loan.register": "看借阅登记和统计",
    "retention.list": "看到期清单",
    "retention.read": "看到期处置",
    "retention.appraise": "组织鉴定",
    "retention.hold": "冻结档案",
    "retention.dispose": "做销毁、移交清册",
    "retention.sign": "在鉴定、销毁上签字",
    "retention.settings": "定法定代表人和冷静期",
    "search": "检索",
    "search.synonyms": "管同义词",
    "journal.read": "看日志和登录情况",
    "verify.run": "做完整性检查",
    "health.read": "看系统状况",
    "people.list": "看用户名单",
    "people.edit": "建账号、重置密码、办离职",
    "people.rights": "给角色、部门、密级",
    "task.reassign": "改派滞留的待办",
    "grant.list": "看授权",
}


@dataclass(frozen=True)
class RoleLine:
    """One role: what it is for, what it may do beyond every member of staff, who holds it."""

    key: str
    label: str
    words: str
    acts: tuple[str, ...]
    holders: tuple[str, ...]
    is_office: bool


def role_lines(holders: Mapping[str, Sequence[str]]) -> tuple[RoleLine, ...]:
    """Return every role in words; ``holders``: the names of those present, by role."""
    common = _acts_of("clerk")
    return tuple(
        RoleLine(
            role,
            label,
            ROLE_WORDS[role],
            tuple(ACT_WORDS[act] for act in _acts_of(role) if role == "clerk" or act not in common),
            tuple(holders.get(role, ())),
            role in OFFICES,
        )
        for role, label in ROLES.items()
    )


def _acts_of(role: str) -> tuple[str, ...]:
    """Return what the role may do without regard to a certain thing, in the order of the words."""
    known = acts()
    person = Actor(0, "", "", "", 0, "", frozenset({role}), CONFIDENTIAL)
    return tuple(
        act for act in ACT_WORDS if act in known and not needs_thing(act) and can(person, act)
    )

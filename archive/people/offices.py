"""The three separated administrators (三员分立) and what every role is for. Pure rules.

The system administrator opens accounts and keeps the server; the security administrator gives
roles, clearances and grants; the audit administrator reads the journal. None reads papers by the
office, none does what is another's. The first account holds the first two until they are
separated, never the third.
"""

from collections.abc import Collection, Mapping

from archive.core.errors import Invalid
from archive.people.rights import ROLES

FIRST_OFFICES = frozenset({"system_admin", "security_admin"})
ALWAYS_HELD = ("system_admin", "security_admin")
ROLE_WORDS: Mapping[str, str] = {
    "clerk": "填表、办理自己的待办；看自己写的、签过的，和本部门公开、内部的文件",
    "head": "管本部门和下级部门：看其中不高于自己密级的文件，可以授权别人看",
    "archivist": "收集、整理、归档、保管、办借阅；看已签和已归档的，不高于自己密级",
    "archive_head": "管档案工作：鉴定、降密、批准和授权；看已签和已归档的，不高于自己密级",
    "leader": "签批各部门的文件；看不高于自己密级的文件",
    "finance": "表单里写明由财务签的，送到这里",
    "legal": "表单里写明由法务签的，送到这里；看已签和已归档的，不高于自己密级；可冻结档案",
    "quality": "表单里写明由质量签的，送到这里；看受控文件的收发登记",
    "service": "表单里写明由客服签的，送到这里",
    "audit": "查业务：看已签和已归档的文件（不高于自己密级）和日志，不改任何东西",
    "system_admin": "建账号、重置密码、办离职；管表单、同义词、系统状况。不给角色，不看文件和日志",
    "security_admin": "给角色、部门、密级和授权；管印章和保管人。不建账号，不看文件和日志",
    "audit_admin": "看日志和完整性检查的结果。只看不改，不看文件",
}


def check_roles(roles: Collection[str]) -> None:
    """Raise Invalid for roles that one person must not hold together."""
    other = [ROLES[role] for role in ALWAYS_HELD if role in roles]
    if "audit_admin" in roles and other:
        raise Invalid(
            f"审计管理员查的就是管理员做了什么，不能由{other[0]}兼任，请换一个人。",
            {"roles": f"审计管理员不能兼{'、'.join(other)}"},
        )


def advice(holders: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """Return what to tell the administrators of how the offices are held; empty when separated.

    ``holders``: the names of those who hold each office now.
    """
    told = []
    both = sorted(set(holders.get("system_admin", ())) & set(holders.get("security_admin", ())))
    if both:
        told.append(
            f"{'、'.join(both)}同时是系统管理员和安全管理员：建账号和给权限都是一个人。"
            "建议另建一个账号，给它“安全管理员”，再由它收回这边的安全管理员。"
            "人少的单位可以不分开，每一步都记在日志里。"
        )
    if not holders.get("audit_admin"):
        told.append(
            "还没有审计管理员：日志现在只有公司领导、档案负责人和审计能看。"
            "请把“审计管理员”给一位不做系统管理、安全管理的人。"
        )
    return tuple(told)

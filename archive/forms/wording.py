"""The words of definitions as people read them: kinds of fields, candidates, settings."""

from collections.abc import Mapping

SUBMITTER = "submitter"
KIND_LABELS: Mapping[str, str] = {
    "text": "文字（一行）",
    "longtext": "文字（多行）",
    "integer": "整数",
    "decimal": "小数",
    "money": "金额",
    "percent": "百分比",
    "date": "日期",
    "month": "月份",
    "choice": "单选",
    "multi": "多选",
    "check": "是 / 否",
    "phone": "电话",
    "postcode": "邮政编码",
    "id_number": "身份证号",
    "credit_code": "统一社会信用代码",
    "email": "电子邮箱",
    "person": "人员",
    "department": "部门",
    "customer": "客户",
    "image": "图片",
}
OTHER_KINDS: Mapping[str, str] = {"rows": "表格（多行）", "computed": "自动计算", "number": "小数"}
CANDIDATE_LABELS: Mapping[str, str] = {
    SUBMITTER: "填表人",
    "head": "部门负责人",
    "leader": "公司领导",
    "role:finance": "财务",
    "role:legal": "法务",
    "role:quality": "质量",
    "role:service": "客服",
    "role:archivist": "档案员",
    "role:archive_head": "档案负责人",
    "external": "外单位（线下签）",
}
ORIGIN_LABELS: Mapping[str, str] = {"shipped": "随系统", "uploaded": "本单位"}
RETENTION_LABELS: Mapping[str, str] = {"Y": "永久", "D30": "30 年", "D10": "10 年"}


def kind_label(kind: str) -> str:
    """Return a kind as people read it."""
    return KIND_LABELS.get(kind) or OTHER_KINDS.get(kind, kind)

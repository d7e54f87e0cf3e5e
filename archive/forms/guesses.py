"""What a tag's name says of its field: the kind, who signs, a believable sample. Pure guesses.

They only fill in a proposal; the administrator sees and corrects every one of them.
"""

import re
from collections.abc import Mapping

from archive.forms.wording import SUBMITTER
from doc_templates import Field, Form

_KINDS: tuple[tuple[str, str], ...] = (
    (r"统一社会信用代码|信用代码", "credit_code"),
    (r"身份证(号码?)?", "id_number"),
    (r"(邮政编码|邮编)", "postcode"),
    (r"(电子邮[件箱]|邮箱|Email|email)", "email"),
    (r".*(电话|手机|手机号码?|电话号码|传真)", "phone"),
    (r".*(日期|日|(交易|签订|生效|到期|交货)(时间|期限))", "date"),
    (r".*(月份|年月)", "month"),
    (r"客户|乙方|(客户|需方|买方|公司|厂商)(名称|全称)", "customer"),
    (r".*(代表人|联系人|法人|收货人|收件人)", "text"),
    (r".*(人|员|经办|主办|审核|复核)", "person"),
    (r".*(部门|科室|车间)", "department"),
    (r".*([^人客票]数|人数|客户数|台数|页数|份数)", "integer"),
    (r".*(数量|重量|面积|长度|厚度)", "decimal"),
    (
        r".*(金额|货款|价款|[价额费]|费用|合计|小计|总计|余款|定金|资[本产金]|担保|毛利|收款|库存|业绩|购买额.*)",
        "money",
    ),
    (r".*([率比]|比例|比重|百分比|占比|折扣|[内外]销)", "percent"),
    (r".*(照片|图片|附图|简图)", "image"),
    (r"是否.+", "check"),
    (
        r".*(说明|内容|经过|备注|意见|原因|情况|措施|摘要|建议|批示|事由|要求|条款|描述|总结|状况|方式|事项|成果|责任|罚则|问题|其他)",
        "longtext",
    ),
)
_CANDIDATES: tuple[tuple[str, str], ...] = (
    (r".*(乙方|客户|对方|供应商|需方|供方).*", "external"),
    (r".*(填[表报写]|报告|申请|经办|制[表单卡]|承办|主办|提出|业务)人?员?", SUBMITTER),
    (r".*(财务|财会|会计|出纳).*", "role:finance"),
    (r".*(法务|法律).*", "role:legal"),
    (r".*(档案).*", "role:archivist"),
    (r".*(甲方|董事|总经理|总裁|分管|副总|领导|批准|核准).*", "leader"),
    (r".*(主管|部|部门|科长|课长|负责人|经理|审核|复核)", "head"),
)
_ORDER = (SUBMITTER, "head", "role:finance", "role:legal", "role:archivist", "leader", "external")
_SAMPLES: Mapping[str, object] = {
    "longtext": "经双方当面商定，情况属实。\n后续安排另行通知。",
    "integer": "12",
    "decimal": "12.5",
    "number": "12.5",
    "money": "12800.00",
    "percent": "85",
    "date": "2026-11-23",
    "month": "2026-11",
    "check": True,
    "phone": "0731-88886666",
    "postcode": "410005",
    "id_number": "11010519491231002X",
    "credit_code": "91350100M000100Y43",
    "email": "yangli@example.com",
    "person": "林晓雨",
    "department": "销售部",
    "customer": "云渡机械有限公司",
    "image": "",
}


def guess_kind(name: str) -> str:
    """Return the kind a field of this name most likely has; text when nothing tells."""
    return next(
        (kind for pattern, kind in _KINDS if re.fullmatch(pattern, name, re.DOTALL)), "text"
    )


def guess_candidate(role: str) -> str:
    """Return who most likely signs in this role."""
    found = (who for pattern, who in _CANDIDATES if re.fullmatch(pattern, role, re.DOTALL))
    return next(found, "leader")


def signing_rank(candidate: str) -> int:
    """Return the usual place of a candidate in the order of signing."""
    return _ORDER.index(candidate) if candidate in _ORDER else len(_ORDER)


def sample_of(kind: str, name: str, choices: tuple[str, ...] = ()) -> object:
    """Return a made-up value for a field; "" for what cannot be made up."""
    if kind == "choice":
        return choices[0] if choices else ""
    if kind == "multi":
        return list(choices[:2])
    return _SAMPLES.get(kind, f"{name}样例" if kind == "text" else "")


def sample_for(form: Form) -> dict[str, object]:
    """Return made-up values for a form: every entry that is typed, one row a table."""
    return {
        entry.key: _sample_rows(entry) if entry.columns else _sample_entry(entry)
        for entry in form.fields
        if not entry.is_computed
    }


def _sample_rows(table: Field) -> list[dict[str, object]]:
    typed = [one for one in table.columns if not one.is_computed and not one.readonly]
    made = {one.key: _sample_entry(one) for one in typed}
    return [made | dict(row) for row in table.preset_rows] or [made]


def _sample_entry(entry: Field) -> object:
    return sample_of(entry.kind, entry.key, entry.choices)

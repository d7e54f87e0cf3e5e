"""The papers of the keeping's end: 鉴定意见书 (A15), 销毁清册 (A08), 移交清册 (A14).

Printed as Word and PDF like every form of the archive; only whole, to who may read all of it.
"""

from datetime import datetime, timedelta

from archive.core.clock import local_day
from archive.core.errors import Forbidden
from archive.core.profile import load_profile
from archive.filing.papers import Paper
from archive.filing.retention.destroying import BACKUPS
from archive.filing.retention.reading import get_appraisal, get_list
from archive.filing.retention.views import (
    AppraisalLineView,
    AppraisalView,
    DisposalLineView,
    DisposalView,
)
from archive.forms.service import get_form
from archive.people.rights import Actor
from storage.work import UnitOfWork

DESTRUCTION, TRANSFER, OPINIONS = "A08", "A14", "A15"
NOT_FOR_YOU = "里面有超出您涉密权限的档案，不能打印；请交给权限足够的人。"
KEPT_HERE = "电子文件以封装包移交；本单位留存电子副本，不再出借。"
LONGEST = 2000


def list_paper(uow: UnitOfWork, actor: Actor, list_id: int) -> Paper:
    """Return a destruction list (A08) or transfer list (A14) as its paper; raise Forbidden."""
    found = get_list(uow, actor, list_id)
    if not found.is_whole:
        raise Forbidden(NOT_FOR_YOU)
    profile = load_profile(uow)
    if found.is_destruction:
        values = _destruction(found)
        values |= {"全宗号": profile.fonds, "全宗名称": profile.company}
        return Paper(get_form(uow, DESTRUCTION), values, found.number, found.number)
    values = _transfer(found) | {"移交单位": profile.company}
    return Paper(get_form(uow, TRANSFER), values, found.number, found.number)


def appraisal_paper(uow: UnitOfWork, actor: Actor, appraisal_id: int) -> Paper:
    """Return an appraisal as its paper (A15): every opinion, every outcome; raise Forbidden."""
    found = get_appraisal(uow, actor, appraisal_id)
    if not found.is_whole:
        raise Forbidden(NOT_FOR_YOU)
    values = _opinions(found) | {"全宗名称": load_profile(uow).company}
    return Paper(get_form(uow, OPINIONS), values, found.number, found.number)


def _destruction(found: DisposalView) -> dict[str, object]:
    last = found.cooling_until - timedelta(days=1) if found.cooling_until else None
    first, second = [*found.witnesses, None, None][:2]
    ways = dict.fromkeys(f"{one.method}，{one.location}" for one in found.witnesses)
    shared = sum(line.shared for line in found.lines)
    notes = [found.note, BACKUPS]
    if shared:
        notes.append(f"有 {shared} 个文件与在库档案的文件完全相同，字节随在库档案保留。")
    if found.reason:
        notes.append(f"撤回：{found.withdrawn_name}，{found.reason}")
    return {
        "清册情况": found.state_label,
        "件数": str(len(found.lines)),
        "总页数": str(found.pages),
        "鉴定意见书": found.appraisal_number,
        "档案": [_destroyed(line) for line in found.lines],
        "鉴定组长": found.leader_name,
        "鉴定日期": _day(found.appraised_at),
        "批准人": found.approved_name,
        "批准日期": _day(found.approved_at),
        "冷静期": f"到 {last} 为止（{found.cooling_basis}）"[:200] if last else "",
        "监销人一": "、".join(one.name for one in (first, *found.witnesses[2:]) if one is not None)[
            :200
        ],
        "监销日期一": _day(first.at if first else None),
        "监销人二": second.name if second else "",
        "监销日期二": _day(second.at if second else None),
        "方式地点": "；".join(ways)[:200],
        "执行人": found.carried_name,
        "执行日期": _day(found.carried_at),
        "说明": "\n".join(note for note in notes if note),
        "清册校验码": found.digest,
    }


def _transfer(found: DisposalView) -> dict[str, object]:
    return {
        "接收单位": found.receiver,
        "清册情况": found.state_label,
        "件数": str(len(found.lines)),
        "总页数": str(found.pages),
        "鉴定意见书": found.appraisal_number,
        "档案": [_transferred(line) for line in found.lines],
        "说明": "\n".join(note for note in (found.note, KEPT_HERE) if note),
        "清册校验码": found.digest,
        "移交人": found.carried_name,
        "移交日期": _day(found.carried_at),
        "接收人": found.receiver_name,
        "接收日期": _day(found.carried_at),
    }


def _opinions(found: AppraisalView) -> dict[str, object]:
    signed = "；".join(f"{one.name} {_day(one.signed_at) or '（未签）'}" for one in found.members)
    return {
        "鉴定情况": found.state_label,
        "件数": str(len(found.lines)),
        "鉴定组长": found.leader_name,
        "提交人": found.opened_name,
        "提交日期": _day(found.opened_at),
        "定论日期": _day(found.decided_at),
        "档案": [_judged(line) for line in found.lines],
        "成员签字": signed,
        "说明": "\n".join(note for note in (found.note, found.reason) if note),
    }


def _destroyed(line: DisposalLineView) -> dict[str, object]:
    done = "已销毁 " + _day(line.done_at) if line.done_at else ""
    return {
        "序号": str(line.place),
        "题名": line.title,
        "年度": str(line.year),
        "件号全称": line.code,
        "应保管期限": line.term_label,
        "已保管期限": f"{line.kept_years}年",
        "页数": str(line.pages),
        "备注": "；".join(part for part in (done, line.note) if part)[:200],
    }


def _transferred(line: DisposalLineView) -> dict[str, object]:
    return {
        "序号": str(line.place),
        "题名": line.title,
        "年度": str(line.year),
        "件号全称": line.code,
        "保管期限": line.term_label,
        "页数": str(line.pages),
        "电子文件": f"{line.files} 个",
        "备注": line.note[:200],
    }


def _judged(line: AppraisalLineView) -> dict[str, object]:
    told = "；".join(
        f"{one.user_name}：{one.label}{f'（{one.reason}）' if one.reason else ''}"
        for one in line.opinions
    )
    return {
        "序号": str(line.place),
        "件号全称": line.code,
        "题名": line.title,
        "应保管期限": line.term_label,
        "期满": line.due_on.isoformat() if line.due_on else "",
        "各人意见": told[:LONGEST],
        "结果": line.outcome_label[:20],
        "票数": line.why[:200],
    }


def _day(at: datetime | None) -> str:
    return local_day(at).isoformat() if at else ""

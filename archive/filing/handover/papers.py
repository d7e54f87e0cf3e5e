"""The hand-over list as a paper (A07), printed as Word and PDF like every form of the archive."""

from archive.core.clock import local_day
from archive.core.errors import Forbidden
from archive.filing.handover.lists import get_list
from archive.filing.handover.models import ListState
from archive.filing.handover.views import LineView, ListView
from archive.filing.papers import Paper
from archive.forms.service import get_form
from archive.people.rights import Actor
from storage.work import UnitOfWork

CODE = "A07"
SHORT_DIGEST = 16


def list_paper(uow: UnitOfWork, actor: Actor, list_id: int) -> Paper:
    """Return a list as its paper; only whole: raise Forbidden when some of it may not be read."""
    found = get_list(uow, actor, list_id)
    if not found.is_whole:
        raise Forbidden("清单里有超出您涉密权限的文件，不能打印整份清单。")
    number = found.number or f"（{ListState.DRAFT.label}）"
    return Paper(get_form(uow, CODE), _values(found), number, found.title)


def _values(found: ListView) -> dict[str, object]:
    return {
        "移交部门": found.department_name,
        "移交月份": found.month_label,
        "清单情况": found.state_label,
        "件数": str(len(found.lines)),
        "页数": str(found.pages),
        "文件数": f"{found.file_count} 个，共 {-(-found.size // 1024)} KB",
        "文件": [_line(line) for line in found.lines],
        "说明": found.note,
        "清单校验码": found.digest,
        "移交人": found.handed_name,
        "移交日期": local_day(found.handed_at).isoformat() if found.handed_at else "",
        "接收人": found.received_name,
        "接收日期": local_day(found.received_at).isoformat() if found.received_at else "",
    }


def _line(line: LineView) -> dict[str, object]:
    return {
        "序号": str(line.place),
        "文号": line.number,
        "题名": line.title,
        "责任者": line.author_name,
        "签毕日期": line.signed_on.isoformat(),
        "密级": line.secrecy_label,
        "页数": str(line.pages),
        "正本校验码": line.files[0].sha256[:SHORT_DIGEST] if line.files else "",
        "备注": f"{len(line.files)} 个文件",
    }

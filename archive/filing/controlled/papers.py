"""A controlled document's register of issues and returns (D21), as paper and as columns."""

from archive.core.clock import local, local_day
from archive.core.list_sheets import ListColumn
from archive.filing.controlled.lists import get_document
from archive.filing.controlled.views import CopyView, DocumentView
from archive.filing.papers import Paper
from archive.forms.service import get_form
from archive.people.rights import Actor, require
from storage.work import UnitOfWork

CODE = "D21"
REMINDER = "旧版收回或销毁后，新版方可继续使用；副本不得复印。"


def received_text(copy: CopyView) -> str:
    """Return when and how a copy was received, in one line; empty while it was not."""
    if copy.received_at is None:
        return ""
    how = "密码签收" if copy.received_how == "password" else "纸上签字"
    return f"{local(copy.received_at):%Y-%m-%d} {how}"


REGISTER: tuple[ListColumn[CopyView], ...] = (
    ListColumn("文件编号", lambda one: one.document_number, 16),
    ListColumn("文件名称", lambda one: one.document_title, 30),
    ListColumn("受控号", lambda one: one.number_label, 8),
    ListColumn("版本", lambda one: one.version_label, 10),
    ListColumn("发放部门", lambda one: one.department_name, 14),
    ListColumn("领用人", lambda one: one.person_name, 12),
    ListColumn("发放日期", lambda one: local_day(one.issued_at), 12),
    ListColumn("发放人", lambda one: one.issued_by, 12),
    ListColumn("签收", received_text, 24),
    ListColumn("收回（销毁）日期", lambda one: local_day(one.ended_at) if one.ended_at else "", 16),
    ListColumn("收回情况", lambda one: one.state_label, 14),
    ListColumn("经手人", lambda one: one.ended_by, 12),
    ListColumn("备注", lambda one: one.note, 30),
)

DOCUMENTS: tuple[ListColumn[DocumentView], ...] = (
    ListColumn("文件编号", lambda one: one.number, 16),
    ListColumn("文件名称", lambda one: one.title, 36),
    ListColumn("现行版本", lambda one: one.valid.label if one.valid else "没有有效版本", 14),
    ListColumn("生效日期", lambda one: one.valid.valid_from if one.valid else "", 12),
    ListColumn("在外份数", lambda one: one.out, 10),
    ListColumn("旧版未收回", lambda one: one.old_out, 12),
)


def register_paper(uow: UnitOfWork, actor: Actor, document_id: int) -> Paper:
    """Return a document's register as its paper; for the archive, leaders and auditors."""
    require(actor, "controlled.register")
    found = get_document(uow, actor, document_id)
    valid = found.valid
    values: dict[str, object] = {
        "文件编号": found.number,
        "文件名称": found.title,
        "现行版本": valid.label if valid else "",
        "生效日期": valid.valid_from.isoformat() if valid else "",
        "发放份数": str(len(found.copies)),
        "在外旧版": str(found.old_out),
        "记录": [_line(copy, place) for place, copy in enumerate(found.copies, start=1)],
        "打印日期": local_day(uow.now()).isoformat(),
        "说明": REMINDER,
    }
    return Paper(get_form(uow, CODE), values, found.number, found.title)


def _line(copy: CopyView, place: int) -> dict[str, object]:
    return {
        "序号": str(place),
        "受控号": copy.number_label,
        "发放版本": copy.version_label,
        "发放部门": copy.department_name,
        "领用人": copy.person_name,
        "发放日期": local_day(copy.issued_at).isoformat(),
        "发放人": copy.issued_by,
        "签收": received_text(copy),
        "收回日期": local_day(copy.ended_at).isoformat() if copy.ended_at else "",
        "收回情况": copy.state_label,
        "经手人": copy.ended_by,
        "备注": " ".join(copy.note.split()),
    }

"""The columns of the catalogue's lists when they are given out as Excel files."""

from archive.core.list_sheets import ListColumn
from archive.filing.classes.service import Branch, Tally
from archive.filing.plan import VOLUMES_BY, ItemClass, Plan
from archive.filing.retention.due import DueView
from archive.filing.views import CatalogueLine, ItemView, VolumeView
from archive.records.views import RecordView

ITEMS: tuple[ListColumn[ItemView], ...] = (
    ListColumn("档号", lambda item: item.code, 30),
    ListColumn("题名", lambda item: item.title, 40),
    ListColumn("文号", lambda item: item.document_number, 18),
    ListColumn("责任者", lambda item: item.responsible, 16),
    ListColumn("日期", lambda item: item.document_date, 12),
    ListColumn("客户", lambda item: item.customer_name, 28),
    ListColumn("表单", lambda item: item.form_title or item.form_code, 20),
    ListColumn("部门", lambda item: item.department_name, 12),
    ListColumn("年度", lambda item: item.year, 8),
    ListColumn("类别", lambda item: item.item_class, 14),
    ListColumn("保管期限", lambda item: item.retention_label, 10),
    ListColumn("密级", lambda item: item.secrecy_label, 8),
    ListColumn("页数", lambda item: item.pages, 8),
    ListColumn("状态", lambda item: item.status, 12),
    ListColumn("附注", lambda item: item.note, 24),
)
UNFINISHED: tuple[ListColumn[ItemView], ...] = (
    ListColumn("题名", lambda item: item.title, 40),
    ListColumn("文号", lambda item: item.document_number, 18),
    ListColumn("客户", lambda item: item.customer_name, 28),
    ListColumn("现在", lambda item: item.state_label, 12),
    ListColumn("下一步", lambda item: item.next_step, 12),
)
WAITING: tuple[ListColumn[RecordView], ...] = (
    ListColumn("题名", lambda record: record.title, 40),
    ListColumn("文号", lambda record: record.number, 18),
    ListColumn("表单", lambda record: f"{record.form_code} {record.form_title}", 26),
    ListColumn("客户", lambda record: record.customer_name, 28),
    ListColumn("填表人", lambda record: record.author_name, 12),
    ListColumn("部门", lambda record: record.department_name, 14),
    ListColumn("密级", lambda record: record.secrecy_label, 8),
    ListColumn("签完", lambda record: record.signed_at, 18),
)
VOLUMES: tuple[ListColumn[VolumeView], ...] = (
    ListColumn("案卷", lambda volume: volume.title, 40),
    ListColumn("全宗号", lambda volume: volume.fonds, 10),
    ListColumn("门类", lambda volume: volume.category_title, 14),
    ListColumn("类别", lambda volume: volume.item_class, 14),
    ListColumn("年度", lambda volume: volume.year, 8),
    ListColumn("保管期限", lambda volume: volume.retention_label, 10),
    ListColumn("机构", lambda volume: volume.unit, 8),
    ListColumn("状态", lambda volume: volume.state_label, 10),
    ListColumn("件数", lambda volume: volume.items, 8),
    ListColumn("页数", lambda volume: volume.pages, 8),
)
# DA/T 22 5.5.2
CATALOGUE: tuple[ListColumn[CatalogueLine], ...] = (
    ListColumn("序号", lambda line: line.place, 6),
    ListColumn("档号", lambda line: line.code, 30),
    ListColumn("文号", lambda line: line.document_number, 18),
    ListColumn("责任者", lambda line: line.responsible, 16),
    ListColumn("题名", lambda line: line.title, 40),
    ListColumn("日期", lambda line: line.document_date, 12),
    ListColumn("密级", lambda line: line.secrecy_label, 8),
    ListColumn("页数", lambda line: line.pages, 8),
    ListColumn("备注", lambda line: line.note, 24),
)


CLASS_YEARS: tuple[ListColumn[tuple[ItemClass, Tally]], ...] = (
    ListColumn("类目", lambda pair: pair[0].name, 20),
    ListColumn("年度", lambda pair: pair[1].year, 8),
    ListColumn("件数", lambda pair: pair[1].items, 8),
    ListColumn("页数", lambda pair: pair[1].pages, 8),
    ListColumn("卷数", lambda pair: pair[1].volumes, 8),
)
LATE_VOLUMES: tuple[ListColumn[tuple[int, str, int]], ...] = (
    ListColumn("案卷", lambda volume: volume[1], 60),
    ListColumn("年度", lambda volume: volume[2], 8),
)


def plan_columns(plan: Plan) -> tuple[ListColumn[Branch], ...]:
    """Return the columns of 归档范围和保管期限表, in the words of this plan."""

    def category(one: Branch) -> str:
        return f"{one.row.category} {plan.category_title(one.row.category)}".strip()

    return (
        ListColumn("类目", lambda one: one.row.name, 20),
        ListColumn("门类", category, 20),
        ListColumn("一般期限", lambda one: plan.terms.get(one.row.retention, ""), 12),
        ListColumn("最低期限", lambda one: plan.terms.get(one.row.minimum, ""), 12),
        ListColumn("依据", lambda one: one.row.basis, 60),
        ListColumn("上级类目", lambda one: one.row.parent, 16),
        ListColumn("立卷", lambda one: VOLUMES_BY[one.row.volumes], 18),
        ListColumn("停用", lambda one: "停用" if one.row.is_closed else "", 8),
        ListColumn("件数", lambda one: one.items, 8),
        ListColumn("卷数", lambda one: one.volumes, 8),
    )


DUE: tuple[ListColumn[DueView], ...] = (
    ListColumn("档号", lambda one: one.item.code, 30),
    ListColumn("题名", lambda one: one.item.title, 44),
    ListColumn("年度", lambda one: one.item.year, 8),
    ListColumn("类目", lambda one: one.item.item_class, 18),
    ListColumn("部门", lambda one: one.item.department_name, 14),
    ListColumn("客户", lambda one: one.item.customer_name, 30),
    ListColumn("保管期限", lambda one: one.term_label, 10),
    ListColumn("起算年", lambda one: one.base_year, 8),
    ListColumn("期满", lambda one: one.due_on, 12),
    ListColumn("页数", lambda one: one.item.pages, 8),
    ListColumn("暂不能鉴定", lambda one: one.obstacle, 40),
)

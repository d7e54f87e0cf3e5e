"""The columns of the catalogue's lists when they are given out as Excel files."""

from archive.core.list_sheets import ListColumn
from archive.filing.views import CatalogueLine, ItemView, VolumeView

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

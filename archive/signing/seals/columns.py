"""The columns of the seal lists when they are given out as Excel files."""

from archive.core.list_sheets import ListColumn
from archive.signing.seals.views import OutingView, SealUseView, SealView

SEALS: tuple[ListColumn[SealView], ...] = (
    ListColumn("名称", lambda one: one.name, 20),
    ListColumn("种类", lambda one: one.kind, 14),
    ListColumn("尺寸", lambda one: one.size_label, 14),
    ListColumn("保管人", lambda one: one.keeper_name, 12),
    ListColumn("状态", lambda one: one.state_label, 10),
    ListColumn("外带", lambda one: one.out_with, 12),
    ListColumn("备注", lambda one: one.note, 40),
)
OUTINGS: tuple[ListColumn[OutingView], ...] = (
    ListColumn("印章", lambda one: one.seal_name, 16),
    ListColumn("带走时间", lambda one: one.taken_at, 18),
    ListColumn("带走的人", lambda one: one.taken_by_name, 12),
    ListColumn("到哪里", lambda one: one.where_to, 24),
    ListColumn("为什么", lambda one: one.why, 24),
    ListColumn("批准人", lambda one: one.approved_by_name, 12),
    ListColumn("经手人", lambda one: one.handed_by_name, 12),
    ListColumn("归还时间", lambda one: one.back_at, 18),
    ListColumn("收回人", lambda one: one.received_by_name, 12),
    ListColumn("逾期", lambda one: "是" if one.is_late else "", 8),
    ListColumn("备注", lambda one: one.note, 30),
)
USES: tuple[ListColumn[SealUseView], ...] = (
    ListColumn("序号", lambda one: one.id, 8),
    ListColumn("用印时间", lambda one: one.done_at, 18),
    ListColumn("印章", lambda one: one.seal_name, 16),
    ListColumn("文件", lambda one: one.title, 40),
    ListColumn("页数", lambda one: one.pages or "", 8),
    ListColumn("用途", lambda one: one.why, 24),
    ListColumn("批准份数", lambda one: one.copies_approved, 10),
    ListColumn("盖章份数", lambda one: one.copies_stamped, 10),
    ListColumn("骑缝章", lambda one: "有" if one.across else "", 8),
    ListColumn("申请人", lambda one: one.asked_by_name, 12),
    ListColumn("申请时间", lambda one: one.asked_at, 18),
    ListColumn("批准人", lambda one: one.approved_by, 16),
    ListColumn("盖章人", lambda one: one.done_by_name, 12),
    ListColumn("状态", lambda one: one.state_label, 10),
    ListColumn("备注", lambda one: one.note, 30),
)

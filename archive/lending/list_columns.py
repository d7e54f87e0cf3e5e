"""The columns of the lending lists when they are given out as Excel files."""

from archive.core.list_sheets import ListColumn
from archive.lending.views import LoanView, RefusalView, RequestView

LOANS: tuple[ListColumn[LoanView], ...] = (
    ListColumn("申请号", lambda loan: loan.request_number, 16),
    ListColumn("档号", lambda loan: loan.item_code, 30),
    ListColumn("题名", lambda loan: loan.item_title, 40),
    ListColumn("条码", lambda loan: loan.barcode, 16),
    ListColumn("借阅人", lambda loan: loan.borrower_name, 12),
    ListColumn("部门", lambda loan: loan.borrower_department, 14),
    ListColumn("用途", lambda loan: loan.purpose, 30),
    ListColumn("借出时间", lambda loan: loan.handed_at, 18),
    ListColumn("经手人", lambda loan: loan.handed_by_name, 12),
    ListColumn("应还日期", lambda loan: loan.due_on, 12),
    ListColumn("借出页数", lambda loan: loan.pages_out, 10),
    ListColumn("归还时间", lambda loan: loan.returned_at, 18),
    ListColumn("收回人", lambda loan: loan.received_by_name, 12),
    ListColumn("归还页数", lambda loan: loan.pages_in, 10),
    ListColumn("情况", lambda loan: loan.condition, 20),
)
REFUSALS: tuple[ListColumn[RefusalView], ...] = (
    ListColumn("时间", lambda one: one.at, 18),
    ListColumn("档号", lambda one: one.item_code, 30),
    ListColumn("题名", lambda one: one.item_title, 40),
    ListColumn("申请人", lambda one: one.borrower_name, 12),
    ListColumn("部门", lambda one: one.borrower_department, 14),
    ListColumn("借法", lambda one: one.mode_label, 10),
    ListColumn("用途", lambda one: one.purpose, 30),
    ListColumn("业务依据", lambda one: one.business_reference, 20),
    ListColumn("拒绝的理由", lambda one: "；".join(why.text for why in one.reasons), 60),
)
REQUESTS: tuple[ListColumn[RequestView], ...] = (
    ListColumn("申请号", lambda one: one.number, 16),
    ListColumn("申请时间", lambda one: one.created_at, 18),
    ListColumn("档号", lambda one: one.item_code, 30),
    ListColumn("题名", lambda one: one.item_title, 40),
    ListColumn("借法", lambda one: one.mode_label, 10),
    ListColumn("用途", lambda one: one.purpose, 30),
    ListColumn("业务依据", lambda one: one.business_reference, 20),
    ListColumn("应还日期", lambda one: one.due, 12),
    ListColumn("状态", lambda one: one.state_label, 12),
)

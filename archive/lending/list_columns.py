"""The columns of the lending lists when they are given out as Excel files."""

from archive.core.list_sheets import ListColumn
from archive.lending.matching import BORROWER_CLASSES, CANDIDATES, Mode, Rule
from archive.lending.trying import MatrixLine
from archive.lending.views import LoanView, LogLine, RefusalView, RequestView

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
    ListColumn("借出确认", lambda loan: loan.signed_out.label if loan.signed_out else "", 12),
    ListColumn("归还确认", lambda loan: loan.signed_back.label if loan.signed_back else "", 12),
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
LOG: tuple[ListColumn[LogLine], ...] = (
    ListColumn("时间", lambda line: line.at, 18),
    ListColumn("事项", lambda line: line.what, 14),
    ListColumn("经办人", lambda line: line.who, 12),
    ListColumn("申请", lambda line: line.request_number, 16),
    ListColumn("说明", lambda line: line.note, 60),
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
ASKED: tuple[ListColumn[RequestView], ...] = (
    ListColumn("借阅人", lambda one: one.borrower_name, 12),
    ListColumn("部门", lambda one: one.borrower_department, 14),
    *REQUESTS,
)


def _words(labels: str, names: dict[str, str]) -> str:
    return "、".join(names[one] for one in labels.split("/") if one)


def _term(rule: Rule) -> str:
    if not rule.allowed or rule.mode == Mode.COPY:
        return ""
    return f"{rule.days} {'个工作日' if rule.working_days else '天'}" if rule.days else "当天"


_MODES = {str(mode): mode.label for mode in Mode}
RULES: tuple[ListColumn[Rule], ...] = (
    ListColumn("规则", lambda rule: rule.code, 24),
    ListColumn("版本", lambda rule: rule.version, 8),
    ListColumn("密级", lambda rule: rule.secrecy.replace("/", "、"), 14),
    ListColumn("借阅人", lambda rule: _words(rule.borrower_class, BORROWER_CLASSES), 16),
    ListColumn("类别", lambda rule: rule.category.replace("/", "、"), 20),
    ListColumn("方式", lambda rule: _words(rule.mode, _MODES), 18),
    ListColumn("库房", lambda rule: rule.place.replace("/", "、"), 14),
    ListColumn("结果", lambda rule: "可以借" if rule.allowed else "不借", 10),
    ListColumn("期限", _term, 12),
    ListColumn("可续借次数", lambda rule: rule.renewals, 10),
    ListColumn("每次续借（工作日）", lambda rule: rule.renewal_days, 16),
    ListColumn("可打印份数", lambda rule: rule.prints, 10),
    ListColumn("可下载", lambda rule: "是" if rule.download else "", 8),
    ListColumn("同时最多几件", lambda rule: rule.limit, 12),
    ListColumn("依次审批", lambda rule: "、".join(CANDIDATES[one] for one in rule.approvals), 40),
    ListColumn("借阅台要做到的", lambda rule: rule.conditions, 24),
    ListColumn("依据", lambda rule: rule.basis, 40),
    ListColumn("生效日", lambda rule: rule.valid_from, 12),
    ListColumn("有效到", lambda rule: rule.valid_until, 12),
)


def _of_rule(column: ListColumn[Rule]) -> ListColumn[MatrixLine]:
    return ListColumn(
        column.title, lambda line: column.value(line.current or line.rule), column.width
    )


MATRIX: tuple[ListColumn[MatrixLine], ...] = (
    *map(_of_rule, RULES),
    ListColumn("状态", lambda line: line.state, 16),
)

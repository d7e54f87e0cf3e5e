"""What the tests of this station share: a filled E01, and the way to a later state."""

from collections.abc import Callable

import pytest

from archive.records import service
from doc_templates import load_form

FILLED = {
    "日期": "2026-11-23",
    "客户名称": "青岛海信电器有限公司",
    "公司地址": "青岛市市南区东海西路17号",
    "公司电话": "0532-83878888",
    "工厂地址": "",
    "工厂电话": "",
    "主办人员": "陈晓东",
    "使用产品": "变频压缩机",
    "首回交易额及品名": "12,000 元 变频压缩机",
    "开拓经过": "三次上门拜访，\n对方采购部同意试用。",
    "备注": "",
}


@pytest.fixture
def filled() -> dict[str, object]:
    return dict(FILLED)


@pytest.fixture
def make_draft(resources, company) -> Callable[..., service.RecordView]:
    """Return a maker of drafts by the sales clerk."""

    def make(values=None, actor=None, code="E01", **more) -> service.RecordView:
        with resources.work() as uow:
            record = service.create_draft(
                uow, actor or company.sales_clerk, code, values or FILLED, **more
            )
            uow.commit()
        return record

    return make


@pytest.fixture
def submit(resources, company) -> Callable[..., service.RecordView]:
    """Return a way to send a record to be signed by head and leader."""

    def send(record: service.RecordView) -> service.RecordView:
        signers = frozenset({company.sales_head.id, company.leader.id})
        with resources.work() as uow:
            sent = service.mark_submitted(
                uow, company.sales_clerk, record.id, record.version, signers
            )
            uow.commit()
        return sent

    return send


@pytest.fixture
def contract_values() -> dict[str, object]:
    values = {entry.key: "" for entry in load_form("E05").fields if not entry.is_computed}
    return values | {
        "甲方": "华南制冷设备有限公司",
        "乙方": "青岛海信电器有限公司",
        "货品": [
            {"货品名称": "变频压缩机", "规格": "QX-23", "单价": "1,200.50", "数量": "10"},
            {"货品名称": "冷凝器", "规格": "L-7", "单价": "80", "数量": "4"},
        ],
    }

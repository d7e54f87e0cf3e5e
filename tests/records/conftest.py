"""What the tests of this station share: a filled E01, and the way to a later state."""

import io
from collections.abc import Callable

import pytest
from PIL import Image

from archive.forms.publishing import publish_form
from archive.records import service
from doc_templates import load_form
from doc_templates.catalogue import read_form

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


# A form with every kind of entry that the shipped ones of this test leave out.
SURVEY = """
code = "T01"
title = "客户走访表"
pack = "sales"
title_rule = "{客户名称} 走访表"

[filing]
item_class = "客户情报"

[[signer]]
role = "填报人"
candidate = "submitter"

[[signer]]
role = "法务单位"
candidate = "head"

[[field]]
key = "日期"
kind = "date"
default = "@today"

[[field]]
key = "客户名称"
kind = "customer"
required = true

[[field]]
key = "公司地址"

[[field]]
key = "代码"
kind = "credit_code"
help = "营业执照上的十八位代码"

[[field]]
key = "性质"
kind = "choice"
choices = ["国有", "民营", "外资"]
tick = true

[[field]]
key = "来源"
kind = "multi"
choices = ["展会", "介绍", "网络"]
tick = true

[[field]]
key = "门面"
kind = "image"

[[field]]
key = "法务意见"
kind = "longtext"
required = true
signer = "法务单位"

[[field]]
key = "追踪"
kind = "rows"
max_rows = 300

[[field.column]]
key = "客户名称"
kind = "customer"

[[field.column]]
key = "电话"
kind = "phone"

[[field.column]]
key = "时间"
kind = "choice"
choices = ["一个月内", "三个月内"]
tick = true

[[field.column]]
key = "约定"
kind = "date"

[[field.column]]
key = "预算"
kind = "money"

[[field.column]]
key = "折半"
kind = "computed"
formula = "预算 ÷ 2"
result = "money"

[[field.column]]
key = "等级"
kind = "choice"
choices = ["甲", "乙"]
"""


@pytest.fixture
def publish(resources) -> Callable[[str], str]:
    """Return a way to publish a form of a definition; it gives back the code."""

    def put_in_use(definition: str) -> str:
        form = read_form(definition, load_form("E01").read_template(), "{}")
        with resources.work() as uow:
            publish_form(uow, None, form, definition, ())
            uow.commit()
        return form.code

    return put_in_use


@pytest.fixture
def survey(publish) -> str:
    """Publish the made form T01; return its code."""
    return publish(SURVEY)


@pytest.fixture
def photo() -> Callable[..., bytes]:
    """Return a maker of pictures."""

    def draw(kind: str = "PNG", size: tuple[int, int] = (60, 40), **more: object) -> bytes:
        out = io.BytesIO()
        Image.new("RGB", size, (200, 30, 30)).save(out, kind, **more)
        return out.getvalue()

    return draw

"""What the filing tests share: signed records, made by the stations before this one."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from archive.documents import service as documents
from archive.filing.checks.content import INSPECTOR
from archive.filing.checks.models import FileContent
from archive.records import service as records
from archive.records.service import RecordView

PDF, WORD = b"%PDF-1.7 signed", b"PK\x03\x04 word"

E01 = {
    "日期": "2026-11-20",
    "客户名称": "青岛海信电器股份有限公司",
    "公司地址": "青岛市市南区东海西路17号",
    "公司电话": "0532-83889999",
    "工厂地址": "青岛市黄岛区前湾港路218号",
    "工厂电话": "0532-86990000",
    "主办人员": "陈晓东",
    "使用产品": "变频压缩机",
    "首回交易额及品名": "120,000 元 变频压缩机",
    "开拓经过": "经展会介绍，三次拜访后达成意向。",
    "备注": "",
}


def looked_into(sha256: str, now) -> FileContent:
    """What the check has found inside a file that opens and whose signatures hold.

    The bytes here stand for a signed PDF; real ones are looked into in test_check_content.
    """
    good = {"ours": True, "intact": True, "trusted": True, "why": "", "signers": 3}
    return FileContent(sha256=sha256, inspector=INSPECTOR, facts={}, signature=good, looked_at=now)


@pytest.fixture
def signed_record(resources, company, make_signed) -> Callable[..., RecordView]:
    """Return a maker of signed E01 records with their PDF and Word."""
    return partial(make_signed, resources, company)


@pytest.fixture(scope="session")
def make_signed() -> Callable[..., RecordView]:
    """Return a maker of signed E01 records in any instance of the company."""

    def make(resources: Any, company: Any, **changes: Any) -> RecordView:
        author = changes.pop("author", company.sales_clerk)
        pdf = changes.pop("pdf", PDF + str(len(changes)).encode())
        with resources.work() as uow:
            draft = records.create_draft(uow, author, "E01", {**E01, **changes})
            records.mark_submitted(
                uow, author, draft.id, draft.version, frozenset({company.sales_head.id})
            )
            for kind, content, media in (
                ("pdf", pdf, "application/pdf"),
                ("docx", WORD, documents.MEDIA_TYPES["docx"]),
            ):
                ref = resources.blobs.put(content, media)
                documents.keep_document(uow, draft.id, kind, 1, 3, ref, 2)
                uow.session.merge(looked_into(ref.sha256, uow.now()))
            record = records.mark_signed(uow, company.leader, draft.id)
            uow.commit()
        return record

    return make

"""What the tests of this station share: Word templates made on the spot, and their uploads."""

import io
from collections.abc import Callable

import pytest
from docx import Document
from flask.testing import FlaskClient

from archive.forms import service
from archive.forms.inspection import inspect_upload
from doc_templates import load_form


@pytest.fixture
def word_with() -> Callable[..., bytes]:
    """Return a maker of Word files with these paragraphs, and table rows if given."""

    def make(*paragraphs: str, rows: tuple[tuple[str, ...], ...] = ()) -> bytes:
        document = Document()
        for text in paragraphs:
            document.add_paragraph(text)
        if rows:
            table = document.add_table(len(rows), len(rows[0]))
            for at, row in enumerate(rows):
                for column, text in enumerate(row):
                    table.cell(at, column).text = text
        out = io.BytesIO()
        document.save(out)
        return out.getvalue()

    return make


@pytest.fixture
def visit_word(word_with: Callable[..., bytes]) -> bytes:
    """The template of a form that is nowhere yet: a visit to a customer, with a table."""
    return word_with(
        "客户走访记录　编号 {{编号}}",
        "客户名称：{{客户名称}}　走访日期：{{走访日期}}　电话：{{联系电话}}",
        "预计金额：{{预计金额}}",
        "谈话内容：{{谈话内容}}",
        "经理 {{签名.经理}} {{签日.经理}}　填表人 {{签名.填表人}} {{签日.填表人}}",
        rows=(
            ("产品", "数量", "单价"),
            ("{%tr for 行 in 意向 %}", "", ""),
            ("{{行.产品}}", "{{行.数量}}", "{{行.单价}}"),
            ("{%tr endfor %}", "", ""),
        ),
    )


@pytest.fixture
def e01_word() -> bytes:
    """The template of E01 as it ships, saved once more with a new entry: 传真."""
    document = Document(io.BytesIO(load_form("E01").read_template()))
    document.add_paragraph("传真：{{传真}}")
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


@pytest.fixture
def publish_word(resources, company) -> Callable[..., object]:
    """Return a maker of published versions: a template of a form, as the next version."""

    def publish(code: str, content: bytes):
        inspected = inspect_upload(content)
        with resources.work() as uow:
            draft = service.draft_from_template(uow, company.admin, code, inspected)
            uow.commit()
        return put_in_use(resources, company, draft.id)

    return publish


def put_in_use(resources, company, draft_id: int):
    """Publish a draft as its page does: judged outside the transaction."""
    with resources.reading() as uow:
        parts = service.load_draft(uow, company.admin, draft_id)
    judged = service.judge_draft(parts)
    with resources.work() as uow:
        view = service.publish_draft(uow, company.admin, judged, judged.version.row_version)
        uow.commit()
    return view


@pytest.fixture
def admin(client_for, company) -> FlaskClient:
    return client_for(company.admin)


def upload(client: FlaskClient, path: str, content: bytes, name: str = "新.docx", **typed: str):
    """Post a file with the other entries of the page."""
    return client.post(path, data={**typed, "file": (io.BytesIO(content), name)})

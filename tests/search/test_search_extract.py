"""Attached files are read into their items; what cannot be read is said, not tried for ever."""

import io

import pytest
from docx import Document
from sqlalchemy import select

from archive.filing import service as filing
from archive.filing.models import Item, ItemFile
from archive.search.extraction import drain_extract
from archive.search.rules import with_section
from storage.outbox import OutboxItem, OutboxRow


def word_file(text):
    document, out = Document(), io.BytesIO()
    document.add_paragraph(text)
    document.save(out)
    return out.getvalue()


@pytest.fixture
def bring(resources, take_in):
    """Return a hand that attaches a file to a new item; gives item and file id."""

    def attach(name, content, item_id=None, text=""):
        item_id = item_id or take_in("来文一件", department="销售部", text=text)
        ref = resources.blobs.put(content, "application/octet-stream")
        with resources.work() as uow:
            row = ItemFile(
                item_id=item_id,
                role="attachment",
                name=name,
                sha256=uow.keep(ref),
                created_at=uow.now(),
            )
            uow.session.add(row)
            uow.session.flush()
            uow.outbox("extract", f"item_file:{row.id}")
            uow.commit()
        return item_id, row.id

    return attach


def load(resources, item_id):
    with resources.reading() as uow:
        return filing.load_item(uow, item_id)


def test_word_file_is_found_by_its_text(bring, drain, find):
    bring("验收单.docx", word_file("变频压缩机验收合格，编号 YS-2026-88"))
    drain()
    assert find("变频压缩机").total == 1
    assert find("YS-2026-88").total == 1


def test_text_of_a_file_stands_below_the_items_own(bring, drain, find, resources):
    item_id, _ = bring("附件一.docx", word_file("附件里的特别约定"), text="正文里的话")
    bring("附件二.docx", word_file("第二个附件"), item_id)
    drain()
    text = load(resources, item_id).text
    assert text.index("正文里的话") < text.index("【附件：附件一.docx】") < text.index("特别约定")
    assert text.index("特别约定") < text.index("【附件：附件二.docx】") < text.index("第二个附件")
    assert find("特别约定").total == find("正文里的话").total == find("第二个附件").total == 1


def test_reading_twice_changes_nothing(bring, drain, resources):
    item_id, file_id = bring("附件一.docx", word_file("附件里的话"), text="正文")
    bring("附件二.docx", word_file("第二个"), item_id)
    drain()
    before = load(resources, item_id)
    drain_extract(resources, [OutboxItem(9, "extract", f"item_file:{file_id}", {}, 2)])
    after = load(resources, item_id)
    assert (after.text, after.note, after.version) == (before.text, before.note, before.version)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("坏.docx", b"PK\x03\x04 broken"),
        ("坏.pdf", b"%PDF-1.7 broken"),
        ("空.docx", b""),
        ("x" * 300 + ".docx", b"\x00\x01\x02"),
        ("../../etc/passwd", b"\xff\xfe\x00"),
    ],
)
def test_file_that_cannot_be_read_is_noted_once_and_its_item_still_found(
    bring, drain, find, resources, name, content
):
    item_id, file_id = bring(name[-200:], content)
    drain()
    drain_extract(resources, [OutboxItem(9, "extract", f"item_file:{file_id}", {}, 2)])
    note = load(resources, item_id).note
    assert note.count("未能读出") == 1
    assert find("来文").total == 1
    with resources.reading() as uow:
        left = select(OutboxRow.id).where(OutboxRow.kind == "extract")
        assert uow.session.scalar(left) is None


def test_lost_bytes_are_noted(bring, drain, resources):
    item_id, file_id = bring("验收单.docx", word_file("内容"))
    with resources.reading() as uow:
        digest = uow.session.scalar(select(ItemFile.sha256).where(ItemFile.id == file_id))
    resources.blobs.delete(digest)
    drain()
    assert "找不到文件内容" in load(resources, item_id).note


def test_unknown_file_is_passed_over(resources):
    keys = ("item_file:999", "item_file:", "item_file:x", "nonsense", "item_file:" + "9" * 40)
    drain_extract(resources, [OutboxItem(1, "extract", key, {}, 1) for key in keys])
    with resources.reading() as uow:
        assert uow.session.scalar(select(Item.id)) is None


def test_section_takes_the_place_of_its_earlier_self():
    text = with_section(with_section("正文", "附件：甲", "一"), "附件：乙", "二")
    assert text == "正文\n【附件：甲】\n一\n【附件：乙】\n二"
    assert with_section(text, "附件：甲", "三") == "正文\n【附件：甲】\n三\n【附件：乙】\n二"
    assert with_section(text, "附件：乙", "二") == text
    assert with_section("", "附件：甲", "一") == with_section("一", "附件：甲", "一") == "一"

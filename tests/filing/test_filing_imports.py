"""Papers from outside: good, bad, twice, hostile, huge; filed as items in batches."""

import json

import pytest
from sqlalchemy import func, select

from archive.core.errors import Forbidden, Invalid
from archive.core.numbering import Serial
from archive.core.sheets import Column, Sheet, write_workbook
from archive.customers import service as customers
from archive.filing import import_files, import_rows
from archive.filing import service as filing
from archive.filing.import_files import media_type_of, read_folder
from archive.filing.import_rows import batch_of, read_jsonl, read_row
from archive.filing.import_sheets import read_sheet
from archive.filing.models import FilingStep, Item, ItemCopy, ItemFile
from archive.filing.rules import STEPS
from archive.records.excel import Paper as SheetPaper
from archive.records.excel import papers_workbook
from doc_templates import load_form, sample_values
from storage.journal import JournalEntry, check_chain
from storage.outbox import OutboxRow

ROW = {
    "id": "OLD-1",
    "title": "压缩机买卖合同",
    "text": "甲方向乙方购买变频压缩机一百台。",
    "customer": "青岛海信电器股份有限公司",
    "form": "E05",
    "year": 2023,
    "department": "销售部",
    "date": "2023年5月4日",
    "status": "已归档",
    "number": "HT-2023-0017",
}


def bring(resources, who, *rows):
    with resources.work() as uow:
        outcome = filing.import_batch(uow, who, batch_of(rows))
        uow.commit()
    return outcome


def show(resources, item_id):
    with resources.reading() as uow:
        return filing.load_item(uow, item_id)


def count(resources, table):
    with resources.reading() as uow:
        return uow.session.scalar(select(func.count()).select_from(table))


def test_an_imported_paper_is_a_filed_item(resources, company):
    outcome = bring(resources, company.archivist, ROW)
    item = show(resources, outcome.imported[0])
    assert (item.external_id, item.title, item.form_code) == ("OLD-1", ROW["title"], "E05")
    assert (item.form_title, item.customer_name) == ("买卖合同", ROW["customer"])
    assert (item.department_name, item.unit, item.year) == ("销售部", "XSB", 2023)
    assert (str(item.document_date), item.status) == ("2023-05-04", "已归档")
    assert (item.document_number, item.text) == ("HT-2023-0017", ROW["text"])
    assert item.provisional_code == "Z109-KH·2023-D30-XSB-L0001"
    assert item.item_class == "合同"
    assert item.state_label == "在库"
    assert [step.step for step in item.steps] == list(STEPS)
    assert {step.note for step in item.steps} == {"导入"}
    assert len(item.copies) == 1
    with resources.reading() as uow:
        keys = [
            row.key
            for row in uow.session.scalars(select(OutboxRow).where(OutboxRow.kind == "index"))
        ]
        acts = list(
            uow.session.scalars(
                select(JournalEntry.object_id).where(JournalEntry.action == "item.import")
            )
        )
        assert filing.get_item(uow, company.sales_clerk2, item.id).id == item.id
        assert filing.list_items(uow, company.other_clerk).total == 0
    assert f"item:{item.id}" in keys
    assert acts == [str(item.id)]


def test_only_the_title_is_needed(resources, company):
    [item_id] = bring(resources, company.archivist, {"title": "旧函一件"}).imported
    item = show(resources, item_id)
    assert (item.year, item.external_id, item.department_name) == (2026, None, "")
    assert item.provisional_code == "Z109-KH·2026-D30-L0001"


def test_the_year_comes_from_the_date_when_none_is_given(resources, company):
    row = {"title": "旧函", "date": "2019-01-31"}
    [item_id] = bring(resources, company.archivist, row).imported
    assert show(resources, item_id).year == 2019


def test_a_second_time_changes_nothing(resources, company):
    rows = (ROW, {"title": "旧函"}, {"title": "另一件旧函"})
    first = bring(resources, company.archivist, *rows)
    again = bring(resources, company.archivist, *rows)
    assert (len(first.imported), len(again.imported)) == (3, 0)
    assert [fault.where for fault in again.skipped] == ["第 1 条", "第 2 条", "第 3 条"]
    assert again.failed == ()
    assert count(resources, Item) == 3


def test_the_same_id_twice_in_one_batch_is_taken_once(resources, company):
    outcome = bring(resources, company.archivist, ROW, ROW | {"title": "改过的题名"})
    assert len(outcome.imported) == 1
    assert "本次" in outcome.skipped[0].why


def test_good_rows_are_taken_beside_bad_ones(resources, company):
    outcome = bring(resources, company.archivist, {"title": ""}, ROW, {"no": "title"}, "文字")
    assert len(outcome.imported) == 1
    assert [fault.where for fault in outcome.failed] == ["第 1 条", "第 3 条", "第 4 条"]
    assert "题名" in outcome.failed[0].why


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": "   "}, "title"),
        ({"title": None}, "title"),
        ({"title": True}, "title"),
        ({"title": ["一"]}, "title"),
        ({"title": 1.5}, "title"),
        ({"title": "长" * 301}, "title"),
        ({"title": "题\x00名"}, "title"),
        ({"title": "题\u202e名"}, "title"),
        ({"title": "题\ud800名"}, "title"),
        ({"id": "x" * 121}, "id"),
        ({"id": {"a": 1}}, "id"),
        ({"id": 10**5000}, "id"),
        ({"year": "去年"}, "year"),
        ({"year": 99}, "year"),
        ({"year": True}, "year"),
        ({"year": 2023.5}, "year"),
        ({"year": "١٩٩٩"}, "year"),
        ({"date": "11/12/26"}, "date"),
        ({"date": "2023-02-30"}, "date"),
        ({"date": ["2023-02-03"]}, "date"),
        ({"text": 5}, "text"),
        ({"text": "有\x00空"}, "text"),
        ({"text": "长" * (import_rows.MAX_TEXT + 1)}, "text"),
        ({"secrecy": "绝密"}, "secrecy"),
        ({"status": "长" * 41}, "status"),
        ({"number": "长" * 81}, "number"),
        ({f"k{n}": n for n in range(21)}, "其他"),
        ({"备注": "长" * 501}, "备注"),
        ({"坏\x00名": "值"}, "其他"),
        ({"备注": 10**5000}, "备注"),
        ({"备注": [10**5000]}, "备注"),
    ],
)
def test_a_bad_entry_is_named_and_nothing_is_taken(resources, company, change, field):
    with pytest.raises(Invalid) as refused:
        read_row(ROW | change)
    assert list(refused.value.fields) == [field]
    outcome = bring(resources, company.archivist, ROW | change)
    assert (outcome.imported, len(outcome.failed)) == ((), 1)
    assert count(resources, Item) == 0


@pytest.mark.parametrize(
    "value",
    ["客户&合同", "A<B & C", "{{7*7}}", "{% for %}", "恭喜🧧", "𠮷野家", "'; DROP TABLE item;--"],
)
def test_hostile_words_are_kept_as_typed(resources, company, value):
    row = {
        "title": value,
        "text": value * 1000,
        "number": value,
        "status": value,
        "department": value,
        value: value,
    }
    [item_id] = bring(resources, company.archivist, row).imported
    item = show(resources, item_id)
    assert (item.title, item.text, item.document_number) == (value, value * 1000, value)
    assert (item.status, item.department_name) == (value, value)
    assert item.elements[value] == value


def test_a_secret_paper_is_hidden_from_its_department(resources, company):
    [item_id] = bring(resources, company.archivist, ROW | {"secrecy": "秘密"}).imported
    with resources.reading() as uow:
        assert filing.list_items(uow, company.sales_clerk).total == 0
        assert filing.get_item(uow, company.sales_head, item_id).secrecy_label == "秘密"


def test_customers_are_added_once_for_many_papers(resources, company):
    rows = [ROW | {"id": f"OLD-{n}"} for n in range(5)]
    bring(resources, company.archivist, *rows)
    with resources.reading() as uow:
        assert customers.list_customers(uow, company.archivist).total == 1


@pytest.mark.parametrize("name", ["file", "path", "beside", "来源文件"])
@pytest.mark.parametrize("path", ["/etc/passwd", "../../keys/secret", ["/etc/passwd"]])
def test_a_line_brings_words_and_never_a_file_of_the_servers(resources, company, name, path):
    """Whatever a list says of files, it is kept as words: no path in it is ever opened."""
    [item_id] = bring(resources, company.archivist, ROW | {name: path}).imported
    item = show(resources, item_id)
    assert item.files == () and list(resources.blobs.digests()) == []
    assert "root:" not in str(item.elements)


def test_a_customer_that_cannot_be_is_told_and_costs_one_row(resources, company):
    outcome = bring(resources, company.archivist, ROW | {"customer": "x" * 121}, ROW)
    assert len(outcome.imported) == 1
    assert "客户" in outcome.failed[0].why


def test_an_unknown_form_is_kept_and_gets_the_default_class(resources, company):
    [item_id] = bring(resources, company.archivist, {"title": "旧表", "form": "旧E99"}).imported
    item = show(resources, item_id)
    assert (item.form_code, item.form_title, item.item_class) == ("旧E99", "旧E99", "客户基础资料")


def test_rows_of_one_class_are_numbered_without_gap_over_batches(resources, company):
    for start in (0, 4):
        bring(resources, company.archivist, *({"title": f"函{n}"} for n in range(start, start + 4)))
    with resources.reading() as uow:
        serials = list(uow.session.scalars(select(Item.serial).order_by(Item.id)))
    assert serials == list(range(1, 9))


def test_a_full_class_goes_on_under_second_level_categories(resources, company):
    with resources.work() as uow:
        uow.session.add(Serial(series="item:Z109-KH·2026-D30", last=9998))
        uow.commit()
    outcome = bring(resources, company.archivist, *({"title": f"函{n}"} for n in range(3)))
    codes = [show(resources, item_id).provisional_code for item_id in outcome.imported]
    assert codes == [
        "Z109-KH·2026-D30-L9999",
        "Z109-KH·01·2026-D30-L0001",
        "Z109-KH·01·2026-D30-L0002",
    ]


def test_when_every_continuation_is_full_the_rest_is_refused_in_words(resources, company):
    with resources.work() as uow:
        full = ["KH", *(f"KH·{number:02d}" for number in range(1, 99))]
        uow.session.add_all(Serial(series=f"item:Z109-{name}·2026-D30", last=9999) for name in full)
        uow.session.add(Serial(series="item:Z109-KH·99·2026-D30", last=9998))
        uow.commit()
    outcome = bring(resources, company.archivist, {"title": "最后一件"}, {"title": "再也放不下"})
    assert len(outcome.imported) == 1
    assert outcome.failed[0].where == "第 2 条"
    assert "9999" in outcome.failed[0].why


@pytest.mark.parametrize("who", ["sales_clerk", "sales_head", "leader", "admin", "finance_clerk"])
def test_only_archivists_import(resources, company, who):
    with pytest.raises(Forbidden):
        bring(resources, getattr(company, who), ROW)


def test_a_batch_that_is_not_committed_leaves_nothing(resources, company):
    with resources.work() as uow:
        assert len(filing.import_batch(uow, company.archivist, batch_of([ROW])).imported) == 1
    assert count(resources, Item) == count(resources, Serial) == count(resources, OutboxRow) == 0


def test_one_paper_by_itself(resources, company):
    with resources.work() as uow:
        item, is_new = filing.import_item(uow, company.archivist, ROW)
        same, is_new_again = filing.import_item(uow, company.archivist, ROW)
        uow.commit()
    assert (is_new, is_new_again) == (True, False)
    assert item.id == same.id
    with resources.work() as uow, pytest.raises(Invalid, match="题名"):
        filing.import_item(uow, company.archivist, {"text": "没有题名"})


def test_the_journal_stays_whole_over_an_import(resources, company):
    bring(resources, company.archivist, *({"title": f"函{n}"} for n in range(50)))
    with resources.reading() as uow:
        assert list(check_chain(uow.session)) == []


def write_lines(path, *lines):
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_a_jsonl_is_read_in_batches_with_every_bad_line_named(tmp_path):
    good = json.dumps(ROW, ensure_ascii=False).encode()
    path = write_lines(
        tmp_path / "旧档.jsonl",
        b"\xef\xbb\xbf" + good,
        b"",
        b"{bad json",
        "题名".encode("gbk"),
        b"[1, 2]",
        b"null",
        b'{"title": "\\ud800"}',
        b"[" * 100_000,
        good.replace(b"OLD-1", b"OLD-2"),
    )
    batches = list(read_jsonl(path, batch=3))
    rows = [row for batch in batches for row in batch.rows]
    faults = [fault for batch in batches for fault in batch.faults]
    assert [row.where for row in rows] == ["第 1 行", "第 9 行"]
    assert [fault.where for fault in faults] == [f"第 {n} 行" for n in (3, 4, 5, 6, 7, 8)]
    assert all(len(batch.rows) + len(batch.faults) <= 3 for batch in batches)
    assert "UTF-8" in faults[1].why


def test_a_huge_line_is_refused_and_the_next_one_taken(tmp_path, monkeypatch):
    monkeypatch.setattr(import_rows, "MAX_LINE", 1000)
    path = write_lines(
        tmp_path / "大.jsonl",
        b'{"title": "' + b"x" * 5000 + b'"}',
        b'{"title": "ok"}',
    )
    [batch] = read_jsonl(path)
    assert [row.title for row in batch.rows] == ["ok"]
    assert batch.faults[0].where == "第 1 行"
    assert "太长" in batch.faults[0].why


@pytest.mark.parametrize("content", [b"", b"\n\n\n", b"\xef\xbb\xbf"])
def test_an_empty_jsonl_has_no_batches(tmp_path, content):
    path = tmp_path / "空.jsonl"
    path.write_bytes(content)
    assert [row for batch in read_jsonl(path) for row in batch.rows] == []


FILES = {
    "合同/买卖合同.pdf": (b"%PDF-1.7 one", "application/pdf"),
    "函.docx": (b"PK\x03\x04 word", import_files.OFFICE[".docx"]),
    "扫描.png": (b"\x89PNG\r\n\x1a\n..", "image/png"),
    "扫描.JPG": (b"\xff\xd8\xff\xe0", "image/jpeg"),
    "扫描.tif": (b"II*\x00....", "image/tiff"),
    "说明.txt": ("说明".encode(), "text/plain"),
    "国标.txt": ("说明书".encode("gb18030"), "text/plain"),
    "假名.txt": (b"%PDF-1.4 named as text", "application/pdf"),
}


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "来件"
    for name, (content, _) in FILES.items():
        path = place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return place


def bring_folder(resources, who, folder, batch=3):
    outcomes = []
    for one in read_folder(folder, resources.blobs, batch):
        with resources.work() as uow:
            outcomes.append(filing.import_batch(uow, who, one))
            uow.commit()
    return outcomes


def test_a_folder_becomes_items_with_their_files(resources, company, folder):
    outcomes = bring_folder(resources, company.archivist, folder)
    items = [show(resources, item_id) for one in outcomes for item_id in one.imported]
    assert len(items) == len(FILES)
    kept = {item.elements["来源文件"]: item.files[0] for item in items}
    for name, (content, media_type) in FILES.items():
        assert kept[name].media_type == media_type
        assert resources.blobs.read(kept[name].sha256) == content
    with resources.reading() as uow:
        jobs = uow.session.scalars(select(OutboxRow.key).where(OutboxRow.kind == "extract"))
        files = uow.session.scalars(select(ItemFile.id))
        assert sorted(jobs) == sorted(f"item_file:{number}" for number in files)


def test_the_same_folder_again_and_the_same_bytes_elsewhere_are_skipped(resources, company, folder):
    bring_folder(resources, company.archivist, folder)
    (folder / "副本.pdf").write_bytes(FILES["合同/买卖合同.pdf"][0])
    again = bring_folder(resources, company.archivist, folder)
    assert [item_id for one in again for item_id in one.imported] == []
    skipped = {fault.where: fault.why for one in again for fault in one.skipped}
    assert len(skipped) == len(FILES) + 1
    assert "内容相同" in skipped["副本.pdf"]
    assert count(resources, Item) == len(FILES)


def test_the_file_of_a_filed_record_is_not_taken_again(resources, company, signed_record, tmp_path):
    record = signed_record(pdf=b"%PDF-1.7 the signed one")
    with resources.work() as uow:
        filing.appraise(uow, company.archivist, record.id)
        uow.commit()
    (tmp_path / "再来").mkdir()
    (tmp_path / "再来" / "合同.pdf").write_bytes(b"%PDF-1.7 the signed one")
    [outcome] = bring_folder(resources, company.archivist, tmp_path / "再来")
    assert (outcome.imported, len(outcome.skipped)) == ((), 1)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("空.pdf", b"", "空"),
        ("旧.doc", b"\xd0\xcf\x11\xe0....", "旧版"),
        ("包.zip", b"PK\x03\x04", "压缩包"),
        ("程序.exe", b"MZ\x90\x00\xff\xff\x00\x01", "格式"),
        ("宏.docm", b"PK\x03\x04", "压缩包"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_name(resources, company, tmp_path, name, content, why):
    (tmp_path / "来").mkdir()
    (tmp_path / "来" / name).write_bytes(content)
    [outcome] = bring_folder(resources, company.archivist, tmp_path / "来")
    assert (outcome.imported, outcome.failed[0].where) == ((), name)
    assert why in outcome.failed[0].why


def test_hidden_files_links_and_odd_names(resources, company, tmp_path):
    place = tmp_path / "来"
    place.mkdir()
    (tmp_path / "外面.txt").write_text("不该进来", encoding="utf-8")
    (place / "链接.txt").symlink_to(tmp_path / "外面.txt")
    (place / "目录链接").symlink_to(tmp_path, target_is_directory=True)
    (place / ".隐藏.txt").write_text("隐藏", encoding="utf-8")
    (place / "~$锁.docx").write_bytes(b"x")
    (place / "恭喜🧧{{7*7}}&<b>.txt").write_text("好", encoding="utf-8")
    (place / "倒\u202e写.txt").write_text("坏名", encoding="utf-8")
    with (place / "换\n行.txt").open("w", encoding="utf-8") as stream:
        stream.write("坏名")
    (place / "\udcff\udcfe.txt").write_bytes(b"bad name")
    [outcome] = bring_folder(resources, company.archivist, place, batch=50)
    assert [show(resources, item_id).title for item_id in outcome.imported] == ["恭喜🧧{{7*7}}&<b>"]
    assert len(outcome.failed) == 3
    for fault in outcome.failed:
        fault.where.encode()


def test_a_file_too_large_is_refused(resources, company, tmp_path, monkeypatch):
    monkeypatch.setattr(import_files, "MAX_FILE", 10)
    (tmp_path / "来").mkdir()
    (tmp_path / "来" / "大.txt").write_bytes(b"x" * 11)
    [outcome] = bring_folder(resources, company.archivist, tmp_path / "来")
    assert "太大" in outcome.failed[0].why


def test_bytes_decide_not_the_name():
    assert media_type_of(b"%PDF-1.4", "a.txt") == "application/pdf"
    assert media_type_of(b"<html><script>", "a.pdf") == "text/plain"
    with pytest.raises(Invalid):
        media_type_of(b"\x00\x01\x02\x03", "a.pdf")


def test_a_row_brings_every_step_one_copy_and_one_set_of_readers(resources, company):
    bring(resources, company.archivist, *(ROW | {"id": f"OLD-{n}"} for n in range(7)))
    assert count(resources, FilingStep) == 28
    with resources.reading() as uow:
        barcodes = list(uow.session.scalars(select(ItemCopy.barcode)))
    assert len(set(barcodes)) == 7


def test_further_entries_of_any_kind_are_kept_as_description():
    row = read_row(
        {"title": "函", "附件数": 3, "真": True, "比": 0.5, "人": ["甲", "乙"], "空": None}
    )
    assert row.elements == {"附件数": "3", "真": "true", "比": "0.5", "人": '["甲", "乙"]'}


# ---------------------------------------------------------------- the filled sheet of a form


def sheet_file(folder, form, *papers):
    path = folder / f"{form.code}.xlsx"
    path.write_bytes(
        papers_workbook(form, [SheetPaper(number, values) for number, values in papers])
    )
    return path


def bring_sheet(resources, who, path):
    imported, skipped, failed = 0, 0, []
    with resources.reading() as uow:
        batches = list(read_sheet(uow, who, path, batch=2))
    for batch in batches:
        with resources.work() as uow:
            outcome = filing.import_batch(uow, who, batch)
            uow.commit()
        imported, skipped = imported + len(outcome.imported), skipped + len(outcome.skipped)
        failed += [(fault.where, fault.why) for fault in outcome.failed]
    return imported, skipped, failed


def test_the_rows_of_a_forms_sheet_become_items_once(resources, company, tmp_path):
    form, sample = load_form("E01"), sample_values("E01")
    papers = [(f"旧-{n}", sample | {"客户名称": f"佛山第{n}制冷厂"}) for n in range(5)]
    papers[3][1]["公司电话"] = "电话不详"
    path = sheet_file(tmp_path, form, *papers)
    imported, skipped, failed = bring_sheet(resources, company.archivist, path)
    assert (imported, skipped) == (4, 0)
    assert [where for where, _ in failed] == ["第 5 行“公司电话”"]
    with resources.reading() as uow:
        items = filing.list_items(uow, company.archivist).items
    assert {one.form_code for one in items} == {"E01"}
    assert {one.document_number for one in items} == {"旧-0", "旧-1", "旧-2", "旧-4"}
    assert "佛山第0制冷厂" in {one.customer_name for one in items}
    assert bring_sheet(resources, company.archivist, path)[:2] == (0, 4)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"a,b\n1,2\n", b"\x00" * 100])
def test_what_is_no_sheet_of_a_form_is_refused_whole(resources, company, tmp_path, content):
    path = tmp_path / "表.xlsx"
    path.write_bytes(content)
    with pytest.raises(Invalid):
        bring_sheet(resources, company.archivist, path)


def test_a_sheet_of_no_known_form_says_so(resources, company, tmp_path):
    sheet = Sheet("通讯录", (Column("姓名"),), [["张三"]])
    path = tmp_path / "通讯录.xlsx"
    path.write_bytes(write_workbook([sheet]))
    with pytest.raises(Invalid, match="看不出"):
        bring_sheet(resources, company.archivist, path)

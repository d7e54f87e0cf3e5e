"""Files that are small to send and large to lay out: read or refused with a word, in bounds.

As ``archive extract`` reads them; what is only broken or only long stands in ``test_extraction``.
"""

import json
import subprocess
import sys
import zipfile
from email.message import EmailMessage

import pytest

from tests.indexer.test_extraction import word_of, write_word

pytestmark = pytest.mark.slow
SECONDS, MEMORY = 60, 1 << 30  # of CPU; of the largest process
# A process starts with its parent's peak of memory as its own: a small one in between measures.
MEASURED = """
import json, resource, subprocess, sys
status = subprocess.call(sys.argv[2:], stdout=open(sys.argv[1], "wb"))
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([status, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024]))
"""
SHEET = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
PARAGRAPH = "<w:p><w:r><w:t>{}</w:t></w:r></w:p>"


def extracted(path):
    """Return the text that the command finds, or what it says why not; check its bounds."""
    said = path.with_suffix(".json")
    command = [sys.executable, "-m", "archive.cli", "extract", str(path), "--json"]
    ran = subprocess.check_output([sys.executable, "-c", MEASURED, str(said), *command])
    status, seconds, memory = json.loads(ran)
    assert seconds < SECONDS
    assert memory < MEMORY
    told = json.loads(said.read_text())
    return told["error"] if status else told["text"]


def table(rows):
    return f"<w:tbl>{rows}</w:tbl>"


def row(cells):
    return f"<w:tr>{cells}</w:tr>"


def cell(inner):
    return f"<w:tc>{inner}</w:tc>"


def test_a_table_of_forty_thousand_cells_is_read(tmp_path):
    rows = (
        row("".join(cell(PARAGRAPH.format(f"格{y}之{x}")) for x in range(20))) for y in range(2000)
    )
    text = extracted(write_word(tmp_path / "a.docx", word_of(table("".join(rows)))))
    assert "格0之0" in text and "格1999之19" in text


def test_tables_two_hundred_deep_are_read_or_refused(tmp_path):
    inner = PARAGRAPH.format("最里面一格")
    for _ in range(200):
        inner = table(row(cell(inner + "<w:p/>")))
    said = extracted(write_word(tmp_path / "a.docx", word_of(inner)))
    assert "一层套一层太深" in said and "损坏" not in said


def test_a_million_paragraphs_with_words_are_read_or_refused(tmp_path):
    path = write_word(tmp_path / "a.docx", word_of(PARAGRAPH.format("合同") * 1_000_000))
    assert path.stat().st_size < 1_000_000
    assert "合同" in extracted(path) or "停止" in extracted(path)


def workbook(path, rows, merged=""):
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    relation = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006/relationships"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.'
            'relationships+xml"/>'
            f'<Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/>'
            f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/>'
            "</Types>",
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" '
            f'Type="{relation}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{package}"><Relationship Id="r1" '
            f'Type="{relation}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook {SHEET} xmlns:r="{relation}"><sheets>'
            '<sheet name="账" sheetId="1" r:id="r1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/worksheets/sheet1.xml",
            f"<worksheet {SHEET}><sheetData>{rows}</sheetData>{merged}</worksheet>",
        )
    return path


WORD = '<row r="{0}"><c r="A{0}" t="inlineStr"><is><t>最后一行</t></is></c></row>'


def test_a_sheet_of_a_million_empty_rows_is_read(tmp_path):
    empty = "".join(f'<row r="{n}"><c r="A{n}"/></row>' for n in range(1, 1_000_001))
    path = workbook(tmp_path / "a.xlsx", empty + WORD.format(1_000_001))
    text = extracted(path)
    assert "最后一行" in text or "停止" in text, text[-200:]


def test_a_word_in_the_last_corner_and_half_a_million_merged_cells(tmp_path):
    merged = "".join(f'<mergeCell ref="A{2 * n}:XFD{2 * n + 1}"/>' for n in range(1, 400_000))
    path = workbook(
        tmp_path / "a.xlsx", WORD.format(1_048_576), f"<mergeCells>{merged}</mergeCells>"
    )
    assert "最后一行" in extracted(path)


def test_a_mail_of_a_web_page_of_open_tables_is_read_or_refused(tmp_path):
    mail = EmailMessage()
    mail["Subject"], mail["From"] = "报价", "a@example.com"
    mail["To"] = "b@example.com"
    mail.set_content("<p>报价单</p>" + "<table><tr><td>" * 50_000 + "完", subtype="html")
    (tmp_path / "a.eml").write_bytes(mail.as_bytes())
    assert "报价" in extracted(tmp_path / "a.eml")


def test_a_mail_of_many_lines_of_blanks_is_read(tmp_path):
    mail = EmailMessage()
    mail["Subject"], mail["From"] = "报价", "a@example.com"
    mail["To"] = "b@example.com"
    mail.set_content("<p>报价单</p>" + " " * 900_000 + "完", subtype="html", cte="8bit")
    (tmp_path / "a.eml").write_bytes(mail.as_bytes())
    assert "完" in extracted(tmp_path / "a.eml")

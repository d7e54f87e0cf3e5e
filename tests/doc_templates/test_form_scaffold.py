"""Drawing templates from a definition: laid out, complete, and honest about mistakes."""

import dataclasses

import pytest
from lxml import etree

from doc_templates import BadDefinition, document_text, list_forms, load_folder, load_form
from doc_templates.check import check_form
from doc_templates.definition import Block
from doc_templates.package import read_package
from doc_templates.scaffold import scaffold

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

PLAIN = """
code = "T02"
title = "无版式表"
pack = "test"
orientation = "landscape"
title_rule = "{名称}"
[filing]
item_class = "客户开发"
[[signer]]
role = "制表"
candidate = "submitter"
[[field]]
key = "名称"
[[field]]
key = "电话"
kind = "phone"
[[field]]
key = "地址"
wide = true
[[field]]
key = "说明"
kind = "longtext"
[[field]]
key = "明细"
kind = "rows"
[[field.column]]
key = "品名"
[[field.column]]
key = "数量"
kind = "number"
"""


def with_layout(**block):
    return dataclasses.replace(load_form("E01"), layout=(Block(**block),))


def test_shipped_templates_are_what_their_layout_draws():
    for form in list_forms():
        drawn = read_package(scaffold(form))
        assert drawn == read_package(form.template_path.read_bytes()), form.code


def test_same_form_gives_the_same_bytes():
    assert scaffold(load_form("E05")) == scaffold(load_form("E05"))


def test_frame_is_thick_and_lines_inside_are_thin():
    root = etree.fromstring(read_package(scaffold(load_form("E01")))["word/document.xml"])
    borders = root.find(f".//{W}tblBorders")
    sizes = {side.tag.removeprefix(W): side.get(f"{W}sz") for side in borders}
    assert sizes == {
        "top": "12", "left": "12", "bottom": "12", "right": "12", "insideH": "4", "insideV": "4",
    }  # fmt: skip


def test_marker_is_white_and_one_point():
    root = etree.fromstring(read_package(scaffold(load_form("E01")))["word/document.xml"])
    marks = [run for run in root.iter(f"{W}r") if "签名.经理" in "".join(run.itertext())]
    (properties,) = (run.find(f"{W}rPr") for run in marks)
    assert properties.find(f"{W}color").get(f"{W}val") == "FFFFFF"
    assert properties.find(f"{W}sz").get(f"{W}val") == "2"


def test_head_row_of_the_goods_repeats_on_every_page():
    root = etree.fromstring(read_package(scaffold(load_form("E05")))["word/document.xml"])
    heads = [row for row in root.iter(f"{W}tr") if row.find(f"{W}trPr/{W}tblHeader") is not None]
    assert "".join(heads[0].itertext()) == "货品名称规格单价（元）数量总价（元）"


def rows_of(code):
    """The rows of each table in the body, as their text; head rows begin with *."""
    root = etree.fromstring(read_package(scaffold(load_form(code)))["word/document.xml"])
    return [
        [
            ("*" if row.find(f"{W}trPr/{W}tblHeader") is not None else "") + "".join(row.itertext())
            for row in table.iter(f"{W}tr")
        ]
        for table in root.iter(f"{W}tbl")
    ]


def test_head_in_the_middle_of_a_frame_repeats_without_the_rows_below():
    _head, _above, people, below = rows_of("E03")
    assert people[0] == "*主要人员概况姓名职务电话性格特点嗜好"
    assert "endfor" in people[-1]
    assert below[0].startswith("使用本公司") and not any(row.startswith("*") for row in below)
    (goods,) = [rows for rows in rows_of("E05") if rows[0].startswith("*")]
    assert goods[-2].startswith("合计")  # few rows below go along, in one table


def test_box_stays_with_its_date_and_a_label_with_the_rows_it_stands_for():
    root = etree.fromstring(read_package(scaffold(load_form("E04")))["word/document.xml"])
    rows = [row for row in root.iter(f"{W}tr") if "签名." in "".join(row.itertext())]
    firsts = [row.find(f".//{W}p") for row in rows]  # an office asks the row's first paragraph
    assert len(rows) == 5
    assert all(first.find(f"{W}pPr/{W}keepNext") is not None for first in firsts)


def test_row_that_may_outgrow_the_page_runs_over_it():
    """An office cuts off what does not fit where a row is kept whole."""
    whole = {
        tag: row.find(f"{W}trPr/{W}cantSplit") is not None
        for code in ("E04", "E10")
        for row in etree.fromstring(
            read_package(scaffold(load_form(code)))["word/document.xml"]
        ).iter(f"{W}tr")
        for tag in ("反省事项", "担保作业说明", "营业部意见", "行.名称", "客户名称")
        if f"{{{{ {tag} }}}}" in "".join(row.itertext())
    }
    assert whole == {
        "反省事项": False, "担保作业说明": False, "营业部意见": True, "行.名称": True,
        "客户名称": True,
    }  # fmt: skip


def test_form_without_a_layout_is_drawn_plainly(tmp_path):
    (tmp_path / "form.toml").write_text(PLAIN, "utf-8")
    form = load_folder(tmp_path)
    (tmp_path / "template.docx").write_bytes(scaffold(form))
    (tmp_path / "sample.json").write_text('{"名称": "甲"}', "utf-8")
    serious = [one.message for one in check_form(form) if one.serious]
    assert serious == ["缺少 expected.txt（样例应印出的文字）"]
    assert "品名 | 数量" in document_text(form.template_path.read_bytes())


@pytest.mark.parametrize(
    ("block", "meant"),
    [
        ({"grid": "客户名称*4 | {客户名称}*19"}, "共占 23 列，应为 24 列"),
        ({"grid": "客户*4 | {没有}*20"}, "没有“没有”这一栏"),
        ({"grid": "客户*4 | {}*20"}, "花括号里没有写栏目"),
        ({"rows": "客户名称", "line": "{客户名称}*24"}, "不是表格栏"),
        ({"text": "{签:董事}"}, "没有“董事”这个签字人"),
        ({"signatures": ("经理",) * 6}, "一行最多放"),
        ({"text": "{客户名称:多}"}, "冒号后应是字数"),
    ],
)
def test_layout_that_does_not_fit_is_named(block, meant):
    with pytest.raises(BadDefinition) as caught:
        scaffold(with_layout(**block))
    assert meant in caught.value.message
    assert "E01/form.toml" in caught.value.message


def test_block_that_is_kept_ties_every_row_to_the_next():
    def tied(keep):
        form = with_layout(grid="客户名称*4 | {客户名称}*20\n备注*4 | {备注}*20", keep=keep)
        root = etree.fromstring(read_package(scaffold(form))["word/document.xml"])
        rows = root.findall(f".//{W}tbl")[1].findall(f"{W}tr")
        return [row.find(f".//{W}keepNext") is not None for row in rows]

    assert tied(True) == [True, True]
    assert tied(False) == [False, False]


def test_heading_in_a_text_stays_with_what_follows():
    form = with_layout(text="#一、验收\n地点：{客户名称:9}")
    xml = read_package(scaffold(form))["word/document.xml"].decode()
    heading = xml[: xml.index("一、验收")].rpartition("<w:p>")[2]
    line = xml[: xml.index("地点：")].rpartition("<w:p>")[2]
    assert "<w:keepNext/>" in heading
    assert "<w:keepNext/>" not in line

"""Templates made to harm or broken by accident: each refused with a word, in time, in memory."""

import contextlib
import io
import os
import re
import struct
import time
import zipfile

import pytest

from doc_templates import BadTemplate, UnsafeDocument, list_forms
from doc_templates.inspection import TemplateLimits, inspect_apart, inspect_template
from doc_templates.package import read_package, story_parts
from doc_templates.word import Compiled

BODY, TYPES, RELATIONS = "word/document.xml", "[Content_Types].xml", "word/_rels/document.xml.rels"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
CHINESE = re.compile("[\u4e00-\u9fff]{4}")


def with_body(repack, template, old, new):
    body = read_package(template)[BODY].decode()
    assert old in body
    return repack(template, {BODY: body.replace(old, new, 1).encode()})


def with_relation(repack, template, kind, target, mode="External"):
    known = read_package(template)[RELATIONS].decode()
    added = f'<Relationship Id="x9" TargetMode="{mode}" Type="{OFFICE}/{kind}" Target="{target}"/>'
    changed = known.replace("</Relationships>", added + "</Relationships>")
    return repack(template, {RELATIONS: changed.encode()})


@pytest.mark.parametrize(
    ("tag", "told"),
    [
        ("{{ ''.__class__ }}", "不能"),
        ("{{ 客户名称.__class__ }}", "__class__"),
        ("{{ __builtins__ }}", "__builtins__"),
        ("{{ 客户名称.upper() }}", "调用函数"),
        ("{{ 客户名称|upper }}", "竖线"),
        ("{{ 客户名称[0] }}", "方括号"),
        ("{{ 7*7 }}", "公式"),
        ("{{ 'a' * 1000000000 }}", "公式"),
        ("{{ 2 ** 99999999 }}", "公式"),
        ("{{ -客户名称 }}", "公式"),
        ("{{ 客户名称 is defined }}", "is"),
        ("{{ 甲 if 乙 else 丙 }}", "一个标签里判断"),
        ("{% include '/etc/passwd' %}", "include"),
        ("{% import 'os' as os %}", "import"),
        ("{% from 'os' import path %}", "import"),
        ("{% extends 'x' %}", "extends"),
        ("{% macro m() %}{% endmacro %}", "macro"),
        ("{% set x = 1 %}", "set"),
        ("{% with x = 1 %}{% endwith %}", "with"),
        ("{% for x in range(1000000000) %}{{ x }}{% endfor %}", "逐行走一张表"),
        ("{% for x in 'abc' %}{{ x }}{% endfor %}", "逐行走一张表"),
        ("{% for a, b in 货品 %}{{ a }}{% endfor %}", "逐行走一张表"),
        ("{% for x in 货品 recursive %}{{ x.单价 }}{% endfor %}", "逐行走一张表"),
        (
            "{% for a in 货品 %}{% for b in 货品 %}{{ b.单价 }}{% endfor %}{% endfor %}",
            "不能再有循环",
        ),
        ("{% if 客户名称 %}", "没有结尾"),
        ("{% for 行 in 货品 %}", "没有结尾"),
        ("{% endfor %}", "endfor"),
        ("{% do x %}", "do"),
        ("{{ 客户名称", "没有写完整"),
        ("{{ 客户名称 }", "没有写完整"),
        ("{{ }}", "没有写完整"),
        ("{{r 客户名称 }}", "要填对象"),
        ("{{p 客户名称 }}", "要填对象"),
    ],
)
def test_code_in_a_template_is_refused_naming_the_place(tag, told, repack, template):
    with pytest.raises(BadTemplate) as caught:
        inspect_template(with_body(repack, template, "{{ 客户名称 }}", tag))
    assert told in caught.value.message
    assert "模板正文" in caught.value.message
    assert "模板正文里的标签" in caught.value.message or "段“" in caught.value.message


def test_judgements_nested_without_end_are_refused(repack, template):
    nested = "{% if 客户名称 %}" * 300 + "x" + "{% endif %}" * 300
    with pytest.raises(BadTemplate, match=r"太深|没有写完整"):
        inspect_apart(with_body(repack, template, "{{ 客户名称 }}", nested))


def test_code_is_found_in_headers_of_any_name_and_in_the_properties(repack, template):
    body = read_package(template)[BODY].decode()
    root = body[: body.index("<w:body>")].replace("w:document", "w:hdr")
    header = f"{root}<w:p><w:r><w:t>{{{{ 客户名称.x() }}}}</w:t></w:r></w:p></w:hdr>"
    related = with_relation(repack, template, "header", "odd.xml", "Internal")
    assert "word/odd.xml" in story_parts(read_package(repack(related, {"word/odd.xml": b"<a/>"})))
    with pytest.raises(BadTemplate, match="不能调用函数"):
        inspect_template(repack(related, {"word/odd.xml": header.encode()}))
    core = read_package(template)["docProps/core.xml"].decode()
    head, tail = core.rsplit("</", 1)
    title = (
        f"<dc:title xmlns:dc='http://purl.org/dc/elements/1.1/'>{{{{ x|y }}}}</dc:title></{tail}"
    )
    with pytest.raises(BadTemplate, match=r"模板属性.*竖线"):
        inspect_template(repack(template, {"docProps/core.xml": (head + title).encode()}))


@pytest.mark.parametrize(
    ("kind", "target", "mode"),
    [
        ("image", "http://example.com/a.png", "External"),
        ("attachedTemplate", "file:///C:/a.dotm", "External"),
        ("attachedTemplate", "a.dotm", "Internal"),
        ("oleObject", "http://example.com/a", "External"),
        ("oleObject", "media/a.bin", "Internal"),
        ("aFChunk", "a.html", "Internal"),
        ("subDocument", "a.docx", "External"),
        ("frame", "http://example.com", "External"),
        ("settings", "http://example.com/x.xml", "External"),
        ("hyperlink", "file:///etc/passwd", "External"),
        ("hyperlink", "javascript:alert(1)", "External"),
        ("hyperlink", "\\\\server\\share", "External"),
    ],
)
def test_reaching_outside_is_refused(kind, target, mode, repack, template):
    with pytest.raises(UnsafeDocument) as caught:
        inspect_template(with_relation(repack, template, kind, target, mode))
    assert CHINESE.search(caught.value.message)


@pytest.mark.parametrize(
    "run",
    [
        '<w:instrText>DDEAUTO c:\\\\cmd.exe "/k calc"</w:instrText>',
        '<w:fldChar w:fldCharType="begin"/><w:instrText> INCLUDE</w:instrText><w:instrText>PICTURE '
        '"http://a/b.png"</w:instrText><w:fldChar w:fldCharType="end"/>',
        '<w:fldSimple w:instr="includetext &quot;c:/a.txt&quot;"/>',
        '<w:pict xmlns:v="urn:schemas-microsoft-com:vml"><v:imagedata src="http://a/b"/></w:pict>',
        '<w:object><w:control w:name="x"/></w:object>',
    ],
)
def test_fields_and_shapes_that_fetch_are_refused(run, repack, template):
    with pytest.raises(UnsafeDocument) as caught:
        inspect_template(with_body(repack, template, "<w:t", f"{run}<w:t"))
    assert "document.xml" in caught.value.message


def test_page_numbers_and_web_links_are_no_danger(repack, template):
    field = (
        '<w:fldSimple w:instr=" PAGE "/><w:instrText> HYPERLINK "https://a.cn/link" </w:instrText>'
    )
    assert inspect_template(with_body(repack, template, "<w:t", f"{field}<w:t")).tags
    assert inspect_template(with_relation(repack, template, "hyperlink", "https://a.cn")).tags


def zipped(members, method=zipfile.ZIP_DEFLATED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return stream.getvalue()


def encrypted(docx):
    """Set the flag by which a zip says that its members need a password."""
    changed = bytearray(docx)
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        for found in re.finditer(re.escape(mark), docx):
            changed[found.start() + at] |= 1
    return bytes(changed)


def lying(docx, size):
    """Let the directory claim another inflated size for every member."""
    changed = bytearray(docx)
    for found in re.finditer(re.escape(b"PK\1\2"), docx):
        changed[found.start() + 24 : found.start() + 28] = struct.pack("<I", size)
    return bytes(changed)


def with_named(template, name):
    with pytest.warns(UserWarning) if name == BODY else contextlib.nullcontext():
        stream = io.BytesIO(template)
        with zipfile.ZipFile(stream, "a") as archive:
            archive.writestr(name, b"<a/>")
    return stream.getvalue()


def test_files_that_are_no_word_file_are_told_what_they_are(template, repack):
    types = read_package(template)[TYPES]
    macro = types.replace(b"wordprocessingml.document.main", b"ms-word.document.macroEnabled.main")
    cases = {
        b"": "空的",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4000): "旧版 Word",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"): "密码",
        b"%PDF-1.7 ...": "PDF",
        b"{\\rtf1 x}": "RTF",
        b"<html></html>": "网页",
        b"PK\3\4" + os.urandom(500): "损坏",
        template[: len(template) // 2]: "损坏",
        zipped([("a.txt", "x")]): "不是普通的 Word",
        encrypted(template): "密码",
        lying(template, 7): "损坏",
        lying(template, 2**31): "损坏",
        repack(template, {TYPES: macro}): "带宏",
        repack(template, {"word/vbaProject.bin": b"x"}): "宏",
        repack(template, {"word/activeX/a.xml": b"<a/>"}): "宏",
        repack(template, {"word/embeddings/o.bin": b"x"}): "嵌入",
        repack(template, {BODY: None}): "没有正文",
        repack(template, {"_rels/.rels": None}): "没有正文",
        repack(template, {BODY: b"<w:document"}): "损坏",
        repack(template, {BODY: "<a/>".encode("utf-16")}): "UTF-8",
        repack(template, {BODY: b'<?xml version="1.0" encoding="GBK"?><a/>'}): "UTF-8",
        repack(template, {BODY: b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'}): "DTD",
        repack(template, {"word/x.xml": b"<a>" * 5000 + b"</a>" * 5000}): "太深",
        with_named(template, BODY): "两次",
        with_named(template, "word/DOCUMENT.xml"): "两次",
        with_named(template, "/etc/passwd"): "名字不对",
        with_named(template, "word/../../x.xml"): "名字不对",
        with_named(template, "C:/x.xml"): "名字不对",
        zipped([(f"word/{n}.bin", b"") for n in range(600)]): "部件太多",
    }
    for docx, told in cases.items():
        with pytest.raises(UnsafeDocument) as caught:
            inspect_template(docx)
        assert told in caught.value.message, (docx[:30], caught.value.message)


def test_bomb_and_a_million_paragraphs_are_refused_soon_and_in_little_memory(template, repack):
    bomb = repack(template, {})
    stream = io.BytesIO(bomb)
    with zipfile.ZipFile(stream, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/media/a.bin", bytes(200 * 1024 * 1024))
    body = read_package(template)[BODY]
    many = body.replace(b"</w:body>", b"<w:p/>" * 1_000_000 + b"</w:body>")
    others = [(n, c) for n, c in read_package(template).items() if n != BODY]
    for docx, told in ((stream.getvalue(), "太大"), (zipped([*others, (BODY, many)]), "太多")):
        began = time.monotonic()
        with pytest.raises(BadTemplate, match=told):
            inspect_apart(docx, TemplateLimits(memory=512 << 20))
        assert time.monotonic() - began < 10
    with pytest.raises(BadTemplate, match="最多 1 MB"):
        inspect_apart(bytes(2 << 20), TemplateLimits(max_bytes=1 << 20))


def test_template_that_takes_for_ever_is_stopped(template, repack):
    endless = with_body(
        repack, template, "{{ 客户名称 }}", "</w:t></w:r><w:r><w:t>" + "{{" * 1_500_000
    )
    began = time.monotonic()
    with pytest.raises(BadTemplate, match="已停止"):
        inspect_apart(endless, TemplateLimits(seconds=2))
    assert time.monotonic() - began < 10


def test_template_that_takes_too_much_memory_is_stopped(template):
    with pytest.raises(BadTemplate, match=r"内存|意外停止"):
        inspect_apart(template, TemplateLimits(memory=48 << 20))


def test_good_templates_are_reported_the_same_here_and_apart():
    for form in list_forms():
        report = inspect_template(form.read_template())
        assert report.tags and not report.fallback and not report.findings, form.code
    assert inspect_apart(form.read_template()) == report


def test_slips_of_the_pen_are_remarked_upon(template, repack):
    for slip, told in {
        "｛｛客户名称｝｝": "全角",
        "{客户名称}": "只有一层花括号",
        "客户名称 }}": "不成对",
    }.items():
        report = inspect_template(with_body(repack, template, "{{ 客户名称 }}", slip))
        assert any(told in finding for finding in report.findings), slip
    body = read_package(template)[BODY].decode().replace("<w:body>", "<w:body><w:ins/>", 1)
    report = inspect_template(repack(template, {BODY: body.encode()}))
    assert any("修订" in finding for finding in report.findings)


def test_column_loop_is_reported_as_the_slow_way(repack, template):
    loop = "{%tc for 行 in 货品 %}"
    cell = f"<w:tc><w:p><w:r><w:t>{loop}</w:t></w:r></w:p></w:tc>"
    end = cell.replace(loop, "{%tc endfor %}")
    report = inspect_template(with_body(repack, template, "<w:tc>", f"{cell}{end}<w:tc>"))
    assert "列循环" in report.fallback
    assert any("慢" in finding for finding in report.findings)
    assert Compiled(template).fallback == ""

"""Filling Word: everything prints as typed, nothing of one document shows in another."""

import io
import re
import struct
import threading
import time
import zipfile
import zlib

import pytest
from lxml import etree

from doc_templates import (
    BadTemplate,
    InvalidValues,
    PrintContext,
    SignatureMark,
    document_text,
    list_forms,
    load_form,
    render_word,
    sample_values,
)
from doc_templates.check import golden_text
from doc_templates.package import read_package

CODES = [form.code for form in list_forms()]


def png(width=60, height=20):
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    rows = (b"\x00" + b"\x00\x00\x00\xff" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("code", CODES)
def test_sample_prints_the_golden_text(code):
    form = load_form(code)
    assert golden_text(form) == (form.folder / "expected.txt").read_text("utf-8")


@pytest.mark.parametrize("code", CODES)
def test_hostile_words_print_as_typed_in_every_entry(code, hostile_words, fill):
    form = load_form(code)
    for word in hostile_words:
        values = fill(form, sample_values(code), word)
        text = document_text(render_word(form, values))
        filled = str(values).count(repr(word)[1:-1])
        assert text.count(word) >= filled > 3, word


@pytest.mark.parametrize("code", CODES)
def test_hostile_words_change_nothing_but_themselves(code, hostile_words, fill):
    form = load_form(code)
    for word in hostile_words:
        plain = "囍" * len(word)
        expected = document_text(render_word(form, fill(form, sample_values(code), plain)))
        made = document_text(render_word(form, fill(form, sample_values(code), word)))
        assert expected.count(plain) > 1
        assert made == expected.replace(plain, word), word


def test_missing_and_wrong_values_are_refused_all_at_once():
    with pytest.raises(InvalidValues) as caught:
        render_word(load_form("E05"), {"货品": [{"货品名称": "壳", "单价": "x", "数量": "1"}]})
    assert "甲方" in caught.value.message
    assert "货品 第1行 单价" in caught.value.message


@pytest.mark.parametrize("bad", ["a\x00b", "a\u202eb", "a\x1fb", "\ud800"])
def test_marks_no_paper_can_carry_are_refused_and_shown_in_a_draft(bad):
    form = load_form("E01")
    raw = sample_values("E01") | {"使用产品": bad}
    with pytest.raises(InvalidValues, match="使用产品"):
        render_word(form, raw)
    assert "\ufffd" in document_text(render_word(form, raw, draft=True))


def test_ten_thousand_characters_print_to_the_last():
    form = load_form("E01")
    text = document_text(
        render_word(form, sample_values("E01") | {"开拓经过": "长" * 10_000 + "完"})
    )
    assert "长" * 10_000 + "完" in text
    with pytest.raises(InvalidValues, match="最多 120 个字"):
        render_word(form, sample_values("E01") | {"客户名称": "长" * 10_000})


@pytest.mark.parametrize("code", CODES)
def test_empty_form_is_a_clean_blank(code):
    form = load_form(code)
    text = document_text(render_word(form, {}, draft=True))
    assert form.title in text
    assert "[sig" not in text
    assert "None" not in text and "{" not in text


def test_open_signature_prints_its_marker_and_a_given_one_its_picture():
    form = load_form("E01")
    marks = {"报告人": SignatureMark("陈立新", "2026年11月23日", png())}
    docx = render_word(form, sample_values("E01"), PrintContext("E01-7", signatures=marks))
    text = document_text(docx)
    assert "[sig:经理]" in text and "[sig:主管]" in text
    assert "[sig:报告人]" not in text
    assert "[图] | " in text.replace("\n", " | ")
    assert "2026年11月23日" in text
    parts = read_package(docx)
    assert parts["word/media/rIdPicture1.png"] == png()
    extent = etree.fromstring(parts["word/document.xml"]).find(".//{*}extent")
    assert (int(extent.get("cx")), int(extent.get("cy"))) == (30 * 36000, 10 * 36000)


def test_paper_to_be_signed_here_leaves_no_blank_date_beside_the_one_a_signature_brings():
    def blank_days(code, context):
        text = document_text(render_word(load_form(code), sample_values(code), context))
        return "".join(text.split()).count("年月日")

    assert blank_days("E01", PrintContext("E01-7")) == 3
    assert blank_days("E01", PrintContext("E01-7", verify_url="https://a.cn/1")) == 0
    assert blank_days("E04", PrintContext("E04-7", verify_url="https://a.cn/1")) == 0


def test_signature_without_a_picture_shows_the_name_and_for_whom():
    form = load_form("E01")
    marks = {
        "主管": SignatureMark("王芳", "2026年11月24日"),
        "经理": SignatureMark("李强", "2026年11月25日", on_behalf_of="赵总"),
    }
    text = document_text(render_word(form, sample_values("E01"), PrintContext(signatures=marks)))
    assert "王芳" in text and "李强 代 赵总" in text


@pytest.mark.parametrize("picture", [b"", b"GIF89a", b"\x89PNG\r\n\x1a\n", png()[:20]])
def test_signature_that_is_no_picture_is_refused(picture):
    marks = {"经理": SignatureMark("李强", "今天", picture or b"x")}
    with pytest.raises(BadTemplate, match="签名"):
        render_word(load_form("E01"), sample_values("E01"), PrintContext(signatures=marks))


def test_verification_code_is_in_the_footer_only_when_there_is_an_address():
    form = load_form("E01")
    with_code = render_word(
        form, sample_values("E01"), PrintContext(verify_url="https://例子/验/1")
    )
    assert b"rIdPicture1" in read_package(with_code)["word/_rels/footer1.xml.rels"]
    assert "word/_rels/footer1.xml.rels" not in read_package(
        render_word(form, sample_values("E01"))
    )


def test_word_files_open_in_a_second_reader():
    import docx

    for code in CODES:
        context = PrintContext("N-1", "Z109", "2", "https://example.com/1")
        made = render_word(load_form(code), sample_values(code), context)
        assert docx.Document(io.BytesIO(made)).tables
        with zipfile.ZipFile(io.BytesIO(made)) as archive:
            assert archive.testzip() is None


def test_sixteen_threads_make_two_hundred_documents_each_and_none_holds_anothers_values():
    form = load_form("E01")
    sample = sample_values("E01")
    foreign, made = [], []

    def clerk(number):
        for turn in range(200):
            own = f"第{number:02d}人{turn:03d}次"
            values = sample | {"客户名称": own, "备注": f"{own}\n又及{own}"}
            context = PrintContext(
                number=f"E01-{number:02d}{turn:03d}", verify_url="https://a.cn/1"
            )
            with zipfile.ZipFile(io.BytesIO(render_word(form, values, context))) as archive:
                body = archive.read("word/document.xml").decode()
                footer = archive.read("word/footer1.xml").decode()
            made.append(own)
            numbers = set(re.findall(r"E01-\d{5}", body + footer))
            if re.findall(r"第\d\d人\d{3}次", body) != [own] * 3 or numbers != {context.number}:
                foreign.append(own)

    clerks = [threading.Thread(target=clerk, args=(number,)) for number in range(16)]
    began = time.monotonic()
    for one in clerks:
        one.start()
    for one in clerks:
        one.join()
    assert foreign == []
    assert len(set(made)) == 16 * 200
    assert time.monotonic() - began < 20

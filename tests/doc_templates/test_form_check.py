"""The check of a form as a whole: clean for what is shipped, plain about what is not."""

import shutil

import pytest

from doc_templates import check_form, list_forms, load_form, sample_values
from doc_templates.check import Finding
from doc_templates.errors import FormNotFound
from doc_templates.package import read_package


@pytest.fixture
def copy_of_e01(tmp_path):
    folder = tmp_path / "E01"
    shutil.copytree(load_form("E01").folder, folder)
    return folder


@pytest.mark.parametrize("code", [form.code for form in list_forms()])
def test_shipped_forms_pass(code):
    assert check_form(code) == []


def retag(folder, repack, before, after):
    template = folder / "template.docx"
    document = read_package(template.read_bytes())["word/document.xml"].decode()
    assert before in document
    changed = document.replace(before, after).encode()
    template.write_bytes(repack(template.read_bytes(), {"word/document.xml": changed}))


def test_tag_without_a_field_and_field_without_a_tag_are_both_named(copy_of_e01, repack):
    retag(copy_of_e01, repack, "{{ 备注 }}", "{{ 附注 }}")
    messages = [finding.message for finding in check_form(copy_of_e01)]
    assert any("“附注”在 form.toml 里没有这一栏" in message for message in messages)
    assert any("“备注”在模板里没有标签" in message for message in messages)


def test_missing_signature_place_is_named(copy_of_e01, repack):
    retag(copy_of_e01, repack, "{{ 签名.主管 }}", "")
    assert check_form(copy_of_e01)[0].message.startswith("模板里没有“主管”的签名位置")


def test_code_in_a_template_is_named(copy_of_e01, repack):
    retag(copy_of_e01, repack, "{{ 备注 }}", "{{ 备注.__class__ }}")
    (finding,) = check_form(copy_of_e01)
    assert "不能用" in str(finding) and finding.serious


def test_changed_print_and_broken_sample_are_named(copy_of_e01):
    (copy_of_e01 / "expected.txt").write_text("旧的", "utf-8")
    assert "expected.txt 不同" in str(check_form(copy_of_e01)[0])
    (copy_of_e01 / "sample.json").write_text('{"日期": "昨天"}', "utf-8")
    assert any("日期" in str(finding) for finding in check_form(copy_of_e01))
    (copy_of_e01 / "sample.json").write_text("[1]", "utf-8")
    assert "sample.json" in str(check_form(copy_of_e01)[0])


def test_missing_template_broken_definition_and_unknown_code(copy_of_e01):
    (copy_of_e01 / "template.docx").unlink()
    assert "template.docx" in str(check_form(copy_of_e01)[0])
    (copy_of_e01 / "form.toml").write_text("code = 1", "utf-8")
    assert "form.toml" in str(check_form(copy_of_e01)[0])
    assert check_form("E99") == [Finding("E99", check_form("E99")[0].message)]


def test_sample_of_an_unknown_form():
    with pytest.raises(FormNotFound):
        sample_values("E99")

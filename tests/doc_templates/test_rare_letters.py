"""Letters a face lacks go into runs of their own; not one letter is lost or moved by it."""

import re
import shutil

import pytest

from doc_templates import document_text, load_form, render_word, sample_values
from doc_templates.faces import lacking_letters
from doc_templates.office_profile import write_profile
from doc_templates.package import read_package
from doc_templates.rare_letters import FACE, with_rare_letters_apart

RARE = re.compile("([𠮷㐀鿏]+)")


def apart(docx):
    return with_rare_letters_apart(docx, read_package(docx), RARE)


def filled(word):
    values = sample_values("E01") | {"客户名称": word, "开拓经过": f"{word}\n{word}\t完"}
    return render_word(load_form("E01"), values)


@pytest.mark.parametrize(
    "word", ["𠮷", "𠮷野", "野𠮷", "甲𠮷㐀乙鿏丙", "A<𠮷>&B", " 𠮷 前后空 ", "𠮷🧧客户&合同"]
)
def test_text_stays_as_it_was_written(word):
    docx = filled(word)
    made = apart(docx)
    assert made != docx
    assert document_text(made) == document_text(docx)
    body = read_package(made)["word/document.xml"].decode()
    for stretch in RARE.findall(word):
        assert re.search(f'eastAsia="{FACE}"[^/]*/>(?:(?!</w:r>).)*>{stretch}</w:t></w:r>', body)


def test_document_without_such_letters_is_the_same_bytes():
    docx = filled("平常的客户")
    assert apart(docx) is docx


def test_look_of_the_run_is_kept_but_for_the_face():
    body = read_package(apart(filled("甲𠮷乙")))["word/document.xml"].decode()
    runs = re.findall(r"<w:r>(?:(?!</w:r>).)*</w:r>", body)
    ours = [run for run in runs if re.search(">(甲|𠮷|乙)</w:t>", run)]
    sizes = {tuple(re.findall(r'<w:sz w:val="(\d+)"', run)) for run in ours[:3]}
    assert len(sizes) == 1


def test_lacking_letters_are_those_of_the_faces(tmp_path):
    write_profile(tmp_path, None)
    found = lacking_letters(str(tmp_path / "fonts.conf"))
    assert found.search("𠮷") and not found.search("客户 A1、。“”")


def test_faces_without_chinese_do_not_set_everything_apart(tmp_path):
    (tmp_path / "fonts.conf").write_text('<?xml version="1.0"?><fontconfig></fontconfig>')
    found = lacking_letters(str(tmp_path / "fonts.conf"))
    assert found.search("𠮷") and not found.search("客户")


def test_without_fontconfig_the_usual_letters_are_lacking(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)
    found = lacking_letters("/none")
    assert found.split("甲𠮷㐀乙") == ["甲", "𠮷㐀", "乙"]
    assert not found.search("镕婳")

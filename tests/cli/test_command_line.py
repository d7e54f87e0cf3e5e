"""The command line as a person meets it: help, wrong use, refusals, and nothing loaded in vain."""

import importlib
import json
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from archive.cli.root import HOMES
from doc_templates import document_text, load_form, sample_values
from doc_templates.package import read_package

BASE = [sys.executable, "-m", "archive.cli"]


def run(tmp_path, *words):
    env = {"PATH": "/usr/bin:/bin", "ARCHIVE_DATA": str(tmp_path / "instance"), "LANG": "C.UTF-8"}
    return subprocess.run([*BASE, *words], capture_output=True, text=True, env=env, check=False)


def test_every_command_lives_where_the_list_says():
    for name, home in HOMES.items():
        module = importlib.import_module(f"archive.cli.{home}")
        assert name in {command.name for command in module.commands}, name


def test_every_command_of_every_module_is_listed():
    listed = set(HOMES)
    for home in set(HOMES.values()):
        module = importlib.import_module(f"archive.cli.{home}")
        assert {command.name for command in module.commands} <= listed, home


def test_help_names_every_command_in_chinese(tmp_path):
    told = run(tmp_path, "--help")
    assert told.returncode == 0
    assert all(f"  {name}" in told.stdout for name in HOMES)


@pytest.mark.parametrize("words", [("nosuch",), ("form",), ("search",), ("--what",)])
def test_wrong_use_ends_with_two(tmp_path, words):
    told = run(tmp_path, *words)
    assert told.returncode == 2 and told.stdout == ""


def test_a_refusal_ends_with_one_and_a_sentence(tmp_path):
    values = tmp_path / "values.json"
    values.write_text(json.dumps(sample_values("E01") | {"公司电话": "x"}), encoding="utf-8")
    told = run(
        tmp_path, "form", "render", "E01", "--data", str(values), "--out", str(tmp_path / "a.docx")
    )
    assert told.returncode == 1
    assert "公司电话" in told.stderr and "Traceback" not in told.stderr
    assert not (tmp_path / "a.docx").exists()


def test_blank_form_is_made_without_values(tmp_path):
    told = run(tmp_path, "form", "render", "E01", "--blank", "--out", str(tmp_path / "空白.docx"))
    assert told.returncode == 0, told.stderr
    text = document_text((tmp_path / "空白.docx").read_bytes())
    assert "客户名称" in text
    assert "{{" not in text
    assert "[sig:" not in text


def test_blank_form_and_values_do_not_go_together(tmp_path):
    values = tmp_path / "values.json"
    values.write_text("{}", encoding="utf-8")
    out = ["--out", str(tmp_path / "a.docx")]
    for wrong in (["--blank", "--data", str(values)], []):
        told = run(tmp_path, "form", "render", "E01", *wrong, *out)
        assert told.returncode == 2
        assert "--blank" in told.stderr
    assert not (tmp_path / "a.docx").exists()


def test_new_form_gets_a_template_a_sample_and_passes_its_check(tmp_path):
    folder = tmp_path / "T09"
    folder.mkdir()
    (folder / "form.toml").write_text(NEW_FORM, encoding="utf-8")
    told = run(tmp_path, "form", "new", str(folder))
    assert told.returncode == 0, told.stderr + told.stdout
    template = (folder / "template.docx").read_bytes()
    assert "{{ 客户名称 }}" in document_text(template)
    assert json.loads((folder / "sample.json").read_text("utf-8"))["明细"][0]["单价"] == "12800.00"
    assert "12,800.00" in (folder / "expected.txt").read_text("utf-8")
    again = run(tmp_path, "form", "new", str(folder))
    assert again.returncode == 1 and "--replace" in again.stderr
    assert (folder / "template.docx").read_bytes() == template
    aside = run(tmp_path, "form", "new", "E01", "--out", str(tmp_path / "另存.docx"))
    assert aside.returncode == 0 and (tmp_path / "另存.docx").exists()


@pytest.mark.slow
def test_template_of_nothing_but_open_tags_is_refused_by_the_check(tmp_path):
    folder = tmp_path / "E01"
    shutil.copytree(load_form("E01").folder, folder)
    endless = "</w:t></w:r><w:r><w:t>" + "{{" * 1_500_000
    parts = read_package((folder / "template.docx").read_bytes())
    body = parts["word/document.xml"].replace("{{ 客户名称 }}".encode(), endless.encode(), 1)
    with zipfile.ZipFile(folder / "template.docx", "w", zipfile.ZIP_DEFLATED) as template:
        for name, content in (parts | {"word/document.xml": body}).items():
            template.writestr(name, content)
    told = run(tmp_path, "form", "check", str(folder))
    assert told.returncode == 1
    assert any(why in told.stdout for why in ("已停止", "套得太深"))  # as fast as the machine is


NEW_FORM = """
code = "T09"
title = "样品寄送单"
pack = "test"
title_rule = "{客户名称}"
[filing]
item_class = "客户开发"
[[signer]]
role = "制表"
candidate = "submitter"
[[field]]
key = "客户名称"
kind = "customer"
required = true
[[field]]
key = "寄送日期"
kind = "date"
[[field]]
key = "明细"
kind = "rows"
[[field.column]]
key = "品名"
[[field.column]]
key = "单价"
kind = "money"
[[field]]
key = "合计"
kind = "computed"
formula = "合计(明细.单价)"
result = "money"
"""


def test_filling_a_form_loads_neither_signing_nor_searching_nor_the_web():
    code = (
        "import sys; from archive.cli.root import archive\n"
        "archive(['form', 'list', '--json'], standalone_mode=False)\n"
        "heavy = ('pyhanko', 'whoosh', 'sqlalchemy', 'flask')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "[]"


def test_file_that_is_not_ours_is_said_so_and_told_by_the_exit_code(tmp_path):
    stranger = tmp_path / "来件 <b>.pdf"
    stranger.write_text("这是一段文字，不是 PDF。", encoding="utf-8")
    told = run(tmp_path, "verify-file", str(stranger))
    assert told.returncode == 1 and "不是本系统的文件" in told.stdout
    assert "Traceback" not in told.stderr
    assert run(tmp_path, "verify-file", str(tmp_path / "没有.pdf")).returncode == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("nosuch",), "没有命令 'nosuch'"),
        (("--what",), "没有选项 '--what'"),
        (("search",), "缺少参数"),
        (("search", "客户", "合同", "甲"), "多出参数（合同 甲）"),
        (("search", "客户", "--limit", "many"), "'many' 不是数"),
        (("search", "客户", "--limit", "0"), "0 不在"),
        (("search", "--limit"), "后面要给值"),
        (("verify-file", "/nowhere/a.pdf"), "'/nowhere/a.pdf' 不存在"),
        (("form", "render", "E01", "--outt", "x"), "是不是 '--out'"),
        (("search", "--help"), "显示这段说明"),
    ],
)
def test_the_library_of_the_command_line_speaks_chinese(tmp_path, words, told):
    run_so = run(tmp_path, *words)
    said = run_so.stdout + run_so.stderr
    assert told in said
    assert not re.search(r"Usage|Error|Options|Try |Missing|Invalid|No such|Show|valid|given", said)


def test_a_key_that_stops_a_command_is_answered_in_chinese(tmp_path):
    env = {"PATH": "/usr/bin:/bin", "ARCHIVE_DATA": str(tmp_path / "i"), "LANG": "C.UTF-8"}
    stop = (
        "import click; from archive.cli import root\n"
        "def ended(*_, **__): raise KeyboardInterrupt\n"
        "click.Group.invoke = ended; root.main()"
    )
    told = subprocess.run(
        [sys.executable, "-c", stop, "worker"], capture_output=True, text=True, env=env, check=False
    )
    assert "已中止" in told.stderr
    assert told.returncode == 1

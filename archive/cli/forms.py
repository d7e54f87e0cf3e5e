"""``archive form …``: list, sample, check, render, batch, new. Needs no database."""

import json
import time
from pathlib import Path

import click

from archive.cli.form_new import new
from archive.cli.output import print_json, progress, say, write_file
from archive.config import load_settings
from doc_templates import (
    BadTemplate,
    Finding,
    FormError,
    InvalidValues,
    check_form,
    check_values,
    list_forms,
    load_form,
    render_word,
    sample_values,
)
from doc_templates.inspection import inspect_apart
from doc_templates.pdf import OfficeConverter


@click.group()
def form() -> None:
    """表单：列出、取样、检查、生成、新画模板。"""


@form.command("list")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
def list_(as_json: bool) -> None:
    """列出全部表单。"""
    forms = [
        {"code": one.code, "title": one.title, "pack": one.pack, "version": one.version}
        for one in list_forms()
    ]
    if as_json:
        print_json(forms)
        return
    for one in forms:
        click.echo(f"{one['code']}\t{one['title']}\t{one['pack']}\tv{one['version']}")


@form.command()
@click.argument("code")
def sample(code: str) -> None:
    """输出一张表的样例值（JSON）。"""
    print_json(sample_values(code))


@form.command()
@click.argument("target", required=False)
def check(target: str | None) -> None:
    """检查表单（代码或文件夹）；有问题时逐行列出，退出码 1。"""
    targets = [target] if target else [one.code for one in list_forms()]
    findings = [finding for one in targets for finding in _findings(one)]
    for finding in findings:
        click.echo(f"{finding.form}: {finding.message}")
    if findings:
        raise SystemExit(1)
    say(f"{len(targets)} 张表单检查通过。")


def _findings(target: str) -> list[Finding]:
    """Check a form; a template that did not come with the program is first looked at apart."""
    template = Path(target) / "template.docx"
    if template.is_file():
        try:
            inspect_apart(template.read_bytes())
        except BadTemplate as bad:
            return [Finding(target, bad.message)]
    return check_form(target)


@form.command()
@click.argument("code")
@click.option("--data", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--blank", is_flag=True, help="空白表，打印后手写。")
@click.option("--out", required=True, type=click.Path(dir_okay=False, path_type=Path))
def render(code: str, data: Path | None, blank: bool, out: Path) -> None:
    """按 JSON 值（--data）或空白（--blank）生成 .docx 或 .pdf（看 --out）；不需要数据库。"""
    if out.suffix not in (".docx", ".pdf"):
        raise click.UsageError("--out 应以 .docx 或 .pdf 结尾。")
    if blank == (data is not None):
        raise click.UsageError("请给出 --data 文件，或者只写 --blank（空白表）。")
    word = _filled_or_blank(code, data)
    if out.suffix == ".pdf":
        with OfficeConverter(font_folder=load_settings().fonts) as office:
            write_file(out, office.to_pdf(word))
    else:
        write_file(out, word)


@form.command()
@click.argument("code")
@click.option("--data", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--pdf", "with_pdf", is_flag=True, help="同时生成 PDF。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
def batch(code: str, data: Path, out: Path, with_pdf: bool, as_json: bool) -> None:
    """按 JSONL 每行一份成批生成；有一处不对就一份也不生成，并逐处指出。"""
    lines = [line for line in data.read_text("utf-8-sig").splitlines() if line.strip()]
    rows = [_read_object(line, f"第 {n} 行") for n, line in enumerate(lines, start=1)]
    _check_rows(code, rows)
    out.mkdir(parents=True, exist_ok=True)
    began, cpu = time.perf_counter(), time.process_time()
    done = _render_rows(code, rows, out, with_pdf)
    told = {
        "documents": done,
        "seconds": round(time.perf_counter() - began, 3),
        "cpu_seconds": round(time.process_time() - cpu, 3),
    }
    if as_json:
        print_json(told)
    else:
        say(f"生成 {done} 份，用时 {told['seconds']} 秒。")


def _render_rows(code: str, rows: list[dict[str, object]], out: Path, with_pdf: bool) -> int:
    office = OfficeConverter(font_folder=load_settings().fonts) if with_pdf else None
    width = max(4, len(str(len(rows))))
    try:
        with progress(f"生成 {code}") as bar:
            for number, values in enumerate(rows, start=1):
                target = out / f"{code}-{number:0{width}d}.docx"
                word = _fill(code, values)
                write_file(target, word)
                if office is not None:
                    write_file(target.with_suffix(".pdf"), office.to_pdf(word))
                bar(number, len(rows))
    finally:
        if office is not None:
            office.close()
    return len(rows)


def _check_rows(code: str, rows: list[dict[str, object]]) -> None:
    """Refuse the whole file when any line is wrong, naming every place; nothing is half made."""
    definition, wrong = load_form(code), {}
    for number, values in enumerate(rows, start=1):
        for place, why in check_values(definition, values).errors.items():
            wrong[f"第 {number} 行 {place}"] = why
    if wrong:
        raise InvalidValues(f"{len(wrong)} 处不对，一份也没有生成。", wrong)


def _fill(code: str, values: dict[str, object]) -> bytes:
    return render_word(load_form(code), values)


def _filled_or_blank(code: str, data: Path | None) -> bytes:
    if data is None:
        return render_word(load_form(code), {}, draft=True)
    return _fill(code, _read_object(data.read_text("utf-8-sig"), str(data)))


def _read_object(text: str, where: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as wrong:
        raise FormError(
            f"{where}不是合法的 JSON：第 {wrong.lineno} 行第 {wrong.colno} 列。"
        ) from wrong
    if not isinstance(value, dict):
        raise FormError(f"{where}应是一个 JSON 对象（字段名: 值）。")
    return value


form.add_command(new)
commands = (form,)

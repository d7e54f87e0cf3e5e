"""``archive form new``: a new form's Word template, sample and golden text, from its form.toml."""

import json
from pathlib import Path

import click

from archive.cli.output import say, write_file
from archive.forms.guesses import sample_for
from doc_templates import Form, FormError, check_form, load_folder, load_form
from doc_templates.check import golden_text
from doc_templates.scaffold import scaffold


@click.command()
@click.argument("target")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="另存为这个 .docx。")
@click.option("--replace", is_flag=True, help="重画已有的模板，里面手工改过的版式会丢失。")
def new(target: str, out: Path | None, replace: bool) -> None:
    """按 form.toml（表单代码或文件夹）画出 Word 模板，再到 Word 里润色。"""
    if out is not None and out.suffix != ".docx":
        raise click.UsageError("--out 应以 .docx 结尾。")
    form = _find(target)
    place = out or form.folder / "template.docx"
    if place.exists() and not replace:
        raise FormError(f"{place} 已经有了；另存请加 --out 文件，重画请加 --replace。")
    write_file(place, scaffold(form))
    say(f"已画好 {place}。")
    if out is None:
        _complete(load_folder(form.folder))


def _find(target: str) -> Form:
    folder = Path(target)
    return load_folder(folder) if (folder / "form.toml").exists() else load_form(target)


def _complete(form: Form) -> None:
    """Write the sample and the golden text where they are missing, then check the whole form."""
    sample, expected = form.folder / "sample.json", form.folder / "expected.txt"
    if not sample.exists():
        values = json.dumps(sample_for(form), ensure_ascii=False, indent=2)
        write_file(sample, f"{values}\n".encode())
        say(f"已编好样例 {sample}，请改成像样的内容。")
    if not expected.exists():
        write_file(expected, golden_text(form).encode())
        say(f"样例印出的文字存为 {expected}。")
    findings = check_form(form.folder)
    for finding in findings:
        click.echo(f"{finding.form}: {finding.message}")
    if findings:
        raise SystemExit(1)

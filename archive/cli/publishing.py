"""``archive form publish FOLDER``: a form's folder, checked and put in use as the next version."""

from pathlib import Path

import click

from archive.cli.forms import form
from archive.cli.output import say
from archive.core.errors import Conflict
from archive.forms.service import publish_form
from archive.forms.shipped import read_bundle
from archive.instance import open_instance
from doc_templates import FormNotFound, check_form, read_form
from doc_templates.inspection import inspect_apart


@form.command()
@click.argument(
    "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), metavar="文件夹"
)
def publish(folder: Path) -> None:
    """检查文件夹里的表单（form.toml、template.docx、sample.json），发布为新的一版。"""
    try:
        bundle = read_bundle(folder)
    except (OSError, UnicodeDecodeError) as wrong:
        raise FormNotFound(
            f"{folder.name} 里要有 form.toml、template.docx 和 sample.json（文字用 UTF-8）。"
        ) from wrong
    tags = inspect_apart(bundle.template).tags
    checked = read_form(bundle.definition, bundle.template, bundle.sample)
    findings = check_form(checked)
    for finding in findings:
        click.echo(str(finding), err=True)
    if any(finding.serious for finding in findings):
        raise SystemExit(1)
    resources = open_instance()
    with resources.work() as uow:
        try:
            view = publish_form(uow, None, checked, bundle.definition, tags)
        except Conflict as same:
            say(same.message)
            return
        uow.commit()
    say(f"《{view.title}》已发布为第 {view.version} 版。")


commands = ()

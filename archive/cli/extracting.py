"""``archive extract``: the text of one file; needs no instance."""

from pathlib import Path

import click

from archive.cli.output import print_json, progress, say
from indexer import ExtractError
from indexer import extract as extract_text


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
def extract(file: Path, as_json: bool) -> None:
    """取出文件里的文字；读不出时退出码 1。"""
    try:
        with progress("识别图片页") as bar:
            found = extract_text(file, tell=bar)
    except ExtractError as refusal:
        if as_json:
            print_json({"error": refusal.message})
        else:
            say(refusal.message)
        raise SystemExit(1) from refusal
    if as_json:
        print_json(
            {
                "text": found.text,
                "pages": found.pages,
                "method": found.method,
                "warnings": list(found.warnings),
            }
        )
    else:
        click.echo(found.text)


commands = (extract,)

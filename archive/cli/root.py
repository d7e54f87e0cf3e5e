"""The group of all commands, and how a refusal ends the process."""

import logging
import sys

import click

from archive.cli import checking, forms, importing, instance, lending, searching
from archive.config import BadSetting
from archive.core.errors import ArchiveError
from doc_templates import FormError
from indexer import IndexerError
from storage.errors import StorageError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", is_flag=True, help="显示详细日志。")
def archive(verbose: bool) -> None:
    """档案台：填表、签字、归档、借阅、检索。数据在 ARCHIVE_DATA（默认 instance/）。"""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")


for module in (instance, forms, importing, searching, checking, lending):
    for command in module.commands:
        archive.add_command(command)


def main() -> None:
    """Run the command line; a refusal prints its sentence and exits with 1."""
    try:
        archive()
    except (ArchiveError, BadSetting, FormError, IndexerError, StorageError) as refusal:
        click.echo(refusal.message, err=True)
        fields = getattr(refusal, "fields", None) or getattr(refusal, "errors", None) or {}
        for place, why in dict(fields).items():
            click.echo(f"  {place}：{why}", err=True)
        sys.exit(1)

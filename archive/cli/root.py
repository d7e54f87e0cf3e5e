"""The group of all commands, and how a refusal ends the process.

Only the module of the command that is called is loaded: ``form render`` does not wait for what
signing and searching need.
"""

import importlib
import logging
import sys

import click

from archive.cli.words import speak_chinese

# Each command and the module it lives in.
HOMES = {
    "init": "instance",
    "demo": "instance",
    "serve": "instance",
    "worker": "instance",
    "token": "instance",
    "account": "accounts",
    "release": "instance",
    "form": "forms",
    "import": "importing",
    "extract": "extracting",
    "search": "searching",
    "reindex": "searching",
    "verify": "checking",
    "verify-file": "checking",
    "loan": "lending",
    "backup": "backing",
    "restore": "backing",
}
# Refusals carry a sentence for the person; one of a package that was never loaded cannot come.
REFUSALS = (
    ("archive.core.errors", "ArchiveError"),
    ("archive.config", "BadSetting"),
    ("doc_templates.errors", "FormError"),
    ("indexer.errors", "IndexerError"),
    ("storage.errors", "StorageError"),
)


class _CommandsOnDemand(click.Group):
    """A group that loads a command's module when the command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, loaded or not."""
        return sorted(HOMES)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command, or None for a name that is none."""
        if cmd_name not in HOMES:
            return None
        module = importlib.import_module(f"archive.cli.{HOMES[cmd_name]}")
        commands: tuple[click.Command, ...] = module.commands
        return next(one for one in commands if one.name == cmd_name)


@click.group(cls=_CommandsOnDemand, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("-v", "--verbose", is_flag=True, help="显示详细日志。")
def archive(verbose: bool) -> None:
    """档案台：填表、签字、归档、借阅、检索。数据在 ARCHIVE_DATA（默认 instance/）。"""
    level = logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s")


def main() -> None:
    """Run the command line; a refusal prints its sentence and exits with 1."""
    speak_chinese()
    try:
        archive()
    except _refusals() as refusal:
        click.echo(getattr(refusal, "message", str(refusal)), err=True)
        fields = getattr(refusal, "fields", None) or getattr(refusal, "errors", None) or {}
        for place, why in dict(fields).items():
            click.echo(f"  {place}：{why}", err=True)
        sys.exit(1)
    except _troubles() as error:
        trouble = importlib.import_module("storage.trouble").storage_trouble(error)
        if trouble is None:
            raise
        click.echo(trouble.message, err=True)
        sys.exit(1)


def _troubles() -> tuple[type[Exception], ...]:
    """Return the errors that may mean a failing disk, of the packages that were loaded."""
    loaded = sys.modules.get("sqlalchemy.exc")
    of_rows: tuple[type[Exception], ...] = (loaded.DBAPIError,) if loaded is not None else ()
    return (OSError, *of_rows)


def _refusals() -> tuple[type[Exception], ...]:
    """Return the refusals of the packages that were loaded; asked when something was raised."""
    loaded = [(sys.modules.get(module), name) for module, name in REFUSALS]
    return tuple(getattr(module, name) for module, name in loaded if module is not None)

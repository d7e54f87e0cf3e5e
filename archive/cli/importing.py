"""``archive import``: papers made elsewhere become filed items."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click

from archive.cli.output import print_json, progress, say
from archive.core.errors import Conflict
from archive.core.resources import Resources
from archive.filing.import_files import read_folder
from archive.filing.import_rows import Batch
from archive.filing.packages.incoming import doubts_of
from archive.filing.packages.receiving import batches_of, import_one
from archive.instance import open_instance
from archive.jobs import drain_all
from archive.people import service as people
from archive.people.rights import CONFIDENTIAL, Actor


@click.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
def import_(path: Path, as_json: bool) -> None:
    """导入文件夹、.jsonl、表单的 .xlsx、封装包（.zip、.xml）为已归档的档案；重复导入不重复建档。"""
    resources = open_instance()
    operator = find_operator(resources)
    imported, skipped, failed = 0, 0, []
    doubts: list[str] = []
    with progress("导入") as bar:
        for batch in _batches(resources, operator, path):
            doubts += doubts_of(batch)
            outcome = import_one(resources, operator, batch)
            imported += len(outcome.imported)
            skipped += len(outcome.skipped)
            failed += [{"where": fault.where, "why": fault.why} for fault in outcome.failed]
            bar(imported + skipped + len(failed))
    with progress("建立索引") as bar:
        bar(drain_all(resources))
    if as_json:
        print_json({"imported": imported, "skipped": skipped, "failed": failed, "doubts": doubts})
    else:
        say(f"导入 {imported} 件，已有 {skipped} 件，失败 {len(failed)} 件。")
        for fault in failed:
            click.echo(f"{fault['where']}\t{fault['why']}")
        for doubt in doubts:
            click.echo(f"注意\t{doubt}")
    if failed:
        raise SystemExit(1)


def find_operator(resources: Resources) -> Actor:
    """Return in whose name the command files: an archivist, else the administrator at the keys."""
    with resources.reading() as uow:
        for role in ("archivist", "archive_head", "system_admin"):
            for actor in people.actors_with_role(uow, role):
                roles = actor.roles | {"archivist"}
                return replace(actor, roles=roles, clearance=CONFIDENTIAL)
    raise Conflict("还没有用户，请先运行 archive init 或 archive demo。")


def _batches(resources: Resources, operator: Actor, path: Path) -> Iterator[Batch]:
    if path.is_dir():
        return read_folder(path, resources.blobs)
    return batches_of(resources, operator, path)


commands = (import_,)

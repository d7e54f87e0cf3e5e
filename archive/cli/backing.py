"""``archive backup`` and ``restore``: everything that cannot be made again, and getting it back."""

from pathlib import Path

import click

from archive.cli.output import print_json, progress, say
from archive.config import load_settings
from archive.core.errors import Conflict
from archive.core.resources import open_resources
from archive.instance import open_instance
from archive.search.indexing import rebuild_index
from archive.trust.backup import record
from archive.trust.backup.making import (
    MOST_KEPT,
    Made,
    backup_to_file,
    backup_to_folder,
    is_folder_target,
)
from archive.trust.backup.nightly import note_backup
from archive.trust.backup.passphrases import read_passphrase
from archive.trust.backup.receiving import NO_CONVERTER, Received
from archive.trust.backup.restoring import drill, refuse_used_place
from archive.trust.backup.restoring import restore as restore_backup
from archive.trust.backup.source import Source, find_source

_passphrase = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path),
    default=None,
    metavar="文件",
    help="口令所在的文件（一行）。",
)


@click.command()
@click.argument("target", metavar="文件或文件夹/")
@_passphrase
@click.option(
    "--keep",
    type=click.IntRange(1, MOST_KEPT),
    default=None,
    help="备份文件夹里只留最新几份。",
)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
def backup(target: str, passphrase_file: Path | None, keep: int | None, as_json: bool) -> None:
    """做备份，服务不用停：写成一个文件；或写进备份文件夹（末尾加 /），每次只加新的内容。

    检索索引不在备份里，恢复后自动重建。发现丢失或损坏的文件时照样备份其余的，退出码 1。
    """
    path = Path(target)
    to_folder = is_folder_target(path, target)
    if keep is not None and not to_folder:
        raise click.UsageError("--keep 只用于备份文件夹（写成 文件夹/）。")
    passphrase = read_passphrase(passphrase_file)
    if not load_settings().data.is_dir():
        raise Conflict(f"没有数据文件夹 {load_settings().data}，没有东西可备份。")
    resources = open_instance(with_forms=False)
    with progress("备份文件") as bar:
        if to_folder:
            made = backup_to_folder(resources, path, passphrase, bar, keep=keep)
        else:
            made = backup_to_file(resources, path, passphrase, bar)
    note_backup(resources, made, "folder" if to_folder else "file")
    _tell_made(made, as_json, is_sealed=passphrase is not None)


@click.command()
@click.argument("source", type=click.Path(path_type=Path), metavar="文件或文件夹")
@_passphrase
@click.option("--snapshot", default="", metavar="编号", help="备份文件夹里的哪一份（默认最新）。")
@click.option("--drill", "is_drill", is_flag=True, help="只演练：恢复到临时文件夹，核对后删掉。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
def restore(
    source: Path, passphrase_file: Path | None, snapshot: str, is_drill: bool, as_json: bool
) -> None:
    """恢复到 ARCHIVE_DATA 指的空文件夹：逐个核对摘要，核对日志到最后一条，再重建索引。

    中途断掉，文件夹仍是空的，或已经完整。备份前就有的问题照样列出，退出码 1。
    """
    settings = load_settings()
    if not is_drill:
        refuse_used_place(settings)
    found = find_source(source, read_passphrase(passphrase_file), snapshot)
    if is_drill:
        _drill(found, as_json)
        return
    with progress("恢复") as bar:
        received = restore_backup(settings, found, bar)
    say("数据已经恢复，正在重建检索索引……")
    resources = open_resources(settings, NO_CONVERTER)
    with progress("重建索引") as bar:
        rebuild_index(resources, bar)
    resources.database.dispose()
    _tell_received(received, as_json, str(settings.data))


def _drill(source: Source, as_json: bool) -> None:
    resources = open_instance(with_forms=False)
    with progress("恢复演练") as bar:
        received = drill(resources, source, bar)
    detail = {"id": received.head.id, "findings": len(received.findings)}
    record.note(resources, record.DRILLED, detail)
    _tell_received(received, as_json, "")


def _tell_made(made: Made, as_json: bool, *, is_sealed: bool) -> None:
    if as_json:
        print_json(
            {
                "file": str(made.path),
                "id": made.id,
                "made_at": made.made_at.isoformat(),
                "bytes": made.size,
                "added_bytes": made.added,
                "blobs": made.blobs,
                "journal_entries": made.seq,
                "removed_blobs": made.removed,
                "encrypted": is_sealed,
                "missing": list(made.missing),
                "warnings": list(made.warnings),
            }
        )
    else:
        click.echo(str(made.path))
    for warning in made.warnings:
        say(f"注意：{warning}")
    if not is_sealed:
        say("注意：备份没有加密，里面有签名密钥和客户资料，请放在只有管理员能读的地方。")
    say(f"备份完成：{made.blobs} 个文件，新增 {made.added / 1e6:.1f} MB，日志 {made.seq} 条。")
    for digest in made.missing:
        say(f"文件 {digest} 丢失或损坏，没有进备份；请运行 archive verify。")
    if made.missing:
        raise SystemExit(1)


def _tell_received(received: Received, as_json: bool, data: str) -> None:
    if as_json:
        print_json(
            {
                "ok": not received.findings,
                "data": data,
                "id": received.head.id,
                "made_at": received.head.made_at,
                "release": received.head.release,
                "blobs": len(received.contents.blobs) - len(received.contents.missing),
                "bytes": received.size,
                "journal_entries": received.contents.seq,
                "findings": [vars(one) for one in received.findings],
                "warnings": list(received.warnings),
            }
        )
    else:
        for one in received.findings:
            click.echo(f"{one.kind}\t{one.subject}\t{one.message}")
    for warning in received.warnings if data else ():
        say(f"注意：{warning}")
    done = f"已恢复到 {data}" if data else "演练完成，临时文件夹已删掉"
    count = len(received.contents.blobs) - len(received.contents.missing)
    say(f"{done}：{count} 个文件、日志 {received.contents.seq} 条，逐个核对过。")
    if received.findings:
        say(f"备份之前就有 {len(received.findings)} 处问题。")
        raise SystemExit(1)


commands = (backup, restore)

"""``archive verify`` and ``verify-file``: whether all is whole, and whether a file is ours."""

from pathlib import Path

import click

from archive.cli.output import print_json, progress, say
from archive.config import load_settings
from archive.core.clock import show_instant
from archive.core.errors import Invalid
from archive.filing.filed import find_filed
from archive.instance import open_instance
from archive.signing.verdicts import FileVerdict, judge_stranger
from archive.trust.backup.nightly import note_check
from archive.trust.checking import verify_instance
from storage.snapshot import check_rows_file
from storage.verify import Finding

LARGEST = 200_000_000


@click.command()
@click.option("--index", "with_index", is_flag=True, help="同时核对检索索引。")
@click.option("--incremental", is_flag=True, help="只核对新的、很久没核对过的文件；中断后接着做。")
@click.option(
    "--days",
    type=click.IntRange(0, 3650),
    default=30,
    show_default=True,
    help="--incremental 时，几天之内核对过的不再核对。",
)
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
def verify(with_index: bool, incremental: bool, days: int, as_json: bool) -> None:
    """重算每个文件的摘要、核对日志链；有问题时逐条列出，退出码 1。"""
    findings = _damaged_rows()
    if not findings:
        findings = _whole_check(with_index, days if incremental else None)
    if as_json:
        print_json(
            {
                "ok": not findings,
                "findings": [
                    {"kind": one.kind, "subject": one.subject, "message": one.message}
                    for one in findings
                ],
            }
        )
    else:
        for one in findings:
            click.echo(f"{one.kind}\t{one.subject}\t{one.message}")
        say("全部完好。" if not findings else f"发现 {len(findings)} 处问题。")
    if findings:
        raise SystemExit(1)


def _whole_check(with_index: bool, days: int | None) -> list[Finding]:
    """Check everything there is, or what was not checked for so many days, and note it done."""
    resources = open_instance()
    try:
        with progress("核对文件") as bar:
            found = verify_instance(resources, with_index=with_index, on_progress=bar, days=days)
            findings = list(found)
    except KeyboardInterrupt:
        say("已停下；核对过的记住了，用 archive verify --incremental 接着做。")
        raise SystemExit(130) from None
    if not any(one.kind == "database" for one in findings):
        note_check(resources, len(findings))
    return findings


@click.command("verify-file")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
def verify_file(file: Path, as_json: bool) -> None:
    """核验一个 PDF 或 Word 文件：是不是本系统的、改动过没有、谁签的；不是或改过时退出码 1。"""
    if file.stat().st_size > LARGEST:
        raise Invalid("文件超过 200 MB，不能核验。")
    resources = open_instance()
    verdict = judge_stranger(resources, file.read_bytes())
    with resources.reading() as uow:
        filed = find_filed(uow, verdict.sha256)
    if as_json:
        print_json(
            {
                "ours": verdict.ours,
                "intact": verdict.intact,
                "why": verdict.why,
                "level": verdict.level,
                "waiting": list(verdict.waiting),
                "latest": verdict.is_latest,
                "signatures": [
                    {
                        "name": one.name,
                        "step": one.step,
                        "time": one.time.isoformat() if one.time else None,
                        "valid": one.valid,
                        "why": one.why,
                        "means": one.means,
                        "stamped": one.stamped_at.isoformat() if one.stamped_at else None,
                    }
                    for one in verdict.signatures
                ],
                "archived": filed.as_json() if filed else None,
            }
        )
    else:
        _tell(verdict, filed is not None)
    if not (verdict.ours and verdict.intact):
        raise SystemExit(1)


def _tell(verdict: FileVerdict, is_filed: bool) -> None:
    """Print a verdict as the public page shows it: worth, signatures, what is kept."""
    click.echo(f"{'是' if verdict.ours else '不是'}本系统的文件；{verdict.why}")
    for one in verdict.signatures:
        when = show_instant(one.time) if one.time else ""
        means = f"证书：{one.means}" if one.means else ""
        click.echo("\t".join(filter(None, (one.step, one.name, when, one.why, means))))
    if verdict.waiting:
        click.echo(f"还没有签：{'、'.join(verdict.waiting)}")
    kept = "有逐字节相同的文件" if verdict.known else "没有逐字节相同的文件"
    click.echo(f"系统留存：{kept}")
    click.echo(f"档案室：{'存有同一份文件' if is_filed else '没有存同一份文件'}")


def _damaged_rows() -> list[Finding]:
    """Return what is wrong with the database file, before anything else opens it."""
    path = load_settings().data / "archive.db"
    damage = check_rows_file(path) if path.is_file() else ""
    return [Finding("database", path.name, damage)] if damage else []


commands = (verify, verify_file)

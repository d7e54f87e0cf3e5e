"""``archive search``, ``reindex``."""

import click

from archive.cli.output import print_json, progress, say
from archive.instance import open_instance
from archive.search.answers import cli_search
from archive.search.indexing import rebuild_index


@click.command()
@click.argument("text")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
@click.option("--as", "user", default=None, help="按某个用户的权限检索。")
@click.option("--limit", default=20, type=click.IntRange(1, 1000))
@click.option("--filter", "filters", multiple=True, help="字段=值，可多次给出。")
def search(
    text: str, as_json: bool, user: str | None, limit: int, filters: tuple[str, ...]
) -> None:
    """检索；不给 --as 时以系统操作者的身份看全部。"""
    found = cli_search(open_instance(), user, text, limit, filters)
    if as_json:
        print_json(found)
        return
    for hit in found["hits"]:
        click.echo(f"{hit['number']}\t{hit['title']}\t{hit['customer']}\t{hit['snippet']}")
    for note in found["notes"]:
        say(note)
    if found["did_you_mean"]:
        say(f"您要找的是不是：{'、'.join(found['did_you_mean'])}")
    say(f"共 {found['total']} 条，{found['took_ms']} 毫秒。")


@click.command()
def reindex() -> None:
    """在旁边重建检索索引，完成后换上；期间旧索引照常使用。"""
    with progress("重建索引") as bar:
        total = rebuild_index(open_instance(), bar)
    say(f"索引已重建，共 {total} 条。")


commands = (search, reindex)

"""``archive loan decide``: what the lending rules say, without changing anything."""

from datetime import date, datetime

import click

from archive.cli.output import print_json
from archive.core.clock import local_day
from archive.instance import open_instance
from archive.lending.service import cli_decision


@click.group()
def loan() -> None:
    """借阅。"""


@loan.command()
@click.option("--as", "user", required=True, help="借阅人的用户名。")
@click.option("--item", required=True, type=int, help="档案的编号（id）。")
@click.option(
    "--mode", required=True, type=click.Choice(["original", "onsite", "electronic", "copy"])
)
@click.option("--on", "on", type=click.DateTime(["%Y-%m-%d"]), default=None, help="哪一天借。")
@click.option("--json", "as_json", is_flag=True, help="输出 JSON。")
def decide(user: str, item: int, mode: str, on: datetime | None, as_json: bool) -> None:
    """按规则判断能不能借、要谁批、何时还；不改变任何东西。不能借时退出码 1。"""
    resources = open_instance()
    day: date = on.date() if on else local_day(resources.clock())
    with resources.reading() as uow:
        told = cli_decision(uow, user, item, mode, day)
    if as_json:
        print_json(told)
    else:
        click.echo("可以借" if told["allowed"] else "不能借")
        for reason in told["reasons"]:
            click.echo(f"  {reason['text']}")
        if told["due"]:
            click.echo(f"  应还：{told['due']}")
    if not told["allowed"]:
        raise SystemExit(1)


commands = (loan,)

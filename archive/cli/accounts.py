"""``archive account``: an account opened again from the server itself, when no page can help."""

import click

from archive.cli.output import say
from archive.core.errors import NotFound
from archive.instance import open_instance
from archive.people import access, service
from archive.people.signin.reopening import open_account


@click.command()
@click.argument("user")
@click.option("--unlock", is_flag=True, help="解除因输错密码、验证码的锁定。")
@click.option("--drop-factor", is_flag=True, help="停用两步验证（手机和恢复码都丢了）。")
@click.option("--reset-password", is_flag=True, help="重置密码，新的初始密码单独一行输出。")
@click.option("--end", is_flag=True, help="结束此人的全部登录和令牌。")
def account(user: str, unlock: bool, drop_factor: bool, reset_password: bool, end: bool) -> None:
    """在服务器上打开进不去的账号（最后一位系统管理员丢了手机时用），都记入日志。"""
    if not (unlock or drop_factor or reset_password or end):
        raise click.UsageError("请至少给出 --unlock、--drop-factor、--reset-password、--end 之一。")
    first = access.new_password() if reset_password else ""
    first_hash = access.hash_password(first) if first else ""
    resources = open_instance()
    with resources.work() as uow:
        person = service.find_actor_by_username(uow, user)
        if person is None:
            raise NotFound(f"没有用户“{user}”，或其已离职。")
        done = open_account(
            uow, person, unlock=unlock, drop_factor=drop_factor, password_hash=first_hash, end=end
        )
        uow.commit()
    for line in done:
        say(line)
    if first:
        click.echo(first)


commands = (account,)

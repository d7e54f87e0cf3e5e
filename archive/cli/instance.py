"""``archive init``, ``demo``, ``serve``, ``worker``, ``token``: the instance and its processes."""

from functools import partial

import click

from archive.app import create_app, load_templates
from archive.cli.output import progress, say
from archive.cli.processes import Crew, listen, start_back, start_web, start_worker
from archive.config import Settings, load_settings
from archive.core.errors import Conflict, NotFound
from archive.core.logs import set_up_logging
from archive.core.profile import Profile, save_profile
from archive.demo import make_demo
from archive.instance import install_forms, open_instance
from archive.jobs import drain_all, run_worker
from archive.lending.service import seed_rules
from archive.people import access, separation, service
from archive.search.store import let_index_go, warm_index
from archive.signing.keys import company_key
from archive.web.back_room import Place
from doc_templates.pdf import OfficeConverter
from indexer import limit_cache
from storage.places import hold_server_place


@click.command()
@click.option("--company", default="本公司", help="公司名称，印在证书里。")
@click.option("--admin", default="admin", help="首位管理员（系统管理员兼安全管理员）的用户名。")
def init(company: str, admin: str) -> None:
    """建立一个空的档案台；初始密码只显示一次。"""
    resources = open_instance()
    first = access.new_password()
    password_hash = access.hash_password(first)
    with resources.work() as uow:
        if service.departments(uow):
            raise Conflict(f"{resources.settings.data} 里已经有数据，不会重新建立。")
        save_profile(uow, Profile(company=company))
        unit = service.add_department(uow, "ZJB", "总经办")
        fields = service.UserFields(
            username=admin,
            staff_no="0001",
            name="系统管理员",
            department_id=unit,
            roles=frozenset({"system_admin", "security_admin"}),
            clearance=0,
        )
        service.add_user(uow, None, fields, password_hash)
        seed_rules(uow)
        uow.commit()
    company_key(resources)
    click.echo(f"用户名：{admin}\n初始密码：{first}")
    say("请记下初始密码，首次登录后必须修改。")
    say("这个账号是系统管理员兼安全管理员；建议分给两个人（见“用户管理 → 角色说明”）。")


@click.command()
def demo() -> None:
    """在空的数据目录里造一家示例公司，显示各账号；再次运行不改变任何东西。"""
    settings = load_settings()
    with OfficeConverter(font_folder=settings.fonts) as office, progress("准备示例数据") as bar:
        resources = open_instance(settings, office, with_forms=False)
        accounts = make_demo(resources, bar)
        install_forms(resources)
        drain_all(resources)
    for account in accounts:
        click.echo(f"{account.username}\t{account.password}\t{account.name}\t{account.duty}")


@click.command()
@click.option("--host", default="127.0.0.1", help="监听地址。")
@click.option("--port", default=8000, type=click.IntRange(1, 65535), help="监听端口。")
def serve(host: str, port: int) -> None:
    """启动网页服务，并在旁边启动后台进程；收到 SIGTERM 干净退出。"""
    settings = load_settings()
    with hold_server_place(settings.run, f"http://{host}:{port}"):
        _serve(settings, host, port)


def _serve(settings: Settings, host: str, port: int) -> None:
    set_up_logging(as_json=settings.log_as_json)
    taken = listen(host, port)
    resources = open_instance(settings)
    app = create_app(resources)
    behind = settings.web_processes // 2
    before = settings.web_processes - behind
    limit_cache(settings.search_cache * 1_000_000 // before)
    load_templates(app)  # the web processes share what is read before they are forked
    warm_index(resources)
    resources.database.dispose()  # connections are not shared by processes
    room = Place(settings.run) if behind else None
    starts = [partial(start_web, app, resources, taken, room, number) for number in range(before)]
    if room:
        numbers = range(before, settings.web_processes)
        starts += [partial(start_back, app, resources, room, number) for number in numbers]

    crew = Crew([start_worker, *starts])
    let_index_go(resources)
    say(f"档案台已启动：http://{host}:{port}（按 Ctrl+C 停止）")
    try:
        crew.keep()
        say("正在停止……")
    finally:
        crew.stop()


@click.command()
def worker() -> None:
    """单独启动后台进程：建索引、转 PDF、收尾。"""
    settings = load_settings()
    set_up_logging(as_json=settings.log_as_json)
    run_worker(open_instance(settings))


@click.command()
@click.argument("user")
@click.option(
    "--days", default=30, type=click.IntRange(1, access.MAX_TOKEN_DAYS), help="有效天数。"
)
def token(user: str, days: int) -> None:
    """为用户发一个 API 令牌，单独一行输出。"""
    resources = open_instance()
    with resources.work() as uow:
        actor = service.find_actor_by_username(uow, user)
        if actor is None:
            raise NotFound(f"没有用户“{user}”，或其已离职。")
        issued = access.issue_token(uow, actor.id, days)
        uow.commit()
    click.echo(issued)


@click.command()
@click.argument("user")
def release(user: str) -> None:
    """放行被重置过密码、权限停用中的用户（没有另一位安全管理员可办时用）。"""
    resources = open_instance()
    with resources.work() as uow:
        actor = service.find_actor_by_username(uow, user)
        if actor is None:
            raise NotFound(f"没有用户“{user}”，或其已离职。")
        separation.release(uow, None, actor.id)
        uow.commit()
    click.echo(f"{actor.name} 的权限已恢复。")


commands = (init, demo, serve, worker, token, release)

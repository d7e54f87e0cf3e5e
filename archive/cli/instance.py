"""``archive init``, ``demo``, ``serve``, ``worker``, ``token``: the instance and its processes."""

import os
import signal
import subprocess
import sys
import threading
from types import FrameType
from typing import Any

import click
from waitress.server import create_server

from archive.app import create_app
from archive.cli.output import progress, say
from archive.config import Settings, load_settings
from archive.core.errors import Conflict, NotFound
from archive.core.logs import set_up_logging
from archive.core.profile import Profile, save_profile
from archive.demo import make_demo
from archive.instance import install_forms, open_instance
from archive.jobs import drain_all, run_worker
from archive.lending.service import seed_rules
from archive.people import access, separation, service
from archive.signing.keys import company_key
from doc_templates.pdf import OfficeConverter
from storage.places import hold_server_place

THREADS = 8
CONNECTIONS = 2000  # browsers keep several open each; one above the limit waits a minute


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
    resources = open_instance(settings)
    server = create_server(
        create_app(resources),
        host=host,
        port=port,
        threads=THREADS,
        connection_limit=CONNECTIONS,
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=True,
        **_proxy(settings),
    )
    keeper = _WorkerKeeper()
    keeper.start()

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    say(f"档案台已启动：http://{host}:{port}（按 Ctrl+C 停止）")
    try:
        server.run()
    except (SystemExit, KeyboardInterrupt):
        say("正在停止……")
    finally:
        keeper.stop()
        server.close()
        resources.database.dispose()


def _proxy(settings: Settings) -> dict[str, Any]:
    """Return whose word on the caller's address and scheme the server takes: our own proxy's."""
    if not settings.sign_in.proxy:
        return {}
    return {
        "trusted_proxy": settings.sign_in.proxy,
        "trusted_proxy_headers": "x-forwarded-for x-forwarded-proto",
    }


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


class _WorkerKeeper:
    """Keeps one worker process beside the web server and starts it again if it dies."""

    def __init__(self) -> None:
        self._stopping = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def start(self) -> None:
        """Start the worker."""
        self._thread.start()

    def stop(self) -> None:
        """End the worker and wait for it."""
        self._stopping.set()
        process = self._process
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join(5)

    def _keep(self) -> None:
        while not self._stopping.is_set():
            command = [sys.executable, "-m", "archive.cli", "worker"]
            self._process = subprocess.Popen(command, env=os.environ.copy())
            self._process.wait()
            self._stopping.wait(1)


commands = (init, demo, serve, worker, token, release)

"""Settings, read once from the environment; nothing else reads environment variables.

``ARCHIVE_DATA`` moves the data folder, ``DATABASE_URL`` the rows. The secret that encrypts
signing keys comes from ``ARCHIVE_KEY`` or a file outside the database. ``ARCHIVE_SIGNATURE_LEVEL``
(B-B, B-T, B-LT, B-LTA), ``ARCHIVE_TSA_URL`` and ``ARCHIVE_TSA_CERTS`` (PEM file) set what the
signed PDFs prove and the outside authority that stamps their time. ``ARCHIVE_OFFICES`` is the
number of LibreOffices each worker keeps warm (1; one a free core makes PDFs side by side).
``ARCHIVE_SMTP_URL`` (smtp://name:password@host:port, or smtps://) and ``ARCHIVE_MAIL_FROM`` let
notices go out by e-mail; without them they stay in the app. ``ARCHIVE_BACKUP_TO`` (a folder that
``archive backup FOLDER/`` has made), ``ARCHIVE_BACKUP_KEEP`` (14) and
``ARCHIVE_BACKUP_PASSPHRASE_FILE`` set the nightly backup; ``ARCHIVE_METRICS_TOKEN`` opens
``/metrics`` to a program; ``ARCHIVE_LOG=json`` makes the log one JSON object a line.
``ARCHIVE_INBOX`` is a folder that is watched: what a scanner puts there is received.
``ARCHIVE_CLAMD`` (a Unix socket's path, or host:port) is the ClamAV daemon that scans what is
filed; ``ARCHIVE_SAMPLE`` (50) is how many filed items are checked every night, at least a 365th.
``ARCHIVE_PACE`` (1200) is how many requests a minute one may send. ``ARCHIVE_WEB_PROCESSES`` is
how many processes answer requests: two a core, at most eight, where nothing is said; half of
them are in front, half in the back room (see web.back_room), with one alone it does everything.
``ARCHIVE_SEARCH_CACHE`` (400) is how many MB they keep together of what searches have read.
``ARCHIVE_CHILD_USER`` (nobody) is whom the processes become that read strangers' files, where the
server is root's.
How people sign in, and which proxy is believed: ``config_signin``.
"""

import os
import pwd
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from archive.config_errors import BadSetting as BadSetting
from archive.config_signin import SignInSettings, read_sign_in
from indexer.children import USER as CHILD_USER


@dataclass(frozen=True)
class Settings:
    """Where everything lives and how the server is reached."""

    data: Path
    database_url: str
    public_url: str = "http://127.0.0.1:8000"
    behind_tls: bool = False
    offices: int = 1
    signature_level: str = "B-B"
    tsa_url: str = ""
    tsa_certs: Path | None = None
    smtp_url: str = ""
    mail_from: str = ""
    backup_to: Path | None = None
    backup_keep: int = 14
    backup_passphrase_file: Path | None = None
    metrics_token: str = field(default="", repr=False)
    log_as_json: bool = False
    clamd: str = ""
    sample: int = 50
    inbox: Path | None = None
    sign_in: SignInSettings = field(default_factory=SignInSettings)
    pace: int = 0
    web_processes: int = 1
    search_cache: int = 400

    @property
    def blobs(self) -> Path:
        """Folder of the bytes."""
        return self.data / "blobs"

    @property
    def index(self) -> Path:
        """Folder of the search index (disposable)."""
        return self.data / "index"

    @property
    def keys(self) -> Path:
        """Folder of the company's signing authority and the instance's secret."""
        return self.data / "keys"

    @property
    def run(self) -> Path:
        """Folder of sockets, locks and other things of the running server."""
        return self.data / "run"

    @property
    def office_socket(self) -> Path:
        """Where the worker's LibreOffice is reached."""
        return self.run / "office.sock"

    @property
    def office_profile(self) -> Path:
        """Parent folder of LibreOffice's throw-away profiles."""
        return self.data / "office"

    @property
    def fonts(self) -> Path:
        """Folder for licensed fonts an administrator adds (a real 仿宋, for one)."""
        return self.data / "fonts"


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from the environment (or the mapping given)."""
    env = os.environ if environ is None else environ
    folder = Path(env.get("ARCHIVE_DATA", "instance")).resolve()
    _require_user(env.get(CHILD_USER, "").strip())
    public_url = env.get("ARCHIVE_URL", "http://127.0.0.1:8000").rstrip("/")
    return Settings(
        data=folder,
        database_url=env.get("DATABASE_URL", f"sqlite:///{folder / 'archive.db'}"),
        public_url=public_url,
        behind_tls=public_url.startswith("https://"),
        offices=_whole_number(env, "ARCHIVE_OFFICES", 1, most=16),
        signature_level=env.get("ARCHIVE_SIGNATURE_LEVEL", "").strip() or "B-B",
        tsa_url=env.get("ARCHIVE_TSA_URL", "").strip(),
        tsa_certs=Path(certs).resolve() if (certs := env.get("ARCHIVE_TSA_CERTS")) else None,
        backup_to=_path(env, "ARCHIVE_BACKUP_TO"),
        backup_keep=_whole_number(env, "ARCHIVE_BACKUP_KEEP", 14, most=1000),
        backup_passphrase_file=_path(env, "ARCHIVE_BACKUP_PASSPHRASE_FILE"),
        metrics_token=env.get("ARCHIVE_METRICS_TOKEN", "").strip(),
        log_as_json=env.get("ARCHIVE_LOG", "").strip() == "json",
        clamd=_scanner(env),
        sample=_whole_number(env, "ARCHIVE_SAMPLE", 50, most=100_000),
        inbox=Path(inbox).resolve() if (inbox := env.get("ARCHIVE_INBOX", "").strip()) else None,
        sign_in=read_sign_in(env),
        pace=_whole_number(env, "ARCHIVE_PACE", 1200, least=60, most=1_000_000),
        web_processes=_whole_number(env, "ARCHIVE_WEB_PROCESSES", _usual_processes(), most=16),
        search_cache=_whole_number(env, "ARCHIVE_SEARCH_CACHE", 400, least=16, most=100_000),
        **_mail(env),
    )


def _usual_processes() -> int:
    """Return how many web processes there are where nothing is said: two a core, at most eight.

    Half of them answer who looks, half do what changes something (see web.back_room).
    """
    return min(8, 2 * len(os.sched_getaffinity(0)))


def _mail(env: Mapping[str, str]) -> dict[str, str]:
    """Return the settings of outgoing mail; both are needed, or neither."""
    url = env.get("ARCHIVE_SMTP_URL", "").strip()
    sender = env.get("ARCHIVE_MAIL_FROM", "").strip()
    if not url:
        return {}
    try:
        parts = urlsplit(url)
        is_good = parts.scheme in ("smtp", "smtps") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if not is_good:
        raise BadSetting(
            "环境变量 ARCHIVE_SMTP_URL 应写成 smtp://用户名:密码@主机:端口 或 smtps://…"
        )
    if not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", sender):
        raise BadSetting("设了 ARCHIVE_SMTP_URL，就要用 ARCHIVE_MAIL_FROM 写明发件邮箱")
    return {"smtp_url": url, "mail_from": sender}


def _path(env: Mapping[str, str], name: str) -> Path | None:
    text = env.get(name, "").strip()
    return Path(text).resolve() if text else None


def _require_user(name: str) -> None:
    """Refuse to start with a user for the children that is not there, or is root."""
    if not name:
        return
    try:
        is_root = pwd.getpwnam(name).pw_uid == 0
    except KeyError:
        raise BadSetting(f"环境变量 {CHILD_USER} 写的用户“{name[:40]}”这台机器上没有") from None
    if is_root:
        raise BadSetting(f"环境变量 {CHILD_USER} 不能是 root，请写一个没有权限的用户")


def _scanner(env: Mapping[str, str]) -> str:
    """Return where the virus scanner is reached; "" when none is set."""
    address = env.get("ARCHIVE_CLAMD", "").strip()
    host, _, port = address.rpartition(":")
    is_port = bool(host) and port.isascii() and port.isdecimal() and 0 < int(port[:6]) < 65536
    if address and not address.startswith("/") and not is_port:
        raise BadSetting(
            "环境变量 ARCHIVE_CLAMD 应写成 clamd 的套接字路径（/run/clamav/clamd.ctl）或 主机:端口"
        )
    return address


def _whole_number(
    env: Mapping[str, str], name: str, default: int, most: int, least: int = 1
) -> int:
    text = env.get(name, "").strip()
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and least <= int(text) <= most):
        raise BadSetting(f"环境变量 {name} 应是 {least} 到 {most} 的整数，现在是“{text[:40]}”")
    return int(text)


def has_secret_outside() -> bool:
    """Say whether the instance's secret comes from ARCHIVE_KEY, and so is in no file."""
    return bool(os.environ.get("ARCHIVE_KEY"))


def instance_secret(settings: Settings) -> bytes:
    """Return the instance's secret: from ARCHIVE_KEY, else a 0600 file made on first use."""
    from_environment = os.environ.get("ARCHIVE_KEY")
    if from_environment:
        return from_environment.encode()
    path = settings.keys / "secret"
    if not path.exists():
        settings.keys.mkdir(parents=True, exist_ok=True, mode=0o700)
        part = path.with_name(f".{secrets.token_hex(6)}.part")
        part.write_text(secrets.token_urlsafe(48), encoding="ascii")
        part.chmod(0o600)
        part.replace(path)
    return path.read_bytes().strip()

"""Settings of signing in: limits of a session, the second factor, a directory, an outside door.

``ARCHIVE_SESSION_IDLE`` (240) and ``ARCHIVE_SESSION_LIFE`` (720): after how many minutes without
a request, and after how many in all, a browser must sign in again. ``ARCHIVE_SECOND_FACTOR_ROLES``:
codes of the roles that must use a second factor (``admin,archive_head``). ``ARCHIVE_PROXY``:
address of the reverse proxy whose ``X-Forwarded-For`` is believed.

LDAP: ``ARCHIVE_LDAP_URL`` (ldaps://host or ldap://host; outside this machine ldap:// needs
``ARCHIVE_LDAP_STARTTLS=1``), ``ARCHIVE_LDAP_BASE``, ``ARCHIVE_LDAP_LOGIN`` (uid),
``ARCHIVE_LDAP_FILTER``, ``ARCHIVE_LDAP_BIND`` with ``ARCHIVE_LDAP_PASSWORD_FILE``,
``ARCHIVE_LDAP_CA`` (PEM file), ``ARCHIVE_LDAP_CREATE`` (code of the department in which an account
is made for whoever has none; without it nobody is made one).

OpenID Connect: ``ARCHIVE_OIDC_ISSUER``, ``ARCHIVE_OIDC_CLIENT``, ``ARCHIVE_OIDC_SECRET_FILE``,
``ARCHIVE_OIDC_CLAIM`` (preferred_username) matched with ``ARCHIVE_OIDC_FIELD`` (username, staff_no
or email), ``ARCHIVE_OIDC_LABEL``, ``ARCHIVE_OIDC_CREATE``. Called by ``config`` alone.
"""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from archive.config_errors import BadSetting

LOOPBACK = ("127.0.0.1", "::1", "localhost")
OIDC_FIELDS = ("username", "staff_no", "email")
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.;-]{0,79}")


@dataclass(frozen=True)
class LdapSettings:
    """A directory that knows people's passwords."""

    url: str
    base: str
    login: str = "uid"
    filter: str = ""
    bind_dn: str = ""
    password: str = field(default="", repr=False)
    starttls: bool = False
    ca_file: Path | None = None
    create_in: str = ""


@dataclass(frozen=True)
class OidcSettings:
    """A provider that signs people in for us."""

    issuer: str
    client_id: str
    secret: str = field(default="", repr=False)
    claim: str = "preferred_username"
    field_name: str = "username"
    label: str = "用公司账号登录"
    create_in: str = ""


@dataclass(frozen=True)
class SignInSettings:
    """How people sign in, and for how long."""

    idle: timedelta = timedelta(hours=4)
    life: timedelta = timedelta(hours=12)
    second_factor_roles: frozenset[str] = frozenset()
    proxy: str = ""
    ldap: LdapSettings | None = None
    oidc: OidcSettings | None = None


def read_sign_in(env: Mapping[str, str]) -> SignInSettings:
    """Read the settings of signing in; raise BadSetting for the first that cannot be used."""
    return SignInSettings(
        idle=_minutes(env, "ARCHIVE_SESSION_IDLE", 240),
        life=_minutes(env, "ARCHIVE_SESSION_LIFE", 720),
        second_factor_roles=_roles(_text(env, "ARCHIVE_SECOND_FACTOR_ROLES")),
        proxy=_address(env, "ARCHIVE_PROXY"),
        ldap=_ldap(env),
        oidc=_oidc(env),
    )


def _ldap(env: Mapping[str, str]) -> LdapSettings | None:
    url = _text(env, "ARCHIVE_LDAP_URL")
    if not url:
        return None
    scheme, host = _url(url, "ARCHIVE_LDAP_URL", ("ldap", "ldaps"))
    starttls = _text(env, "ARCHIVE_LDAP_STARTTLS") == "1"
    if scheme == "ldap" and not starttls and host not in LOOPBACK:
        raise BadSetting(
            "ARCHIVE_LDAP_URL 用 ldap:// 会明文传密码；请改用 ldaps://，"
            "或设 ARCHIVE_LDAP_STARTTLS=1"
        )
    base = _text(env, "ARCHIVE_LDAP_BASE")
    if "=" not in base:
        raise BadSetting(
            "设了 ARCHIVE_LDAP_URL，就要用 ARCHIVE_LDAP_BASE 写明从哪里找人，"
            "如 ou=people,dc=example"
        )
    chosen = _text(env, "ARCHIVE_LDAP_FILTER")
    if chosen and not (chosen.startswith("(") and chosen.endswith(")")):
        raise BadSetting("ARCHIVE_LDAP_FILTER 应放在括号里，如 (objectClass=inetOrgPerson)")
    ca_file = _text(env, "ARCHIVE_LDAP_CA")
    return LdapSettings(
        url=url,
        base=base,
        login=_word(env, "ARCHIVE_LDAP_LOGIN", "uid"),
        filter=chosen,
        bind_dn=_text(env, "ARCHIVE_LDAP_BIND"),
        password=_secret(env, "ARCHIVE_LDAP_PASSWORD_FILE"),
        starttls=starttls,
        ca_file=Path(ca_file).resolve() if ca_file else None,
        create_in=_text(env, "ARCHIVE_LDAP_CREATE").upper(),
    )


def _oidc(env: Mapping[str, str]) -> OidcSettings | None:
    issuer = _text(env, "ARCHIVE_OIDC_ISSUER")
    if not issuer:
        return None
    scheme, host = _url(issuer, "ARCHIVE_OIDC_ISSUER", ("https", "http"))
    if scheme == "http" and host not in LOOPBACK:
        raise BadSetting("ARCHIVE_OIDC_ISSUER 应是 https:// 开头的地址")
    client_id = _text(env, "ARCHIVE_OIDC_CLIENT")
    if not client_id:
        raise BadSetting("设了 ARCHIVE_OIDC_ISSUER，就要用 ARCHIVE_OIDC_CLIENT 写明客户端编号")
    matched = _text(env, "ARCHIVE_OIDC_FIELD") or "username"
    if matched not in OIDC_FIELDS:
        raise BadSetting(f"ARCHIVE_OIDC_FIELD 只能是 {'、'.join(OIDC_FIELDS)}")
    return OidcSettings(
        issuer=issuer,
        client_id=client_id,
        secret=_secret(env, "ARCHIVE_OIDC_SECRET_FILE"),
        claim=_word(env, "ARCHIVE_OIDC_CLAIM", "preferred_username"),
        field_name=matched,
        label=_text(env, "ARCHIVE_OIDC_LABEL")[:40] or "用公司账号登录",
        create_in=_text(env, "ARCHIVE_OIDC_CREATE").upper(),
    )


def _text(env: Mapping[str, str], name: str) -> str:
    return env.get(name, "").strip()


def _word(env: Mapping[str, str], name: str, default: str) -> str:
    text = _text(env, name) or default
    if not _WORD.fullmatch(text):
        raise BadSetting(f"环境变量 {name} 应是一个字段名，如 {default}")
    return text


def _minutes(env: Mapping[str, str], name: str, default: int) -> timedelta:
    text = _text(env, name) or str(default)
    if not (text.isascii() and text.isdecimal() and len(text) < 7 and 5 <= int(text) <= 43_200):
        raise BadSetting(f"环境变量 {name} 应是 5 到 43200 的整数（分钟），现在是“{text[:40]}”")
    return timedelta(minutes=int(text))


def _roles(text: str) -> frozenset[str]:
    roles = frozenset(one for one in re.split(r"[\s,，、]+", text) if one)
    wrong = sorted(one for one in roles if not re.fullmatch(r"[a-z_]{1,20}", one))
    if wrong:
        raise BadSetting(
            f"ARCHIVE_SECOND_FACTOR_ROLES 里的“{wrong[0][:40]}”不是角色代号，"
            "请写如 admin,archive_head"
        )
    return roles


def _address(env: Mapping[str, str], name: str) -> str:
    text = _text(env, name)
    try:
        return str(ipaddress.ip_address(text)) if text else ""
    except ValueError as wrong:
        raise BadSetting(f"环境变量 {name} 应是反向代理的 IP 地址，现在是“{text[:40]}”") from wrong


def _url(text: str, name: str, schemes: tuple[str, ...]) -> tuple[str, str]:
    try:
        parts = urlsplit(text)
        good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        good = good and not parts.username and not parts.query and not parts.fragment
    except ValueError:
        good = False
    if not good:
        raise BadSetting(f"环境变量 {name} 应写成 {schemes[0]}://主机[:端口]")
    return parts.scheme, parts.hostname or ""


def _secret(env: Mapping[str, str], name: str) -> str:
    path = _text(env, name)
    if not path:
        return ""
    try:
        secret = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as wrong:
        raise BadSetting(f"环境变量 {name} 写的文件读不了：{path[:200]}") from wrong
    if not secret:
        raise BadSetting(f"环境变量 {name} 写的文件是空的：{path[:200]}")
    return secret

"""Asks a directory (LDAP) whether a password is right; the only import of ldap3.

Loaded only where ``ARCHIVE_LDAP_URL`` is set. The person's entry is looked for under the base,
then bound as, with the password given. Certificates are checked, referrals are not followed.
"""

import logging
import ssl
import warnings
from typing import Any

from archive.config_signin import LdapSettings
from archive.core.errors import Unavailable
from archive.people.signin.known import Known, Verdict

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # names of pyasn1 that ldap3 still uses
    import ldap3
    from ldap3.core.exceptions import LDAPException
    from ldap3.utils.conv import escape_filter_chars

log = logging.getLogger(__name__)

CONNECT_SECONDS = 5
ANSWER_SECONDS = 10
_SHOWN = ("entryUUID", "objectGUID", "displayName", "cn", "mail", "employeeNumber")


def ask(settings: LdapSettings, username: str, password: str) -> Known:
    """Return what the directory says of a name and its password; raise Unavailable.

    An empty password is wrong without asking: servers take it for "nobody" and say yes
    (RFC 4513 5.1.2). A name that fits several entries is unknown.
    """
    if not password or "\0" in password or not username.isprintable():
        return Known(Verdict.UNKNOWN if not username.isprintable() else Verdict.WRONG)
    try:
        entry = _find(settings, username)
        if entry is None:
            return Known(Verdict.UNKNOWN)
        if not _may_bind(settings, str(entry["dn"]), password):
            return Known(Verdict.WRONG)
    except LDAPException as fault:
        log.warning("directory: %s", type(fault).__name__)
        raise Unavailable("公司目录（LDAP）现在连不上，请稍后再试，或联系系统管理员。") from fault
    return _known(settings, entry)


def _find(settings: LdapSettings, username: str) -> dict[str, Any] | None:
    match = f"({settings.login}={escape_filter_chars(username)})"
    with _connection(settings, settings.bind_dn, settings.password) as connection:
        if not connection.bound:
            log.error("directory: the search account was refused")
            raise Unavailable("公司目录（LDAP）不接受查询账号，请联系系统管理员。")
        connection.search(
            settings.base,
            f"(&{settings.filter}{match})" if settings.filter else match,
            search_scope=ldap3.SUBTREE,
            attributes=[settings.login, *_SHOWN],
            size_limit=2,
            time_limit=ANSWER_SECONDS,
        )
        found = [one for one in connection.response or () if one.get("type") == "searchResEntry"]
    return found[0] if len(found) == 1 else None


def _may_bind(settings: LdapSettings, dn: str, password: str) -> bool:
    with _connection(settings, dn, password) as connection:
        return bool(connection.bound)


def _connection(settings: LdapSettings, dn: str, password: str) -> Any:
    ca_file = str(settings.ca_file) if settings.ca_file else None
    server = ldap3.Server(
        settings.url,
        tls=_CheckedTls(validate=ssl.CERT_REQUIRED, ca_certs_file=ca_file),
        connect_timeout=CONNECT_SECONDS,
        get_info=ldap3.NONE,
    )
    connection = ldap3.Connection(
        server,
        user=dn or None,
        password=password or None,
        auto_referrals=False,
        read_only=True,
        receive_timeout=ANSWER_SECONDS,
        check_names=False,
    )
    try:
        if settings.starttls:
            connection.open()
            connection.start_tls()
        connection.bind()
    except LDAPException:
        if connection.socket is not None:
            connection.socket.close()
        raise
    return _Closing(connection)


class _CheckedTls(ldap3.Tls):  # type: ignore[misc] # ldap3 carries no types
    """TLS as Python does it: OpenSSL itself checks chain and name, also of an IP address."""

    def wrap_socket(self, connection: Any, do_handshake: bool = False) -> None:
        context = ssl.create_default_context(cafile=self.ca_certs_file)
        plain, host = connection.socket, connection.server.host
        connection.socket = context.wrap_socket(plain, server_hostname=host)


class _Closing:
    """A bound (or refused) connection that is closed at the end of its block."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __enter__(self) -> Any:
        return self._connection

    def __exit__(self, *_error: object) -> None:
        self._connection.unbind()


def _known(settings: LdapSettings, entry: dict[str, Any]) -> Known:
    values = {name.lower(): value for name, value in entry["attributes"].items()}
    return Known(
        verdict=Verdict.GOOD,
        username=_first(values, settings.login),
        subject=_first(values, "entryUUID") or _first(values, "objectGUID") or str(entry["dn"]),
        name=_first(values, "displayName") or _first(values, "cn"),
        email=_first(values, "mail"),
        staff_no=_first(values, "employeeNumber"),
    )


def _first(values: dict[str, Any], name: str) -> str:
    value = values.get(name.lower())
    one = value[0] if isinstance(value, list) and value else value
    if isinstance(one, bytes):
        return one.decode("utf-8", "replace") if name.lower() != "objectguid" else one.hex()
    return "" if one is None or isinstance(one, list) else str(one).strip()

"""Signs people in through an OpenID Connect provider; the only import of joserfc.

Authorization code flow with PKCE (RFC 7636), state and nonce (OpenID Connect Core 3.1). Loaded
only where ``ARCHIVE_OIDC_ISSUER`` is set. Everything is asked of the provider's own address, over
TLS (plain only on this machine), never followed elsewhere, and read up to a limit.
"""

import base64
import hashlib
import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPException, HTTPMessage
from typing import IO, Any
from urllib.parse import quote, urlencode, urlsplit

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from archive.config_signin import LOOPBACK, OidcSettings
from archive.core.errors import Unauthenticated, Unavailable
from archive.people.signin.known import Known, Verdict

ANSWER_SECONDS = 5.0
KEPT_SECONDS = 60.0
LARGEST_ANSWER = 1 << 20
LEEWAY = 60
ALGORITHMS = ["RS256", "PS256", "ES256", "RS384", "RS512", "ES384", "ES512", "EdDSA"]
STRONG = {"mfa", "otp", "hwk", "swk", "fpt"}  # RFC 8176
_LONGEST = 2000
_DISCOVERED: dict[str, tuple[float, Mapping[str, Any]]] = {}


@dataclass(frozen=True)
class Asked:
    """A question put to the provider: what its answer must fit."""

    state: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)


def ask(settings: OidcSettings, redirect_uri: str) -> tuple[Asked, str]:
    """Return a new question and the address at which the person answers it; raise Unavailable."""
    asked = Asked(*(secrets.token_urlsafe(48) for _ in range(3)))
    digest = hashlib.sha256(asked.verifier.encode()).digest()
    query = {
        "response_type": "code",
        "client_id": settings.client_id,
        "redirect_uri": redirect_uri,
        "scope": "openid profile email",
        "state": asked.state,
        "nonce": asked.nonce,
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    address = _address(_discover(settings), "authorization_endpoint")
    return asked, f"{address}{'&' if '?' in address else '?'}{urlencode(query)}"


def read_answer(
    settings: OidcSettings,
    asked: Asked,
    answer: Mapping[str, str],
    redirect_uri: str,
    now: datetime,
) -> Known:
    """Return who the provider says it is; raise Unauthenticated for anything that does not fit.

    State, issuer, audience, nonce, times and signature are checked; a code is good once, which
    the provider sees to.
    """
    given = answer.get("state", "")
    if not secrets.compare_digest(given.encode(), asked.state.encode()):
        raise _refused("登录请求对不上（可能已过期，或从别处点开）")
    if answer.get("error"):
        raise _refused("登录平台没有放行")
    if answer.get("iss", settings.issuer) != settings.issuer:  # RFC 9207
        raise _refused("回答来自别的登录平台")
    code = answer.get("code", "")
    if not code or len(code) > _LONGEST:
        raise _refused("登录平台没有给出登录凭据")
    found = _discover(settings)
    token = _exchange(settings, found, code, asked.verifier, redirect_uri)
    return _known(settings, _claims(settings, found, token, asked.nonce, now))


def _discover(settings: OidcSettings) -> Mapping[str, Any]:
    """Return the provider's addresses, asked for once a minute: the door is open to anybody."""
    asked_at, kept = _DISCOVERED.get(settings.issuer, (0.0, {}))
    if kept and time.monotonic() - asked_at < KEPT_SECONDS:
        return kept
    found = _read(f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration")
    if found.get("issuer") != settings.issuer:
        raise Unavailable("登录平台的设置对不上：它自称的 issuer 与 ARCHIVE_OIDC_ISSUER 不同。")
    _DISCOVERED[settings.issuer] = (time.monotonic(), found)
    return found


def _exchange(
    settings: OidcSettings, found: Mapping[str, Any], code: str, verifier: str, redirect_uri: str
) -> str:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": redirect_uri,
        "client_id": settings.client_id,
        "code_verifier": verifier,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    if settings.secret and "client_secret_basic" in methods:
        pair = f"{quote(settings.client_id, safe='')}:{quote(settings.secret, safe='')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    elif settings.secret:
        form["client_secret"] = settings.secret
    answer = _read(_address(found, "token_endpoint"), urlencode(form).encode(), headers)
    token = answer.get("id_token")
    if not isinstance(token, str):
        raise _refused("登录平台没有说明是谁")
    return token


def _claims(
    settings: OidcSettings, found: Mapping[str, Any], token: str, nonce: str, now: datetime
) -> Mapping[str, Any]:
    try:
        keys = KeySet.import_key_set(_read(_address(found, "jwks_uri")))  # type: ignore[arg-type]
        claims = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
        jwt.JWTClaimsRegistry(
            now=int(now.timestamp()),
            leeway=LEEWAY,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        ).validate(claims)
    except (JoseError, ValueError, TypeError, KeyError) as wrong:
        raise _refused("登录平台的回答没有通过核对") from wrong
    audience, party = claims["aud"], claims.get("azp")
    is_shared = isinstance(audience, list) and len(audience) > 1
    if (is_shared or party is not None) and party != settings.client_id:
        raise _refused("登录平台的回答是给别的程序的")
    told = claims.get("nonce")
    if not isinstance(told, str) or not secrets.compare_digest(told.encode(), nonce.encode()):
        raise _refused("登录平台的回答对不上这一次登录")
    return claims


def _known(settings: OidcSettings, claims: Mapping[str, Any]) -> Known:
    matched = _text(claims, settings.claim)
    if not _text(claims, "sub") or not matched:
        raise _refused(f"登录平台没有给出 {settings.claim}")
    if settings.claim == "email" and claims.get("email_verified") is not True:
        raise _refused("登录平台没有核实过这个邮箱")
    amr = claims.get("amr")
    return Known(
        verdict=Verdict.GOOD,
        username=matched,
        subject=_text(claims, "sub"),
        name=_text(claims, "name"),
        email=_text(claims, "email"),
        is_strong=isinstance(amr, list)
        and any(isinstance(one, str) and one in STRONG for one in amr),
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.strip() if isinstance(value, str) and len(value) <= _LONGEST else ""


def _address(found: Mapping[str, Any], name: str) -> str:
    address = found.get(name)
    try:
        parts = urlsplit(address) if isinstance(address, str) else None
    except ValueError:
        parts = None
    if parts is None or not isinstance(address, str) or not _is_safe(parts.scheme, parts.hostname):
        raise Unavailable(f"登录平台的 {name} 不能用，请联系系统管理员。")
    return address


def _is_safe(scheme: str, host: str | None) -> bool:
    return bool(host) and (scheme == "https" or (scheme == "http" and host in LOOPBACK))


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Follows nothing: an address of the provider answers itself or not at all."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        return None


def _read(
    address: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310 - every address was checked
        address, body, {"Accept": "application/json", **(headers or {})}
    )
    opener = urllib.request.build_opener(_StayHere, urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=ANSWER_SECONDS) as answer:
            found = json.loads(answer.read(LARGEST_ANSWER))
    except urllib.error.HTTPError as refused:
        refused.close()
        if body is not None and 400 <= refused.code < 500:
            raise _refused("登录平台不接受这个登录凭据（可能已经用过）") from refused
        raise Unavailable("登录平台现在连不上，请稍后再试。") from refused
    except (OSError, HTTPException, ValueError, RecursionError) as fault:
        raise Unavailable("登录平台现在连不上，请稍后再试。") from fault
    if not isinstance(found, dict):
        raise Unavailable("登录平台的回答看不懂，请联系系统管理员。")
    return found


def _refused(why: str) -> Unauthenticated:
    return Unauthenticated(f"{why}，请重新登录。")

"""A small OpenID Connect provider, a process of its own: it lets everybody in, and lies when told.

Run as a program: prints its address, then serves. ``POST /control`` says who signs in and how it
lies: ``claims`` and ``discovery`` put over the right ones, ``drop`` taken out, ``shift``
times that many seconds from now, ``sign`` (right, stranger, none, hmac).
"""

import base64
import hashlib
import hmac
import json
import secrets
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "archive-desk", "geheim/+ 1"


def _key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "k1", "use": "sig"})


KEY, STRANGER = _key(), _key()
CODES: dict[str, dict[str, str]] = {}
CONTROL: dict[str, object] = {}


def _bare(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _token(claims: dict[str, object]) -> str:
    how = CONTROL.get("sign", "right")
    if how == "none":
        return f"{_bare({'alg': 'none'})}.{_bare(claims)}."
    if how == "hmac":  # the public key as a shared secret
        head, body = _bare({"alg": "HS256", "kid": "k1"}), _bare(claims)
        mac = hmac.digest(KEY.as_pem(private=False), f"{head}.{body}".encode(), "sha256")
        return f"{head}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
    return jwt.encode({"alg": "RS256", "kid": "k1"}, claims, STRANGER if how == "stranger" else KEY)


class Provider(BaseHTTPRequestHandler):
    """Discovery, the person's yes, the exchange of the code, the keys."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/.well-known/openid-configuration":
            self._json(
                {
                    "issuer": self._issuer,
                    "authorization_endpoint": f"{self._issuer}/authorize",
                    "token_endpoint": f"{self._issuer}/token",
                    "jwks_uri": f"{self._issuer}/jwks",
                    **dict(CONTROL.get("discovery", {})),
                }
            )
        elif parts.path == "/jwks":
            self._json({"keys": [KEY.as_dict(private=False)]})
        elif parts.path == "/authorize":
            assert asked["code_challenge_method"] == "S256" and asked["client_id"] == CLIENT
            code = secrets.token_urlsafe(16)
            CODES[code] = asked
            self.send_response(302)
            answer = urlencode({"code": code, "state": asked["state"]})
            self.send_header("Location", f"{asked['redirect_uri']}?{answer}")
            self.end_headers()
        else:
            self._json({}, 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/control":
            CONTROL.clear()
            CONTROL.update(json.loads(body))
            return self._json({})
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        asked = CODES.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        pair = base64.b64encode(b"archive-desk:geheim%2F%2B%201").decode()
        good = asked and asked["code_challenge"] == challenge
        good = good and asked["redirect_uri"] == form["redirect_uri"]
        if not good or self.headers.get("Authorization") != f"Basic {pair}":
            return self._json({"error": "invalid_grant"}, 400)
        now = int(time.time())
        claims = {
            "iss": self._issuer, "aud": CLIENT, "sub": "s-1", "exp": now + 300, "iat": now,
            "nonce": asked["nonce"], "preferred_username": "sales_clerk", "name": "陈晓东",
            **dict(CONTROL.get("claims", {})),
        }  # fmt: skip
        claims |= {name: now + by for name, by in dict(CONTROL.get("shift", {})).items()}
        for name in CONTROL.get("drop", ()):
            claims.pop(name)
        return self._json({"access_token": "x", "token_type": "Bearer", "id_token": _token(claims)})

    @property
    def _issuer(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def _json(self, value: object, status: int = 200) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Stay silent."""


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), Provider)
    print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
    server.serve_forever()

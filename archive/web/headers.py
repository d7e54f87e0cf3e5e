"""Security headers of every answer.

No script or style from elsewhere or inline, no framing by others, no guessing of types, and
nothing personal kept in a cache. Called by the app (``register``).
"""

from flask import Flask, Response, request

from archive.core.web import resources

CONTENT_SECURITY_POLICY = {
    "default-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-src": "'self' blob:",
    "worker-src": "'self' blob:",
}
FRAMABLE = ("application/pdf", "image/")  # previews inside our own pages
PERMISSIONS = "camera=(), microphone=(), geolocation=(), payment=(), usb=()"


def register(app: Flask) -> None:
    """Add the headers to every answer of the app."""
    app.after_request(add_headers)


def add_headers(response: Response) -> Response:
    """Add the headers an answer does not carry yet."""
    ancestors = "'self'" if (response.mimetype or "").startswith(FRAMABLE) else "'none'"
    rules = [*CONTENT_SECURITY_POLICY.items(), ("frame-ancestors", ancestors)]
    policy = "; ".join(f"{name} {value}" for name, value in rules)
    headers = response.headers
    headers.setdefault("Content-Security-Policy", policy)
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Permissions-Policy", PERMISSIONS)
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    if request.is_secure or resources().settings.behind_tls:
        headers.setdefault("Strict-Transport-Security", "max-age=31536000")
    headers.setdefault("X-Frame-Options", "SAMEORIGIN" if ancestors == "'self'" else "DENY")
    if not _is_asset():
        headers["Cache-Control"] = "no-store"
    return response


def _is_asset() -> bool:
    """Say whether the answer is one of our own style, script or font files."""
    return (request.endpoint or "").rpartition(".")[2] == "static"

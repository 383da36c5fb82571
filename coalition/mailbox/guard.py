"""What keeps other web sites out of the local mailbox, and a hostile letter inside its frame."""

import re

from flask import Flask, Response, abort, request

_OWN_HOSTS = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_PAGE = (
    "default-src 'none'; style-src 'self'; img-src data:; frame-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
# `sandbox` here as well as on the frame, for somebody who opens the frame's address by itself.
LETTER = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data: cid:; form-action 'none'; base-uri 'none';"
    " frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)


def protect(page: Flask) -> None:
    """Check who asks before each request, and put the security headers on each answer."""
    page.before_request(_refuse_other_hosts)
    page.before_request(_refuse_other_sites)
    page.after_request(_add_headers)


def _refuse_other_hosts() -> None:
    # A name of a stranger's that resolves to 127.0.0.1 would let his page read the letters (DNS rebinding).
    if not _OWN_HOSTS.fullmatch(request.headers.get("Host", "")):
        abort(400, "This page answers only to the name of this machine: 127.0.0.1 or localhost.")


def _refuse_other_sites() -> None:
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return
    own_origin = request.host_url.rstrip("/")
    from_here = request.headers.get("Sec-Fetch-Site", "same-origin") in {"same-origin", "none"}
    if not from_here or request.headers.get("Origin", own_origin) != own_origin:
        abort(403, "This button works only on the mailbox's own page.")


def _add_headers(response: Response) -> Response:
    response.headers.setdefault("Content-Security-Policy", _PAGE)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-DNS-Prefetch-Control"] = "off"  # looking a name up is leaving the machine, too
    response.headers["Cache-Control"] = "no-store"
    return response

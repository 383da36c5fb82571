"""Security headers for every answer, errors and files included (OWASP ASVS 5.0, chapter 3.4)."""

from urllib.parse import urlsplit

from flask import Response, g, request

from coalition.config import Config
from coalition.web.shared import resources, spoken

_DENIED = "accelerometer camera display-capture geolocation gyroscope magnetometer microphone midi payment usb"
_PERMISSIONS = ", ".join(f"{feature}=()" for feature in _DENIED.split())
_INDEXED = {"join.home", "privacy.notice", "privacy.prove"}
_INDEXED_WHERE_PUBLIC = {"archive.every", "archive.one"}


def secure(response: Response) -> Response:
    """Add the headers. Nothing may be loaded from, framed by or sent to another host, but where a form allows it."""
    origins: list[str] | None = g.get("frame_origins")
    headers = response.headers
    headers["Content-Security-Policy"] = _policy(origins, g.get("thanks_url"))
    headers["Cross-Origin-Resource-Policy"] = "same-origin" if origins is None else "cross-origin"
    headers.update(_everywhere(resources().config))
    headers.setdefault("Cache-Control", "no-store")  # style sheets and the mark say themselves how long they last
    if not _is_for_search_engines(request.endpoint):
        headers["X-Robots-Tag"] = "noindex"
    if response.mimetype == "text/html" and "Location" not in headers:
        headers["Content-Language"] = spoken().code
        if g.get("depends_on_browser"):
            response.vary.add("Accept-Language")
    return response


def of_a_refusal(config: Config) -> dict[str, str]:
    """The headers of a line of text with which the web server itself refuses what is no request for us."""
    return {
        "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
        "X-Robots-Tag": "noindex",
    } | _everywhere(config)


def _everywhere(config: Config) -> dict[str, str]:
    same = {
        "X-Content-Type-Options": "nosniff",
        # With no-referrer a browser would send `Origin: null`, and our own buttons would look like a stranger's.
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": _PERMISSIONS,
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    return same | ({"Strict-Transport-Security": "max-age=31536000; includeSubDomains"} if config.secure else {})


def _is_for_search_engines(endpoint: str | None) -> bool:
    # Where the archive is not public, what stays readable is for those who got the link in a letter.
    return endpoint in _INDEXED or (endpoint in _INDEXED_WHERE_PUBLIC and resources().config.community.public_archive)


def _policy(origins: list[str] | None, thanks_url: str | None) -> str:
    ancestors = "'none'" if origins is None else " ".join(["'self'", *origins])
    # Chromium applies form-action to the redirect after a form too, so the thank-you page has to be named.
    thanks = urlsplit(thanks_url or "")
    action = f"'self' {thanks.scheme}://{thanks.netloc}" if thanks_url else "'self'"
    return (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; object-src 'none'; "
        f"form-action {action}; frame-ancestors {ancestors}"
    )

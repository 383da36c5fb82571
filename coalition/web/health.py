"""For machines: whether we live, whether we can work, numbers, what robots may read, whom to tell about a weakness."""

import hmac
from datetime import timedelta

from flask import Blueprint, Response, abort, request
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from coalition.clock import utcnow
from coalition.services import metrics
from coalition.web.shared import resources

pages = Blueprint("health", __name__)


def _plain(body: str, status: int = 200) -> Response:
    return Response(body + "\n", status=status, mimetype="text/plain")


@pages.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return _plain("ok")


@pages.get("/readyz")
def ready() -> Response:
    """The database answers too."""
    try:
        with resources().database.reading() as session:
            session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return _plain("the database can't be reached", 503)
    return _plain("ok")


@pages.get("/metrics")
def measured() -> Response:
    """Numbers for a monitor that knows the token. Without a token set there is no such page."""
    token = resources().config.metrics_token
    if token is None:
        abort(404)
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), f"Bearer {token}".encode()):
        refusal = _plain("this needs the token of COALITION_METRICS_TOKEN", 401)
        refusal.headers["WWW-Authenticate"] = "Bearer"
        return refusal
    with resources().database.reading() as session:
        return Response(metrics.text(session, utcnow()), content_type=metrics.CONTENT_TYPE)


@pages.get("/robots.txt")
def robots() -> Response:
    """Only the public pages are for search engines."""
    return _plain("User-agent: *\nAllow: /$\nAllow: /privacy\nDisallow: /")


@pages.get("/.well-known/security.txt")
def security() -> Response:
    """RFC 9116: whom to tell about a weakness."""
    held = resources()
    expires = (utcnow() + timedelta(days=180)).strftime("%Y-%m-%dT00:00:00Z")
    return _plain(
        f"Contact: mailto:{held.config.community.reply_to.written}\n"
        f"Expires: {expires}\n"
        f"Canonical: {held.links.base_url}/.well-known/security.txt"
    )

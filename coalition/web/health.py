"""For machines: whether we live, whether we can work, what robots may read, whom to tell about a weakness."""

from datetime import timedelta

from flask import Blueprint, Response
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from coalition.clock import utcnow
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

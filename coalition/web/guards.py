"""What a request must be before a view looks at it: for our host, well-formed, and sent by a page of ours."""

from contextlib import suppress
from datetime import datetime
from urllib.parse import unquote_to_bytes, urlsplit

from flask import abort, g, request
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from coalition.address import Address
from coalition.config import is_loopback
from coalition.models import Kind
from coalition.services import limits
from coalition.web.shared import resources

_FORM_TYPES = {"application/x-www-form-urlencoded", "multipart/form-data"}
_CHARSETS = {"", "utf-8", "utf8", "us-ascii"}


def require_our_host() -> None:
    """400 for any other Host, so that nobody can make us answer under a name that is not ours."""
    if request.endpoint in {"health.alive", "health.ready", "health.measured"}:
        return
    if not _is_ours(request.headers.get("Host", "")):
        abort(400)


def learn_first() -> None:
    """Before anything is changed, the database learns what was decided while it was away or was another one."""
    if request.method == "POST":
        with suppress(SQLAlchemyError):  # the view meets the same trouble, and knows what to answer
            try:
                resources().backlog.learn()
            except OperationalError as error:
                g.database_is_away = error
                raise


def require_database() -> None:
    """Raise what happened where the database could not be reached to learn: nobody waits twice for the same trouble."""
    if (error := g.get("database_is_away")) is not None:
        raise error


def _is_ours(host: str) -> bool:
    own = urlsplit(resources().links.base_url)
    try:
        asked = urlsplit(f"//{host}")
        name, port = asked.hostname or "", asked.port
    except ValueError:  # a bracket that does not close, a port that is no number
        return False
    if asked.netloc != host or "@" in host:
        return False
    on_loopback = is_loopback(own.hostname or "") and is_loopback(name)
    return on_loopback or (name == own.hostname and port in {own.port, None})


def posted() -> MultiDict[str, str]:
    """The fields of a form, strictly: 415 for another kind of body, 400 for one that can't be read as it was meant.

    The framework alone would turn broken bytes into another, valid address, and a broken body into an empty form.
    """
    if request.mimetype not in _FORM_TYPES:
        abort(415)
    if request.mimetype_params.get("charset", "").lower() not in _CHARSETS:
        abort(415)
    raw = request.get_data(cache=True)
    if request.mimetype == "application/x-www-form-urlencoded":
        try:
            unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
        except UnicodeDecodeError:
            abort(400)
    fields = request.form
    for name, value in fields.items(multi=True):
        if any(mark in name + value for mark in ("\0", "\ufffd")) or name in request.args:
            abort(400)
    return fields


def one(fields: MultiDict[str, str], name: str, *, required: bool = False) -> str:
    """The value of a field that may stand in a form once. 400 where it stands there twice, or is wanted and missing."""
    values = fields.getlist(name)
    if len(values) > 1 or (required and not values):
        abort(400)
    return values[0] if values else ""


def require_own_page() -> None:
    """403 for a button that was pressed on a page of another site.

    Browsers say so in Sec-Fetch-Site; older ones in Origin. Where both are missing, the page's stamp decides alone.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        if site not in {"same-origin", "none"}:
            abort(403)
        return
    origin = request.headers.get("Origin")
    if origin is not None and origin not in {f"http://{request.host}", f"https://{request.host}"}:
        abort(403)


def over_limit(session: Session, kind: Kind, address: Address, now: datetime, *, form: str = "") -> bool:
    """Count this request. Returns whether the mailbox has had enough; raises TooMany for the other limits (a 429)."""
    held = resources()
    return limits.count(
        session,
        held.vault,
        held.config.community.limits,
        kind=kind,
        address=address,
        form=form,
        network=request.remote_addr or "",
        now=now,
    )

"""Sign-up forms for any web site, and the consent wordings they show."""

import hashlib
import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.config import is_loopback
from coalition.errors import BadContent, NotFound, Refused
from coalition.models import Cadence, Form, Topic, Wording
from coalition.services import topics as topic_service

_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")


def add(
    session: Session,
    slug: str,
    *,
    topics: Sequence[str],
    wording: str,
    locale: str,
    cadence: Cadence,
    origins: Sequence[str],
    thanks_url: str | None,
) -> Form:
    """Make a form. Raises Refused where the slug is taken, BadContent or NotFound where a part of it is wrong."""
    topic_service.require_slug(slug)
    if session.scalar(select(Form).where(Form.slug == slug)):
        raise Refused(f"There is a form {slug} already.")
    form = Form(
        slug=slug,
        topics=_topic_ids(session, topics),
        wording_id=keep_wording(session, wording, locale).id,
        locale=locale,
        cadence=cadence,
        origins=[require_origin(origin) for origin in origins],
        thanks_url=require_thanks_url(thanks_url),
    )
    session.add(form)
    session.flush()
    return form


def edit(
    session: Session,
    slug: str,
    *,
    topics: Sequence[str] | None = None,
    wording: str | None = None,
    cadence: Cadence | None = None,
    origins: Sequence[str] | None = None,
    thanks_url: str | None = None,
) -> Form:
    """Change parts of a form; None leaves a part as it is, an empty thanks_url removes it."""
    form = get(session, slug)
    if topics is not None:
        form.topics = _topic_ids(session, topics)
    if wording is not None:
        form.wording_id = keep_wording(session, wording, form.locale).id
    if cadence is not None:
        form.cadence = cadence
    if origins is not None:
        form.origins = [require_origin(origin) for origin in origins]
    if thanks_url is not None:
        form.thanks_url = require_thanks_url(thanks_url)
    return form


def get(session: Session, slug: str) -> Form:
    """The form with this slug. Raises NotFound."""
    form = session.scalar(select(Form).where(Form.slug == slug)) if topic_service.is_slug(slug) else None
    if form is None:
        raise NotFound("There is no such form: `coalition form list` shows those there are.")
    return form


def all_of(session: Session) -> list[Form]:
    """Every form, oldest first."""
    return list(session.scalars(select(Form).order_by(Form.id)))


def offered(session: Session, form: Form) -> list[Topic]:
    """The open topics of a form, in order."""
    query = select(Topic).where(Topic.id.in_(form.topics), Topic.open.is_(True))
    return list(session.scalars(query.order_by(Topic.order, Topic.id)))


def keep_wording(session: Session, text: str, locale: str) -> Wording:
    """The row of this exact wording, made where it is new."""
    text = " ".join(text.split())
    if not 10 <= len(text) <= 2000 or not text.isprintable():
        raise BadContent("A consent wording is 10 to 2000 printable characters.")
    digest = hashlib.sha256(f"{locale}\0{text}".encode()).hexdigest()
    wording = session.scalar(select(Wording).where(Wording.sha256 == digest))
    if wording is None:
        wording = Wording(text=text, locale=locale, sha256=digest)
        session.add(wording)
        session.flush()
    return wording


def require_origin(text: str) -> str:
    """Exactly scheme, host and port, as in an Origin header; it goes into a security policy as it is."""
    try:
        url = urlsplit(text)
        port = f":{url.port}" if url.port else ""
        host = (url.hostname or "").encode("idna").decode()
    except (ValueError, UnicodeError) as error:
        raise BadContent("An origin is of the form https://www.example.org.") from error
    plain = f"{url.scheme}://{host}{port}"
    if url.scheme not in {"http", "https"} or plain != text.rstrip("/").lower() or not _HOST.fullmatch(host):
        raise BadContent("An origin is of the form https://www.example.org.")
    return plain


def require_thanks_url(text: str | None) -> str | None:
    """A page of one's own to land on after signing up; https, or http on this machine."""
    if not text:
        return None
    try:
        url = urlsplit(text)
        secure = url.scheme == "https" or (url.scheme == "http" and is_loopback(url.hostname or ""))
        require_origin(f"{url.scheme}://{url.netloc}")  # this much of it stands in a security policy
    except (ValueError, BadContent):  # a bracket that does not close, a port that is none
        secure = False
    if not secure or not text.isprintable() or " " in text:
        raise BadContent("The thank-you address is of the form https://www.example.org/thanks.")
    return text


def _topic_ids(session: Session, slugs: Sequence[str]) -> list[int]:
    if not slugs:
        raise BadContent("A form offers at least one topic.")
    return [topic_service.get(session, slug).id for slug in dict.fromkeys(slugs)]

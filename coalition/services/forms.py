"""Sign-up forms for any web site."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.config import is_loopback
from coalition.errors import BadContent, NotFound, Refused
from coalition.languages import OWN_NAMES, is_spoken
from coalition.models import Cadence, Form, Topic
from coalition.services import topics as topic_service
from coalition.services import wordings

_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")
_TAG = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]+)*")


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
    """Make a form; with an empty wording it takes ours, in every language.

    Raises Refused where the slug is taken, BadContent or NotFound where a part of it is wrong.
    """
    topic_service.require_slug(slug)
    if session.scalar(select(Form).where(Form.slug == slug)):
        raise Refused(f"There is a form {slug} already.")
    form = Form(
        slug=slug,
        topics=_topic_ids(session, topics),
        wording_id=wordings.of_a_form(session, wording, require_locale(locale)).id,
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
    """Change parts of a form; None leaves a part as it is, an empty wording or thanks_url removes it."""
    form = get(session, slug)
    if topics is not None:
        form.topics = _topic_ids(session, topics)
    if wording is not None:
        form.wording_id = wordings.of_a_form(session, wording, form.locale).id
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


def require_locale(tag: str) -> str:
    """The tag of a language that our pages and letters speak. Raises BadContent."""
    if not _TAG.fullmatch(tag) or not is_spoken(tag):
        raise BadContent(f"Coalition does not speak {tag}: choose one of {', '.join(OWN_NAMES)}.")
    return tag


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

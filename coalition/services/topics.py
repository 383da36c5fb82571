"""Topics: what people can subscribe to."""

import re

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coalition.errors import BadContent, NotFound, Refused
from coalition.models import Topic
from coalition.services import wordings

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def add(
    session: Session, slug: str, name: str, description: str, *, explicit: str | None = None, locale: str = "en"
) -> Topic:
    """Open a topic. `explicit`: what people have to agree to by itself, where the topic tells something about them
    that the law protects more (GDPR, article 9).

    Raises Refused where the slug is taken, BadContent where a text is none.
    """
    require_slug(slug)
    require_line("name", name)
    require_line("description", description)
    if session.scalar(select(Topic).where(Topic.slug == slug)):
        raise Refused(f"There is a topic {slug} already.")
    last = session.scalar(select(func.max(Topic.order))) or 0
    topic = Topic(
        slug=slug,
        name=name.strip(),
        description=description.strip(),
        open=True,
        order=last + 1,
        explicit_id=wordings.own(session, explicit, locale).id if explicit is not None else None,
    )
    session.add(topic)
    session.flush()
    return topic


def edit(session: Session, slug: str, name: str | None, description: str | None) -> Topic:
    """Change how a topic is called or described."""
    topic = get(session, slug)
    if name is not None:
        topic.name = require_line("name", name)
    if description is not None:
        topic.description = require_line("description", description)
    return topic


def close(session: Session, slug: str) -> Topic:
    """Take no new subscriptions and no more news for a topic; who has it gets what was published, and then it ends."""
    topic = get(session, slug)
    topic.open = False
    return topic


def reopen(session: Session, slug: str) -> Topic:
    """Take subscriptions and news for a topic again. A subscription that ended meanwhile stays ended."""
    topic = get(session, slug)
    topic.open = True
    return topic


def get(session: Session, slug: str) -> Topic:
    """The topic with this slug. Raises NotFound."""
    topic = session.scalar(select(Topic).where(Topic.slug == slug)) if is_slug(slug) else None
    if topic is None:
        raise NotFound("There is no such topic: `coalition topic list` shows those there are.")
    return topic


def all_of(session: Session) -> list[Topic]:
    """Every topic, in the order in which pages and letters show them."""
    return list(session.scalars(select(Topic).order_by(Topic.order, Topic.id)))


def is_slug(text: str) -> bool:
    """Whether a text could be a short name at all; others need not be looked for."""
    return len(text) <= 40 and _SLUG.fullmatch(text) is not None


def require_slug(slug: str) -> str:
    """A name for URLs: small letters, digits and single hyphens. Raises BadContent."""
    if not is_slug(slug):
        raise BadContent("A short name is made of small letters, digits and single hyphens, at most 40.")
    return slug


def require_line(what: str, text: str) -> str:
    """One printable line. Raises BadContent."""
    text = text.strip()
    if not text or not text.isprintable() or len(text) > 500:
        raise BadContent(f"The {what} is one line of 1 to 500 characters.")
    return text

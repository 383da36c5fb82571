"""Something to try: topics, a form and items for an installation that has none."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.models import Cadence, Topic
from coalition.paths import TEMPLATES
from coalition.services import drafts, forms, items, topics

_TOPICS = (
    ("working-together", "Working together", "Better meetings, clearer decisions, shared work."),
    ("events", "Events", "Workshops, talks and gatherings, announced in time."),
    ("tools", "Tools", "Software and habits that stay out of the way."),
)


def plant(session: Session, locale: str, cadence: Cadence, now: datetime) -> bool:
    """Make the samples where there is no topic yet. Returns whether it did."""
    if session.scalar(select(Topic.id).limit(1)) is not None:
        return False
    for slug, name, description in _TOPICS:
        topics.add(session, slug, name, description)
    forms.add(
        session,
        "main",
        topics=[slug for slug, _, _ in _TOPICS],
        wording="",
        locale=locale,
        cadence=cadence,
        origins=[],
        thanks_url=None,
    )
    for path in sorted((TEMPLATES / "samples").glob("*.md")):
        items.publish(session, drafts.read(path.read_text("utf-8")), now)
    return True

"""What has been sent, for everybody to read: without a reader, and therefore without a personal link."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from coalition.errors import NotFound
from coalition.models import Cadence, Issue, Item, Phase, Topic, Variant

NEWEST = 50


@dataclass(frozen=True)
class Chapter:
    """One topic of an archived issue."""

    topic: Topic
    items: list[Item]


def name_of(issue: Issue) -> str:
    """What an issue is called in its permanent address: weekly-2026-W48."""
    return f"{issue.cadence}-{issue.period_key}"


def issues(session: Session, now: datetime) -> list[Issue]:
    """The issues whose sending has begun, newest first."""
    query = select(Issue).where(_has_begun(now))
    return list(session.scalars(query.order_by(Issue.sending_at.desc(), Issue.id.desc())))


def issue(session: Session, name: str, now: datetime) -> Issue:
    """An issue by its permanent name. Raises NotFound, also for one whose sending has not begun."""
    for cadence in Cadence:
        if name.startswith(f"{cadence}-") and name.isascii() and name.isprintable():
            query = select(Issue).where(
                Issue.cadence == cadence,
                Issue.period_key == name.removeprefix(f"{cadence}-"),
                _has_begun(now),
            )
            found = session.scalar(query)
            if found is not None:
                return found
    raise NotFound("There is no such issue.")


def _has_begun(now: datetime) -> ColumnElement[bool]:
    # An issue is `sending` as soon as staff let it go, which may be days before the moment they named.
    return Issue.state.in_([Phase.SENDING, Phase.HELD, Phase.SENT]) & (Issue.sending_at <= now)


def chapters(session: Session, found: Issue, *, only_over_cap: bool) -> list[Chapter]:
    """All that an issue brought to anybody and what it could not hold; or only the topics that were too long."""
    ids: set[int] = set()
    over: dict[int, int] = {}  # topic -> the earliest start of a copy that did not hold all of it
    for variant in session.scalars(select(Variant).where(Variant.issue_id == found.id)):
        ids.update(variant.items)
        for key in variant.more:
            start = variant.from_positions[key]
            over[int(key)] = min(start, over.get(int(key), start))
    long_topics = [
        (Item.topic_id == topic_id) & (Item.position > start) & (Item.position <= found.through_position)
        for topic_id, start in over.items()
    ]
    if only_over_cap:
        ids = set()
    wanted = or_(Item.id.in_(ids), *long_topics)
    rows = session.execute(
        select(Topic, Item)
        .join(Item, Item.topic_id == Topic.id)
        .where(wanted, Item.withdrawn_at.is_(None))
        .order_by(Topic.order, Topic.id, Item.position)
    )
    by_topic: dict[Topic, list[Item]] = defaultdict(list)
    for topic, item in rows:
        by_topic[topic].append(item)
    return [Chapter(topic, items) for topic, items in by_topic.items()]


def newest(session: Session, topic: Topic | None) -> list[tuple[Item, Topic]]:
    """The items published last, of one topic or of all, newest first."""
    query = (
        select(Item, Topic)
        .join(Topic, Topic.id == Item.topic_id)
        .where(Item.withdrawn_at.is_(None))
        .order_by(Item.position.desc())
        .limit(NEWEST)
    )
    if topic is not None:
        query = query.where(Item.topic_id == topic.id)
    return [(item, of) for item, of in session.execute(query)]

"""Beginning, changing and ending subscriptions. Whoever does so holds the lock on the subscriber's row."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coalition.community import Community
from coalition.models import Cadence, Ended, Issue, Item, Source, State, Subscriber, Subscription
from coalition.services import journaling, periods
from coalition.services.counters import POSITION, newest


def lock(session: Session, subscriber_id: int) -> Subscriber:
    """The subscriber, locked until the transaction ends (SQLite: the whole database is)."""
    query = select(Subscriber).where(Subscriber.id == subscriber_id).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).one()


def current(session: Session, subscriber_id: int) -> list[Subscription]:
    """The subscriptions that have not ended, oldest first."""
    query = select(Subscription).where(Subscription.subscriber_id == subscriber_id, Subscription.ended_at.is_(None))
    return list(session.scalars(query.order_by(Subscription.id)))


def begin(
    session: Session,
    community: Community,
    person: Subscriber,
    topic_id: int,
    cadence: Cadence,
    source: Source,
    now: datetime,
    *,
    cursor: int | None = None,
) -> Subscription:
    """Begin one subscription; one that takes another's place is given its cursor."""
    subscription = Subscription(
        subscriber_id=person.id,
        topic_id=topic_id,
        cadence=cadence,
        cursor=_start(session, community, person, topic_id, cadence, now) if cursor is None else cursor,
        began_at=now,
        source=source,
        ended_at=None,
        ended_reason=None,
    )
    if source not in {Source.CHANGED, Source.JOURNAL}:
        journaling.began(session, person, topic_id, cadence, now, undone=source is Source.UNDONE)
    session.add(subscription)
    session.flush()
    return subscription


def change_cadence(
    session: Session, community: Community, person: Subscriber, old: Subscription, cadence: Cadence, now: datetime
) -> Subscription:
    """End a subscription and begin one of another cadence that goes on exactly where it stood."""
    old.end(Ended.CHANGED, now)
    session.flush()
    return begin(session, community, person, old.topic_id, cadence, Source.CHANGED, now, cursor=old.cursor)


def end_all(session: Session, person: Subscriber, reason: Ended, now: datetime) -> Sequence[Subscription]:
    """End whatever has not ended. The person then has left."""
    return end(session, person, current(session, person.id), reason, now)


def end(
    session: Session, person: Subscriber, ended: Sequence[Subscription], reason: Ended, now: datetime
) -> Sequence[Subscription]:
    """End these subscriptions, and note it in the journal. Who keeps no other has left."""
    for subscription in ended:
        subscription.end(reason, now)
    session.flush()
    if ended:
        journaling.left(session, person, [each.topic_id for each in ended], reason, now)
    if person.state is State.ACTIVE and not current(session, person.id):
        person.state = State.LEFT
    session.flush()
    return ended


def served_to(session: Session, person: Subscriber, topic_id: int) -> int:
    """The highest position up to which a person was ever served in a topic."""
    cursors = select(func.max(Subscription.cursor)).where(
        Subscription.subscriber_id == person.id, Subscription.topic_id == topic_id
    )
    return session.scalar(cursors) or 0


def _start(
    session: Session, community: Community, person: Subscriber, topic_id: int, cadence: Cadence, now: datetime
) -> int:
    """The position a new subscription starts after.

    That of the last issue of its cadence whose sending has begun, so that nobody gets what that issue already
    brought; but never before the last full period, and never below what this person was served in this topic before.
    """
    highest = served_to(session, person, topic_id)
    latest = newest(session, POSITION)
    if cadence is Cadence.AS_IT_HAPPENS:
        return max(latest, highest)
    last_issue = select(func.max(Issue.through_position)).where(Issue.cadence == cadence, Issue.sending_at.is_not(None))
    since = periods.due(cadence, community, now, latest).began_at
    first = session.scalar(select(func.min(Item.position)).where(Item.added_at >= since))
    before_period = latest if first is None else first - 1
    return max(session.scalar(last_issue) or 0, before_period, highest)

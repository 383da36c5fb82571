"""Leaving: all, or one topic; by the reader's press, a mail program's one-click, or staff. And taking it back."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.community import Community
from coalition.models import Ended, Source, State, Subscriber, Subscription, Topic
from coalition.services import consents, settling, subscriptions
from coalition.services.consents import Event


class Channel(StrEnum):
    """How somebody left."""

    PAGE = "page"
    ONE_CLICK = "one-click"
    PREFERENCES = "preferences"
    STAFF = "staff"
    CLOSED = "closed"  # the topic was closed
    PURPOSE = "purpose"  # what the topic is for changed: they did not leave, they are asked again
    JOURNAL = "journal"  # in a database that was lost; how is not known any more


@dataclass(frozen=True)
class Left:
    """What one press ended. `at` names the press: undoing it restores what ended at that moment."""

    at: datetime
    topics: tuple[int, ...]


def leave_all(session: Session, person: Subscriber, channel: Channel, now: datetime) -> Left:
    """End everything. Twice is as good as once."""
    person = subscriptions.lock(session, person.id)
    reason = Ended.STAFF if channel is Channel.STAFF else Ended.LEFT_ALL
    ended = subscriptions.end_all(session, person, reason, now)
    return _left(session, person, channel, now, [subscription.topic_id for subscription in ended])


def leave_what_was_there(
    session: Session, person: Subscriber, channel: Channel, pressed_at: datetime, now: datetime
) -> Left:
    """End what had begun before a press that could not be heeded at once. What was chosen since then stays."""
    person = subscriptions.lock(session, person.id)
    there = [each for each in subscriptions.current(session, person.id) if each.began_at <= pressed_at]
    ended = subscriptions.end(session, person, there, Ended.LEFT_ALL, pressed_at)
    return _left(session, person, channel, now, [subscription.topic_id for subscription in ended])


def leave_topic(session: Session, person: Subscriber, topic: Topic, channel: Channel, now: datetime) -> Left:
    """End one topic. Who has no other has left."""
    person = subscriptions.lock(session, person.id)
    ended = [each for each in subscriptions.current(session, person.id) if each.topic_id == topic.id]
    subscriptions.end(session, person, ended, Ended.LEFT_TOPIC, now)
    return _left(session, person, channel, now, [subscription.topic_id for subscription in ended])


def undo(session: Session, community: Community, person: Subscriber, pressed_at: datetime, now: datetime) -> int:
    """Restore what one press ended, and go on where it stood. Returns how many subscriptions came back."""
    person = subscriptions.lock(session, person.id)
    if person.state is State.ERASED:
        return 0
    # What began after the press is a later choice, and so is its end: an old button takes back neither.
    later = select(Subscription.topic_id).where(
        Subscription.subscriber_id == person.id, Subscription.began_at >= pressed_at
    )
    chosen = set(session.scalars(later))
    ended = session.scalars(
        select(Subscription).where(
            Subscription.subscriber_id == person.id,
            Subscription.ended_at == pressed_at,
            Subscription.ended_reason.in_([Ended.LEFT_ALL, Ended.LEFT_TOPIC]),
        )
    ).all()
    restored = [old for old in ended if old.topic_id not in chosen]
    for old in restored:
        subscriptions.begin(
            session, community, person, old.topic_id, old.cadence, Source.UNDONE, now, cursor=old.cursor
        )
    if restored:
        person.state = State.ACTIVE
        topics = [old.topic_id for old in restored]
        names = consents.names(session, topics)
        consents.record(session, person.code, Event.UNDONE, now, topics=topics, names=names)
    session.flush()
    return len(restored)


def press_value(person: Subscriber, left: Left) -> str:
    """What the signed undo button carries: the person and the moment of the press, to the microsecond."""
    return f"{person.code}-{(left.at - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1)}"


def read_press(value: str) -> tuple[str, datetime]:
    """The code and the moment in an undo button's value."""
    code, _, moment = value.partition("-")
    return code, datetime.fromtimestamp(0, UTC) + timedelta(microseconds=int(moment))


def _left(session: Session, person: Subscriber, channel: Channel, now: datetime, topics: list[int]) -> Left:
    session.flush()
    if topics:
        names = consents.names(session, topics)
        consents.record(session, person.code, Event.WITHDRAWN, now, channel=channel, topics=topics, names=names)
        settling.settle_person(session, person, now)
    return Left(now, tuple(topics))

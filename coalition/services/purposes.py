"""When what a topic is for has changed: whoever agreed to something else gets nothing of it until they agree again.

Their subscriptions end, so nothing that waits for them goes; a letter asks, and so does the page of their choices.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, func, insert, select
from sqlalchemy.orm import Session, aliased

from coalition.models import (
    Batch,
    Cadence,
    Claim,
    Delivery,
    Ended,
    Lane,
    Letter,
    Outbound,
    State,
    Subscriber,
    Subscription,
    Topic,
)
from coalition.services import consents, settling, subscriptions, topics
from coalition.services.consents import Event
from coalition.services.outbox.consented import GOES_ON
from coalition.services.unsubscribe import Channel
from coalition.tokens import random_code

LEFT_OUT = "purpose changed"  # as a plan calls those who wait
_A_TIME = 250  # people in one transaction: each is locked until all are done


def change(session: Session, slug: str, description: str, now: datetime) -> Topic:
    """Say what a topic is for from now on. `ask_again` then asks those who agreed to something else."""
    topic = topics.edit(session, slug, None, description)
    topic.purpose_since = now
    session.flush()
    return topic


def ask_again(session: Session, now: datetime) -> int:
    """End what some people agreed to before, and ask each by letter. Returns how many they were; 0: all were asked."""
    people: dict[int, list[int]] = {}
    asked = []
    for number, subscriber_id in session.execute(_agreed_before().limit(_A_TIME)):
        people.setdefault(subscriber_id, []).append(number)
    for subscriber_id, numbers in people.items():
        person = subscriptions.lock(session, subscriber_id)
        held = [each for each in subscriptions.current(session, person.id) if each.id in numbers]
        subscriptions.end(session, person, held, Ended.PURPOSE, now)
        if held:
            ids = [each.topic_id for each in held]
            told = {"topics": ids, "names": consents.names(session, ids)}
            consents.record(session, person.code, Event.WITHDRAWN, now, channel=Channel.PURPOSE, **told)
            settling.settle_person(session, person, now)
            asked.append(person.id)  # not whom somebody else has asked while we waited for the lock
    _queue(session, asked, now)
    return len(people)


def waiting(session: Session, subscriber_id: int) -> list[Topic]:
    """The open topics that wait for this person to agree again, in order."""
    query = (
        select(Subscription, Topic)
        .join(Topic, Topic.id == Subscription.topic_id)
        .where(Subscription.subscriber_id == subscriber_id, Topic.purpose_since.is_not(None), Topic.open.is_(True))
        .order_by(Topic.order, Topic.id, Subscription.id)
    )
    last = {topic: subscription for subscription, topic in session.execute(query)}
    return [topic for topic, subscription in last.items() if subscription.ended_reason is Ended.PURPOSE]


def count_waiting(session: Session, cadence: Cadence) -> int:
    """How many people get nothing in a rhythm because they have not agreed again."""
    later = aliased(Subscription)
    gone_on = (
        select(later.id)
        .where(
            later.subscriber_id == Subscription.subscriber_id,
            (later.topic_id == Subscription.topic_id) & (later.id > Subscription.id)
            | (later.cadence == cadence) & later.ended_at.is_(None),
        )
        .exists()
    )
    query = (
        select(func.count(Subscription.subscriber_id.distinct()))
        .join(Subscriber, Subscriber.id == Subscription.subscriber_id)
        .where(
            Subscription.ended_reason == Ended.PURPOSE,
            Subscription.cadence == cadence,
            Subscriber.state.in_([State.ACTIVE, State.LEFT]),
            ~gone_on,
        )
    )
    return session.scalar(query) or 0


def told(session: Session, topic_ids: Sequence[int]) -> dict[str, str]:
    """What those of these topics are for whose purpose has changed, as it reads when somebody agrees again."""
    query = select(Topic.id, Topic.description).where(Topic.id.in_(topic_ids), Topic.purpose_since.is_not(None))
    return {str(topic_id): description for topic_id, description in session.execute(query)}


def _agreed_before() -> Select[int, int]:
    """Current subscriptions, by reader, that rest on what somebody agreed to before the purpose changed."""
    begun = aliased(Subscription)
    agreed_at = (
        select(func.max(begun.began_at))
        .where(
            begun.subscriber_id == Subscription.subscriber_id,
            begun.topic_id == Subscription.topic_id,
            begun.source.not_in(GOES_ON),
        )
        .scalar_subquery()
    )
    return (
        select(Subscription.id, Subscription.subscriber_id)
        .join(Topic, Topic.id == Subscription.topic_id)
        .where(Subscription.ended_at.is_(None), Topic.purpose_since.is_not(None), agreed_at < Topic.purpose_since)
        .order_by(Subscription.subscriber_id)
    )


def _queue(session: Session, subscriber_ids: Sequence[int], now: datetime) -> None:
    """One letter each. They go behind whatever somebody waits for."""
    if not subscriber_ids:
        return
    batch = insert(Batch).values(lane=Lane.LIST, due_at=now, state=Claim.OPEN, fence=0)
    batch_id = session.execute(batch.returning(Batch.id)).scalar_one()
    common = {"batch_id": batch_id, "letter": Letter.AGREE_AGAIN, "state": Outbound.QUEUED, "attempts": 0}
    rows = [{**common, "subscriber_id": each, "nonce": random_code()} for each in subscriber_ids]
    session.execute(insert(Delivery), rows)

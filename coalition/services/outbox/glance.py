"""A quick look at the digests of a group: most go just as they were planned, and for those four statements are enough.

Whatever is not as it was planned (somebody left, paused, is suppressed or erased; the issue is cancelled) is left to
the slow look, which asks the same questions once more with the rows in its hands. The statements are made once:
making them anew would cost more than running them.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session

from coalition.models import (
    Delivery,
    Issue,
    Outbound,
    Phase,
    State,
    Subscriber,
    Subscription,
    Suppression,
    Topic,
    Variant,
)
from coalition.services.outbox.consented import GOES_ON


@dataclass(frozen=True, slots=True)
class Goes:
    """A digest that goes as it was planned, with what composing it needs of its reader."""

    delivery_id: int
    nonce: str
    variant_id: int
    locale: str
    code: str
    epoch: int
    address_sealed: bytes
    address_key: bytes
    since: Mapping[str, datetime]  # slug of a topic -> when this reader agreed to it


_DELIVERIES = (
    select(
        Delivery.id,
        Delivery.nonce,
        Delivery.variant_id,
        Subscriber.id.label("reader"),
        Subscriber.code,
        Subscriber.epoch,
        Subscriber.address_sealed,
        Subscriber.address_key,
    )
    .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
    .where(
        Delivery.id.in_(bindparam("ids", expanding=True)),
        Delivery.state == Outbound.QUEUED,
        Subscriber.state != State.ERASED,
        Subscriber.address_sealed.is_not(None),
        (Subscriber.pause_until.is_(None)) | (Subscriber.pause_until <= bindparam("now")),
        ~exists().where(Suppression.address_key == Subscriber.address_key),
    )
    .order_by(Delivery.id)
)
_VARIANTS = select(Variant.id, Variant.from_positions, Variant.locale).where(
    Variant.id.in_(bindparam("ids", expanding=True))
)
_SUBSCRIPTIONS = (
    select(
        Subscription.subscriber_id,
        Subscription.topic_id,
        Topic.slug,
        Subscription.source,
        Subscription.began_at,
        Subscription.ended_at,
    )
    .join(Topic, Topic.id == Subscription.topic_id)
    .where(Subscription.subscriber_id.in_(bindparam("ids", expanding=True)))
)
_IS_SENDING = select(Issue.id).where(Issue.id == bindparam("issue"), Issue.state == Phase.SENDING)


def glance(session: Session, issue_id: int, ids: Sequence[int], now: datetime) -> list[Goes]:
    """Those of these deliveries that go just as they were planned, in order."""
    connection = session.connection()
    if connection.execute(_IS_SENDING, {"issue": issue_id}).first() is None:
        return []
    rows = connection.execute(_DELIVERIES, {"ids": ids, "now": now}).all()
    variants = {
        number: (frozenset(map(int, starts)), locale)
        for number, starts, locale in connection.execute(_VARIANTS, {"ids": list({row.variant_id for row in rows})})
    }
    current: dict[int, set[int]] = defaultdict(set)
    since: dict[int, dict[str, datetime]] = defaultdict(dict)
    for reader, topic, slug, source, began_at, ended_at in connection.execute(
        _SUBSCRIPTIONS, {"ids": [row.reader for row in rows]}
    ):
        if ended_at is None:
            current[reader].add(topic)
        if source not in GOES_ON:
            since[reader][slug] = max(began_at, since[reader].get(slug, began_at))
    return [
        _goes(row, variants[row.variant_id][1], since[row.reader])
        for row in rows
        if variants[row.variant_id][0] <= current[row.reader]
    ]


def _goes(row: Any, locale: str, since: Mapping[str, datetime]) -> Goes:
    return Goes(
        delivery_id=row.id,
        nonce=row.nonce,
        variant_id=row.variant_id,
        locale=locale,
        code=row.code,
        epoch=row.epoch,
        address_sealed=row.address_sealed,
        address_key=row.address_key,
        since=since,
    )

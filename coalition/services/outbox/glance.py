"""A quick look at the digests of a group: most go just as they were planned, and one statement tells.

Whatever is not as it was planned (somebody left, paused, is suppressed or erased; the issue is cancelled) is left to
the slow look, which asks the same questions once more with the rows in its hands.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Text, bindparam, cast, exists, select

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
from coalition.services.editions import Brings
from coalition.services.outbox.consented import GOES_ON
from coalition.statements import Asked, Found, Prepared, moment


class Goes(NamedTuple):
    """A digest that goes as it was planned, with what composing it needs of its reader."""

    delivery_id: int
    nonce: str
    variant_id: int
    brings: Brings
    code: str
    epoch: int
    address_sealed: bytes
    address_key: bytes
    since: Mapping[str, datetime]  # slug of a topic -> when this reader agreed to it


@cache
def _going(deliveries: int) -> Prepared:
    """A row for each subscription of each reader of so many deliveries."""
    return Prepared(_GOING.where(Delivery.id.in_([bindparam(f"id_{number}") for number in range(deliveries)])))


# With "+ 0" deliveries are found by their own numbers; by the index of batches, a whole batch would be read each time.
_GOING = (
    select(
        Delivery.id,
        Delivery.nonce,
        Delivery.variant_id,
        Variant.issue_id,
        Variant.locale,
        Variant.format,
        cast(Variant.items, Text),
        cast(Variant.more, Text),
        cast(Variant.from_positions, Text),
        Subscriber.code,
        Subscriber.epoch,
        Subscriber.address_sealed,
        Subscriber.address_key,
        Subscription.topic_id,
        Topic.slug,
        Subscription.source,
        Subscription.began_at,
        Subscription.ended_at,
    )
    .join(Issue, Issue.id == Delivery.issue_id)
    .join(Variant, Variant.id == Delivery.variant_id)
    .join(Subscriber, Subscriber.id == Delivery.subscriber_id)
    .join(Subscription, Subscription.subscriber_id == Subscriber.id)
    .join(Topic, Topic.id == Subscription.topic_id)
    .where(
        Delivery.batch_id + 0 == bindparam("batch"),
        Delivery.state == Outbound.QUEUED,
        Issue.state == Phase.SENDING,
        Subscriber.state != State.ERASED,
        Subscriber.address_sealed.is_not(None),
        (Subscriber.pause_until.is_(None)) | (Subscriber.pause_until <= bindparam("now")),
        ~exists().where(Suppression.address_key == Subscriber.address_key),
    )
    .order_by(Delivery.id)
)


def ask(batch_id: int, ids: Sequence[int], now: datetime) -> Asked:
    """The question which of these deliveries of a batch go just as they were planned."""
    return _going(len(ids)).asked(batch=batch_id, now=now, **{f"id_{number}": each for number, each in enumerate(ids)})


def read(found: Found) -> list[Goes]:
    """The answer to it, in order."""
    going = (_as_planned(list(its)) for _, its in groupby(found.rows, itemgetter(0)))
    return [each for each in going if each is not None]


def _as_planned(rows: Sequence[Any]) -> Goes | None:
    """A delivery by its rows; None where its reader has left a topic that it brings."""
    delivery_id, nonce, variant_id, *brings, starts, code, epoch, address_sealed, address_key = rows[0][:-5]
    current = set()
    since: dict[str, datetime] = {}
    for *_, topic, slug, source, began_at, ended_at in rows:
        if ended_at is None:
            current.add(topic)
        if source not in GOES_ON:
            agreed = moment(began_at)
            since[slug] = max(agreed, since.get(slug, agreed))
    if not _topics(starts) <= current:
        return None
    return Goes(delivery_id, nonce, variant_id, Brings(*brings), code, epoch, address_sealed, address_key, since)


@lru_cache(maxsize=1024)
def _topics(starts: str) -> frozenset[int]:
    """The topics of a variant, by where it starts in them."""
    return frozenset(map(int, json.loads(starts)))

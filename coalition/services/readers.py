"""Whose copy is due: the readers of a cadence, page by page, and who of them gets none now."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.models import (
    Delivery,
    Format,
    Issue,
    Outbound,
    PauseMode,
    State,
    Subscriber,
    Subscription,
    Suppression,
)


def next_page(session: Session, issue: Issue, most: int) -> list[int]:
    """The next readers of this issue's cadence, in order of their numbers, after those planned already."""
    query = (
        select(Subscription.subscriber_id)
        .where(
            Subscription.cadence == issue.cadence,
            Subscription.ended_at.is_(None),
            Subscription.subscriber_id > issue.planned_to,
        )
        .distinct()
        .order_by(Subscription.subscriber_id)
        .limit(most)
    )
    return list(session.scalars(query))


class Reader(NamedTuple):
    """What dealing out has to know about a person."""

    id: int
    state: State
    address_key: bytes | None
    locale: str
    format: Format
    timezone: str | None
    weekday: int | None
    hour: int | None
    pause_until: datetime | None
    pause_mode: PauseMode


_FACTS = [getattr(Subscriber, name) for name in Reader._fields]


def hold(session: Session, issue: Issue, ids: Sequence[int]) -> list[Reader]:
    """Lock these readers, in order of their numbers, and tell what they chose."""
    subscribed = select(Subscription.subscriber_id).where(
        Subscription.cadence == issue.cadence,
        Subscription.ended_at.is_(None),
        Subscription.subscriber_id.between(ids[0], ids[-1]),
    )
    locked = select(*_FACTS).where(Subscriber.id.in_(subscribed)).order_by(Subscriber.id).with_for_update()
    wanted = set(ids)
    return [Reader._make(row) for row in session.connection().execute(locked) if row.id in wanted]


def left_out(session: Session, issue: Issue, people: Sequence[Reader], now: datetime) -> dict[int, str]:
    """Who gets no copy now, and why; their cursors stay, so nothing is lost to them."""
    if not people:
        return {}
    first, last = people[0].id, people[-1].id
    served = set(
        session.scalars(
            select(Delivery.subscriber_id)
            .join(Issue, Issue.id == Delivery.issue_id)
            .where(
                Issue.cadence == issue.cadence,
                Issue.period_key == issue.period_key,
                Delivery.subscriber_id.between(first, last),
                Delivery.state.in_([Outbound.SENT, Outbound.UNCERTAIN]),
            )
        )
    )
    suppressed = set(
        session.scalars(
            select(Suppression.address_key)
            .join(Subscriber, Subscriber.address_key == Suppression.address_key)
            .where(Subscriber.id.between(first, last))
        )
    )
    reasons: dict[int, str] = {}
    for person in people:
        if person.state is not State.ACTIVE:
            reasons[person.id] = "not active"
        elif person.address_key in suppressed:
            reasons[person.id] = "suppressed"
        elif person.pause_until is not None and now < person.pause_until:
            reasons[person.id] = "paused"
        elif person.id in served:
            reasons[person.id] = "served already"
    return reasons


def cursors(session: Session, issue: Issue, ids: Sequence[int]) -> dict[int, dict[int, int]]:
    """How far each of these readers has been served, by topic."""
    starts: dict[int, dict[int, int]] = defaultdict(dict)
    rows = session.execute(
        select(Subscription.subscriber_id, Subscription.topic_id, Subscription.cursor).where(
            Subscription.cadence == issue.cadence,
            Subscription.ended_at.is_(None),
            Subscription.subscriber_id.between(ids[0], ids[-1]),
        )
    )
    for reader, topic_id, cursor in rows:
        starts[reader][topic_id] = cursor
    return starts

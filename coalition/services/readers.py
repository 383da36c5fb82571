"""Whose copy is due: the readers of a cadence, page by page, and who of them gets none now."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.models import Delivery, Issue, Outbound, State, Subscriber, Subscription, Suppression


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


def left_out(session: Session, issue: Issue, people: Sequence[Subscriber], now: datetime) -> dict[int, str]:
    """Who gets no copy now, and why; their cursors stay, so nothing is lost to them."""
    ids = [person.id for person in people]
    served = set(
        session.scalars(
            select(Delivery.subscriber_id)
            .join(Issue, Issue.id == Delivery.issue_id)
            .where(
                Issue.cadence == issue.cadence,
                Issue.period_key == issue.period_key,
                Delivery.subscriber_id.in_(ids),
                Delivery.state.in_([Outbound.SENT, Outbound.UNCERTAIN]),
            )
        )
    )
    keys = [person.address_key for person in people if person.address_key]
    suppressed = set(session.scalars(select(Suppression.address_key).where(Suppression.address_key.in_(keys))))
    reasons: dict[int, str] = {}
    for person in people:
        if person.state is not State.ACTIVE:
            reasons[person.id] = "not active"
        elif person.address_key in suppressed:
            reasons[person.id] = "suppressed"
        elif person.is_paused(now):
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

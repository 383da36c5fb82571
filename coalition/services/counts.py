"""How many: numbers without names."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from coalition.models import State, Subscriber, Subscription, Topic


def by_state(session: Session, now: datetime) -> dict[str, int]:
    """People by state; those on a break are counted apart from the active."""
    rows = session.execute(select(Subscriber.state, func.count()).group_by(Subscriber.state))
    counted = {state.value: n for state, n in rows}
    paused = session.scalar(select(func.count()).where(Subscriber.state == State.ACTIVE, Subscriber.pause_until > now))
    if paused:
        counted[State.ACTIVE.value] -= paused
        counted["paused"] = paused
    return counted


def by_topic(session: Session) -> list[dict[str, object]]:
    """Current subscriptions by topic and cadence."""
    rows = session.execute(
        select(Topic.slug, Subscription.cadence, func.count())
        .join(Subscription, Subscription.topic_id == Topic.id)
        .where(Subscription.ended_at.is_(None))
        .group_by(Topic.slug, Topic.order, Subscription.cadence)
        .order_by(Topic.order, Subscription.cadence)
    )
    return [{"topic": slug, "cadence": cadence.value, "subscriptions": n} for slug, cadence, n in rows]

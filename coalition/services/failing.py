"""When a letter that failed means that no more may be written, whether it came back or was refused at once."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.models import Bounce, Delivery, Fate, Outbound, Subscriber
from coalition.services.suppressions import Cause

_FAILURES, _WEEKS = 5, timedelta(days=21)  # so many issues in a row, over so long a time


def cause(session: Session, person: Subscriber | None, fate: Fate, sent_at: datetime) -> Cause | None:
    """Why no more may be written, if so. Who confirmed after a letter went has shown that their mailbox is there."""
    if person is None:
        return None
    since = person.confirmed_at
    match fate:
        case Fate.SPAM:
            return Cause.SPAM_REPORT
        case Fate.DEAD if since is None or since <= sent_at:
            return Cause.HARD_BOUNCE
        case Fate.SOFT if _keeps_failing(session, person):
            return Cause.SOFT_BOUNCES
    return None


def _keeps_failing(session: Session, person: Subscriber) -> bool:
    """Whether so many issues in a row came back, over so many weeks, and none between them arrived.

    Anywhere since they confirmed: so it does not matter in which order the bounces come.
    """
    soft = select(Bounce.delivery_id).where(Bounce.subscriber_id == person.id, Bounce.fate == Fate.SOFT)
    refused = select(Bounce.delivery_id).where(Bounce.subscriber_id == person.id, Bounce.fate == Fate.POLICY)
    failed = set(session.scalars(soft))
    if len(failed) < _FAILURES:
        return False
    neither = set(session.scalars(refused)) - failed
    issues = session.execute(
        select(Delivery.id, Delivery.ended_at, Delivery.state)
        .where(
            Delivery.subscriber_id == person.id,
            Delivery.issue_id.is_not(None),
            Delivery.state.in_([Outbound.SENT, Outbound.FAILED]),
            Delivery.ended_at >= (person.confirmed_at or person.created_at),
        )
        .order_by(Delivery.ended_at, Delivery.id)
    )
    row: list[datetime] = []
    for delivery_id, sent_at, state in issues:
        says_nothing = state is Outbound.FAILED and delivery_id not in failed
        if sent_at is None or delivery_id in neither or says_nothing:
            continue
        row = [*row, sent_at] if delivery_id in failed else []
        if len(row) >= _FAILURES and row[-1] - row[0] >= _WEEKS:
            return True
    return False

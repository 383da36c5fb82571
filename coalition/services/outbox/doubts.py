"""Letters that the mail server may have taken, settled by a person who has looked into its log."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.errors import NotFound, Refused
from coalition.models import RETRIED, Batch, Claim, Delivery, Outbound, Phase
from coalition.services import issues, staleness


def uncertain(session: Session, issue_id: int | None = None) -> Sequence[Delivery]:
    """The deliveries that nobody knows enough of, all or those of one issue."""
    query = select(Delivery).where(Delivery.state == Outbound.UNCERTAIN).order_by(Delivery.id)
    if issue_id is not None:
        query = query.where(Delivery.issue_id == issue_id)
    return session.scalars(query).all()


def find(session: Session, numbers: Collection[int]) -> Sequence[Delivery]:
    """The uncertain deliveries with these numbers. Raises NotFound where one of them is not uncertain."""
    found = [each for each in uncertain(session) if each.id in numbers]
    if missing := sorted(set(numbers).difference(each.id for each in found)):
        raise NotFound(f"No uncertain delivery has the number {missing[0]}: `coalition outbox uncertain` lists them.")
    return found


def call_sent(deliveries: Sequence[Delivery], now: datetime) -> None:
    """The mail server took them."""
    for delivery in deliveries:
        delivery.state, delivery.reason, delivery.ended_at = Outbound.SENT, "settled", now


def send_again(session: Session, deliveries: Sequence[Delivery], now: datetime) -> None:
    """Send them once more, with the same bytes. Another doubt ends them as uncertain again.

    Raises Refused where an issue is cancelled, or so old that a later one has taken its place.
    """
    by_batch = defaultdict(list)
    for delivery in deliveries:
        by_batch[delivery.batch_id].append(delivery)
    for batch_id, those in sorted(by_batch.items()):
        before = session.get_one(Batch, batch_id)
        if before.issue_id is not None:
            _reopen(session, before.issue_id, before, now)
        # Of its own: the old one may be another sender's at this moment. The date makes it the same letter.
        batch = Batch(
            issue_id=before.issue_id, lane=before.lane, state=Claim.OPEN, due_at=now, dated_at=before.dated_at
        )
        session.add(batch)
        session.flush()
        for delivery in those:
            delivery.batch_id, delivery.state, delivery.reason = batch.id, Outbound.QUEUED, RETRIED
            delivery.ended_at = None


def _reopen(session: Session, issue_id: int, batch: Batch, now: datetime) -> None:
    issue = issues.get(session, issue_id, lock=True)
    if issue.state is Phase.CANCELLED:
        raise Refused(f"Issue {issue.id} is cancelled: nothing of it can be sent again.")
    if batch.due_at and now >= staleness.stale_at(issue.cadence, batch.due_at, batch.dated_at):
        raise Refused(f"Issue {issue.id} is too old to be sent again: settle its letters with --sent.")
    if issue.state is Phase.SENT:
        issue.state, issue.ended_at = Phase.SENDING, None

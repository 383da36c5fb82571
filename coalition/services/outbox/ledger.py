"""Whether the ledger adds up, and how it stands."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from coalition.models import Batch, Claim, Delivery, Issue, Lane, Outbound, Phase


@dataclass(frozen=True)
class Status:
    """How the outbox stands at a moment."""

    states: dict[str, int]  # deliveries by state
    due: dict[str, int]  # queued deliveries that may go now, by lane
    oldest_due: datetime | None
    claimed: int  # batches that senders hold


def status(session: Session, now: datetime) -> Status:
    """Count deliveries by state, and what is due."""
    states = session.execute(select(Delivery.state, func.count()).group_by(Delivery.state))
    going = and_(
        Delivery.state == Outbound.QUEUED,
        Batch.due_at <= now,
        or_(Batch.issue_id.is_(None), Issue.state == Phase.SENDING),
    )
    due = session.execute(
        select(Batch.lane, func.count(), func.min(Batch.due_at))
        .join(Delivery, Delivery.batch_id == Batch.id)
        .outerjoin(Issue, Issue.id == Batch.issue_id)
        .where(going)
        .group_by(Batch.lane)
    )
    lanes = due.all()
    claimed = session.scalar(select(func.count()).select_from(Batch).where(Batch.state == Claim.CLAIMED))
    return Status(
        states={state.value: n for state, n in states},
        due={Lane(lane).name.lower(): n for lane, n, _ in lanes},
        oldest_due=min((since for _, _, since in lanes if since), default=None),
        claimed=claimed or 0,
    )


def check(session: Session) -> list[str]:
    """What does not add up, one sentence each; empty when all does."""
    queued_but_done = (
        select(func.count())
        .select_from(Delivery)
        .join(Batch, Batch.id == Delivery.batch_id)
        .where(Delivery.state == Outbound.QUEUED, Batch.state == Claim.DONE)
    )
    ended_without_time = select(func.count()).where(Delivery.state != Outbound.QUEUED, Delivery.ended_at.is_(None))
    queued_with_time = select(func.count()).where(Delivery.state == Outbound.QUEUED, Delivery.ended_at.is_not(None))
    sent_with_queue = (
        select(func.count())
        .select_from(Delivery)
        .join(Issue, Issue.id == Delivery.issue_id)
        .where(Delivery.state == Outbound.QUEUED, Issue.state == Phase.SENT)
    )
    strayed = (
        select(func.count())
        .select_from(Delivery)
        .join(Batch, Batch.id == Delivery.batch_id)
        .where(Delivery.issue_id.is_distinct_from(Batch.issue_id))
    )
    held_by_nobody = select(func.count()).where(Batch.state == Claim.CLAIMED, Batch.worker.is_(None))
    questions = {
        "deliveries are queued in a batch that is done": queued_but_done,
        "deliveries have ended without a time": ended_without_time,
        "deliveries are queued and have ended": queued_with_time,
        "deliveries are queued in an issue that is sent": sent_with_queue,
        "deliveries lie in a batch of another issue": strayed,
        "batches are held by nobody": held_by_nobody,
    }
    counts = {text: session.scalar(question) or 0 for text, question in questions.items()}
    return [f"{n} {text}." for text, n in counts.items() if n]

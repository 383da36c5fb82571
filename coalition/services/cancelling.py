"""Cancelling an issue: what was not mailed goes back to where it came from, and the next issue brings it."""

from contextlib import suppress
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.db import Database
from coalition.errors import Refused
from coalition.models import (
    Batch,
    Cadence,
    Claim,
    Delivery,
    Issue,
    Outbound,
    Phase,
    Tally,
)
from coalition.services import issues, journaling, settling
from coalition.services.settling import Skip

# Of these somebody might get letters, should a database of before come back: the journal has to tell of their end.
_COULD_GO = frozenset({Phase.PLANNED, Phase.APPROVED, Phase.SENDING, Phase.HELD})


def cancel(database: Database, issue_id: int, now: datetime) -> Issue:
    """Stop an issue for good. What was not mailed waits for the next issue; what was sent stays sent.

    Opens its own transactions, one a batch. Twice is as good as once: a kill in the middle is mended by a second call.
    """
    with database.transaction() as session:
        issue = issues.get(session, issue_id, lock=True)
        if issue.state is Phase.SENT:
            raise Refused(f"Issue {issue.id} has been sent.")
        if issue.state in _COULD_GO:
            journaling.issue_cancelled(session, issue, now)
        issue.state, issue.ended_at = Phase.CANCELLED, issue.ended_at or now
        waiting = session.scalars(select(Batch.id).where(Batch.issue_id == issue_id, Batch.state == Claim.OPEN)).all()
    for batch_id in waiting:
        _cancel_batch(database, issue_id, batch_id, now)
    return issue


def overtaken_by(session: Session, issue: Issue) -> Issue | None:
    """The newest issue that was planned after this one with later news; None where there is none.

    Its readers' cursors have moved on since. What this one has not mailed can't be put back for them any more:
    cancelling counts it as cancelled, and no later issue brings it.
    """
    later = select(Issue).where(
        Issue.cadence == issue.cadence,
        Issue.id > issue.id,
        Issue.state != Phase.CANCELLED,
        Issue.through_position > issue.through_position,
    )
    return session.scalar(later.order_by(Issue.id.desc()).limit(1))


def drop_empty(database: Database, issue_id: int, now: datetime) -> None:
    """Forget an issue that brought nobody anything; where it counted news that a reader's pause skips, it stays."""
    cancel(database, issue_id, now)
    with database.transaction() as session:
        if session.scalar(select(Tally.n).where(Tally.issue_id == issue_id).limit(1)) is None:
            session.delete(issues.get(session, issue_id))


def finish_cancelling(database: Database, cadence: Cadence, now: datetime) -> None:
    """See that nothing waits in a cancelled issue: its readers' cursors must be back before they move again.

    Raises Refused while a sender still holds some of it.
    """
    half_cancelled = (
        select(Issue.id)
        .join(Batch, Batch.issue_id == Issue.id)
        .where(Issue.cadence == cadence, Issue.state == Phase.CANCELLED, Batch.state != Claim.DONE)
        .distinct()
        .order_by(Issue.id.desc())
    )
    with database.reading() as session:
        found = session.scalars(half_cancelled).all()
    for issue_id in found:
        cancel(database, issue_id, now)
    with database.reading() as session:
        held = session.scalar(half_cancelled)
    if held is not None:
        raise Refused(f"A sender is still at work on issue {held}, which was cancelled: try again in a moment.")


def finish_all(database: Database, now: datetime) -> None:
    """Finish what died while it was cancelled; what a sender holds of it, that sender calls off."""
    for cadence in Cadence:
        with suppress(Refused):
            finish_cancelling(database, cadence, now)


def _cancel_batch(database: Database, issue_id: int, batch_id: int, now: datetime) -> None:
    """Cancel what waits in an open batch. A batch that a sender holds is that sender's to cancel."""
    with database.transaction() as session:
        batch = session.get_one(Batch, batch_id, with_for_update=True)
        if batch.state is not Claim.OPEN:
            return
        issue = issues.get(session, issue_id)
        waiting = select(Delivery).where(Delivery.batch_id == batch.id, Delivery.state == Outbound.QUEUED)
        settling.skip_all(session, issue, session.scalars(waiting).all(), Skip.CANCELLED, now)
        batch.state = Claim.DONE

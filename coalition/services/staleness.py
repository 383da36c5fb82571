"""Digests that would come too late are not sent: the next issue brings what they would have brought."""

from datetime import datetime, timedelta

from sqlalchemy import select

from coalition.db import Database
from coalition.models import Batch, Cadence, Claim, Delivery, Issue, Outbound, Phase
from coalition.services import issues, settling

# News that can't wait is still better late than never: nothing else would bring it before there is more.
_PERIOD = {
    Cadence.AS_IT_HAPPENS: timedelta(days=7),
    Cadence.DAILY: timedelta(days=1),
    Cadence.WEEKLY: timedelta(days=7),
    Cadence.MONTHLY: timedelta(days=28),
}
# Two issues of one hour are not exactly a period apart: days have 23 hours, and machines have other things to do.
_NEARLY = timedelta(hours=2)


def stale_at(cadence: Cadence, due_at: datetime, dated_at: datetime | None) -> datetime:
    """From when on a batch comes too late: a period after it was due; where it was put off, after its first try."""
    return min(due_at, dated_at or due_at) + _PERIOD[cadence]


def make_way(database: Database, cadence: Cadence, now: datetime) -> int:
    """End what is stale of earlier issues, newest first, before a new one is planned: so readers get one, not several.

    Batches that a sender holds are left to it. Opens its own transactions, one a batch. Returns how many it ended.
    """
    with database.reading() as session:
        waiting = session.execute(
            select(Batch.id, Batch.issue_id, Batch.due_at, Batch.dated_at)
            .join(Issue, Issue.id == Batch.issue_id)
            .where(Issue.cadence == cadence, Issue.state == Phase.SENDING, Batch.state == Claim.OPEN)
            .order_by(Issue.id.desc(), Batch.id)
        ).all()
    stale = [
        (batch_id, issue_id)
        for batch_id, issue_id, due_at, dated_at in waiting
        if issue_id is not None and due_at is not None and now >= stale_at(cadence, due_at, dated_at) - _NEARLY
    ]
    return sum(_end(database, batch_id, issue_id, now) for batch_id, issue_id in stale)


def _end(database: Database, batch_id: int, issue_id: int, now: datetime) -> bool:
    with database.transaction() as session:
        batch = session.get_one(Batch, batch_id, with_for_update=True)
        issue = issues.get(session, issue_id)
        if batch.state is not Claim.OPEN or issue.state is not Phase.SENDING:
            return False
        waiting = select(Delivery).where(Delivery.batch_id == batch.id, Delivery.state == Outbound.QUEUED)
        settling.skip_stale(session, issue, session.scalars(waiting).all(), now)
        if session.scalar(waiting.limit(1)) is not None:
            return False  # they go all the same
        batch.state = Claim.DONE
        session.flush()
        issues.finish(session, issue_id, now)
        return True

"""Taking, keeping and giving back batches."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.orm import Session

from coalition.config import Uncertain
from coalition.errors import LeaseLost
from coalition.models import RETRIED, Batch, Claim, Delivery, Issue, Lane, Outbound, Phase
from coalition.services import issues, journaling, staleness
from coalition.services.outbox.leases import LEASE_SECONDS, Morgue, lease_clock
from coalition.statements import Asked, Found, Prepared

_KEEP = Prepared(
    update(Batch)
    .where(
        Batch.id == bindparam("held"),
        Batch.state == Claim.CLAIMED,
        Batch.worker == bindparam("by"),
        Batch.fence == bindparam("since_fence"),
    )
    .values(announced_to=bindparam("announce"))
)


@dataclass(frozen=True)
class Claimed:
    """A batch that this sender holds. The fence grows with each claim, so an old holder can't record any more."""

    batch_id: int
    issue_id: int | None
    lane: Lane
    fence: int
    dated_at: datetime
    waiting: tuple[int, ...]
    stale_at: datetime | None = None  # digests only


def claim(session: Session, worker: str, now: datetime, *, service_only: bool = False) -> Claimed | None:
    """Take the first batch that is due, service letters before list letters. None where nothing is due."""
    query = (
        select(Batch)
        .outerjoin(Issue, Issue.id == Batch.issue_id)
        .where(
            Batch.state == Claim.OPEN,
            Batch.due_at <= now,
            # What is left of a cancelled issue after its sender died is taken too: to be cancelled, one by one.
            or_(Batch.issue_id.is_(None), Issue.state.in_([Phase.SENDING, Phase.CANCELLED])),
        )
        .order_by(Batch.lane, Batch.due_at, Batch.id)
        .limit(1)
        .with_for_update(of=Batch, skip_locked=True)
    )
    if service_only:
        query = query.where(Batch.lane == Lane.SERVICE)
    batch = session.scalar(query)
    if batch is None:
        return None
    batch.state, batch.worker, batch.fence = Claim.CLAIMED, worker, batch.fence + 1
    batch.lease_until = lease_clock(session) + LEASE_SECONDS
    batch.announced_to = None
    stale_at = _stale_at(session, batch)
    rows = session.execute(
        select(Delivery.id, Delivery.attempts)
        .where(Delivery.batch_id == batch.id, Delivery.state == Outbound.QUEUED)
        .order_by(Delivery.id)
    ).all()
    # The date of every letter in it, fixed now: a retry days later is still the same letter. A service letter that was
    # never given away, because the mail server was lost, gets a new one: links in it live from then on.
    never_given = batch.lane == Lane.SERVICE and not any(attempts for _, attempts in rows)
    batch.dated_at = now if never_given else batch.dated_at or now
    waiting = tuple(delivery_id for delivery_id, _ in rows)
    return Claimed(batch.id, batch.issue_id, Lane(batch.lane), batch.fence, batch.dated_at, waiting, stale_at)


def _stale_at(session: Session, batch: Batch) -> datetime | None:
    issue = session.get(Issue, batch.issue_id) if batch.issue_id is not None else None
    if issue is None or batch.due_at is None:
        return None
    return staleness.stale_at(issue.cadence, batch.due_at, batch.dated_at)


def note_beginning(session: Session, claimed: Claimed, now: datetime) -> None:
    """Write into the journal that a batch of an issue goes, before its first letter does.

    After the claim is committed: a line about a claim that the database does not know then tells of one that was lost.
    """
    issue = session.get(Issue, claimed.issue_id) if claimed.issue_id is not None else None
    if issue is not None and issue.state is Phase.SENDING and claimed.waiting:
        letter = session.scalars(select(Delivery.nonce).where(Delivery.id == claimed.waiting[0])).one()
        journaling.batch_begun(session, issue, claimed.batch_id, claimed.fence, letter, now)


def keep(session: Session, claimed: Claimed, worker: str, *, announce: int | None) -> None:
    """Announce the last delivery of the next group. Raises LeaseLost where the batch is another's now."""
    require_kept(ask_to_keep(claimed, worker, announce=announce).run(session))


def ask_to_keep(claimed: Claimed, worker: str, *, announce: int | None) -> Asked:
    """The same, to be run with others; what comes of it is for `require_kept`."""
    return _KEEP.asked(held=claimed.batch_id, by=worker, since_fence=claimed.fence, announce=announce)


def require_kept(found: Found) -> None:
    """Raises LeaseLost where the batch is another's now."""
    if found.changed != 1:
        raise LeaseLost("Another sender has taken over this batch.")


def renew(session: Session, worker: str, batch_ids: Collection[int]) -> None:
    """Renew the leases of a sender: its heartbeat does that, so that no slow mail server stops it."""
    session.execute(
        update(Batch)
        .where(Batch.id.in_(batch_ids), Batch.worker == worker, Batch.state == Claim.CLAIMED)
        .values(lease_until=lease_clock(session) + LEASE_SECONDS)
    )


def give_back(session: Session, claimed: Claimed, now: datetime) -> None:
    """Close a batch that is done, or open it again for what is left."""
    left = session.scalar(
        select(Delivery.id).where(Delivery.batch_id == claimed.batch_id, Delivery.state == Outbound.QUEUED).limit(1)
    )
    session.execute(
        update(Batch)
        .where(Batch.id == claimed.batch_id)
        .values(
            state=Claim.DONE if left is None else Claim.OPEN,
            worker=None,
            lease_until=None,
            announced_to=None,
        )
    )
    if claimed.issue_id is not None:
        issues.finish(session, claimed.issue_id, now)


def reap(session: Session, morgue: Morgue, policy: Uncertain, now: datetime) -> int:
    """Open the batches whose senders died or fell silent. Returns how many there were.

    What such a sender had announced and not recorded may have been taken by the mail server: it is tried once more,
    byte for byte the same, or left to a person, as configured.
    """
    clock = lease_clock(session)
    held = session.scalars(
        select(Batch).where(Batch.state == Claim.CLAIMED).order_by(Batch.id).with_for_update(skip_locked=True)
    ).all()
    orphans = [
        batch for batch in held if (batch.lease_until or 0) < clock or (batch.worker and morgue.is_dead(batch.worker))
    ]
    for batch in orphans:
        _doubt(session, batch, policy, now)
        batch.state, batch.worker, batch.lease_until = Claim.OPEN, None, None
        batch.announced_to, batch.fence = None, batch.fence + 1
    return len(orphans)


def _doubt(session: Session, batch: Batch, policy: Uncertain, now: datetime) -> None:
    if batch.announced_to is None:
        return
    begun = session.scalars(
        select(Delivery).where(
            Delivery.batch_id == batch.id,
            Delivery.state == Outbound.QUEUED,
            Delivery.id <= batch.announced_to,
        )
    )
    for delivery in begun:
        doubt(delivery, policy, now)


def doubt(delivery: Delivery, policy: Uncertain, now: datetime) -> None:
    """A delivery that may have been taken: one more try, or an end that says so."""
    delivery.attempts += 1
    if policy is Uncertain.RETRY and not delivery.in_doubt:
        delivery.reason = RETRIED
    else:
        delivery.state, delivery.ended_at = Outbound.UNCERTAIN, now

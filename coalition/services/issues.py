"""The life of an issue after its plan: sent, held, resumed, cancelled, counted."""

from collections import Counter as Counts
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from coalition.clock import utcnow
from coalition.community import Community
from coalition.errors import NotFound, Refused
from coalition.models import (
    Batch,
    Cadence,
    Claim,
    Delivery,
    Issue,
    Item,
    Outbound,
    Phase,
    Tally,
    Topic,
    Variant,
)
from coalition.services import journaling, moments
from coalition.services.moments import Hour


@dataclass(frozen=True)
class Progress:
    """How far an issue has come: deliveries by state, and items that reach nobody, by topic and reason."""

    issue: Issue
    deliveries: dict[Outbound, int]
    not_mailed: list[tuple[str, str, int]]

    @property
    def total(self) -> int:
        """All deliveries of the issue."""
        return sum(self.deliveries.values())

    @property
    def ended(self) -> int:
        """Those that will not be tried any more."""
        return self.total - self.deliveries.get(Outbound.QUEUED, 0)


@dataclass(frozen=True)
class Later:
    """Letters of an issue whose moment has not come, and when it comes for the first of them."""

    letters: int
    next_at: datetime | None


def get(session: Session, issue_id: int, *, lock: bool = False) -> Issue:
    """The issue with this number. Raises NotFound."""
    # Not the strongest lock: batches and tallies that point to an issue may be written meanwhile.
    strength = {"key_share": True} if lock else None
    issue = session.get(Issue, issue_id, with_for_update=strength, populate_existing=True)
    if issue is None:
        raise NotFound(f"There is no issue {issue_id}: `coalition digest list` shows those there are.")
    return issue


def find(session: Session, name: str, *, or_cancelled: bool = False) -> Issue:
    """An issue by its number, or the newest of a cadence by its name. Raises NotFound.

    Whoever looks means the newest that was not cancelled; whoever changes something means the newest there is, lest
    cancelling the weekly issue twice should cancel the week before.
    """
    if name.isascii() and name.isdigit() and len(name) < 10:
        return get(session, int(name))
    if name not in {cadence.value for cadence in Cadence}:
        raise NotFound(f"Name an issue by its number, or by a cadence: {', '.join(Cadence)}.")
    query = select(Issue).where(Issue.cadence == Cadence(name))
    if not or_cancelled:
        query = query.where(Issue.state != Phase.CANCELLED)
    issue = session.scalar(query.order_by(Issue.id.desc()).limit(1))
    if issue is None:
        raise NotFound(f"There is no {name} issue yet: `coalition digest plan {name}` makes one.")
    return issue


def all_of(session: Session) -> list[Issue]:
    """Every issue, newest first."""
    return list(session.scalars(select(Issue).order_by(Issue.id.desc())))


def approve(session: Session, issue_id: int, who: str) -> Issue:
    """Let a planned issue be sent, as a second person. A second time changes nothing."""
    issue = get(session, issue_id, lock=True)
    if issue.state is Phase.APPROVED:
        return issue
    if issue.state is not Phase.PLANNED:
        raise Refused(f"Issue {issue.id} is {issue.state}: only a planned issue can be approved.")
    if issue.planned_by == who:
        raise Refused("You planned this issue yourself: a second person approves it.")
    issue.state, issue.approved_by = Phase.APPROVED, who
    return issue


def send(session: Session, community: Community, issue_id: int, goes_at: datetime, *, at_once: bool = False) -> Issue:
    """Let an issue go at a moment: each reader's copy is due at the hour they chose from then on, or `at_once`.

    A second time changes nothing.
    """
    issue = get(session, issue_id, lock=True)
    if issue.state in {Phase.SENDING, Phase.SENT}:
        return issue
    require_sendable(issue, community)
    issue.state, issue.sending_at = Phase.SENDING, goes_at
    hours = select(Batch.zone, Batch.weekday, Batch.hour).where(Batch.issue_id == issue.id).distinct()
    for zone, weekday, hour in session.execute(hours).all():
        choice = Hour(zone, hour, weekday) if zone is not None and hour is not None and not at_once else None
        session.execute(
            update(Batch)
            .where(
                Batch.issue_id == issue.id,
                Batch.due_at.is_(None),
                Batch.zone.is_not_distinct_from(zone),
                Batch.weekday.is_not_distinct_from(weekday),
                Batch.hour.is_not_distinct_from(hour),
            )
            .values(due_at=moments.due(choice, issue.cadence, goes_at, community.timezone))
        )
    session.flush()
    finish(session, issue.id, goes_at)
    return issue


def require_sendable(issue: Issue, community: Community) -> None:
    """Raise Refused, with the reason, where an issue can't be let go in its present state."""
    if issue.state is Phase.HELD:
        raise Refused(f"Issue {issue.id} is held: `coalition digest resume {issue.id}` lets it go on.")
    if issue.state not in {Phase.PLANNED, Phase.APPROVED}:
        raise Refused(f"Issue {issue.id} is {issue.state}: only a planned issue can be sent.")
    if community.approval and issue.state is not Phase.APPROVED:
        raise Refused(f"Issue {issue.id} is {issue.state}: a second person has to approve it first.")


def hold(session: Session, issue_id: int) -> Issue:
    """Stop an issue after the letters that are on their way at this moment."""
    was = get(session, issue_id, lock=True).state
    issue = _switch(session, issue_id, Phase.SENDING, Phase.HELD)
    if was is not Phase.HELD:
        journaling.issue_held(session, issue, utcnow())
    return issue


def resume(session: Session, issue_id: int) -> Issue:
    """Let a held issue go on."""
    return _switch(session, issue_id, Phase.HELD, Phase.SENDING)


def finish(session: Session, issue_id: int, now: datetime) -> None:
    """Call an issue sent once no batch of it is left to send."""
    # Two senders that give back the last two batches at once would each see the other's as still held.
    get(session, issue_id, lock=True)
    left = select(Batch.id).where(Batch.issue_id == issue_id, Batch.state != Claim.DONE).limit(1)
    if session.scalar(left) is None:
        sent = session.execute(
            update(Issue)
            .where(Issue.id == issue_id, Issue.state == Phase.SENDING)
            .values(state=Phase.SENT, ended_at=now)
            .returning(Issue.id)
        )
        if sent.first() is not None:
            journaling.issue_over(session, get(session, issue_id), now)


def progress(session: Session, issue_id: int) -> Progress:
    """Count an issue's deliveries and the items that reached nobody."""
    states = session.execute(
        select(Delivery.state, func.count()).where(Delivery.issue_id == issue_id).group_by(Delivery.state)
    )
    tallies = session.execute(
        select(Topic.name, Tally.reason, Tally.n)
        .join(Topic, Topic.id == Tally.topic_id)
        .where(Tally.issue_id == issue_id)
        .order_by(Topic.order, Topic.id, Tally.reason)
    )
    return Progress(get(session, issue_id), dict(states.all()), list(tallies))


def later(session: Session, issue_id: int, now: datetime) -> Later:
    """What waits for its hour, for the day named by staff, or for another try."""
    waits = (Batch.issue_id == issue_id, Batch.state == Claim.OPEN, Batch.due_at > now)
    query = (
        select(func.count(), func.min(Batch.due_at)).select_from(Delivery).join(Batch, Batch.id == Delivery.batch_id)
    )
    letters, next_at = session.execute(query.where(*waits, Delivery.state == Outbound.QUEUED)).one()
    return Later(letters, next_at)


def largest_variants(session: Session, issue_id: int) -> list[tuple[Variant, int]]:
    """The variants of an issue with their readers, the most read first."""
    readers = Counts(
        dict(
            session.execute(
                select(Delivery.variant_id, func.count())
                .where(Delivery.issue_id == issue_id)
                .group_by(Delivery.variant_id)
            ).all()
        )
    )
    variants = session.scalars(select(Variant).where(Variant.issue_id == issue_id).order_by(Variant.id))
    return sorted(((each, readers[each.id]) for each in variants), key=lambda pair: -pair[1])


def with_item(session: Session, item_id: int) -> list[Issue]:
    """Issues that bring an item to somebody and are not over, oldest first."""
    going = session.scalars(select(Issue).where(Issue.state.not_in([Phase.SENT, Phase.CANCELLED])).order_by(Issue.id))
    return [
        issue
        for issue in going
        if any(item_id in items for items in session.scalars(select(Variant.items).where(Variant.issue_id == issue.id)))
    ]


def brings_withdrawn(session: Session, issue: Issue) -> bool:
    """Whether an issue would bring an item that has been withdrawn meanwhile."""
    withdrawn = set(session.scalars(select(Item.id).where(Item.withdrawn_at.is_not(None))))
    variants = session.scalars(select(Variant.items).where(Variant.issue_id == issue.id))
    return any(withdrawn.intersection(items) for items in variants)


def _switch(session: Session, issue_id: int, before: Phase, after: Phase) -> Issue:
    issue = get(session, issue_id, lock=True)
    if issue.state is not after:
        if issue.state is not before:
            raise Refused(f"Issue {issue.id} is {issue.state}: this can be done only while it is {before}.")
        issue.state = after
    return issue

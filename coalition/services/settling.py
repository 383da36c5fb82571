"""What still goes to whom. The sender asks before it sends; a person's choice asks for the letters that wait.

Both ask the same question of the same facts, so that what a person saved is what the sender obeys.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from coalition.db import insert_into
from coalition.models import (
    Batch,
    Claim,
    Delivery,
    Issue,
    Outbound,
    PauseMode,
    Phase,
    State,
    Subscriber,
    Subscription,
    Suppression,
    Tally,
    Variant,
)
from coalition.services.variants import items_by_topic, without


class Skip(StrEnum):
    """Why a digest, or an item of it, does not reach a reader."""

    CANCELLED = "cancelled"
    CAPPED = "capped"
    WITHDRAWN = "withdrawn"
    PAUSED = "paused"
    LEFT = "left"
    SUPPRESSED = "suppressed"
    ERASED = "erased"
    FAILED = "failed"
    STALE = "stale"  # it would have come after its period


@dataclass(frozen=True)
class Standing:
    """What is known about the reader of a delivery at this moment."""

    person: Subscriber
    topics: frozenset[int]
    suppressed: bool


def settle_person(session: Session, person: Subscriber, now: datetime) -> None:
    """Apply what a person just chose to their waiting digests, newest issue first.

    Batches that a sender holds are left alone: that sender looks again itself before each letter.
    """
    query = (
        select(Delivery, Variant, Issue)
        .join(Batch, Batch.id == Delivery.batch_id)
        .join(Variant, Variant.id == Delivery.variant_id)
        .join(Issue, Issue.id == Delivery.issue_id)
        .where(
            Delivery.subscriber_id == person.id,
            Delivery.state == Outbound.QUEUED,
            Batch.state == Claim.OPEN,
        )
        .order_by(Issue.id.desc())
        .with_for_update(of=Batch, skip_locked=True)
    )
    rows = session.execute(query).all()
    standing = standings(session, [person.id]).get(person.id)
    for delivery, variant, issue in rows:
        still_goes(session, delivery, variant, issue, standing, now)


def standings(session: Session, subscriber_ids: Iterable[int]) -> dict[int, Standing]:
    """The standing of several people, in three statements."""
    ids = list(subscriber_ids)
    people = session.scalars(
        select(Subscriber).where(Subscriber.id.in_(ids)).execution_options(populate_existing=True)
    ).all()
    topics: dict[int, set[int]] = defaultdict(set)
    currents = select(Subscription.subscriber_id, Subscription.topic_id).where(
        Subscription.subscriber_id.in_(ids), Subscription.ended_at.is_(None)
    )
    for subscriber_id, topic_id in session.execute(currents):
        topics[subscriber_id].add(topic_id)
    keys = [person.address_key for person in people if person.address_key]
    suppressed = set(session.scalars(select(Suppression.address_key).where(Suppression.address_key.in_(keys))))
    return {
        person.id: Standing(person, frozenset(topics[person.id]), person.address_key in suppressed) for person in people
    }


def still_goes(
    session: Session,
    delivery: Delivery,
    variant: Variant,
    issue: Issue,
    standing: Standing | None,
    now: datetime,
) -> Variant | None:
    """The variant that this delivery is to bring now; None where it was skipped or cancelled, under its name."""
    wanted = variant.topics
    if _goes_whole(issue, standing, wanted, now):
        return variant
    # Something is to be taken away. Hold the person still and look again: they may be changing their mind just now.
    standing = _hold(session, delivery.subscriber_id)
    if skip := _why_not(issue, standing, wanted, now):
        skip_delivery(session, delivery, variant, issue, skip, now)
        return None
    gone = wanted - standing.topics if standing else wanted
    smaller = without(session, variant, gone) if gone else variant
    if smaller is None:
        skip_delivery(session, delivery, variant, issue, Skip.LEFT, now)
    elif smaller is not variant:
        count_items(session, issue.id, items_by_topic(session, variant, gone), Skip.LEFT)
        _put_back_ended(session, delivery, variant, issue, gone)
        delivery.variant_id = smaller.id
        session.flush()
    return smaller


def hold_all_who_lose(
    session: Session, issue: Issue, copies: Iterable[tuple[Variant, Standing | None]], now: datetime
) -> None:
    """Lock, in one order, everybody whose copy does not go as it was planned: before anything is counted."""
    losing = [
        standing.person.id
        for variant, standing in copies
        if standing and not _goes_whole(issue, standing, variant.topics, now)
    ]
    if losing:
        locked = select(Subscriber.id).where(Subscriber.id.in_(losing)).order_by(Subscriber.id).with_for_update()
        session.execute(locked)


def skip_delivery(
    session: Session, delivery: Delivery, variant: Variant, issue: Issue, skip: Skip, now: datetime
) -> None:
    """End a digest unsent; what it would have brought is counted, and waits for the next issue where it should.

    One that may have been taken already is not taken back: its items count as served.
    """
    if delivery.in_doubt:
        delivery.state, delivery.ended_at = Outbound.UNCERTAIN, now
        session.flush()
        return
    waits = skip in {Skip.CANCELLED, Skip.STALE} or (skip is Skip.PAUSED and not _skips_news(session, delivery))
    if waits and delivery.subscriber_id is not None:
        put_back(session, issue, [(delivery.subscriber_id, variant.from_positions)])
    if skip in {Skip.CANCELLED, Skip.STALE, Skip.PAUSED, Skip.LEFT}:
        _put_back_ended(session, delivery, variant, issue, variant.topics)
    count_items(session, issue.id, items_by_topic(session, variant, None), skip)
    delivery.state = Outbound.CANCELLED if skip is Skip.CANCELLED else Outbound.SKIPPED
    delivery.reason, delivery.ended_at = skip, now
    session.flush()


def skip_all(session: Session, issue: Issue, deliveries: Iterable[Delivery], skip: Skip, now: datetime) -> None:
    """End several digests unsent, for the same reason."""
    for delivery, variant in _held(session, deliveries):
        skip_delivery(session, delivery, variant, issue, skip, now)


def skip_stale(session: Session, issue: Issue, deliveries: Iterable[Delivery], now: datetime) -> None:
    """End digests unsent that come too late, so that the next issue brings their news.

    Whoever has been served later news meanwhile, as while an issue was held, would never get these: theirs stay.
    """
    held = _held(session, deliveries)
    later = select(Subscription.subscriber_id, Subscription.topic_id).where(
        Subscription.subscriber_id.in_([delivery.subscriber_id for delivery, _ in held]),
        Subscription.ended_at.is_(None),
        Subscription.cursor > issue.through_position,
    )
    moved_on = {(reader, topic) for reader, topic in session.execute(later)}
    for delivery, variant in held:
        if not any((delivery.subscriber_id, topic) in moved_on for topic in variant.topics):
            skip_delivery(session, delivery, variant, issue, Skip.STALE, now)


def _held(session: Session, deliveries: Iterable[Delivery]) -> list[tuple[Delivery, Variant]]:
    """Digests with their variants, and their readers locked: whoever moves cursors does that in the same order."""
    waiting = sorted(deliveries, key=lambda delivery: delivery.subscriber_id or 0)
    readers = [delivery.subscriber_id for delivery in waiting]
    session.execute(select(Subscriber.id).where(Subscriber.id.in_(readers)).order_by(Subscriber.id).with_for_update())
    ids = {delivery.variant_id for delivery in waiting}
    variants = {each.id: each for each in session.scalars(select(Variant).where(Variant.id.in_(ids)))}
    return [(delivery, variants[delivery.variant_id or 0]) for delivery in waiting]


def count_failed(session: Session, delivery: Delivery, variant: Variant) -> None:
    """Count the items of a digest that the mail server refused for good."""
    if delivery.issue_id is not None:
        count_items(session, delivery.issue_id, items_by_topic(session, variant, None), Skip.FAILED)


def put_back(session: Session, issue: Issue, starts: Iterable[tuple[int, Mapping[str, int]]]) -> None:
    """Set people's current subscriptions back to where this issue found them, where they still stand at its end."""
    readers: dict[tuple[int, int], list[int]] = defaultdict(list)
    for subscriber_id, from_positions in starts:
        for topic, cursor in from_positions.items():
            readers[int(topic), cursor].append(subscriber_id)
    for (topic_id, cursor), ids in sorted(readers.items()):
        session.execute(
            update(Subscription)
            .where(
                Subscription.topic_id == topic_id,
                Subscription.subscriber_id.in_(ids),
                Subscription.ended_at.is_(None),
                Subscription.cursor == issue.through_position,
            )
            .values(cursor=cursor)
            .execution_options(synchronize_session=False)
        )


def count_items(session: Session, issue_id: int, items: Mapping[int, int], reason: Skip) -> None:
    """Add to what an issue did not bring, by topic, under a name."""
    # One lock for all counts of an issue: taken one by one, in the order in which people leave, they would deadlock.
    session.execute(select(Issue.id).where(Issue.id == issue_id).with_for_update(key_share=True))
    for topic_id, n in sorted(items.items()):
        insert = insert_into(session, Tally).values(issue_id=issue_id, topic_id=topic_id, reason=reason, n=n)
        session.execute(
            insert.on_conflict_do_update(
                index_elements=["issue_id", "topic_id", "reason"], set_={"n": Tally.n + insert.excluded.n}
            )
        )


def _put_back_ended(session: Session, delivery: Delivery, variant: Variant, issue: Issue, topics: set[int]) -> None:
    """Let ended subscriptions say what was truly served, so that "undo" goes on from there."""
    for topic_id in sorted(topics):
        session.execute(
            update(Subscription)
            .where(
                Subscription.subscriber_id == delivery.subscriber_id,
                Subscription.topic_id == topic_id,
                Subscription.ended_at.is_not(None),
                Subscription.cursor == issue.through_position,
            )
            .values(cursor=variant.from_positions[str(topic_id)])
            .execution_options(synchronize_session=False)
        )


def _skips_news(session: Session, delivery: Delivery) -> bool:
    mode = session.scalar(select(Subscriber.pause_mode).where(Subscriber.id == delivery.subscriber_id))
    return mode is PauseMode.SKIP


def _hold(session: Session, subscriber_id: int | None) -> Standing | None:
    """Lock a person's row and tell how they stand from then on."""
    session.execute(select(Subscriber.id).where(Subscriber.id == subscriber_id).with_for_update())
    return standings(session, [subscriber_id or 0]).get(subscriber_id or 0)


def _goes_whole(issue: Issue, standing: Standing | None, wanted: set[int], now: datetime) -> bool:
    return _why_not(issue, standing, wanted, now) is None and standing is not None and wanted <= standing.topics


def _why_not(issue: Issue, standing: Standing | None, wanted: set[int], now: datetime) -> Skip | None:
    if issue.state is Phase.CANCELLED:
        return Skip.CANCELLED
    if standing is None or standing.person.state is State.ERASED or standing.person.address_sealed is None:
        return Skip.ERASED
    if standing.suppressed:
        return Skip.SUPPRESSED
    if not wanted & standing.topics:
        return Skip.LEFT
    return Skip.PAUSED if standing.person.is_paused(now) else None

"""Dealing out an issue, a page of readers at a time: who gets which variant, in which batch, and who gets none."""

from collections import Counter as Counts
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session

from coalition.clock import utcnow
from coalition.db import Database
from coalition.models import (
    Batch,
    Claim,
    Delivery,
    Issue,
    Lane,
    Letter,
    Outbound,
    PauseMode,
    Phase,
    Subscriber,
    Subscription,
    Variant,
)
from coalition.services import issues, opening, readers, settling
from coalition.services.news import News, Share
from coalition.services.settling import Skip
from coalition.services.variants import signature
from coalition.tokens import random_code

READERS_A_PAGE = 5_000
LETTERS_A_BATCH = 250


class Dealer:
    """Deals out one page of readers after another. Each is a transaction; the issue remembers how far it came.

    So another dealer can go on where one died, and several that deal out the same issue share its pages.
    """

    def __init__(self, database: Database, issue_id: int, now: datetime, cap: int) -> None:
        self._database, self._issue_id, self._now, self._cap = database, issue_id, now, cap
        self._variants: dict[str, int] = {}
        self._came_to = 0
        with database.reading() as session:
            self._news = News(session, issues.get(session, issue_id).through_position)

    def next_page(self) -> int | None:
        """Deal out the next page. Returns how many readers it had; None where everybody has been seen."""
        with self._database.transaction() as session:
            ids = readers.next_page(session, issues.get(session, self._issue_id), READERS_A_PAGE)
            if not ids:
                return None
            people = _lock(session, ids)
            # People before the issue: who leaves locks themselves first and counts what they lose second.
            issue = opening.held_still(session, self._issue_id)
            if issue.planned_to >= ids[0]:
                return 0  # another dealer was quicker
            if issue.state is not Phase.PLANNING:
                return None
            if issue.planned_to != self._came_to:
                self._variants = _dealt(session, issue)
            self._deal_page(session, issue, people)
            issue.planned_to, issue.dealt_at = ids[-1], utcnow()
            self._came_to = ids[-1]
            return len(ids)

    def _deal_page(self, session: Session, issue: Issue, people: Sequence[Subscriber]) -> None:
        reasons = readers.left_out(session, issue, people, self._now)
        hand = self._deal(session, issue, people, reasons)
        _queue(session, issue, hand.copies)
        _move_cursors(session, issue, hand.seen, self._news.last)
        for (topic_id, reason), n in hand.not_mailed.items():
            settling.count_items(session, issue.id, {topic_id: n}, reason)
        left_out = Counts(issue.left_out) + Counts(reasons.values()) + Counts({"nothing new": hand.nothing_new})
        issue.left_out = dict(left_out)

    def _deal(
        self, session: Session, issue: Issue, people: Sequence[Subscriber], reasons: Mapping[int, str]
    ) -> "_Hand":
        hand = _Hand()
        starts = readers.cursors(session, issue, [person.id for person in people])
        for person in people:
            skips = reasons.get(person.id) == "paused" and person.pause_mode is PauseMode.SKIP
            if person.id in reasons and not skips:
                continue
            share = self._news.share(person, starts[person.id], self._now, self._cap)
            hand.not_mailed.update({(topic, Skip.PAUSED): n for topic, n in share.skipped.items()})
            hand.not_mailed.update({(topic, Skip.WITHDRAWN): n for topic, n in share.withdrawn.items()})
            hand.not_mailed.update({(int(topic), Skip.CAPPED): n for topic, n in share.more.items()})
            hand.seen.append(person.id)
            if share.items:
                hand.copies.append((person, self._variant(session, issue, share, person)))
            elif not skips:
                hand.nothing_new += 1
        return hand

    def _variant(self, session: Session, issue: Issue, share: Share, person: Subscriber) -> int:
        mark = signature(share.items, share.starts, share.more, person.locale, person.format)
        if mark not in self._variants:
            variant = Variant(
                issue_id=issue.id,
                signature=mark,
                items=share.items,
                from_positions=share.starts,
                more=share.more,
                locale=person.locale,
                format=person.format,
            )
            session.add(variant)
            session.flush()
            self._variants[mark] = variant.id
        return self._variants[mark]


@dataclass
class _Hand:
    """What one page of readers is dealt: who gets which variant, whose cursors move, and what is not mailed."""

    copies: list[tuple[Subscriber, int]] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    nothing_new: int = 0
    not_mailed: Counts[tuple[int, Skip]] = field(default_factory=Counts)


def _dealt(session: Session, issue: Issue) -> dict[str, int]:
    """The variants that an issue has already, by their signatures."""
    return dict(session.execute(select(Variant.signature, Variant.id).where(Variant.issue_id == issue.id)).all())


def _lock(session: Session, ids: Sequence[int]) -> Sequence[Subscriber]:
    return session.scalars(
        select(Subscriber)
        .where(Subscriber.id.between(ids[0], ids[-1]), Subscriber.id.in_(ids))
        .order_by(Subscriber.id)
        .with_for_update()
    ).all()


def _queue(session: Session, issue: Issue, copies: Sequence[tuple[Subscriber, int]]) -> None:
    """One delivery each, in batches of readers with the same hour, which wait without a date until the issue goes."""
    by_hour: dict[tuple[str | None, int | None, int | None], list[tuple[int, int]]] = defaultdict(list)
    for person, variant_id in copies:
        by_hour[person.timezone, person.weekday, person.hour].append((person.id, variant_id))
    for (zone, weekday, hour), queued in by_hour.items():
        for first in range(0, len(queued), LETTERS_A_BATCH):
            batch = Batch(
                issue_id=issue.id,
                lane=Lane.LIST,
                state=Claim.OPEN,
                zone=zone,
                weekday=weekday,
                hour=hour,
                due_at=None,
            )
            session.add(batch)
            session.flush()
            _fill(session, issue, batch, queued[first : first + LETTERS_A_BATCH])


def _fill(session: Session, issue: Issue, batch: Batch, copies: Sequence[tuple[int, int]]) -> None:
    rows = [
        {
            "batch_id": batch.id,
            "letter": Letter.DIGEST,
            "issue_id": issue.id,
            "variant_id": variant_id,
            "subscriber_id": reader,
            "nonce": random_code(),
            "state": Outbound.QUEUED,
            "attempts": 0,
        }
        for reader, variant_id in copies
    ]
    session.execute(insert(Delivery), rows)


def _move_cursors(session: Session, issue: Issue, seen: Sequence[int], last: Mapping[int, int]) -> None:
    """Note what these readers have been served, in each topic that had something for them.

    Where it had nothing their place stays, so that an issue before this one can still be cancelled and put back.
    """
    served = [(Subscription.topic_id == topic) & (Subscription.cursor < position) for topic, position in last.items()]
    if seen and served:
        session.execute(
            update(Subscription)
            .where(
                Subscription.cadence == issue.cadence,
                Subscription.ended_at.is_(None),
                Subscription.subscriber_id.in_(seen),
                or_(*served),
            )
            .values(cursor=issue.through_position)
            .execution_options(synchronize_session=False)
        )

"""Dealing out an issue, a page of readers at a time: who gets which variant, in which batch, and who gets none."""

from collections import Counter as Counts
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import bindparam, insert, literal, or_, select, text, update
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
    Subscription,
    Variant,
)
from coalition.services import issues, opening, readers, settling
from coalition.services.news import News, Share
from coalition.services.readers import Reader
from coalition.services.settling import Skip
from coalition.services.variants import signature
from coalition.statements import Prepared
from coalition.tokens import random_codes

READERS_A_PAGE = 5_000
LETTERS_A_BATCH = 1000
_MOST_SERVED = 10_000  # of those whose share is remembered


class Dealer:
    """Deals out one page of readers after another. Each is a transaction; the issue remembers how far it came.

    So another dealer can go on where one died, and several that deal out the same issue share its pages.
    """

    def __init__(self, database: Database, issue_id: int, now: datetime, cap: int) -> None:
        self._database, self._issue_id, self._now, self._cap = database, issue_id, now, cap
        self._variants: dict[str, int] = {}
        self._served: dict[tuple[object, ...], tuple[Share, int | None]] = {}
        self._came_to = 0
        with database.reading() as session:
            self._news = News(session, issues.get(session, issue_id).through_position)

    def next_page(self) -> int | None:
        """Deal out the next page. Returns how many readers it had; None where everybody has been seen."""
        with self._database.transaction() as session:
            issue = issues.get(session, self._issue_id)
            ids = readers.next_page(session, issue, READERS_A_PAGE)
            if not ids:
                return None
            people = readers.hold(session, issue, ids)
            # People before the issue: who leaves locks themselves first and counts what they lose second.
            issue = opening.held_still(session, self._issue_id)
            if issue.planned_to >= ids[0]:
                return 0  # another dealer was quicker
            if issue.state is not Phase.PLANNING:
                return None
            if issue.planned_to != self._came_to:
                self._variants, self._served = _dealt(session, issue), {}
            self._deal_page(session, issue, people)
            issue.planned_to, issue.dealt_at = ids[-1], utcnow()
            self._came_to = ids[-1]
            return len(ids)

    def _deal_page(self, session: Session, issue: Issue, people: Sequence[Reader]) -> None:
        reasons = readers.left_out(session, issue, people, self._now)
        hand = self._deal(session, issue, people, reasons)
        _queue(session, issue, hand.copies)
        _move_cursors(session, issue, hand.seen, self._news.last)
        for (topic_id, reason), n in hand.not_mailed.items():
            settling.count_items(session, issue.id, {topic_id: n}, reason)
        left_out = Counts(issue.left_out) + Counts(reasons.values()) + Counts({"nothing new": hand.nothing_new})
        issue.left_out = dict(left_out)

    def _deal(self, session: Session, issue: Issue, people: Sequence[Reader], reasons: Mapping[int, str]) -> "_Hand":
        hand = _Hand()
        starts = readers.cursors(session, issue, [person.id for person in people])
        for person in people:
            skips = reasons.get(person.id) == "paused" and person.pause_mode is PauseMode.SKIP
            if person.id in reasons and not skips:
                continue
            share, variant_id = self._serve(session, issue, person, starts[person.id])
            if share.skipped:
                hand.not_mailed.update({(topic, Skip.PAUSED): n for topic, n in share.skipped.items()})
            if share.withdrawn:
                hand.not_mailed.update({(topic, Skip.WITHDRAWN): n for topic, n in share.withdrawn.items()})
            if share.more:
                hand.not_mailed.update({(int(topic), Skip.CAPPED): n for topic, n in share.more.items()})
            hand.seen.append(person.id)
            if variant_id is not None:
                hand.copies.append((person, variant_id))
            elif not skips:
                hand.nothing_new += 1
        return hand

    def _serve(
        self, session: Session, issue: Issue, person: Reader, cursors: Mapping[int, int]
    ) -> tuple[Share, int | None]:
        """What a reader gets and its variant. Many have come equally far in the same topics: it is found out once."""
        alike = (*sorted(cursors.items()), person.pause_until, person.pause_mode, person.locale, person.format)
        served = self._served.get(alike)
        if served is None:
            share = self._news.share(person, cursors, self._now, self._cap)
            served = share, self._variant(session, issue, share, person) if share.items else None
            if len(self._served) < _MOST_SERVED:
                self._served[alike] = served
        return served

    def _variant(self, session: Session, issue: Issue, share: Share, person: Reader) -> int:
        mark = signature(share.items, share.starts, share.more, person.locale, person.format)
        if mark not in self._variants:
            row = {
                "issue_id": issue.id,
                "signature": mark,
                "items": share.items,
                "from_positions": share.starts,
                "more": share.more,
                "locale": person.locale,
                "format": person.format,
            }
            self._variants[mark] = session.execute(insert(Variant).returning(Variant.id), row).scalar_one()
        return self._variants[mark]


@dataclass
class _Hand:
    """What one page of readers is dealt: who gets which variant, whose cursors move, and what is not mailed."""

    copies: list[tuple[Reader, int]] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    nothing_new: int = 0
    not_mailed: Counts[tuple[int, Skip]] = field(default_factory=Counts)


def _dealt(session: Session, issue: Issue) -> dict[str, int]:
    """The variants that an issue has already, by their signatures."""
    return dict(session.execute(select(Variant.signature, Variant.id).where(Variant.issue_id == issue.id)).all())


def _queue(session: Session, issue: Issue, copies: Sequence[tuple[Reader, int]]) -> None:
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
    rows = [(*copy, nonce) for copy, nonce in zip(copies, random_codes(len(copies)), strict=True)]
    facts = {f"fact_{number}": fact for number, fact in enumerate(chain.from_iterable(rows))}
    _deliveries(len(rows)).run(session, batch=batch.id, issue=issue.id, **facts)


@lru_cache(maxsize=LETTERS_A_BATCH)
def _deliveries(count: int) -> Prepared:
    """One statement that writes so many deliveries: of each the reader, the variant and the nonce."""
    numbers = range(0, 3 * count, 3)
    rows = ", ".join(f"(CAST(:fact_{n} AS BIGINT), CAST(:fact_{n + 1} AS BIGINT), :fact_{n + 2})" for n in numbers)
    facts = {"column1": Delivery.id.type, "column2": Delivery.id.type, "column3": Delivery.nonce.type}
    copies = text(f"VALUES {rows}").columns(**facts).subquery("copies")
    columns: dict[str, Any] = {
        "batch_id": bindparam("batch", type_=Delivery.id.type),
        "letter": literal(Letter.DIGEST, Delivery.letter.type),
        "issue_id": bindparam("issue", type_=Delivery.id.type),
        "subscriber_id": copies.c.column1,
        "variant_id": copies.c.column2,
        "nonce": copies.c.column3,
        "state": literal(Outbound.QUEUED, Delivery.state.type),
        "attempts": literal(0),
    }
    return Prepared(insert(Delivery).from_select([*columns], select(*columns.values()), include_defaults=False))


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

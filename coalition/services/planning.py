"""Planning an issue: who gets which items. In pages of readers, so that a million of them hold no lock for long."""

import secrets
from collections import Counter as Counts
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from coalition.community import Community
from coalition.db import Database
from coalition.errors import Refused
from coalition.mail.letters import Letters
from coalition.models import (
    Batch,
    Cadence,
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
from coalition.services import editions, issues, periods, readers, settling
from coalition.services.counters import POSITION, newest
from coalition.services.news import News, Share, content_hash
from coalition.services.settling import Skip
from coalition.services.variants import signature
from coalition.tokens import random_code

READERS_A_PAGE = 5_000
LETTERS_A_BATCH = 250


@dataclass(frozen=True)
class Plan:
    """What planning found."""

    issue_id: int
    letters: int
    variants: int
    left_out: dict[str, int]  # reason -> readers


def plan(
    database: Database,
    letters: Letters,
    community: Community,
    cadence: Cadence,
    *,
    subject: str | None,
    intro_md: str,
    now: datetime,
    planned_by: str | None = None,
    progress: Callable[[int], None] = lambda readers: None,
) -> Plan:
    """Plan the period that is due, replacing an unsent plan of it. `progress` is told the readers of each page done.

    Opens its own transactions, one a page. Raises Refused where the period has been sent or there is no news.
    """
    _clear_unsent(database, community, cadence, now)
    issue_id = _open_issue(database, letters, community, cadence, subject, intro_md, planned_by, now)
    left_out: Counts[str] = Counts()
    pager = _Pager(database, issue_id, now, community.items_per_topic)
    while page := pager.next_page():
        left_out += page.left_out
        progress(page.readers)
    letters_planned = _finish(database, letters, issue_id)
    if not letters_planned:
        issues.drop_empty(database, issue_id, now)
        raise Refused(_nothing_to_send(cadence, left_out))
    with database.reading() as session:
        variants = session.scalar(select(func.count()).select_from(Variant).where(Variant.issue_id == issue_id))
    return Plan(issue_id, letters_planned, variants or 0, dict(left_out))


def _finish(database: Database, letters: Letters, issue_id: int) -> int:
    """Render what the plan needs and seal it. Returns the number of letters."""
    with database.transaction() as session:
        issue = _being_planned(session, issue_id)
        if issues.brings_withdrawn(session, issue):
            raise Refused("An item was withdrawn while the issue was planned: plan it again.")
        editions.write_fragments(session, letters, issue)
        issue.plan_hash = content_hash(session, issue)
        issue.state = Phase.PLANNED
        return session.scalar(select(func.count()).where(Delivery.issue_id == issue_id)) or 0


def _being_planned(session: Session, issue_id: int) -> Issue:
    issue = issues.get(session, issue_id, lock=True)
    if issue.state is not Phase.PLANNING:
        raise Refused("The plan was cancelled while it was being made.")
    return issue


def _nothing_to_send(cadence: Cadence, left_out: Counts[str]) -> str:
    """An issue without letters would only use up its period, so there is none."""
    reasons = ", ".join(f"{readers} {reason}" for reason, readers in sorted(left_out.items()) if readers)
    return f"There is nothing to send: {reasons}." if reasons else f"Nobody has a {cadence} subscription yet."


def _clear_unsent(database: Database, community: Community, cadence: Cadence, now: datetime) -> None:
    with database.reading() as session:
        period = periods.due(cadence, community, now, newest(session, POSITION))
        query = select(Issue).where(
            Issue.cadence == cadence, Issue.period_key == period.key, Issue.state != Phase.CANCELLED
        )
        issue = session.scalar(query)
        # A planner that died with an earlier period has moved the cursors of some readers: they must come back.
        abandoned = session.scalars(
            select(Issue.id)
            .where(Issue.cadence == cadence, Issue.period_key != period.key, Issue.state == Phase.PLANNING)
            .order_by(Issue.id.desc())
        ).all()
    if issue is not None:
        if issue.sending_at is not None:
            raise Refused(
                f"The {cadence} issue of {issue.period_key} is {issue.state} already (issue {issue.id})."
                " The next one can be planned when its period is due."
            )
        issues.cancel(database, issue.id, now)
    for issue_id in abandoned:
        issues.cancel(database, issue_id, now)
    issues.finish_cancelling(database, cadence, now)


def _open_issue(
    database: Database,
    letters: Letters,
    community: Community,
    cadence: Cadence,
    subject: str | None,
    intro_md: str,
    planned_by: str | None,
    now: datetime,
) -> int:
    try:
        with database.transaction() as session:
            position = newest(session, POSITION, lock=True)
            period = periods.due(cadence, community, now, position)
            rhythm = cadence.replace("-", " ")
            issue = Issue(
                cadence=cadence,
                period_key=period.key,
                through_position=position,
                subject=subject or letters.template("digest/default_subject.txt", rhythm=rhythm, dated=now).strip(),
                intro_md=intro_md,
                salt=secrets.token_bytes(16),
                state=Phase.PLANNING,
                plan_hash=None,
                planned_to=0,
                created_at=now,
                planned_by=planned_by,
                approved_by=None,
                allowed={},
                sending_at=None,
                ended_at=None,
            )
            session.add(issue)
            session.flush()
            return issue.id
    except IntegrityError as error:
        raise Refused(f"Somebody else is planning the {cadence} issue at this moment.") from error


@dataclass(frozen=True)
class _Page:
    readers: int
    left_out: Counts[str]


class _Pager:
    """Plans one page of readers after another. Each is a transaction; the issue remembers how far it came."""

    def __init__(self, database: Database, issue_id: int, now: datetime, cap: int) -> None:
        self._database, self._issue_id, self._now, self._cap = database, issue_id, now, cap
        self._variants: dict[str, int] = {}
        with database.reading() as session:
            self._news = News(session, issues.get(session, issue_id).through_position)

    def next_page(self) -> _Page | None:
        with self._database.transaction() as session:
            ids = readers.next_page(session, issues.get(session, self._issue_id), READERS_A_PAGE)
            if not ids:
                return None
            people = session.scalars(
                select(Subscriber)
                .where(Subscriber.id.between(ids[0], ids[-1]), Subscriber.id.in_(ids))
                .order_by(Subscriber.id)
                .with_for_update()
            ).all()
            # People before the issue: who leaves locks themselves first and counts what they lose second.
            issue = _being_planned(session, self._issue_id)
            reasons = readers.left_out(session, issue, people, self._now)
            starts = readers.cursors(session, issue, ids)
            queued: list[tuple[Subscriber, int | None]] = []
            not_mailed: Counts[tuple[int, Skip]] = Counts()
            for person in people:
                skips = reasons.get(person.id) == "paused" and person.pause_mode is PauseMode.SKIP
                if person.id in reasons and not skips:
                    continue
                share = self._news.share(person, starts[person.id], self._now, self._cap)
                not_mailed.update({(topic, Skip.PAUSED): n for topic, n in share.skipped.items()})
                not_mailed.update({(int(topic), Skip.CAPPED): n for topic, n in share.more.items()})
                queued.append((person, self._variant(session, issue, share, person)))
            _queue(session, issue, [(person, variant) for person, variant in queued if variant is not None])
            _move_cursors(session, issue, [person.id for person, _ in queued])
            for (topic_id, reason), n in not_mailed.items():
                settling.count_items(session, issue.id, {topic_id: n}, reason)
            nothing_new = sum(variant is None and person.id not in reasons for person, variant in queued)
            issue.planned_to = ids[-1]
            return _Page(len(ids), Counts(reasons.values()) + Counts({"nothing new": nothing_new}))

    def _variant(self, session: Session, issue: Issue, share: Share, person: Subscriber) -> int | None:
        if not share.items:
            return None
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


def _queue(session: Session, issue: Issue, readers: Sequence[tuple[Subscriber, int]]) -> None:
    """One delivery each, in batches of readers with the same hour, which wait without a date until the issue goes."""
    by_hour: dict[tuple[str | None, int | None, int | None], list[tuple[int, int]]] = defaultdict(list)
    for person, variant_id in readers:
        by_hour[person.timezone, person.weekday, person.hour].append((person.id, variant_id))
    for (zone, weekday, hour), copies in by_hour.items():
        for first in range(0, len(copies), LETTERS_A_BATCH):
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
            _fill(session, issue, batch, copies[first : first + LETTERS_A_BATCH])


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


def _move_cursors(session: Session, issue: Issue, readers: Sequence[int]) -> None:
    if readers:
        session.execute(
            update(Subscription)
            .where(
                Subscription.cadence == issue.cadence,
                Subscription.ended_at.is_(None),
                Subscription.subscriber_id.in_(readers),
                Subscription.cursor < issue.through_position,
            )
            .values(cursor=issue.through_position)
            .execution_options(synchronize_session=False)
        )

"""Lines of the journal that the database has not seen, done to it. Each does no harm where it was done before."""

import secrets
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from coalition.community import Community
from coalition.journal import Line, What
from coalition.models import (
    Batch,
    Cadence,
    Claim,
    Counter,
    Delivery,
    Ended,
    Issue,
    Outbound,
    Phase,
    Scope,
    Source,
    State,
    Subscriber,
    Subscription,
    Suppression,
    Topic,
)
from coalition.services import consents, people, settling, subscriptions
from coalition.services.consents import Event
from coalition.services.counters import POSITION
from coalition.services.erasure import Eraser
from coalition.services.unsubscribe import Channel

# Of letters that were waiting in a database that was brought back: they may have gone before it was.
RESTORED = "restored"


def replay(session: Session, community: Community, eraser: Eraser, line: Line, now: datetime) -> None:
    """Do what one line says. What it names and nobody here knows any more is left alone."""
    if line.what == What.ERASED:
        keys, with_consents = [bytes.fromhex(key) for key in line.facts["keys"]], bool(line.facts["with_consents"])
        eraser.erase_again(session, line.facts["code"], keys, now, with_consents=with_consents, at=line.at)
    do: dict[str, Callable[[Session, Community, Line, datetime], None]] = {
        What.LEFT: _left,
        What.RETURNED: _returned,
        What.BEGUN: _begun,
        What.OVER: _over,
    }
    if line.what in do:
        do[line.what](session, community, line, now)


def _left(session: Session, community: Community, line: Line, now: datetime) -> None:
    person = _locked(session, line)
    if person is None:
        return
    wanted = _topic_ids(session, line.facts["topics"])
    ended = [
        each
        for each in subscriptions.current(session, person.id)
        if each.topic_id in wanted and each.began_at <= line.at
    ]
    for subscription in ended:
        subscription.end(Ended(line.facts["why"]), line.at)
    session.flush()
    if person.state is State.ACTIVE and not subscriptions.current(session, person.id):
        person.state = State.LEFT
    if ended:
        topics = [each.topic_id for each in ended]
        names = consents.names(session, topics)
        consents.record(
            session, person.code, Event.WITHDRAWN, line.at, channel=Channel.JOURNAL, topics=topics, names=names
        )
        settling.settle_person(session, person, now)


def _returned(session: Session, community: Community, line: Line, now: datetime) -> None:
    """A return needs an address. Who was erased and came back is asked anew when they sign up again."""
    person = _locked(session, line)
    if person is None or person.address_key is None or person.address_sealed is None:
        return
    held = {each.topic_id for each in subscriptions.current(session, person.id)}
    for topic_id in _topic_ids(session, [line.facts["topic"]]) - held:
        cursor = subscriptions.served_to(session, person, topic_id) if line.facts["undone"] else None
        cadence = Cadence(line.facts["cadence"])
        subscriptions.begin(session, community, person, topic_id, cadence, Source.JOURNAL, line.at, cursor=cursor)
        person.state = State.ACTIVE
        names = consents.names(session, [topic_id])
        consents.record(session, person.code, Event.RETURNED, line.at, topics=[topic_id], names=names)
    session.execute(
        delete(Suppression).where(Suppression.address_key == person.address_key, Suppression.scope == Scope.LIST)
    )


def _begun(session: Session, community: Community, line: Line, now: datetime) -> None:
    issue = _issue(session, line)
    if issue is None or issue.sending_at is None:
        _restore(session, line, now)


def _over(session: Session, community: Community, line: Line, now: datetime) -> None:
    issue = _issue(session, line)
    if issue is None or issue.state is not Phase.SENT:
        _restore(session, line, now)


def _restore(session: Session, line: Line, now: datetime) -> None:
    """Make an issue one that was sent, and its cadence's readers served by it.

    Letters of it that wait here may have gone: they end as uncertain, and nobody gets a second one.
    """
    through, cadence = int(line.facts["through"]), Cadence(line.facts["cadence"])
    behind = (Subscription.cadence == cadence, Subscription.ended_at.is_(None), Subscription.cursor < through)
    readers = select(Subscription.subscriber_id).where(*behind)
    # Whoever moves cursors holds the locks on their people, always in the same order.
    session.execute(select(Subscriber.id).where(Subscriber.id.in_(readers)).order_by(Subscriber.id).with_for_update())
    session.execute(update(Subscription).where(*behind).values(cursor=through))
    session.execute(update(Counter).where(Counter.name == POSITION, Counter.value < through).values(value=through))
    issue = _issue(session, line) or _made(session, line)
    session.execute(
        update(Delivery)
        .where(Delivery.issue_id == issue.id, Delivery.state == Outbound.QUEUED)
        .values(state=Outbound.UNCERTAIN, reason=RESTORED, ended_at=now)
    )
    session.execute(
        update(Batch)
        .where(Batch.issue_id == issue.id)
        .values(state=Claim.DONE, worker=None, lease_until=None, announced_to=None, fence=Batch.fence + 1)
    )
    issue.state, issue.sending_at, issue.ended_at = Phase.SENT, issue.sending_at or line.at, now


def _made(session: Session, line: Line) -> Issue:
    """The row of an issue that was planned after the backup: its period is over, its letters are not known here."""
    issue = Issue(
        cadence=Cadence(line.facts["cadence"]),
        period_key=line.facts["period"],
        through_position=int(line.facts["through"]),
        subject=line.facts["subject"],
        intro_md="",
        salt=secrets.token_bytes(16),
        state=Phase.SENT,
        plan_hash=None,
        planned_to=0,
        created_at=line.at,
        dealt_at=line.at,
        planned_by=None,
        approved_by=None,
        allowed={},
        sending_at=line.at,
        ended_at=line.at,
    )
    session.add(issue)
    session.flush()
    return issue


def _issue(session: Session, line: Line) -> Issue | None:
    query = select(Issue).where(
        Issue.cadence == Cadence(line.facts["cadence"]),
        Issue.period_key == line.facts["period"],
        Issue.state != Phase.CANCELLED,
    )
    return session.scalar(query.with_for_update(key_share=True).execution_options(populate_existing=True))


def _locked(session: Session, line: Line) -> Subscriber | None:
    person = people.by_code(session, line.facts["code"])
    return None if person is None else subscriptions.lock(session, person.id)


def _topic_ids(session: Session, slugs: list[str]) -> set[int]:
    return set(session.scalars(select(Topic.id).where(Topic.slug.in_(slugs))))

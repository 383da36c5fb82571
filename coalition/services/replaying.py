"""Lines of the journal that the database has not seen, done to it. Each does no harm where it was done before."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from coalition.community import Community
from coalition.journal import Line, What
from coalition.models import Cadence, Ended, Scope, Source, State, Subscriber, Suppression, Topic
from coalition.services import consents, people, restored_issues, settling, subscriptions, suppressions
from coalition.services.consents import Event
from coalition.services.erasure import Eraser
from coalition.services.unsubscribe import Channel


def replay(session: Session, community: Community, eraser: Eraser, line: Line, now: datetime) -> None:
    """Do what one line says. What it names and nobody here knows any more is left alone."""
    if line.what == What.ERASED:
        with_consents = bool(line.facts["with_consents"])
        eraser.erase_again(session, line.facts["code"], _keys(line), now, with_consents=with_consents, at=line.at)
    do: dict[str, Callable[[Session, Community, Line, datetime], None]] = {
        What.LEFT: _left,
        What.RETURNED: _returned,
        What.SUPPRESSED: _suppressed,
        What.LIFTED: _lifted,
        What.MOVED: _moved,
        What.BEGUN: restored_issues.begun,
        What.OVER: restored_issues.over,
        What.HELD: restored_issues.held_since,
        What.CANCELLED: restored_issues.cancelled_since,
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
        event = Event.ENDED if line.facts["why"] == Ended.BOUNCED else Event.WITHDRAWN
        consents.record(session, person.code, event, line.at, channel=Channel.JOURNAL, topics=topics, names=names)
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
        delete(Suppression).where(
            Suppression.address_key == person.address_key,
            Suppression.scope == Scope.LIST,
            Suppression.reason != suppressions.MOVED_AWAY,  # they pressed in another mailbox than this one
        )
    )


def _suppressed(session: Session, _: Community, line: Line, __: datetime) -> None:
    facts = line.facts
    suppressions.suppress_again(session, _keys(line), facts["code"], Scope(facts["scope"]), facts["reason"], line.at)


def _lifted(session: Session, _: Community, line: Line, __: datetime) -> None:
    suppressions.forget(session, _keys(line), line.at)


def _moved(session: Session, _: Community, line: Line, __: datetime) -> None:
    if (person := _locked(session, line)) is not None:
        suppressions.moved_again(session, person, _keys(line), line.at)


def _locked(session: Session, line: Line) -> Subscriber | None:
    person = people.by_code(session, line.facts["code"])
    return None if person is None else subscriptions.lock(session, person.id)


def _keys(line: Line) -> list[bytes]:
    return [bytes.fromhex(key) for key in line.facts["keys"]]


def _topic_ids(session: Session, slugs: list[str]) -> set[int]:
    return set(session.scalars(select(Topic.id).where(Topic.slug.in_(slugs))))

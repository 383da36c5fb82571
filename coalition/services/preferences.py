"""The preference centre: what a person gets, and the choices they make about it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from coalition.community import Community
from coalition.errors import Refused
from coalition.languages import N_, language
from coalition.models import (
    Cadence,
    Ended,
    Format,
    PauseMode,
    Source,
    State,
    Subscriber,
    Subscription,
    Topic,
)
from coalition.services import consents, notices, purposes, settling, subscriptions, wordings
from coalition.services.consents import Event
from coalition.services.moments import Hour

LONGEST_PAUSE = timedelta(days=366)


@dataclass(frozen=True)
class Choice:
    """One topic as a person has it: with a cadence, or not at all."""

    topic: Topic
    cadence: Cadence | None
    since: datetime | None
    waits: bool  # for them to agree again, because what it is for has changed


def choices(session: Session, person: Subscriber) -> list[Choice]:
    """Every topic a person has or could have, in order."""
    held = {subscription.topic_id: subscription for subscription in subscriptions.current(session, person.id)}
    topics = session.scalars(select(Topic).order_by(Topic.order, Topic.id))
    waiting = _waiting(session, person)
    return [
        _choice(topic, held.get(topic.id), waits=topic.id in waiting)
        for topic in topics
        if topic.open or topic.id in held
    ]


def save(
    session: Session,
    community: Community,
    person: Subscriber,
    wanted: Mapping[int, Cadence],
    form: Format,
    now: datetime,
    *,
    may_return: bool,
    agreed: Collection[str] = (),
) -> None:
    """Make a person's subscriptions what they ticked. Nothing ticked is leaving all.

    `may_return`: whether somebody who has left may subscribe again (a fresh link may, the one in a digest may not, but
    for what waits for them to agree again). Raises Refused otherwise. `agreed`: the topics, by slug, that they
    agreed to expressly; whoever begins one that wants it is refused without.
    """
    person = subscriptions.lock(session, person.id)
    held = {subscription.topic_id: subscription for subscription in subscriptions.current(session, person.id)}
    if not held and wanted and not may_return and not wanted.keys() <= _waiting(session, person):
        raise Refused(N_("You have left the list: ask for a fresh link to return."))
    person.format = form
    added, ended, changed = [], [], []
    for topic_id, subscription in held.items():
        if topic_id not in wanted:
            ended.append(subscription)
        elif subscription.cadence is not wanted[topic_id]:
            subscriptions.change_cadence(session, community, person, subscription, wanted[topic_id], now)
            changed.append(topic_id)
    subscriptions.end(session, person, ended, Ended.LEFT_TOPIC if wanted else Ended.LEFT_ALL, now)
    begun = session.scalars(select(Topic).where(Topic.open.is_(True), Topic.id.in_(wanted.keys() - held.keys()))).all()
    explicit = wordings.explicit(session, begun)
    if any(topic.slug not in agreed for topic, _ in explicit):
        raise Refused(N_("Tick that you agree expressly, or leave the topic out."))
    open_topics = {topic.id for topic in begun}
    for topic_id, cadence in wanted.items():
        if topic_id in open_topics:
            subscriptions.begin(session, community, person, topic_id, cadence, Source.PREFERENCES, now)
            added.append(topic_id)
    person.state = State.ACTIVE if wanted else State.LEFT
    if added or ended or changed:
        facts = {
            "added": added,
            "ended": [subscription.topic_id for subscription in ended],
            "changed": changed,
            "now": {str(topic_id): cadence.value for topic_id, cadence in sorted(wanted.items())},
            "names": consents.names(session, {*held, *wanted}),
            "channel": "preferences",
            **(notices.facts(session, person.locale, now) if added else {}),
        }
        if explicit:
            facts["explicit"] = {str(topic.id): wording.id for topic, wording in explicit}
        if for_what := purposes.told(session, added):
            facts["purposes"] = for_what
        consents.record(session, person.code, Event.CHANGED if wanted else Event.WITHDRAWN, now, **facts)
    settling.settle_person(session, person, now)


def choose_hour(session: Session, person: Subscriber, choice: Hour | None) -> None:
    """Let digests come at an hour of the reader's own from the next plan on; None: as soon as they are ready."""
    person = subscriptions.lock(session, person.id)
    person.timezone = choice.zone if choice else None
    person.hour = choice.hour if choice else None
    person.weekday = choice.weekday if choice else None


def choose_language(session: Session, person: Subscriber, code: str) -> None:
    """Let pages and letters speak one of our languages to this reader. A region that the language had stays (de-AT)."""
    person = subscriptions.lock(session, person.id)
    if language(person.locale).code != code:
        person.locale = code


def pause(
    session: Session,
    person: Subscriber,
    until: datetime,
    now: datetime,
    *,
    mode: PauseMode = PauseMode.CATCH_UP,
) -> None:
    """Hold all list letters until a moment; the mode says what becomes of the news of that time."""
    if not now < until <= now + LONGEST_PAUSE:
        raise Refused(N_("Choose a day from tomorrow to a year from now."))
    person = subscriptions.lock(session, person.id)
    person.pause_until, person.pause_mode = until, mode
    session.flush()
    consents.record(session, person.code, Event.PAUSED, now, until=until.isoformat(), mode=mode)
    settling.settle_person(session, person, now)


def resume(session: Session, person: Subscriber, now: datetime) -> None:
    """End a pause now. When it ended stays: the next issue has to know what lay in it."""
    person = subscriptions.lock(session, person.id)
    if person.is_paused(now):
        person.pause_until = now
        consents.record(session, person.code, Event.RESUMED, now)


def _waiting(session: Session, person: Subscriber) -> set[int]:
    return {topic.id for topic in purposes.waiting(session, person.id)}


def _choice(topic: Topic, subscription: Subscription | None, *, waits: bool) -> Choice:
    if subscription is None:
        return Choice(topic, None, None, waits)
    return Choice(topic, subscription.cadence, subscription.began_at, waits)

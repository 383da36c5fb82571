"""A town of readers who chose at random, with an oracle beside it: whatever is done there is told to both."""

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Text, select, type_coerce, update
from sqlalchemy.orm import Session

from coalition.clock import utcnow
from coalition.models import (
    Batch,
    Cadence,
    Claim,
    Delivery,
    Item,
    Outbound,
    PauseMode,
    Scope,
    Subscriber,
    Subscription,
    Suppression,
    Tally,
    Topic,
    Variant,
)
from coalition.services import cancelling, issues, items, planning, preferences, topics, unsubscribe, upkeep
from coalition.services.unsubscribe import Channel
from tests.bench import case
from tests.bench.case import Reader
from tests.house import House
from tests.services.oracle import Copy, Edition, News, Oracle


@dataclass
class Town:
    """A house, its readers, and the oracle that knows them."""

    house: House
    chance: random.Random
    topics: Sequence[Topic]  # those that are open
    readers: Sequence[Reader]
    oracle: Oracle
    closed: list[Topic] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)  # how often each kind of thing came about

    @classmethod
    def found(cls, house: House, readers: int, news: int, *, seed: int = 3) -> "Town":
        """So many readers, after some weeks in which so many items were published and served to some."""
        chance, now = random.Random(seed), utcnow()
        with house.database.transaction() as session:
            offered = case.open_topics(session)
            published = case.publish(session, chance, offered, news, now - timedelta(days=40), now)
            people = case.move_in(session, house.resources.vault, chance, offered, readers, now)
        cap = house.config.community.items_per_topic
        town = cls(house, chance, offered, people, Oracle(people, [topic.id for topic in offered], cap))
        town._tell(published)
        return town

    # --- staff ---

    def publish(self, count: int, since: datetime) -> None:
        """So many items more, from a moment until now."""
        with self.house.database.transaction() as session:
            self._tell(case.publish(session, self.chance, self.topics, count, since, utcnow()))

    def withdraw(self, count: int) -> None:
        """Withdraw some items, old or new."""
        self._withdraw(self.chance.sample(self.oracle.news, count))

    def withdraw_what_is_in(self, issue_id: int) -> None:
        """Withdraw an item that an issue brings to somebody."""
        with self.house.database.reading() as session:
            brought = session.scalars(select(Variant.items).where(Variant.issue_id == issue_id)).first() or []
        self._withdraw([item for item in self.oracle.news if item.id == brought[0]])

    def close(self, topic: Topic) -> None:
        """Close a topic: nothing more is published in it."""
        self.topics = [each for each in self.topics if each is not topic]
        with self.house.database.transaction() as session:
            topics.close(session, topic.slug)
        self.closed.append(topic)

    def end_closed(self) -> None:
        """Whoever has had all of a closed topic has it no more."""
        for topic in self.closed:
            last = max(n.position for n in self.oracle.news if n.topic == topic.id and not n.withdrawn)
            for reader in self.readers:
                if topic.id in reader.held and reader.held[topic.id].served >= last:
                    del reader.held[topic.id]
                    self.seen["closed"] += 1
        with self.house.database.transaction() as session:
            while upkeep.end_closed_topics(session, utcnow()):
                pass
        assert _differences(self._places(), self._expected_places()) == {}

    # --- readers ---

    def live_on(self, each: int) -> None:
        """Let readers change their minds: so many take each of the ways there are."""
        with self.house.database.transaction() as session:
            for act in (self._pause, self._come_back, self._leave, self._leave_a_topic, self._change, self._suppress):
                able = [reader for reader in self.readers if reader.held and not reader.suppressed]
                for reader in self.chance.sample(able, each):
                    act(session, reader, session.get_one(Subscriber, reader.id))

    def _pause(self, session: Session, reader: Reader, person: Subscriber) -> None:
        reader.pause_until = utcnow() + timedelta(days=self.chance.randint(1, 60))
        reader.pause_mode = self.chance.choice([*PauseMode])
        preferences.pause(session, person, reader.pause_until, utcnow(), mode=reader.pause_mode)

    def _come_back(self, session: Session, reader: Reader, person: Subscriber) -> None:
        if reader.pause_until is not None and utcnow() < reader.pause_until:
            reader.pause_until = utcnow()
        preferences.resume(session, person, utcnow())

    def _leave(self, session: Session, reader: Reader, person: Subscriber) -> None:
        reader.held.clear()
        unsubscribe.leave_all(session, person, Channel.ONE_CLICK, utcnow())

    def _leave_a_topic(self, session: Session, reader: Reader, person: Subscriber) -> None:
        gone = self.chance.choice(sorted(reader.held))
        del reader.held[gone]
        unsubscribe.leave_topic(session, person, session.get_one(Topic, gone), Channel.PAGE, utcnow())

    def _change(self, session: Session, reader: Reader, person: Subscriber) -> None:
        """Another rhythm for each topic; it goes on where the old one stood."""
        for held in reader.held.values():
            held.cadence = self.chance.choice([*Cadence])
        wanted = {topic: held.cadence for topic, held in reader.held.items()}
        community = self.house.config.community
        preferences.save(session, community, person, wanted, reader.format, utcnow(), may_return=False)

    def _suppress(self, session: Session, reader: Reader, person: Subscriber) -> None:
        reader.suppressed = True
        facts = {"scope": Scope.ALL, "reason": "staff", "since": utcnow()}
        session.add(Suppression(address_key=person.address_key, code=person.code, **facts))

    # --- issues ---

    def plan(self, cadence: Cadence, before: Sequence[Edition] = ()) -> tuple[int, Edition]:
        """Plan an issue, and compare all of it with what the oracle says. Returns both."""
        expected = self.oracle.plan(cadence, utcnow(), before)
        made = self.start_to_plan(cadence)
        assert self.differences(made.issue_id, expected) == {}
        assert self.not_mailed(made.issue_id) == +expected.not_mailed
        assert made.left_out == expected.left_out
        assert made.letters == len(expected.copies)
        self._remember(expected)
        return made.issue_id, expected

    def start_to_plan(
        self,
        cadence: Cadence,
        progress: Callable[[int], None] = lambda readers: None,
        *,
        subject: str = "The digest",
        planned_by: str = "ada",
    ) -> planning.Plan:
        """Plan an issue, and compare nothing."""
        return planning.plan(
            self.house.database,
            self.house.resources.letters,
            self.house.config.community,
            cadence,
            subject=subject,
            intro_md="",
            now=utcnow(),
            planned_by=planned_by,
            progress=progress,
        )

    def differences(self, issue_id: int, expected: Edition) -> dict[Any, tuple[Any, Any]]:
        """Where the letters of an issue, or the readers' places after it, are not what the oracle says."""
        copies = _differences(self._copies(issue_id), expected.copies)
        return copies | _differences(self._places(), self._expected_places())

    def items(self, issue_id: int) -> dict[int | None, list[int]]:
        """What each reader gets."""
        return {reader: copy.items for reader, copy in self._copies(issue_id).items()}

    def send(self, issue_id: int, edition: Edition, *, but: int = 0) -> None:
        """All letters of an issue leave, as a sender would write it down, but for so many that are still waiting."""
        everybody = sorted(edition.copies)
        edition.mailed = set(everybody) - set(self.chance.sample(everybody, but))
        self.house.send(issue_id)
        with self.house.database.transaction() as session:
            mine = select(Delivery.id).where(Delivery.issue_id == issue_id)
            waiting = mine.where(Delivery.subscriber_id.in_(set(everybody) - edition.mailed))
            session.execute(
                update(Delivery)
                .where(Delivery.id.in_(mine), Delivery.id.not_in(waiting))
                .values(state=Outbound.SENT, attempts=1, reply="250 2.0.0 ok", ended_at=utcnow())
            )
            held = select(Delivery.batch_id).where(Delivery.id.in_(waiting))
            session.execute(
                update(Batch).where(Batch.issue_id == issue_id, Batch.id.not_in(held)).values(state=Claim.DONE)
            )
            issues.finish(session, issue_id, utcnow())

    def cancel(self, issue_id: int, edition: Edition) -> None:
        """Cancel what is still waiting."""
        self.oracle.take_back(edition)
        cancelling.cancel(self.house.database, issue_id, utcnow())
        assert _differences(self._places(), self._expected_places()) == {}

    def _withdraw(self, news: Sequence[News]) -> None:
        with self.house.database.transaction() as session:
            for item in news:
                items.withdraw(session, item.position, utcnow())
                item.withdrawn = True

    # --- what there is ---

    def _copies(self, issue_id: int) -> dict[int | None, Copy]:
        query = (
            select(Delivery.subscriber_id, Variant, Batch)
            .join(Variant, Variant.id == Delivery.variant_id)
            .join(Batch, Batch.id == Delivery.batch_id)
            .where(Delivery.issue_id == issue_id)
        )
        with self.house.database.reading() as session:
            return {reader: _copy(variant, batch) for reader, variant, batch in session.execute(query)}

    def _places(self) -> dict[tuple[int, int], tuple[str, int]]:
        """Every current subscription, by reader and topic: its cadence, and how far it has been served."""
        cadence = type_coerce(Subscription.cadence, Text)  # a word is as good, and sooner read
        query = select(Subscription.subscriber_id, Subscription.topic_id, cadence, Subscription.cursor)
        with self.house.database.reading() as session:
            rows = session.execute(query.where(Subscription.ended_at.is_(None)))
            return {(row[0], row[1]): (row[2], row[3]) for row in rows}

    def _expected_places(self) -> dict[tuple[int, int], tuple[str, int]]:
        return {
            (reader.id, topic): (held.cadence, held.served)
            for reader in self.readers
            for topic, held in reader.held.items()
        }

    def not_mailed(self, issue_id: int) -> Counter[tuple[int, str]]:
        with self.house.database.reading() as session:
            rows = session.scalars(select(Tally).where(Tally.issue_id == issue_id))
            return Counter({(row.topic_id, row.reason): row.n for row in rows})

    def _tell(self, published: Sequence[Item]) -> None:
        self.oracle.news += [News(item.id, item.topic_id, item.position, item.added_at) for item in published]

    def _remember(self, edition: Edition) -> None:
        cap = self.house.config.community.items_per_topic
        topic_of = {item.id: item.topic for item in self.oracle.news}
        self.seen += edition.left_out
        self.seen += Counter({f"{reason} items": n for (_, reason), n in edition.not_mailed.items()})
        for copy in edition.copies.values():
            longest = max(Counter(topic_of[item] for item in copy.items).values())
            self.seen["longer than the cap"] += longest > cap


def _copy(variant: Variant, batch: Batch) -> Copy:
    return Copy(
        variant.locale,
        variant.format,
        (batch.zone, batch.weekday, batch.hour),
        variant.items,
        {int(topic): start for topic, start in variant.from_positions.items()},
        {int(topic): n for topic, n in variant.more.items()},
    )


def _differences(there_is: Mapping[Any, Any], expected: Mapping[Any, Any]) -> dict[Any, tuple[Any, Any]]:
    """Where two sides differ: what there is, and what was expected."""
    return {
        key: (there_is.get(key), expected.get(key))
        for key in there_is.keys() | expected.keys()
        if there_is.get(key) != expected.get(key)
    }

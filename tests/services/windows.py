"""A machine that does everything to everybody in whatever order, and looks for gaps and repeats."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import time_machine
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from coalition.clock import utcnow
from coalition.errors import Refused
from coalition.models import (
    Cadence,
    Delivery,
    Issue,
    Item,
    Outbound,
    PauseMode,
    Phase,
    Source,
    State,
    Subscriber,
    Subscription,
    Topic,
)
from coalition.services import (
    cancelling,
    dealing,
    issues,
    items,
    planning,
    preferences,
    subscriptions,
    topics,
    unsubscribe,
    upkeep,
)
from coalition.services.outbox import claims
from coalition.services.settling import Skip
from coalition.services.unsubscribe import Channel
from tests.house import TOPICS, House, a_subscriber
from tests.services import accounts
from tests.services.staffroom import settle_in

PEOPLE = ["ada@example.org", "ben@example.org"]
SLUGS = TOPICS[:2]
CAP = 3  # so small that letters are often full
READERS_A_PAGE = dealing.READERS_A_PAGE

people = st.sampled_from(PEOPLE)
slugs = st.sampled_from(SLUGS)
cadences = st.sampled_from(list(Cadence))
fates = st.sampled_from(["sent", "on its way", "cancelled", "cancelled on its way", "held"])


class Died(Exception):
    """The planner is killed."""


class Windows(RuleBasedStateMachine):
    """Readers, staff, a planner and a sender that die, and a calendar."""

    rented: Callable[[], AbstractContextManager[House]]  # a house for one example, and its end

    @initialize(history=st.lists(st.tuples(cadences, fates), min_size=1, max_size=3))
    def move_in(self, history: Sequence[tuple[Cadence, str]]) -> None:
        self.clock = time_machine.travel(datetime(2026, 3, 2, 9, tzinfo=UTC), tick=False)
        self.time = self.clock.start()
        self._lease = self.rented()
        self.house = settle_in(self._lease.__enter__(), items_per_topic=CAP)
        self.topic_ids = {topic.slug: topic.id for topic in self._rows(select(Topic))}
        # Where an unbroken run of subscriptions to a topic began; moved aside when it is broken.
        self.since: dict[tuple[str, str], int] = {}
        self.broken: dict[tuple[str, str], int] = {}
        self.may_miss = dict.fromkeys(PEOPLE, 0)  # up to this position, by a pause that skips
        self.closed: set[str] = set()
        self.dealt: dict[tuple[int, int], int] = {}  # items that were planned for somebody, by issue and topic
        self.overtaken: set[int] = set()  # deliveries that were cancelled when their readers had been served later news
        dealing.READERS_A_PAGE = 1
        self.undo: dict[str, unsubscribe.Left] = {}
        self.ids: dict[str, int] = {}  # people stay who they are when they are forgotten and come back
        for name in PEOPLE:
            self.ids[name] = a_subscriber(self.house, name, SLUGS, cursor=0).id
            self.since |= {(name, slug): 0 for slug in SLUGS}
        # A machine that draws which rules it uses at all may draw none that plans: there is news at both ends.
        for cadence, fate in history:
            self.publish_and_plan(cadence, SLUGS, fate)
            self.wait(24 * 8)

    # --- staff ---

    @rule(chosen=st.lists(slugs, min_size=1, max_size=3))
    def publish(self, chosen: list[str]) -> None:
        for slug in chosen:
            if slug in self.closed:
                continue
            number = len(self._rows(select(Item))) + 1
            self.house.publish(slug, f"Item {number}.", f"Text of {number}.")
        self._note_skips()

    @rule(which=st.integers(0, 30))
    def withdraw(self, which: int) -> None:
        every = self._rows(select(Item))
        if every:
            found = every[which % len(every)]
            with self.house.database.transaction() as session:
                items.withdraw(session, found.position, utcnow())
                unsent = [issue.id for issue in issues.with_item(session, found.id) if issue.sending_at is None]
            for issue_id in unsent:
                self._cancel(issue_id)

    @rule(slug=slugs)
    @precondition(lambda self: not self.closed)
    def close(self, slug: str) -> None:
        with self.house.database.transaction() as session:
            topics.close(session, slug)
        self.closed.add(slug)

    @rule()
    def end_what_is_closed(self) -> None:
        with self.house.database.transaction() as session:
            upkeep.end_closed_topics(session, utcnow())

    @rule(cadence=cadences)
    def plan(self, cadence: Cadence) -> None:
        _unless_refused(partial(self._plan, cadence))

    @rule(cadence=cadences, pages=st.integers(1, len(PEOPLE)))
    def die_while_planning(self, cadence: Cadence, pages: int) -> None:
        """A planner deals out so many pages, and is never heard of again."""
        left = iter(range(pages - 1))

        def progress(_: int) -> None:
            if next(left, None) is None:
                raise Died

        _unless_refused(partial(self._plan, cadence, progress))

    @rule(
        cadence=cadences,
        chosen=st.lists(slugs, min_size=1, max_size=2),
        fate=fates,
    )
    def publish_and_plan(self, cadence: Cadence, chosen: list[str], fate: str) -> None:
        """One issue from its news to its fate."""
        self.publish(chosen)
        issue = _unless_refused(partial(self._plan, cadence))
        if issue is None:
            return
        if fate != "cancelled":
            self.house.send(issue)
        if fate == "held":
            self._change(issues.hold, issue)
        if "cancelled" in fate:
            self._cancel(issue)
        if fate == "sent":
            self.house.drain()

    @rule(which=st.integers(0, 9))
    def send(self, which: int) -> None:
        self._with_issue(which, self.house.send)

    @rule(which=st.integers(0, 9))
    def hold(self, which: int) -> None:
        self._with_issue(which, partial(self._change, issues.hold))

    @rule(which=st.integers(0, 9))
    def go_on(self, which: int) -> None:
        self._with_issue(which, partial(self._change, issues.resume))

    @rule(which=st.integers(0, 9))
    def cancel(self, which: int) -> None:
        self._with_issue(which, self._cancel)

    # --- the sender and the calendar ---

    @rule()
    def drain(self) -> None:
        self.house.drain()

    @rule()
    def die_with_a_batch(self) -> None:
        """A sender claims a batch, announces all of it, and is never heard of again."""
        with self.house.database.transaction() as session:
            claimed = claims.claim(session, "nobody/dead", utcnow())
            if claimed is not None and claimed.waiting:
                claims.keep(session, claimed, "nobody/dead", announce=claimed.waiting[-1])

    @rule(hours=st.integers(1, 200))
    def wait(self, hours: int) -> None:
        self.time.shift(timedelta(hours=hours))
        self._note_skips()

    # --- readers ---

    @rule(name=people, slug=slugs, cadence=cadences)
    def choose(self, name: str, slug: str, cadence: Cadence) -> None:
        """Take up a topic, or change its rhythm."""
        if name not in self.here():
            return
        with self.house.database.transaction() as session:
            person = subscriptions.lock(session, self.ids[name])
            held = {each.topic_id: each.cadence for each in subscriptions.current(session, person.id)}
            is_new = self.topic_ids[slug] not in held and slug not in self.closed
            held[self.topic_ids[slug]] = cadence
            community = self.house.config.community
            preferences.save(session, community, person, held, person.format, utcnow(), may_return=True)
            if is_new:
                current = subscriptions.current(session, person.id)
                [new] = [each for each in current if each.topic_id == self.topic_ids[slug]]
                self.since[name, slug] = new.cursor

    @rule(name=people, slug=slugs)
    def leave_topic(self, name: str, slug: str) -> None:
        with self.house.database.transaction() as session:
            person, topic = session.get_one(Subscriber, self.ids[name]), topics.get(session, slug)
            self._left(name, unsubscribe.leave_topic(session, person, topic, Channel.PAGE, utcnow()))

    @rule(name=people)
    def leave_all(self, name: str) -> None:
        with self.house.database.transaction() as session:
            person = session.get_one(Subscriber, self.ids[name])
            self._left(name, unsubscribe.leave_all(session, person, Channel.ONE_CLICK, utcnow()))

    @rule(name=people)
    @precondition(lambda self: self.undo)
    def take_it_back(self, name: str) -> None:
        left = self.undo.pop(name, None)
        if left is None or utcnow() - left.at > timedelta(minutes=30):
            return
        with self.house.database.transaction() as session:
            person = session.get_one(Subscriber, self.ids[name])
            unsubscribe.undo(session, self.house.config.community, person, left.at, utcnow())
            back = {
                each.topic_id
                for each in subscriptions.current(session, person.id)
                if each.source is Source.UNDONE and each.began_at == utcnow()
            }
        for slug, topic_id in self.topic_ids.items():
            if topic_id in back and (name, slug) not in self.since:
                self.since[name, slug] = self.broken[name, slug]

    @rule(name=people, days=st.integers(1, 20), mode=st.sampled_from(list(PauseMode)))
    def pause(self, name: str, days: int, mode: PauseMode) -> None:
        if name not in self.here():
            return
        with self.house.database.transaction() as session:
            person, until = session.get_one(Subscriber, self.ids[name]), utcnow() + timedelta(days=days)
            preferences.pause(session, person, until, utcnow(), mode=mode)
        self._note_skips()

    @rule(name=people)
    def end_pause(self, name: str) -> None:
        self._note_skips()
        with self.house.database.transaction() as session:
            preferences.resume(session, session.get_one(Subscriber, self.ids[name]), utcnow())

    # --- what must hold ---

    @invariant()
    def nobody_gets_an_item_twice(self) -> None:
        if hasattr(self, "house"):
            for name in PEOPLE:
                twice = [title for title, n in Counter(accounts.received(self.house, name)).items() if n > 1]
                assert twice == [], (name, twice)

    def teardown(self) -> None:
        if not hasattr(self, "house"):
            return
        try:
            self.finish_everything()
            self.nobody_gets_an_item_twice()
            self._nothing_is_missing()
            self._every_item_has_its_name()
        finally:
            dealing.READERS_A_PAGE = READERS_A_PAGE
            self._lease.__exit__(None, None, None)
            self.clock.stop()

    def finish_everything(self) -> None:
        """Pauses end, held issues go on, and every cadence is sent until there is nothing left."""
        self.publish(SLUGS)
        for name in self.here():
            self.end_pause(name)
        for issue in self._rows(select(Issue).where(Issue.state.in_([Phase.HELD, Phase.PLANNED]))):
            if issue.state is Phase.HELD:
                self._change(issues.resume, issue.id)
            else:
                self.house.send(issue.id)
        self.house.drain()
        for _ in range(2):
            self.time.shift(timedelta(days=32))
            for cadence in Cadence:
                _unless_refused(partial(self._plan_and_send, cadence))
            self.house.drain()

    def _nothing_is_missing(self) -> None:
        skipped: Counter[str] = Counter()
        for (name, slug), since in self.since.items():
            found = accounts.missing(self.house, name, self.topic_ids[slug], since, self.overtaken)
            assert {position for position in found if position > self.may_miss[name]} == set(), (name, slug, since)
            skipped[slug] += len(found)
        for slug, n in skipped.items():
            # What a pause skipped lies in letters that were planned, full ones too, or was passed over by a plan.
            assert n <= accounts.counted(self.house, self.topic_ids[slug], {Skip.PAUSED, Skip.CAPPED}), slug

    def _every_item_has_its_name(self) -> None:
        """What was planned for somebody has left, or is counted under the name of what kept it back."""
        for (issue, topic), n in self.dealt.items():
            assert accounts.accounted(self.house, issue, topic) == n, (issue, topic)

    # --- helpers ---

    def here(self) -> list[str]:
        """Those who are not forgotten."""
        gone = set(self._rows(select(Subscriber.id).where(Subscriber.state == State.ERASED)))
        return [name for name in PEOPLE if self.ids[name] not in gone]

    def _left(self, name: str, left: unsubscribe.Left) -> None:
        for slug, topic_id in self.topic_ids.items():
            if topic_id in left.topics:
                self.broken[name, slug] = self.since.pop((name, slug))
        if left.topics:
            self.undo[name] = left

    def _note_skips(self) -> None:
        """What a skipping pause meets may be missed."""
        newest = max((item.position for item in self._rows(select(Item))), default=0)
        for name in PEOPLE:
            [person] = self._rows(select(Subscriber).where(Subscriber.id == self.ids[name]))
            if person.pause_mode is PauseMode.SKIP and person.is_paused(utcnow()):
                self.may_miss[name] = newest

    def _rows(self, query: Select[Any]) -> Sequence[Any]:
        return accounts.rows(self.house, query)

    def _with_issue(self, which: int, do: Callable[[int], object]) -> None:
        every = self._rows(select(Issue).order_by(Issue.id))
        if every:
            _unless_refused(partial(do, every[which % len(every)].id))

    def _change(self, do: Callable[[Session, int], object], issue_id: int) -> None:
        with self.house.database.transaction() as session:
            do(session, issue_id)

    def _plan(self, cadence: Cadence, progress: Callable[[int], None] = lambda readers: None) -> int | None:
        """Plan an issue, and note what it brings to everybody together. Returns its number, unless the planner dies."""
        house = self.house
        # What an earlier planner left lying, or this plan replaces, may be cancelled now.
        given_up = Issue.state.in_([Phase.PLANNING, Phase.PLANNED]) & (Issue.cadence == cadence)
        moved_on = self._moved_on(given_up)
        try:
            made = planning.plan(
                house.database,
                house.resources.letters,
                house.config.community,
                cadence,
                subject=None,
                intro_md="",
                now=utcnow(),
                progress=progress,
            )
        except Died:
            made = None
        finally:
            gone = select(Delivery.id).where(Delivery.id.in_(moved_on), Delivery.state == Outbound.CANCELLED)
            self.overtaken.update(self._rows(gone))
        for issue in self._rows(select(Issue).where(Issue.state.in_([Phase.PLANNING, Phase.PLANNED]))):
            for topic in self.topic_ids.values():
                self.dealt[issue.id, topic] = accounts.accounted(house, issue.id, topic)
        return made.issue_id if made else None

    def _cancel(self, issue_id: int) -> None:
        self.overtaken.update(self._moved_on(Issue.id == issue_id))
        cancelling.cancel(self.house.database, issue_id, utcnow())

    def _moved_on(self, which: ColumnElement[bool]) -> list[int]:
        """What waits in some issues for readers who have been served later news since; it can't be put back."""
        query = (
            select(Delivery.id)
            .join(Issue, Issue.id == Delivery.issue_id)
            .join(Subscription, Subscription.subscriber_id == Delivery.subscriber_id)
            .where(which, Delivery.state == Outbound.QUEUED)
            .where(Subscription.ended_at.is_(None), Subscription.cursor > Issue.through_position)
        )
        return list(self._rows(query))

    def _plan_and_send(self, cadence: Cadence) -> None:
        issue = self._plan(cadence)
        assert issue is not None
        self.house.send(issue)


def _unless_refused(do: Callable[[], Any]) -> Any:
    try:
        return do()
    except Refused:
        return None

"""Choices made while digests go out: every item of every reader is mailed or counted under a name, once."""

import random
from collections import Counter
from datetime import timedelta

import pytest
import time_machine

from coalition.clock import utcnow
from coalition.models import Cadence, Delivery, Outbound, Variant
from coalition.services import dealing, issues
from tests.house import House, a_subscriber, parse, text_of
from tests.services.scenes import at_once, deliveries, drain_to, leave, undo

READERS = 40
TOPICS = ("housing", "events", "tools")


def test_whatever_people_do_while_it_is_sent_the_counts_add_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dealing, "LETTERS_A_BATCH", 5)
    for topic in TOPICS:
        house.publish(topic, f"News of {topic}")
    people = [a_subscriber(house, f"reader{number}@example.org", TOPICS, cursor=0) for number in range(READERS)]
    issue = house.plan()
    house.send(issue)

    def act(number: int) -> None:
        if number < 2:
            drain_to(house, house.relay.relay)
            return
        chance = random.Random(number)
        for person in people[number::4]:
            for topic in chance.sample(TOPICS, 2):
                leave(house, person, topic)

    at_once(6, act)
    house.drain()

    bodies = [text_of(parse(each)) for each in house.relay.received]
    mailed = Counter(topic for body in bodies for topic in TOPICS if f"News of {topic}" in body)
    with house.database.reading() as session:
        progress = issues.progress(session, issue)
    left = {name.lower(): n for name, reason, n in progress.not_mailed if reason == "left"}
    assert {topic: mailed[topic] + left.get(topic, 0) for topic in TOPICS} == dict.fromkeys(TOPICS, READERS)
    assert {each.state for each in deliveries(house)} <= {Outbound.SENT, Outbound.SKIPPED}


def test_readers_who_lose_the_same_topic_share_a_copy(house: House) -> None:
    house.publish("housing")
    house.publish("events")
    people = [
        a_subscriber(house, f"reader{number}@example.org", ("housing", "events"), cursor=0) for number in range(3)
    ]
    issue = house.plan()

    at_once(3, lambda number: leave(house, people[number], "events"))

    with house.database.reading() as session:
        assert len({each.variant_id for each in session.query(Delivery).all()}) == 1
        assert session.query(Variant).count() == 2
        assert issues.progress(session, issue).not_mailed == [("Events", "left", 3)]


def test_a_choice_touches_only_ones_own_digest(house: House) -> None:
    house.publish()
    ada = a_subscriber(house, "ada@example.org", cursor=0)
    a_subscriber(house, "bea@example.org", cursor=0)
    house.send(house.plan())

    leave(house, ada)

    [only] = house.drain()
    assert only.recipient == "bea@example.org"


def test_a_topic_left_and_taken_back_comes_with_the_next_digest(house: House) -> None:
    house.publish("housing", "Rents")
    house.publish("events", "Party")
    ada = a_subscriber(house, "ada@example.org", ("housing", "events"), cadence=Cadence.DAILY, cursor=0)
    house.send(house.plan(Cadence.DAILY))
    undo(house, ada, leave(house, ada, "events"))
    [first] = house.drain()

    with time_machine.travel(utcnow() + timedelta(days=1)):
        house.send(house.plan(Cadence.DAILY))
        [second] = house.drain()

    assert "Rents" in text_of(parse(first))
    assert "Party" not in text_of(parse(first))
    assert "Rents" not in text_of(parse(second))
    assert "Party" in text_of(parse(second))

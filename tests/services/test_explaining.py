"""What is told about a plan, against the ledger read reader by reader in plain Python."""

import random
from collections import Counter
from dataclasses import dataclass

import pytest
import time_machine
from sqlalchemy import select

from coalition.clock import utcnow
from coalition.models import Batch, Delivery, Format, Issue, Item, Subscriber, Topic, Variant
from coalition.services import cancelling, explaining, issues, topics
from coalition.services.explaining import Change, Explanation
from coalition.services.moments import Hour
from tests.house import House, a_subscriber, html_of, parse, text_of
from tests.services.scenes import an_audience, leave
from tests.services.staffroom import MONDAY, choose_hour, publish

TOPICS = ("housing", "events", "tools")


def explain(house: House, issue_id: int) -> Explanation:
    with house.database.reading() as session:
        issue = issues.get(session, issue_id)
        return explaining.explain(session, house.resources.letters, house.resources.links, issue)


@dataclass(frozen=True)
class Copied:
    """What one reader is to get, read row by row."""

    items: tuple[int, ...]
    topics: frozenset[str]
    language: str
    format: str
    hour: tuple[str | None, int | None, int | None]


def copies(house: House, issue_id: int) -> list[Copied]:
    """The copy of every reader of an issue."""
    with house.database.reading() as session:
        names = dict(session.execute(select(Item.id, Topic.name).join(Topic, Topic.id == Item.topic_id)).all())
        rows = session.execute(
            select(Variant, Batch)
            .join(Delivery, Delivery.variant_id == Variant.id)
            .join(Batch, Batch.id == Delivery.batch_id)
            .where(Delivery.issue_id == issue_id)
        )
        return [
            Copied(
                tuple(variant.items),
                frozenset(names[item] for item in variant.items),
                variant.locale,
                variant.format.value,
                (batch.zone, batch.weekday, batch.hour),
            )
            for variant, batch in rows
        ]


@pytest.fixture
def town(house: House) -> House:
    """Sixty readers of this and that, in two languages and formats, some with an hour; news of every topic."""
    chance = random.Random(7)
    for topic in TOPICS:
        publish(house, chance.randint(1, 4), topic=topic)
    for number in range(60):
        mine = tuple(chance.sample(TOPICS, chance.randint(1, 3)))
        person = a_subscriber(house, f"reader{number}@example.org", mine, form=chance.choice(list(Format)), cursor=0)
        choose_hour(house, person, chance.choice([None, None, Hour("Asia/Tokyo", 7, 3), Hour("Europe/London", 20)]))
        with house.database.transaction() as session:
            session.get_one(Subscriber, person.id).locale = chance.choice(["en", "de"])
    return house


def test_every_number_is_what_reading_the_ledger_reader_by_reader_gives(town: House) -> None:
    issue = town.plan()

    told, read = explain(town, issue), copies(town, issue)

    per_variant = Counter((each.items, each.language, each.format) for each in read)
    assert [each.readers for each in told.variants] == sorted(per_variant.values(), reverse=True)
    assert [each.variant for each in told.variants] == list(range(1, len(per_variant) + 1))
    assert Counter((each.readers, each.items) for each in told.variants) == Counter(
        (n, len(items)) for (items, _, _), n in per_variant.items()
    )
    assert {(each.language, each.format): each.letters for each in told.languages} == Counter(
        (each.language, each.format) for each in read
    )
    assert {each.topic: each.letters for each in told.topics} == Counter(name for each in read for name in each.topics)
    assert {(each.zone, each.weekday, each.hour): each.letters for each in told.hours} == Counter(
        each.hour for each in read
    )
    assert sum(each.items for each in told.topics) == len({item for each in read for item in each.items})
    assert [each.topic for each in told.topics] == ["Housing", "Events", "Tools"]


def test_the_most_read_variant_and_the_hour_of_most_readers_stand_first(town: House) -> None:
    told = explain(town, town.plan())

    assert [each.letters for each in told.hours] == sorted((each.letters for each in told.hours), reverse=True)
    assert [each.readers for each in told.variants] == sorted((each.readers for each in told.variants), reverse=True)
    assert {(each.zone, each.weekday, each.hour) for each in told.hours} == {
        (None, None, None),
        ("Asia/Tokyo", 3, 7),
        ("Europe/London", None, 20),
    }


def test_looking_changes_nothing(town: House) -> None:
    issue = town.plan()

    assert explain(town, issue) == explain(town, issue)


def test_a_size_is_that_of_the_letter_which_is_sent(house: House) -> None:
    house.publish(text="Größer als *sonst*.")
    a_subscriber(house, cursor=0)
    issue = house.plan()
    told = explain(house, issue).sizes
    house.send(issue)

    [letter] = map(parse, house.drain())

    size = len(text_of(letter).encode()) + len(html_of(letter).encode())
    assert (told.smallest, told.median, told.largest, told.measured) == (told.largest,) * 3 + (1,)
    # A sample reader's links are as long as anybody's, but for the digits of a row's number.
    assert abs(told.largest - size) <= 8


def test_only_the_most_read_variants_are_measured(town: House, monkeypatch: pytest.MonkeyPatch) -> None:
    issue = town.plan()
    whole = explain(town, issue).sizes
    monkeypatch.setattr(explaining, "MEASURED", 3)

    few = explain(town, issue).sizes

    assert (whole.measured, few.measured) == (len(explain(town, issue).variants), 3)
    assert whole.smallest <= few.smallest <= few.median <= few.largest <= whole.largest
    assert whole.smallest < whole.largest


def test_what_is_capped_is_told_by_topic(house: House) -> None:
    with time_machine.travel(MONDAY):
        cap = house.config.community.items_per_topic
        for number in range(cap + 2):
            house.publish(title=f"Item {number}")
        an_audience(house, 3)

        told = explain(house, house.plan())

    assert told.not_mailed == [("Housing", "capped", 6)]
    assert [each.items for each in told.variants] == [cap]


def test_the_first_issue_differs_from_nothing(house: House) -> None:
    house.publish()
    an_audience(house, 2)

    assert explain(house, house.plan()).difference is None


def test_the_difference_is_to_the_issue_before(house: House) -> None:
    with time_machine.travel(MONDAY, tick=False) as clock:
        ada = a_subscriber(house, "ada@example.org", ("housing", "events"), cursor=0)
        a_subscriber(house, "bob@example.org", ("housing",), cursor=0)
        publish(house, 3)
        house.publish("events")
        first = house.plan()
        house.send(first)
        house.drain()
        clock.shift(7 * 86_400)
        leave(house, ada)
        publish(house, 1, first=4)
        house.publish("tools")
        for name in ("cyd", "dee"):
            a_subscriber(house, f"{name}@example.org", ("tools",), cursor=0)

        since = explain(house, house.plan()).difference

    assert since is not None
    assert (since.issue, since.period, since.state) == (first, "2026-W48", "sent")
    assert (since.letters, since.items) == (Change(2, 3), Change(4, 2))
    assert (since.topics_new, since.topics_gone) == (["Tools"], ["Events"])
    assert (since.readers_new, since.readers_gone) == (2, 1)
    assert since.largest.last > since.largest.now > 0


def test_letters_change_by_as_many_as_are_newly_reached_less_those_no_longer_reached(town: House) -> None:
    chance = random.Random(3)
    with time_machine.travel(MONDAY, tick=False) as clock:
        town.send(town.plan())
        for _ in range(7):  # by then everybody's hour has come
            clock.shift(86_400)
            town.drain()
        for number in chance.sample(range(60), 15):
            leave(town, town.person(f"reader{number}@example.org"))
        for topic in TOPICS:
            publish(town, 1, first=5, topic=topic)
        for number in range(9):
            a_subscriber(town, f"new{number}@example.org", (chance.choice(TOPICS),), cursor=0)

        since = explain(town, town.plan()).difference

    assert since is not None
    assert since.letters.now - since.letters.last == since.readers_new - since.readers_gone
    assert (since.readers_new, since.readers_gone) == (9, 15)


def test_a_cancelled_issue_is_no_last_time(house: House) -> None:
    with time_machine.travel(MONDAY, tick=False) as clock:
        house.publish()
        an_audience(house, 2)
        cancelling.cancel(house.database, house.plan(), utcnow())
        clock.shift(7 * 86_400)
        second = house.plan()
        third = house.plan()

        assert explain(house, third).difference is None
    with house.database.reading() as session:
        assert session.get_one(Issue, second).state.value == "cancelled"


def test_topics_of_the_same_name_are_two(house: House) -> None:
    with house.database.transaction() as session:
        topics.add(session, "homes", "Housing", "The same word, other homes.")
    house.publish("housing")
    house.publish("homes")
    a_subscriber(house, "ada@example.org", ("housing", "homes"), cursor=0)
    a_subscriber(house, "bob@example.org", ("homes",), cursor=0)

    told = explain(house, house.plan()).topics

    assert [(each.topic, each.letters, each.items) for each in told] == [("Housing", 1, 1), ("Housing", 2, 1)]

"""Feeds become items: each entry once, and none that floods."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine

from coalition import schema
from coalition.clock import utcnow
from coalition.errors import NotFound, Refused
from coalition.models import Cadence
from coalition.services import feeds, topics
from coalition.services.feeds import Taken
from coalition.services.fetching import FetchFailed, policy_of
from tests.house import House, a_subscriber, text_of
from tests.services.feed_server import Answer, FeedServer, entry
from tests.services.feed_verbs import add, dated, fetch, held, published, taken, titles


@pytest.fixture
def server() -> Iterator[FeedServer]:
    """A server on loopback."""
    with FeedServer() as made:
        yield made


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that a test moves."""
    with time_machine.travel("2026-11-02T10:00:00Z", tick=False) as coordinates:
        yield coordinates


def test_the_migrations_and_the_models_say_the_same(house: House) -> None:
    assert schema.drift(house.config.database_url) == []


def test_the_table_of_feeds_can_be_taken_back_and_made_again(house: House) -> None:
    schema.downgrade(house.config.database_url, "0001")
    schema.upgrade(house.config.database_url)

    assert schema.drift(house.config.database_url) == []


def test_a_reader_gets_the_entries_of_a_feed_in_a_digest(house: House, server: FeedServer) -> None:
    a_subscriber(house, cursor=0)
    add(house, server.serve(entry("1", "Rents", "Rents *rise*.", link="https://feeds.example.org/1")))

    fetch(house)
    house.send(house.plan(Cadence.WEEKLY))
    house.drain()

    (letter,) = house.letters_to("ada@example.org")
    text = text_of(letter)
    assert "Rents\n" in text
    assert "https://feeds.example.org/1" in text
    assert "Rents *rise*." in text


def test_an_entry_is_published_once_however_often_it_is_fetched_or_changed(
    house: House, server: FeedServer, clock: time_machine.Traveller
) -> None:
    add(house, server.serve(entry("1", "Rents")))
    assert taken(house) == Taken(new=1)

    clock.shift(timedelta(hours=1))
    server.serve(entry("2", "Repairs"), entry("1", "Rents, corrected"))

    assert taken(house) == Taken(new=1, known=1)
    assert titles(house) == ["Rents", "Repairs"]


def test_an_entry_that_stands_twice_in_a_feed_is_one(house: House, server: FeedServer) -> None:
    add(house, server.serve(entry("1", "Rents"), entry("1", "Rents again")))

    assert taken(house) == Taken(new=1)
    assert titles(house) == ["Rents"]


def test_the_same_identity_in_two_feeds_is_two_items(house: House, server: FeedServer) -> None:
    add(house, server.serve(entry("1", "Rents")))
    add(house, server.serve(entry("1", "Markets"), path="/events"), "events")

    fetch(house)

    assert titles(house) == ["Rents", "Markets"]
    assert [item.source for item in published(house)] == [
        f"feed:{server.url()}#1",
        f"feed:{server.url('/events')}#1",
    ]


def test_a_feed_of_a_closed_topic_is_told_and_brings_nothing_and_others_go_on(house: House, server: FeedServer) -> None:
    number = add(house, server.serve(entry("1", "Rents")))
    add(house, server.serve(entry("1", "Markets"), path="/events"), "events")
    with house.database.transaction() as session:
        topics.close(session, "housing")

    assert [result.error for result in fetch(house)] == [feeds.CLOSED, None]

    assert titles(house) == ["Markets"]
    assert held(house, number).last_error == feeds.CLOSED
    with pytest.raises(Refused, match="The topic housing is closed"):
        add(house, server.url("/more"))


def test_a_feed_that_was_removed_and_comes_back_brings_nothing_twice(house: House, server: FeedServer) -> None:
    feed_id = add(house, server.serve(entry("1", "Rents")))
    fetch(house)
    with house.database.transaction() as session:
        feeds.remove(session, feed_id)

    add(house, server.url())

    assert taken(house) == Taken(known=1)
    assert titles(house) == ["Rents"]


def test_a_new_feed_brings_its_newest_ten_oldest_first_and_never_the_others(
    house: House, server: FeedServer, clock: time_machine.Traveller
) -> None:
    old = [dated(f"entry {number}", days_ago=number / 10) for number in range(1, 13)]
    add(house, server.serve(*old))
    assert taken(house) == Taken(new=10, passed=2)
    assert titles(house) == [f"entry {number}" for number in range(10, 0, -1)]

    clock.shift(timedelta(hours=1))
    server.serve(entry("new", "new"), *old)

    assert taken(house) == Taken(new=1, known=12)
    assert titles(house)[-1] == "new"


def test_entries_without_date_are_new_in_the_order_in_which_they_stand(house: House, server: FeedServer) -> None:
    add(house, server.serve(*(entry(str(number), f"entry {number}") for number in range(1, 13))))

    assert taken(house) == Taken(new=10, passed=2)
    assert titles(house) == [f"entry {number}" for number in range(10, 0, -1)]


def test_what_was_old_when_the_feed_was_added_is_never_published(
    house: House, server: FeedServer, clock: time_machine.Traveller
) -> None:
    add(house, server.serve(dated("recent", 13.9), dated("old", 14.1)))
    assert taken(house) == Taken(new=1, passed=1)

    clock.shift(timedelta(hours=1))

    assert taken(house) == Taken(known=1, passed=1)
    assert titles(house) == ["recent"]


def test_a_date_is_respected_but_never_in_the_future(house: House, server: FeedServer) -> None:
    with time_machine.travel("2026-11-02T10:00:00Z", tick=False):
        add(house, server.serve(dated("yesterday", 1), dated("tomorrow", -1)))
        fetch(house)
        now = utcnow()

    assert {item.title: item.published_at for item in published(house)} == {
        "yesterday": now - timedelta(days=1),
        "tomorrow": now,
    }


def test_entries_that_say_nothing_or_can_t_be_told_again_are_refused(house: House, server: FeedServer) -> None:
    add(house, server.serve(entry("1", "", ""), "<item><title>No identity</title></item>", entry("2", "Rents")))

    assert taken(house) == Taken(new=1, refused=2)


def test_what_no_database_holds_does_no_harm(house: House, server: FeedServer) -> None:
    server.answers["/feed"] = Answer(
        b'<rss version="2.0"><channel><item><guid>a\0b&#0;</guid><title>R\0ents\xff\xed\xa0\x80</title></item>'
    )
    add(house, server.url())

    assert taken(house) == Taken(new=1)


def test_one_address_is_one_feed_in_any_spelling(house: House) -> None:
    first = add(house, "https://feeds.example.org/news.xml")

    with pytest.raises(Refused, match=f"there already, as {first}"):
        add(house, " HTTPS://Feeds.Example.org.:443/news.xml#top", "events")


def test_a_feed_needs_a_topic_and_an_address_that_is_fetched(house: House) -> None:
    with pytest.raises(NotFound, match="no such topic"):
        add(house, "https://feeds.example.org/", "gardens")
    with pytest.raises(FetchFailed, match="begins with"):
        add(house, "/etc/passwd")
    with pytest.raises(Refused, match="longer than 500"):
        add(house, "https://feeds.example.org/" + "a" * 500)


def test_a_feed_that_is_not_there_is_told(house: House) -> None:
    with pytest.raises(NotFound, match="no feed 7"):
        feeds.fetch_one(house.database, policy_of(house.config), 7, utcnow())
    with house.database.transaction() as session, pytest.raises(NotFound, match="no feed 7"):
        feeds.remove(session, 7)

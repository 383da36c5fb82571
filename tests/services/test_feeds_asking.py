"""When a feed is asked, and what becomes of one that fails, ends or is removed: nothing it does stops another."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import time_machine

from coalition.clock import utcnow
from coalition.models import Health
from coalition.services import feeds
from coalition.services.feeds import Result, Taken
from coalition.services.fetching import policy_of
from tests.house import House
from tests.services.feed_server import Answer, FeedServer, entry
from tests.services.feed_verbs import add, fetch, held, published, taken


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


def test_a_feed_is_asked_once_an_hour_and_only_for_what_changed(
    house: House, server: FeedServer, clock: time_machine.Traveller
) -> None:
    marks = {"ETag": '"1"', "Last-Modified": "Mon, 02 Nov 2026 10:00:00 GMT"}
    feed_id = add(house, server.serve(entry("1"), headers=marks))
    fetch(house)
    assert fetch(house) == []

    clock.shift(timedelta(hours=1))
    server.answers["/feed"] = Answer(status=304)

    assert taken(house) == Taken(unchanged=True)
    assert [headers["If-None-Match"] for _, headers in server.asked] == [None, '"1"']
    assert [headers["If-Modified-Since"] for _, headers in server.asked] == [None, marks["Last-Modified"]]
    assert held(house, feed_id).etag == '"1"'


def test_a_feed_that_fails_is_told_and_asked_later_each_time_up_to_a_day(
    house: House, server: FeedServer, clock: time_machine.Traveller
) -> None:
    feed_id = add(house, server.url())
    waits = []

    for failures in range(1, 9):
        (result,) = fetch(house)
        feed = held(house, feed_id)
        assert (result.error, feed.last_error) == ("The server answered 404 instead of a feed.",) * 2
        assert (feed.failures, feed.health) == (failures, Health.FAILING)
        waits.append((feed.next_at - utcnow()) / timedelta(hours=1))
        clock.move_to(feed.next_at)

    assert waits == [1, 2, 4, 8, 16, 24, 24, 24]


def test_a_feed_that_works_again_is_as_good_as_new(
    house: House, server: FeedServer, clock: time_machine.Traveller
) -> None:
    feed_id = add(house, server.url())
    fetch(house)

    clock.shift(timedelta(hours=1))
    server.serve(entry("1"))

    assert taken(house) == Taken(new=1)
    feed = held(house, feed_id)
    assert (feed.failures, feed.last_error, feed.health) == (0, None, Health.FINE)


def test_a_broken_feed_stops_no_other(house: House, server: FeedServer) -> None:
    server.answers["/page"] = Answer(b"<html>Not found</html>")
    server.answers["/away"] = Answer(status=302, headers={"Location": "http://169.254.169.254/latest/meta-data/"})
    told: list[Result] = []
    numbers = [add(house, server.url(path)) for path in ("/page", "/away", "/missing")]
    good = add(house, server.serve(entry("1", "Rents")))

    results = feeds.fetch_all(house.database, policy_of(house.config), utcnow(), told.append)

    assert told == results
    assert [result.feed_id for result in results if result.error] == numbers
    assert [result.taken for result in results if result.feed_id == good] == [Taken(new=1)]


def test_a_feed_that_is_gone_is_over_until_somebody_asks_it_again(
    house: House, server: FeedServer, clock: time_machine.Traveller
) -> None:
    server.answers["/feed"] = Answer(status=410)
    feed_id = add(house, server.url())
    (result,) = fetch(house)
    assert result.error == feeds.GONE
    assert held(house, feed_id).health is Health.OVER

    clock.shift(timedelta(days=30))
    assert fetch(house) == []
    server.serve(*(entry(str(number)) for number in range(12)))

    # It was never read before: it begins like a new one.
    again = feeds.fetch_one(house.database, policy_of(house.config), feed_id, utcnow())
    assert again.taken == Taken(new=10, passed=2)
    assert held(house, feed_id).health is Health.FINE


def test_a_feed_that_is_being_asked_is_nobody_else_s(house: House, server: FeedServer) -> None:
    add(house, server.serve(entry("1")))
    add(house, server.serve(entry("1"), path="/other"))
    others: list[Result] = []

    feeds.fetch_all(house.database, policy_of(house.config), utcnow(), lambda _: others.extend(fetch(house)))

    assert [path for path, _ in server.asked] == ["/feed", "/other"]
    assert len(others) == 1


def test_a_feed_that_died_with_its_process_is_asked_again(
    house: House, server: FeedServer, clock: time_machine.Traveller
) -> None:
    add(house, server.serve(entry("1")))

    class Killed(BaseException):
        pass

    def die(_host: str, _port: int) -> list[str]:
        raise Killed

    with pytest.raises(Killed):
        feeds.fetch_all(house.database, replace(policy_of(house.config), lookup=die), utcnow())
    assert fetch(house) == []

    clock.shift(timedelta(minutes=5))
    assert taken(house) == Taken(new=1)


def test_a_feed_removed_while_it_is_asked_leaves_nothing(house: House, server: FeedServer) -> None:
    feed_id = add(house, server.serve(entry("1")))

    def remove_meanwhile(_host: str, _port: int) -> list[str]:
        with house.database.transaction() as session:
            feeds.remove(session, feed_id)
        return ["127.0.0.1"]

    (result,) = feeds.fetch_all(house.database, replace(policy_of(house.config), lookup=remove_meanwhile), utcnow())

    assert result.error == "It was removed meanwhile."
    assert published(house) == []

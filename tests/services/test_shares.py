"""What a reader's copy holds and what it doesn't: caps that keep the newest, and say where the rest can be read."""

import re
from datetime import datetime, timedelta

import pytest
import time_machine

from coalition.clock import utcnow
from coalition.services import news
from coalition.services.readers import Reader
from tests.house import House, a_subscriber, parse, text_of
from tests.services.scenes import cursors
from tests.services.staffroom import (
    MONDAY,
    TITLES,
    digest,
    html_of,
    publish,
    settle_in,
    stories,
    tallies,
    titles_in,
)

ADA, BEN = "ada@example.org", "ben@example.org"
START = datetime.fromisoformat(MONDAY)
WEEK, DAY = timedelta(days=7), timedelta(days=1)


@pytest.fixture
def small(house: House) -> House:
    """A community whose letters hold two items of a topic."""
    return settle_in(house, items_per_topic=2)


def test_over_the_cap_the_newest_are_kept_and_the_rest_is_counted(small: House) -> None:
    a_subscriber(small, ADA, cursor=0)
    publish(small, 5)

    [letter] = digest(small)

    assert stories(letter) == TITLES[3:5]
    assert tallies(small) == [("housing", "capped", 3)]
    assert cursors(small, small.person(ADA)) == {"housing": 5}


def test_at_the_cap_nothing_is_left_to_the_archive(small: House) -> None:
    a_subscriber(small, ADA, cursor=0)
    publish(small, 2)

    [letter] = digest(small)

    assert stories(letter) == TITLES[:2]
    assert "more about" not in text_of(parse(letter))
    assert "/archive" not in html_of(letter)
    assert tallies(small) == []


def test_each_topic_has_a_cap_of_its_own(small: House) -> None:
    a_subscriber(small, ADA, ("housing", "events"), cursor=0)
    publish(small, 3)
    publish(small, 4, first=3, topic="events")

    [letter] = digest(small)

    assert stories(letter) == [*TITLES[1:3], *TITLES[5:7]]
    assert tallies(small) == [("events", "capped", 2), ("housing", "capped", 1)]


def test_what_is_capped_is_counted_for_each_reader(small: House) -> None:
    a_subscriber(small, ADA, cursor=0)
    a_subscriber(small, BEN, cursor=1)
    publish(small, 4)

    first, second = digest(small)

    assert stories(first) == stories(second) == TITLES[2:4]
    assert "And 2 more about Housing" in text_of(parse(first))
    assert "And 1 more about Housing" in text_of(parse(second))
    assert tallies(small) == [("housing", "capped", 3)]


@pytest.mark.parametrize("public", [True, False])
def test_a_letter_says_how_many_more_and_where_they_can_be_read_by_anybody(small: House, public: bool) -> None:
    house = settle_in(small, public=public)
    with time_machine.travel(START):
        a_subscriber(house, ADA, cursor=0)
        publish(house, 5)
        [letter] = digest(house)

    where = "http://localhost/archive/weekly-2026-W48#topic-housing"
    assert f"And 3 more about Housing:\n{where}\n" in text_of(parse(letter))
    assert f'href="{where}"' in html_of(letter)
    assert re.search("And 3 more about <bdi[^>]*>Housing</bdi></a>", html_of(letter))
    page = house.browser.get(where)
    assert page.status_code == 200
    assert titles_in(page.text, TITLES) == TITLES[:5]
    assert 'id="topic-housing"' in page.text


def test_the_next_letter_does_not_come_back_to_what_was_over_the_cap(small: House) -> None:
    with time_machine.travel(START) as clock:
        a_subscriber(small, ADA, cursor=0)
        publish(small, 5)
        digest(small)
        publish(small, 1, first=5)
        clock.move_to(START + WEEK)

        [letter] = digest(small)

    assert stories(letter) == [TITLES[5]]


def test_a_share_without_news_is_empty(house: House) -> None:
    ada = a_subscriber(house, ADA, cursor=0)
    reader = Reader(*[getattr(ada, fact) for fact in Reader._fields])
    with house.database.reading() as session:
        share = news.News(session, 0).share(reader, {1: 0}, utcnow(), 12)

    assert share == news.Share()

"""What becomes of the news of a break: all of it, as much as any letter holds, or nothing."""

from datetime import datetime, timedelta

import pytest
import time_machine

from coalition.clock import utcnow
from coalition.errors import Refused
from coalition.models import Issue, Outbound, PauseMode
from tests.house import House, a_subscriber, parse, text_of
from tests.services.scenes import cursors, deliveries, states
from tests.services.staffroom import (
    MONDAY,
    TITLES,
    digest,
    pause,
    publish,
    resume,
    rows,
    settle_in,
    stories,
    tallies,
)

ADA, BEN = "ada@example.org", "ben@example.org"
START = datetime.fromisoformat(MONDAY)
WEEK, DAY = timedelta(days=7), timedelta(days=1)


@pytest.fixture
def small(house: House) -> House:
    """A community whose letters hold two items of a topic."""
    return settle_in(house, items_per_topic=2)


def on_a_break(house: House, mode: PauseMode, *, days: int = 10) -> None:
    """Ada has had nothing yet and takes a break of some days."""
    ada = a_subscriber(house, ADA, cursor=0)
    pause(house, ada, utcnow() + timedelta(days=days), utcnow(), mode)


def test_a_break_that_catches_up_brings_all_of_it_whatever_the_cap(small: House) -> None:
    with time_machine.travel(START) as clock:
        on_a_break(small, PauseMode.CATCH_UP)
        publish(small, 5)
        clock.move_to(START + 2 * WEEK)
        publish(small, 1, first=5)

        [letter] = digest(small)

    assert stories(letter) == TITLES[:6]
    assert tallies(small) == []


def test_after_the_catching_up_the_cap_holds_again(small: House) -> None:
    with time_machine.travel(START) as clock:
        on_a_break(small, PauseMode.CATCH_UP)
        publish(small, 3)
        clock.move_to(START + 2 * WEEK)
        digest(small)
        publish(small, 4, first=3)
        clock.move_to(START + 3 * WEEK)

        [letter] = digest(small)

    assert stories(letter) == TITLES[5:7]


def test_a_capped_break_brings_as_much_as_any_letter_holds(small: House) -> None:
    with time_machine.travel(START) as clock:
        on_a_break(small, PauseMode.CAPPED)
        publish(small, 5)
        clock.move_to(START + 2 * WEEK)

        [letter] = digest(small)

    assert stories(letter) == TITLES[3:5]
    assert tallies(small) == [("housing", "capped", 3)]


def test_a_skipping_break_brings_only_what_came_after_it(small: House) -> None:
    with time_machine.travel(START) as clock:
        on_a_break(small, PauseMode.SKIP)
        publish(small, 5)
        clock.move_to(START + 2 * WEEK)
        publish(small, 1, first=5)

        [letter] = digest(small)

    assert stories(letter) == [TITLES[5]]
    assert "more about" not in text_of(parse(letter))
    assert tallies(small) == [("housing", "paused", 5)]


def test_an_item_at_the_moment_when_a_break_ends_comes(house: House) -> None:
    with time_machine.travel(START, tick=False) as clock:
        on_a_break(house, PauseMode.SKIP, days=7)
        clock.move_to(START + WEEK - timedelta(microseconds=1))
        publish(house, 1)
        clock.move_to(START + WEEK)
        publish(house, 1, first=1)

        [letter] = digest(house)

    assert stories(letter) == [TITLES[1]]


@pytest.mark.parametrize("mode", [PauseMode.CATCH_UP, PauseMode.CAPPED])
def test_while_a_break_lasts_nothing_goes_and_nothing_is_lost(house: House, mode: PauseMode) -> None:
    with time_machine.travel(START):
        on_a_break(house, mode)
        publish(house, 3)

        with pytest.raises(Refused, match="1 paused"):
            house.plan()

    assert cursors(house, house.person(ADA)) == {"housing": 0}
    assert (tallies(house), rows(house, Issue)) == ([], 0)


def test_while_a_skipping_break_lasts_the_news_is_counted_once(house: House) -> None:
    with time_machine.travel(START):
        on_a_break(house, PauseMode.SKIP)
        publish(house, 3)
        a_subscriber(house, BEN, cursor=0)

        assert [letter.recipient for letter in digest(house)] == [BEN]

    assert cursors(house, house.person(ADA)) == {"housing": 3}
    assert tallies(house) == [("housing", "paused", 3)]


def test_where_everybody_skips_the_count_stays_and_the_period_is_free(house: House) -> None:
    with time_machine.travel(START):
        on_a_break(house, PauseMode.SKIP)
        publish(house, 3)
        for _ in range(2):
            with pytest.raises(Refused, match="1 paused"):
                house.plan()
        assert tallies(house) == [("housing", "paused", 3)]
        a_subscriber(house, BEN, cursor=0)

        assert [letter.recipient for letter in digest(house)] == [BEN]


def brought_after_an_early_end(house: House, mode: PauseMode) -> list[str]:
    """Three items, the end of the break long before its day, and one more item."""
    with time_machine.travel(START) as clock:
        on_a_break(house, mode, days=30)
        publish(house, 3)
        clock.move_to(START + 3 * DAY)
        resume(house, house.person(ADA), utcnow())
        clock.move_to(START + WEEK)
        publish(house, 1, first=3)
        [letter] = digest(house)
    return stories(letter)


def test_a_break_that_ended_early_lasted_until_then(small: House) -> None:
    assert brought_after_an_early_end(small, PauseMode.SKIP) == [TITLES[3]]
    assert tallies(small) == [("housing", "paused", 3)]


def test_a_break_that_ended_early_is_caught_up_with(small: House) -> None:
    assert brought_after_an_early_end(small, PauseMode.CATCH_UP) == TITLES[:4]
    assert tallies(small) == []


def test_a_capped_break_that_ended_early_holds_no_more_than_any_letter(small: House) -> None:
    assert brought_after_an_early_end(small, PauseMode.CAPPED) == TITLES[2:4]
    assert tallies(small) == [("housing", "capped", 2)]


@pytest.mark.parametrize(("mode", "cursor"), [(PauseMode.CATCH_UP, 0), (PauseMode.CAPPED, 0), (PauseMode.SKIP, 3)])
def test_a_letter_that_waits_as_a_break_begins_does_not_go(house: House, mode: PauseMode, cursor: int) -> None:
    with time_machine.travel(START):
        ada = a_subscriber(house, ADA, cursor=0)
        publish(house, 3)
        issue = house.plan()
        pause(house, ada, utcnow() + WEEK, utcnow(), mode)
        house.send(issue)

        assert house.drain() == []

    assert states(deliveries(house)) == [Outbound.SKIPPED]
    assert cursors(house, ada) == {"housing": cursor}
    assert tallies(house) == [("housing", "paused", 3)]

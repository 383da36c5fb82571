"""Every delivery of every plan against a slow oracle in plain Python: the whole case of issue 3, and its accidents."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from coalition.clock import utcnow
from coalition.errors import Refused
from coalition.models import Cadence
from coalition.services import dealing, planning
from tests.bench.case import ITEMS, READERS
from tests.house import House
from tests.services.scenes import at_once
from tests.services.town import Town

START = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday, after the hour at which issues are due
WEEK = timedelta(days=7)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    """A clock that stands still until it is moved."""
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


@pytest.fixture
def few(house: House, clock: time_machine.Traveller) -> Town:
    """A small town, to plan in again and again."""
    return Town.found(house, 200, 60)


def test_every_delivery_of_the_whole_case_is_what_the_oracle_says(
    house: House, clock: time_machine.Traveller, database_kind: str
) -> None:
    # PostgreSQL plans as SQLite does; the small case proves that its SQL says the same.
    town = Town.found(house, READERS if database_kind == "sqlite" else READERS // 10, ITEMS - 80)
    town.send(*town.plan(Cadence.WEEKLY))

    clock.shift(WEEK)
    town.publish(40, since=START)
    town.withdraw(8)
    town.close(town.topics[2])
    town.live_on(40)
    issue, weekly = town.plan(Cadence.WEEKLY)
    town.send(issue, weekly, but=20)
    town.cancel(issue, weekly)
    town.publish(20, since=utcnow())
    town.send(*town.plan(Cadence.WEEKLY, before=[weekly]))
    town.send(*town.plan(Cadence.AS_IT_HAPPENS))

    clock.shift(4 * WEEK)
    town.end_closed()
    town.publish(20, since=START + WEEK)
    town.withdraw(4)
    town.live_on(40)
    town.send(*town.plan(Cadence.MONTHLY))
    town.send(*town.plan(Cadence.DAILY))

    assert len(town.oracle.news) == ITEMS
    assert set(town.seen) == {
        "paused",
        "suppressed",
        "served already",
        "nothing new",
        "closed",
        "capped items",
        "paused items",
        "longer than the cap",
    }


@pytest.mark.parametrize("page", [dealing.READERS_A_PAGE, 17], ids=["one page", "many pages"])
def test_pages_and_batches_change_nothing(few: Town, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dealing, "READERS_A_PAGE", page)
    monkeypatch.setattr(dealing, "LETTERS_A_BATCH", 10)

    for cadence in Cadence:
        _, edition = few.plan(cadence)
        assert edition.copies


def test_a_plan_that_is_made_again_is_the_same(few: Town) -> None:
    _, first = few.plan(Cadence.WEEKLY)
    few.oracle.take_back(first)

    _, second = few.plan(Cadence.WEEKLY)

    assert second.copies == first.copies


def crash_at(page: int) -> Callable[[int], None]:
    """Something that dies when so many pages are planned."""
    pages = iter(range(1, 1000))

    def progress(_: int) -> None:
        if next(pages) == page:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize("page", [1, 3])
def test_a_plan_that_died_in_the_middle_is_made_anew(few: Town, page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dealing, "READERS_A_PAGE", 20)
    with pytest.raises(KeyboardInterrupt):
        planning.plan(
            few.house.database,
            few.house.resources.letters,
            few.house.config.community,
            Cadence.WEEKLY,
            subject=None,
            intro_md="",
            now=utcnow(),
            progress=crash_at(page),
        )
    expected = few.oracle.plan(Cadence.WEEKLY, utcnow())

    assert few.differences(few.house.plan(Cadence.WEEKLY), expected) == {}


def test_late_news_comes_to_those_who_want_it_when_the_plan_is_made_again(few: Town) -> None:
    _, first = few.plan(Cadence.DAILY)
    few.oracle.take_back(first)
    few.publish(1, since=utcnow())
    late = few.oracle.news[-1]

    _, second = few.plan(Cadence.DAILY)

    more = {reader for reader, copy in second.copies.items() if late.id in copy.items}
    assert more
    for reader in second.copies.keys() - more:
        assert second.copies[reader] == first.copies[reader]


def test_plans_made_at_once_end_with_one_that_is_whole(few: Town) -> None:
    def try_to_plan(_: int) -> int | None:
        try:
            return few.house.plan(Cadence.WEEKLY)
        except Refused:
            return None

    assert any(at_once(4, try_to_plan))
    expected = few.oracle.plan(Cadence.WEEKLY, utcnow())

    assert few.differences(few.house.plan(Cadence.WEEKLY), expected) == {}

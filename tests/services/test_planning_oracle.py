"""Every delivery of every plan against a slow oracle in plain Python: the whole case of issue 3, and its accidents."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from coalition.clock import utcnow
from coalition.errors import Refused
from coalition.models import Cadence, Issue, Phase
from coalition.services import dealing
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
        "withdrawn items",
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


@pytest.fixture
def half_planned(few: Town, monkeypatch: pytest.MonkeyPatch) -> int:
    """A weekly issue whose planner died after two pages of 20 readers. Its number."""
    monkeypatch.setattr(dealing, "READERS_A_PAGE", 20)
    with pytest.raises(KeyboardInterrupt):
        few.start_to_plan(Cadence.WEEKLY, crash_at(2))
    with few.house.database.reading() as session:
        return session.scalars(select(Issue.id).where(Issue.state == Phase.PLANNING)).one()


def test_a_plan_that_died_in_the_middle_is_gone_on_with(few: Town, half_planned: int) -> None:
    seen: list[int] = []

    expected = few.oracle.plan(Cadence.WEEKLY, utcnow())
    made = few.start_to_plan(Cadence.WEEKLY, seen.append)

    assert made.issue_id == half_planned
    assert made.replaced is None
    assert sum(seen) == sum(Counter(made.left_out).values()) + made.letters - 40
    assert few.differences(made.issue_id, expected) == {}
    assert made.left_out == expected.left_out
    assert few.not_mailed(made.issue_id) == +expected.not_mailed


@pytest.mark.parametrize("change", ["a subject", "news", "a withdrawal", "another planner"])
def test_a_plan_that_died_in_the_middle_is_made_anew_where_it_would_become_another(
    few: Town, half_planned: int, change: str
) -> None:
    if change == "news":
        few.publish(1, since=utcnow())
    if change == "a withdrawal":
        few.withdraw_what_is_in(half_planned)

    expected = few.oracle.plan(Cadence.WEEKLY, utcnow())
    made = few.start_to_plan(
        Cadence.WEEKLY,
        subject="Of the week" if change == "a subject" else "The digest",
        planned_by="ben" if change == "another planner" else "ada",
    )

    assert made.replaced == half_planned
    assert few.items(made.issue_id) == {reader: copy.items for reader, copy in expected.copies.items()}
    assert made.left_out == expected.left_out


def test_several_who_go_on_with_a_plan_share_its_pages(few: Town, half_planned: int) -> None:
    expected = few.oracle.plan(Cadence.WEEKLY, utcnow())

    made = at_once(4, lambda _: few.start_to_plan(Cadence.WEEKLY))

    # Whoever comes when it is whole already replaces it, as always.
    assert half_planned in {plan.issue_id for plan in made}
    assert few.differences(max(plan.issue_id for plan in made), expected) == {}


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

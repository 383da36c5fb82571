"""Issues that go without anybody: once a period, whoever calls, and only those that `community.toml` names."""

from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import delete, select, update

from coalition.clock import utcnow
from coalition.models import Cadence, Fragment, Issue, JobRun, PauseMode, Phase
from coalition.services import cancelling, issues, opening
from tests.house import House, a_subscriber, parse, text_of
from tests.services.scenes import an_audience, at_once
from tests.services.staffroom import MONDAY, pause, plan_as, rows, settle_in, tick, titles_in

ADA = "ada@example.org"
NOON = datetime.fromisoformat(MONDAY)
DAY = timedelta(days=1)


def phases(house: House) -> list[Phase]:
    """How the issues stand, oldest first."""
    with house.database.reading() as session:
        return list(session.scalars(select(Issue.state).order_by(Issue.id)))


def reader(house: House, cadence: Cadence) -> None:
    """Ada, and an item of yesterday that she has not had."""
    a_subscriber(house, ADA, cadence=cadence, cursor=0)
    with time_machine.travel(NOON - DAY, tick=False):
        house.publish(title="Yesterday's")


@pytest.mark.parametrize("cadence", [Cadence.DAILY, Cadence.AS_IT_HAPPENS])
def test_they_go_by_themselves_and_once(house: House, cadence: Cadence) -> None:
    with time_machine.travel(NOON, tick=False):
        reader(house, cadence)

        assert tick(house, utcnow()) == {cadence.value: 1}
        assert tick(house, utcnow()) == {}

        assert [letter.recipient for letter in house.drain()] == [ADA]
    assert phases(house) == [Phase.SENT]


@pytest.mark.parametrize("cadence", [Cadence.DAILY, Cadence.AS_IT_HAPPENS])
def test_four_at_once_send_one_issue(house: House, cadence: Cadence) -> None:
    with time_machine.travel(NOON, tick=False):
        an_audience(house, 40, cadence)
        with time_machine.travel(NOON - DAY, tick=False):
            house.publish()

        done = at_once(4, lambda _: tick(house, NOON))

        assert sorted(map(len, done)) == [0, 0, 0, 1]
        assert len({letter.recipient for letter in house.drain()}) == 40
    assert len(house.relay.received) == 40
    assert phases(house) == [Phase.SENT]


def test_each_item_goes_as_it_happens(house: House) -> None:
    a_subscriber(house, ADA, cadence=Cadence.AS_IT_HAPPENS, cursor=0)
    for number in range(3):
        house.publish(title=f"Item {number}")
        tick(house, utcnow())
        [letter] = house.drain()
        assert titles_in(text_of(parse(letter)), ["Item 0", "Item 1", "Item 2"]) == [f"Item {number}"]


def test_a_day_has_one_letter_and_what_came_after_its_hour_waits_for_the_next(house: House) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        a_subscriber(house, ADA, cadence=Cadence.DAILY, cursor=0)
        house.publish(title="Noon")
        assert tick(house, utcnow()) == {}
        clock.shift(19 * 3600)
        assert tick(house, utcnow()) == {}  # seven in the morning
        clock.shift(3600)

        assert tick(house, utcnow()) == {"daily": 1}
        house.drain()
        house.publish(title="After eight")
        clock.shift(3600)
        assert tick(house, utcnow()) == {}


def test_after_days_without_power_one_letter_makes_up_for_all(house: House) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        a_subscriber(house, ADA, cadence=Cadence.DAILY, cursor=0)
        titles = [f"Day {number}" for number in range(5)]
        for title in titles:
            house.publish(title=title)
            clock.shift(DAY)

        assert tick(house, utcnow()) == {"daily": 1}
        assert tick(house, utcnow()) == {}
        [letter] = house.drain()

    assert titles_in(text_of(parse(letter)), titles) == titles


def test_without_news_there_is_no_issue_and_no_trace(house: House) -> None:
    for cadence in Cadence:
        a_subscriber(house, f"{cadence}@example.org", cadence=cadence)

    assert tick(house, utcnow()) == {}

    assert (rows(house, Issue), rows(house, JobRun)) == (0, 0)


def test_news_for_nobody_but_who_is_on_a_break_makes_no_issue(house: House) -> None:
    with time_machine.travel(NOON, tick=False):
        reader(house, Cadence.DAILY)
        pause(house, house.person(ADA), utcnow() + 7 * DAY, utcnow(), PauseMode.CATCH_UP)

        for _ in range(3):
            assert tick(house, utcnow()) == {}

    assert (rows(house, Issue), rows(house, JobRun)) == (0, 1)


@pytest.mark.parametrize("cadence", [Cadence.WEEKLY, Cadence.MONTHLY])
def test_weeks_and_months_are_staffs_unless_the_community_says_so(house: House, cadence: Cadence) -> None:
    with time_machine.travel(NOON, tick=False):
        reader(house, cadence)
        with time_machine.travel(NOON - 40 * DAY, tick=False):
            house.publish()
        assert tick(house, utcnow()) == {}

        configured = settle_in(house, automatic=[cadence.value])

        assert tick(configured, utcnow()) == {cadence.value: 1}
        assert tick(configured, utcnow()) == {}
        assert len(house.drain()) == 1


def test_what_the_community_does_not_name_stays(house: House) -> None:
    with time_machine.travel(NOON, tick=False):
        reader(house, Cadence.DAILY)

        assert tick(settle_in(house, automatic=[]), utcnow()) == {}

    assert rows(house, Issue) == 0


def test_where_issues_are_approved_they_are_planned_only(house: House) -> None:
    careful = settle_in(house, approval=True)
    with time_machine.travel(NOON, tick=False):
        reader(careful, Cadence.DAILY)
        assert tick(careful, utcnow()) == {"daily": 1}
        assert tick(careful, utcnow()) == {}
        assert careful.drain() == []
        assert phases(careful) == [Phase.PLANNED]

        with careful.database.transaction() as session:
            issues.approve(session, 1, "bea")
        careful.send(1)

        assert len(careful.drain()) == 1


@pytest.mark.parametrize("cadence", [Cadence.DAILY, Cadence.AS_IT_HAPPENS])
def test_what_staff_planned_is_theirs_to_send(house: House, cadence: Cadence) -> None:
    with time_machine.travel(NOON, tick=False):
        reader(house, cadence)
        plan_as(house, "bea", utcnow(), cadence)

        assert tick(house, utcnow()) == {}

    assert phases(house) == [Phase.PLANNED]


def test_what_staff_cancelled_does_not_come_back_by_itself(house: House) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        reader(house, Cadence.DAILY)
        tick(house, utcnow())
        cancelling.cancel(house.database, 1, utcnow())
        assert tick(house, utcnow()) == {}
        clock.shift(DAY)

        assert tick(house, utcnow()) == {"daily": 1}
        assert len(house.drain()) == 1


def test_what_must_not_leave_stays_planned_and_is_not_pushed_out_by_the_next_call(house: House) -> None:
    with time_machine.travel(NOON, tick=False):
        a_subscriber(house, ADA, cadence=Cadence.AS_IT_HAPPENS, cursor=0)
        house.publish(text="Lorem ipsum dolor sit amet.")

        for _ in range(2):
            tick(house, utcnow())

        assert house.drain() == []
    assert phases(house) == [Phase.PLANNED]


def test_a_program_that_died_before_it_could_send_leaves_that_to_the_next(house: House) -> None:
    with time_machine.travel(NOON, tick=False):
        reader(house, Cadence.DAILY)
        plan_as(house, None, utcnow(), Cadence.DAILY)

        tick(house, utcnow())

        assert len(house.drain()) == 1


def half_planned(house: House) -> None:
    """An issue as a program left it that died before the last step of planning."""
    reader(house, Cadence.DAILY)
    plan_as(house, None, utcnow(), Cadence.DAILY)
    with house.database.transaction() as session:
        session.execute(update(Issue).values(state=Phase.PLANNING, plan_hash=None))
        session.execute(delete(Fragment))


def test_a_program_that_was_silent_for_long_while_it_planned_is_taken_for_dead_and_gone_on_with(house: House) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        half_planned(house)
        clock.shift(opening.SILENT)
        assert tick(house, utcnow()) == {}
        clock.shift(1)

        assert tick(house, utcnow()) == {"daily": 1}
        [letter] = house.drain()

    assert "Yesterday's" in text_of(parse(letter))
    assert phases(house) == [Phase.SENT]


def test_what_was_half_planned_on_another_day_comes_with_the_next_issue(house: House) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        half_planned(house)
        clock.shift(DAY)

        assert tick(house, utcnow()) == {"daily": 1}
        [letter] = house.drain()

    assert "Yesterday's" in text_of(parse(letter))
    assert phases(house) == [Phase.CANCELLED, Phase.SENT]

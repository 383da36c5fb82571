"""`coalition digest plan --if-new`: for a timer, which must not be told of an error where there is nothing to do."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import delete, select, update

from coalition.models import Fragment, Issue, Phase
from tests.cli.shell import Shell
from tests.house import a_subscriber

_NOW = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)  # a Monday


@pytest.fixture
def week() -> Iterator[time_machine.Traveller]:
    """A Monday that lasts."""
    with time_machine.travel(_NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def town(shell: Shell, week: time_machine.Traveller) -> Shell:
    """Two readers, and news."""
    for name in ("ada", "bob"):
        a_subscriber(shell.house, f"{name}@example.org", cursor=0)
    shell.house.publish()
    return shell


def test_a_timer_plans_what_is_new(town: Shell) -> None:
    assert "Issue 1: 2 letters" in town.run("digest", "plan", "weekly", "--if-new").out
    assert town.audit() == [("digest plan", "1")]


def _go(town: Shell, phase: Phase) -> None:
    """Bring issue 1 so far."""
    town.run("digest", "plan", "weekly")
    if phase is Phase.PLANNING:
        with town.house.database.transaction() as session:
            session.execute(update(Issue).values(state=Phase.PLANNING))
    if phase is Phase.APPROVED:
        town.who = "bea"
        town.run("digest", "approve", "weekly")
    if phase in {Phase.SENDING, Phase.HELD, Phase.SENT}:
        town.run("digest", "send", "weekly", "--yes", "--no-wait", "--at-once")
    if phase is Phase.HELD:
        town.run("digest", "hold", "weekly")
    if phase is Phase.SENT:
        town.house.drain()


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.CANCELLED])
def test_a_timer_leaves_an_issue_of_the_period_alone_and_ends_well(town: Shell, phase: Phase) -> None:
    _go(town, phase)

    said = town.run("digest", "plan", "weekly", "--if-new")

    [line] = said.out.splitlines()
    assert line.startswith("The weekly issue of 2026-W48 is ")
    assert "(issue 1)" in line
    assert town.run("digest", "plan", "weekly", "--if-new", "--json").json == []
    with town.house.database.reading() as session:
        assert list(session.scalars(select(Issue.state))) == [phase]


def test_a_timer_goes_on_where_a_planner_died(town: Shell, week: time_machine.Traveller) -> None:
    town.run("digest", "plan", "weekly")
    with town.house.database.transaction() as session:  # as far as a planner came that died before its last step
        session.execute(update(Issue).values(state=Phase.PLANNING, plan_hash=None))
        session.execute(delete(Fragment))
    week.shift(timedelta(minutes=10, seconds=1))

    said = town.run("digest", "plan", "weekly", "--if-new").out

    assert "Issue 1: 2 letters" in said
    assert "is cancelled" not in said


def test_a_timer_ends_well_where_there_is_nothing_for_anybody(shell: Shell) -> None:
    assert shell.run("digest", "plan", "weekly", "--if-new").out == "Nobody has a weekly subscription yet.\n"
    a_subscriber(shell.house)
    assert shell.run("digest", "plan", "weekly", "--if-new").out == "There is nothing to send: 1 nothing new.\n"
    assert shell.run("digest", "plan", "weekly", "--if-new", "--json").json == []
    assert shell.run("digest", "list", "--json").json == []
    assert shell.audit() == []


def test_without_a_timer_the_same_is_an_error(shell: Shell) -> None:
    assert shell.refused("digest", "plan", "weekly") == "Nobody has a weekly subscription yet."

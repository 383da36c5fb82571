"""`coalition digest approve`, `send --on` and `--at-once`: who lets an issue go, and when."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy import select

from coalition.models import Batch, Issue
from coalition.services import preferences
from coalition.services.moments import Hour
from tests.cli.shell import Shell
from tests.house import a_subscriber

_NOW = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)  # a Monday


@pytest.fixture
def planned(shell: Shell) -> Shell:
    """An issue 1, which ann planned: ada has it at once, bob on Fridays at seven in Lisbon."""
    a_subscriber(shell.house, "ada@example.org")
    bob = a_subscriber(shell.house, "bob@example.org")
    with shell.house.database.transaction() as session:
        preferences.choose_hour(session, bob, Hour("Europe/Lisbon", 7, 4))
    shell.house.publish()
    _as(shell, "ann").run("digest", "plan", "weekly")
    return shell


def _as(shell: Shell, who: str) -> Shell:
    """The shell of somebody else on this machine."""
    shell.who = who
    return shell


def _want_approval(shell: Shell) -> None:
    path = shell.house.config.home / "community.toml"
    text = path.read_text("utf-8")
    assert "approval = false" in text
    path.write_text(text.replace("approval = false", "approval = true "), "utf-8")


def _state(shell: Shell) -> str:
    return str(shell.run("digest", "status", "1", "--json").json[0]["state"])


def _due(shell: Shell) -> list[datetime | None]:
    with shell.house.database.reading() as session:
        return list(session.scalars(select(Batch.due_at).where(Batch.issue_id == 1).order_by(Batch.due_at)))


def test_a_variable_makes_nobody_a_second_person(planned: Shell) -> None:
    _want_approval(planned)
    planned.settings |= dict.fromkeys(("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"), "bea")

    assert "You planned this issue yourself" in planned.refused("digest", "approve", "weekly")
    assert _state(planned) == "planned"


def test_where_approval_is_wanted_a_second_person_gives_it(planned: Shell) -> None:
    _want_approval(planned)

    assert "a second person has to approve it first" in planned.refused("digest", "send", "1", "--yes")
    assert "You planned this issue yourself" in planned.refused("digest", "approve", "weekly")
    assert _state(planned) == "planned"
    said = _as(planned, "bea").run("digest", "approve", "weekly").out
    assert said.endswith(" is approved. Send it: coalition digest send 1\n")
    assert _state(planned) == "approved"
    with planned.house.database.reading() as session:
        issue = session.get_one(Issue, 1)
    assert (issue.planned_by, issue.approved_by) == ("ann", "bea")
    _as(planned, "ann").run("digest", "send", "1", "--yes", "--no-wait", "--at-once")
    assert len(planned.house.drain()) == 2
    assert planned.audit() == [("digest plan", "1"), ("digest approve", "1"), ("digest send", "1")]


def test_approving_again_changes_nothing(planned: Shell) -> None:
    _as(planned, "bea").run("digest", "approve", "1")
    _as(planned, "cem").run("digest", "approve", "1")

    with planned.house.database.reading() as session:
        assert session.get_one(Issue, 1).approved_by == "bea"


def test_only_a_planned_issue_can_be_approved(planned: Shell) -> None:
    planned.run("digest", "cancel", "1", "--yes")

    line = _as(planned, "bea").refused("digest", "approve", "1")

    assert line == "Issue 1 is cancelled: only a planned issue can be approved."
    assert "There is no issue 7" in planned.refused("digest", "approve", "7")


def test_a_new_plan_needs_a_new_approval(planned: Shell) -> None:
    _want_approval(planned)
    _as(planned, "bea").run("digest", "approve", "weekly")
    _as(planned, "ann").run("digest", "plan", "weekly")

    assert "a second person has to approve it first" in planned.refused("digest", "send", "weekly", "--yes")


def test_each_reader_has_it_at_their_own_hour(planned: Shell) -> None:
    with time_machine.travel(_NOW, tick=False) as clock:
        planned.run("digest", "send", "1", "--yes", "--no-wait")

        friday = datetime(2026, 11, 27, 7, tzinfo=ZoneInfo("Europe/Lisbon"))
        assert _due(planned) == [_NOW, friday]
        assert [each.recipient for each in planned.house.drain()] == ["ada@example.org"]
        assert _state(planned) == "sending"
        assert "1  of them later, the first at 2026-11-27 07:00 UTC\n" in planned.run("digest", "status", "1").out
        [facts] = planned.run("digest", "status", "1", "--json").json
        assert (facts["later"], facts["next_at"]) == (1, "2026-11-27T07:00:00+00:00")
        clock.move_to(friday - timedelta(seconds=1))
        assert planned.house.drain() == []
        clock.move_to(friday)
        assert [each.recipient for each in planned.house.drain()] == ["bob@example.org"]
        assert _state(planned) == "sent"
        assert "later" not in planned.run("digest", "status", "1").out


def test_at_once_is_at_once_for_everybody(planned: Shell) -> None:
    with time_machine.travel(_NOW, tick=False):
        planned.run("digest", "send", "1", "--yes", "--no-wait", "--at-once")

        assert _due(planned) == [_NOW, _NOW]
        assert len(planned.house.drain()) == 2


@pytest.mark.parametrize(
    ("on", "goes_at"),
    [
        ("2026-12-01T08:00", datetime(2026, 12, 1, 8, tzinfo=ZoneInfo("Europe/London"))),
        ("2027-07-01T08:00", datetime(2027, 7, 1, 7, tzinfo=UTC)),  # summer time in the community's zone
        ("2026-12-01T08:00+05:00", datetime(2026, 12, 1, 3, tzinfo=UTC)),
        ("2026-11-24", datetime(2026, 11, 24, tzinfo=UTC)),
    ],
)
def test_an_issue_goes_on_the_day_that_was_named(planned: Shell, on: str, goes_at: datetime) -> None:
    with time_machine.travel(_NOW, tick=False) as clock:
        said = planned.run("digest", "send", "1", "--yes", "--at-once", "--on", on).out

        assert "Issue 1 goes to 2 readers" in said
        assert _due(planned) == [goes_at, goes_at]
        clock.move_to(goes_at - timedelta(seconds=1))
        assert planned.house.drain() == []
        clock.move_to(goes_at)
        assert len(planned.house.drain()) == 2


def test_from_the_named_day_on_each_reader_has_it_at_their_own_hour(planned: Shell) -> None:
    with time_machine.travel(_NOW, tick=False):
        planned.run("digest", "send", "1", "--yes", "--on", "2026-11-28T08:00")

        assert _due(planned) == [datetime(2026, 11, 28, 8, tzinfo=UTC), datetime(2026, 12, 4, 7, tzinfo=UTC)]


def test_a_named_day_is_told_in_the_communitys_time(planned: Shell) -> None:
    with time_machine.travel(_NOW, tick=False):
        said = planned.run("digest", "send", "1", "--yes", "--on", "2027-07-01T08:00").out

    assert "It goes at 2027-07-01 08:00 BST; readers who chose an hour, at theirs after that.\n" in said


def test_what_waits_for_its_day_can_be_stopped_and_sending_again_moves_nothing(planned: Shell) -> None:
    with time_machine.travel(_NOW, tick=False) as clock:
        planned.run("digest", "send", "1", "--yes", "--at-once", "--on", "2026-12-01T08:00")
        before = _due(planned)
        planned.run("digest", "send", "1", "--yes", "--on", "2026-12-24")
        assert _due(planned) == before
        planned.run("digest", "cancel", "1", "--yes")
        clock.move_to(datetime(2026, 12, 2, tzinfo=UTC))
        assert planned.house.drain() == []


def test_a_moment_that_is_none_or_over_is_told_in_one_line(planned: Shell) -> None:
    with time_machine.travel(_NOW, tick=False):
        for on in ("soon", "2026-13-01", "8:00", "2026-12-01 25:00", "x" * 500, "0"):
            line = planned.refused("digest", "send", "1", "--yes", "--on", on)
            assert line == "`--on` is of the form 2026-12-01T08:00."
        for on in ("2026-11-23T12:04", "2026-11-22", "0001-01-01", "2026-11-23T12:05+01:00"):
            assert planned.refused("digest", "send", "1", "--yes", "--on", on) == "`--on` lies in the past."
        assert _state(planned) == "planned"
        assert _due(planned) == [None, None]

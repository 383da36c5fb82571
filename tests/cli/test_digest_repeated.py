"""Every step of an issue a second time, and in a state that it does not fit: no harm, and a plain word about it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from coalition.models import Batch, Delivery, Issue, Subscription, Tally
from tests.cli.shell import Shell
from tests.house import a_subscriber
from tests.services.staffroom import stories, tallies

_NOW = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)  # a Monday

Step = tuple[str, ...]
# What went before, the step, and what is said of it.
Steps = dict[str, tuple[list[Step], Step, str]]

PLAN: Step = ("plan", "weekly", "--subject", "The week")
SEND: Step = ("send", "weekly", "--yes", "--no-wait")
DRAIN: Step = ("drain",)  # no command: the senders send what is due


@pytest.fixture
def town(shell: Shell) -> Iterator[Shell]:
    """Two readers and one story, on a Monday that lasts; ann and bea are staff."""
    with time_machine.travel(_NOW, tick=False):
        for name in ("ada", "bob"):
            a_subscriber(shell.house, f"{name}@example.org", cursor=0)
        shell.house.publish(title="Story A")
        yield shell


def do(town: Shell, *steps: Step) -> str:
    """Take steps; whoever approves is somebody else. Returns what the last command said."""
    said = ""
    for step in steps:
        if step == DRAIN:
            town.house.drain()
            continue
        town.who = "bea" if step[0] == "approve" else "ann"
        said = town.run("digest", *step).out
    return said


def snapshot(town: Shell) -> list[object]:
    """All that a step could change, the record of who did what included."""
    tables = (Issue, Delivery, Batch, Tally, Subscription)
    with town.house.database.reading() as session:
        rows = [[tuple(row) for row in session.execute(select(table.__table__)).all()] for table in tables]
    return [*(sorted(each, key=str) for each in rows), town.audit()]


TWICE: Steps = {
    "approve": ([PLAN], ("approve", "weekly"), "is approved already, by bea."),
    "send": ([PLAN], SEND, "Issue 1 is sending already: nobody gets it twice, and nothing was changed."),
    "send at another time": (
        [PLAN, SEND],
        (*SEND, "--at-once", "--on", "2026-12-24"),
        "Issue 1 is sending already: nobody gets it twice, and nothing was changed.",
    ),
    "send what was sent": (
        [PLAN, SEND, DRAIN],
        (*SEND, "--allow", "dead-link", "--because", "no"),
        "Issue 1 is sent already: nobody gets it twice, and nothing was changed.",
    ),
    "hold": ([PLAN, SEND], ("hold", "weekly"), "Issue 1 is held already; letters that wait: 2."),
    "resume": ([PLAN, SEND, ("hold", "weekly")], ("resume", "weekly"), "Issue 1 is sending already; letters to go: 2."),
    "cancel a plan": ([PLAN], ("cancel", "weekly", "--yes"), "Issue 1 is cancelled already."),
    "cancel what is on its way": ([PLAN, SEND], ("cancel", "1", "--yes"), "Issue 1 is cancelled already."),
    "plan with a timer": (
        [],
        ("plan", "weekly", "--if-new"),
        "The weekly issue of 2026-W48 is planned already (issue 1).",
    ),
    "preview": ([PLAN], ("preview", "weekly", "--no-browser"), "index.html"),
}


@pytest.mark.parametrize("name", TWICE)
def test_a_second_time_changes_nothing_and_says_so(town: Shell, name: str) -> None:
    before, step, word = TWICE[name]
    do(town, *before, step)
    once = snapshot(town)

    said = do(town, step)

    assert word in said
    assert snapshot(town) == once


def test_planning_twice_leaves_one_plan_of_the_same_content(town: Shell) -> None:
    said = [do(town, PLAN), do(town, PLAN)]

    first, second = (each.partition("plan ")[2].partition(".")[0] for each in said)
    assert first == second
    assert "Issue 1, which was planned before, is cancelled." in said[1]
    assert [each["state"] for each in town.run("digest", "list", "--json").json] == ["planned", "cancelled"]
    do(town, SEND)
    assert sorted(each.recipient for each in town.house.drain()) == ["ada@example.org", "bob@example.org"]


def test_a_test_letter_comes_as_often_as_it_is_asked_for_and_to_nobody_else(town: Shell) -> None:
    do(town, PLAN, ("test", "weekly", "ann@example.org"), ("test", "weekly", "ann@example.org"))

    assert [each.recipient for each in town.house.drain()] == ["ann@example.org"] * 2
    assert town.run("digest", "status", "weekly", "--json").json[0]["deliveries"] == {"queued": 2}


def test_cancelling_again_by_name_does_not_cancel_the_week_before(town: Shell) -> None:
    with time_machine.travel(_NOW, tick=False) as clock:
        do(town, PLAN, ("send", "weekly", "--yes", "--no-wait", "--on", "2026-12-24"))
        clock.shift(timedelta(days=7))
        town.house.publish(title="Story B")
        do(town, PLAN)

        for _ in range(2):
            do(town, ("cancel", "weekly", "--yes"))

    rows = town.run("digest", "list", "--json").json
    assert [(each["issue"], each["state"]) for each in rows] == [(2, "cancelled"), (1, "sending")]


@pytest.mark.parametrize("verb", ["approve", "send", "hold", "resume"])
def test_after_cancelling_no_step_falls_back_on_the_week_before(town: Shell, verb: str) -> None:
    with time_machine.travel(_NOW, tick=False) as clock:
        do(town, PLAN)
        clock.shift(timedelta(days=7))
        town.house.publish(title="Story B")
        do(town, PLAN, ("cancel", "weekly", "--yes"))
        before = snapshot(town)

        line = town.refused("digest", verb, "weekly")

    assert line.startswith("Issue 2 is cancelled: ")
    assert snapshot(town) == before


UNFIT: Steps = {
    "approve what is on its way": ([PLAN, SEND], ("approve", "1"), "Issue 1 is sending: only a planned issue"),
    "approve one's own": ([PLAN], ("approve", "1"), "You planned this issue yourself"),
    "send what is held": (
        [PLAN, SEND, ("hold", "1")],
        ("send", "1", "--yes"),
        "Issue 1 is held: `coalition digest resume 1` lets it go on.",
    ),
    "send what is cancelled": ([PLAN, ("cancel", "1", "--yes")], ("send", "1"), "Issue 1 is cancelled: only a planned"),
    "hold a plan": ([PLAN], ("hold", "1"), "Issue 1 is planned: this can be done only while it is sending."),
    "hold what was sent": ([PLAN, SEND, DRAIN], ("hold", "1"), "Issue 1 is sent: this can be done only while"),
    "resume a plan": ([PLAN], ("resume", "1"), "Issue 1 is planned: this can be done only while it is held."),
    "cancel what was sent": ([PLAN, SEND, DRAIN], ("cancel", "1"), "Issue 1 has been sent."),
    "plan what was sent": ([PLAN, SEND, DRAIN], PLAN, "The weekly issue of 2026-W48 is sent already (issue 1)."),
    "plan what is held": ([PLAN, SEND, ("hold", "1")], PLAN, "The weekly issue of 2026-W48 is held already"),
}


@pytest.mark.parametrize("name", UNFIT)
def test_a_step_that_does_not_fit_is_refused_without_a_question_and_changes_nothing(town: Shell, name: str) -> None:
    before, step, word = UNFIT[name]
    do(town, *before)
    was = snapshot(town)

    assert town.refused("digest", *step).startswith(word)
    assert snapshot(town) == was


def test_whoever_cancels_an_issue_that_another_has_overtaken_is_told_what_is_lost(town: Shell) -> None:
    warning = (
        "Issue 2 was planned after it, and counts its readers as served up to there. What issue 1"
        " has not mailed yet (2 letters) is counted as cancelled: no later issue brings it.\n"
    )
    with time_machine.travel(_NOW, tick=False) as clock:
        do(town, PLAN)
        clock.shift(timedelta(days=7))
        town.house.publish(title="Story B")
        do(town, PLAN)

        asked = town.run("digest", "cancel", "1", answer="n\n", code=1).out
        assert asked.startswith(warning + "Cancel issue 1, “The week”?")
        assert do(town, ("cancel", "1", "--yes")).startswith(warning + "Issue 1 is cancelled.\n")

        do(town, SEND)
        assert [stories(letter) for letter in town.house.drain()] == [["Story B"], ["Story B"]]
    assert tallies(town.house) == [("housing", "cancelled", 2)]


def test_an_issue_that_nothing_has_overtaken_is_cancelled_without_that_word(town: Shell) -> None:
    with time_machine.travel(_NOW, tick=False) as clock:
        do(town, PLAN)
        assert do(town, ("cancel", "1", "--yes")) == (
            "Issue 1 is cancelled.\n         2  cancelled\n         2  items of Housing not mailed: cancelled\n"
        )
        clock.shift(timedelta(days=7))
        town.house.publish(title="Story B")
        do(town, PLAN, SEND)

        assert [stories(letter) for letter in town.house.drain()] == [["Story A", "Story B"]] * 2

"""`coalition digest plan`: what `--explain` and `--json` tell, what `--if-new` does for a timer, and `--online`."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from coalition.clock import utcnow
from coalition.models import Cadence, Format, Suppression
from coalition.models.people import Scope
from coalition.services import preferences
from coalition.services.moments import Hour
from tests.cli.shell import Shell
from tests.house import a_subscriber
from tests.services.scenes import leave

_NOW = datetime(2026, 11, 23, 12, 5, tzinfo=UTC)  # a Monday


@pytest.fixture
def week() -> Iterator[time_machine.Traveller]:
    """A Monday that lasts."""
    with time_machine.travel(_NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def town(shell: Shell, week: time_machine.Traveller) -> Shell:
    """Four who get something, and four who don't: on a break, suppressed, with nothing new, and of another rhythm."""
    house = shell.house
    house.publish("housing", "Rents fall", "They do.")
    house.publish("housing", "Rents rise", "They do.")
    house.publish("events", "A meeting", "Come.")
    for name in ("ada", "bea"):
        a_subscriber(house, f"{name}@example.org", ("housing",), cursor=0)
    a_subscriber(house, "cyd@example.org", ("housing", "events"), form=Format.TEXT, cursor=0)
    dee = a_subscriber(house, "dee@example.org", ("events",), cursor=0)
    eve = a_subscriber(house, "eve@example.org", ("housing",), cursor=0)
    fay = a_subscriber(house, "fay@example.org", ("housing",), cursor=0)
    a_subscriber(house, "gil@example.org", ("tools",), cursor=0)
    a_subscriber(house, "hal@example.org", ("housing",), cadence=Cadence.DAILY, cursor=0)
    with house.database.transaction() as session:
        preferences.choose_hour(session, dee, Hour("Asia/Tokyo", 7, 3))
        preferences.pause(session, eve, utcnow() + timedelta(days=3), utcnow())
        row = {"code": None, "scope": Scope.ALL, "reason": "hard bounce", "since": utcnow()}
        session.add(Suppression(address_key=fay.address_key, **row))
    return shell


def _words(said: str) -> str:
    """What was said, however wide its columns are."""
    return " ".join(said.split())


def test_a_plan_is_explained_in_tables(town: Shell) -> None:
    said = _words(town.run("digest", "plan", "weekly", "--explain").out)

    for line in (
        "Issue 1: 4 letters in 3 variants, plan ",
        "Who gets what",
        "1 2 2 1 en html",
        "Languages and formats",
        "en html 3",
        "en text 1",
        "Housing 3 2",
        "Events 2 1",
        "at once 3",
        "Thursdays, 07:00 in Asia/Tokyo 1",
        "nothing new 1",
        "paused 1",
        "suppressed 1",
        "Sizes in bytes, text and HTML together",
        "This is the first issue of its cadence.",
        "What a reader should not meet",
        "Look at it: coalition digest preview 1",
    ):
        assert line in said


def test_an_explanation_names_nobody(town: Shell) -> None:
    for words in (["--explain"], ["--json"], []):
        said = town.run("digest", "plan", "weekly", *words)
        assert "@" not in said.out + said.err


def test_scripts_get_the_same_facts(town: Shell) -> None:
    [facts] = town.run("digest", "plan", "weekly", "--json").json

    assert (facts["issue"], facts["cadence"], facts["period"], facts["letters"]) == (1, "weekly", "2026-W48", 4)
    assert facts["left_out"] == {"nothing new": 1, "paused": 1, "suppressed": 1}
    assert [each["readers"] for each in facts["variants"]] == [2, 1, 1]
    assert facts["languages"] == [
        {"language": "en", "format": "html", "letters": 3},
        {"language": "en", "format": "text", "letters": 1},
    ]
    assert facts["topics"] == [
        {"topic": "Housing", "letters": 3, "items": 2},
        {"topic": "Events", "letters": 2, "items": 1},
    ]
    assert facts["hours"] == [
        {"zone": None, "weekday": None, "hour": None, "letters": 3},
        {"zone": "Asia/Tokyo", "weekday": 3, "hour": 7, "letters": 1},
    ]
    assert facts["sizes"]["measured"] == 3
    assert facts["not_mailed"] == []
    assert facts["difference"] is None
    assert (facts["findings"], facts["replaced"]) == ([], None)
    assert facts["plan"] == town.run("digest", "status", "1", "--json").json[0]["plan"]


def test_the_hash_stays_while_the_content_does(town: Shell) -> None:
    def planned(*words: str) -> str:
        return str(town.run("digest", "plan", "weekly", "--json", *words).json[0]["plan"])

    first = planned()
    leave(town.house, town.house.person("bea@example.org"))

    assert len(first) == 64
    assert planned() == first
    assert planned("--subject", "Another") != first


def test_what_is_new_since_the_last_time_is_told(town: Shell, week: time_machine.Traveller) -> None:
    town.run("digest", "plan", "weekly")
    town.run("digest", "send", "weekly", "--yes", "--no-wait", "--at-once")
    town.house.drain()
    week.shift(timedelta(days=7))
    town.house.publish("tools", "A hammer", "It hits.")

    said = _words(town.run("digest", "plan", "weekly", "--explain").out)

    assert "Difference from last time (issue 1 of 2026-W48, sent)" in said
    assert "letters 4 2 -2" in said
    assert "items 3 3 +0" in said
    assert "New topics: Tools. Gone: Events." in said
    assert "Readers newly reached: 2. No longer reached: 4." in said


def test_many_variants_are_told_by_the_largest_ten(shell: Shell) -> None:
    for number in range(12):
        a_subscriber(shell.house, f"reader{number}@example.org", cursor=number)
        shell.house.publish(title=f"Item {number}")

    said = shell.run("digest", "plan", "weekly", "--explain").out

    assert "\nand 2 smaller variants.\n" in said


def test_items_over_the_cap_are_told(shell: Shell) -> None:
    cap = shell.house.config.community.items_per_topic
    a_subscriber(shell.house, cursor=0)
    for number in range(cap + 3):
        shell.house.publish(title=f"Item {number}")

    assert "Housing capped 3" in _words(shell.run("digest", "plan", "weekly", "--explain").out)


def test_what_must_not_leave_is_told_with_the_plan(town: Shell) -> None:
    [facts] = town.run("digest", "plan", "weekly", "--subject", "Re: lorem", "--json").json

    assert {each["name"] for each in facts["findings"] if each["stops"]} == {"subject-fake-reply", "placeholder-words"}


def test_a_new_plan_says_which_one_it_replaces(town: Shell) -> None:
    town.run("digest", "plan", "weekly")

    assert "Issue 1, which was planned before, is cancelled." in town.run("digest", "plan", "weekly").out
    assert town.run("digest", "plan", "weekly", "--json").json[0]["replaced"] == 2


def test_a_plan_that_finds_nothing_says_that_the_one_before_is_gone(shell: Shell) -> None:
    a_subscriber(shell.house, cursor=0)
    item = shell.house.publish()
    shell.run("digest", "plan", "weekly")
    with shell.house.database.transaction() as session:
        session.merge(item).withdrawn_at = utcnow()

    line = shell.refused("digest", "plan", "weekly")

    assert line == "There is nothing to send: 1 nothing new. Issue 1, which was planned before, is cancelled."

"""When an issue goes: now or at a moment to come, each copy at its reader's hour or all at once."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from coalition.clock import utcnow
from coalition.errors import NotFound
from coalition.models import Issue, Phase
from coalition.services import archive, dealing, issues
from coalition.services.moments import Hour
from tests.house import House, a_subscriber
from tests.services.scenes import an_audience
from tests.services.staffroom import MONDAY, batches, choose_hour, send

NOON = datetime.fromisoformat(MONDAY)
EVENING, TOKYO = Hour("Europe/London", 20), Hour("Asia/Tokyo", 7, weekday=3)
THURSDAY = datetime(2026, 11, 25, 22, tzinfo=UTC)  # seven o'clock of a Thursday in Tokyo


def readers(house: House) -> None:
    """One who chose nothing, one for the evening, one for Thursdays in Tokyo."""
    for name, choice in (("now", None), ("evening", EVENING), ("tokyo", TOKYO)):
        choose_hour(house, a_subscriber(house, f"{name}@example.org", cursor=0), choice)
    house.publish()


def drained(house: House) -> list[str]:
    """Who is sent a copy now."""
    return sorted(letter.recipient.partition("@")[0] for letter in house.drain())


def due(house: House, issue: int) -> list[datetime | None]:
    return [batch.due_at for batch in batches(house, issue)]


def test_readers_of_one_hour_lie_in_one_batch(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dealing, "LETTERS_A_BATCH", 3)
    people = an_audience(house, 9)
    for number, person in enumerate(people):
        choose_hour(house, person, (None, EVENING, TOKYO, EVENING)[number % 4])
    house.publish()

    found = batches(house, house.plan())

    hours = sorted((batch.zone or "", batch.hour or 0, batch.weekday or 0) for batch in found)
    assert hours == [("", 0, 0), ("Asia/Tokyo", 7, 3), ("Europe/London", 20, 0), ("Europe/London", 20, 0)]
    assert {batch.due_at for batch in found} == {None}


def test_each_copy_goes_at_the_hour_of_its_reader(house: House) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        readers(house)
        issue = house.plan()
        send(house, issue, utcnow())

        assert due(house, issue) == [NOON, NOON + timedelta(hours=8), THURSDAY]
        assert drained(house) == ["now"]
        clock.move_to(NOON + timedelta(hours=8))
        assert drained(house) == ["evening"]
        clock.move_to(THURSDAY - timedelta(seconds=1))
        assert drained(house) == []
        clock.move_to(THURSDAY)
        assert drained(house) == ["tokyo"]
        with house.database.reading() as session:
            assert issues.get(session, issue).state is Phase.SENT


def test_at_once_is_at_once_for_everybody(house: House) -> None:
    with time_machine.travel(NOON, tick=False):
        readers(house)
        send(house, house.plan(), utcnow(), at_once=True)

        assert drained(house) == ["evening", "now", "tokyo"]


def test_an_issue_for_a_moment_to_come_waits_for_it(house: House) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        readers(house)
        issue, tuesday = house.plan(), NOON + timedelta(days=1)
        send(house, issue, tuesday)

        assert due(house, issue) == [tuesday, tuesday + timedelta(hours=8), THURSDAY]
        assert drained(house) == []
        clock.move_to(tuesday)
        assert drained(house) == ["now"]


def test_at_once_at_a_moment_to_come(house: House) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        readers(house)
        tuesday = NOON + timedelta(days=1)
        send(house, house.plan(), tuesday, at_once=True)

        assert drained(house) == []
        clock.move_to(tuesday)
        assert drained(house) == ["evening", "now", "tokyo"]


def test_the_archive_shows_an_issue_from_the_moment_it_goes(house: House) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        readers(house)
        send(house, house.plan(), NOON + timedelta(days=1))

        with house.database.reading() as session:
            assert archive.issues(session, utcnow()) == []
            with pytest.raises(NotFound):
                archive.issue(session, "weekly-2026-W48", utcnow())
        clock.move_to(NOON + timedelta(days=1))
        with house.database.reading() as session:
            assert archive.issues(session, utcnow()) == [archive.issue(session, "weekly-2026-W48", utcnow())]


def test_a_second_sending_moves_nothing(house: House) -> None:
    with time_machine.travel(NOON, tick=False):
        readers(house)
        issue = house.plan()
        send(house, issue, utcnow())
        before = due(house, issue)

        again: Issue = send(house, issue, NOON + timedelta(days=3), at_once=True)

        assert (due(house, issue), again.sending_at) == (before, NOON)


def test_an_hour_that_passed_while_an_issue_was_held_is_made_up_for_at_once(house: House) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        readers(house)
        issue = house.plan()
        send(house, issue, utcnow())
        with house.database.transaction() as session:
            issues.hold(session, issue)
        clock.move_to(NOON + timedelta(hours=10))
        assert drained(house) == []
        with house.database.transaction() as session:
            issues.resume(session, issue)

        assert drained(house) == ["evening", "now"]


def test_who_moves_to_another_zone_gets_one_copy_of_each_issue(house: House) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        readers(house)
        first = house.plan()
        choose_hour(house, house.person("tokyo@example.org"), Hour("America/New_York", 7, weekday=3))
        send(house, first, utcnow())
        assert due(house, first)[2] == THURSDAY  # planned before: the new hour counts from the next plan on
        clock.move_to(NOON + timedelta(days=6))
        assert drained(house) == ["evening", "now", "tokyo"]
        clock.move_to(NOON + timedelta(days=7))
        house.publish(title="Second")
        second = house.plan()
        send(house, second, utcnow())

        assert due(house, second)[2] == datetime(2026, 12, 3, 12, tzinfo=UTC)
        clock.move_to(NOON + timedelta(days=13))
        assert drained(house) == ["evening", "now", "tokyo"]

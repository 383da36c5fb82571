"""What happens to people and issues while a batch is being sent holds for every letter that is not begun."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from coalition.clock import utcnow
from coalition.models import Issue, Outbound, Phase, Scope, Subscriber, Suppression
from coalition.services import cancelling, issues, preferences
from coalition.services.outbox.job import GROUP
from tests.house import House
from tests.services.scenes import Watchful, an_audience, cursors, deliveries, drain_to, leave, undo

READERS = 3 * GROUP
UNDER_WAY = 12  # letters that four connections hold or have at hand at most
Act = Callable[[House, int, list[Subscriber]], None]


def hold(house: House, issue: int, _: list[Subscriber]) -> None:
    with house.database.transaction() as session:
        issues.hold(session, issue)


def cancel(house: House, issue: int, _: list[Subscriber]) -> None:
    cancelling.cancel(house.database, issue, utcnow())


def all_leave(house: House, _: int, people: list[Subscriber]) -> None:
    for person in people:
        leave(house, person)


def all_pause(house: House, _: int, people: list[Subscriber]) -> None:
    now = utcnow()
    with house.database.transaction() as session:
        for person in people:
            preferences.pause(session, person, now + timedelta(days=14), now)


def all_suppressed(house: House, _: int, people: list[Subscriber]) -> None:
    with house.database.transaction() as session:
        for person in people:
            key = person.address_key
            row = Suppression(address_key=key, code=person.code, scope=Scope.ALL, reason="staff", since=utcnow())
            session.add(row)


def send_and(house: House, act: Act) -> tuple[int, int, list[Subscriber]]:
    """Send to everybody, and do something when the fifth letter has come. Returns issue, letters and people."""
    item = house.publish()
    people = an_audience(house, READERS)
    issue = house.plan()
    house.send(issue)
    assert item.position == 1

    def then(count: int) -> None:
        if count == 5:
            act(house, issue, people)

    with Watchful(then) as relay:
        drain_to(house, relay.relay)
        return issue, len(relay.received), people


def expect(house: House, sent: int, others: Outbound) -> None:
    """At most the group that was looked at already, and what was under way, went on; everybody is accounted for."""
    found = [each.state for each in deliveries(house)]
    assert 5 <= sent <= 5 + GROUP + UNDER_WAY
    assert found.count(Outbound.SENT) == sent
    assert found.count(others) == READERS - sent


def test_a_hold_stops_an_issue_and_resuming_goes_on(house: House) -> None:
    issue, sent, _ = send_and(house, hold)

    expect(house, sent, Outbound.QUEUED)
    assert house.drain() == []
    with house.database.transaction() as session:
        issues.resume(session, issue)
    assert len(house.drain()) == READERS - sent
    with house.database.reading() as session:
        assert session.get_one(Issue, issue).state is Phase.SENT


def test_a_cancelled_issue_reaches_nobody_else_and_they_get_its_items_with_the_next(house: House) -> None:
    _, sent, people = send_and(house, cancel)

    expect(house, sent, Outbound.CANCELLED)
    assert sorted(cursors(house, person)["housing"] for person in people) == [0] * (READERS - sent) + [1] * sent
    house.send(house.plan())
    assert len(house.drain()) == READERS - sent


@pytest.mark.parametrize("act", [all_leave, all_suppressed])
def test_whoever_leaves_or_is_suppressed_meanwhile_gets_nothing(house: House, act: Act) -> None:
    _, sent, _ = send_and(house, act)

    expect(house, sent, Outbound.SKIPPED)


def test_whoever_pauses_meanwhile_gets_it_with_the_next(house: House) -> None:
    _, sent, people = send_and(house, all_pause)

    expect(house, sent, Outbound.SKIPPED)
    assert sorted(cursors(house, person)["housing"] for person in people) == [0] * (READERS - sent) + [1] * sent


@pytest.mark.parametrize("then", [cancel, all_pause], ids=["cancelled", "paused"])
def test_whoever_left_and_was_cancelled_or_paused_goes_on_where_it_stood(house: House, then: Act) -> None:
    lefts = {}

    def leave_and(house: House, issue: int, people: list[Subscriber]) -> None:
        lefts.update({person.id: leave(house, person) for person in people})
        then(house, issue, people)

    _, sent, people = send_and(house, leave_and)

    assert sum(undo(house, person, lefts[person.id]) for person in people) == READERS
    assert sorted(cursors(house, person)["housing"] for person in people) == [0] * (READERS - sent) + [1] * sent


def test_items_that_did_not_reach_anybody_are_counted(house: House) -> None:
    issue, sent, _ = send_and(house, all_leave)

    with house.database.reading() as session:
        progress = issues.progress(session, issue)
        assert progress.not_mailed == [("Housing", "left", READERS - sent)]
        assert progress.ended == progress.total == READERS
        assert session.scalars(select(Issue.state)).one() is Phase.SENT

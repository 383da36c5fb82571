"""After an outage: readers get one letter with all that they missed, not one for each day."""

from datetime import datetime, timedelta

import pytest
import time_machine
from sqlalchemy import select

from coalition.clock import utcnow
from coalition.community import Community
from coalition.models import Cadence, Delivery, Issue, Outbound, Phase, Tally
from coalition.services import automatic, issues
from tests.house import House, a_subscriber, parse, text_of
from tests.relay import Scripted
from tests.services.scenes import deliveries, drain_to
from tests.services.staffroom import MONDAY

MORNING = datetime.fromisoformat(MONDAY)
DAYS = 5


def tick(house: House) -> None:
    """What `coalition tick` does about issues, twice, as two machines would."""
    for _ in range(2):
        community: Community = house.config.community
        letters, composer = house.resources.letters, house.resources.composer()
        automatic.plan_and_send(house.database, letters, composer, community, utcnow())


def stale_items(house: House) -> int:
    with house.database.reading() as session:
        return sum(session.scalars(select(Tally.n).where(Tally.reason == "stale")))


def test_o17_after_five_days_without_a_mail_server_one_letter_brings_all_days(house: House) -> None:
    with time_machine.travel(MORNING, tick=False) as clock:
        a_subscriber(house, cadence=Cadence.DAILY, cursor=0)
        for day in range(DAYS):
            house.publish(title=f"News of day {day}")
            clock.shift(timedelta(days=1))
            tick(house)

        [letter] = house.drain()

    said = text_of(parse(letter))
    assert [f"News of day {day}" in said for day in range(DAYS)] == [True] * DAYS
    found = deliveries(house)
    assert [(each.state, each.reason) for each in found[:-1]] == [(Outbound.SKIPPED, "stale")] * (DAYS - 1)
    with house.database.reading() as session:
        assert set(session.scalars(select(Issue.state))) == {Phase.SENT}
    assert stale_items(house) == sum(range(1, DAYS))


@pytest.mark.parametrize(("cadence", "days"), [(Cadence.DAILY, 1), (Cadence.WEEKLY, 7), (Cadence.MONTHLY, 28)])
def test_o6_a_digest_is_stale_after_its_period_and_the_next_brings_its_news(
    house: House, cadence: Cadence, days: int
) -> None:
    with time_machine.travel(MORNING, tick=False) as clock:
        a_subscriber(house, cadence=cadence, cursor=0)
        house.publish(title="Old news")
        issue = house.plan(cadence)
        house.send(issue)
        clock.shift(timedelta(days=days))

        assert house.drain() == []
        [stale] = deliveries(house)
        assert (stale.state, stale.reason) == (Outbound.SKIPPED, "stale")
        clock.shift(timedelta(days=31))
        house.send(house.plan(cadence))
        [letter] = house.drain()

    assert "Old news" in text_of(parse(letter))


def test_a_held_issue_that_another_has_overtaken_comes_late_rather_than_never(house: House) -> None:
    with time_machine.travel(MORNING, tick=False) as clock:
        a_subscriber(house, cadence=Cadence.WEEKLY, cursor=0)
        house.publish(title="News that was held")
        held = house.plan()
        house.send(held)
        with house.database.transaction() as session:
            issues.hold(session, held)
        clock.shift(timedelta(days=8))
        house.publish(title="Later news")
        house.send(house.plan())
        [later] = house.drain()
        with house.database.transaction() as session:
            issues.resume(session, held)

        [late] = house.drain()

    assert "Later news" in text_of(parse(later))
    assert "News that was held" not in text_of(parse(later))
    assert "News that was held" in text_of(parse(late))
    assert stale_items(house) == 0


def test_staleness_counts_from_the_hour_of_the_reader(house: House) -> None:
    with time_machine.travel(MORNING, tick=False) as clock:
        a_subscriber(house, cadence=Cadence.WEEKLY, cursor=0)
        house.publish()
        issue = house.plan()
        with house.database.transaction() as session:
            issues.send(session, house.config.community, issue, utcnow() + timedelta(days=6))
        clock.shift(timedelta(days=12))

        assert len(house.drain()) == 1


def test_a_letter_that_was_put_off_is_stale_a_period_after_its_first_try(house: House) -> None:
    with time_machine.travel(MORNING, tick=False) as clock:
        a_subscriber(house, cadence=Cadence.DAILY, cursor=0)
        house.publish()
        house.send(house.plan(Cadence.DAILY))
        with Scripted({"RCPT": "450 4.2.1 busy"}) as server:
            for _ in range(6):
                drain_to(house, server.relay)
                clock.shift(timedelta(hours=5))
        assert house.drain() == []

    [stale] = deliveries(house)
    assert (stale.state, stale.reason) == (Outbound.SKIPPED, "stale")


def test_a_letter_that_may_have_been_taken_ends_uncertain_and_not_stale(house: House) -> None:
    with time_machine.travel(MORNING, tick=False) as clock:
        a_subscriber(house, cadence=Cadence.DAILY, cursor=0)
        house.publish()
        house.send(house.plan(Cadence.DAILY))
        with house.database.transaction() as session:
            delivery = session.scalars(select(Delivery)).one()
            delivery.reason, delivery.attempts = "retried", 1
        clock.shift(timedelta(days=2))
        house.drain()

    assert [each.state for each in deliveries(house)] == [Outbound.UNCERTAIN]

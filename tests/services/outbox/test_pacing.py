"""COALITION_RATE: one rate for all senders, reserved before sending, and never for letters that do not go."""

import pytest
from sqlalchemy import update

from coalition.models import Pacing
from coalition.services.outbox import pacing
from coalition.services.outbox.leases import lease_clock
from tests.house import House
from tests.services.scenes import Watchful, an_audience, drain_to, leave

RATE = 20.0


def reserve(house: House, letters: int, rate: float | None = RATE) -> pacing.Slots:
    with house.database.transaction() as session:
        return pacing.reserve(session, rate, letters)


def next_free(house: House) -> float:
    with house.database.reading() as session:
        return session.get_one(Pacing, "all").next_free_at


def test_two_senders_get_moments_that_do_not_overlap(house: House) -> None:
    first, second = reserve(house, 15), reserve(house, 15)

    assert (first.gap, first.left) == (1 / RATE, 15)
    assert second.first - first.first == pytest.approx(15 / RATE, abs=0.02)


def test_moments_are_reserved_for_a_second_at_most(house: House) -> None:
    assert reserve(house, 25).left == RATE
    assert reserve(house, 25, rate=0.5).left == 1


def test_without_a_rate_all_may_leave_at_once(house: House) -> None:
    slots = reserve(house, 25, rate=None)

    assert slots.ahead == 0
    assert slots.left == 0


def test_moments_that_nobody_used_are_not_saved_up(house: House) -> None:
    reserve(house, 1)
    with house.database.transaction() as session:
        long_ago = lease_clock(session) - 1000
        session.execute(update(Pacing).values(next_free_at=long_ago))

    reserve(house, 10)

    with house.database.reading() as session:
        assert next_free(house) > lease_clock(session) - 1


def test_a_clock_set_back_holds_nothing_up(house: House) -> None:
    reserve(house, 1)
    with house.database.transaction() as session:
        session.execute(update(Pacing).values(next_free_at=lease_clock(session) + 10**6))

    reserve(house, 10)

    with house.database.reading() as session:
        assert next_free(house) < lease_clock(session) + 1


def test_a_sender_reserves_a_moment_for_each_letter_and_no_more(house: House) -> None:
    house.publish()
    an_audience(house, 12)
    house.send(house.plan())
    with house.database.transaction() as session:
        began = lease_clock(session) + 1  # the first letter waits for this moment
        session.add(Pacing(key="all", next_free_at=began))

    drain_to(house, house.relay.relay, rate=RATE)

    assert len(house.relay.received) == 12
    assert next_free(house) == pytest.approx(began + 12 / RATE)


def test_whoever_leaves_while_a_letter_waits_for_its_moment_gets_none(house: House) -> None:
    house.publish()
    ada, bea = an_audience(house, 2)
    house.send(house.plan())
    with house.database.transaction() as session:
        session.add(Pacing(key="all", next_free_at=lease_clock(session)))

    def leave_later(_: int) -> None:
        leave(house, ada)
        leave(house, bea)

    with Watchful(leave_later) as relay:
        drain_to(house, relay.relay, rate=2.0)

    assert len(relay.received) == 1

"""Periodic work: each job with a moved clock, twice, and in parallel."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from coalition.clock import utcnow
from coalition.models import JobRun, Outbound, Rate, Request, State, Subscriber
from coalition.services import consents, upkeep
from tests.house import House
from tests.services.scenes import at_once, deliveries, states

ADA = "ada@example.org"
NEXT_WEEK = timedelta(days=7, minutes=20)


def number_of(house: House, table: Any) -> int:
    with house.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def tick(house: House, at: datetime) -> dict[str, int]:
    return upkeep.tick(house.database, house.resources.eraser, at)


def test_a_request_is_forgotten_after_a_week_and_then_who_never_confirmed(house: House) -> None:
    house.sign_up(ADA)
    house.drain()
    now = utcnow()

    tick(house, now + timedelta(days=6))
    assert (number_of(house, Request), number_of(house, Subscriber)) == (1, 1)

    tick(house, now + NEXT_WEEK)
    assert (number_of(house, Request), number_of(house, Subscriber)) == (0, 0)
    assert states(deliveries(house)) == [Outbound.SENT]


def test_who_confirmed_stays_with_all_evidence(house: House) -> None:
    house.join(ADA)

    tick(house, utcnow() + NEXT_WEEK)

    assert number_of(house, Request) == 0
    assert house.person(ADA).state is State.ACTIVE
    with house.database.reading() as session:
        assert len(consents.history(session, house.person(ADA).code)) == 3


def test_a_letter_whose_request_is_forgotten_does_not_go(house: House) -> None:
    house.sign_up(ADA)

    tick(house, utcnow() + NEXT_WEEK)

    assert house.drain() == []
    [delivery] = deliveries(house)
    assert (delivery.state, delivery.reason) == (Outbound.SKIPPED, "forgotten")


def test_who_asked_again_lately_is_not_forgotten(house: House) -> None:
    house.sign_up(ADA)
    house.drain()
    with house.database.transaction() as session:
        session.get_one(Subscriber, 1).created_at = utcnow() - timedelta(days=10)

    tick(house, utcnow() + timedelta(days=1))

    assert number_of(house, Subscriber) == 1


def test_counters_go_when_their_window_is_over(house: House) -> None:
    house.sign_up(ADA)
    assert number_of(house, Rate) == 8

    tick(house, utcnow() + timedelta(days=31))

    assert number_of(house, Rate) == 0


def test_marks_of_old_jobs_go(house: House) -> None:
    now = utcnow()
    tick(house, now)
    before = number_of(house, JobRun)

    tick(house, now + timedelta(days=71))  # a month's issue must not lose its mark

    assert number_of(house, JobRun) == before


def test_a_job_is_done_once_in_its_slot(house: House) -> None:
    now = utcnow()
    first, second = tick(house, now), tick(house, now)

    assert set(first) == {job.name for job in upkeep.JOBS}
    assert second == {}


def test_ticks_at_once_do_each_job_once(house: House) -> None:
    house.sign_up(ADA)
    house.drain()
    later = utcnow() + NEXT_WEEK

    done = at_once(6, lambda _: tick(house, later))

    names = [name for each in done for name in each]
    assert sorted(names) == sorted(job.name for job in upkeep.JOBS)
    assert number_of(house, Request) == 0


def test_every_job_does_no_harm_twice(house: House) -> None:
    house.sign_up(ADA)
    house.drain()
    later = utcnow() + timedelta(days=31)

    for job in upkeep.JOBS:
        with house.database.transaction() as session:
            job.do(session, house.resources.eraser, later)
        with house.database.transaction() as session:
            assert job.do(session, house.resources.eraser, later) == 0

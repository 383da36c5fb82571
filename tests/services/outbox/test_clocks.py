"""A clock that steps: nothing is sent by it, pages stay up, and staff are told."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
import time_machine

from coalition.clock import utcnow
from coalition.mail.smtp import SmtpClient
from coalition.models import Breaker
from coalition.services.outbox import breakers
from tests.house import House, a_subscriber
from tests.relay import CatchAll


def an_issue(house: House) -> None:
    house.publish()
    a_subscriber(house)
    house.send(house.plan())


@contextmanager
def running(house: House, relay: CatchAll) -> Iterator[threading.Thread]:
    sender = house.resources.sender(SmtpClient(relay.relay))
    thread = threading.Thread(target=sender.run)
    thread.start()
    try:
        yield thread
    finally:
        sender.stop()
        thread.join()


def faults(house: House) -> list[str | None]:
    with house.database.reading() as session:
        return [each.reason for each in breakers.troubles(session) if each.breaker is Breaker.STEPPED]


def test_o19_a_clock_that_was_set_back_pauses_sending_until_it_is_right(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    now = utcnow()
    with time_machine.travel(now, tick=False) as clock:
        house.drain()
        an_issue(house)
        clock.shift(timedelta(minutes=-6))
        house.sign_up("bea@example.org")

        with caplog.at_level(logging.ERROR):
            assert house.drain() == []
        assert house.browser.get("/").status_code == 200
        [fault] = faults(house)
        assert fault is not None
        assert "the clock of this machine" in fault
        assert "coalition outbox resume" in caplog.text

        clock.move_to(now)
        assert len(house.drain()) == 2
        assert faults(house) == []


def test_a_clock_that_is_corrected_by_a_little_pauses_nothing(house: House) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        house.drain()
        clock.shift(timedelta(minutes=-4))
        house.sign_up("ada@example.org")

        assert len(house.drain()) == 1


def test_x10_a_clock_that_steps_by_an_hour_sends_each_letter_once(house: House) -> None:
    with time_machine.travel(utcnow(), tick=False) as clock:
        an_issue(house)
        house.drain()
        clock.shift(timedelta(hours=1))
        house.drain()
        clock.shift(timedelta(hours=-1))
        assert house.drain() == []
        with house.database.transaction() as session:
            breakers.resume(session, utcnow())  # staff say that it is right

        house.drain()

    assert len(house.relay.received) == 1


def test_a_clock_that_jumps_ahead_beside_a_sender_pauses_it_until_staff_say_that_it_is_right(house: House) -> None:
    house.sign_up("ada@example.org")
    with (
        time_machine.travel(utcnow()) as clock,
        CatchAll() as relay,
        running(house, relay) as sender,
    ):
        relay.wait_for(1)
        clock.shift(timedelta(hours=25))
        house.sign_up("bea@example.org")
        while not faults(house):
            assert sender.is_alive()
        assert len(relay.received) == 1
        assert house.browser.get("/").status_code == 200

        with house.database.transaction() as session:
            breakers.resume(session, utcnow())
        relay.wait_for(2)

    assert faults(house) == []


def test_a_machine_that_was_off_for_days_goes_on(house: House) -> None:
    now = utcnow()
    house.drain()

    with time_machine.travel(now + timedelta(days=5)):
        house.sign_up("ada@example.org")
        assert len(house.drain()) == 1

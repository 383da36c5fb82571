"""What a mail server that refuses everybody, or one domain that gets too much, does to the letters: they wait."""

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import select

from coalition.clock import utcnow
from coalition.models import Breaker, Delivery, Outbound, Pacing, Suppression
from coalition.services.outbox import breakers
from tests.house import House, a_subscriber
from tests.relay import Scripted
from tests.services.scenes import deliveries, drain_to, sender_to, states

BLOCKED = "550 5.7.1 your address is on a list"
TOO_MUCH = "421 4.7.28 unusual rate of mail"
REFUSALS = 20
UNDER_WAY = 12  # letters that four connections hold or have at hand at most
PAUSE = timedelta(minutes=10, seconds=1)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(utcnow(), tick=False) as traveller:
        yield traveller


def an_issue(house: House, readers: int, domain: Callable[[int], str] = lambda number: f"mail{number}.example") -> int:
    """An issue on its way to readers who have their mailboxes in different places."""
    house.publish()
    for number in range(readers):
        a_subscriber(house, f"reader{number}@{domain(number)}")
    issue = house.plan()
    house.send(issue)
    return issue


def of_two_domains(number: int) -> str:
    return "big.example" if number % 2 else "small.example"


def refusing(what: str, answer: str) -> Callable[[str], str | None]:
    return lambda line: answer if line.startswith("RCPT") and what in line else None


def rows(house: House) -> list[Pacing]:
    with house.database.reading() as session:
        return list(breakers.troubles(session))


def count(house: House, state: Outbound) -> int:
    return states(deliveries(house)).count(state)


def suppressed(house: House) -> int:
    with house.database.reading() as session:
        return len(session.scalars(select(Suppression)).all())


def tried(house: House) -> list[Delivery]:
    return [each for each in deliveries(house) if each.attempts]


def test_x6_a_mail_server_that_refuses_everybody_is_left_alone_and_nobody_is_suppressed(
    house: House, clock: time_machine.Traveller, caplog: pytest.LogCaptureFixture
) -> None:
    an_issue(house, 60)

    with Scripted(refusing("", BLOCKED)) as server, caplog.at_level(logging.ERROR):
        drain_to(house, server.relay)
        asked = len(server.heard)
        drain_to(house, server.relay)
        assert len(server.heard) == asked

    [breaker] = rows(house)
    assert (breaker.key, breaker.breaker, breaker.reason) == (breakers.EVERYBODY, Breaker.OPEN, BLOCKED)
    assert REFUSALS <= len(tried(house)) <= REFUSALS + UNDER_WAY
    assert count(house, Outbound.QUEUED) == 60
    assert suppressed(house) == 0
    [told] = caplog.messages
    assert BLOCKED in told
    assert "coalition outbox resume" in told

    clock.shift(PAUSE)
    house.drain()
    assert count(house, Outbound.SENT) == 60
    assert rows(house) == []


def test_x6_while_it_goes_on_refusing_it_is_asked_ever_more_rarely(house: House, clock: time_machine.Traveller) -> None:
    an_issue(house, 40)
    pauses = []

    with Scripted(refusing("", BLOCKED)) as server:
        for _ in range(6):
            drain_to(house, server.relay)
            [breaker] = rows(house)
            assert breaker.until is not None
            pauses.append(breaker.until - utcnow())
            before = len(tried(house))
            clock.move_to(breaker.until)

    assert pauses == [timedelta(minutes=minutes) for minutes in (10, 20, 40, 80, 120, 120)]
    assert len(tried(house)) - before <= 1
    assert suppressed(house) == 0


def test_staff_may_go_on_at_once(house: House, clock: time_machine.Traveller) -> None:
    an_issue(house, 30)
    with Scripted(refusing("", BLOCKED)) as server:
        drain_to(house, server.relay)

    with house.database.transaction() as session:
        assert breakers.resume(session, utcnow()) > 0

    assert len(house.drain()) == 30


def test_x5_a_domain_that_gets_too_much_waits_and_the_others_go(house: House, clock: time_machine.Traveller) -> None:
    an_issue(house, 40, of_two_domains)

    with Scripted(refusing("big.example", TOO_MUCH)) as server:
        drain_to(house, server.relay)
        refused = sum("big.example" in line for line in server.heard)
        drain_to(house, server.relay)
        assert sum("big.example" in line for line in server.heard) == refused

    assert refused <= UNDER_WAY
    assert count(house, Outbound.SENT) == 20
    [breaker] = rows(house)
    assert "big" not in breaker.key
    assert breaker.until == utcnow() + timedelta(minutes=10)
    assert sum(each.attempts for each in deliveries(house)) == 20 + len(
        [each for each in tried(house) if each.state is Outbound.QUEUED]
    )

    for _ in range(12):
        clock.shift(PAUSE)
        house.drain()
    assert count(house, Outbound.SENT) == 40


def test_b9_a_domain_is_tried_again_with_one_letter_and_then_one_more_each_time(
    house: House, clock: time_machine.Traveller
) -> None:
    an_issue(house, 40, lambda number: "big.example")
    with Scripted(refusing("", TOO_MUCH)) as server:
        drain_to(house, server.relay)
    before = len(tried(house))
    assert before <= UNDER_WAY

    clock.shift(PAUSE)
    with Scripted(refusing("", TOO_MUCH)) as server:
        drain_to(house, server.relay)
        assert sum(line.startswith("RCPT") for line in server.heard) == 1
    [breaker] = rows(house)
    assert breaker.until == utcnow() + timedelta(minutes=20)

    widths = []
    while rows(house):
        clock.shift(timedelta(minutes=21))
        with Scripted() as server:
            sender = sender_to(house, server.relay)
            sender.drain()
            sender.close()
            widths += [row.width for row in rows(house)]
    assert widths == sorted(widths)


def test_x5_letters_of_service_go_first_when_the_mail_server_is_back(
    house: House, clock: time_machine.Traveller
) -> None:
    an_issue(house, 30)
    with Scripted(refusing("", "450 4.3.2 not now")) as server:
        drain_to(house, server.relay)
        house.sign_up("ada@example.org")
        clock.shift(timedelta(hours=6))
        drain_to(house, server.relay)

    clock.shift(timedelta(hours=2))
    first, *rest = house.drain()

    assert first.recipient == "ada@example.org"
    assert suppressed(house) == 0
    assert len(rest) <= 30


def test_a_letter_that_is_taken_shows_that_refusals_are_not_about_everybody(
    house: House, clock: time_machine.Traveller
) -> None:
    an_issue(house, 60)
    heard = iter(range(10_000))

    def every_third(line: str) -> str | None:
        return "450 4.2.1 busy" if line.startswith("RCPT") and next(heard) % 3 else None

    with Scripted(every_third) as server:
        drain_to(house, server.relay)

    assert rows(house) == []
    assert len(tried(house)) == 60


def test_one_sender_tries_and_the_others_wait_for_word(house: House, clock: time_machine.Traveller) -> None:
    an_issue(house, 60)
    with Scripted(refusing("", BLOCKED)) as server:
        drain_to(house, server.relay)
    clock.shift(PAUSE)

    others: list[int] = []

    def ask_beside(line: str) -> None:
        if line == "DATA" and not others:
            with Scripted() as second:
                drain_to(house, second.relay)
                others.append(len(second.messages))

    with Scripted(ask_beside) as server:
        drain_to(house, server.relay)

    assert others == [0]
    assert count(house, Outbound.SENT) == 60


def test_what_was_counted_long_ago_is_forgotten(house: House, clock: time_machine.Traveller) -> None:
    an_issue(house, 3)
    with Scripted(refusing("", BLOCKED)) as server:
        drain_to(house, server.relay)

    clock.shift(timedelta(days=3))
    with house.database.transaction() as session:
        assert breakers.forget_old(session, utcnow()) == 4  # everybody, and three domains
    with house.database.reading() as session:
        assert session.scalars(select(Pacing).where(Pacing.breaker.is_not(None))).all() == []

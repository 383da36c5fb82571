"""Faults around the sender: nothing is lost, nobody is suppressed, and what goes twice is the same letter."""

import socket
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import select

from coalition.clock import utcnow
from coalition.config import Relay, Security
from coalition.models import Outbound, Suppression
from coalition.services.outbox import breakers
from tests.house import House, a_subscriber
from tests.relay import Action, CatchAll, Scripted, make_ca
from tests.services.outbox.processes import kill, start_sender
from tests.services.scenes import an_audience, deliveries, drain_to, leave, states


def an_issue(house: House, readers: int) -> None:
    house.publish()
    an_audience(house, readers)
    house.send(house.plan())


def expect_untouched(house: House, readers: int) -> None:
    """Everything waits, without an attempt, and nobody is suppressed."""
    assert states(deliveries(house)) == [Outbound.QUEUED] * readers
    assert {each.attempts for each in deliveries(house)} == {0}
    with house.database.reading() as session:
        assert session.scalars(select(Suppression)).all() == []


def trouble(house: House) -> str:
    with house.database.reading() as session:
        [found] = breakers.troubles(session)
    assert found.reason is not None
    return found.reason


def test_x1_a_sender_killed_before_it_named_a_letter_costs_nothing(house: House) -> None:
    an_issue(house, 5)

    with Scripted({"MAIL": Action.HANG}) as server:
        process = start_sender(house, server)
        server.wait_for_hang()
        kill(process)
        assert server.messages == []

    assert len(house.drain()) == 5
    assert states(deliveries(house)) == [Outbound.SENT] * 5


def test_x2_a_sender_killed_after_the_dot_tries_once_more_with_the_same_bytes(house: House) -> None:
    an_issue(house, 1)

    with Scripted({".": Action.HANG}) as server:
        process = start_sender(house, server)
        server.wait_for_hang()
        kill(process)
        [first] = server.messages
    with Scripted() as server:
        drain_to(house, server.relay)
        drain_to(house, server.relay)
        [second] = server.messages

    assert first == second
    assert states(deliveries(house)) == [Outbound.SENT]


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA"])
def test_x3_a_mail_server_that_closes_without_a_word_loses_nothing(house: House, step: str) -> None:
    an_issue(house, 40)
    said = iter(range(1, 10_000))

    def close_now_and_then(line: str) -> Action | None:
        return Action.CLOSE if line.startswith(step) and next(said) % 7 == 0 else None

    with Scripted(close_now_and_then) as server:
        for _ in range(3):
            drain_to(house, server.relay)

    sent = Counter(server.messages)
    assert set(sent.values()) == {1}
    with time_machine.travel(utcnow() + timedelta(minutes=2)):
        assert len(house.drain()) == 40 - len(sent)
    assert states(deliveries(house)) == [Outbound.SENT] * 40
    assert {each.attempts for each in deliveries(house)} == {1}


def test_x7_a_mail_server_that_cant_prove_who_it_is_is_given_nothing(house: House, tmp_path: Path) -> None:
    an_issue(house, 3)

    with CatchAll(Security.STARTTLS, certificates=make_ca(tmp_path)) as relay:
        drain_to(house, replace(relay.relay, ca_file=None))
        assert relay.received == []

    expect_untouched(house, 3)
    assert "its certificate can't be trusted" in trouble(house)
    assert len(house.drain()) == 3


def test_x7_a_mail_server_whose_tls_is_taken_away_is_given_nothing(house: House) -> None:
    an_issue(house, 3)

    with Scripted() as server:
        drain_to(house, replace(server.relay, security=Security.STARTTLS))
        assert not any(line.startswith("MAIL") for line in server.heard)

    expect_untouched(house, 3)
    assert "STARTTLS" in trouble(house)


def test_x8_without_names_letters_wait_and_people_sign_up(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    an_issue(house, 3)
    look_up = socket.getaddrinfo

    def fail(host: str, *rest: Any, **more: Any) -> Any:
        if host == "mail.example.org":
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return look_up(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    for _ in range(3):
        drain_to(house, Relay(Security.PLAIN, "mail.example.org", 25))

    expect_untouched(house, 3)
    assert "name resolution" in trouble(house)
    assert house.sign_up("ada@example.org").status_code == 303
    assert len(house.drain()) == 4


def test_an_hour_without_a_mail_server_costs_nothing_but_time(house: House) -> None:
    an_issue(house, 30)
    now = utcnow()

    with Scripted({"GREETING": Action.CLOSE}) as server:
        for minute in range(0, 60, 5):
            with time_machine.travel(now + timedelta(minutes=minute)):
                drain_to(house, server.relay)
    expect_untouched(house, 30)

    with time_machine.travel(now + timedelta(hours=1)):
        assert len(house.drain()) == 30
    assert {each.attempts for each in deliveries(house)} == {1}


def test_x10_two_senders_started_at_once_send_each_letter_once(house: House) -> None:
    an_issue(house, 120)
    for number in range(5):
        house.sign_up(f"visitor{number}@example.org")

    with CatchAll() as relay:
        processes = [start_sender(house, relay, "--once") for _ in range(2)]
        errors = [process.communicate()[1] for process in processes]
        received = [each.recipient for each in relay.received]

    assert [process.returncode for process in processes] == [0, 0], errors
    assert len(received) == len(set(received)) == 125
    assert {each.state for each in deliveries(house)} == {Outbound.SENT}


def test_x11_whoever_leaves_while_their_letter_is_on_its_way_gets_no_later_one(house: House) -> None:
    house.publish()
    ada = a_subscriber(house)
    house.send(house.plan())

    def leave_at_the_dot(line: str) -> str | None:
        if line == ".":
            leave(house, ada)
        return "451 4.3.0 later" if line == "." else None

    with Scripted(leave_at_the_dot) as server:
        drain_to(house, server.relay)
        assert len(server.messages) == 1
    with time_machine.travel(utcnow() + timedelta(minutes=10)):
        assert house.drain() == []

    [delivery] = deliveries(house)
    assert (delivery.state, delivery.reason) == (Outbound.SKIPPED, "left")


@pytest.mark.parametrize("poison", [Action.CLOSE, "450 4.2.1 busy", "554 no", "550 5.7.1 not to me"])
def test_one_poison_recipient_holds_up_and_repeats_nobody_else(house: House, poison: Action | str) -> None:
    an_issue(house, 60)
    now = utcnow()

    with Scripted(lambda line: poison if line.startswith("RCPT") and "reader7@" in line else None) as server:
        for minutes in (0, 2, 8, 45):
            with time_machine.travel(now + timedelta(minutes=minutes)):
                drain_to(house, server.relay)

    sent = Counter(server.messages)
    assert len(sent) == 59
    assert set(sent.values()) == {1}
    assert states(deliveries(house)).count(Outbound.SENT) == 59

"""The sender beside the world: lost mail servers, lost databases, stopping, letters that can't be written."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, select, text, update

from coalition.clock import utcnow
from coalition.mail.smtp import SmtpClient
from coalition.models import Batch, Cadence, Delivery, Lane, Outbound, Request
from coalition.services.outbox.job import GROUP
from coalition.services.outbox.sender import Sender
from tests.house import House, a_subscriber
from tests.relay import Action, CatchAll, Scripted
from tests.services.scenes import Watchful, an_audience, deliveries, drain_to, sender_to, states

_STUCK = 30  # seconds after which a test that waits is called stuck
UNDER_WAY = 12  # letters that four connections hold or have at hand at most


@contextmanager
def running(sender: Sender) -> Iterator[threading.Thread]:
    """A sender at work beside the test."""
    thread = threading.Thread(target=sender.run)
    thread.start()
    try:
        yield thread
    finally:
        sender.stop()
        thread.join()


def an_issue(house: House, readers: int) -> int:
    """An issue on its way to so many readers."""
    house.publish()
    an_audience(house, readers)
    issue = house.plan()
    house.send(issue)
    return issue


def test_a_lost_mail_server_is_waited_for_and_is_no_attempt(house: House) -> None:
    an_issue(house, 3)
    lost, all_taken = threading.Event(), threading.Event()

    def lose_once(line: str) -> Action | None:
        if line.startswith("EHLO") and not lost.is_set():
            lost.set()
            return Action.CLOSE
        if line == "." and len(server.messages) == 3:
            all_taken.set()
        return None

    with Scripted(lose_once) as server, running(house.resources.sender(SmtpClient(server.relay))):
        assert all_taken.wait(_STUCK)

    assert states(deliveries(house)) == [Outbound.SENT] * 3
    assert [each.attempts for each in deliveries(house)] == [1, 1, 1]


def test_draining_ends_when_the_mail_server_is_lost_and_keeps_everything(house: House) -> None:
    an_issue(house, 3)
    with Scripted({"GREETING": Action.CLOSE}) as server:
        drain_to(house, server.relay)

    assert states(deliveries(house)) == [Outbound.QUEUED] * 3
    assert {each.attempts for each in deliveries(house)} == {0}
    assert len(house.drain()) == 3


def test_a_letter_at_which_sessions_end_stands_back_and_the_others_go(house: House) -> None:
    an_issue(house, GROUP + 5)

    def lose(line: str) -> Action | None:
        if "ada@" in line:
            return Action.CLOSE
        if line == "." and len(server.messages) == 1:
            house.sign_up("ada@example.org")
        return None

    with Scripted(lose) as server:
        drain_to(house, server.relay)
        drain_to(house, server.relay)

    (waiting,) = [each for each in deliveries(house) if each.state is Outbound.QUEUED]
    assert waiting.request_id is not None
    assert waiting.attempts == 0
    with house.database.transaction() as session:
        session.execute(update(Batch).where(Batch.id == waiting.batch_id).values(due_at=utcnow()))
    assert [each.recipient for each in house.drain()] == ["ada@example.org"]


def test_service_letters_go_before_the_next_group_of_a_digest(house: House) -> None:
    an_issue(house, 3 * GROUP)

    def sign_up_once(count: int) -> None:
        if count == 10:
            house.sign_up("ada@example.org")

    with Watchful(sign_up_once) as relay:
        drain_to(house, relay.relay)

    order = [each.recipient for each in relay.received]
    assert 10 <= order.index("ada@example.org") <= 10 + UNDER_WAY + GROUP
    assert len(order) == 3 * GROUP + 1


def test_what_makes_way_for_a_service_letter_is_announced_no_more(house: House) -> None:
    an_issue(house, 4 * GROUP)
    announced: list[list[int]] = []

    def look_at(count: int) -> None:
        if count == GROUP:
            house.sign_up("visitor@example.org")
        if relay.received[-1].recipient == "visitor@example.org":
            with house.database.reading() as session:
                waits = (
                    select(Delivery.id)
                    .join(Batch, Batch.id == Delivery.batch_id)
                    .where(Batch.lane == Lane.LIST, Delivery.state == Outbound.QUEUED)
                )
                assert session.scalars(waits).all()
                announced.append(list(session.scalars(waits.where(Delivery.id <= Batch.announced_to))))

    with Watchful(look_at) as relay:
        drain_to(house, relay.relay)

    assert announced == [[]]


def test_service_letters_go_before_list_letters(house: House) -> None:
    an_issue(house, 2)
    house.sign_up("ada@example.org")

    first, *_ = house.drain()
    assert first.recipient == "ada@example.org"


def test_a_stopped_sender_gives_back_the_rest(house: House) -> None:
    an_issue(house, GROUP)
    senders: list[Sender] = []

    def stop_at_four(count: int) -> None:
        if count == 4:
            senders[0].stop()

    with Watchful(stop_at_four) as relay:
        senders.append(sender_to(house, relay.relay))
        senders[0].run()

    sent = len(relay.received)
    assert 4 <= sent <= 4 + UNDER_WAY
    assert states(deliveries(house)).count(Outbound.SENT) == sent
    assert len(house.drain()) == GROUP - sent
    assert {each.attempts for each in deliveries(house)} == {1}


def test_a_sender_stopped_while_service_letters_come_and_come_ends(house: House) -> None:
    an_issue(house, 2 * GROUP)
    senders: list[Sender] = []

    def keep_coming(count: int) -> None:
        house.sign_up(f"visitor{count}@example.org")
        if count == 40:
            senders[0].stop()

    with Watchful(keep_coming) as relay:
        senders.append(sender_to(house, relay.relay))
        senders[0].run()

    assert 40 <= len(relay.received) <= 40 + UNDER_WAY
    house.drain()
    assert {each.state for each in deliveries(house)} == {Outbound.SENT}


@pytest.mark.parametrize("at", ["record", "commit"])
def test_a_database_that_fails_for_a_moment_costs_no_letter_and_doubles_none(house: House, at: str) -> None:
    an_issue(house, 3 * GROUP)

    with Watchful(lambda count: None) as relay, failing_once(house, at, lambda: len(relay.received) > 10) as failed:
        drain_to(house, relay.relay)

    assert failed.is_set()
    assert len({each.recipient for each in relay.received}) == len(relay.received) == 3 * GROUP
    assert {each.state for each in deliveries(house)} == {Outbound.SENT}
    assert {each.attempts for each in deliveries(house)} == {1}


@contextmanager
def failing_once(house: House, at: str, now: Callable[[], bool]) -> Iterator[threading.Event]:
    """The database fails in one transaction of the sender: gone on PostgreSQL, unwritable on SQLite.

    At the record; or on PostgreSQL at the commit of it, and then it stays there.
    """
    failed, engine = threading.Event(), house.database.engine
    unwritable: list[sqlite3.Connection] = []

    recording: list[psycopg.Connection] = []

    def fail(_connection: object, cursor: Any, statement: str, *_: object) -> None:
        if statement.startswith("UPDATE delivery") and now() and not failed.is_set():
            failed.set()
            if house.database.is_sqlite:
                unwritable.append(cursor.connection)
                cursor.connection.execute("PRAGMA query_only=ON")
            elif at == "record":
                end(cursor.connection)
            else:
                recording.append(cursor.connection)

    def fail_late(_connection: object) -> None:
        if recording:
            recording.pop().execute("SELECT pg_cancel_backend(pg_backend_pid())")

    def end(connection: psycopg.Connection) -> None:
        with psycopg.connect(connection.info.dsn) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [connection.info.backend_pid])

    def heal(_connection: object) -> None:
        while unwritable:
            unwritable.pop().execute("PRAGMA query_only=OFF")

    event.listen(engine, "before_cursor_execute", fail)
    event.listen(engine, "commit", fail_late)
    event.listen(engine, "rollback", heal)
    try:
        yield failed
    finally:
        event.remove(engine, "before_cursor_execute", fail)
        event.remove(engine, "commit", fail_late)
        event.remove(engine, "rollback", heal)


def test_a_sealed_address_that_cant_be_opened_fails_alone(house: House) -> None:
    an_issue(house, 3)
    with house.database.transaction() as session:
        session.execute(text("UPDATE subscriber SET address_sealed = :bad WHERE id = 2"), {"bad": b"\x01" * 40})

    assert len(house.drain()) == 2
    assert states(deliveries(house)) == [Outbound.SENT, Outbound.FAILED, Outbound.SENT]


def test_a_request_whose_address_cant_be_opened_fails_alone(house: House) -> None:
    house.sign_up("ada@example.org")
    house.sign_up("bea@example.org")
    with house.database.transaction() as session:
        session.execute(update(Request).where(Request.id == 1).values(address_sealed=b"\x01" * 40))

    assert [each.recipient for each in house.drain()] == ["bea@example.org"]
    assert states(deliveries(house)) == [Outbound.FAILED, Outbound.SENT]


def test_a_letter_that_cant_be_written_fails_alone(house: House) -> None:
    an_issue(house, 3)
    with house.database.transaction() as session:
        session.execute(update(Delivery).where(Delivery.id == 2).values(nonce="broken\nnonce"))

    assert len(house.drain()) == 2
    assert states(deliveries(house)) == [Outbound.SENT, Outbound.FAILED, Outbound.SENT]


def test_two_senders_at_once_send_each_letter_once(house: House) -> None:
    house.publish()
    an_audience(house, 120)
    for number in range(60):
        a_subscriber(house, f"daily{number}@example.org", cadence=Cadence.DAILY)
    for issue in (house.plan(), house.plan(Cadence.DAILY)):
        house.send(issue)
    for number in range(5):
        house.sign_up(f"visitor{number}@example.org")

    with CatchAll() as relay:
        threads = [threading.Thread(target=drain_to, args=(house, relay.relay)) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    addresses = [each.recipient for each in relay.received]
    assert len(addresses) == len(set(addresses)) == 185
    assert {each.state for each in deliveries(house)} == {Outbound.SENT}

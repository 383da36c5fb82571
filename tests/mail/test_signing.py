"""Letters that are signed on their way out: by other processes, which may die at any moment."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing

import pytest

from coalition.errors import RelayLost
from coalition.mail.replies import Outcome
from coalition.mail.signing import Signing
from coalition.mail.smtp import Answered, Envelope, SmtpClient
from tests.mail.signatures import a_key, verifies
from tests.processes import children
from tests.relay import Action, CatchAll, Scripted

_STUCK = 30  # seconds
PROGRAM = "signing_process"


@pytest.fixture
def relay() -> Iterator[CatchAll]:
    with CatchAll() as server:
        yield server


def a_letter(number: int) -> Envelope:
    head = (
        f"From: a@list.example.org\r\nDate: Thu, 12 Mar 2026 08:05:00 +0000\r\nMessage-ID: <{number}@example.org>\r\n"
    )
    return Envelope("a@list.example.org", f"reader{number}@example.org", f"{head}\r\n.Hello {number}\r\n".encode())


def signing(relay: CatchAll | Scripted, processes: int = 2, patience: float = _STUCK) -> Signing:
    return Signing(SmtpClient(relay.relay, connections=2), a_key(), processes, patience)


def send(out: Signing, numbers: range, offered: int = 0) -> list[Answered]:
    """Offer letters as fast as they are taken; the first so many were offered before. Returns all answers."""
    came: list[Answered] = []
    waiting = list(numbers)[offered:]
    while len(came) < len(numbers):
        while waiting and out.room:
            out.offer(waiting[0], a_letter(waiting.pop(0)))
        came += out.answers(_STUCK)
    return came


def all_arrived(relay: CatchAll, came: list[Answered], numbers: range) -> bool:
    """Whether each was answered once and arrived once, with a signature that holds."""
    assert sorted(each.ticket for each in came) == list(numbers)
    assert {each.outcome for each in came} == {Outcome.ACCEPTED}
    assert sorted(each.recipient for each in relay.received) == sorted(f"reader{n}@example.org" for n in numbers)
    return all(verifies(each.data) for each in relay.received)


@pytest.mark.parametrize("processes", [1, 3])
def test_each_letter_arrives_once_and_signed(relay: CatchAll, processes: int) -> None:
    with closing(signing(relay, processes)) as out:
        came = send(out, range(100))

        assert len(children(PROGRAM)) == processes
    assert all_arrived(relay, came, range(100))
    assert {each.data.count(b"DKIM-Signature:") for each in relay.received} == {1}


def test_nothing_is_started_before_the_first_letter_and_nothing_stays(relay: CatchAll) -> None:
    out = signing(relay)
    out.close()
    before = children(PROGRAM)
    send(out, range(3))
    during = children(PROGRAM)
    out.close()

    assert (before, children(PROGRAM)) == ([], [])
    assert len(during) == 2


def test_a_closed_one_can_go_on(relay: CatchAll) -> None:
    with closing(signing(relay)) as out:
        came = send(out, range(3))
        out.close()
        came += send(out, range(3, 6))

    assert all_arrived(relay, came, range(6))


def test_it_takes_no_more_than_keeps_its_processes_busy(relay: CatchAll) -> None:
    with closing(signing(relay, 1)) as out:
        rooms = [out.room]
        for ticket in range(16):
            out.offer(ticket, a_letter(ticket))
            rooms.append(out.room)
        came = send(out, range(16), offered=16)
        rooms.append(out.room)

    assert rooms == [*range(16, -1, -1), 16]
    assert all_arrived(relay, came, range(16))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_process_that_dies_loses_no_letter(relay: CatchAll, number: signal.Signals) -> None:
    with closing(signing(relay)) as out:
        came = send(out, range(20))
        for first in range(20, 100, 20):
            # Stopped, it holds what it is given until it dies.
            victim = children(PROGRAM)[0]
            os.kill(victim, signal.SIGSTOP)
            for ticket in range(first, first + 4):
                out.offer(ticket, a_letter(ticket))
            os.kill(victim, number)
            os.kill(victim, signal.SIGCONT)
            came += send(out, range(first, first + 20), 4)

        assert len(children(PROGRAM)) == 2
    assert all_arrived(relay, came, range(100))


def test_a_process_that_stands_still_is_ended_and_its_letters_go(relay: CatchAll) -> None:
    with closing(signing(relay, patience=0.1)) as out:
        came = send(out, range(10))
        victim = children(PROGRAM)[0]
        os.kill(victim, signal.SIGSTOP)
        came += send(out, range(10, 40))

        assert victim not in children(PROGRAM)
    assert all_arrived(relay, came, range(40))


def test_all_processes_may_die_while_letters_wait(relay: CatchAll) -> None:
    with closing(signing(relay)) as out:
        came = send(out, range(10))
        for victim in children(PROGRAM):
            os.kill(victim, signal.SIGKILL)
        came += send(out, range(10, 60))

    assert all_arrived(relay, came, range(60))


def test_where_no_process_can_be_started_the_sender_signs(relay: CatchAll, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with closing(signing(relay)) as out:
        came = send(out, range(30))

        assert children(PROGRAM) == []
    assert all_arrived(relay, came, range(30))


def test_where_python_itself_is_gone_the_sender_signs(relay: CatchAll, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", "/nowhere/python")
    with closing(signing(relay)) as out:
        came = send(out, range(10))

    assert all_arrived(relay, came, range(10))


def test_signals_for_the_sender_do_not_end_the_processes(relay: CatchAll) -> None:
    with closing(signing(relay)) as out:
        came = send(out, range(10))
        before = children(PROGRAM)
        for process in before:
            os.kill(process, signal.SIGTERM)
            os.kill(process, signal.SIGINT)
        came += send(out, range(10, 50))

        assert children(PROGRAM) == before
    assert all_arrived(relay, came, range(50))


def test_a_lost_mail_server_costs_no_letter_its_signature() -> None:
    with Scripted({"GREETING": ["421 4.3.2 later", "220 hello"]}) as server, closing(signing(server)) as out:
        for ticket in range(6):
            out.offer(ticket, a_letter(ticket))
        with pytest.raises(RelayLost):
            out.answers(_STUCK)

        assert out.room == 32
        came = send(out, range(6))
        assert {each.outcome for each in came} == {Outcome.ACCEPTED}
        assert sorted(server.messages) == sorted(set(server.messages))
        assert len(server.messages) == 6
        assert all(verifies(message.replace(b"\r\n..", b"\r\n.")) for message in server.messages)


def test_an_answer_that_is_no_acceptance_comes_through() -> None:
    with Scripted({"RCPT": ["550 5.1.1 nobody", Action.CLOSE, "250 OK"]}) as server, closing(signing(server)) as out:
        came = send(out, range(5))

        assert sorted(each.ticket for each in came) == list(range(5))
        assert [each.outcome for each in came].count(Outcome.DEAD_ADDRESS) == 1

"""Many letters at once: what goes out together, what comes back in which order, and that no letter pays for another."""

from contextlib import closing

import pytest

from coalition.mail.replies import Outcome
from coalition.mail.smtp import Answered, SmtpClient
from tests.mail.offering import MESSAGE, an_envelope
from tests.relay import Action, CatchAll, Scripted

_STUCK = 30  # seconds


def send_all(client: SmtpClient, recipients: list[str]) -> dict[int, Outcome]:
    """Offer a letter to each, as fast as the client takes them; the outcome of each, by its place in the list."""
    came: list[Answered] = []
    waiting = list(enumerate(recipients))
    while len(came) < len(recipients):
        while waiting and client.room:
            ticket, recipient = waiting.pop(0)
            client.offer(ticket, an_envelope(recipient))
        came += client.answers(_STUCK)
    assert len({each.ticket for each in came}) == len(came)
    return {each.ticket: each.outcome for each in came}


def people(count: int) -> list[str]:
    return [f"reader{number}@example.org" for number in range(count)]


@pytest.mark.parametrize("connections", [1, 4])
@pytest.mark.parametrize("offers", [["PIPELINING"], ["8BITMIME"]], ids=["pipelined", "one by one"])
def test_each_letter_is_taken_once(connections: int, offers: list[str]) -> None:
    with (
        Scripted(offers=offers) as server,
        closing(SmtpClient(server.relay, connections=connections)) as client,
    ):
        outcomes = send_all(client, people(100))

        assert set(outcomes.values()) == {Outcome.ACCEPTED}
        assert server.messages == [MESSAGE] * 100
        recipients = [line for line in server.heard if line.startswith("RCPT")]
        assert sorted(recipients) == sorted(f"RCPT TO:<{each}>" for each in people(100))
        assert server.connections <= connections


def test_a_real_server_takes_many_over_several_connections() -> None:
    with CatchAll() as server, closing(SmtpClient(server.relay, connections=4)) as client:
        outcomes = send_all(client, people(60))

        assert set(outcomes.values()) == {Outcome.ACCEPTED}
        assert sorted(each.recipient for each in server.received) == sorted(people(60))
        assert {each.data for each in server.received} == {MESSAGE}
        assert server.connections == 4


@pytest.mark.parametrize("offers", [["PIPELINING"], ["8BITMIME"]], ids=["pipelined", "one by one"])
@pytest.mark.parametrize(
    ("step", "answer", "outcome"),
    [
        ("RCPT TO:<reader3@example.org>", "550 5.1.1 nobody", Outcome.DEAD_ADDRESS),
        ("RCPT TO:<reader3@example.org>", "451 4.7.1 greylisted", Outcome.RETRY),
        ("RCPT TO:<reader3@example.org>", Action.CLOSE, Outcome.UNTRIED),
        ("RCPT TO:<reader3@example.org>", "421 4.3.2 leaving", Outcome.UNTRIED),
        ("RCPT TO:<reader3@example.org>", "what is SMTP", Outcome.UNTRIED),
    ],
)
def test_one_bad_recipient_costs_nobody_else_anything(
    offers: list[str], step: str, answer: Action | str, outcome: Outcome
) -> None:
    with (
        Scripted(lambda line: answer if line == step else None, offers=offers) as server,
        closing(SmtpClient(server.relay, connections=2)) as client,
    ):
        outcomes = send_all(client, people(20))

        assert outcomes.pop(3) is outcome
        assert set(outcomes.values()) == {Outcome.ACCEPTED}
        assert [message for message in server.messages if message] == [MESSAGE] * 19


def test_a_refused_letter_whose_message_is_asked_for_all_the_same_gets_a_lone_dot() -> None:
    # RFC 2920, section 3.1: DATA went out with the refused RCPT, and some servers say 354 to it.
    with (
        Scripted({"RCPT": ["550 5.1.1 nobody", "250 OK"]}, offers=["PIPELINING"]) as server,
        closing(SmtpClient(server.relay, connections=1)) as client,
    ):
        outcomes = send_all(client, people(3))

        assert outcomes == {0: Outcome.DEAD_ADDRESS, 1: Outcome.ACCEPTED, 2: Outcome.ACCEPTED}
        assert server.messages == [b"", MESSAGE, MESSAGE]
        assert server.connections == 1


def test_a_refused_letter_whose_message_is_refused_too_is_followed_by_a_reset() -> None:
    script = {"RCPT": ["550 5.1.1 nobody", "250 OK"], "DATA": ["503 5.5.1 no recipient", "354 go on"]}
    with (
        Scripted(script, offers=["PIPELINING"]) as server,
        closing(SmtpClient(server.relay, connections=1)) as client,
    ):
        outcomes = send_all(client, people(3))

        assert outcomes == {0: Outcome.DEAD_ADDRESS, 1: Outcome.ACCEPTED, 2: Outcome.ACCEPTED}
        assert server.heard.count("RSET") == 1
        assert server.connections == 1


def test_connections_that_carry_only_so_many_letters_lose_and_double_none() -> None:
    with (
        Scripted(offers=["PIPELINING"]) as server,
        closing(SmtpClient(server.relay, connections=2, most=10)) as client,
    ):
        outcomes = send_all(client, people(50))

        assert set(outcomes.values()) == {Outcome.ACCEPTED}
        assert len(server.messages) == 50
        assert server.connections >= 5


def test_a_server_that_takes_only_two_connections_gets_all_letters_over_two() -> None:
    greetings: list[str] = []

    def two_at_most(line: str) -> str | None:
        if line == "GREETING":
            greetings.append(line)
            return "421 4.7.0 too many connections" if len(greetings) > 2 else None
        return None

    with (
        Scripted(two_at_most, offers=["PIPELINING"]) as server,
        closing(SmtpClient(server.relay, connections=8)) as client,
    ):
        outcomes = send_all(client, people(40))

        assert set(outcomes.values()) == {Outcome.ACCEPTED}
        assert len(server.messages) == 40


def test_a_message_without_an_answer_is_uncertain_and_the_letter_behind_it_goes_over_another_connection() -> None:
    with (
        Scripted({".": [Action.CLOSE, "250 OK"]}, offers=["PIPELINING"]) as server,
        closing(SmtpClient(server.relay, connections=1)) as client,
    ):
        outcomes = send_all(client, people(2))

        assert outcomes == {0: Outcome.UNCERTAIN, 1: Outcome.ACCEPTED}
        assert server.connections == 2


def test_a_reply_may_come_in_pieces_and_several_at_once() -> None:
    script = {"EHLO": "250-relay.test\n250-PIPELINING\n250 SIZE 0", ".": "250-2.0.0 well\n250 2.0.0 taken"}
    with (
        Scripted(script) as server,
        closing(SmtpClient(server.relay, connections=1)) as client,
    ):
        assert set(send_all(client, people(5)).values()) == {Outcome.ACCEPTED}
        assert server.messages == [MESSAGE] * 5

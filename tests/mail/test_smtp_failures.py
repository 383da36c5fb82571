"""Letters that the mail server refuses, and servers that go away, at every step."""

from contextlib import closing
from threading import Thread

import pytest

from coalition.errors import RelayLost
from coalition.mail.replies import Outcome, Reply
from coalition.mail.session import Patience
from coalition.mail.smtp import Answer, SmtpClient
from tests.mail.offering import MESSAGE, an_envelope, offer, send
from tests.relay import Action, Scripted


@pytest.mark.parametrize(
    ("step", "answer", "outcome"),
    [
        ("MAIL", "451 4.3.0 later", Outcome.RETRY),
        ("MAIL", "550 5.7.1 not from you", Outcome.OUR_FAULT),
        ("RCPT", "450 4.2.1 busy", Outcome.RETRY),
        ("RCPT", "550-5.1.1 nobody of that name\n550 5.1.1 lives here", Outcome.DEAD_ADDRESS),
        ("RCPT", "554 no", Outcome.REFUSED),
        ("DATA", "451 4.3.0 later", Outcome.RETRY),
        ("DATA", "554 5.6.0 no", Outcome.OUR_FAULT),
        (".", "452 4.3.1 disk full", Outcome.RETRY),
        (".", "550 5.1.1 nobody", Outcome.DEAD_ADDRESS),
        (".", "554 no", Outcome.REFUSED),
    ],
)
def test_a_refused_letter_leaves_the_connection_to_the_next(step: str, answer: str, outcome: Outcome) -> None:
    with (
        Scripted({step: [answer, "354 go on" if step == "DATA" else "250 OK"]}) as server,
        closing(SmtpClient(server.relay)) as client,
    ):
        refused, reply = send(client, an_envelope())
        taken, _ = send(client, an_envelope("bea@example.org"))

    assert (refused, reply.code) == (outcome, int(answer[:3]))
    assert taken is Outcome.ACCEPTED
    assert server.connections == 1
    assert server.messages[-1] == MESSAGE


def test_a_refusal_of_the_sender_never_speaks_of_the_recipient() -> None:
    with Scripted({"MAIL": "550 5.1.1 user unknown"}) as server:
        outcome, _ = offer(server.relay)

    assert outcome is Outcome.OUR_FAULT


@pytest.mark.parametrize("answer", [Action.CLOSE, "421 4.3.2 leaving", "502 what?"])
def test_a_refusal_stands_when_the_server_leaves_after_it(answer: Action | str) -> None:
    with (
        Scripted({"RCPT": ["550 5.1.1 nobody", "250 OK"], "RSET": answer}) as server,
        closing(SmtpClient(server.relay)) as client,
    ):
        outcomes = [send(client, an_envelope())[0] for _ in range(2)]

    assert outcomes == [Outcome.DEAD_ADDRESS, Outcome.ACCEPTED]
    assert server.connections == 2


def test_what_the_server_says_is_kept_without_addresses() -> None:
    with Scripted({"RCPT": "550 5.1.1 <ada@example.org>: nobody"}) as server:
        _, reply = offer(server.relay)

    assert reply.text == "[address]: nobody"


BEFORE_A_LETTER, OF_A_LETTER = ["GREETING", "EHLO"], ["MAIL", "RCPT", "DATA"]
LOST = [Action.CLOSE, "421 4.3.2 leaving", "what is SMTP"]


@pytest.mark.parametrize("step", BEFORE_A_LETTER)
@pytest.mark.parametrize("lost", LOST)
def test_a_server_lost_before_a_letter_is_no_attempt(step: str, lost: Action | str) -> None:
    usual = {"GREETING": "220 hello"}.get(step, "250 OK")
    with Scripted({step: [lost, usual]}) as server, closing(SmtpClient(server.relay)) as client:
        with pytest.raises(RelayLost) as caught:
            send(client, an_envelope())
        outcome, _ = send(client, an_envelope())

        assert outcome is Outcome.ACCEPTED
        assert server.messages == [MESSAGE]
        assert "ada" not in str(caught.value)


@pytest.mark.parametrize("step", OF_A_LETTER)
@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("offers", [["PIPELINING"], ["8BITMIME"]], ids=["pipelined", "one by one"])
def test_a_letter_at_which_a_new_session_ends_is_untried(step: str, lost: Action | str, offers: list[str]) -> None:
    with Scripted({step: [lost, _usual(step)]}, offers=offers) as server, closing(SmtpClient(server.relay)) as client:
        outcome, reply = send(client, an_envelope())

        assert outcome is Outcome.UNTRIED
        assert server.messages == []
        assert "ada" not in reply.text


@pytest.mark.parametrize("step", OF_A_LETTER)
@pytest.mark.parametrize("lost", LOST)
@pytest.mark.parametrize("offers", [["PIPELINING"], ["8BITMIME"]], ids=["pipelined", "one by one"])
def test_a_used_session_that_ends_before_a_message_costs_nothing(
    step: str, lost: Action | str, offers: list[str]
) -> None:
    script = {step: [_usual(step), lost, _usual(step)]}
    with Scripted(script, offers=offers) as server, closing(SmtpClient(server.relay, connections=1)) as client:
        outcomes = [send(client, an_envelope())[0] for _ in range(3)]

        assert outcomes == [Outcome.ACCEPTED] * 3
        assert server.messages == [MESSAGE] * 3
        assert server.connections == 2


@pytest.mark.parametrize("step", BEFORE_A_LETTER)
def test_a_server_that_stalls_before_a_letter_is_lost(step: str) -> None:
    impatient = Patience(connect=0.1, command=0.1)
    with (
        Scripted({step: Action.HANG}) as server,
        closing(SmtpClient(server.relay, impatient)) as client,
        pytest.raises(RelayLost),
    ):
        send(client, an_envelope())

    assert server.messages == []


@pytest.mark.parametrize("step", OF_A_LETTER)
def test_a_letter_at_which_a_new_session_stalls_is_untried(step: str) -> None:
    impatient = Patience(connect=0.1, command=0.1)
    with Scripted({step: Action.HANG}) as server, closing(SmtpClient(server.relay, impatient)) as client:
        outcome, _ = send(client, an_envelope())

    assert outcome is Outcome.UNTRIED
    assert server.messages == []


def test_a_server_that_leaves_in_the_middle_of_the_message_has_not_got_it_and_it_counts() -> None:
    # Larger than all buffers of the operating system between the two.
    huge = an_envelope(message=b"." * 64 + b"\r\n" + b"x" * 30_000_000 + b"\r\n")

    with Scripted({"PAYLOAD": Action.CLOSE}) as server:
        outcome, reply = offer(server.relay, huge)

    assert (outcome, reply.text) == (Outcome.RETRY, "the connection ended while the message was given")


def test_a_message_without_an_answer_is_uncertain() -> None:
    with Scripted({".": [Action.CLOSE, "250 OK"]}) as server, closing(SmtpClient(server.relay)) as client:
        first = send(client, an_envelope())
        second, _ = send(client, an_envelope())

        assert first == (Outcome.UNCERTAIN, Reply(0, None, "no answer after the message"))
        assert second is Outcome.ACCEPTED
        assert server.connections == 2


def test_a_message_whose_answer_takes_too_long_is_uncertain() -> None:
    with (
        Scripted({".": Action.HANG}) as server,
        closing(SmtpClient(server.relay, Patience(final=0.1))) as client,
    ):
        answer = send(client, an_envelope())

    assert answer == (Outcome.UNCERTAIN, Reply(0, None, "no answer after the message"))


def test_an_answer_that_is_none_is_uncertain() -> None:
    with Scripted({".": "what is SMTP"}) as server:
        outcome, _ = offer(server.relay)

    assert outcome is Outcome.UNCERTAIN


def test_a_server_that_leaves_with_its_answer_has_answered() -> None:
    with (
        Scripted({".": ["421 4.7.28 too much mail", "250 OK"]}) as server,
        closing(SmtpClient(server.relay)) as client,
    ):
        outcomes = [send(client, an_envelope())[0] for _ in range(2)]

    assert outcomes == [Outcome.OUR_FAULT, Outcome.ACCEPTED]
    assert server.connections == 2


def test_a_slow_answer_is_waited_for() -> None:
    answers: list[Answer] = []
    with Scripted({".": Action.HANG}) as server:
        sending = Thread(target=lambda: answers.append(offer(server.relay)))
        sending.start()
        server.wait_for_hang()
        server.release()
        sending.join()

    assert [outcome for outcome, _ in answers] == [Outcome.ACCEPTED]


def test_a_server_that_is_not_there_is_lost() -> None:
    with Scripted() as server:
        relay = server.relay

    with pytest.raises(RelayLost, match="refused"):
        offer(relay)


def _usual(step: str) -> str:
    return {"DATA": "354 go on"}.get(step, "250 OK")


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
@pytest.mark.parametrize("offers", [["PIPELINING"], ["8BITMIME"]], ids=["pipelined", "one by one"])
def test_too_much_said_of_a_recipient_is_an_answer_though_it_ends_the_session(step: str, offers: list[str]) -> None:
    script = {step: ["421 4.7.28 too much mail for this domain", _usual(step)]}
    with Scripted(script, offers=offers) as server, closing(SmtpClient(server.relay, connections=1)) as client:
        outcome, reply = send(client, an_envelope())
        after, _ = send(client, an_envelope("bea@example.org"))

    assert (outcome, reply.code, reply.enhanced) == (Outcome.OUR_FAULT, 421, "4.7.28")
    assert after is Outcome.ACCEPTED
    assert server.messages == [MESSAGE]

"""Letters that the mail server takes, and the connection that many of them share."""

from contextlib import closing
from dataclasses import replace

import pytest

from coalition.errors import RelayLost
from coalition.mail.replies import Outcome, Reply
from coalition.mail.smtp import Envelope, Outgoing, SmtpClient
from tests.mail.offering import MESSAGE, an_envelope, offer, send
from tests.relay import Action, CatchAll, Scripted


def test_a_letter_arrives_as_it_was_written() -> None:
    with CatchAll() as server:
        outcome, reply = offer(server.relay)

    (letter,) = server.received
    assert (outcome, reply) == (Outcome.ACCEPTED, Reply(250, "2.0.0", "taken"))
    assert (letter.sender, letter.recipient) == ("b+1@lists.example.org", "ada@example.org")
    assert letter.data == MESSAGE


def test_the_server_is_greeted_by_the_configured_name() -> None:
    with CatchAll() as server:
        offer(replace(server.relay, helo="news.example.org"))

    assert [letter.helo for letter in server.received] == ["news.example.org"]


def test_a_bounce_has_no_sender() -> None:
    with CatchAll() as server:
        offer(server.relay, Envelope("", "ada@example.org", MESSAGE))

    assert [letter.sender for letter in server.received] == [""]


@pytest.mark.parametrize(
    "body",
    [
        b".\r\n",
        b"..\r\n",
        b".first line\r\nlast line\r\n",
        b"first line\r\n.last line\r\n",
        b"text\r\n.\r\nmore\r\n",
        b"text\r\n..\r\n...\r\n",
        b"\r\n.\r\n\r\n.\r\n",
        b"text\r\n.\r\nMAIL FROM:<forged@example.org>\r\n",
        b"a." * 499 + b"\r\n",
        b"\r\n" * 1000,
        b"",
    ],
)
def test_no_line_of_dots_is_lost_or_ends_the_message(body: bytes) -> None:
    with CatchAll() as server:
        whole, bare = an_envelope(message=b"Subject: dots\r\n\r\n" + body), an_envelope(message=body)

        with closing(SmtpClient(server.relay)) as client:
            outcomes = [send(client, envelope)[0] for envelope in (whole, bare)]

    assert outcomes == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert [letter.data for letter in server.received] == [whole.message, body or b"\r\n"]


def test_a_message_without_a_last_line_end_gets_one() -> None:
    with CatchAll() as server:
        offer(server.relay, an_envelope(message=b"Subject: short\r\n\r\nbye."))

    assert server.received[0].data == b"Subject: short\r\n\r\nbye.\r\n"


@pytest.mark.parametrize(
    "message",
    [b"a\nb\r\n", b"a\rb\r\n", b"a\r.\r\n", b"a\n.\r\n", b"a\r\r\n", b"a\n\r", b"a\0\r\n", b"\xc3\xa9\r\n"],
)
def test_a_message_that_could_be_read_in_two_ways_is_not_made(message: bytes) -> None:
    with pytest.raises(ValueError, match="message"):
        an_envelope(message=message)


@pytest.mark.parametrize(
    "recipient",
    ["ada@example.org\r\nDATA", "a\0da@example.org", "ada@example.org> SIZE=1", "ada@example.org\ud800"],
)
def test_an_address_that_would_break_its_command_is_not_taken(recipient: str) -> None:
    with pytest.raises(ValueError, match="address"):
        an_envelope(recipient)


def test_an_address_beyond_ascii_travels_by_smtputf8() -> None:
    with CatchAll() as server:
        outcome, _ = offer(server.relay, an_envelope("jörg@example.org"))

    assert outcome is Outcome.ACCEPTED
    assert [(letter.recipient, letter.utf8) for letter in server.received] == [("jörg@example.org", True)]


def test_smtputf8_is_not_asked_for_without_need() -> None:
    with CatchAll() as server:
        offer(server.relay)

    assert [letter.utf8 for letter in server.received] == [False]


def test_an_address_beyond_ascii_is_refused_where_smtputf8_is_missing() -> None:
    with Scripted() as server:
        outcome, reply = offer(server.relay, an_envelope("jörg@example.org"))

    assert (outcome, reply.code, reply.enhanced) == (Outcome.REFUSED, 553, "5.6.7")
    assert server.heard == ["EHLO lists.example.org", "QUIT"]


def test_a_message_beyond_the_server_s_size_is_not_begun() -> None:
    with CatchAll(size=len(MESSAGE) - 1) as server:
        answer = offer(server.relay)

    assert answer == (Outcome.REFUSED, Reply(552, "5.3.4", "larger than the mail server takes"))
    assert server.received == []


@pytest.mark.parametrize("offered", [f"SIZE {len(MESSAGE)}", "SIZE 0", "SIZE"])
def test_a_message_within_the_server_s_size_says_how_large_it_is(offered: str) -> None:
    with Scripted(offers=[offered]) as server:
        outcome, _ = offer(server.relay)

    assert outcome is Outcome.ACCEPTED
    assert f"MAIL FROM:<b+1@lists.example.org> SIZE={len(MESSAGE)}" in server.heard


def test_nothing_is_opened_before_the_first_letter() -> None:
    with CatchAll() as server:
        client: Outgoing = SmtpClient(server.relay)
        client.close()

        assert server.connections == 0


def test_letters_one_after_the_other_share_a_connection() -> None:
    with CatchAll() as server, closing(SmtpClient(server.relay)) as client:
        for _ in range(50):
            send(client, an_envelope())

        assert server.connections == 1
        assert len(server.received) == 50


def test_a_connection_carries_only_so_many_letters() -> None:
    with Scripted() as server, closing(SmtpClient(server.relay, most=2)) as client:
        for _ in range(5):
            send(client, an_envelope())

        assert server.connections == 3
        assert server.heard.count("QUIT") == 2


def test_a_client_can_send_again_after_it_was_closed() -> None:
    with Scripted() as server, closing(SmtpClient(server.relay)) as client:
        send(client, an_envelope())
        client.close()
        send(client, an_envelope())

        assert len(server.messages) == 2
        assert server.heard.count("QUIT") == 1


def test_saying_goodbye_to_a_server_that_has_left_is_no_failure() -> None:
    with Scripted({"QUIT": Action.CLOSE}) as server:
        outcome, _ = offer(server.relay)

    assert outcome is Outcome.ACCEPTED


@pytest.mark.parametrize("ending", [Action.CLOSE, "421 4.4.2 idle for too long"])
def test_a_server_may_end_the_session_between_letters(ending: Action | str) -> None:
    with (
        Scripted({"MAIL": ["250 OK", ending, "250 OK"]}) as server,
        closing(SmtpClient(server.relay)) as client,
    ):
        outcomes = [send(client, an_envelope())[0] for _ in range(2)]

    assert outcomes == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert (server.connections, len(server.messages)) == (2, 2)


def test_a_letter_whose_session_ends_at_once_stands_back_and_the_server_is_lost() -> None:
    with Scripted({"MAIL": ["250 OK", Action.CLOSE]}) as server, closing(SmtpClient(server.relay)) as client:
        send(client, an_envelope())
        outcome, _ = send(client, an_envelope())

        assert outcome is Outcome.UNTRIED
        assert server.connections == 2
        with pytest.raises(RelayLost):
            send(client, an_envelope())
        assert server.connections == 2

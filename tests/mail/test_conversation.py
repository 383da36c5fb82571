"""Whatever a server answers, in whatever pieces, wherever it stops: each letter has one fate, the true one."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coalition.mail.conversation import Conversation, Lost
from coalition.mail.envelope import Envelope
from coalition.mail.replies import Outcome

LETTERS = 6


@dataclass
class Server:
    """A mail server that reads what it is given and answers as it is told; it knows what it has taken."""

    choose: st.DataObject
    taken: list[int] = field(default_factory=list)
    buffer: bytes = b""
    recipient: int | None = None
    has_sender: bool = False
    in_message: bool = False

    def hear(self, data: bytes) -> bytes:
        self.buffer += data
        said = b""
        while b"\r\n" in self.buffer:
            line, _, self.buffer = self.buffer.partition(b"\r\n")
            if not self.in_message:
                said += self.command(line)
            elif line == b".":
                said += self.end()
        return said

    def command(self, line: bytes) -> bytes:
        verb = line[:4]
        if verb == b"MAIL":
            self.recipient = None
            answer = self.say(b"250 ok", b"451 4.3.0 later", b"550 5.7.1 no", b"421 bye")
            self.has_sender = answer.startswith(b"250")
            return answer
        if verb == b"RCPT" and not self.has_sender:
            return b"503 5.5.1 who sends?\r\n"
        if verb == b"RCPT":
            answer = self.say(b"250-2.1.5 well\r\n250 2.1.5 ok", b"450 4.2.1 busy", b"550 5.1.1 nobody", b"421 bye")
            if answer.startswith(b"250"):
                self.recipient = int(line.partition(b"reader")[2].partition(b"@")[0])
            return answer
        if verb == b"DATA":
            # Some servers go on although nobody is to get it.
            answer = self.say(b"354 go on", b"554 5.5.1 no", b"what?")
            self.in_message = answer.startswith(b"354")
            return answer
        self.recipient = None
        return self.say(b"250 reset", b"502 what?")

    def end(self) -> bytes:
        self.in_message = False
        reader, self.recipient = self.recipient, None
        if reader is None:
            return self.say(b"554 5.5.1 no recipient", b"250 ok")
        answer = self.say(b"250 2.0.0 taken", b"452 4.3.1 full", b"554 no", b"421 4.7.0 bye", b"hm")
        if answer.startswith(b"250"):
            self.taken.append(reader)
        return answer

    def say(self, usual: bytes, *others: bytes) -> bytes:
        # Mostly as usual, or no session would ever get far.
        return self.choose.draw(st.sampled_from([usual] * 8 + list(others))) + b"\r\n"


@settings(max_examples=200, deadline=None)
@given(st.data())
@pytest.mark.parametrize("features", [{"pipelining": ""}, {}], ids=["pipelined", "one by one"])
def test_each_letter_has_one_fate_and_the_true_one(features: dict[str, str], data: st.DataObject) -> None:
    talk, server = Conversation(features, most=100), Server(data)
    waiting = list(range(LETTERS))
    try:
        while waiting or not talk.is_idle:
            while waiting and talk.room and data.draw(st.booleans()):
                talk.offer(waiting[0], Envelope("a@example.org", f"reader{waiting[0]}@example.org", b"Hi\r\n.\r\n"))
                waiting.pop(0)
            # The wire takes some of it, the server answers, and perhaps the connection ends here.
            written = talk.to_write()
            written = written[: data.draw(st.integers(0, len(written)))]
            said = server.hear(written)
            if written:
                talk.wrote(len(written))
            if data.draw(st.integers(0, 60)) == 0:
                break
            cut = data.draw(st.integers(0, len(said)))
            for piece in (said[:cut], said[cut:]):
                talk.receive(piece)
    except Lost:
        pass
    untried = [ticket for ticket, _, _ in talk.lose()]

    fates = {ticket: outcome for ticket, outcome, _ in talk.answers}
    assert len(fates) == len(talk.answers)
    assert sorted([*fates, *untried, *waiting]) == list(range(LETTERS))
    accepted = {ticket for ticket, outcome in fates.items() if outcome is Outcome.ACCEPTED}
    unclear = {ticket for ticket, outcome in fates.items() if outcome is Outcome.UNCERTAIN}
    assert len(server.taken) == len(set(server.taken))
    assert accepted <= set(server.taken) <= accepted | unclear


def test_a_server_that_says_too_much_is_no_mail_server() -> None:
    talk = Conversation({}, most=1)
    talk.offer(1, Envelope("a@example.org", "b@example.org", b"Hi\r\n"))

    with pytest.raises(Lost, match="too much"):
        talk.receive(100 * (b"250-" + b"x" * 1000 + b"\r\n") + b"250")


def test_a_word_that_nobody_asked_for_ends_the_session() -> None:
    talk = Conversation({}, most=1)

    with pytest.raises(Lost, match="421"):
        talk.receive(b"421 4.4.2 idle for too long\r\n")


def in_conversation() -> Conversation:
    """A letter on its way to a server that asks for one command at a time."""
    talk = Conversation({}, most=100)
    talk.offer(1, Envelope("a@example.org", "reader1@example.org", b"Hi\r\n.\r\n"))
    return talk


def test_an_answer_to_a_whole_message_that_says_two_things_at_once_leaves_it_uncertain() -> None:
    for last in (b"250-2.0.0 taken\r\n554 5.7.1 no\r\n", b"554-5.7.1 no\r\n250 2.0.0 taken\r\n"):
        talk = in_conversation()
        for answer in (b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"):
            talk.wrote(len(talk.to_write()))
            talk.receive(answer)
        talk.wrote(len(talk.to_write()))

        with pytest.raises(Lost):
            talk.receive(last)

        assert [(ticket, outcome) for ticket, outcome, _ in talk.answers] == [(1, Outcome.UNCERTAIN)]
        assert talk.lose() == []


@pytest.mark.parametrize("commands", [1, 2, 3])
def test_an_answer_to_a_command_that_says_two_things_at_once_ends_the_session_and_the_letter_is_untried(
    commands: int,
) -> None:
    talk = in_conversation()
    for answer in (b"250 ok\r\n", b"250 ok\r\n")[: commands - 1]:
        talk.wrote(len(talk.to_write()))
        talk.receive(answer)
    talk.wrote(len(talk.to_write()))

    with pytest.raises(Lost, match="two things"):
        talk.receive(b"250-fine\r\n550 5.1.1 nobody\r\n")

    assert talk.answers == []
    assert [ticket for ticket, _, _ in talk.lose()] == [1]

"""One session with the mail server, without a socket: letters and replies go in, bytes and answers come out.

Where the server offers PIPELINING (RFC 2920), MAIL, RCPT and DATA of a letter go out together, and those of the next
letter together with the dot that ends the one before: one wait for each letter instead of four. Where it does not, each
command waits for the answer to the one before. The rest is the same.
"""

import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache

from coalition.mail.envelope import Envelope
from coalition.mail.replies import Outcome, Reply, classify

Answer = tuple[Outcome, Reply]
Untried = tuple[int, Envelope, int]  # ticket, letter, and how many sessions have ended at it

# RFC 5321 asks for lines of at most 512 bytes; whoever sends so much without an end does not speak SMTP.
_LONGEST_REPLY = 64 * 1024
_REPLY_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)

_TWO_MINDS = 0  # the code of an answer whose lines differ in theirs (RFC 5321, section 4.2.1, forbids that)
_TOO_LARGE = Reply(552, "5.3.4", "larger than the mail server takes")
_NOT_ASCII = Reply(553, "5.6.7", "the mail server takes only ASCII addresses")
_NO_ANSWER = Reply(0, None, "no answer after the message")
_CUT_OFF = Reply(0, None, "the connection ended while the message was given")


class Lost(Exception):
    """The session is over; the text says why, for people."""


class _Step(Enum):
    """What a reply is awaited for."""

    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    END = auto()  # the dot after the message
    EMPTY_END = auto()  # the dot after nothing: DATA was begun although the letter had been refused
    RSET = auto()


@dataclass(slots=True)
class _Letter:
    ticket: int
    envelope: Envelope
    losses: int  # sessions that ended at it before
    answer: Answer | None = None  # a refusal that came before the message
    given_at: int = -1  # how many bytes this session will have written with its dot; -1 before that


class Conversation:
    """What goes over one connection, from after the greeting on. Holds at most two letters at a time."""

    HOLDS = 2

    def __init__(self, features: Mapping[str, str], most: int) -> None:
        """`features` are those of the answer to EHLO, in small letters; after `most` letters it wants to be closed."""
        self._pipelined = "pipelining" in features
        size = features.get("size", "")
        self._largest = int(size) if size.isdecimal() else 0
        self._tells_size, self._utf8 = "size" in features, "smtputf8" in features
        self._most, self.carried = most, 0
        self._letters: deque[_Letter] = deque()  # in order; the first is the one whose answers come next
        self._awaited: deque[tuple[_Step, _Letter | None]] = deque()
        self._announced = 0  # how many of the letters have had their commands queued
        self._needs_reset = False
        self._buffer = b""
        self._lines: list[bytes] = []
        self._code = _TWO_MINDS
        self._outgoing: list[bytes] = []
        self._queued = self._written = 0  # bytes
        self.answers: list[tuple[int, Outcome, Reply]] = []

    @property
    def room(self) -> int:
        """How many more letters it takes."""
        return min(self.HOLDS - len(self._letters), self._most - self.carried - len(self._letters))

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not self._letters and not self._awaited

    @property
    def is_worn(self) -> bool:
        """Whether it has carried as many letters as one connection should."""
        return self.carried >= self._most

    @property
    def awaits_verdict(self) -> bool:
        """Whether a whole message was given and the server still thinks about it; that may take long."""
        if not self._awaited:
            return False
        step = self._awaited[0][0]
        return step is _Step.END or step is _Step.EMPTY_END

    def offer(self, ticket: int, envelope: Envelope, losses: int = 0) -> None:
        """Take a letter. Its answer comes up in `answers` under this ticket."""
        if unfit := self._unfit(envelope):
            self.answers.append((ticket, Outcome.REFUSED, unfit))
            return
        self._letters.append(_Letter(ticket, envelope, losses))
        self._go_on()

    def to_write(self) -> bytes:
        """What should go to the server now; report with `wrote` how much of it went."""
        if len(self._outgoing) > 1:
            self._outgoing = [b"".join(self._outgoing)]
        return self._outgoing[0] if self._outgoing else b""

    def wrote(self, count: int) -> None:
        """So many bytes of `to_write` have been given to the operating system."""
        self._written += count
        rest = self._outgoing[0][count:]
        self._outgoing[0:1] = [rest] if rest else []

    def receive(self, data: bytes) -> None:
        """Bytes from the server. Raises Lost where they are no SMTP, or a goodbye."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            code, goes_on, text = _read(line)
            if self._lines and code != self._code:
                code = _TWO_MINDS
            self._code = code
            self._lines.append(text)
            if not goes_on:
                said, self._lines = b"\n".join(self._lines), []
                self._take(code, said)
        if len(self._buffer) + sum(map(len, self._lines)) > _LONGEST_REPLY:
            raise Lost("It says too much for a mail server.")

    def lose(self) -> list[Untried]:
        """End it. Letters that were given away get their answer; those that were not tried are handed back."""
        untried: list[Untried] = []
        is_explained = bool(self._letters) and self._letters[0].answer is not None
        for letter in self._letters:
            if letter.answer is not None:
                self._conclude(letter, letter.answer)
            elif letter.given_at < 0:
                # It ended at the first of them, where nothing else explains the end.
                losses = letter.losses + (not untried and not is_explained)
                untried.append((letter.ticket, letter.envelope, losses))
            elif letter.given_at <= self._written:
                self._conclude(letter, (Outcome.UNCERTAIN, _NO_ANSWER))
            else:
                # The dot goes last, so the server has no whole message. An attempt all the same: a message that makes
                # the server hang up every time must not be tried for ever.
                self._conclude(letter, (Outcome.RETRY, _CUT_OFF))
        self._letters.clear()
        self._awaited.clear()
        return untried

    def _unfit(self, envelope: Envelope) -> Reply | None:
        if 0 < self._largest < envelope.size:
            return _TOO_LARGE
        return _NOT_ASCII if envelope.needs_utf8 and not self._utf8 else None

    def _go_on(self) -> None:
        """Queue the commands of the next letter as soon as the one before is given; without pipelining, is over."""
        if self._announced == len(self._letters):
            return
        given = not self._announced or self._letters[self._announced - 1].given_at >= 0
        if not self._awaited or (self._pipelined and given):
            self._announce(self._letters[self._announced])

    def _announce(self, letter: _Letter) -> None:
        self._announced += 1
        if self._needs_reset:
            self._needs_reset = False
            self._say(b"RSET\r\n", _Step.RSET, None)
            if not self._pipelined:
                return
        self._begin(letter)

    def _begin(self, letter: _Letter) -> None:
        envelope = letter.envelope
        size = f" SIZE={envelope.size}" if self._tells_size else ""
        utf8 = " SMTPUTF8" if envelope.needs_utf8 else ""
        mail = f"MAIL FROM:<{envelope.sender}>{size}{utf8}\r\n"
        if not self._pipelined:
            self._say(mail.encode(), _Step.MAIL, letter)
            return
        self._put(f"{mail}RCPT TO:<{envelope.recipient}>\r\nDATA\r\n".encode())
        self._awaited.extend([(_Step.MAIL, letter), (_Step.RCPT, letter), (_Step.DATA, letter)])

    def _say(self, line: bytes, step: _Step, letter: _Letter | None) -> None:
        self._put(line)
        self._awaited.append((step, letter))

    def _put(self, data: bytes) -> None:
        self._outgoing.append(data)
        self._queued += len(data)

    def _take(self, code: int, said: bytes) -> None:
        if not self._awaited:
            raise Lost(f"It ended the session: {code} {Reply.read(code, said).text}")
        step, letter = self._awaited.popleft()
        if code == _TWO_MINDS and step is not _Step.END:
            raise Lost("Its answer says two things at once.")
        match step:
            case _Step.RSET:
                self._after_reset(code)
            case _Step.EMPTY_END:
                pass  # nothing was given, whatever it says
            case _Step.END if letter is not None:
                self._after_message(letter, code, said)
            case _ if letter is not None:
                self._after_command(step, letter, code, said)
        self._go_on()

    def _after_reset(self, code: int) -> None:
        if code != 250:
            raise Lost("It did not begin anew after a refused letter.")
        if not self._pipelined:
            self._begin(self._letters[0])

    def _after_message(self, letter: _Letter, code: int, said: bytes) -> None:
        reply = Reply.read(code, said)
        outcome = classify(reply)
        self._finish(letter, (outcome, reply))
        if code == 421 or outcome is Outcome.UNCERTAIN:
            raise Lost(f"It ended the session: {code} {reply.text}")

    def _after_command(self, step: _Step, letter: _Letter, code: int, said: bytes) -> None:
        wanted = 3 if step is _Step.DATA else 2
        if letter.answer is not None:
            self._after_refusal(step, letter, code)
        elif code == 421 or code // 100 not in (wanted, 4, 5):
            reply = Reply.read(code, said)
            if step is not _Step.MAIL and (reply.enhanced or "").startswith("4.7."):
                # Said of whom the letter goes to, not of the session, though it ends that too: "too much for us".
                letter.answer = (classify(reply), reply)
            raise Lost(f"It ended the session: {code} {reply.text}")
        elif code >= 400:
            reply = Reply.read(code, said)
            outcome = classify(reply)
            if step is _Step.MAIL and outcome is Outcome.DEAD_ADDRESS:
                # Nobody has been named yet, so an unknown address can only be our own.
                outcome = Outcome.OUR_FAULT
            letter.answer = (outcome, reply)
            self._after_refusal(step, letter, code)
        elif step is _Step.DATA:
            self._give(letter)
        elif not self._pipelined:
            self._say_next(step, letter)

    def _say_next(self, step: _Step, letter: _Letter) -> None:
        if step is _Step.MAIL:
            self._say(f"RCPT TO:<{letter.envelope.recipient}>\r\n".encode(), _Step.RCPT, letter)
        else:
            self._say(b"DATA\r\n", _Step.DATA, letter)

    def _after_refusal(self, step: _Step, letter: _Letter, code: int) -> None:
        """A letter that was refused before its message: swallow the answers to what was said beforehand."""
        if code == 421:
            raise Lost("It ended the session after a refused letter.")
        if step is _Step.DATA and code // 100 == 3:
            # It waits for a message that has no recipient. A lone dot ends it (RFC 2920, section 3.1).
            self._say(b".\r\n", _Step.EMPTY_END, None)
            self._finish(letter, letter.answer)
        elif step is _Step.DATA or not self._pipelined:
            self._needs_reset = True
            self._finish(letter, letter.answer)

    def _give(self, letter: _Letter) -> None:
        """Queue the message, its dot, and with them the commands of the next letter."""
        self._put(letter.envelope.wire)
        letter.given_at = self._queued
        self._awaited.append((_Step.END, letter))

    def _finish(self, letter: _Letter, answer: Answer | None) -> None:
        self._letters.popleft()
        self._announced -= 1
        self._conclude(letter, answer or (Outcome.UNCERTAIN, _NO_ANSWER))

    def _conclude(self, letter: _Letter, answer: Answer) -> None:
        self.carried += 1
        self.answers.append((letter.ticket, *answer))


@lru_cache(maxsize=256)  # servers say few things, and say them often
def _read(line: bytes) -> tuple[int, bool, bytes]:
    """The code of one line of a reply, whether another line follows, and its text. Raises Lost where it is none."""
    found = _REPLY_LINE.fullmatch(line.rstrip(b"\r"))
    if found is None:
        raise Lost("It did not answer as a mail server does.")
    return int(found[1]), found[2] == b"-", found[3] or b""

"""Gives letters to the mail server over a few connections at once, and tells exactly how far each of them got.

One thread serves all connections. A connection is opened when letters wait and those that there are have no room; it is
used for many letters, because greetings and TLS cost more than letters do.
"""

import contextlib
import selectors
import smtplib
import socket
import ssl
import time
from collections import deque
from typing import NamedTuple, Protocol

from coalition.config import Relay, Security, is_loopback
from coalition.errors import Misconfigured, RelayLost
from coalition.mail.conversation import Answer, Conversation, Lost, Untried
from coalition.mail.envelope import Envelope
from coalition.mail.replies import Outcome, Reply
from coalition.mail.session import Patience, open_session, tls_context, wait_at_most

__all__ = ["Answer", "Answered", "Envelope", "Outgoing", "SmtpClient"]


class Answered(NamedTuple):
    """What became of the letter with this ticket."""

    ticket: int
    outcome: Outcome
    reply: Reply


class Outgoing(Protocol):
    """Where letters leave. A letter is offered under a ticket; the answers come in any order."""

    @property
    def room(self) -> int:
        """How many more letters it takes at the moment."""

    def offer(self, ticket: int, envelope: Envelope) -> None:
        """Take a letter, without waiting for anything."""

    def answers(self, patience: float, most: int = 1000) -> list[Answered]:
        """The answers that have come, at most so many; waits at most so many seconds for the first.

        Raises RelayLost where no mail server can be reached: what has no answer then was not tried.
        """

    def close(self) -> None:
        """Says goodbye to the mail server. Nothing may be under way. The next letter begins anew."""


_PATIENT = Patience()
_GULP = 65536  # bytes


class SmtpClient:
    """Several connections, each opened when first needed and used for `most` letters. For one thread at a time."""

    def __init__(self, relay: Relay, patience: Patience = _PATIENT, most: int = 1000, connections: int = 4) -> None:
        """Raises Misconfigured where a password would travel in clear or `ca_file` can't be read."""
        if relay.user and relay.security is Security.PLAIN and not is_loopback(relay.host):
            raise Misconfigured("The mail server's password would be sent in clear: use STARTTLS or TLS.")
        self._relay, self._patience, self._most = relay, patience, most
        self._tls = tls_context(relay)
        self._limit = self._allowed = connections
        self._waiting: deque[Untried] = deque()
        self._open: list[_Connection] = []
        self._selector = selectors.DefaultSelector()
        self._came: list[Answered] = []
        self._in_hand = 0  # letters that have no answer yet
        self._refused = ""  # why the last session took no letter

    @property
    def room(self) -> int:
        """How many more letters it takes at the moment: as many as can be under way at once, and one more for each.

        With that at hand, the commands of the next letter travel with the message before it.
        """
        return max(0, self._limit * (Conversation.HOLDS + 1) - self._in_hand)

    def offer(self, ticket: int, envelope: Envelope) -> None:
        """Take a letter; see `Outgoing.offer`."""
        self._in_hand += 1
        self._waiting.append((ticket, envelope, 0))

    def answers(self, patience: float, most: int = 1000) -> list[Answered]:
        """The answers that have come; see `Outgoing.answers`."""
        until = time.monotonic() + patience
        while True:
            try:
                self._deal_out()
            except RelayLost:
                if not self._came:
                    self._waiting.clear()
                    self._in_hand, self._limit = 0, self._allowed
                    raise
            if len(self._came) < most:
                self._move(0.0 if self._came else until - time.monotonic(), most)
            if self._came or time.monotonic() >= until:
                came, self._came = self._came[:most], self._came[most:]
                self._in_hand -= len(came)
                return came

    def close(self) -> None:
        """Says goodbye, if there is anybody to say it to."""
        for connection in list(self._open):
            self._let_go(connection)
            connection.quit()
        self._limit = self._allowed

    def _deal_out(self) -> None:
        """Give waiting letters to connections, idle ones first. Raises RelayLost where there is none and none opens."""
        while self._waiting:
            connection = self._roomiest()
            if connection is None:
                break
            connection.talk.offer(*self._waiting.popleft())
            self._serve(connection)

    def _roomiest(self) -> "_Connection | None":
        idle = next((each for each in self._open if each.talk.is_idle), None)
        if idle is None and len(self._open) < self._limit:
            idle = self._another()
        return idle or next((each for each in self._open if each.talk.room > 0), None)

    def _another(self) -> "_Connection | None":
        """One more connection. Where the server takes no more, those that there are have to do."""
        try:
            if self._refused:
                raise RelayLost(self._refused)
            connection = _Connection(open_session(self._relay, self._tls, self._patience), self._patience, self._most)
        except RelayLost:
            self._refused = ""
            if not self._open:
                raise
            self._limit = len(self._open)
            return None
        self._open.append(connection)
        self._selector.register(connection.socket, connection.watched, connection)
        return connection

    def _move(self, patience: float, most: int) -> None:
        """Read and write what can be until so many answers came, waiting at most so many seconds; end who stalls."""
        now = time.monotonic()
        stall = min((each.deadline for each in self._open if not each.talk.is_idle), default=now + patience)
        if self._open:
            for key, events in self._selector.select(max(0.0, min(patience, stall - now))):
                self._serve(key.data, read=bool(events & selectors.EVENT_READ))
                if len(self._came) >= most:
                    break  # the others come up again
        now = time.monotonic()
        for connection in [each for each in self._open if not each.talk.is_idle and each.deadline <= now]:
            self._lose(connection, "It does not answer.")

    def _serve(self, connection: "_Connection", *, read: bool = False) -> None:
        """Let a connection read and write, and see to what came of it."""
        if connection not in self._open:
            return
        try:
            if read:
                connection.pull()
            if connection.talk.answers and self._waiting and connection.talk.room:
                self._collect(connection)
                connection.talk.offer(*self._waiting.popleft())
            connection.push()
        except (OSError, Lost) as error:
            self._lose(connection, str(error) if isinstance(error, Lost) else "It went away.")
            return
        self._collect(connection)
        if connection.talk.is_worn and connection.talk.is_idle:
            self._let_go(connection)
            connection.quit()
        else:
            self._watch(connection)

    def _watch(self, connection: "_Connection") -> None:
        """Let the selector look for what this connection waits for, where that changed: it costs a system call."""
        if connection.watched != connection.interest:
            connection.watched = connection.interest
            self._selector.modify(connection.socket, connection.watched, connection)

    def _lose(self, connection: "_Connection", why: str) -> None:
        """A connection is gone. What it had not tried goes to another; servers close well-used connections."""
        untried = connection.talk.lose()
        self._collect(connection)
        self._let_go(connection)
        connection.close()
        if untried and connection.talk.carried == 0:
            # It took a session and no letter: a further one would fare alike.
            self._refused = f"The mail server {self._relay.host}:{self._relay.port} took no letter. {why}"
        if untried and (untried[0][2] > 1 or self._refused):
            # Perhaps it is the letter that ends sessions: it stands back, so that the others go on.
            self._came.append(Answered(untried.pop(0)[0], Outcome.UNTRIED, Reply(0, None, why)))
        self._waiting.extendleft(reversed(untried))

    def _let_go(self, connection: "_Connection") -> None:
        self._selector.unregister(connection.socket)
        self._open.remove(connection)
        self._limit = min(self._allowed, self._limit + 1)

    def _collect(self, connection: "_Connection") -> None:
        if connection.talk.answers:
            self._came += [Answered(*each) for each in connection.talk.answers]
            connection.talk.answers.clear()


class _Connection:
    """A session, its socket, and how long it may stay silent."""

    def __init__(self, session: smtplib.SMTP, patience: Patience, most: int) -> None:
        if session.sock is None:
            raise RelayLost("The mail server went away.")
        self._session, self._patience = session, patience
        self.socket: socket.socket = session.sock
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.talk = Conversation(session.esmtp_features, most)
        self.watched = selectors.EVENT_READ
        self.deadline = 0.0
        self._progress()

    @property
    def interest(self) -> int:
        """What the selector should watch for: always replies, and room where something waits to be written."""
        return selectors.EVENT_READ | (selectors.EVENT_WRITE if self.talk.to_write() else 0)

    def push(self) -> None:
        """Write as much as goes."""
        while waiting := self.talk.to_write():
            try:
                count = self.socket.send(waiting)
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                return
            self.talk.wrote(count)
            self._progress()

    def pull(self) -> None:
        """Read what has come."""
        while True:
            try:
                data = self.socket.recv(_GULP)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            if not data:
                raise Lost("It went away.")
            self.talk.receive(data)
            self._progress()
            if len(data) < _GULP and not isinstance(self.socket, ssl.SSLSocket):
                break

    def quit(self) -> None:
        """Say goodbye and close."""
        with contextlib.closing(self), contextlib.suppress(OSError):
            wait_at_most(self._session, self._patience.connect)
            self._session.docmd("QUIT")

    def close(self) -> None:
        """Close without a word."""
        self._session.close()

    def _progress(self) -> None:
        patience = self._patience.final if self.talk.awaits_verdict else self._patience.command
        self.deadline = time.monotonic() + patience

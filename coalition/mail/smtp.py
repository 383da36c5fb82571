"""Gives letters to the mail server, one after the other, and tells exactly how far each of them got."""

import contextlib
import smtplib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from coalition.config import Relay, Security, is_loopback
from coalition.errors import Misconfigured, RelayLost
from coalition.mail.replies import Outcome, Reply, classify
from coalition.mail.session import Patience, open_session, tls_context, wait_at_most

Answer = tuple[Outcome, Reply]


@dataclass(frozen=True)
class Envelope:
    """One message for one recipient. A wrong line end or a byte that mail can't carry is a ValueError."""

    sender: str
    recipient: str
    message: bytes

    def __post_init__(self) -> None:
        """A bare CR or LF would let a text end the message early and begin a forged one."""
        message = self.message
        if not message.count(b"\r\n") == message.count(b"\r") == message.count(b"\n"):
            raise ValueError("A line of the message does not end in CR LF.")
        if b"\0" in message or not message.isascii():
            raise ValueError("The message has a NUL or a byte beyond ASCII.")
        for address in (self.sender, self.recipient):
            if any(character in "<> " or not character.isprintable() for character in address):
                raise ValueError("An address of the envelope would break its command.")


class Outgoing(Protocol):
    """Where letters leave."""

    def send(self, envelope: Envelope) -> Answer:
        """Offers one letter. Raises RelayLost when there was no attempt: the letter can be offered again."""

    def close(self) -> None:
        """Says goodbye to the mail server. The next `send` begins anew."""


_PATIENT = Patience()
_NO_ANSWER = Reply(0, None, "no answer after the message")
_TOO_LARGE = Reply(552, "5.3.4", "larger than the mail server takes")
_NOT_ASCII = Reply(553, "5.6.7", "the mail server takes only ASCII addresses")


class SmtpClient:
    """One connection, opened when first needed and used for `most` letters. For one thread at a time."""

    def __init__(self, relay: Relay, patience: Patience = _PATIENT, most: int = 50) -> None:
        """Raises Misconfigured where a password would travel in clear or `ca_file` can't be read."""
        if relay.user and relay.security is Security.PLAIN and not is_loopback(relay.host):
            raise Misconfigured("The mail server's password would be sent in clear: use STARTTLS or TLS.")
        self._relay = relay
        self._patience = patience
        self._most = most
        self._tls = tls_context(relay)
        self._kept: smtplib.SMTP | None = None
        self._carried = 0

    def send(self, envelope: Envelope) -> Answer:
        """Offers one letter; see `Outgoing.send`."""
        kept, self._kept = self._kept, None
        if kept is not None:
            # Servers close idle and well-used connections between two letters: that is no failure.
            with contextlib.suppress(_HungUp):
                return self._offer(kept, envelope)
        return self._offer(self._open(), envelope)

    def close(self) -> None:
        """Says goodbye, if there is anybody to say it to."""
        kept, self._kept = self._kept, None
        if kept is not None:
            self._quit(kept)

    def _open(self) -> smtplib.SMTP:
        self._carried = 0
        return open_session(self._relay, self._tls, self._patience)

    def _offer(self, smtp: smtplib.SMTP, envelope: Envelope) -> Answer:
        """One transaction. The connection is kept where the next one can follow, and closed otherwise."""
        try:
            if unfit := _unfit(envelope, smtp.esmtp_features):
                self._keep(smtp)
                return Outcome.REFUSED, unfit
            if refusal := _announce(smtp, envelope):
                self._reset(smtp)
                return refusal
            return self._hand_over(smtp, envelope.message)
        finally:
            if self._kept is not smtp:
                smtp.close()

    def _hand_over(self, smtp: smtplib.SMTP, message: bytes) -> Answer:
        try:
            # The final dot goes last in one write: if this fails, the server has no complete message.
            smtp.send(_on_the_wire(message))
        except OSError as error:
            raise RelayLost("The mail server went away while it was given the message.") from error
        try:
            wait_at_most(smtp, self._patience.final)
            reply = Reply.read(*smtp.getreply())
        except OSError:
            return Outcome.UNCERTAIN, _NO_ANSWER
        outcome = classify(reply)
        if outcome is not Outcome.UNCERTAIN and reply.code != 421:
            self._keep(smtp)
        return outcome, reply

    def _reset(self, smtp: smtplib.SMTP) -> None:
        with contextlib.suppress(RelayLost):
            if _ask(smtp, "RSET").code == 250:
                self._keep(smtp)

    def _keep(self, smtp: smtplib.SMTP) -> None:
        self._carried += 1
        if self._carried < self._most:
            wait_at_most(smtp, self._patience.command)
            self._kept = smtp
        else:
            self._quit(smtp)

    def _quit(self, smtp: smtplib.SMTP) -> None:
        with contextlib.closing(smtp), contextlib.suppress(OSError):
            wait_at_most(smtp, self._patience.connect)
            smtp.docmd("QUIT")


class _HungUp(RelayLost):
    """The server went away before the transaction began."""


def _unfit(envelope: Envelope, offered: Mapping[str, str]) -> Reply | None:
    largest = offered.get("size", "")
    if largest.isdecimal() and 0 < int(largest) < len(envelope.message):
        return _TOO_LARGE
    if _needs_utf8(envelope) and "smtputf8" not in offered:
        return _NOT_ASCII
    return None


def _needs_utf8(envelope: Envelope) -> bool:
    return not (envelope.sender + envelope.recipient).isascii()


def _announce(smtp: smtplib.SMTP, envelope: Envelope) -> Answer | None:
    """MAIL, RCPT and DATA: the refusal, or None when the server waits for the message."""
    size = f" SIZE={len(envelope.message)}" if smtp.has_extn("size") else ""
    utf8 = " SMTPUTF8" if _needs_utf8(envelope) else ""
    try:
        reply = _ask(smtp, "MAIL", f"FROM:<{envelope.sender}>{size}{utf8}")
    except RelayLost as error:
        raise _HungUp(str(error)) from error
    if reply.code >= 400:
        outcome = classify(reply)
        # Nobody has been named yet, so an unknown address can only be our own.
        return Outcome.OUR_FAULT if outcome is Outcome.DEAD_ADDRESS else outcome, reply
    for verb, argument in (("RCPT", f"TO:<{envelope.recipient}>"), ("DATA", "")):
        reply = _ask(smtp, verb, argument)
        if reply.code >= 400:
            return classify(reply), reply
    return None


def _ask(smtp: smtplib.SMTP, verb: str, argument: str = "") -> Reply:
    """One command and its answer: yes or a refusal. RelayLost after anything else."""
    try:
        reply = Reply.read(*smtp.docmd(verb, argument))
    except OSError as error:
        raise RelayLost("The mail server went away before it was given the message.") from error
    if reply.code == 421 or reply.code // 100 not in (3 if verb == "DATA" else 2, 4, 5):
        raise RelayLost(f"The mail server ended the session: {reply.code} {reply.text}")
    return reply


def _on_the_wire(message: bytes) -> bytes:
    """`message` with its leading dots doubled, and the dot on a line of its own that ends it."""
    ended = message if message.endswith(b"\r\n") else message + b"\r\n"
    stuffed = ended.replace(b"\r\n.", b"\r\n..")
    return (b"." if ended.startswith(b".") else b"") + stuffed + b".\r\n"

"""What the tests of the way out have in common: one letter, offered once."""

from contextlib import closing

from coalition.config import Relay
from coalition.mail.smtp import Answer, Envelope, SmtpClient

_STUCK = 30  # seconds

MESSAGE = b"Subject: News\r\n\r\nHello Ada.\r\n"


def an_envelope(recipient: str = "ada@example.org", message: bytes = MESSAGE) -> Envelope:
    """A letter to Ada, in which only what matters need be said."""
    return Envelope("b+1@lists.example.org", recipient, message)


def offer(relay: Relay, envelope: Envelope | None = None) -> Answer:
    """Offers one letter on a connection of its own."""
    with closing(SmtpClient(relay)) as client:
        return send(client, envelope or an_envelope())


def send(client: SmtpClient, envelope: Envelope) -> Answer:
    """Offers one letter and waits for its answer."""
    client.offer(1, envelope)
    while not (came := client.answers(_STUCK)):
        pass
    (answered,) = came
    return answered.outcome, answered.reply

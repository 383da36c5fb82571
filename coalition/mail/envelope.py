"""One message for one recipient, as it goes to the mail server."""

import re

_PLAIN = re.compile(r"[A-Za-z0-9.@+_-]*")
_DOT = b".\r\n"


class Envelope:
    """One message for one recipient. A wrong line end or a byte that mail can't carry is a ValueError."""

    __slots__ = ("recipient", "sender", "size", "wire")

    def __init__(self, sender: str, recipient: str, message: bytes) -> None:
        """A bare CR or LF would let a text end the message early and begin a forged one."""
        if not is_sound(message):
            raise ValueError("A line of the message does not end in CR LF, or it has a NUL or a byte beyond ASCII.")
        self._address(sender, recipient)
        ended = message if message.endswith(b"\r\n") else message + b"\r\n"
        self.wire, self.size = stuffed(ended) + _DOT, len(ended)

    @classmethod
    def of_wire(cls, sender: str, recipient: str, wire: bytes, size: int) -> "Envelope":
        """From a sound message as it goes over the wire: dots doubled, and one at its end; `size` is without them."""
        envelope = cls.__new__(cls)
        envelope._address(sender, recipient)
        envelope.wire, envelope.size = wire, size
        return envelope

    def under(self, header: bytes) -> "Envelope":
        """The same message with one more header, in whole lines, before all others."""
        other = Envelope.__new__(Envelope)
        other.sender, other.recipient = self.sender, self.recipient
        other.wire, other.size = header + self.wire, self.size + len(header)
        return other

    @property
    def message(self) -> bytes:
        """The message as it is read, in whole lines."""
        body = self.wire[: -len(_DOT)]
        if len(body) == self.size:
            return body  # no dot was doubled, so none need be looked for
        return (body[1:] if body.startswith(b"..") else body).replace(b"\r\n..", b"\r\n.")

    @property
    def needs_utf8(self) -> bool:
        """Whether an address is beyond ASCII: then the server must offer SMTPUTF8 (RFC 6531)."""
        return not (self.sender.isascii() and self.recipient.isascii())

    def _address(self, sender: str, recipient: str) -> None:
        for address in (sender, recipient):
            if not _PLAIN.fullmatch(address) and any(c in "<> " or not c.isprintable() for c in address):
                raise ValueError("An address of the envelope would break its command.")
        self.sender, self.recipient = sender, recipient


def is_sound(message: bytes) -> bool:
    """Whether every line ends in CR LF, and no byte is a NUL or beyond ASCII."""
    ends = message.count(b"\r\n")
    return ends == message.count(b"\r") == message.count(b"\n") and message.isascii() and b"\0" not in message


def stuffed(lines: bytes) -> bytes:
    """Whole lines with their leading dots doubled (RFC 5321, section 4.5.2)."""
    return (b"." if lines.startswith(b".") else b"") + lines.replace(b"\r\n.", b"\r\n..")

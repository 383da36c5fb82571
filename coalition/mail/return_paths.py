"""Return paths: the address that a mail server sends a letter back to, one for each delivery (VERP).

`b+NONCE.TRACE.MARK@bounces.example.org`, 60 characters before the @: the delivery's own random name, a trace of the
address that it went to (so that a letter that comes back from an old address is not taken for the new one), and a mark
that only we can make. It tells nothing to anybody else, and no spelling of it in other case is another path.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from coalition.community import Community
from coalition.tokens import Tokens

_SHAPE = re.compile(r"(?<![\w.+-])b\+([a-z2-7]{26})\.([0-9a-f]{10})\.([0-9a-f]{20})@([a-z0-9.-]{1,255})", re.ASCII)


@dataclass(frozen=True)
class ReturnPath:
    """What a return path of ours names."""

    nonce: str  # of the delivery
    trace: str  # of the address that it went to

    def leads_from(self, address_keys: Iterable[bytes]) -> bool:
        """Whether the letter went to the address with one of these look-up keys."""
        return any(self.trace == _trace(key) for key in address_keys)


class ReturnPaths:
    """Makes and reads the return paths of one community."""

    def __init__(self, tokens: Tokens, community: Community) -> None:
        self._tokens, self._domain = tokens, community.bounce_domain
        self._sender = community.sender.written

    def to(self, nonce: str, address_key: bytes | None) -> str:
        """The return path of a delivery; the sender's own address where nobody collects what comes back."""
        if not self._domain:
            return self._sender
        value = f"{nonce}.{_trace(address_key or b'')}"
        return f"b+{value}.{self._tokens.mark(value)}@{self._domain}"

    def read(self, text: str) -> set[ReturnPath]:
        """The return paths in a text, such as a header field; what we have not made is none."""
        found = (each.groups() for each in _SHAPE.finditer(text.lower()))
        return {
            ReturnPath(nonce, trace)
            for nonce, trace, mark, domain in found
            if domain == self._domain and self._tokens.is_marked(f"{nonce}.{trace}", mark)
        }


def _trace(address_key: bytes) -> str:
    return address_key[:5].ljust(5, b"\0").hex()

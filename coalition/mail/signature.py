"""What a DKIM signature covers and how it is written (RFC 6376). The number itself is made elsewhere.

Headers are covered in their relaxed form, because mail servers fold lines anew; the body as it is, because it is
quoted-printable, which no server has a reason to touch, and because squeezing the spaces of every body takes time.
"""

import re
from base64 import b64encode
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256

from coalition.mail.envelope import Envelope

# Each is named once more than it stands in the letter: nobody can add one on the way unnoticed (RFC 6376, 8.15). RFC
# 8058 wants both headers of one-click leaving covered; the usual lists of other signers leave the second out.
COVERED = (
    "from",
    "to",
    "cc",
    "reply-to",
    "subject",
    "date",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "list-id",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-help",
    "list-owner",
    "list-post",
)
_DATE = COVERED.index("date")
_PLACES = {name.encode("ascii"): place for place, name in enumerate(COVERED)}

_NEXT_FIELD = re.compile(rb"\r\n(?![ \t])")
_WIDTH = 72


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A letter whose signature lacks only the number. `digest` is what has to be signed."""

    envelope: Envelope
    header: bytes
    digest: bytes

    def signed(self, number: bytes) -> Envelope:
        """The letter with its signature in front."""
        encoded = b64encode(number)
        lines = [encoded[start : start + _WIDTH] for start in range(0, len(encoded), _WIDTH)]
        return self.envelope.under(self.header + b"\r\n ".join(lines) + b"\r\n")


class SignatureWriter:
    """Writes the signatures of one domain and selector. The same letter always gets the same one."""

    def __init__(self, domain: str, selector: str) -> None:
        self._who = f"d={domain}; s={selector};".encode("ascii")

    def write(self, envelope: Envelope) -> Unsigned:
        """All of a letter's signature but the number."""
        head, _, body = envelope.message.partition(b"\r\n\r\n")
        found: list[list[bytes]] = [[] for _ in COVERED]
        for field in _NEXT_FIELD.split(head):
            place, line = _relaxed(field)
            if place >= 0:
                found[place].append(line)
        # Of several, the lowest is covered first.
        lines = [line for lines in found for line in reversed(lines)]
        header = b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple;\r\n %b t=%d;\r\n%b bh=%b;\r\n b=" % (
            self._who,
            _seconds(found[_DATE][-1]),
            _names(tuple(map(len, found))),
            b64encode(_body_hash(body)),
        )
        _, _, value = header.partition(b":")
        whole = b"".join([*lines, b"dkim-signature:", b" ".join(value.split())])
        return Unsigned(envelope, header, sha256(whole).digest())


@lru_cache(maxsize=256)  # most are the same in all letters
def _relaxed(field: bytes) -> tuple[int, bytes]:
    """A field as it is covered, and its place among those that are; -1 for the others."""
    name, _, value = field.partition(b":")
    name = name.strip().lower()
    return _PLACES.get(name, -1), b"%b:%b\r\n" % (name, b" ".join(value.split()))


def _body_hash(body: bytes) -> bytes:
    """Of a body with exactly one line end after its last line."""
    end = len(body)
    while body.endswith(b"\r\n", 0, end):
        end -= 2
    whole = sha256(memoryview(body)[:end])
    whole.update(b"\r\n")
    return whole.digest()


@lru_cache(maxsize=64)
def _seconds(date: bytes) -> int:
    """When the letter was written, not when it was signed: a retry is byte for byte the same."""
    return int(parsedate_to_datetime(date.partition(b":")[2].decode("ascii").strip()).timestamp())


@lru_cache(maxsize=64)
def _names(counts: tuple[int, ...]) -> bytes:
    """The list of covered headers, in lines."""
    names = [name for name, count in zip(COVERED, counts, strict=True) for _ in range(count + 1)]
    lines, line = [], " h=" + names[0]
    for name in names[1:]:
        line += ":"
        if len(line) + len(name) > _WIDTH:
            lines.append(line)
            line = "  "
        line += name
    return ("\r\n".join([*lines, line]) + ";\r\n").encode("ascii")

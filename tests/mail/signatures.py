"""One key for all tests, letters signed with it, and dkimpy to judge: a program of others."""

from functools import cache

import dkim
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from coalition.mail.envelope import Envelope
from coalition.mail.signature import SignatureWriter
from coalition.mail.signing_key import SigningKey
from coalition.mail.signing_process import sign
from tests.mail.desk import Desk
from tests.mail.words import Words


@cache
def a_key() -> SigningKey:
    """One for all letters."""
    return SigningKey("list.example.org", "s1", generate_private_key(65537, 2048))


def signed(envelope: Envelope) -> Envelope:
    """A letter as it leaves."""
    unsigned = SignatureWriter("list.example.org", "s1").write(envelope)
    return unsigned.signed(sign(a_key().private, unsigned.digest))


def write(desk: Desk, letter: str) -> Envelope:
    """One of `LETTERS`, signed."""
    kind, code = letter.split()
    return signed(desk.write(kind, Words(locale=code)))


def verifies(message: bytes) -> bool:
    """Whether a receiver who looks our record up finds the signature good."""

    def look_up(name: bytes, **_: object) -> bytes | None:
        return a_key().record.encode() if name == f"{a_key().record_name}.".encode() else None

    return bool(dkim.verify(message, dnsfunc=look_up))

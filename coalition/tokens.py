"""Signed tokens: one salt and lifetime per purpose, so that a token of one kind opens no other door.

Made with itsdangerous (SHA-256, HMAC key derivation; its defaults are SHA-1 and weaker). A token is
`value~timestamp~signature` with a value of letters, digits, `-` and `_`: nothing a mail client could cut short or take
for a file name. Several spellings of one token can verify, so whatever must work once is tied to its value.
"""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from itsdangerous import BadData, TimestampSigner
from itsdangerous.encoding import base64_encode, int_to_bytes

from coalition.clock import utcnow
from coalition.errors import BadToken, TokenExpired
from coalition.rings import Ring, Source

_SHAPE = re.compile(r"[A-Za-z0-9_~-]{20,300}")
_VALUE = re.compile(r"[A-Za-z0-9_-]+")
_SKEW = timedelta(minutes=5)
_RETURN_PATH = "return-path-v1"
_CODE = 26  # characters
_BASE32 = b"abcdefghijklmnopqrstuvwxyz234567" * 8  # each for eight of the 256 values of a byte


class Purpose(StrEnum):
    """What a token is good for; also its salt."""

    CONFIRM = "confirm-v1"
    PREFERENCES = "preferences-v1"  # in every digest: weak, long-lived
    FRESH = "fresh-v1"  # asked for by mail: strong, short-lived
    FORM = "form-v1"  # when a sign-up form was shown
    PAGE = "page-v1"  # which page a button stood on
    UNDO = "undo-v1"
    MOVE = "move-v1"  # in the mailbox that somebody moves to
    PUT_BACK = "put-back-v1"  # in the one that they left


LIFETIME = {
    Purpose.CONFIRM: timedelta(hours=72),
    Purpose.PREFERENCES: timedelta(days=100),
    Purpose.FRESH: timedelta(minutes=60),
    Purpose.FORM: timedelta(hours=24),
    Purpose.PAGE: timedelta(hours=24),
    Purpose.UNDO: timedelta(minutes=30),
    Purpose.MOVE: timedelta(hours=72),
    Purpose.PUT_BACK: timedelta(days=7),
}


def random_code() -> str:
    """130 random bits as 26 characters of lower-case base32: safe in a path, short enough for one header line."""
    return random_codes(1)[0]


def random_codes(count: int) -> list[str]:
    """So many of them at once."""
    drawn = secrets.token_bytes(_CODE * count).translate(_BASE32).decode("ascii")
    return [drawn[start : start + _CODE] for start in range(0, len(drawn), _CODE)]


@lru_cache(maxsize=64)
def _stamp(seconds: int) -> str:
    """A moment as TimestampSigner writes it. All letters of a batch carry the same."""
    return base64_encode(int_to_bytes(seconds)).decode("ascii")


@dataclass(frozen=True)
class _Signers:
    """A ring, ready to sign and to verify."""

    ring: Ring
    by_purpose: dict[Purpose, TimestampSigner]
    # What itsdangerous would work out anew for every token; a sender makes thousands a second.
    derived: dict[Purpose, bytes]
    return_keys: tuple[bytes, ...]  # newest first

    @classmethod
    def of(cls, ring: Ring) -> "_Signers":
        keys = [key for _, key in ring.keys]
        signers = {purpose: _signer(keys, purpose) for purpose in Purpose}
        marker = _signer(keys, _RETURN_PATH)
        return cls(
            ring,
            signers,
            {purpose: signer.derive_key() for purpose, signer in signers.items()},
            tuple(marker.derive_key(key) for key in reversed(marker.secret_keys)),
        )


def _signer(keys: list[bytes], salt: str) -> TimestampSigner:
    return TimestampSigner(keys, salt=salt, sep="~", key_derivation="hmac", digest_method=hashlib.sha256)


class Tokens:
    """Makes and reads tokens with the ring `tokens`."""

    def __init__(self, ring: Source) -> None:
        self._ring = ring
        self._kept = _Signers.of(ring.now())

    def make(self, purpose: Purpose, value: str, made_at: datetime | None = None) -> str:
        """Sign a value, byte for byte as itsdangerous does. `made_at` fixes the moment its lifetime counts from."""
        if not _VALUE.fullmatch(value):
            raise ValueError("a token's value is made of letters, digits, - and _")
        signed = f"{value}~{_stamp(int((made_at or utcnow()).timestamp()))}"
        signature = hmac.digest(self._signers().derived[purpose], signed.encode("ascii"), "sha256")
        return f"{signed}~{urlsafe_b64encode(signature)[:-1].decode('ascii')}"

    def read(self, purpose: Purpose, token: str) -> str:
        """The value of a token. Raises TokenExpired (which carries the value) or BadToken."""
        return self.read_dated(purpose, token)[0]

    def read_dated(self, purpose: Purpose, token: str) -> tuple[str, datetime]:
        """The value of a token and when it was made. Raises TokenExpired or BadToken."""
        if not _SHAPE.fullmatch(token):
            raise BadToken("This link is not complete.")
        try:
            raw, made_at = self._signers().by_purpose[purpose].unsign(token, return_timestamp=True)
        except (BadData, UnicodeError, ValueError, OverflowError) as error:
            raise BadToken("This link is not one of ours.") from error
        value, age = raw.decode("ascii"), utcnow() - made_at.astimezone(UTC)
        # Clocks of two machines differ a little: a token from the near future is fine, one from the far future is not.
        if age > LIFETIME[purpose] + _SKEW:
            raise TokenExpired(value)
        if age < -_SKEW:
            raise BadToken("This link is dated in the future.")
        return value, made_at.astimezone(UTC)

    def mark(self, value: str) -> str:
        """What proves a return path to be ours: 80 bits as 20 characters that survive a change of case."""
        return _mark(self._signers().return_keys[0], value)

    def is_marked(self, value: str, mark: str) -> bool:
        """Whether this mark was made for this value, with any key of the ring. It does not age."""
        found = mark.encode()
        return any(hmac.compare_digest(_mark(key, value).encode(), found) for key in self._signers().return_keys)

    def _signers(self) -> _Signers:
        ring = self._ring.now()
        if ring is not self._kept.ring:
            self._kept = _Signers.of(ring)
        return self._kept


def _mark(key: bytes, value: str) -> str:
    return hmac.digest(key, value.encode(), "sha256")[:10].hex()

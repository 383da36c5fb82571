"""Seals addresses so that a stolen database shows none, and makes the keyed hashes they are found by."""

import hmac
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from coalition.address import Address
from coalition.errors import CoalitionError
from coalition.rings import Ring, Source

_NONCE_BYTES = 12


@dataclass(frozen=True)
class _Ciphers:
    """A ring, ready to seal and to open."""

    ring: Ring
    by_number: dict[int, AESGCM]

    @classmethod
    def of(cls, ring: Ring) -> "_Ciphers":
        return cls(ring, {number: AESGCM(key) for number, key in ring.keys})


class Vault:
    """Seals and finds addresses with the rings `sealing` and `lookup`."""

    def __init__(self, sealing: Source, lookup: Source) -> None:
        self._sealing, self._lookup = sealing, lookup
        self._kept = _Ciphers.of(sealing.now())

    @property
    def sealing(self) -> Ring:
        """The ring that seals. Every sealed value begins with the number of its key."""
        return self._ciphers().ring

    def seal(self, address: Address) -> bytes:
        """Encrypt an address (AES-256-GCM). Bound to its own look-up key, so two rows can't swap theirs unnoticed."""
        return self.seal_text(address.written, self.key(address))

    def open(self, sealed: bytes, key: bytes) -> Address:
        """Decrypt what `seal` made for the row with this look-up key. Raises CoalitionError if it was altered."""
        return Address.known(self.open_text(sealed, key))  # sealed, so it is as it was

    def seal_text(self, text: str, bound_to: bytes) -> bytes:
        """Encrypt any text; it opens only together with the same `bound_to`."""
        nonce, ciphers = os.urandom(_NONCE_BYTES), self._ciphers()
        number = ciphers.ring.newest[0]
        return bytes([number]) + nonce + ciphers.by_number[number].encrypt(nonce, text.encode(), bound_to)

    def open_text(self, sealed: bytes, bound_to: bytes) -> str:
        """Decrypt what `seal_text` made. Raises CoalitionError if it was altered or its key is gone."""
        try:
            cipher = self._of(self._sealing.lately()).by_number.get(sealed[0]) or self._ciphers().by_number[sealed[0]]
            return cipher.decrypt(sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :], bound_to).decode()
        except (KeyError, IndexError, ValueError, InvalidTag) as error:
            raise CoalitionError("A sealed address can't be opened: it was altered, or its key is gone.") from error

    def seal_anew(self, sealed: bytes, bound_to: bytes) -> bytes:
        """The same text under the newest key. Raises CoalitionError as `open_text` does."""
        return self.seal_text(self.open_text(sealed, bound_to), bound_to)

    def key(self, address: Address) -> bytes:
        """The look-up key that new rows get: HMAC-SHA-256 of the compared form."""
        return self._hash(self._lookup.now().newest[1], "address", address.compared)

    def keys(self, address: Address) -> tuple[bytes, ...]:
        """The look-up keys an existing row may have, newest ring key first."""
        keys = reversed(self._lookup.now().keys)
        return tuple(self._hash(key, "address", address.compared) for _, key in keys)

    def pseudonym(self, kind: str, value: str) -> bytes:
        """A keyed hash for counting (limits): `kind` keeps one purpose's hashes apart from another's."""
        return self._hash(self._lookup.now().newest[1], kind, value)

    def _ciphers(self) -> _Ciphers:
        return self._of(self._sealing.now())

    def _of(self, ring: Ring) -> _Ciphers:
        if ring is not self._kept.ring:
            self._kept = _Ciphers.of(ring)
        return self._kept

    @staticmethod
    def _hash(key: bytes, kind: str, value: str) -> bytes:
        return hmac.digest(key, f"{kind}\0{value}".encode(), "sha256")

"""Seals addresses so that a stolen database shows none, and makes the keyed hashes they are found by.

A ring holds keys from the oldest to the newest: the newest makes, all of them open. Rings live in files outside the
database; the database keeps only their fingerprints (`coalition.schema` compares them at start).
"""

import hashlib
import hmac
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from coalition.address import Address
from coalition.errors import CoalitionError, Misconfigured

RING_NAMES = ("tokens", "sealing", "lookup")
_KEY_BYTES = 32
_NONCE_BYTES = 12


@dataclass(frozen=True)
class Ring:
    """The keys of one purpose, each with a small number that stored data refers to."""

    name: str
    keys: tuple[tuple[int, bytes], ...] = field(repr=False)

    @property
    def newest(self) -> tuple[int, bytes]:
        """The key that new things are made with."""
        return self.keys[-1]

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """One for each key, oldest first: enough to recognise a key, useless for anything else."""
        return tuple(hashlib.sha256(b"coalition fingerprint\0" + key).hexdigest()[:32] for _, key in self.keys)


def create_rings(folder: Path) -> None:
    """Write one fresh key for each ring that has none, readable by its owner only. Never replaces a file."""
    for name in RING_NAMES:
        keep_secret(_ring_file(folder, name), f"1 {urlsafe_b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}\n")


def keep_secret(path: Path, text: str) -> bool:
    """Write a file that only its owner can read. Never replaces one: returns whether there was none."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.parent / f".{path.stem}-{secrets.token_hex(8)}"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())  # a database that outlives its keys in a power cut could never be read
    # A link appears whole or not at all, and never over another: of several that start at once, one makes the key.
    try:
        os.link(fresh, path)
    except FileExistsError:
        return False
    else:
        return True
    finally:
        fresh.unlink()


def read_secret(path: Path) -> str:
    """The text of such a file. Raises Misconfigured where it can't be read, or others can read it."""
    try:
        text = path.read_text("ascii")
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"The key file {path} can't be read: restore it from your backup of the keys.") from error
    if mode & 0o077:
        raise Misconfigured(f"The key file {path} can be read by others: run `chmod 600 {path}`.")
    return text


def read_ring(folder: Path, name: str) -> Ring:
    """Read one ring. Raises Misconfigured where the file is missing, malformed, open to others or weak."""
    path = _ring_file(folder, name)
    lines = read_secret(path).split("\n")
    keys = tuple(_parse_key(path, line) for line in lines if line.strip())
    if not keys:
        raise Misconfigured(f"The key file {path} is empty: restore it from your backup of the keys.")
    if len({number for number, _ in keys}) != len(keys):
        raise Misconfigured(f"The key file {path} gives two keys the same number.")
    return Ring(name, keys)


def _ring_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.key"


def _parse_key(path: Path, line: str) -> tuple[int, bytes]:
    try:
        number, encoded = line.split()
        key = urlsafe_b64decode(encoded)
        if not 1 <= int(number) <= 255:
            raise ValueError("a key's number goes from 1 to 255")
    except ValueError as error:
        raise Misconfigured(f"The key file {path} is damaged: restore it from your backup of the keys.") from error
    # A key typed by hand or left at a default shows in its length or in how few different bytes it has.
    if len(key) != _KEY_BYTES or len(set(key)) < 16:
        raise Misconfigured(f"The key file {path} holds a weak key: keys are {_KEY_BYTES} random bytes.")
    return int(number), key


class Vault:
    """Seals and finds addresses with the rings `sealing` and `lookup`."""

    def __init__(self, sealing: Ring, lookup: Ring) -> None:
        self._sealing = {number: AESGCM(key) for number, key in sealing.keys}
        self._newest = sealing.newest[0]
        self._lookup = tuple(key for _, key in reversed(lookup.keys))

    def seal(self, address: Address) -> bytes:
        """Encrypt an address (AES-256-GCM). Bound to its own look-up key, so two rows can't swap theirs unnoticed."""
        return self.seal_text(address.written, self.key(address))

    def open(self, sealed: bytes, key: bytes) -> Address:
        """Decrypt what `seal` made for the row with this look-up key. Raises CoalitionError if it was altered."""
        return Address.known(self.open_text(sealed, key))  # sealed, so it is as it was

    def seal_text(self, text: str, bound_to: bytes) -> bytes:
        """Encrypt any text; it opens only together with the same `bound_to`."""
        nonce = os.urandom(_NONCE_BYTES)
        cipher = self._sealing[self._newest].encrypt(nonce, text.encode(), bound_to)
        return bytes([self._newest]) + nonce + cipher

    def open_text(self, sealed: bytes, bound_to: bytes) -> str:
        """Decrypt what `seal_text` made. Raises CoalitionError if it was altered or its key is gone."""
        try:
            cipher = self._sealing[sealed[0]]
            return cipher.decrypt(sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :], bound_to).decode()
        except (KeyError, IndexError, ValueError, InvalidTag) as error:
            raise CoalitionError("A sealed address can't be opened: it was altered, or its key is gone.") from error

    def key(self, address: Address) -> bytes:
        """The look-up key that new rows get: HMAC-SHA-256 of the compared form."""
        return self._hash(self._lookup[0], "address", address.compared)

    def keys(self, address: Address) -> tuple[bytes, ...]:
        """The look-up keys an existing row may have, newest ring key first."""
        return tuple(self._hash(key, "address", address.compared) for key in self._lookup)

    def pseudonym(self, kind: str, value: str) -> bytes:
        """A keyed hash for counting (limits): `kind` keeps one purpose's hashes apart from another's."""
        return self._hash(self._lookup[0], kind, value)

    @staticmethod
    def _hash(key: bytes, kind: str, value: str) -> bytes:
        return hmac.digest(key, f"{kind}\0{value}".encode(), "sha256")

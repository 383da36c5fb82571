"""Key rings: files of random keys outside the database, which keeps only their fingerprints.

A ring holds keys from the oldest to the newest: the newest makes, all of them open. A ring that is changed is written
beside the old one, made known to the database, and only then put in its place: whatever dies in between, one of the
two files fits the database, and the next start puts it where it belongs (`settle`).
"""

import fcntl
import hashlib
import os
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from coalition.errors import Misconfigured, Refused

RING_NAMES = ("tokens", "sealing", "lookup")
_KEY_BYTES = 32
_MOST_KEYS = 255
_LATELY_SECONDS = 0.02

_FROM_BACKUP = "restore it from your backup of the keys."
_WITHOUT_BACKUP = (
    "Without a backup, `coalition keys rotate tokens --lost` makes a new one: links in letters sent so far end, leaving"
    " goes on."
)


class Source(Protocol):
    """Where a ring comes from each time it is needed: a file that may be replaced, or the ring itself."""

    def now(self) -> "Ring":
        """The ring as it is at this moment; the same object while it has not changed."""

    def lately(self) -> "Ring":
        """The ring as it was a moment ago at most: whoever misses a key in it asks for it as it is `now`."""


@dataclass(frozen=True)
class Ring:
    """The keys of one purpose, each with a small number that stored data refers to."""

    name: str
    keys: tuple[tuple[int, bytes], ...] = field(repr=False)

    def now(self) -> "Ring":
        """A ring that no file stands behind stays as it is."""
        return self

    def lately(self) -> "Ring":
        """The same."""
        return self

    @property
    def newest(self) -> tuple[int, bytes]:
        """The key that new things are made with."""
        return self.keys[-1]

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """One for each key, oldest first: enough to recognise a key, useless for anything else."""
        return tuple(hashlib.sha256(b"coalition fingerprint\0" + key).hexdigest()[:32] for _, key in self.keys)

    def with_a_new_key(self) -> "Ring":
        """The same ring with a fresh key at its end. Raises Refused where it can hold no more."""
        number = self.newest[0] + 1 if self.keys else 1
        if number > _MOST_KEYS:
            raise Refused(f"The key ring {self.name} is full.")
        return Ring(self.name, (*self.keys, (number, secrets.token_bytes(_KEY_BYTES))))

    def without(self, number: int) -> "Ring":
        """The same ring without one of its older keys. Raises Refused for the newest, or one that it has not."""
        if number == self.newest[0]:
            raise Refused(f"Key {number} is the newest of the ring {self.name}: rotate first, then drop it.")
        if number not in {each for each, _ in self.keys}:
            raise Refused(f"The key ring {self.name} has no key {number}.")
        return Ring(self.name, tuple(key for key in self.keys if key[0] != number))


class RingFile:
    """A ring that follows its file, so that a program which runs for months takes part in a rotation."""

    def __init__(self, folder: Path, name: str) -> None:
        """Raises Misconfigured where the file is missing, malformed, open to others or weak."""
        self._folder, self._name = folder, name
        self._path = str(_ring_file(folder, name))  # looked at for every letter: no work twice
        self._seen = self._mark()
        self._looked = time.monotonic()
        self._ring = read_ring(folder, name)

    def now(self) -> Ring:
        """The ring as the file has it. A file that is gone or damaged stops the next start, not this program."""
        self._looked, mark = time.monotonic(), self._mark()
        if mark != self._seen and mark is not None:
            with suppress(Misconfigured):
                self._ring = read_ring(self._folder, self._name)
            self._seen = mark
        return self._ring

    def lately(self) -> Ring:
        """The ring as the file had it a moment ago at most: to look costs more than to open an address."""
        return self._ring if time.monotonic() - self._looked < _LATELY_SECONDS else self.now()

    def _mark(self) -> tuple[int, int, int] | None:
        try:
            found = os.stat(self._path)
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


def create_rings(folder: Path) -> None:
    """Write one fresh key for each ring that has none, readable by its owner only. Never replaces a file."""
    for name in RING_NAMES:
        keep_secret(_ring_file(folder, name), _lines(Ring(name, ()).with_a_new_key()))


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


def read_secret(path: Path, cure: str = _FROM_BACKUP) -> str:
    """The text of such a file. Raises Misconfigured where it can't be read, or others can read it."""
    try:
        text = path.read_text("ascii")
        mode = path.stat().st_mode
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"The key file {path} can't be read: {cure}") from error
    if mode & 0o077:
        raise Misconfigured(f"The key file {path} can be read by others: run `chmod 600 {path}`.")
    return text


def read_ring(folder: Path, name: str) -> Ring:
    """Read one ring. Raises Misconfigured where the file is missing, malformed, open to others or weak."""
    return _read(_ring_file(folder, name), name)


def write_beside(folder: Path, ring: Ring) -> None:
    """Write a changed ring beside the one that counts, as `put_in_place` wants it."""
    path = _file_beside(folder, ring.name)
    path.unlink(missing_ok=True)  # of a rotation that died before the database knew of it
    keep_secret(path, _lines(ring))


def put_in_place(folder: Path, name: str) -> None:
    """Let the ring that was written beside count from now on."""
    with suppress(FileNotFoundError):  # another program was quicker (`settle`)
        os.replace(_file_beside(folder, name), _ring_file(folder, name))


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Only one program changes the rings of a folder at a time. Raises Misconfigured where it is not there."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise Misconfigured(f"The folder {folder} can't be read: {_FROM_BACKUP}") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def settle(folder: Path, name: str, known: Collection[str]) -> None:
    """Finish a rotation that was interrupted, where the database knows the ring that lies beside."""
    try:
        beside = _read(_file_beside(folder, name), name)
    except Misconfigured:
        return
    if set(beside.fingerprints) == set(known):
        put_in_place(folder, name)


def _ring_file(folder: Path, name: str) -> Path:
    return folder / f"{name}.key"


def _file_beside(folder: Path, name: str) -> Path:
    return folder / f"{name}.key.next"


def _lines(ring: Ring) -> str:
    return "".join(f"{number} {urlsafe_b64encode(key).decode()}\n" for number, key in ring.keys)


def _read(path: Path, name: str) -> Ring:
    lines = read_secret(path, _cure(name)).split("\n")
    keys = tuple(_parse_key(path, name, line) for line in lines if line.strip())
    if not keys:
        raise Misconfigured(f"The key file {path} is empty: {_cure(name)}")
    if len({number for number, _ in keys}) != len(keys):
        raise Misconfigured(f"The key file {path} gives two keys the same number: {_cure(name)}")
    return Ring(name, keys)


def _parse_key(path: Path, name: str, line: str) -> tuple[int, bytes]:
    try:
        number, encoded = line.split()
        key = urlsafe_b64decode(encoded)
        if not 1 <= int(number) <= _MOST_KEYS:
            raise ValueError("a key's number goes from 1 to 255")
    except ValueError as error:
        raise Misconfigured(f"The key file {path} is damaged: {_cure(name)}") from error
    # A key typed by hand or left at a default shows in its length or in how few different bytes it has.
    if len(key) != _KEY_BYTES or len(set(key)) < 16:
        raise Misconfigured(
            f"The key file {path} holds a weak key: keys are {_KEY_BYTES} random bytes. Instead, {_cure(name)}"
        )
    return int(number), key


def _cure(name: str) -> str:
    """What to do where a ring can't be used."""
    return f"{_FROM_BACKUP} {_WITHOUT_BACKUP}" if name == "tokens" else _FROM_BACKUP

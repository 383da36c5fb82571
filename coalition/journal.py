"""The journal: who left, returned and was erased, and which issues went, in files that no backup takes back.

A *stream* is one machine's file of numbered lines. The database keeps the last number of each stream that it has seen;
a line with a higher one is news to it, however old the database is. Lines name people by code and keyed hash.
"""

import fcntl
import json
import os
import re
import secrets
import socket
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from coalition.errors import JournalAhead, JournalError, JournalIncomplete, Misconfigured
from coalition.spool import sync_folder

_ENDING = ".journal"
_LONGEST_LINE = 64 * 1024


class What(StrEnum):
    """What a line tells."""

    LEFT = "left"
    RETURNED = "returned"
    ERASED = "erased"
    SUPPRESSED = "suppressed"
    LIFTED = "lifted"  # a suppression, by staff
    MOVED = "moved"  # to another address, of which only the keyed hashes are told
    BEGUN = "begun"  # the sending of a batch of an issue
    OVER = "over"  # every letter of an issue has its end
    HELD = "held"  # an issue that was going, by staff or for the spam reports it caused
    CANCELLED = "cancelled"  # an issue that was planned, or going


@dataclass(frozen=True)
class Entry:
    """Something that happened, to be written down."""

    what: What
    at: datetime
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """An entry as it stands in a stream."""

    stream: str
    number: int
    what: str
    at: datetime
    facts: Mapping[str, Any] = field(repr=False)


class Journal:
    """A folder of streams, one of which is ours to write."""

    def __init__(self, folder: Path, stream: str) -> None:
        """Raises Misconfigured where the folder can't be used."""
        self.folder, self.stream = folder, stream
        self._lasts: dict[str, tuple[int, int]] = {}  # stream -> size of its file, last number in it
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise Misconfigured(f"The folder {folder} can't be used: choose another with COALITION_JOURNAL.") from error

    def append(self, entries: Sequence[Entry], *, after: int) -> int:
        """Write entries, on disk before this returns. Returns the last number.

        `after` is the last number that the database knows. Raises JournalAhead where the stream knows more than that:
        the database has to learn it first.
        """
        try:
            with self._locked() as handle:
                last = _cut_torn_end(handle)
                if last > after:
                    raise JournalAhead("The journal is ahead of the database.")
                os.write(handle, b"".join(_line(number, entry) for number, entry in enumerate(entries, after + 1)))
                os.fsync(handle)
        except OSError as error:
            raise JournalError(f"The journal in {self.folder} can't be written to.") from error
        return after + len(entries)

    def lasts(self) -> dict[str, int]:
        """The last number of every stream."""
        try:
            return {path.name.removesuffix(_ENDING): self._last(path) for path in self.folder.glob(f"*{_ENDING}")}
        except OSError as error:
            raise JournalError(f"The journal in {self.folder} can't be read.") from error

    def lines(self, stream: str, *, after: int) -> Iterator[Line]:
        """The lines of a stream after a number. Raises JournalIncomplete where some are missing or damaged."""
        expected = after + 1
        for raw in self._path(stream).read_bytes().split(b"\n")[:-1]:
            told = _parse(raw)
            if told is None or told["n"] < expected:
                continue
            number, what, at = told.pop("n"), told.pop("what"), datetime.fromisoformat(told.pop("at"))
            if number > expected:
                missing = f"The journal of {stream} lacks the lines {expected} to {number - 1}."
                raise JournalIncomplete(missing, stream, number - 1)
            yield Line(stream, number, what, at, told)
            expected += 1

    def _path(self, stream: str) -> Path:
        return self.folder / f"{stream}{_ENDING}"

    def _last(self, path: Path) -> int:
        size = path.stat().st_size
        known = self._lasts.get(path.name)
        if known is None or known[0] != size:
            with path.open("rb") as file:
                known = size, _last_number(file.fileno(), size)
            self._lasts[path.name] = known
        return known[1]

    @contextmanager
    def _locked(self) -> Iterator[int]:
        path = self._path(self.stream)
        is_new = not path.exists()
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if is_new:
                sync_folder(self.folder)
            yield handle
        finally:
            os.close(handle)


def own_stream(home: Path) -> str:
    """The name of this installation's stream: made once, kept in its home folder."""
    path = home / "stream"
    if not path.exists():
        machine = re.sub(r"[^a-z0-9]+", "-", socket.gethostname().lower()).strip("-")[:40]
        fresh = home / f".stream-{secrets.token_hex(8)}"
        fresh.write_text(f"{machine or 'machine'}-{secrets.token_hex(3)}\n", "ascii")
        with suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    name = path.read_text("ascii").strip()
    if not re.fullmatch(r"[a-z0-9-]{1,60}", name):
        raise Misconfigured(f"{path} should hold the name of this machine's journal: a word in small letters.")
    return name


def _line(number: int, entry: Entry) -> bytes:
    told = {"n": number, "what": entry.what, "at": entry.at.isoformat(), **entry.facts}
    text = json.dumps(told, ensure_ascii=True, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _cut_torn_end(handle: int) -> int:
    """Cut off a line that a dying machine left unfinished: nothing was answered upon it. Returns the last number."""
    size = os.fstat(handle).st_size
    start = max(0, size - _LONGEST_LINE)
    end = os.pread(handle, size - start, start)
    if end and not end.endswith(b"\n"):
        size = start + end.rfind(b"\n") + 1
        os.ftruncate(handle, size)
    return _last_number(handle, size)


def _last_number(handle: int, size: int) -> int:
    start = max(0, size - _LONGEST_LINE)
    lines = os.pread(handle, size - start, start).split(b"\n")[:-1]
    found = [line for line in map(_parse, lines) if line is not None]
    return int(found[-1]["n"]) if found else 0


def _parse(raw: bytes) -> dict[str, Any] | None:
    checksum, _, text = raw.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    return dict(json.loads(text))

"""Anchors: how the consent chain stood, noted in a file outside the database, where who alters rows can't reach.

One line each: when, the number of the last row, its hash. Lines are only ever added. A line that ends with `restored`
says that the database was brought back from a backup that ended there: rows noted before with higher numbers were lost.
"""

import os
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from coalition.errors import Refused
from coalition.services.chain import START, Head

_EVERY = timedelta(hours=1)
_LINE = re.compile(r"(\S+) ([0-9]+) ([0-9a-f]{64})( restored)?")


@dataclass(frozen=True)
class Anchor:
    """One line: how the chain stood at a moment."""

    at: datetime
    head: Head
    is_restore: bool = False


@dataclass(frozen=True)
class Loss:
    """Rows that were lost when the database was brought back from a backup."""

    at: datetime
    first: int
    last: int

    def __str__(self) -> str:
        rows = f"Row {self.first} was" if self.first == self.last else f"Rows {self.first} to {self.last} were"
        return f"{rows} lost when a backup was brought back; that was noted on {self.at:%Y-%m-%d at %H:%M} UTC."


def read(path: Path) -> list[Head]:
    """What the chain has to hold, oldest first. Raises Refused for a file that is damaged."""
    binding, _ = _sorted_out(_read(path))
    return [each.head for each in binding if each.head.seq]


def losses(path: Path) -> list[Loss]:
    """What was lost with backups that were brought back, oldest first."""
    _, lost = _sorted_out(_read(path))
    return lost


def agreed(path: Path, holds: dict[int, bytes]) -> Head:
    """How far the chain goes on as it was noted: the last anchor before the first that does not hold.

    `holds` are the hashes of the chain by number.
    """
    last = Head(0, START)
    for each in sorted(read(path), key=lambda head: head.seq):
        if holds.get(each.seq) != each.hash:
            return last
        last = each
    return last


def note(path: Path, head: Head, now: datetime) -> bool:
    """Add an anchor, unless the chain stands where the last one says. Returns whether it did."""
    noted = _read(path)
    if head.seq == 0 or (noted and noted[-1].head == head):
        return False
    _add(path, f"{now.isoformat(timespec='seconds')} {head.seq} {head.hash.hex()}\n")
    return True


def note_restore(path: Path, head: Head, now: datetime) -> list[Loss]:
    """Note that the database was brought back and ended here. Returns what was lost; if nothing was, notes nothing."""
    if all(each.seq <= head.seq for each in read(path)):
        return []
    before = len(losses(path))
    _add(path, f"{now.isoformat(timespec='seconds')} {head.seq} {head.hash.hex()} restored\n")
    return losses(path)[before:]


def is_due(path: Path, now: datetime) -> bool:
    """Whether the last anchor is so old that another may be added."""
    noted = _read(path)
    return not noted or now - noted[-1].at >= _EVERY


def _sorted_out(noted: list[Anchor]) -> tuple[list[Anchor], list[Loss]]:
    binding: list[Anchor] = []
    lost: list[Loss] = []
    for each in noted:
        if each.is_restore:
            beyond = [other.head.seq for other in binding if other.head.seq > each.head.seq]
            lost += [Loss(each.at, each.head.seq + 1, max(beyond))] if beyond else []
            binding = [other for other in binding if other.head.seq <= each.head.seq]
        binding.append(each)
    return binding, lost


def _add(path: Path, line: str) -> None:
    # One write at the end of the file, so that several processes can't cut each other's lines in two.
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line.encode("ascii"))
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> list[Anchor]:
    try:
        lines = path.read_text("ascii").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} can't be read.") from error
    return [_parse(path, number, line) for number, line in enumerate(lines, 1)]


def _parse(path: Path, number: int, line: str) -> Anchor:
    found = _LINE.fullmatch(line)
    try:
        if found is None:
            raise ValueError("not an anchor")
        head = Head(int(found[2]), bytes.fromhex(found[3]))
        return Anchor(datetime.fromisoformat(found[1]), head, is_restore=bool(found[4]))
    except ValueError as error:
        raise Refused(f"Line {number} of {path} is not one that was noted: restore the file from a copy.") from error

"""Anchors: how the consent chain stood, noted in a file outside the database, where who alters rows can't reach.

One line each: when, the number of the last row, its hash. Lines are only ever added.
"""

import os
import re
from datetime import datetime, timedelta
from pathlib import Path

from coalition.errors import Refused
from coalition.services.chain import Head

_EVERY = timedelta(hours=1)
_LINE = re.compile(r"(\S+) ([0-9]+) ([0-9a-f]{64})")


def read(path: Path) -> list[Head]:
    """All anchors, oldest first; none where nothing was ever noted. Raises Refused for a file that is damaged."""
    return [head for _, head in _read(path)]


def note(path: Path, head: Head, now: datetime) -> bool:
    """Add an anchor, unless the chain stands where the last one says. Returns whether it did."""
    noted = _read(path)
    if head.seq == 0 or (noted and noted[-1][1] == head):
        return False
    line = f"{now.isoformat(timespec='seconds')} {head.seq} {head.hash.hex()}\n"
    # One write at the end of the file, so that several processes can't cut each other's lines in two.
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line.encode("ascii"))
        os.fsync(handle)
    finally:
        os.close(handle)
    return True


def is_due(path: Path, now: datetime) -> bool:
    """Whether the last anchor is so old that another may be added."""
    noted = _read(path)
    return not noted or now - noted[-1][0] >= _EVERY


def _read(path: Path) -> list[tuple[datetime, Head]]:
    try:
        lines = path.read_text("ascii").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{path} can't be read.") from error
    return [_parse(path, number, line) for number, line in enumerate(lines, 1)]


def _parse(path: Path, number: int, line: str) -> tuple[datetime, Head]:
    found = _LINE.fullmatch(line)
    try:
        if found is None:
            raise ValueError("not an anchor")
        return datetime.fromisoformat(found[1]), Head(int(found[2]), bytes.fromhex(found[3]))
    except ValueError as error:
        raise Refused(f"Line {number} of {path} is not one that was noted: restore the file from a copy.") from error

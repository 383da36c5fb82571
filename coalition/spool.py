"""The spool: leavings pressed while the database is away, one small file each, until they reach it.

A file is written whole before it gets its name, and its name is the code: so a leaving is kept once, whoever presses
how often, on however many machines that share the folder. It holds how it was pressed and when, and nothing else.
"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from coalition.errors import SpoolFull

_CODE = re.compile(r"[a-z2-7]{26}")


@dataclass(frozen=True)
class Leaving:
    """One press that waits for the database."""

    code: str
    press: str
    at: datetime


class Spool:
    """A folder of leavings that wait."""

    def __init__(self, folder: Path, most: int = 20_000) -> None:
        """It holds about `most`: whoever sends made-up codes while the database is away fills no disk with them."""
        self._folder, self._most = folder, most

    @property
    def waits(self) -> bool:
        """Whether there is anything; cheap enough to ask before every letter."""
        return next(self._codes(), None) is not None

    def keep(self, leaving: Leaving) -> None:
        """Keep a leaving, on disk before this returns; one that is there already stays as it is. Raises SpoolFull."""
        path = self._folder / leaving.code
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.exists():
                return
            if sum(1 for _ in self._codes()) >= self._most:
                raise SpoolFull("The spool is full.")
            self._write(path, f"{leaving.press} {leaving.at.isoformat()}\n")
        except OSError as error:
            raise SpoolFull("The spool can't be written to.") from error

    def waiting(self) -> list[Leaving]:
        """What waits, the oldest press first."""
        found = [self._read(code) for code in self._codes()]
        return sorted((each for each in found if each is not None), key=lambda leaving: leaving.at)

    def forget(self, leaving: Leaving) -> None:
        """Clear away a leaving that has reached the database."""
        (self._folder / leaving.code).unlink(missing_ok=True)

    def _codes(self) -> Iterator[str]:
        with suppress(FileNotFoundError), os.scandir(self._folder) as entries:
            for entry in entries:
                if _CODE.fullmatch(entry.name):
                    yield entry.name

    def _write(self, path: Path, text: str) -> None:
        fresh = self._folder / f".{secrets.token_hex(8)}"
        try:
            handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):
                os.link(fresh, path)
        finally:
            fresh.unlink(missing_ok=True)
        sync_folder(self._folder)

    def _read(self, code: str) -> Leaving | None:
        """None where somebody else has cleared it away. What can't be read was pressed when it was written."""
        path = self._folder / code
        try:
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            press, _, at = path.read_text("ascii", "replace").strip().partition(" ")
        except FileNotFoundError:
            return None
        try:
            moment = datetime.fromisoformat(at)
        except ValueError:
            return Leaving(code, "page", written)
        return Leaving(code, press, moment if moment.tzinfo else written)


def sync_folder(folder: Path) -> None:
    """Let a new name in a folder outlive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

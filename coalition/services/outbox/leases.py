"""Who holds a batch. A lease runs by the database's clock; on this machine a dead holder is known at once.

A sender holds an operating-system lock on a file of its own for as long as it lives. Whoever can take that lock knows
that its owner is gone, however it died and whatever process has its number now.
"""

import fcntl
import os
import secrets
import socket
import time
from contextlib import suppress
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.orm import Session

LEASE_SECONDS = 30.0
RENEW_SECONDS = 5.0


def lease_clock(session: Session) -> float:
    """Seconds on the clock that leases run by: PostgreSQL's own; for SQLite this machine's, which never jumps."""
    if session.get_bind().dialect.name == "postgresql":
        return float(session.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())
    return time.monotonic()


class Worker:
    """One sender, with a name and a sign of life."""

    def __init__(self, home: Path) -> None:
        folder = home / "senders"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        token = secrets.token_hex(8)
        self._path = folder / f"{token}.lock"
        self._handle: int | None = _lock(self._path)
        self.name = f"{socket.gethostname()}/{token}"

    def close(self) -> None:
        """Give up the sign of life. Twice is as good as once: the number may be another file's by then."""
        handle, self._handle = self._handle, None
        if handle is not None:
            with suppress(FileNotFoundError):
                self._path.unlink()
            os.close(handle)


class Morgue:
    """Tells which senders of this machine are dead."""

    def __init__(self, home: Path, *, same_machine: bool) -> None:
        """`same_machine`: every sender is on this one, as with SQLite, whatever the machine was called then."""
        self._folder, self._same_machine = home / "senders", same_machine

    def is_dead(self, worker: str) -> bool:
        """Whether the sender of this name is certainly gone."""
        host, _, token = worker.rpartition("/")
        if not self._same_machine and host != socket.gethostname():
            return False
        return not _is_locked(self._folder / f"{token}.lock")

    def living(self) -> int:
        """How many senders run on this machine; traces of dead ones are cleared away."""
        alive = 0
        for path in self._folder.glob("*.lock"):
            if _is_locked(path):
                alive += 1
            else:
                with suppress(FileNotFoundError):
                    path.unlink()
        return alive


def _lock(path: Path) -> int:
    """Make and lock a file. Between the two steps somebody may have cleared it away as a dead sender's: then anew."""
    while True:
        handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(handle, fcntl.LOCK_EX)
        with suppress(FileNotFoundError):
            if path.stat().st_ino == os.fstat(handle).st_ino:
                return handle
        os.close(handle)


def _is_locked(path: Path) -> bool:
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)

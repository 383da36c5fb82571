"""Bringing a backup back. It is made whole beside the place where it goes, and takes that place in one step.

Killed at any moment, this leaves either the database of before, or one that has learned everything.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from coalition.errors import Refused
from coalition.spool import sync_folder

_NO_TIME = 1.0  # seconds to wait for whoever else has the database open
_BESIDE = ("-wal", "-journal", "-shm")  # what SQLite keeps next to a file; it would be taken for the new file's
_FOR_POSTGRESQL = """PostgreSQL brings a database back with its own program. Stop all of Coalition, then type:
  createdb {options} {name}_restored
  pg_restore {options} --no-owner --exit-on-error --dbname={name}_restored {file}
Name {name}_restored in COALITION_DATABASE_URL, then:
  coalition database upgrade               newest tables; what the journal tells is done before anything else
  coalition database journal               nothing is sent while "written" is lower than "seen"
  coalition privacy verify --restored      the consent chain, and which of its rows are lost
  coalition outbox status                  issues that stopped, and letters that may have gone
Start Coalition again."""


@dataclass(frozen=True)
class Place:
    """Where the database file of this Coalition lies."""

    path: Path

    @classmethod
    def of(cls, url: str, file: Path) -> "Place":
        """Raises Refused, with what to type instead, where the database is none of SQLite's."""
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            asked = {"--host": parsed.host, "--port": parsed.port, "--username": parsed.username}
            options = " ".join(f"{name}={value}" for name, value in asked.items() if value)
            raise Refused(_FOR_POSTGRESQL.format(options=options, name=parsed.database, file=file))
        return cls(Path(parsed.database or "").absolute())

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep everybody else out of what is there now. Raises Refused where somebody is in."""
        if not self.path.exists():
            yield
            return
        with closing(sqlite3.connect(self.path, timeout=_NO_TIME, isolation_level=None)) as connection:
            try:
                # Only who is alone may change the mode; and what is in the log goes into the file, which is kept.
                connection.execute("PRAGMA journal_mode=DELETE")
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                    raise Refused(
                        "The database is in use: stop everything that has it open, then try again."
                    ) from error
            except sqlite3.DatabaseError:
                pass  # it is damaged, and so it is replaced
            yield

    @contextmanager
    def copy_of(self, file: Path) -> Iterator[Path]:
        """A sound copy of a backup, beside the place. Raises Refused where the backup is none."""
        copy = self.path.with_name(f".{self.path.name}.restoring")
        _remove(copy)
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            _copy(file, copy)
            yield copy
        finally:
            _remove(copy)

    def take(self, copy: Path, now: datetime) -> Path | None:
        """Put the copy in place, in one step. Returns where what was there is kept."""
        with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")  # all of it into the one file
        _sync(copy)
        kept = self._keep(now) if self.path.exists() else None
        os.replace(copy, self.path)
        sync_folder(self.path.parent)
        return kept

    def _keep(self, now: datetime) -> Path:
        kept = self.path.with_name(f"{self.path.stem}-replaced-{now:%Y-%m-%dT%H%M%S-%f}{self.path.suffix}")
        os.link(self.path, kept)
        for ending in _BESIDE:
            beside = Path(f"{self.path}{ending}")
            if beside.exists():
                beside.rename(f"{kept}{ending}")
        return kept


def kept_beside(url: str) -> list[Path]:
    """What was kept when something took its place, beside the database; nothing where that is none of SQLite's."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return []
    path = Path(parsed.database or "").absolute()
    return sorted(path.parent.glob(f"{path.stem}-replaced-*{path.suffix}"))


def _copy(file: Path, copy: Path) -> None:
    try:
        read_only = f"{file.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(read_only, uri=True)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
            sound = target.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            broken = target.execute("PRAGMA foreign_key_check").fetchone()
            ours = target.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone()
    except sqlite3.DatabaseError as error:
        raise Refused(f"{file} can't be read as a database, or there is no room for a copy.") from error
    if not sound or broken:
        raise Refused(f"{file} is damaged: take another backup. Nothing was changed.")
    if not ours:
        raise Refused(f"{file} is no backup of Coalition's database. Nothing was changed.")


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _remove(path: Path) -> None:
    for ending in ("", *_BESIDE):
        Path(f"{path}{ending}").unlink(missing_ok=True)

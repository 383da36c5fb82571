"""A copy of the database that can be trusted: made by the engine itself, checked, readable by its owner only."""

import os
import sqlite3
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url

from coalition.db import Database
from coalition.errors import Refused


@dataclass(frozen=True)
class Backup:
    """One copy that was made and checked."""

    path: Path
    size: int  # bytes


def make(database: Database, path: Path) -> Backup:
    """Copy the database into a new file. Raises Refused where that can't be done or the copy is not sound.

    Copying the file of a live SQLite database would miss what is still in its journal.
    """
    if path.exists():
        raise Refused(f"{path} exists already: name a new file.")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise Refused(f"{path} can't be written.") from error
    try:
        if database.is_sqlite:
            _copy_sqlite(database, path)
        else:
            _dump_postgresql(database, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Backup(path, path.stat().st_size)


def _copy_sqlite(database: Database, path: Path) -> None:
    path.unlink()  # VACUUM INTO wants to make the file itself
    before = os.umask(0o077)
    try:
        connection = database.engine.raw_connection()
        try:
            connection.cursor().execute("VACUUM INTO ?", (str(path),))
        finally:
            connection.close()
    finally:
        os.umask(before)
    copy = sqlite3.connect(path)
    try:
        sound = copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        broken = copy.execute("PRAGMA foreign_key_check").fetchone()
    finally:
        copy.close()
    if not sound or broken:
        raise Refused("The copy is not sound; nothing was kept. Check the disk and the database.")


def _dump_postgresql(database: Database, path: Path) -> None:
    url = make_url(database.engine.url)
    target = url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)
    environment = dict(os.environ)
    if url.password:  # on the command line every user of the machine could read it
        environment["PGPASSWORD"] = str(url.password)
    dump = ["pg_dump", "--format=custom", "--no-password", f"--file={path}", f"--dbname={target}"]
    for command in (dump, ["pg_restore", "--list", str(path)]):
        try:
            subprocess.run(command, env=environment, check=True, capture_output=True)  # noqa: S603  # our own words
        except FileNotFoundError as error:
            raise Refused(f"{command[0]} is not installed: it comes with PostgreSQL's client.") from error
        except subprocess.CalledProcessError as error:
            raise Refused(f"{command[0]} failed; nothing was kept.") from error

"""A PostgreSQL server for one test run, in a temporary folder; only its socket leads to it."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections import deque
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from threading import Thread
from typing import LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import make_url

OWNER = "coalition"
DEBIAN = Path("/usr/lib/postgresql")

# Everything else as it is shipped: what is committed is on the disk.
IN_EARNEST = {"listen_addresses": "", "timezone": "UTC"}

# Nothing here outlives the run, so nothing need reach the disk.
SETTINGS = IN_EARNEST | {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "32MB",
}


def find_binaries() -> Path | None:
    """Find the folder with initdb and postgres: the one on PATH, else Debian's newest, else None."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else []
    versions = [folder for folder in DEBIAN.glob("*/bin") if folder.parent.name.isdecimal()]
    folders += sorted(versions, key=lambda folder: int(folder.parent.name), reverse=True)
    complete = (folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists())
    return next(complete, None)


class Cluster:
    """One server with its databases. `start` before use, `stop` when done; between them it may die and come back."""

    def __init__(self, binaries: Path, settings: Mapping[str, str] = SETTINGS) -> None:
        """Take initdb and postgres from the folder `binaries`; nothing runs yet."""
        self._binaries, self._settings = binaries, settings
        self._numbers = count(1)

    def start(self) -> None:
        """Make the cluster and return once it takes connections; RuntimeError with its log if it won't."""
        # A socket's path may have about 100 characters, and TMPDIR is often longer than that.
        self._folder = Path(tempfile.mkdtemp(prefix="coalition-", dir="/tmp"))
        self._user = _unprivileged()
        if self._user is not None:
            os.chown(self._folder, self._user.pw_uid, self._user.pw_gid)
        self._initialise()
        self.come_back()

    def die(self) -> None:
        """End the server at once, whoever is connected, as a machine that loses its power does."""
        self._admin.close()
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait()
        self._drain.join()

    def come_back(self) -> None:
        """Start the server on the data that is there and return once it takes connections."""
        self._server = self._run("postgres", "-k", str(self._folder), *_options(self._settings))
        self._await_ready()
        self._admin = psycopg.connect(host=str(self._folder), user=OWNER, dbname="postgres", autocommit=True)

    def stop(self) -> None:
        """End the server and remove its folder."""
        self.die()
        shutil.rmtree(self._folder)

    def create_database(self, template: str | None = None) -> str:
        """Make a database and give its URL: empty, or a copy of the unused one at `template`."""
        name = f"test_{next(self._numbers)}"
        source = _name(template) if template else "template0"
        # Since 15 it would be copied by way of the log, which takes twice as long where nothing waits for the disk.
        copied = " STRATEGY FILE_COPY" if self._admin.info.server_version >= 150000 else ""
        self._execute(f"CREATE DATABASE {{}} TEMPLATE {{}}{copied}", name, source)
        return f"postgresql+psycopg://{OWNER}@/{name}?host={self._folder}"

    def drop_database(self, url: str) -> None:
        """Drop the database that `create_database` gave `url` for, whoever is still connected to it."""
        self._execute("DROP DATABASE {} WITH (FORCE)", _name(url))

    def _initialise(self) -> None:
        how = ["--no-sync", "--auth=trust", f"--username={OWNER}", "--encoding=UTF8", "--locale=C"]
        initdb = self._run("initdb", *how)
        log, _ = initdb.communicate()
        if initdb.returncode:
            raise RuntimeError(f"initdb failed:\n{log}")

    def _await_ready(self) -> None:
        assert self._server.stdout is not None
        log = []
        for line in self._server.stdout:
            log.append(line)
            if "ready to accept connections" in line:
                break
        else:
            self._server.wait()
            raise RuntimeError(f"PostgreSQL did not start:\n{''.join(log)}")
        # The server would stand still once a pipe that nobody reads is full.
        self._drain = Thread(target=_read_to_the_end, args=(self._server,), daemon=True)
        self._drain.start()

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        # A child in our own process group ends with us when the whole group is told to.
        return subprocess.Popen(
            [self._binaries / program, "-D", self._folder / "data", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self._folder,
            env=os.environ | {"LC_ALL": "C"},
            user=self._user and self._user.pw_uid,
            group=self._user and self._user.pw_gid,
            extra_groups=self._user and [],
        )

    def _execute(self, statement: LiteralString, *names: str) -> None:
        self._admin.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _unprivileged() -> pwd.struct_passwd | None:
    """Who runs the server where we are root, as PostgreSQL refuses to be."""
    if os.geteuid() != 0:
        return None
    return next(who for who in pwd.getpwall() if who.pw_name in ("postgres", "nobody") and who.pw_uid)


def _options(settings: Mapping[str, str]) -> list[str]:
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _read_to_the_end(server: subprocess.Popen[str]) -> None:
    assert server.stdout is not None
    with server.stdout as log:
        deque(log, maxlen=0)


def _name(url: str) -> str:
    name = make_url(url).database
    assert name is not None
    return name

"""A shell for tests: commands in this process on a house's database, or real ones in processes of their own."""

import json
import os
import pwd
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from unittest import mock

from click.testing import CliRunner
from sqlalchemy import select

from coalition.cli import main
from coalition.models import Audit
from tests import leaks
from tests.house import House

# The tests run in several processes (gw0, gw1, ...): each has nine hundred ports of its own.
_OURS = 20_000 + 1_000 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_NEXT = count()


PATIENCE = 60  # seconds after which a program that does not end is called stuck


@dataclass(frozen=True)
class Said:
    """What a command wrote, and how it ended."""

    out: str
    err: str
    code: int

    @property
    def json(self) -> Any:
        """The output of `--json`."""
        return json.loads(self.out)


class Shell:
    """Runs commands on the database of a house."""

    def __init__(self, house: House) -> None:
        self.house = house
        relay = house.config.relay
        assert relay is not None
        self.settings = {
            "COALITION_HOME": str(house.config.home),
            "COALITION_DATABASE_URL": house.config.database_url,
            "COALITION_BASE_URL": house.config.base_url,
            "COALITION_SMTP_URL": f"smtp://127.0.0.1:{relay.port}",
        }
        self.who: str | None = None  # somebody else on this machine, as the operating system would name them

    def run(self, *arguments: str, code: int = 0, answer: str | None = None) -> Said:
        """Run one command and expect it to end with `code`; `answer` is what somebody types."""
        with self._logged_in():
            result = CliRunner().invoke(main, arguments, input=answer, env=self.settings, prog_name="coalition")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        assert result.exit_code == code, result.output
        leaks.look("What the command said of a fault", result.stderr)
        return Said(result.stdout, result.stderr, result.exit_code)

    @contextmanager
    def _logged_in(self) -> Iterator[None]:
        if self.who is None:
            yield
            return
        fields = list(pwd.getpwuid(os.getuid()))
        with mock.patch("pwd.getpwuid", return_value=pwd.struct_passwd([self.who, *fields[1:]])):
            yield

    def refused(self, *arguments: str, code: int = 1) -> str:
        """Run a command that can't be done. Returns the one line that says why."""
        said = self.run(*arguments, code=code)
        assert said.out == ""
        [line] = said.err.splitlines()
        return line

    def audit(self) -> list[tuple[str, str | None]]:
        """What was done and to what, oldest first; each row names who did it."""
        with self.house.database.reading() as session:
            rows = session.scalars(select(Audit).order_by(Audit.id)).all()
        assert all(row.who for row in rows)
        assert not any("@" in f"{row.action} {row.subject}" for row in rows)
        return [(row.action, row.subject) for row in rows]


def program(*arguments: str, folder: Path, **settings: str) -> Said:
    """A command as a program of its own, in this folder, with no setting but these."""
    done = subprocess.run(
        [sys.executable, "-m", "coalition", *arguments],
        cwd=folder,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    leaks.look("The log of a program", done.stderr)
    return Said(done.stdout, done.stderr, done.returncode)


def environment(**settings: str) -> dict[str, str]:
    """What a program sees: this checkout, and these COALITION_ settings alone."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("COALITION_")}
    root = str(Path(__file__).resolve().parents[2])
    return kept | {"PYTHONPATH": root} | {f"COALITION_{name}": value for name, value in settings.items()}


@contextmanager
def running(*arguments: str, folder: Path, ready: str, **settings: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A program that stays, once it has said the line `ready`, with all it said so far. It is ended, should it live."""
    process = subprocess.Popen(
        [sys.executable, "-m", "coalition", *arguments],
        cwd=folder,
        env=environment(**settings),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    try:
        said = ""
        while ready not in said:
            line = process.stdout.readline()
            assert line, said
            said += line
        yield process, said
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        rest, _ = process.communicate()
        leaks.look("The log of a program", said + (rest or ""))  # a test may have closed what it reads


def end(process: subprocess.Popen[str], *signals: signal.Signals) -> int:
    """Send these signals and wait. Returns how the program ended."""
    for number in signals:
        process.send_signal(number)
    process.communicate(timeout=PATIENCE)
    return process.returncode


def free_ports(count: int = 2) -> list[int]:
    """Ports of loopback that nobody listens on, and nobody is given by chance.

    They lie below those that a system hands out by itself, and each process of the tests counts through its own.
    """
    found: list[int] = []
    while len(found) < count:
        port = _OURS + next(_NEXT) % 900
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            found.append(port)
    return found

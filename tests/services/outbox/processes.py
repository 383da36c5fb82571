"""Senders in processes of their own, that tests can kill."""

import os
import subprocess
import sys

from tests import leaks
from tests.house import House
from tests.relay import CatchAll, Scripted


class Overheard(subprocess.Popen[str]):
    """A process whose log is searched by the gate when it has ended."""

    def communicate(self, input: str | None = None, timeout: float | None = None) -> tuple[str, str]:  # noqa: A002
        """As ever, and nothing in its log may name a person."""
        out, errors = super().communicate(input, timeout)
        leaks.look("The log of a sender", errors)
        return out, errors


def start_sender(house: House, relay: CatchAll | Scripted, *options: str) -> subprocess.Popen[str]:
    """`coalition outbox run` for this house, in a process of its own."""
    environment = os.environ | {
        "COALITION_HOME": str(house.config.home),
        "COALITION_DATABASE_URL": house.config.database_url,
        "COALITION_BASE_URL": house.config.base_url,
        "COALITION_SMTP_URL": f"smtp://127.0.0.1:{relay.port}",
    }
    return Overheard(
        [sys.executable, "-m", "coalition", "outbox", "run", *options],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL, which nothing can prepare for."""
    process.kill()
    process.communicate()

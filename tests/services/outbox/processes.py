"""Senders in processes of their own, that tests can kill."""

import os
import subprocess
import sys

from tests.house import House
from tests.relay import CatchAll, Scripted


def start_sender(house: House, relay: CatchAll | Scripted, *options: str) -> subprocess.Popen[str]:
    """`coalition outbox run` for this house, in a process of its own."""
    environment = os.environ | {
        "COALITION_HOME": str(house.config.home),
        "COALITION_DATABASE_URL": house.config.database_url,
        "COALITION_BASE_URL": house.config.base_url,
        "COALITION_SMTP_URL": f"smtp://127.0.0.1:{relay.port}",
    }
    return subprocess.Popen(
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

"""One sender as a process of its own: sends what is due, and tells how long that took and what it cost.

python -m tests.bench.delivering HOME DATABASE PORT CONNECTIONS [SECONDS]

With port 0 letters are composed and given to nobody; with SECONDS it is told to stop after so many.
"""

import json
import logging
import resource
import sys
import threading
from time import perf_counter

from coalition.config import Config, read_config
from coalition.mail.envelope import Envelope
from coalition.mail.replies import Outcome, Reply
from coalition.mail.smtp import Answered, Outgoing, SmtpClient
from tests.bench.engines import opened
from tests.bench.memory import peak


class Nobody:
    """Takes every letter at once."""

    room = 8

    def __init__(self) -> None:
        self._taken: list[Answered] = []

    def offer(self, ticket: int, envelope: Envelope) -> None:
        """Take a letter."""
        self._taken.append(Answered(ticket, Outcome.ACCEPTED, Reply(250, "2.0.0", "Ok")))

    def answers(self, patience: float, most: int = 1000) -> list[Answered]:
        """All answers there are."""
        taken, self._taken = self._taken, []
        return taken

    def close(self) -> None:
        """Nothing to say."""


def main(home: str, url: str, port: str, connections: str, seconds: str = "0") -> None:
    """Send until nothing is due; print seconds, CPU seconds and the peak of memory in MB as JSON."""
    logging.basicConfig(level=logging.WARNING)
    config = read_config(
        {
            "COALITION_HOME": home,
            "COALITION_DATABASE_URL": url,
            "COALITION_SMTP_URL": f"smtp://127.0.0.1:{port if port != '0' else '25'}",
        }
    )
    with opened(config) as resources:
        sender = resources.sender(_outgoing(config, int(port), int(connections)))
        if float(seconds):
            threading.Timer(float(seconds), sender.stop).start()
        before, began = _cpu(), perf_counter()
        sender.drain()
        took, cpu = perf_counter() - began, _cpu() - before
        sender.close()
    sys.stdout.write(json.dumps({"seconds": took, "cpu": cpu, "peak": peak()}))


def _outgoing(config: Config, port: int, connections: int) -> Outgoing:
    assert config.relay is not None
    return SmtpClient(config.relay, connections=connections) if port else Nobody()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main(*sys.argv[1:])

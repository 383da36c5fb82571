"""Senders that die while they send at full speed, and what came of their letters."""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count, islice, pairwise
from signal import SIGKILL, Signals
from time import perf_counter

from sqlalchemy import select

from coalition.config import Config
from coalition.models import Delivery, Outbound
from coalition.services.outbox import ledger
from tests.bench.engines import opened
from tests.bench.witness import Witness

_SENDERS = 4
_MOST_SECONDS = 600.0

Run = Callable[[Config, Witness], list[int]]  # returns how many letters had come twice, before each death


@dataclass(frozen=True)
class Outcome:
    """What came of one issue."""

    deaths: int
    lost: int  # deliveries that are called sent, and never came
    not_ended: int  # deliveries that are neither sent nor uncertain
    unlike: int  # readers whose copies differ
    complaints: int  # of `outbox check`
    doubled: Sequence[int]  # letters that came once more than needed, by death
    uncertain: int  # deliveries that were in doubt twice
    missed: int  # those of them that never came
    seconds: float

    def broken(self, bound: int) -> list[str]:
        """The promises that were not kept, in words; `bound` is how many letters a death may double."""
        counts = {
            "lost": self.lost,
            "not ended": self.not_ended,
            "not the same twice": self.unlike,
            "complaints": self.complaints,
            "doubled": max(0, sum(self.doubled) - bound * self.deaths),
            "uncertain": 0 if bound else self.uncertain,
        }
        return [f"{n} {what}" for what, n in counts.items() if n]


def outcome(config: Config, run: Run) -> Outcome:
    """Let senders die, send the rest, and count."""
    began = perf_counter()
    with Witness() as witness:
        doubled = run(config, witness)
        with _sender(config, witness, "--once") as last:
            _expect(last, 0)
        doubled.append(witness.doubled)
    with opened(config) as resources, resources.database.reading() as session:
        ended = session.execute(select(Delivery.nonce, Delivery.state)).all()
        complaints = ledger.check(session)
    came = {each.nonce for copies in witness.copies.values() for each in copies}
    return Outcome(
        deaths=len(doubled) - 1,
        lost=sum(state is Outbound.SENT and nonce not in came for nonce, state in ended),
        not_ended=sum(state not in {Outbound.SENT, Outbound.UNCERTAIN} for _, state in ended),
        unlike=sum(len(set(copies)) > 1 for copies in witness.copies.values()),
        complaints=len(complaints),
        doubled=[after - before for before, after in pairwise(doubled)],
        uncertain=sum(state is Outbound.UNCERTAIN for _, state in ended),
        missed=sum(state is Outbound.UNCERTAIN and nonce not in came for nonce, state in ended),
        seconds=perf_counter() - began,
    )


def one_by_one(how: Signals, letters: int, deaths: int, chance: random.Random) -> Run:
    """One sender after the other, so often, each until so many letters have come."""
    # Far enough apart that none is in doubt twice, and at any place of a group.
    apart = letters // (deaths + 1)
    moments = [number * apart + chance.randrange(apart // 2) for number in range(1, deaths + 1)]

    def run(config: Config, witness: Witness) -> list[int]:
        doubled = []
        for moment in moments:
            with _sender(config, witness) as process:
                witness.wait_for(moment)
                doubled.append(witness.doubled)
                process.send_signal(how)
                _expect(process, -SIGKILL if how is SIGKILL else 0)
        return doubled

    return run


def several(chance: random.Random) -> Run:
    """Four senders at once; every second one of those that have begun dies, and another takes its place."""

    def run(config: Config, witness: Witness) -> list[int]:
        doubled = []
        until, second = perf_counter() + _MOST_SECONDS, threading.Event()
        names = map(str, count(1))
        running = {name: _start(config, witness, name) for name in islice(names, _SENDERS)}
        try:
            while _waits(config):
                second.wait(1.0)
                if perf_counter() > until:
                    raise RuntimeError("four senders have not ended the issue")
                begun = [name for name in running if witness.given[name]]
                if begun:
                    victim = running.pop(chance.choice(begun))
                    doubled.append(witness.doubled)
                    victim.kill()
                    victim.wait()
                    name = next(names)
                    running[name] = _start(config, witness, name)
        finally:
            for process in running.values():
                process.terminate()
            for process in running.values():
                process.wait(_MOST_SECONDS)
        return doubled

    return run


def _waits(config: Config) -> bool:
    with opened(config) as resources, resources.database.reading() as session:
        return session.scalar(select(Delivery.id).where(Delivery.state == Outbound.QUEUED).limit(1)) is not None


@contextmanager
def _sender(config: Config, witness: Witness, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    process = _start(config, witness, "sender", *options)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _expect(process: subprocess.Popen[bytes], code: int) -> None:
    if process.wait(_MOST_SECONDS) != code:
        raise RuntimeError(f"a sender ended with {process.returncode}")


def _start(config: Config, witness: Witness, user: str, *options: str) -> subprocess.Popen[bytes]:
    """`coalition outbox run`, as an operator starts it. What it says is kept with its data."""
    environment = os.environ | {
        "COALITION_HOME": str(config.home),
        "COALITION_DATABASE_URL": config.database_url,
        "COALITION_SMTP_URL": f"smtp://{user}:any@127.0.0.1:{witness.port}",
    }
    command = [sys.executable, "-m", "coalition", "outbox", "run", *options]
    with (config.home / "senders.log").open("ab") as said:
        return subprocess.Popen(command, env=environment, stdout=said, stderr=said)

"""The ledger alone: claiming batches and recording what became of their letters, in groups of 25, as a sender does."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter

from coalition import db
from coalition.address import Address
from coalition.clock import utcnow
from coalition.config import Config, Uncertain
from coalition.mail.replies import Outcome, Reply
from coalition.resources import Resources
from coalition.services.outbox import claims, looking, recording
from coalition.services.outbox.job import GROUP
from coalition.services.outbox.leases import Worker
from coalition.services.outbox.recording import Result
from tests.bench.delivery import issue_of
from tests.bench.engines import engines, opened
from tests.bench.ratios import Line, Spread, Table

_GOALS = {"SQLite": 30_000, "PostgreSQL": 15_000}
_NOBODY = Address.known("nobody@example.org")
_TOOK = Reply(250, "2.0.0", "Ok: queued as 4ZxYwV1aBcz9s7")


def measure(letters: int, rounds: int, folder: Path, tell: Callable[[str], None]) -> Table:
    """Each round on a fresh copy, without and with the look at who still gets a letter."""
    alone: dict[str, list[float]] = {}
    looked: dict[str, list[float]] = {}
    with engines(folder, partial(issue_of, letters=letters)) as found:
        for number in range(rounds):
            for engine in found:
                for taken, looks in ((alone, False), (looked, True)):
                    with engine.copied(folder) as config, opened(config) as resources:
                        taken.setdefault(engine.name, []).append(letters / _work_off(config, resources, looks))
                tell(f"ledger, round {number + 1} of {rounds}: {engine.name}")
    wanted = ", ".join(f"{name} >= {goal:,}" for name, goal in _GOALS.items())
    return Table(
        "ledger",
        f"{letters:,} rows in groups of {GROUP}, every group on the disk before the next, {rounds} rounds",
        [
            Line("claim and record, rows a second", {name: Spread.of(each) for name, each in alone.items()}, wanted),
            Line("claim, look and record, rows a second", {name: Spread.of(each) for name, each in looked.items()}),
        ],
    )


def _work_off(config: Config, resources: Resources, looks: bool) -> float:
    worker, line = Worker(config.home), db.KeptConnection(resources.database)
    began = perf_counter()
    while True:
        with line.transaction() as session:
            claimed = claims.claim(session, worker.name, utcnow())
        if claimed is None:
            break
        for first in range(0, len(claimed.waiting), GROUP):
            group = claimed.waiting[first : first + GROUP]
            with line.transaction() as session:
                claims.keep(session, claimed, worker.name, announce=group[-1])
                if looks:
                    looking.look(session, resources.vault, claimed, group, utcnow())
                results = [Result(each, Outcome.ACCEPTED, _TOOK, _NOBODY) for each in group]
                recording.record(session, claimed, results, Uncertain.RETRY, utcnow())
        with line.transaction() as session:
            claims.give_back(session, claimed, utcnow())
    seconds = perf_counter() - began
    line.close()
    worker.close()
    return seconds

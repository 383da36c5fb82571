"""End to end: from the ledger to a mail server and back, beside a program in C that sends the same bytes.

Planned once; then a sender process claims, looks, composes, gives to the mail server and records, and `smtp-source` of
Postfix sends one of these letters as often, made beforehand, over as many sessions. In turn, and several times.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter, sleep

from sqlalchemy import func, select

from coalition.clock import utcnow
from coalition.mail.envelope import Envelope
from coalition.models import Delivery, Outbound
from coalition.resources import Resources
from coalition.services import issues
from coalition.services.outbox.composing import Composer
from tests.bench import crowd, ways
from tests.bench.engines import Engine, engines, opened
from tests.bench.ratios import Line, Spread, Table

MISSING = "`smtp-sink` and `smtp-source` are not here: on Debian, `apt-get install postfix` brings both."
_TOOLS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


@dataclass(frozen=True)
class Ran:
    """What one of the two took for all letters."""

    seconds: float
    cpu: float


@dataclass(frozen=True)
class Race:
    """One comparison: how many letters, over how many connections, and how long each answer is held."""

    case: str
    letters: int
    connections: int
    held: float = 0.0  # milliseconds; 0: smtp-sink
    goals: tuple[str, str] = ("", "")


def tool(name: str) -> str | None:
    """Where one of Postfix's programs is."""
    return shutil.which(name, path=_TOOLS)


def measure(race: Race, rounds: int, folder: Path, tell: Callable[[str], None]) -> Table:
    """Both, in turn."""
    theirs: list[Ran] = []
    ours: dict[str, list[Ran]] = {}
    with engines(folder, partial(issue_of, letters=race.letters)) as found, _sink(race) as port:
        letter = folder / "letter"
        size = _write_one(found[0], letter)
        for number in range(rounds):
            theirs.append(_smtp_source(race, port, letter))
            for engine in found:
                ours.setdefault(engine.name, []).append(_sender(engine, race, port, folder))
                tell(f"{race.case}, round {number + 1} of {rounds}: {engine.name}")
    sink = f"answers held for {race.held:g} ms" if race.held else "smtp-sink"
    said = f"{race.letters:,} letters of {size / 1000:.1f} KB, {race.connections} connections, {rounds} rounds, {sink}"
    return Table(race.case, said, _lines(race, theirs, ours))


def _lines(race: Race, theirs: Sequence[Ran], ours: dict[str, list[Ran]]) -> list[Line]:
    def against(each: Callable[[Ran, Ran], float]) -> dict[str, Spread]:
        return {
            name: Spread.of([each(*pair) for pair in zip(theirs, runs, strict=True)]) for name, runs in ours.items()
        }

    everybody = {**ours, "smtp-source": theirs}
    return [
        Line(
            "letters a second / smtp-source's", against(lambda their, our: their.seconds / our.seconds), race.goals[0]
        ),
        Line("CPU a letter / smtp-source's", against(lambda their, our: our.cpu / their.cpu), race.goals[1]),
        Line(
            "letters a second",
            {name: Spread.of([race.letters / run.seconds for run in runs]) for name, runs in everybody.items()},
        ),
        Line(
            "CPU a letter, microseconds",
            {name: Spread.of([run.cpu / race.letters * 1e6 for run in runs]) for name, runs in everybody.items()},
        ),
    ]


def issue_of(resources: Resources, letters: int) -> None:
    """An issue for so many readers that goes now."""
    now = utcnow()
    crowd.gather(resources, letters, now)
    plan = ways.plan(resources, now)
    with resources.database.transaction() as session:
        issues.send(session, resources.config.community, plan.issue_id, now)


def _write_one(engine: Engine, path: Path) -> int:
    """One letter of those that go, for smtp-source; it wants plain line ends and doubles dots itself."""
    with opened(engine.template_config) as resources:
        composer = Composer(resources.config, resources.database, resources.links, resources.letters)
        with resources.database.reading() as session:
            issue_id = session.scalars(select(Delivery.issue_id).limit(1)).one() or 0
        letter: Envelope = composer.compose(ways.looked(resources, issue_id, utcnow(), 1)[0])
    path.write_bytes(letter.message.replace(b"\r\n", b"\n"))
    return letter.size


def _smtp_source(race: Race, port: int, letter: Path) -> Ran:
    command = [tool("smtp-source") or "", "-d", "-s", str(race.connections), "-m", str(race.letters), "-F", str(letter)]
    began = perf_counter()
    process = subprocess.Popen([*command, f"127.0.0.1:{port}"])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError("smtp-source failed")
    return Ran(perf_counter() - began, used.ru_utime + used.ru_stime)


def _sender(engine: Engine, race: Race, port: int, folder: Path) -> Ran:
    with engine.copied(folder) as config:
        arguments = [str(config.home), config.database_url, str(port), str(race.connections)]
        done = subprocess.run(
            [sys.executable, "-m", "tests.bench.delivering", *arguments], check=True, stdout=subprocess.PIPE, text=True
        )
        told = json.loads(done.stdout)
        with opened(config) as resources, resources.database.reading() as session:
            sent = session.scalar(select(func.count()).where(Delivery.state == Outbound.SENT))
    if sent != race.letters:
        raise RuntimeError(f"{sent} of {race.letters} letters were sent")
    return Ran(told["seconds"], told["cpu"])


@contextmanager
def _sink(race: Race) -> Iterator[int]:
    """Somebody who takes letters, at a port."""
    if race.held:
        command = [sys.executable, "-m", "tests.bench.slow_sink", str(race.held)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        port = int(process.stdout.readline())
    else:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        who = ["-u", "nobody"] if os.geteuid() == 0 else []
        process = subprocess.Popen([tool("smtp-sink") or "", *who, f"127.0.0.1:{port}", "100"], text=True)
        sleep(0.5)
    try:
        yield port
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()

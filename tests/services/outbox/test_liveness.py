"""Whether a sender is alive: known at once on its own machine, however it ended."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from coalition.services.outbox.leases import Morgue, Worker
from tests.house import House, a_subscriber
from tests.relay import CatchAll
from tests.services.outbox.processes import kill, start_sender
from tests.services.scenes import Watchful, at_once, drain_to


def test_a_killed_sender_is_known_at_once(house: House) -> None:
    a_subscriber(house)
    house.publish()
    house.send(house.plan())
    started: list[subprocess.Popen[str]] = []

    def die(count: int) -> None:
        if count == 1:
            kill(started[0])

    with Watchful(die) as relay:
        started.append(start_sender(house, relay))
        relay.wait_for(1)
        started[0].wait()
    with CatchAll() as second:
        drain_to(house, second.relay)

    [once], [again] = relay.received, second.received
    assert once.data == again.data


HOLD = """
import sys
from pathlib import Path
from coalition.services.outbox.leases import Worker
worker = Worker(Path(sys.argv[1]))
print(worker.name, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("end", [subprocess.Popen.kill, subprocess.Popen.terminate])
def test_a_process_that_is_gone_is_dead_however_it_ended(
    tmp_path: Path, end: Callable[[subprocess.Popen[str]], None]
) -> None:
    morgue = Morgue(tmp_path, same_machine=False)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    name = process.stdout.readline().strip()

    assert not morgue.is_dead(name)
    assert morgue.living() == 1
    end(process)
    process.communicate()
    assert morgue.is_dead(name)
    assert morgue.living() == 0
    assert morgue.is_dead(name)  # its traces are cleared away


def test_a_sender_elsewhere_is_not_known_to_be_dead(tmp_path: Path) -> None:
    assert not Morgue(tmp_path, same_machine=False).is_dead("another-machine/0123456789abcdef")
    assert Morgue(tmp_path, same_machine=True).is_dead("this-machine-once/0123456789abcdef")


def test_a_sender_that_starts_while_traces_are_cleared_is_alive(tmp_path: Path) -> None:
    morgue = Morgue(tmp_path, same_machine=True)

    def start_or_clear(number: int) -> Worker | None:
        if number % 2:
            for _ in range(200):
                morgue.living()
            return None
        return [Worker(tmp_path) for _ in range(200)][-1]

    workers = [worker for worker in at_once(4, start_or_clear) if worker]

    assert [morgue.is_dead(worker.name) for worker in workers] == [False, False]

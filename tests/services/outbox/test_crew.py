"""Several senders on one machine: `coalition outbox run --processes N`."""

import os
import random
import select as polling
import signal
import subprocess
from collections import Counter
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select

from coalition.models import Batch, Claim, Outbound
from coalition.services import dealing
from coalition.services.outbox import ledger
from coalition.services.outbox.job import GROUP
from tests.house import House
from tests.relay import CatchAll
from tests.services.outbox.processes import kill, start_sender
from tests.services.scenes import an_audience, deliveries

UNDER_WAY = 8  # letters that four connections hold at most
READERS = 600
KILLS = 3

pytestmark = pytest.mark.parametrize(
    "database_kind", [pytest.param("postgresql", marks=pytest.mark.postgres)], indirect=False
)


@pytest.fixture(autouse=True)
def issue(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An issue on its way, in batches enough for all."""
    monkeypatch.setattr(dealing, "LETTERS_A_BATCH", 50)
    house.publish()
    an_audience(house, READERS)
    house.send(house.plan())


def children(process: subprocess.Popen[str]) -> list[int]:
    tasks = Path(f"/proc/{process.pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def is_alive(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


def claims(house: House) -> list[str | None]:
    with house.database.reading() as session:
        return list(session.scalars(select(Batch.worker).where(Batch.state == Claim.CLAIMED)))


def test_several_senders_send_each_letter_once_and_all_end_well(house: House) -> None:
    with CatchAll() as relay:
        process = start_sender(house, relay, "--processes", "3")
        relay.wait_for(READERS // 3)
        crew = children(process)
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate()
        received = [each.recipient for each in relay.received]

    assert process.returncode == 0, errors
    assert len(crew) == 3
    assert not any(map(is_alive, crew))
    assert claims(house) == []
    assert len(received) == len(set(received))
    assert [each.state for each in deliveries(house)].count(Outbound.SENT) == len(received)
    assert len(house.drain()) == READERS - len(received)


def test_a_sender_that_dies_is_started_again_and_its_letters_go_on(house: House) -> None:
    chance = random.Random(house.config.database_url)
    killed: list[int] = []

    with CatchAll() as relay:
        process = start_sender(house, relay, "--processes", "3")
        for moment in range(KILLS):
            relay.wait_for(50 + moment * 150)
            while not (fresh := [pid for pid in children(process) if pid not in killed]):
                os.sched_yield()
            killed.append(chance.choice(fresh))
            os.kill(killed[-1], signal.SIGKILL)
        while {each.state for each in deliveries(house)} & {Outbound.QUEUED}:
            assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate()
        received = list(relay.received)

    assert process.returncode == 0, errors
    assert errors.count("another takes its place") == KILLS
    copies = Counter(each.recipient for each in received)
    in_doubt = [each.state for each in deliveries(house)].count(Outbound.UNCERTAIN)  # killed at their one retry too
    assert len(copies) >= READERS - in_doubt
    assert len(received) - READERS <= KILLS * (GROUP + UNDER_WAY)
    for recipient in [address for address, n in copies.items() if n > 1]:
        assert len({each.data for each in received if each.recipient == recipient}) == 1
    assert {each.state for each in deliveries(house)} <= {Outbound.SENT, Outbound.UNCERTAIN}
    with house.database.reading() as session:
        assert ledger.check(session) == []


def test_nobody_is_left_behind_when_the_parent_is_killed(house: House) -> None:
    with CatchAll() as relay:
        process = start_sender(house, relay, "--processes", "2")
        relay.wait_for(1)
        crew = children(process)
        ends = [os.pidfd_open(pid) for pid in crew]
        kill(process)
        gone = [bool(polling.select([end], [], [], 30)[0]) for end in ends]

    assert gone == [True, True]
    house.drain()
    assert {each.state for each in deliveries(house)} == {Outbound.SENT}


def test_once_ends_when_nothing_is_due(house: House) -> None:
    with CatchAll() as relay:
        process = start_sender(house, relay, "--processes", "2", "--once")
        _, errors = process.communicate()

    assert process.returncode == 0, errors
    assert len(relay.received) == READERS

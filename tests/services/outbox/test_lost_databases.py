"""Fault X4: the database goes away under a sender that works, and comes back. No letter is lost, and none doubled."""

import resource
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGTERM

import pytest

from coalition.models import Outbound
from coalition.services.outbox.job import GROUP
from tests import leaks
from tests.conftest import skip
from tests.house import House, Template
from tests.postgres import IN_EARNEST, Cluster, find_binaries
from tests.relay import CatchAll
from tests.services.outbox.processes import start_sender
from tests.services.scenes import an_audience, deliveries

READERS = 400
GOES_AWAY_AT = 150  # letters
UNDER_WAY = 8  # letters that four connections hold at most

_HOLD = """
import sqlite3, sys
holder = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
holder.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of this test alone, as it is in earnest."""
    binaries = find_binaries()
    if binaries is None:
        skip("PostgreSQL is not installed")
    made = Cluster(binaries, IN_EARNEST)
    made.start()
    yield made
    made.stop()


@pytest.fixture
def mortal(cluster: Cluster, tmp_path: Path) -> Iterator[House]:
    """A house on that one."""
    (tmp_path / "template").mkdir()
    template = Template.make(tmp_path / "template", cluster.create_database())
    made = House.move_in(tmp_path / "home", template, cluster.create_database(template.url))
    yield made
    made.close()


def an_issue(house: House) -> None:
    house.publish()
    an_audience(house, READERS)
    house.send(house.plan())
    house.database.close()


def wait_for_complaint(process: subprocess.Popen[str]) -> None:
    """Returns once a sender has said that the database fails."""
    assert process.stderr is not None
    for line in process.stderr:
        leaks.look("The log of a sender", line)
        if "the database failed" in line:
            return
    raise AssertionError("The sender ended without a word.")


def expect_all_once(house: House, relay: CatchAll, process: subprocess.Popen[str]) -> None:
    """The sender goes on by itself; each letter goes once, and is recorded so."""
    relay.wait_for(READERS)
    process.send_signal(SIGTERM)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert {*Counter(each.recipient for each in relay.received).values()} == {1}
    assert len(relay.received) == READERS
    assert {(each.state, each.attempts) for each in deliveries(house)} == {(Outbound.SENT, 1)}


@pytest.mark.postgres
def test_x4_postgresql_that_dies_and_comes_back_under_a_sender_costs_no_letter(mortal: House, cluster: Cluster) -> None:
    an_issue(mortal)

    with CatchAll() as relay:
        process = start_sender(mortal, relay)
        relay.wait_for(GOES_AWAY_AT)
        cluster.die()
        wait_for_complaint(process)
        cluster.come_back()

        expect_all_once(mortal, relay, process)


@pytest.mark.postgres
def test_a_sender_that_is_stopped_while_the_database_is_away_ends_and_what_it_held_goes_later(
    mortal: House, cluster: Cluster
) -> None:
    an_issue(mortal)

    with CatchAll() as relay:
        process = start_sender(mortal, relay)
        relay.wait_for(GOES_AWAY_AT)
        cluster.die()
        wait_for_complaint(process)
        process.send_signal(SIGTERM)
        process.communicate()
        cluster.come_back()
        again = start_sender(mortal, relay, "--once")
        again.communicate()
        received = list(relay.received)

    assert (process.returncode, again.returncode) == (0, 0)
    assert len({each.recipient for each in received}) == READERS
    assert len(received) - READERS <= GROUP + UNDER_WAY
    assert len({each.data for each in received}) == READERS
    assert {each.state for each in deliveries(mortal)} == {Outbound.SENT}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_x4_a_full_disk_under_sqlite_costs_no_letter(house: House) -> None:
    an_issue(house)

    with CatchAll() as relay:
        process = start_sender(house, relay)
        relay.wait_for(GOES_AWAY_AT)
        there_is_room = fill_the_disk_of(process.pid)
        wait_for_complaint(process)
        there_is_room()

        expect_all_once(house, relay, process)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_x4_a_database_file_that_another_program_holds_costs_no_letter(house: House) -> None:
    an_issue(house)

    with CatchAll() as relay:
        process = start_sender(house, relay)
        relay.wait_for(GOES_AWAY_AT)
        with held_by_another_program(house):
            wait_for_complaint(process)

        expect_all_once(house, relay, process)


def fill_the_disk_of(process: int) -> Callable[[], object]:
    """From now on it can't write to any file, until the answer is called: a disk of its own could not be mounted."""
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (0, before[1]))
    return lambda: resource.prlimit(process, resource.RLIMIT_FSIZE, before)


@contextmanager
def held_by_another_program(house: House) -> Iterator[None]:
    """Somebody else writes to the database file and does not end."""
    command = [sys.executable, "-c", _HOLD, str(house.config.home / "coalition.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        holder.communicate()

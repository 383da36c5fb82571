"""`coalition privacy verify` finds rows that were emptied without erasing anybody, which the database lets pass."""

import json
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import text

from coalition.clock import utcnow
from coalition.services import consents, retention
from tests.cli.shell import Shell
from tests.house import House, link
from tests.services.scenes import leave

ADA, BOB = "ada@example.org", "bob@example.org"
YEAR = timedelta(days=365)


def faults(shell: Shell, code: int = 0) -> list[str]:
    """What is found to be wrong; the command ends with `code`."""
    found: list[str] = json.loads(shell.run("privacy", "verify", "--json", code=code).out)["faults"]
    return found


def prune(house: House) -> None:
    retention.prune(house.database, house.resources.eraser, utcnow())


@pytest.mark.parametrize("rows", ["seq = 2", "subject = '{code}'"])
def test_an_emptied_row_of_somebody_who_was_never_erased_is_found(shell: Shell, rows: str) -> None:
    house = shell.house
    house.join(ADA)
    house.join(BOB)
    code = house.person(ADA).code
    assert faults(shell) == []

    with house.database.transaction() as session:  # the triggers let that pass
        session.execute(text(f"UPDATE consent SET content = NULL, salt = NULL WHERE {rows.format(code=code)}"))

    [fault] = faults(shell, 1)
    assert fault.startswith("Row 2 " if "seq" in rows else "Row 1 ")
    assert fault.endswith(f"were emptied, and the reader {code} was never erased.")
    assert "was never erased" in shell.run("privacy", "verify", "--restored", "--yes", code=1).out  # nor explained away


def test_whoever_was_erased_and_came_back_is_no_fault_not_even_when_that_is_too_old_to_be_kept(shell: Shell) -> None:
    house = shell.house
    with time_machine.travel(utcnow() - 4 * YEAR, tick=False) as clock:
        house.join(ADA)
        code = house.person(ADA).code
        shell.run("subscriber", "forget", ADA, "--yes")
        assert faults(shell) == []
        clock.shift(timedelta(days=1))
        house.join(ADA)
        assert faults(shell) == []
        leave(house, house.person(ADA))
        clock.shift(timedelta(days=30))
        prune(house)
    prune(house)  # now what they agreed to is too old as well
    with house.database.reading() as session:
        assert consents.history(session, code) == []
    assert faults(shell) == []

    house.join(ADA)

    assert house.person(ADA).code == code
    assert faults(shell) == []


def test_a_stranger_who_pressed_no_and_was_forgotten_is_no_fault(shell: Shell) -> None:
    house = shell.house
    house.sign_up(ADA)
    house.drain()
    house.press(link(house.letters_to(ADA)[-1], "/confirm/"), answer="no")
    with time_machine.travel(utcnow() + timedelta(days=9)):
        prune(house)

        assert faults(shell) == []

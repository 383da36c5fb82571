"""Whoever reads, exports or changes what is held about a person leaves a row that says so."""

import pytest

from coalition.cli import main
from tests.cli.shell import Shell
from tests.cli.test_help import _leaves
from tests.web.test_grievances import complain

ADA = "ada@example.org"

# Command -> what it is called with, after these other commands. {home} is the folder of the house.
RECORDED: dict[str, list[str]] = {
    "subscriber show": [f"subscriber show {ADA}"],
    "subscriber evidence": [f"subscriber evidence {ADA}"],
    "subscriber leave": [f"subscriber leave {ADA} --yes"],
    "subscriber suppress": [f"subscriber suppress {ADA} --yes"],
    "subscriber lift": [f"subscriber suppress {ADA} --yes", f"subscriber lift {ADA} --yes"],
    "subscriber forget": [f"subscriber forget {ADA} --yes"],
    "bounce list": ["bounce list"],
    "bounce show": ["bounce show 1"],
    "privacy verify": ["privacy verify"],
    "privacy prune": ["privacy prune"],
    "privacy breach": ["privacy breach --from 2026-01-01"],
    "privacy audit": [f"subscriber show {ADA}", "privacy audit"],
    "privacy grievance show": ["privacy grievance show 1"],
    "privacy grievance answer": ["privacy grievance answer 1 --noted Phoned. --yes"],
    "keys rotate": ["keys rotate tokens"],
    "keys drop": ["keys rotate tokens", "keys drop tokens 1 --yes"],
    "digest test": [f"digest test weekly {ADA}"],
    "database backup": ["database backup {home}/copy"],
}
# These show numbers and settings, and name nobody.
NAMELESS = {
    "subscriber count": "subscriber count",
    "bounce aside": "bounce aside",
    "bounce count": "bounce count",
    "privacy grievance list": "privacy grievance list",
    "privacy notice": "privacy notice",
    "privacy record": "privacy record",
    "privacy report": "privacy report",
    "keys list": "keys list",
}
# The mail server calls it, and nothing of the message is shown.
BY_MACHINES = {"bounce receive"}
ROOMS = {"subscriber", "bounce", "privacy", "keys"}


@pytest.fixture(autouse=True)
def scene(shell: Shell) -> None:
    """A reader who got a letter and complained, an issue that is planned, and a message that was set aside."""
    shell.house.join(ADA)
    complain(shell.house, ADA)
    shell.house.drain()
    shell.house.publish()
    shell.house.plan()
    shell.run("bounce", "receive", answer=f"Subject: Hello\n\nI am {ADA}.\n")


def _run(shell: Shell, line: str) -> str:
    return shell.run(*line.format(home=shell.house.config.home).split()).out


def test_every_command_of_these_rooms_is_one_that_is_recorded_or_names_nobody() -> None:
    there = {" ".join(path) for path, _ in _leaves(main) if path[0] in ROOMS}

    assert there == {name for name in RECORDED if name.split()[0] in ROOMS} | NAMELESS.keys() | BY_MACHINES


@pytest.mark.parametrize("name", RECORDED)
def test_a_command_that_reads_or_changes_what_is_held_of_a_person_is_recorded(name: str, shell: Shell) -> None:
    code = shell.house.person(ADA).code
    *before, line = RECORDED[name]
    for each in before:
        _run(shell, each)
    known = len(shell.audit())

    _run(shell, line)

    [(action, subject)] = shell.audit()[known:]
    assert action == (name if not name.startswith("keys") else "keys")
    if name.startswith(("subscriber", "privacy grievance")):
        assert subject == code


@pytest.mark.parametrize("name", NAMELESS)
def test_a_command_that_is_not_recorded_names_nobody(name: str, shell: Shell) -> None:
    code = shell.house.person(ADA).code
    known = shell.audit()

    said = _run(shell, NAMELESS[name])

    assert code not in said
    assert ADA not in said
    assert shell.audit() == known

"""`coalition privacy audit`: who of the staff did what, for the operator and whoever checks on them."""

from datetime import timedelta

import time_machine

from coalition.clock import utcnow
from tests.cli.shell import Shell
from tests.house import a_subscriber

ADA = "ada@example.org"


def test_it_tells_who_did_what_the_newest_first_and_that_somebody_looked(shell: Shell) -> None:
    code = a_subscriber(shell.house, ADA).code
    shell.run("subscriber", "show", ADA)
    shell.run("subscriber", "leave", ADA, "--yes")

    first = shell.run("privacy", "audit", "--json").json
    second = shell.run("privacy", "audit", "--limit", "1", "--json").json

    assert [(row["did"], row["what"]) for row in first] == [("subscriber leave", code), ("subscriber show", code)]
    assert all(row["who"] and row["at"] for row in first)
    assert [row["did"] for row in second] == ["privacy audit"]
    assert ADA not in str(first)


def test_what_was_done_before_a_day_is_left_out(shell: Shell) -> None:
    a_subscriber(shell.house, ADA)
    with time_machine.travel(utcnow() - timedelta(days=5)):
        shell.run("subscriber", "show", ADA)
    since = f"{utcnow() - timedelta(days=2):%Y-%m-%d}"

    assert "Nothing is recorded." in shell.run("privacy", "audit", "--since", since).out
    assert "privacy audit" in shell.run("privacy", "audit", "--since", since).out

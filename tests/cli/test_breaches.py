"""`coalition privacy breach`: whose data was held in a stretch of time, and what of it (L20)."""

from datetime import datetime, timedelta

import pytest
import time_machine

from coalition.clock import utcnow
from tests.cli.shell import Shell
from tests.house import House, a_subscriber
from tests.web.test_grievances import complain

ADA, BEN, CYD = "ada@example.org", "ben@example.org", "cyd@example.org"


def moment(days: int) -> str:
    """So many days from now, as the command takes it."""
    return (utcnow() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def affected(shell: Shell, begin: str, *end: str) -> dict[str, dict[str, object]]:
    rows = shell.run("privacy", "breach", "--from", begin, *end, "--addresses", "--json").json
    return {row["address"] or row["code"]: row for row in rows}


def test_l20_it_tells_who_was_there_and_what_was_held(shell: Shell, house: House) -> None:
    house.join(ADA, ("housing", "events"))
    complain(house, ADA)
    complain(house, CYD)
    house.sign_up(BEN)
    house.drain()

    found = affected(shell, moment(-1))

    assert set(found) == {ADA, BEN, CYD}
    assert found[ADA]["held"] == {
        "address": 1,
        "subscriptions": 2,
        "letters": 2,
        "requests": 1,
        "consent records": 3,
        "complaints": 1,
    }
    assert found[BEN]["state"] == "pending"
    assert (found[CYD]["code"], found[CYD]["held"]) == (None, {"address": 1, "complaints": 1})


def test_who_came_later_was_not_affected_and_who_was_erased_before_neither(shell: Shell, house: House) -> None:
    with time_machine.travel(utcnow() - timedelta(days=20)):
        house.join(ADA)
        house.join(BEN)
    code = house.person(BEN).code
    with time_machine.travel(utcnow() - timedelta(days=10)):
        shell.run("subscriber", "forget", BEN, "--yes")
    house.join(CYD)

    assert set(affected(shell, moment(-5), "--to", moment(-3))) == {ADA}
    before = affected(shell, moment(-15), "--to", moment(-12))
    assert set(before) == {ADA, code}
    assert (before[code]["state"], before[code]["address"]) == ("erased", None)
    assert set(affected(shell, moment(-1))) == {ADA, CYD}


def test_to_whom_staff_sent_a_test_is_told_too(shell: Shell, house: House) -> None:
    a_subscriber(house, ADA, cursor=0)
    house.publish()
    shell.run("digest", "plan", "weekly")
    shell.run("digest", "test", "weekly", "boss@example.org")
    house.drain()

    assert affected(shell, moment(-1))["boss@example.org"]["state"] == "test letter"


def test_the_list_is_masked_unless_one_asks_and_every_list_is_recorded(shell: Shell, house: House) -> None:
    a_subscriber(house, ADA)

    said = shell.run("privacy", "breach", "--from", moment(-60)).out

    assert ADA not in said
    assert "Affected: 1." in said
    assert "72 hours" in said
    [(action, subject)] = shell.audit()
    assert action == "privacy breach"
    assert subject is not None
    assert subject.endswith("masked")


def test_nobody_there_is_told_and_an_end_before_the_beginning_refused(shell: Shell) -> None:
    assert shell.run("privacy", "breach", "--from", "2026-03-12").out == "Nothing was held about anybody.\n"
    refused = shell.refused("privacy", "breach", "--from", "2026-03-12", "--to", "2026-03-11")
    assert refused == "The end lies before the beginning."


@pytest.mark.parametrize("wrong", ["yesterday", "2026-02-30"])
def test_what_is_no_moment_is_refused(shell: Shell, wrong: str) -> None:
    assert "--from" in shell.run("privacy", "breach", "--from", wrong, code=2).err


def test_a_moment_is_of_the_communitys_zone(shell: Shell, house: House) -> None:
    a_subscriber(house, ADA)
    shell.run("privacy", "breach", "--from", "2026-07-01T08:00")

    [(_, subject)] = shell.audit()
    zone = house.config.community.timezone
    assert subject is not None
    assert subject.startswith(datetime(2026, 7, 1, 8, tzinfo=zone).isoformat())

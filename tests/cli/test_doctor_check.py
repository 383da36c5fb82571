"""`coalition doctor check`"""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import delete

from coalition.clock import utcnow
from coalition.mail.signing_key import create_signing_key
from coalition.models import KnownKey
from coalition.services import audit
from tests.cli.shell import Said, Shell, free_ports
from tests.nameserver import NameServer
from tests.relay import Scripted
from tests.services.checkup.test_domain import GOOD


def own(shell: Shell) -> None:
    """An identity that is not the sample's."""
    file = shell.house.config.home / "community.toml"
    file.write_text(file.read_text("utf-8").replace("coalition.example", "list.example.org"), "utf-8")


def checked(shell: Shell, *options: str, code: int = 0) -> dict[str, list[tuple[str, str]]]:
    """What it found: level and sentence, by what it is about."""
    found: dict[str, list[tuple[str, str]]] = {}
    for row in shell.run("doctor", "check", "--json", *options, code=code).json:
        found.setdefault(row["about"], []).append((row["is"], row["says"]))
    return found


def levels(found: dict[str, list[tuple[str, str]]], about: str) -> set[str]:
    return {level for level, _ in found[about]}


def test_a_house_in_order_has_no_fault(shell: Shell) -> None:
    found = checked(shell)

    assert levels(found, "keys") == levels(found, "database") == levels(found, "deliveries") == {"ok"}
    assert levels(found, "clock") == {"ok"}
    assert "fault" not in {level for each in found.values() for level, _ in each}
    assert found["DNS"] == [("advice", "Nothing was asked: community.toml still has the sample's identity.")]


def test_people_get_a_table(shell: Shell) -> None:
    said: Said = shell.run("doctor", "check")

    head, rule, first, *_ = said.out.splitlines()
    assert head.split() == ["about", "is", "says"]
    assert set(rule) == {"-", " "}
    assert first.split()[:2] == ["keys", "ok"]


def test_the_domain_is_looked_up_where_it_is_asked_to(shell: Shell) -> None:
    own(shell)
    with NameServer(GOOD) as server:
        found = checked(shell, "--nameserver", "{}:{}".format(*server.address))

    assert (levels(found, "SPF"), levels(found, "DMARC"), levels(found, "replies")) == ({"ok"},) * 3
    assert levels(found, "DKIM") == {"advice"}


def test_a_key_that_is_not_published_is_a_fault(shell: Shell) -> None:
    own(shell)
    create_signing_key(shell.house.config.keys, "list.example.org", "s2")
    file = shell.house.config.home / "community.toml"
    file.write_text(file.read_text("utf-8").replace('dkim_selector = ""', 'dkim_selector = "s2"'), "utf-8")
    with NameServer(GOOD) as server:
        found = checked(shell, "--nameserver", "{}:{}".format(*server.address), code=1)

    assert levels(found, "keys") == {"ok"}
    assert levels(found, "DKIM") == {"fault"}


@pytest.mark.parametrize("server", ["example.org", "127.0.0.1:0", "127.0.0.1:x", "1.2.3"])
def test_a_name_server_that_can_be_none_is_refused(shell: Shell, server: str) -> None:
    own(shell)

    assert "--nameserver" in shell.refused("doctor", "check", "--nameserver", server)


def test_keys_that_others_can_read_are_a_fault(shell: Shell) -> None:
    (shell.house.config.keys / "tokens.key").chmod(0o644)
    found = checked(shell, code=1)

    assert levels(found, "keys") == {"fault"}
    assert "chmod 600" in found["keys"][0][1]


def test_a_missing_key_is_a_fault_and_the_rest_is_looked_at(shell: Shell) -> None:
    (shell.house.config.keys / "lookup.key").unlink()
    found = checked(shell, code=1)

    assert levels(found, "keys") == {"fault"}
    assert levels(found, "database") == {"ok"}


def test_keys_of_another_database_are_a_fault(shell: Shell) -> None:
    with shell.house.database.transaction() as session:
        session.execute(delete(KnownKey).where(KnownKey.name == "tokens"))
    found = checked(shell, code=1)

    assert levels(found, "database") == {"ok", "fault"}


def test_a_database_that_is_not_there_is_a_fault(shell: Shell) -> None:
    shell.settings["COALITION_DATABASE_URL"] = "sqlite:////nowhere/at/all.db"
    found = checked(shell, code=1)

    assert levels(found, "database") == {"fault"}


def test_a_clock_that_stepped_back_is_a_fault(shell: Shell) -> None:
    with shell.house.database.transaction() as session, time_machine.travel(utcnow() + timedelta(days=1)):
        audit.record(session, "topic add")
    found = checked(shell, code=1)

    assert levels(found, "clock") == {"fault"}


def test_a_mail_server_that_can_not_be_reached_is_a_fault(shell: Shell) -> None:
    (port,) = free_ports(1)
    shell.settings["COALITION_SMTP_URL"] = f"smtp://127.0.0.1:{port}"
    found = checked(shell, code=1)

    assert levels(found, "mail server") == {"fault"}


def test_a_mail_server_is_asked_what_it_offers_and_given_nothing(shell: Shell) -> None:
    with Scripted(offers=["SIZE 50000"]) as server:
        shell.settings["COALITION_SMTP_URL"] = f"smtp://127.0.0.1:{server.port}"
        found = checked(shell)

    assert [level for level, _ in found["mail server"]] == ["ok", "ok", "advice", "advice"]
    assert "50,000 bytes" in found["mail server"][-1][1]
    assert [line.split()[0] for line in server.heard] == ["EHLO", "QUIT"]

"""`coalition subscriber`, `outbox`, `database`, `tick`: help for a caller and for the operator."""

import sqlite3
from datetime import timedelta
from pathlib import Path

from coalition.clock import utcnow
from coalition.models import Cadence, Delivery, Format, Subscriber
from tests.cli.shell import Shell
from tests.house import a_subscriber


def test_staff_see_how_a_caller_stands_and_the_look_is_recorded(shell: Shell) -> None:
    person = a_subscriber(shell.house, topics_=("housing", "tools"), cadence=Cadence.DAILY, form=Format.TEXT)

    [facts] = shell.run("subscriber", "show", " Ada@Example.org", "--json").json
    said = shell.run("subscriber", "show", "ada@example.org").out

    assert (facts["code"], facts["state"], facts["format"]) == (person.code, "active", "text")
    assert {(row["topic"], row["cadence"]) for row in facts["subscriptions"]} == {
        ("housing", "daily"),
        ("tools", "daily"),
    }
    assert facts["letters"] == []
    assert "ada@" not in said
    assert "housing" in said
    assert shell.audit() == [("subscriber show", person.code)] * 2


def test_staff_let_a_caller_leave(shell: Shell) -> None:
    person = a_subscriber(shell.house, topics_=("housing", "tools"))

    asked = shell.run("subscriber", "leave", "ada@example.org", answer="n\n", code=1)
    assert "a•••@e•••.org" in asked.out
    assert shell.house.person("ada@example.org").state == "active"

    assert "2 subscriptions ended." in shell.run("subscriber", "leave", "ada@example.org", "--yes").out
    assert shell.house.person("ada@example.org").state == "left"
    assert "0 subscriptions ended." in shell.run("subscriber", "leave", "ada@example.org", "--yes").out
    [facts] = shell.run("subscriber", "show", "ada@example.org", "--json").json
    assert {row["why"] for row in facts["subscriptions"]} == {"staff"}
    assert shell.audit()[:2] == [("subscriber leave", person.code)] * 2


def test_a_stranger_is_told_as_one_and_not_by_address(shell: Shell) -> None:
    for verb in (["show"], ["leave", "--yes"]):
        assert "eve" not in shell.refused("subscriber", *verb, "eve@example.org")
        assert "name@example.org" in shell.refused("subscriber", *verb, "eve")
    assert shell.audit() == []


def test_people_are_counted_by_state_topic_and_cadence(shell: Shell) -> None:
    for name in ("ada", "bob", "cyd"):
        a_subscriber(shell.house, f"{name}@example.org", ("housing", "events"))
    a_subscriber(shell.house, "dan@example.org", cadence=Cadence.MONTHLY)
    shell.run("subscriber", "leave", "ada@example.org", "--yes")
    with shell.house.database.transaction() as session:
        bob = session.get_one(Subscriber, shell.house.person("bob@example.org").id)
        bob.pause_until = utcnow() + timedelta(days=1)

    [counted] = shell.run("subscriber", "count", "--json").json

    assert counted["states"] == {"active": 2, "left": 1, "paused": 1}
    assert counted["topics"] == [
        {"topic": "housing", "cadence": "monthly", "subscriptions": 1},
        {"topic": "housing", "cadence": "weekly", "subscriptions": 2},
        {"topic": "events", "cadence": "weekly", "subscriptions": 2},
    ]
    assert "paused" in shell.run("subscriber", "count").out


def test_an_empty_house_is_told_as_one(shell: Shell) -> None:
    assert shell.run("subscriber", "count").out == "Nobody yet.\n\nNo subscriptions yet.\n"
    assert "no items yet" in shell.run("item", "list").out
    assert "no issues yet" in shell.run("digest", "list").out
    assert shell.run("item", "list", "--json").json == []


def test_the_ledger_counts_what_waits_and_what_went(shell: Shell) -> None:
    shell.house.sign_up("ada@example.org")

    [before] = shell.run("outbox", "status", "--json").json
    shell.run("outbox", "run", "--once")
    [after] = shell.run("outbox", "status", "--json").json

    assert (before["queued letters"], after["sent letters"]) == (1, 1)
    assert before["oldest due since"]
    assert after["oldest due since"] is None
    assert [each.recipient for each in shell.house.relay.received] == ["ada@example.org"]
    assert "sent letters" in shell.run("outbox", "status").out
    assert shell.run("outbox", "check").out == "All 1 deliveries are accounted for.\n"


def test_a_ledger_that_does_not_add_up_ends_with_1(shell: Shell) -> None:
    shell.house.sign_up("ada@example.org")
    shell.house.drain()
    with shell.house.database.transaction() as session:
        session.query(Delivery).update({Delivery.ended_at: None})

    said = shell.run("outbox", "check", code=1)

    assert said.out == ""
    assert said.err.strip()
    assert "ada" not in said.err
    with shell.house.database.transaction() as session:
        session.query(Delivery).update({Delivery.ended_at: utcnow()})


def test_a_sender_without_a_mail_server_says_so(shell: Shell) -> None:
    del shell.settings["COALITION_SMTP_URL"]

    assert "COALITION_SMTP_URL is empty" in shell.refused("outbox", "run", "--once", code=2)


def test_sqlite_takes_one_sender_process_and_says_so(shell: Shell) -> None:
    if shell.house.database.is_sqlite:
        said = shell.refused("outbox", "run", "--once", "--processes", "2", code=2)
        assert said == "SQLite takes one sender process: leave out --processes, or use PostgreSQL."
    assert shell.run("outbox", "run", "--once", "--processes", "1").code == 0


def test_upgrading_twice_is_as_good_as_once(shell: Shell) -> None:
    for _ in range(2):
        assert shell.run("database", "upgrade").out == "The database is at its newest tables.\n"

    assert shell.audit() == [("database upgrade", None)] * 2


def test_a_backup_goes_to_a_folder_of_its_own_and_is_the_owners_alone(shell: Shell) -> None:
    a_subscriber(shell.house)

    said = shell.run("database", "backup").out

    [made] = (shell.house.config.home / "backups").iterdir()
    assert str(made) in said
    assert "checked" in said
    assert made.stat().st_mode & 0o777 == 0o600
    assert made.suffix == (".db" if shell.house.database.is_sqlite else ".dump")
    assert b"ada@example" not in made.read_bytes().lower()
    assert shell.audit() == [("database backup", made.name)]


def test_z15_a_backup_has_what_is_still_in_the_journal(shell: Shell, tmp_path: Path) -> None:
    a_subscriber(shell.house)
    copy = tmp_path / "copy.db"

    shell.run("database", "backup", str(copy))

    assert copy.stat().st_size > 0
    if shell.house.database.is_sqlite:
        with sqlite3.connect(copy) as connection:
            assert connection.execute("SELECT count(*) FROM subscriber").fetchone() == (1,)
        connection.close()


def test_a_backup_never_replaces_a_file_and_leaves_no_half_of_one(shell: Shell, tmp_path: Path) -> None:
    there = tmp_path / "there.db"
    there.write_text("precious")

    assert "exists already" in shell.refused("database", "backup", str(there))
    assert there.read_text() == "precious"
    assert "can't be written" in shell.refused("database", "backup", str(tmp_path / "no" / "folder.db"))
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".db") == ["there.db"]


def test_the_periodic_work_may_be_done_as_often_as_one_likes(shell: Shell) -> None:
    shell.run("tick")

    assert shell.run("tick").err == ""

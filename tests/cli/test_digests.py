"""`coalition digest`: plan, look, test, send, stop."""

import signal
from pathlib import Path

import pytest

from tests.cli.shell import Shell, end, running
from tests.house import a_subscriber, links_in


@pytest.fixture
def planned(shell: Shell) -> Shell:
    """An issue 1 for two readers: ada gets HTML, bob text."""
    house = shell.house
    a_subscriber(house, "ada@example.org")
    a_subscriber(house, "bob@example.org", ("housing", "events"))
    house.publish("housing", "Rents fall", "They do.")
    house.publish("events", "A meeting", "Come.")
    shell.run("digest", "plan", "weekly", "--subject", "The week")
    return shell


def test_a_plan_says_what_it_made_and_what_comes_next(shell: Shell, tmp_path: Path) -> None:
    a_subscriber(shell.house)
    shell.house.publish()
    intro = tmp_path / "intro.md"
    intro.write_text("Hello, *all*.", "utf-8")

    said = shell.run("digest", "plan", "weekly", "--intro", str(intro)).out

    assert said.startswith("Issue 1: 1 letter in 1 variant, plan ")
    assert "coalition digest preview 1" in said
    assert "coalition digest send 1" in said
    assert shell.audit() == [("digest plan", "1")]
    assert shell.house.relay.received == []


def test_planning_again_replaces_the_plan(planned: Shell) -> None:
    planned.run("digest", "plan", "weekly", "--subject", "Better")

    rows = planned.run("digest", "list", "--json").json
    assert [(row["issue"], row["state"], row["subject"]) for row in rows] == [
        (2, "planned", "Better"),
        (1, "cancelled", "The week"),
    ]
    assert planned.run("digest", "status", "weekly", "--json").json[0]["issue"] == 2


def test_with_nothing_to_send_there_is_no_issue(shell: Shell) -> None:
    assert "Nobody has a weekly subscription" in shell.run("digest", "plan", "weekly", code=1).err
    a_subscriber(shell.house)
    assert "nothing to send" in shell.run("digest", "plan", "weekly", code=1).err


def test_a_subject_that_no_header_can_carry_is_refused(shell: Shell) -> None:
    for subject in ("a\nBcc: x", "=?utf-8?q?x?=", "x" * 151, "a\ue000b", "\u2028", "  "):
        assert "one line of 1 to 150" in shell.refused("digest", "plan", "weekly", "--subject", subject)


def test_an_introduction_that_no_letter_can_carry_is_named(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "intro.md"

    for content in (b"Caf\xe9", b"a\x00b", "a\ue000b".encode()):
        path.write_bytes(content)
        assert shell.refused("digest", "plan", "weekly", "--intro", str(path)).startswith(f"{path}: ")


def test_a_test_letter_goes_to_the_named_address_alone(planned: Shell) -> None:
    said = planned.run("digest", "test", "weekly", "Staff@example.org")

    assert "s•••@e•••.org".replace("s", "S", 1) in said.out
    assert "Staff@" not in said.out
    assert "No sender runs" in said.out
    [letter] = planned.house.drain()
    assert letter.recipient == "Staff@example.org"
    [message] = planned.house.letters_to("Staff@example.org")
    assert message["Subject"] == "The week"
    assert {url.rpartition("/")[2][:6] for url in links_in(message) if "/unsubscribe/" in url} == {"sample"}
    assert planned.run("digest", "status", "1", "--json").json[0]["deliveries"] == {"queued": 2}
    assert planned.audit() == [("digest plan", "1"), ("digest test", "1")]


def test_a_test_letter_to_no_address_is_refused(planned: Shell) -> None:
    assert "name@example.org" in planned.refused("digest", "test", "weekly", "staff")
    assert planned.house.drain() == []


def test_a_test_letter_goes_to_several_addresses_and_to_each_once(planned: Shell) -> None:
    addresses = ["staff@example.org", "board@example.org", "staff@EXAMPLE.org"]

    said = planned.run("digest", "test", "weekly", *addresses).out

    assert said.count("A test letter of issue 1 goes to ") == 2
    assert "staff@" not in said
    assert sorted(each.recipient for each in planned.house.drain()) == ["board@example.org", "staff@example.org"]
    for address in addresses[:2]:
        [letter] = planned.house.letters_to(address)
        assert {url.rpartition("/")[2][:6] for url in links_in(letter) if "/unsubscribe/" in url} == {"sample"}


def test_one_bad_address_among_several_stops_them_all(planned: Shell) -> None:
    assert "name@example.org" in planned.refused("digest", "test", "weekly", "staff@example.org", "board")
    assert planned.house.drain() == []


def test_a_test_is_no_way_to_write_to_many(planned: Shell) -> None:
    addresses = [f"reader{number}@example.org" for number in range(11)]

    line = planned.refused("digest", "test", "weekly", *addresses)

    assert line == "A test letter goes to at most 10 addresses: it is no way to reach readers."
    assert planned.house.drain() == []


def test_an_issue_is_sent_once_and_its_state_is_told(planned: Shell) -> None:
    said = planned.run("digest", "send", "weekly", "--yes", "--no-wait").out
    assert "Issue 1 goes to 2 readers." in said
    assert planned.run("digest", "status", "1", "--json").json[0]["state"] == "sending"

    assert sorted(each.recipient for each in planned.house.drain()) == ["ada@example.org", "bob@example.org"]

    [facts] = planned.run("digest", "status", "1", "--json").json
    assert {name: facts[name] for name in ("issue", "subject", "state", "deliveries", "not_mailed")} == {
        "issue": 1,
        "subject": "The week",
        "state": "sent",
        "deliveries": {"sent": 2},
        "not_mailed": [],
    }
    assert "“The week”: sent" in planned.run("digest", "status", "weekly").out
    assert [action for action, _ in planned.audit()] == ["digest plan", "digest send"]


def test_watching_ends_when_the_issue_is_sent(planned: Shell) -> None:
    planned.run("digest", "send", "weekly", "--yes", "--no-wait")
    planned.house.drain()

    for words in (["status", "weekly", "--watch"], ["send", "weekly", "--yes"]):
        said = planned.run("digest", *words).out
        assert "“The week”: sent" in said
        assert "2  sent" in said


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_leaves_the_bar_is_told_that_the_sending_goes_on(
    planned: Shell, tmp_path: Path, number: signal.Signals
) -> None:
    planned.run("digest", "send", "weekly", "--yes", "--no-wait")
    settings = {name.removeprefix("COALITION_"): value for name, value in planned.settings.items()}

    with running("digest", "status", "1", "--watch", folder=tmp_path, ready="Issue 1", **settings) as (program, _):
        assert program.stdout is not None
        program.send_signal(number)
        said = program.stdout.read()
        assert end(program) == 0

    assert said == "\nThe sending goes on. Watch it again: coalition digest status 1 --watch\n"
    assert len(planned.house.drain()) == 2


def test_sending_asks_first_and_takes_no_for_an_answer(planned: Shell) -> None:
    said = planned.run("digest", "send", "weekly", answer="n\n", code=1)

    assert "Send issue 1, “The week”, to 2 readers?" in said.out
    assert planned.run("digest", "status", "1", "--json").json[0]["state"] == "planned"
    assert planned.house.drain() == []


def test_one_reader_is_one_reader(shell: Shell) -> None:
    a_subscriber(shell.house)
    shell.house.publish()
    shell.run("digest", "plan", "weekly", "--subject", "The week")

    assert "to 1 reader?" in shell.run("digest", "send", "weekly", answer="n\n", code=1).out


def test_an_issue_is_held_resumed_and_cancelled(planned: Shell) -> None:
    planned.run("digest", "send", "1", "--yes", "--no-wait")

    held = planned.run("digest", "hold", "weekly").out
    assert held == "Issue 1 is held; letters that wait: 2. Let them go: coalition digest resume 1\n"
    assert planned.house.drain() == []
    resumed = planned.run("digest", "resume", "1").out
    assert resumed == "Issue 1 is sending; letters to go: 2. Watch it: coalition digest status 1 --watch\n"
    planned.run("digest", "hold", "1")
    assert planned.run("digest", "cancel", "1", "--yes").out.startswith("Issue 1 is cancelled.\n")

    assert planned.house.drain() == []
    [facts] = planned.run("digest", "status", "1", "--json").json
    assert (facts["state"], sum(facts["deliveries"].values())) == ("cancelled", 2)
    assert "queued" not in facts["deliveries"]
    assert [action.split()[1] for action, _ in planned.audit()] == ["plan", "send", "hold", "resume", "hold", "cancel"]


def test_an_issue_that_is_not_there_is_told_in_one_line(shell: Shell) -> None:
    for verb in ("preview", "send", "status", "hold", "resume", "cancel"):
        for name in ("7", "weekly", "yearly", "1; DROP TABLE issue", "²", "99999999999999999999"):
            assert "issue" in shell.refused("digest", verb, name).lower()


def test_an_issue_that_is_over_stays_so(planned: Shell) -> None:
    assert "only while it is sending" in planned.refused("digest", "hold", "1")
    planned.run("digest", "send", "1", "--yes", "--no-wait")
    planned.house.drain()

    assert "has been sent" in planned.refused("digest", "cancel", "1", "--yes")
    assert "sent already" in planned.run("digest", "plan", "weekly", code=1).err

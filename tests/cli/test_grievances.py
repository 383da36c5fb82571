"""`coalition privacy grievance`: reading, answering by letter or in another way, and what is overdue (L12)."""

from datetime import timedelta
from pathlib import Path

import pytest
import time_machine

from coalition.clock import utcnow
from coalition.services import upkeep
from tests.cli.shell import Shell
from tests.house import House, a_subscriber, html_of, text_of
from tests.web.test_grievances import ADA, WORDS, complain

LIST = ("privacy", "grievance", "list")
ANSWER = "You had signed up with *two* addresses.\n\nSorry for the trouble."


@pytest.fixture
def answer_file(tmp_path: Path) -> str:
    path = tmp_path / "answer.txt"
    path.write_text(ANSWER, "utf-8")
    return str(path)


def test_the_list_tells_until_when_each_has_to_be_answered(shell: Shell, house: House) -> None:
    assert shell.run(*LIST).out == "There are no grievances.\n"
    complain(house)
    house.drain()

    [row] = shell.run(*LIST, "--json").json

    assert (row["number"], row["state"], row["answered"], row["doubtful"]) == (1, "open", None, False)
    assert row["acknowledged"] is not None
    assert row["received"] < row["due"]
    assert ADA not in shell.run(*LIST).out


def test_showing_one_is_recorded_with_whom_it_concerns(shell: Shell, house: House) -> None:
    complain(house, "stranger@example.org")
    complain(house)
    person = a_subscriber(house, ADA)

    shown = shell.run("privacy", "grievance", "show", "2")
    shell.run("privacy", "grievance", "show", "1")

    assert ADA in shown.out
    assert WORDS in shown.out
    subjects = [subject for action, subject in shell.audit() if action == "privacy grievance show"]
    assert subjects == [person.code, "grievance 1"]


def test_an_answer_goes_by_letter_once(shell: Shell, house: House, answer_file: str) -> None:
    complain(house)
    house.drain()

    said = shell.run("privacy", "grievance", "answer", "1", "--letter", answer_file, "--yes")
    again = shell.refused("privacy", "grievance", "answer", "1", "--letter", answer_file, "--yes")
    house.drain()

    assert said.out == "The answer is on its way.\n"
    assert again == "Grievance 1 was answered already."
    [_, letter] = house.letters_to(ADA)
    assert letter["Subject"] == "Our answer to your complaint, number 1"
    assert ANSWER.replace("*", "") in text_of(letter)
    assert "with <em>two</em> addresses" in html_of(letter)
    assert shell.run(*LIST, "--open").out == "There are no grievances.\n"


def test_an_answer_that_was_given_on_the_phone_is_noted_and_no_letter_goes(shell: Shell, house: House) -> None:
    complain(house)
    house.drain()

    shell.run("privacy", "grievance", "answer", "1", "--noted", "By phone.", "--yes")

    assert house.drain() == []
    [row] = shell.run("privacy", "grievance", "show", "1", "--json").json
    assert (row["state"], row["by_letter"], row["answer"]) == ("answered", False, "By phone.")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("1",), 2, "Name a --letter"),
        (("1", "--letter", "-", "--noted", "x"), 2, "Name a --letter"),
        (("1", "--letter", "/nowhere/answer.txt", "--yes"), 1, "can't be read"),
        (("1", "--noted", " ", "--yes"), 1, "An answer has 1 to"),
        (("9", "--noted", "x", "--yes"), 1, "There is no such grievance"),
    ],
)
def test_what_is_no_answer_is_told(
    shell: Shell, house: House, arguments: tuple[str, ...], code: int, told: str
) -> None:
    complain(house)

    assert told in shell.run("privacy", "grievance", "answer", *arguments, code=code).err


def test_who_wants_to_be_forgotten_is_forgotten_here_too_and_gets_no_answer(shell: Shell, house: House) -> None:
    a_subscriber(house, ADA)
    complain(house)

    shell.run("subscriber", "forget", ADA, "--yes")

    assert house.drain() == []
    [row] = shell.run("privacy", "grievance", "show", "1", "--json").json
    assert (row["state"], row["from"], row["text"], row["answer"]) == ("forgotten", None, "", "")
    assert "wanted to be forgotten" in shell.refused("privacy", "grievance", "answer", "1", "--noted", "x", "--yes")


def test_l12_what_is_overdue_is_told_by_tick_and_status_until_it_is_answered(shell: Shell, house: House) -> None:
    complain(house)
    house.drain()
    assert "grievances overdue: 0" in shell.run("tick").out
    assert "grievances overdue" not in shell.run("outbox", "status").out

    with time_machine.travel(utcnow() + timedelta(days=30, minutes=1)):
        assert "grievances overdue: 1" in shell.run("tick").out
        assert shell.run("outbox", "status", "--json").json[0]["grievances overdue"] == 1
        assert shell.run(*LIST, "--json").json[0]["state"] == "overdue"
        shell.run("privacy", "grievance", "answer", "1", "--noted", "Done.", "--yes")
        assert "grievances overdue" not in shell.run("outbox", "status").out
        done = upkeep.tick(house.database, house.resources.eraser, utcnow() + timedelta(days=1))
        assert done[upkeep.OVERDUE] == 0

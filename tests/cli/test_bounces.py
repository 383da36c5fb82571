"""`coalition bounce`: the three ways in, and what staff see of what came."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from coalition.cli import main
from coalition.models import Fate
from tests.certificates import make_ca
from tests.cli.shell import Said, Shell
from tests.imap import Imap
from tests.relay import Received
from tests.services.returning import (
    ADA,
    GRACE,
    a_reader,
    an_issue,
    bounced,
    collect,
    deal,
    fates,
    set_aside,
    suppressions,
)


@pytest.fixture
def letters(shell: Shell) -> list[Received]:
    """An issue that went to two readers of a community that collects what comes back."""
    collect(shell.house)
    a_reader(shell.house, ADA)
    a_reader(shell.house, GRACE)
    return an_issue(shell.house)


def pipe(shell: Shell, raw: bytes, *arguments: str, code: int = 0) -> Said:
    """As the mail server hands one message over."""
    settings = shell.settings
    result = CliRunner().invoke(main, ["bounce", "receive", *arguments], input=io.BytesIO(raw), env=settings)
    assert result.exit_code == code, result.output
    return Said(result.stdout, result.stderr, result.exit_code)


def test_a_message_from_the_mail_server_is_dealt_with_once(shell: Shell, letters: list[Received]) -> None:
    raw = bounced(letters[0])

    assert pipe(shell, raw).out == "1 suppressed\n"
    assert pipe(shell, raw).out == "1 known already\n"
    assert pipe(shell, b"Subject: hello\n\nDo you read this?\n").out == "1 set aside\n"

    assert fates(shell.house) == [Fate.DEAD]


def test_whom_a_message_was_for_may_be_told_beside_it(shell: Shell, letters: list[Received]) -> None:
    raw = bounced(letters[0]).replace(letters[0].sender.encode(), b"bounces@bounces.example.org")

    assert pipe(shell, raw).out == "1 set aside\n"
    assert pipe(shell, raw, "--recipient", letters[0].sender.upper()).out == "1 suppressed\n"


def test_a_message_beyond_any_measure_is_taken_to_its_end(shell: Shell, letters: list[Received]) -> None:
    assert pipe(shell, b"x" * 3_000_000).out == "1 set aside\n"

    [kept] = set_aside(shell.house)
    assert kept.why == "too long"


def test_the_mail_server_tries_again_what_can_not_be_dealt_with_now(shell: Shell, letters: list[Received]) -> None:
    (shell.house.config.home / "keys" / "tokens.key").rename(shell.house.config.home / "gone")

    said = pipe(shell, bounced(letters[0]), code=75)

    assert said.out == ""
    assert "tokens.key" in said.err


def test_a_broken_setting_makes_the_mail_server_try_again_too(shell: Shell, letters: list[Received]) -> None:
    shell.settings["COALITION_RATE"] = "fast"

    assert "COALITION_RATE" in pipe(shell, bounced(letters[0]), code=75).err


@pytest.fixture
def maildir(tmp_path: Path, letters: list[Received]) -> Path:
    """A Maildir with a bounce, the same again, and a letter by a person."""
    folder = tmp_path / "Bounces"
    for name in ("new", "cur", "tmp"):
        (folder / name).mkdir(parents=True)
    for number, raw in enumerate([bounced(letters[0]), bounced(letters[0]), bounced(letters[1], "human")]):
        (folder / "new" / f"100{number}.host").write_bytes(raw)
    return folder


def test_a_maildir_is_read_and_what_was_read_is_seen(shell: Shell, maildir: Path) -> None:
    said = shell.run("bounce", "receive", "--maildir", str(maildir))

    assert said.out == "1 suppressed, 1 known already, 1 set aside\n"
    assert os.listdir(maildir / "new") == []
    assert sorted(os.listdir(maildir / "cur")) == ["1000.host:2,S", "1001.host:2,S", "1002.host:2,S"]
    assert shell.run("bounce", "receive", "--maildir", str(maildir)).out == "Nothing has come back.\n"


def test_what_was_read_can_be_deleted(shell: Shell, maildir: Path) -> None:
    [done] = shell.run("bounce", "receive", "--maildir", str(maildir), "--delete", "--json").json

    assert (done["suppressed"], done["set aside"]) == (1, 1)
    assert os.listdir(maildir / "new") + os.listdir(maildir / "cur") == []


def test_what_is_not_kept_stays_in_the_maildir(shell: Shell, maildir: Path) -> None:
    (shell.house.config.home / "keys" / "lookup.key").rename(shell.house.config.home / "gone")

    shell.refused("bounce", "receive", "--maildir", str(maildir), code=2)

    assert len(os.listdir(maildir / "new")) == 3


def test_a_folder_that_is_no_maildir_is_refused(shell: Shell, tmp_path: Path) -> None:
    assert "no Maildir" in shell.refused("bounce", "receive", "--maildir", str(tmp_path))


@pytest.fixture
def mailbox(shell: Shell, tmp_path: Path, letters: list[Received]) -> Iterator[Imap]:
    """An IMAP server with a bounce and a spam report, and how to get in."""
    certificates = make_ca(tmp_path)
    with Imap([bounced(letters[0]), bounced(letters[1], "spam")], certificates) as server:
        shell.settings["COALITION_IMAP_PASSWORD"] = server.password
        shell.settings["COALITION_IMAP_CA"] = str(certificates.ca)
        yield server


def url(server: Imap, folder: str = "Bounces", scheme: str = "imaps") -> str:
    return f"{scheme}://bounces%40example.org@localhost:{server.port}/{folder}"


def test_a_mailbox_is_read_over_tls_and_what_was_read_is_seen(shell: Shell, mailbox: Imap) -> None:
    for expected in ("2 suppressed\n", "Nothing has come back.\n"):
        assert shell.run("bounce", "receive", "--imap", url(mailbox)).out == expected

    assert set(mailbox.flags.values()) == {r"(\Seen)"}
    assert len(suppressions(shell.house)) == 2


def test_what_was_read_of_a_mailbox_can_be_deleted(shell: Shell, mailbox: Imap) -> None:
    shell.run("bounce", "receive", "--imap", url(mailbox), "--delete")

    assert mailbox.messages == {}


def test_the_password_may_lie_in_a_file(shell: Shell, mailbox: Imap, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(shell.settings.pop("COALITION_IMAP_PASSWORD") + "\n")
    shell.settings["COALITION_IMAP_PASSWORD_FILE"] = str(tmp_path / "password")

    assert shell.run("bounce", "receive", "--imap", url(mailbox)).out == "2 suppressed\n"


def test_a_server_nobody_vouches_for_gets_no_password(shell: Shell, mailbox: Imap) -> None:
    del shell.settings["COALITION_IMAP_CA"]

    assert "certificate" in shell.refused("bounce", "receive", "--imap", url(mailbox))
    assert set(mailbox.flags.values()) == {""}


def test_a_mailbox_that_does_not_open_is_told_in_one_line(shell: Shell, mailbox: Imap) -> None:
    assert "folder" in shell.refused("bounce", "receive", "--imap", url(mailbox, "Elsewhere"))
    shell.settings["COALITION_IMAP_PASSWORD"] = "wrong"
    assert "@" not in shell.refused("bounce", "receive", "--imap", url(mailbox))
    del shell.settings["COALITION_IMAP_PASSWORD"]
    assert "COALITION_IMAP_PASSWORD" in shell.refused("bounce", "receive", "--imap", url(mailbox))


@pytest.mark.parametrize(
    "place",
    [
        "https://a@example.org",
        "imaps://example.org/Bounces",
        "imaps://a:password@example.org",
        "imap://a@mail.example.org",
        "imaps://a@[",
        "Bounces",
    ],
)
def test_a_place_that_is_none_or_would_tell_the_password_is_refused(shell: Shell, place: str) -> None:
    shell.settings["COALITION_IMAP_PASSWORD"] = "secret"

    assert "password@" not in shell.refused("bounce", "receive", "--imap", place)


def test_two_ways_in_at_once_are_refused(shell: Shell, tmp_path: Path) -> None:
    shell.run("bounce", "receive", "--imap", "imaps://a@example.org", "--maildir", str(tmp_path), code=2)


def test_staff_see_what_came_back_and_of_whom_but_no_address(shell: Shell, letters: list[Received]) -> None:
    ada = shell.house.person(ADA)
    deal(shell.house, bounced(letters[0]), bounced(letters[1], "spam"), bounced(letters[1], "human"))

    _, first = shell.run("bounce", "list", "--json").json
    [counted] = shell.run("bounce", "count", "--json").json
    said = "".join(shell.run("bounce", verb).out for verb in ("list", "count", "aside"))

    assert (first["what"], first["status"], first["reader"]) == ("dead address", "5.1.1", ada.code)
    assert counted["came_back"] == {"dead address": 1, "spam report": 1}
    assert counted["spam"][0]["rate"] == "50.00%"
    assert sum(counted["set_aside"].values()) == 1
    assert "@" not in said


def test_staff_read_what_was_set_aside_and_that_is_recorded(shell: Shell, letters: list[Received]) -> None:
    deal(shell.house, bounced(letters[0], "human").replace(b"Thank you!", b"\x1b]0;owned\x07Thank you!"))
    [row] = shell.run("bounce", "aside", "--json").json

    said = shell.run("bounce", "show", str(row["id"]))

    assert "Thank you!" in said.out
    assert "\x1b" not in said.out
    assert shell.audit() == [("bounce show", shell.house.person(ADA).code)]  # so that she sees it
    assert "coalition bounce aside" in shell.refused("bounce", "show", "99")


def test_a_caller_learns_why_nothing_comes(shell: Shell, letters: list[Received]) -> None:
    deal(shell.house, bounced(letters[0]), bounced(letters[1], "spam"))

    [ada] = shell.run("subscriber", "show", ADA, "--json").json
    [grace] = shell.run("subscriber", "show", GRACE, "--json").json
    said = shell.run("subscriber", "show", ADA).out

    assert (ada["suppressed"], ada["may_still_go"]) == ("hard bounce", "nothing")
    assert (grace["suppressed"], grace["may_still_go"]) == ("spam report", "a letter to confirm, if they sign up again")
    assert ada["came_back"][0]["status"] == "5.1.1"
    assert "User unknown" in said
    assert "@" not in said


def test_staff_close_an_address_and_open_it_again(shell: Shell, letters: list[Received]) -> None:
    asked = shell.run("subscriber", "suppress", ADA, answer="n\n", code=1)
    assert "a•••@e•••.org" in asked.out
    assert suppressions(shell.house) == {}

    shell.run("subscriber", "suppress", ADA, "--yes")
    assert [each.recipient for each in an_issue(shell.house)] == [GRACE]
    shell.run("subscriber", "lift", ADA, "--yes")

    assert suppressions(shell.house) == {}
    assert "not suppressed" in shell.refused("subscriber", "lift", ADA, "--yes")
    code = shell.house.person(ADA).code
    assert shell.audit() == [("subscriber suppress", code), ("subscriber lift", code)]


def test_the_outbox_tells_what_came_back_and_a_spam_rate_that_is_too_high(
    shell: Shell, letters: list[Received]
) -> None:
    [before] = shell.run("outbox", "status", "--json").json
    deal(shell.house, bounced(letters[0]), *(bounced(each, "spam") for each in letters))
    [after] = shell.run("outbox", "status", "--json").json

    assert "spam rate" not in before
    assert (after["dead address, last 7 days"], after["spam report, last 7 days"]) == (1, 2)
    assert "too high: 100.00% on" in after["spam rate"]

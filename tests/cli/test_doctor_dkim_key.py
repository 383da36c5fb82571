"""`coalition doctor dkim-key`"""

from pathlib import Path

import pytest

from coalition.mail.signing_key import read_signing_key
from tests.cli.shell import program


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def published(out: str) -> tuple[str, str]:
    """The name and text of the record, read as a DNS server reads a zone file."""
    name, _, rest = out.partition(" IN TXT (")
    strings = rest.partition(")")[0].split('"')[1::2]
    assert all(len(each) <= 255 for each in strings)
    return name.split()[-1], "".join(strings)


def test_it_makes_a_key_and_shows_what_to_publish(home: Path) -> None:
    said = program("doctor", "dkim-key", "--selector", "s1", folder=home.parent, HOME=str(home))

    key = read_signing_key(home / "keys", "coalition.example", "s1")
    assert (said.code, said.err) == (0, "")
    assert published(said.out) == ("s1._domainkey.coalition.example.", key.record)
    assert f"{home / 'keys' / 'dkim-s1.pem'} is made." in said.out
    assert 'set dkim_selector = "s1" in community.toml' in said.out
    assert "PRIVATE" not in said.out


def test_again_it_changes_nothing_and_shows_the_same(home: Path) -> None:
    first = program("doctor", "dkim-key", folder=home.parent, HOME=str(home))
    file = home / "keys" / "dkim-coalition.pem"
    before = file.read_bytes()
    second = program("doctor", "dkim-key", folder=home.parent, HOME=str(home))

    assert second.code == 0
    assert file.read_bytes() == before
    assert published(first.out) == published(second.out)
    assert "is there already; nothing was changed" in second.out


def test_a_dry_run_makes_nothing(home: Path) -> None:
    said = program("doctor", "dkim-key", "--dry-run", folder=home.parent, HOME=str(home))

    assert said.code == 0
    assert "would be made" in said.out
    assert not home.exists()


def test_a_dry_run_shows_the_record_of_a_key_that_is_there(home: Path) -> None:
    made = program("doctor", "dkim-key", folder=home.parent, HOME=str(home))
    said = program("doctor", "dkim-key", "--dry-run", folder=home.parent, HOME=str(home))

    assert published(said.out) == published(made.out)


def test_a_script_gets_it_as_json(home: Path) -> None:
    [facts] = program("doctor", "dkim-key", "--json", folder=home.parent, HOME=str(home)).json
    [again] = program("doctor", "dkim-key", "--json", folder=home.parent, HOME=str(home)).json

    assert (facts.pop("made"), again.pop("made")) == (True, False)
    assert facts == again
    assert facts["name"] == "coalition._domainkey.coalition.example"


def test_a_selector_that_can_stand_in_no_name_is_refused(home: Path) -> None:
    said = program("doctor", "dkim-key", "--selector", "../s1", folder=home.parent, HOME=str(home))

    assert (said.out, said.code) == ("", 1)
    assert said.err.startswith("A selector is of small letters")
    assert not home.exists()


def test_a_folder_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = program("doctor", "dkim-key", folder=tmp_path, HOME=str(tmp_path / "file" / "home"))

    assert (said.out, said.code) == ("", 2)
    assert "can't be written to" in said.err

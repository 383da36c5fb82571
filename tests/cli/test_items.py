"""`coalition item`: Markdown files become news, all of a row or none."""

from pathlib import Path

from tests.cli.shell import Shell
from tests.house import a_subscriber

GOOD = (
    "---\ntitle: Rents fall\ntopic: housing\nurl: https://www.example.org/rents\npublished: 2026-03-12\n---\nThey do.\n"
)


def _file(folder: Path, text: str | bytes, name: str = "news.md") -> str:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


def test_a_file_is_published_listed_and_withdrawn(shell: Shell, tmp_path: Path) -> None:
    said = shell.run("item", "add", _file(tmp_path, GOOD))

    assert said.out == "news.md: published as item 1, “Rents fall”\n"
    [row] = shell.run("item", "list", "--json").json
    assert row == {
        "position": 1,
        "topic": "housing",
        "title": "Rents fall",
        "published": "2026-03-12T00:00:00+00:00",
        "withdrawn": None,
    }
    assert "Rents fall" in shell.run("item", "list").out
    assert "is withdrawn" in shell.run("item", "withdraw", "1").out
    assert shell.run("item", "list", "--json").json[0]["withdrawn"]
    assert shell.audit() == [("item add", "1"), ("item withdraw", "1")]


def test_the_same_file_again_changes_nothing(shell: Shell, tmp_path: Path) -> None:
    path = _file(tmp_path, GOOD)
    shell.run("item", "add", path)

    said = shell.run("item", "add", path)

    assert "is there already as item 1" in said.out
    assert len(shell.run("item", "list", "--json").json) == 1
    assert shell.audit() == [("item add", "1")]


def test_a_bad_file_in_a_row_takes_all_of_it_back(shell: Shell, tmp_path: Path) -> None:
    good, bad = _file(tmp_path, GOOD), _file(tmp_path, GOOD.replace("title", "titel"), "bad.md")

    line = shell.refused("item", "add", good, bad)

    assert line.startswith(f"{bad}: `titel")
    assert shell.run("item", "list", "--json").json == []
    assert shell.audit() == []
    assert "item 1" in shell.run("item", "add", good).out


WRONG: list[tuple[str | bytes, str]] = [
    ("", "starts with `---`"),
    ("Rents fall", "starts with `---`"),
    ("---\ntitle: x\ntopic: housing\nText.", "starts with `---`"),
    ("---\ntopic: housing\n---\nText.\n", "lack `title"),
    ("---\ntitle: x\n---\nText.\n", "lack `topic"),
    ("---\ntitle: ''\ntopic: housing\n---\nText.\n", "lack `title"),
    ("---\ntitle: x\ntopic: housing\n---\n \n", "no text"),
    ("---\ntitle: x\ntopic: nowhere\n---\nText.\n", "There is no such topic"),
    ("---\ntitle: x\ntopic: housing\nauthor: me\n---\nText.\n", "`author: me` is none of"),
    ("---\ntitle: x\ntopic: housing\nurl: www.example.org\n---\nText.\n", "`url`"),
    ("---\ntitle: x\ntopic: housing\nurl: javascript:x\n---\nText.\n", "`url`"),
    ("---\ntitle: x\ntopic: housing\nurl: https://[::1\n---\nText.\n", "`url`"),
    ("---\ntitle: x\ntopic: housing\nurl: https://e.org/a b\n---\nText.\n", "`url`"),
    ("---\ntitle: x\ntopic: housing\nurl: //e.org\n---\nText.\n", "`url`"),
    ("---\ntitle: x\ntopic: housing\nurl: mailto:a@e.org\n---\nText.\n", "`url`"),
    ("---\ntitle: x\ntopic: housing\npublished: soon\n---\nText.\n", "`published`"),
    ("---\ntitle: x\ntopic: housing\npublished: 2026-13-01\n---\nText.\n", "`published`"),
    ("---\ntitle: x\ntopic: housing\npublished: 9999-01-01\n---\nText.\n", "in the future"),
    ("---\ntitle: x\ntopic: housing\npublished: 0001-01-01T00:00+14:00\n---\nText.\n", "`published`"),
    (f"---\ntitle: {'x' * 201}\ntopic: housing\n---\nText.\n", "`title`"),
    ("---\ntitle: =?utf-8?q?x?=\ntopic: housing\n---\nText.\n", "`title`"),
    ("---\ntitle: x\ntopic: housing\n---\nText\x00.\n", "invisible"),
    ("---\ntitle: x\ntopic: housing\n---\nText \ue000.\n", "invisible"),
    (f"---\ntitle: x\ntopic: housing\n---\n{'x' * 20_001}\n", "longer than 20,000"),
    (b"---\ntitle: Caf\xe9\ntopic: housing\n---\nText.\n", "not UTF-8"),
]


def test_a_bad_file_is_named_with_its_fault(shell: Shell, tmp_path: Path) -> None:
    for number, (text, told) in enumerate(WRONG):
        path = _file(tmp_path, text, f"{number}.md")
        line = shell.refused("item", "add", path)
        assert line.startswith(f"{path}: ")
        assert told in line

    assert shell.run("item", "list", "--json").json == []


def test_a_file_from_another_system_is_read(shell: Shell, tmp_path: Path) -> None:
    windows = "\ufeff" + GOOD.replace("\n", "\r\n").replace("Rents fall", '"Rents: they fall"')

    assert "“Rents: they fall”" in shell.run("item", "add", _file(tmp_path, windows)).out


def test_a_missing_file_is_told_by_its_name(shell: Shell, tmp_path: Path) -> None:
    said = shell.run("item", "add", str(tmp_path / "missing.md"), code=2)

    assert "missing.md' does not exist" in said.err


def test_withdrawing_cancels_the_plans_that_have_it(shell: Shell) -> None:
    a_subscriber(shell.house)
    shell.house.publish()
    issue = shell.house.plan()

    said = shell.run("item", "withdraw", "1").out

    assert f"Issue {issue} was planned with it and is cancelled" in said
    assert shell.run("digest", "list", "--json").json[0]["state"] == "cancelled"


def test_an_item_that_is_not_there_cannot_be_withdrawn(shell: Shell) -> None:
    assert shell.refused("item", "withdraw", "7") == "There is no item 7: `coalition item list` shows those there are."

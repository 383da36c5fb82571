"""`coalition topic`"""

from pathlib import Path

from tests.cli.shell import Shell


def test_topics_are_added_changed_closed_and_listed(shell: Shell) -> None:
    shell.run("topic", "add", "jobs", "--name", " Jobs ", "--description", "Work, paid or not.")
    shell.run("topic", "edit", "jobs", "--name", "Work")
    shell.run("topic", "close", "jobs")

    rows = shell.run("topic", "list", "--json").json
    assert [row["slug"] for row in rows] == ["housing", "events", "tools", "jobs"]
    facts = {"name": "Work", "open": False, "special": False, "description": "Work, paid or not."}
    assert rows[-1] == {"slug": "jobs", **facts}
    table = shell.run("topic", "list").out.splitlines()
    assert table[0].split() == ["slug", "name", "open", "special", "description"]
    assert table[-1].split()[:3] == ["jobs", "Work", "no"]
    assert shell.audit() == [("topic add", "jobs"), ("topic edit", "jobs"), ("topic close", "jobs")]


def test_a_closed_topic_is_opened_again_and_twice_is_as_good_as_once(shell: Shell, tmp_path: Path) -> None:
    news = tmp_path / "rents.md"
    news.write_text("---\ntitle: Rents fall\ntopic: housing\n---\nThey do.\n", "utf-8")
    told = "Topic housing takes no new subscriptions and no news"

    assert shell.run("topic", "close", "housing").out == f"{told}. To undo it: coalition topic open housing\n"
    assert shell.run("topic", "close", "housing").out.startswith(f"{told} already.")
    assert "is closed" in shell.refused("item", "add", str(news))
    assert shell.run("topic", "open", "housing").out == "Topic housing takes subscriptions and news again.\n"
    assert shell.run("topic", "open", "housing").out == "Topic housing takes subscriptions and news already.\n"
    shell.run("item", "add", str(news))
    assert shell.audit() == [("topic close", "housing"), ("topic open", "housing"), ("item add", "1")]


WRONG: list[tuple[list[str], str]] = [
    (["add", "housing", "--name", "x", "--description", "x"], "There is a topic housing already."),
    (["add", "Not a slug", "--name", "x", "--description", "x"], "small letters"),
    (["add", "a" * 41, "--name", "x", "--description", "x"], "at most 40"),
    (["add", "jobs", "--name", "", "--description", "x"], "name is one line"),
    (["add", "jobs", "--name", "a\nb", "--description", "x"], "name is one line"),
    (["add", "jobs", "--name", "a\ue000", "--description", "x"], "name is one line"),
    (["add", "jobs", "--name", "x", "--description", "x" * 501], "description is one line"),
    (["edit", "nowhere", "--name", "x"], "There is no such topic"),
    (["close", "nowhere"], "There is no such topic"),
    (["open", "nowhere"], "There is no such topic"),
]


def test_what_cannot_be_done_is_told_and_nothing_is_written(shell: Shell) -> None:
    before = shell.run("topic", "list", "--json").json

    for words, told in WRONG:
        assert told in shell.refused("topic", *words)

    assert shell.run("topic", "list", "--json").json == before
    assert shell.audit() == []

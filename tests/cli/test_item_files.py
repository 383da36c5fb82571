"""`coalition item new`, `edit` and `sync`: files are the source, and every step can be repeated."""

from pathlib import Path

from tests.cli.shell import Shell
from tests.house import a_subscriber


def _write(folder: Path, name: str, title: str = "Rents fall", text: str = "They do.", topic: str = "housing") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"---\ntitle: {title}\ntopic: {topic}\n---\n{text}\n", "utf-8")
    return path


def _titles(shell: Shell) -> list[str]:
    return [row["title"] for row in shell.run("item", "list", "--json").json]


def test_a_new_file_wants_only_its_text(shell: Shell, tmp_path: Path) -> None:
    said = shell.run("item", "new", "housing", "Rents: they fall!", "--folder", str(tmp_path)).out

    [path] = tmp_path.glob("*-rents-they-fall.md")
    assert f"coalition item add {path}" in said
    assert "no text" in shell.refused("item", "add", str(path))
    path.write_text(path.read_text("utf-8") + "They do.\n", "utf-8")
    assert "“Rents: they fall!”" in shell.run("item", "add", str(path)).out
    assert shell.audit() == [("item add", "1")]


def test_a_new_file_replaces_none(shell: Shell, tmp_path: Path) -> None:
    shell.run("item", "new", "housing", "Rents", "--folder", str(tmp_path))
    [path] = tmp_path.glob("*.md")
    path.write_text("mine", "utf-8")

    assert "exists already" in shell.refused("item", "new", "housing", "Rents", "--folder", str(tmp_path))
    assert path.read_text("utf-8") == "mine"


def test_a_title_is_no_path(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "news"
    folder.mkdir()
    for title in ("../../etc/passwd", "日本", "x" * 200):
        shell.run("item", "new", "housing", title, "--folder", str(folder))

    assert sorted(path.name[11:] for path in folder.iterdir()) == ["etc-passwd.md", "item.md", f"{'x' * 60}.md"]


def test_a_new_file_for_no_topic_or_without_a_title_is_refused(shell: Shell, tmp_path: Path) -> None:
    for topic, title in (("nowhere", "x"), ("", "x"), ("housing", "x\ny"), ("housing", "x" * 201), ("housing", " ")):
        shell.refused("item", "new", topic, title, "--folder", str(tmp_path))

    assert list(tmp_path.glob("*.md")) == []


def test_an_item_is_edited_and_keeps_its_place(shell: Shell, tmp_path: Path) -> None:
    shell.house.publish("housing", "Rents fall")
    shell.house.publish("housing", "More")

    said = shell.run("item", "edit", "1", str(_write(tmp_path, "new.md", "Rents rise"))).out

    assert said == "Item 1 now says what new.md says.\n"
    assert _titles(shell) == ["More", "Rents rise"]
    assert shell.audit() == [("item edit", "1")]


def test_editing_cancels_the_plans_that_have_it_and_tells_of_what_is_on_its_way(shell: Shell, tmp_path: Path) -> None:
    a_subscriber(shell.house)
    shell.house.publish()
    first = shell.house.plan()
    said = shell.run("item", "edit", "1", str(_write(tmp_path, "a.md", "Better"))).out
    assert f"Issue {first} was planned with it and is cancelled: coalition digest plan weekly" in said

    second = shell.house.plan()
    shell.house.send(second)
    said = shell.run("item", "edit", "1", str(_write(tmp_path, "b.md", "Best"))).out
    assert f"Issue {second} with it is sending; what has been sent stays sent." in said
    [letter] = shell.house.drain()
    assert b"Better" in letter.data


def test_an_edit_that_can_not_be_is_told_in_one_line(shell: Shell, tmp_path: Path) -> None:
    shell.house.publish("housing", "Rents fall")
    other = _write(tmp_path, "other.md", topic="events")
    bad = tmp_path / "bad.md"
    bad.write_text("no front matter", "utf-8")

    assert "There is no item 7" in shell.refused("item", "edit", "7", str(_write(tmp_path, "new.md")))
    assert "stays in its topic" in shell.refused("item", "edit", "1", str(other))
    assert shell.refused("item", "edit", "1", str(bad)).startswith(f"{bad}: ")
    assert (_titles(shell), shell.audit()) == (["Rents fall"], [])


def test_a_folder_is_published_once_and_then_only_what_changed(shell: Shell, tmp_path: Path) -> None:
    _write(tmp_path, "b.md", "Second")
    _write(tmp_path, "a.md", "First")
    _write(tmp_path, "2026/c.md", "Third", topic="events")
    (tmp_path / "notes.txt").write_text("not news", "utf-8")
    (tmp_path / "folder.md").mkdir()

    assert shell.run("item", "sync", str(tmp_path)).out.splitlines() == [
        "new: item 1, “Third”",
        "new: item 2, “First”",
        "new: item 3, “Second”",
        "3 new, 0 changed, 0 as they were.",
        f"They are known as files of “{tmp_path.name}”: to sync them from elsewhere, --name {tmp_path.name}.",
    ]
    assert shell.run("item", "sync", str(tmp_path)).out == "0 new, 0 changed, 3 as they were.\n"
    _write(tmp_path, "a.md", "First, mended")
    assert (
        "changed: item 2, “First, mended”\n0 new, 1 changed, 2 as they were."
        in shell.run("item", "sync", str(tmp_path)).out
    )
    assert _titles(shell) == ["Second", "First, mended", "Third"]
    assert shell.audit() == [("item sync", "3 new, 0 changed"), ("item sync", "0 new, 1 changed")]


def test_what_left_the_folder_stays_until_it_is_withdrawn(shell: Shell, tmp_path: Path) -> None:
    path = _write(tmp_path, "a.md")
    shell.run("item", "sync", str(tmp_path))
    path.unlink()

    said = shell.run("item", "sync", str(tmp_path)).out
    assert "no longer in the folder: item 1, “Rents fall”" in said
    assert "coalition item withdraw NUMBER" in said
    assert shell.run("item", "list", "--json").json[0]["withdrawn"] is None

    shell.run("item", "withdraw", "1")
    assert shell.run("item", "sync", str(tmp_path)).out == "0 new, 0 changed, 0 as they were.\n"


def test_a_withdrawn_item_does_not_come_back_with_its_file(shell: Shell, tmp_path: Path) -> None:
    _write(tmp_path, "a.md")
    shell.run("item", "sync", str(tmp_path))
    shell.run("item", "withdraw", "1")
    _write(tmp_path, "a.md", "Changed")

    shell.run("item", "sync", str(tmp_path))

    [row] = shell.run("item", "list", "--json").json
    assert (row["title"], row["withdrawn"] is None) == ("Changed", False)


def test_one_bad_file_takes_the_whole_folder_back_and_is_named(shell: Shell, tmp_path: Path) -> None:
    _write(tmp_path, "a.md")
    for text, told in (
        ("no front matter", "starts with `---`"),
        ("---\ntitle: x\ntopic: nowhere\n---\nText.\n", "no such topic"),
        ("---\ntitle: x\ntopic: housing\npublished: 9999-01-01\n---\nText.\n", "in the future"),
    ):
        (tmp_path / "z.md").write_text(text, "utf-8")
        line = shell.refused("item", "sync", str(tmp_path))
        assert "z.md: " in line
        assert told in line

    assert (_titles(shell), shell.audit()) == ([], [])


def test_a_file_that_moved_to_another_topic_is_named(shell: Shell, tmp_path: Path) -> None:
    _write(tmp_path, "a.md")
    shell.run("item", "sync", str(tmp_path))
    _write(tmp_path, "a.md", topic="events")

    line = shell.refused("item", "sync", str(tmp_path))

    assert line.startswith("a.md: ")
    assert "stays in its topic" in line


def test_a_changed_file_cancels_the_plan_that_has_it(shell: Shell, tmp_path: Path) -> None:
    a_subscriber(shell.house)
    _write(tmp_path, "a.md")
    _write(tmp_path, "b.md", "More")
    shell.run("item", "sync", str(tmp_path))
    issue = shell.house.plan()

    assert "cancelled" not in shell.run("item", "sync", str(tmp_path)).out
    _write(tmp_path, "a.md", "Rents rise")
    _write(tmp_path, "b.md", "Less")
    said = shell.run("item", "sync", str(tmp_path)).out

    assert said.count(f"Issue {issue} was planned with it and is cancelled") == 1
    assert shell.run("digest", "list", "--json").json[0]["state"] == "cancelled"


def test_folders_of_equal_names_are_told_apart_by_a_name_of_their_own(shell: Shell, tmp_path: Path) -> None:
    for place, title in (("here", "One"), ("there", "Two")):
        _write(tmp_path / place / "news", "a.md", title)
    shell.run("item", "sync", str(tmp_path / "here" / "news"))

    said = shell.run("item", "sync", str(tmp_path / "there" / "news"), "--name", "other").out

    assert "1 new, 0 changed, 0 as they were.\nThey are known as files of “other”" in said
    assert _titles(shell) == ["Two", "One"]
    for bad in ("", "a/b", "x" * 61):
        assert "--name" in shell.refused("item", "sync", str(tmp_path / "here"), "--name", bad)


def test_a_dry_run_tells_what_a_folder_would_change_and_changes_nothing(shell: Shell, tmp_path: Path) -> None:
    a_subscriber(shell.house)
    _write(tmp_path, "a.md")
    shell.run("item", "sync", str(tmp_path))
    issue = shell.house.plan()
    _write(tmp_path, "a.md", "Rents rise")
    _write(tmp_path, "b.md", "More")
    before = shell.audit()

    for _ in range(2):
        assert shell.run("item", "sync", str(tmp_path), "--dry-run").out.splitlines() == [
            "new: item 2, “More”",
            "changed: item 1, “Rents rise”",
            "1 new, 1 changed, 0 as they were.",
            f"Issue {issue}, with something that has changed, would be cancelled.",
            "Nothing was changed: this was a dry run.",
        ]

    assert (_titles(shell), shell.audit()) == (["Rents fall"], before)
    assert shell.run("digest", "list", "--json").json[0]["state"] == "planned"
    shell.house.send(issue)
    said = shell.run("item", "sync", str(tmp_path), "--dry-run").out
    assert f"Issue {issue}, with something that has changed, is sending and stays as it is." in said


def test_a_dry_run_refuses_what_a_real_one_would(shell: Shell, tmp_path: Path) -> None:
    _write(tmp_path, "a.md", topic="nowhere")

    assert "a.md: There is no such topic" in shell.refused("item", "sync", str(tmp_path), "--dry-run")

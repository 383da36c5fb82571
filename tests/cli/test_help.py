"""Help: every command explains itself in a sentence and shows a line to copy that would be taken."""

import shlex
from collections.abc import Iterator
from inspect import cleandoc

import click
import pytest
from click.testing import CliRunner

from coalition.cli import main


def _leaves(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        for name, each in command.commands.items():
            yield from _leaves(each, (*path, name))
    else:
        yield path, command


LEAVES = dict(_leaves(main))
GROUPS = sorted({path[:-1] for path in LEAVES})


def _help(path: tuple[str, ...]) -> str:
    result = CliRunner().invoke(main, [*path, "--help"], prog_name="coalition", env={"COALITION_HOME": "/nonexistent"})
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_has_an_example_that_the_command_would_take(path: tuple[str, ...]) -> None:
    command = LEAVES[path]
    [example] = [block for block in cleandoc(command.help or "").split("\n\n") if "Example:" in block]
    words = shlex.split(" ".join(example.split()).replace("Example: ", ""))

    assert words[: len(path) + 1] == ["coalition", *path]
    arguments = words[len(path) + 1 :]
    taken = {option for each in command.params for option in each.opts}
    assert {word for word in arguments if word.startswith("--")} <= taken
    needed = [each for each in command.params if isinstance(each, click.Argument) and each.required]
    assert len([word for word in arguments if not word.startswith("--")]) >= len(needed)
    assert f"Example: coalition {' '.join(path)}" in " ".join(_help(path).split())


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_begins_with_a_sentence(path: tuple[str, ...]) -> None:
    first = " ".join(cleandoc(LEAVES[path].help or "").split("\n\n")[0].split())

    assert first[0].isupper()
    assert first.endswith(".")


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_option_says_what_it_does(path: tuple[str, ...]) -> None:
    silent = [each.name for each in LEAVES[path].params if isinstance(each, click.Option) and not each.help]

    assert silent == []


@pytest.mark.parametrize("path", GROUPS, ids=lambda path: " ".join(path) or "coalition")
def test_a_group_lists_its_commands(path: tuple[str, ...]) -> None:
    said = _help(path)

    for leaf in LEAVES:
        if leaf[: len(path)] == path:
            assert leaf[len(path)] in said


@pytest.mark.parametrize("words", [["nonsense"], ["topic", "nonsense"], ["topic", "add"], ["digest", "plan", "yearly"]])
def test_a_mistyped_command_ends_with_2_and_says_where_help_is(words: list[str]) -> None:
    result = CliRunner().invoke(main, words, prog_name="coalition")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Error: " in result.stderr


@pytest.mark.parametrize("words", [["topic", "edit", "housing"], ["form", "edit", "main"]], ids=" ".join)
def test_a_command_that_would_change_nothing_says_so(words: list[str]) -> None:
    result = CliRunner().invoke(main, words, prog_name="coalition", env={"COALITION_HOME": "/nonexistent"})

    assert result.exit_code == 2
    assert "Error: Nothing to change" in result.stderr

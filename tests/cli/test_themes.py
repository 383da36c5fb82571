"""What is wrong with a theme is told at start, by its place, before anything is shown or sent."""

from pathlib import Path

from tests.cli.shell import program


def test_colours_that_nobody_can_read_by_are_told_at_start(tmp_path: Path) -> None:
    (tmp_path / "instance").mkdir()
    (tmp_path / "instance" / "community.toml").write_text('[theme.light]\nmuted = "#999999"\n[theme]\nmark = "x.svg"\n')

    said = program("run", folder=tmp_path)

    assert (said.code, said.out) == (2, "")
    assert said.err.splitlines() == [
        "community.toml: theme.light.muted (#999999) on paper (#f7f2e9) has a contrast of 2.5;"
        ' letters and pages need 4.5. muted = "#6f6f6f" would do.',
        "community.toml: theme.mark: there is no file x.svg beside community.toml.",
    ]

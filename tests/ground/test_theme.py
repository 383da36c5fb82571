"""Themes: a palette that people can't read by is refused in words that say what to change."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coalition.community import Community, read_community
from coalition.theme import Palette, contrast, mix
from tests.themes import LOOK, MARK, OURS, THEIRS, wear

ROLES = tuple(Palette.__dataclass_fields__)


def _read(tmp_path: Path, text: str) -> tuple[Community, list[str]]:
    path = tmp_path / "community.toml"
    path.write_text(text, "utf-8")
    return read_community(path)


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        # Known from the explanations of WCAG and from the contrast checkers that people use.
        ("#000000", "#ffffff", 21),
        ("#767676", "#ffffff", 4.54),
        ("#777777", "#ffffff", 4.48),
        ("#949494", "#ffffff", 3.03),
        ("#0000ff", "#ffffff", 8.59),
        ("#ff0000", "#ffffff", 4.00),
        ("#00ff00", "#ffffff", 1.37),
        ("#595959", "#ffffff", 7.00),
        ("#123456", "#123456", 1),
    ],
)
def test_contrast_is_measured_as_wcag_says(one: str, other: str, ratio: float) -> None:
    assert round(contrast(one, other), 2) == ratio
    assert contrast(one, other) == contrast(other, one)


def test_between_two_colours_lies_a_third() -> None:
    assert mix("#000000", "#ffffff", 0) == "#000000"
    assert mix("#000000", "#ffffff", 1) == "#ffffff"
    assert mix("#102030", "#304050", 0.5) == "#203040"


def test_the_samples_colours_are_those_of_a_file_that_says_nothing(tmp_path: Path) -> None:
    theme = _read(tmp_path, "")[0].theme

    found = {colour for palette in (theme.light, theme.dark) for colour in (getattr(palette, role) for role in ROLES)}
    assert found == OURS
    assert theme.mark is None


def test_another_palette_is_taken_over_and_a_colour_left_out_stays_the_samples(tmp_path: Path) -> None:
    theme = wear(tmp_path).theme
    assert (theme.light.accent, theme.dark.accent) == ("#7a1fa2", "#ffd54f")

    community, faults = _read(tmp_path, '[theme.light]\naccent = "#7A1FA2"\n')
    assert faults == []
    assert community.theme.light.accent == "#7a1fa2"
    assert {community.theme.light.paper, community.theme.dark.accent} <= OURS


def test_a_pair_too_close_is_told_with_the_nearest_colour_that_would_do(tmp_path: Path) -> None:
    community, faults = _read(tmp_path, '[theme.light]\nmuted = "#999999"\npaper = "#f7f2e9"\n')

    assert faults == [
        "community.toml: theme.light.muted (#999999) on paper (#f7f2e9) has a contrast of 2.5;"
        ' letters and pages need 4.5. muted = "#6f6f6f" would do.'
    ]
    assert community == _read(tmp_path, "")[0]


@pytest.mark.parametrize(
    ("table", "role", "colour", "needed"),
    [
        ("light", "ink", "#8a8a8a", 4.5),
        ("light", "muted", "#8a8a8a", 4.5),
        ("light", "accent", "#ff8800", 4.5),
        ("light", "on_accent", "#8a8a8a", 4.5),
        ("light", "signal", "#ff0000", 4.5),
        ("light", "edge", "#bbbbbb", 3),
        ("dark", "ink", "#666666", 4.5),
        ("dark", "muted", "#666666", 4.5),
        ("dark", "accent", "#1f5c4d", 4.5),
        ("dark", "on_accent", "#ffffff", 4.5),
        ("dark", "signal", "#a4481f", 4.5),
        ("dark", "edge", "#444444", 3),
    ],
)
def test_every_role_is_measured_in_both_schemes(
    table: str, role: str, colour: str, needed: float, tmp_path: Path
) -> None:
    faults = _read(tmp_path, f'[theme.{table}]\n{role} = "{colour}"\n')[1]

    [fault] = [each for each in faults if f"theme.{table}.{role} " in each]
    assert re.search(rf"need {needed:g}\. {role} = \"#[0-9a-f]{{6}}\" would do\.$", fault)
    [better] = re.findall(r'= "(.*)" would', fault)
    assert f"theme.{table}.{role} " not in str(_read(tmp_path, f'[theme.{table}]\n{role} = "{better}"\n')[1])


@pytest.mark.parametrize("ground", ["paper", "sheet"])
def test_a_ground_that_nothing_stands_out_from_is_told_for_each_colour_on_it(ground: str, tmp_path: Path) -> None:
    faults = _read(tmp_path, f'[theme.light]\n{ground} = "#767676"\n')[1]

    assert {re.findall(r"theme\.light\.(\w+)", fault)[0] for fault in faults} >= {"ink", "muted", "accent", "signal"}
    assert all("#767676" in fault or "the ground of" in fault for fault in faults)


def test_a_hairline_may_be_as_faint_as_it_likes(tmp_path: Path) -> None:
    assert _read(tmp_path, '[theme.light]\nline = "#fffdf9"\n')[1] == []


def test_what_just_fails_is_not_rounded_up(tmp_path: Path) -> None:
    [fault] = _read(tmp_path, '[theme.light]\npaper = "#ffffff"\nsheet = "#ffffff"\nmuted = "#777777"\n')[1]

    assert "has a contrast of 4.4; letters and pages need 4.5." in fault


@pytest.mark.parametrize(
    "value",
    [
        '"red; } body{"',
        '"red"',
        '"#fff"',
        '"#1f5c4d; background: url(https://evil.example)"',
        '"#1f5c4dff"',
        '"#1f5c4\\n"',
        '"#12345g"',
        '"#\\uff11\\uff12\\uff13\\uff14\\uff15\\uff16"',
        '"{{ community }}"',
        '""',
        "0",
        "[]",
        "true",
        "{ red = 1 }",
    ],
)
@pytest.mark.parametrize("table", ["light", "dark"])
def test_what_is_no_colour_never_reaches_a_style_sheet(table: str, value: str, tmp_path: Path) -> None:
    community, faults = _read(tmp_path, f"[theme.{table}]\naccent = {value}\n")

    assert len(faults) == 1
    assert faults[0].startswith(("community.toml: theme.", "community.toml: [theme."))
    assert faults[0].isprintable()
    assert community == _read(tmp_path, "")[0]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[theme.ligth]\nink = "#000000"\n', "[theme.ligth] is not a table of Coalition."),
        ('[theme.light]\ninc = "#000000"\n', "theme.light.inc is not a setting."),
        ('[theme]\naccent = "#000000"\n', "theme.accent is not a setting."),
        ("[theme]\nlight = 3\n", "theme.light is not a setting."),
        ("theme = 3\n", "[theme] is not a table of Coalition."),
        ("[theme]\nmark = 3\n", "theme.mark is not one line of text."),
    ],
)
def test_a_typing_error_in_a_theme_is_told(text: str, told: str, tmp_path: Path) -> None:
    assert _read(tmp_path, text)[1] == [f"community.toml: {told}"]


_COLOURS = st.from_regex(r"#[0-9a-f]{6}", fullmatch=True)


@given(light=st.fixed_dictionaries({}, optional=dict.fromkeys(ROLES, _COLOURS)))
@settings(max_examples=30, deadline=None)
def test_whatever_colours_are_given_those_in_use_can_be_read_by(
    light: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = "[theme.light]\n" + "".join(f'{role} = "{colour}"\n' for role, colour in light.items())

    community, faults = _read(tmp_path_factory.mktemp("theme"), text)

    found = community.theme.light
    assert bool(faults) is any(getattr(found, role) != colour for role, colour in light.items())
    assert all(fault.startswith("community.toml: theme.light.") for fault in faults)
    for role, grounds in {"ink": ("paper", "sheet"), "muted": ("paper", "sheet"), "on_accent": ("accent",)}.items():
        assert all(contrast(getattr(found, role), getattr(found, ground)) >= 4.5 for ground in grounds)
    assert contrast(found.edge, found.sheet) >= 3


def test_the_example_of_the_readme_loads(tmp_path: Path) -> None:
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    [example] = re.findall(r"```\n(\[theme\].*?)```", readme, re.DOTALL)
    (tmp_path / "mark.svg").write_text(MARK, "utf-8")

    community, faults = _read(tmp_path, example)

    assert faults == []
    assert community.theme.light.accent != _read(tmp_path, "")[0].theme.light.accent


def test_the_second_look_of_the_tests_shares_no_colour_with_the_sample() -> None:
    assert not OURS & THEIRS
    assert len(THEIRS) == LOOK.count("#")

"""The colours of letters, computed: WCAG 2.2 AA (standards H4) on light and on dark screens, in every theme."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from coalition.mail.letters import Letters
from coalition.paths import TEMPLATES
from tests.mail.desk import KINDS, WITH_HTML, Desk, part
from tests.mail.reading import declarations, rules
from tests.themes import OURS, THEIRS, wear

Rules = list[tuple[list[str], dict[str, str]]]

# What is written on what: the selector with the colour, the selector with the ground under it.
WRITING = [
    ("body", "body"),
    ("body", ".paper"),
    (".inner", ".sheet"),
    ("h1", ".sheet"),
    ("h2", ".sheet"),
    ("h3", ".sheet"),
    ("h4", ".sheet"),
    (".foot", ".sheet"),
    (".note", ".sheet"),
    (".first", ".sheet"),
    ("a", ".sheet"),
    (".button", ".key"),
]


@pytest.fixture(params=["sample", "other"])
def dressed(request: pytest.FixtureRequest, desk: Desk, tmp_path: Path) -> Desk:
    """The desk, in each theme."""
    return desk if request.param == "sample" else desk.with_community(wear(tmp_path))


@pytest.fixture
def light(dressed: Desk) -> Rules:
    """The rules that are put into the elements."""
    return rules(_sheet(dressed, "letter.css"))


@pytest.fixture
def dark(dressed: Desk, light: Rules) -> Rules:
    """The same, and those that a dark screen puts above them."""
    found = re.findall(r"dark\) \{(.*?)\n\}", _sheet(dressed, "screens.css"), re.DOTALL)
    return [*light, *rules(found[0])]


@pytest.mark.parametrize(("writing", "ground"), WRITING)
def test_writing_stands_out_from_its_ground(writing: str, ground: str, light: Rules, dark: Rules) -> None:
    for sheet in (light, dark):
        assert _contrast(_find(sheet, writing, "color"), _find(sheet, ground, "background-color")) >= 4.5


def test_a_dark_screen_changes_every_colour_that_a_light_one_sets(light: Rules, dark: Rules) -> None:
    for selectors, found in light:
        for selector in selectors:
            for name in {"color", "background-color"} & set(found):
                assert _find(dark, selector, name) != found[name], f"{selector} {name}"


def test_the_sheets_of_a_letter_use_only_what_mail_programs_know(light: Rules) -> None:
    for selectors, found in light:
        assert all(re.fullmatch(r"[a-z0-9.]+( [a-z0-9]+)?", selector) for selector in selectors)
        assert found.get("display") in {None, "inline-block"}
        assert not {"visibility", "position", "float", "opacity"} & set(found)
        assert not re.search(r"url|var\(|calc\(|#[0-9a-f]{8}|rgba", str(found))


def test_a_button_is_tall_enough_for_a_finger(light: Rules) -> None:
    html = (TEMPLATES / "mail" / "parts" / "button.html").read_text("utf-8")
    [button] = [found for selectors, found in light if selectors == [".button"]]

    assert 'class="button"' in html
    padding = [float(each.removesuffix("px")) for each in button["padding"].split()]
    assert float(button["line-height"].removesuffix("px")) + 2 * padding[0] >= 44


@pytest.mark.parametrize("kind", WITH_HTML)
def test_a_letter_in_another_theme_holds_no_colour_of_the_samples(kind: str, desk: Desk, tmp_path: Path) -> None:
    html = part(desk.with_community(wear(tmp_path)).write(kind), "html")

    found = set(_colours(html))
    assert not found & OURS
    assert {"#0b1f3a", "#dfe8f5", "#00131f", "#ffd54f"} <= found <= THEIRS


def test_no_part_of_a_letter_names_a_colour_by_itself() -> None:
    written = {
        str(path): found for path in (TEMPLATES / "mail").rglob("*.*") if (found := [*_colours(path.read_text())])
    }

    assert written == {}


@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_carries_the_communitys_own_words(kind: str, desk: Desk, tmp_path: Path) -> None:
    envelope = desk.with_community(wear(tmp_path)).write(kind)

    for form in ("plain", "html") if kind in WITH_HTML else ("plain",):
        text = part(envelope, form)
        assert text.count("A registered charity, no. 0000000") == 1
        assert ("We are glad that you found us." in text) is kind.startswith("confirm")
        assert ("See you on Tuesday at seven!" in text) is kind.startswith("welcome")


def test_the_measure_itself_is_right() -> None:
    assert round(_contrast("#000000", "#ffffff"), 2) == 21
    assert round(_contrast("#777777", "#ffffff"), 2) == 4.48
    assert declarations("color: #fff; ") == {"color": "#fff"}


def _sheet(desk: Desk, name: str) -> str:
    return Letters(desk.resources.config.community, desk.resources.links).template(f"parts/{name}", "en")


def _colours(text: str) -> Iterator[str]:
    return (found[0].lower() for found in re.finditer(r"#[0-9a-fA-F]{3,8}\b", text))


def _find(sheet: Rules, selector: str, name: str) -> str:
    found = [values[name] for selectors, values in sheet if selector in selectors and name in values]
    assert found, f"{selector} has no {name}"
    return found[-1].removesuffix("!important").strip()


def _contrast(one: str, other: str) -> float:
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

"""The colours of letters, computed: WCAG 2.2 AA (standards H4) on light and on dark screens."""

import re

import pytest

from coalition.paths import TEMPLATES
from tests.mail.reading import declarations, rules

PARTS = TEMPLATES / "mail" / "parts"
LIGHT = rules((PARTS / "letter.css").read_text("utf-8"))
DARK = rules(re.findall(r"dark\) \{(.*?)\n\}", (PARTS / "screens.css").read_text("utf-8"), re.DOTALL)[0])

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


@pytest.mark.parametrize("sheet", ["light", "dark"])
@pytest.mark.parametrize(("writing", "ground"), WRITING)
def test_writing_stands_out_from_its_ground(sheet: str, writing: str, ground: str) -> None:
    contrast = _contrast(_find(sheet, writing, "color"), _find(sheet, ground, "background-color"))

    assert contrast >= 4.5


def test_a_dark_screen_changes_every_colour_that_a_light_one_sets() -> None:
    for selectors, found in LIGHT:
        for selector in selectors:
            for name in {"color", "background-color"} & set(found):
                assert _find("dark", selector, name) != found[name], f"{selector} {name}"


def test_the_sheets_of_a_letter_use_only_what_mail_programs_know() -> None:
    for selectors, found in LIGHT:
        assert all(re.fullmatch(r"[a-z0-9.]+( [a-z0-9]+)?", selector) for selector in selectors)
        assert found.get("display") in {None, "inline-block"}
        assert not {"visibility", "position", "float", "opacity"} & set(found)
        assert not re.search(r"url|var\(|calc\(|#[0-9a-f]{8}|rgba", str(found))


def test_a_button_is_tall_enough_for_a_finger() -> None:
    html = (PARTS / "button.html").read_text("utf-8")
    [button] = [found for selectors, found in LIGHT if selectors == [".button"]]

    assert 'class="button"' in html
    padding = [float(each.removesuffix("px")) for each in button["padding"].split()]
    assert float(button["line-height"].removesuffix("px")) + 2 * padding[0] >= 44


def _find(sheet: str, selector: str, name: str) -> str:
    looked_at = [*LIGHT, *DARK] if sheet == "dark" else LIGHT
    found = [values[name] for selectors, values in looked_at if selector in selectors and name in values]
    assert found, f"{selector} has no {name}"
    return found[-1].removesuffix("!important").strip()


def _contrast(one: str, other: str) -> float:
    brighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_measure_itself_is_right() -> None:
    assert round(_contrast("#000000", "#ffffff"), 2) == 21
    assert round(_contrast("#777777", "#ffffff"), 2) == 4.48
    assert declarations("color: #fff; ") == {"color": "#fff"}

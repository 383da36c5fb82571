"""Every letter, opened from a file as a mail program would show it: nothing is loaded, nothing is unreadable."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.axe import violations
from tests.browser.conftest import NewPage
from tests.house import House, a_subscriber, html_of, parse

pytestmark = pytest.mark.browser


@pytest.fixture
def letters(plain_house: House, tmp_path: Path) -> dict[str, Path]:
    """A letter of each kind as a file, by its subject."""
    plain_house.publish("housing", "Rents fall", "They *really* do: see <https://example.org/a/" + "long/" * 40 + ">.")
    plain_house.publish("tools", "A better hammer", "> It is lighter.\n\n1. Lift\n2. Drop\n\n```\ncode\n```")
    plain_house.join("ada@example.org", ("housing", "tools"))
    a_subscriber(plain_house, "bob@example.org")
    plain_house.sign_up("bob@example.org")
    plain_house.browser.post("/preferences", data={"email": "ada@example.org"})
    plain_house.send(plain_house.plan(intro="Some *words* before."))
    plain_house.drain()
    files = {}
    for number, received in enumerate(plain_house.relay.received):
        letter = parse(received)
        path = tmp_path / f"{number}.html"
        path.write_text(html_of(letter), "utf-8")
        files[str(letter["subject"])] = path
    return files


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_letter_breaks_a_rule_of_accessibility(letters: dict[str, Path], new_page: NewPage, scheme: str) -> None:
    page = new_page(color_scheme=scheme)

    found = [each for path in letters.values() for each in violations(_opened(page, path))]

    # A letter is no page of a site, so it has no landmarks.
    assert [each for each in found if not each.startswith(("region ", "landmark-one-main "))] == []
    assert len(letters) == 5


def test_no_letter_loads_anything(letters: dict[str, Path], new_page: NewPage) -> None:
    page = new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    for path in letters.values():
        _opened(page, path).wait_for_load_state("networkidle")

    assert asked == [path.as_uri() for path in letters.values()]
    assert {urlsplit(url).scheme for url in asked} == {"file"}


def test_every_letter_fits_a_phone_and_its_buttons_a_thumb(letters: dict[str, Path], new_page: NewPage) -> None:
    page = new_page(viewport={"width": 320, "height": 640})

    for path in letters.values():
        _opened(page, path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        for button in page.locator("a.button").all():
            box = button.bounding_box()
            assert box is not None
            assert box["height"] >= 44


def _opened(page: Page, path: Path) -> Page:
    page.goto(path.as_uri())
    return page

"""Every page that Coalition can show, as a real browser draws it: light and dark, on a phone and on a desk."""

from typing import Literal

import pytest
from playwright.sync_api import ViewportSize

from tests.browser.axe import violations
from tests.browser.conftest import NewPage
from tests.browser.drawing import DESK, PHONE, Gallery, drawn
from tests.house import House, Template
from tests.themes import dress

pytestmark = pytest.mark.browser

Scheme = Literal["light", "dark"]
# One page of each kind of thing that has a colour.
IN_ANOTHER_THEME = {"/", "/embed/main", "errors", "press", "confirm", "confirmed", "preferences", "data", "left", "404"}

LOOKS: list[tuple[Scheme, ViewportSize]] = [("light", PHONE), ("dark", PHONE), ("dark", DESK), ("light", DESK)]


@pytest.fixture(scope="module")
def gallery(sqlite_house: Template, tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    home = tmp_path_factory.mktemp("gallery") / "home"
    house = House.move_in(home, sqlite_house, sqlite_house.copy_sqlite(home))
    try:
        return Gallery.of(house)
    finally:
        house.close()


def test_broken_rules_are_found(new_page: NewPage) -> None:
    page = new_page()
    page.set_content("<html lang='en'><title>x</title><main><h1>x</h1><p style='color: #999'>Pale.</p><input></main>")

    assert {found.split()[0] for found in violations(page)} == {"color-contrast", "label"}
    assert {found.split()[0] for found in violations(page, look_only=True)} == {"color-contrast"}


def test_no_page_breaks_a_rule_of_accessibility(gallery: Gallery, new_page: NewPage) -> None:
    page = new_page(color_scheme="light", viewport=DESK)
    broken = {}

    for name in drawn(page, gallery):
        broken[name] = violations(page)
        for scheme, size in LOOKS:
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size(size)
            broken[f"{name}, {scheme}, {size['width']}"] = violations(page, look_only=True)

    assert {name: found for name, found in broken.items() if found} == {}


def test_pages_in_another_theme_can_be_read_in_both_schemes(plain_house: House, new_page: NewPage) -> None:
    page = new_page(viewport=DESK)
    every = Gallery.of(dress(plain_house))
    some = [shown for shown in every.pages if shown.name in IN_ANOTHER_THEME or shown.name.startswith("/archive/")]
    broken = {}

    for name in drawn(page, Gallery(some, every.files)):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            broken[f"{name}, {scheme}"] = violations(page, look_only=True)

    assert len(broken) == 2 * (len(IN_ANOTHER_THEME) + 1)
    assert {name: found for name, found in broken.items() if found} == {}


def test_no_page_scrolls_sideways_on_a_phone(gallery: Gallery, new_page: NewPage) -> None:
    page = new_page(viewport=PHONE)

    wide = {name: page.evaluate("document.documentElement.scrollWidth") for name in drawn(page, gallery)}

    assert {name: width for name, width in wide.items() if width > 320} == {}


def test_no_page_asks_for_anything_that_its_own_policy_forbids(gallery: Gallery, new_page: NewPage) -> None:
    page = new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if "status of" not in message.text else None)

    names = list(drawn(page, gallery))

    assert len(names) > 40
    assert complaints == []
